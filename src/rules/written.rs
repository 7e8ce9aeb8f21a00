//! Words with brackets behind them, as they are written in a token: `src,map_ip(file,"a b")`.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::absent_words;
use super::argument_reader::{Context, Written, WrittenArgument};
use super::converter;
use super::error::{LineFault, named};
use super::expression::{Conversion, Expression};
use super::fetch::Fetch;
use super::key;
use super::line::Line;
use super::place::{Places, unseen};
use super::suggest::suggest;
use super::token::Token;
use super::value::ValueType;
use crate::table::Table;

/// The word of a token, and what stands in brackets behind it.
pub(super) fn word(token: &Token) -> Result<Written<'_>, LineFault> {
    let mut reader = WrittenReader { token, at: 0 };
    let word = reader.word()?;
    match reader.peek() {
        None => Ok(word),
        Some(_) => {
            let problem = format!("{} goes on behind its bracket", named(&token.word));
            Err(LineFault::new(token.span.clone(), problem, "a blank"))
        }
    }
}

/// The expression of a token: a fetch, and converters behind commas.
pub(super) fn expression(token: &Token, context: Context<'_>) -> Result<Expression, LineFault> {
    let mut reader = WrittenReader { token, at: 0 };
    let fetch = Fetch::parse(&reader.word()?, context)?;
    let mut kind = fetch.kind();
    let mut converters = Vec::new();
    while reader.comma()? {
        let written = reader.word()?;
        // Nothing between two commas converts nothing.
        if written.word.is_empty() && written.arguments.is_empty() {
            continue;
        }
        let (conversion, next) = Conversion::parse(&written, kind, context)?;
        converters.push(conversion);
        kind = next;
    }
    Ok(Expression { fetch, converters: converters.into(), kind })
}

/// The expression of a token in a line of this kind, which has to know it.
pub(super) fn known_expression(
    token: &Token,
    place: Places,
    context: Context<'_>,
) -> Result<Expression, LineFault> {
    let expression = expression(token, context)?;
    if !expression.places().contains(place) {
        return Err(unseen(token, &named(&token.word), expression.places()));
    }
    Ok(expression)
}

/// Reads `VALUE [table NAME]`: what is a key, and the table it is a key of.
pub(super) fn table_key<'l>(
    line: &mut Line<'l>,
    place: Places,
    context: Context<'_>,
) -> Result<(Cow<'l, Token>, Expression, Arc<Table>), LineFault> {
    let token = line.expression()?;
    let expression = known_expression(&token, place, context)?;
    let (name, span) = match line.next_if(|token| token.is("table")) {
        None => (None, &token.span),
        Some(_) => {
            let name = line.next("the name of a table")?;
            (Some(name.text().unwrap_or_default()), &name.span)
        }
    };
    let table = context.tables.find(name, context.section.table(), span)?;
    key::fits_table(&token, expression.kind, &table)?;
    Ok((token, expression, table))
}

struct WrittenReader<'t> {
    token: &'t Token,
    at: usize,
}

impl<'t> WrittenReader<'t> {
    fn peek(&self) -> Option<u8> {
        self.token.word.get(self.at).copied()
    }

    /// Where a part of the word is written. A word with quotes or backslashes is longer in its line than
    /// what it says, so a part of it is not known to be anywhere.
    fn span(&self, start: usize, end: usize) -> Range<usize> {
        let span = &self.token.span;
        if span.len() == self.token.word.len() {
            span.start + start..span.start + end
        } else {
            span.clone()
        }
    }

    fn fault(&self, problem: &str, expected: &str) -> LineFault {
        let problem = format!("{} {problem}", named(&self.token.word));
        LineFault::new(self.token.span.clone(), problem, expected)
    }

    /// Takes the comma in front of a converter, if there is one.
    fn comma(&mut self) -> Result<bool, LineFault> {
        match self.peek() {
            None => Ok(false),
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => {
                Err(self.fault("goes on behind its bracket", "a comma and a converter, or a blank"))
            }
        }
    }

    fn word(&mut self) -> Result<Written<'t>, LineFault> {
        let start = self.at;
        let rest = &self.token.word[start..];
        let end = rest.iter().position(|byte| matches!(byte, b'(' | b',')).unwrap_or(rest.len());
        let Ok(word) = std::str::from_utf8(&rest[..end]) else {
            return Err(self.fault("is no text", "a word in UTF-8"));
        };
        self.at += end;
        let arguments = if self.peek() == Some(b'(') { self.arguments()? } else { Vec::new() };
        Ok(Written { word, span: self.span(start, self.at), arguments })
    }

    /// What is in brackets, as many arguments as commas part: empty brackets have an empty one.
    fn arguments(&mut self) -> Result<Vec<WrittenArgument>, LineFault> {
        let mut arguments = Vec::new();
        loop {
            self.at += 1;
            let start = self.at;
            let argument = self.argument()?;
            arguments.push((argument, self.span(start, self.at)));
            if self.peek() == Some(b')') {
                self.at += 1;
                return Ok(arguments);
            }
        }
    }

    /// One argument, up to the comma or the bracket that ends it. Quotes protect both; outside of `'`, a
    /// backslash protects a quote, a blank or a backslash, and stays in front of anything else.
    fn argument(&mut self) -> Result<Vec<u8>, LineFault> {
        let mut argument = Vec::new();
        let mut quote = None;
        while let Some(byte) = self.peek() {
            match (byte, quote) {
                (b',' | b')', None) => return Ok(argument),
                (b'"' | b'\'', None) => quote = Some(byte),
                (_, Some(mark)) if mark == byte => quote = None,
                (b'\\', None | Some(b'"')) => {
                    let special = match self.token.word.get(self.at + 1) {
                        Some(b'n') => Some(b'\n'),
                        Some(b'r') => Some(b'\r'),
                        Some(b't') => Some(b'\t'),
                        Some(other @ (b'"' | b'\'' | b' ' | b'\\')) => Some(*other),
                        _ => None,
                    };
                    self.at += usize::from(special.is_some());
                    argument.push(special.unwrap_or(b'\\'));
                }
                _ => argument.push(byte),
            }
            self.at += 1;
        }
        let (problem, expected) = match quote {
            Some(_) => ("has a quotation that does not end", "a closing mark"),
            None => ("has a bracket that is not closed", "a `)`, and no blank before it"),
        };
        Err(self.fault(problem, expected))
    }
}

impl Conversion {
    /// Reads a converter behind a value of type `from`; its type with it.
    pub(super) fn parse(
        written: &Written<'_>,
        from: ValueType,
        context: Context<'_>,
    ) -> Result<(Self, ValueType), LineFault> {
        let Some(converter) = converter::all().find(|known| known.name == written.word) else {
            return Err(unknown_converter(written));
        };
        if !from.casts_to(converter.input) {
            let (name, from, to) = (converter.name, from.name(), converter.input.name());
            let problem =
                format!("`{name}` takes values of type {to}, and this one is of type {from}");
            return Err(written.fault(problem, "a value that can be cast to it"));
        }
        let arguments = written.read(converter.params, context)?;
        let kind = match converter.output {
            // What comes out is what went in, or the value of a variable.
            ValueType::Any => from,
            kind => kind,
        };
        Ok((Self { converter, arguments }, kind))
    }
}

fn unknown_converter(written: &Written<'_>) -> LineFault {
    let name = written.word;
    if let Some(instead) = absent_words::absent_converter(name) {
        let problem = format!("{} is known to HAProxy and not here", named(name.as_bytes()));
        return LineFault::advising(written.span.clone(), problem, instead);
    }
    let problem = format!("{} converts nothing", named(name.as_bytes()));
    written
        .fault(problem, "a converter such as `lower` (docs/rules.md lists them)")
        .near(suggest(name, converter::all().map(|known| known.name)))
}
