//! The conditions of lines: terms, which are acls by name or criteria in braces.

use super::{Compiler, end};
use crate::rules::absent_words;
use crate::rules::condition::{Condition, Term};
use crate::rules::criterion::Criterion;
use crate::rules::error::{LineFault, named};
use crate::rules::line::Line;
use crate::rules::place::{Places, unseen};
use crate::rules::predefined;
use crate::rules::section::name_of;
use crate::rules::suggest::suggest;
use crate::rules::token::{Token, tokens};

impl Compiler<'_> {
    /// Reads `if ...` or `unless ...`, up to the end of the line.
    pub(super) fn condition(
        &mut self,
        line: &mut Line<'_>,
        place: Places,
    ) -> Result<Option<Condition>, LineFault> {
        let Some(word) = line.next_if(|token| token.is("if") || token.is("unless")) else {
            end(line, "`if`, `unless`, or the end of the line")?;
            return Ok(None);
        };
        let mut any_of = Vec::new();
        let mut group = Vec::new();
        loop {
            let token = line.next("the name of an acl, or `{`")?;
            if is_or(token) {
                let problem = format!("nothing is in front of {}", named(&token.word));
                return Err(LineFault::new(
                    token.span.clone(),
                    problem,
                    "a condition on either side",
                ));
            }
            group.push(self.term(token, line, place)?);
            match line.next_if(is_or) {
                Some(_) => any_of.push(std::mem::take(&mut group).into()),
                None if line.peek().is_none() => break,
                None => {}
            }
        }
        any_of.push(group.into());
        Ok(Some(Condition { negated: word.is("unless"), any_of: any_of.into() }))
    }

    /// Reads a term that begins with `token`.
    fn term<'l>(
        &mut self,
        token: &'l Token,
        line: &mut Line<'l>,
        place: Places,
    ) -> Result<Term, LineFault> {
        let (mut token, mut marks) = (token, negations(token));
        let mut negated = marks % 2 == 1;
        // A `!` that stands alone negates what follows it.
        while marks > 0 && marks == token.word.len() {
            token = line.next("what is negated")?;
            marks = negations(token);
            negated ^= marks % 2 == 1;
        }
        let subject = Token {
            word: token.word[marks..].to_vec(),
            span: token.span.start + marks..token.span.end,
            quoted: token.quoted,
        };
        let acl = if subject.is("{") {
            self.inline(&subject, line, place)?
        } else {
            self.named(subject, place)?
        };
        Ok(Term { negated, acl })
    }

    /// Reads a criterion in braces.
    fn inline(
        &mut self,
        brace: &Token,
        line: &mut Line<'_>,
        place: Places,
    ) -> Result<usize, LineFault> {
        let Some(mut inside) = line.braced() else {
            let expected = "a `}`, with a blank in front of it";
            return Err(LineFault::new(brace.span.clone(), "this brace is not closed", expected));
        };
        let criterion = Criterion::parse(&mut inside, self.context())?;
        let seen = criterion.test.expression.places();
        if !seen.contains(place) {
            let word = named(&criterion.word.word);
            return Err(unseen(&criterion.word, &word, seen));
        }
        let span = criterion.word.span.clone();
        let index = self.new_acl();
        self.add(index, criterion);
        self.usage.ask_acl(index, place, self.line, span);
        Ok(index)
    }

    /// The index of the acl with the name in `token`.
    fn named(&mut self, token: Token, place: Places) -> Result<usize, LineFault> {
        let name = token.text().unwrap_or_default();
        let known = self.names.get(name).copied();
        let known = match known {
            Some(acl) => Some(acl),
            None => self.predefined(name)?,
        };
        if let Some(acl) = known {
            self.usage.ask_acl(acl, place, self.line, token.span);
            return Ok(acl);
        }
        Err(self.no_acl(&token))
    }

    /// The acl that needs no line, where `name` is one.
    fn predefined(&mut self, name: &str) -> Result<Option<usize>, LineFault> {
        let Some(known) = predefined::ACLS.iter().find(|acl| acl.name == name) else {
            return Ok(None);
        };
        let words = tokens(known.criterion)?;
        let criterion = Criterion::parse(&mut Line::new(&words), self.context())?;
        let index = self.new_acl();
        self.add(index, criterion);
        Ok(Some(index))
    }

    fn no_acl(&self, token: &Token) -> LineFault {
        let name = token.text().unwrap_or_default();
        let fault = |problem, expected: &str| LineFault::new(token.span.clone(), problem, expected);
        let problem = format!("there is no acl {}", named(&token.word));
        if let Some(instead) = absent_words::absent_acl(name) {
            return LineFault::advising(token.span.clone(), problem, instead);
        }
        match name {
            "and" | "&&" => {
                fault(problem, "nothing: what stands side by side has to hold together")
            }
            _ if is_or(token) => {
                let problem = format!("nothing is negated in front of {}", named(&token.word));
                fault(problem, "a condition behind `!`")
            }
            _ if token.is("if") || token.is("unless") => {
                let problem = format!("{} is in a condition already", named(&token.word));
                fault(problem, "`or`, or nothing: what stands side by side has to hold together")
            }
            _ if token.is("}") => fault("this brace was not opened".to_owned(), "a `{` in front"),
            _ if !token.quoted && name.starts_with('{') => fault(problem, "a blank behind `{`"),
            _ => {
                let expected = match name_of(token) {
                    Err(_) => "the name of an acl, or a criterion in braces".to_owned(),
                    Ok(name) => {
                        let line = named(format!("acl {name} ...").as_bytes());
                        format!("a line {line} above, or a criterion in braces")
                    }
                };
                let predefined = predefined::ACLS.iter().map(|acl| acl.name);
                let known = self.names.keys().map(String::as_str).chain(predefined);
                fault(problem, &expected).near(suggest(name, known))
            }
        }
    }
}

/// How many `!` a word begins with.
fn negations(token: &Token) -> usize {
    if token.quoted { 0 } else { token.word.iter().take_while(|byte| **byte == b'!').count() }
}

fn is_or(token: &Token) -> bool {
    token.is("or") || token.is("||")
}
