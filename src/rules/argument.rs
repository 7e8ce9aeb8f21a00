//! What stands in brackets behind a word: its argument.

use std::ops::RangeInclusive;

use super::error::{LineFault, named};
use super::fetch::Fetch;
use super::pattern;
use super::progress::{SLOTS, TrackSlot};
use super::tables::Tables;
use super::token::Token;
use crate::table::{DataType, KeyForm};

/// A word and what stands in brackets behind it.
pub(super) struct Argument<'a> {
    token: &'a Token,
    /// The word in front of the brackets.
    pub(super) word: &'a str,
    /// What is in them; none when there are none.
    inside: Option<&'a str>,
}

impl<'a> Argument<'a> {
    /// Splits `word(argument)` into the word and its argument.
    pub(super) fn of(token: &'a Token) -> Result<Self, LineFault> {
        let fault =
            |problem: String, expected| LineFault::new(token.span.clone(), problem, expected);
        let Some(text) = token.text() else {
            return Err(fault(format!("{} is no text", named(&token.word)), "a word in UTF-8"));
        };
        let Some((word, rest)) = text.split_once('(') else {
            return Ok(Self { token, word: text, inside: None });
        };
        // A converter may follow the brackets. It must be refused here, since looking up the word
        // would not find it.
        let Some((inside, behind)) = rest.rsplit_once(')') else {
            let problem = format!("the bracket in {} is not closed", named(&token.word));
            return Err(fault(problem, "a `)`, and no blank before it"));
        };
        if !behind.is_empty() {
            let problem = format!("{} goes on behind its bracket", named(&token.word));
            return Err(fault(problem, "a blank: values are not converted here"));
        }
        Ok(Self { token, word, inside: Some(inside.trim()) })
    }

    /// A fault in what is in the brackets.
    fn fault(&self, problem: impl Into<String>, expected: impl Into<String>) -> LineFault {
        LineFault::new(self.token.span.clone(), problem, expected)
    }

    /// What is in the brackets; empty brackets count as none.
    fn given(&self) -> Option<&'a str> {
        self.inside.filter(|inside| !inside.is_empty())
    }

    /// `value`; a fault when there is something in brackets.
    pub(super) fn none<T>(&self, value: T) -> Result<T, LineFault> {
        match self.given() {
            None => Ok(value),
            Some(inside) => {
                let problem = format!("`{}` takes nothing in brackets", self.word);
                let brackets = named(format!("({inside})").as_bytes());
                Err(self.fault(problem, format!("`{}` without {brackets}", self.word)))
            }
        }
    }

    /// A number within `range`.
    pub(super) fn number(&self, range: RangeInclusive<u64>) -> Result<u64, LineFault> {
        let number = self.given().and_then(pattern::number_or_hex);
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            let problem = format!("`{}` needs a number in brackets", self.word);
            let (first, last) = (range.start(), range.end());
            self.fault(problem, format!("`{}({first})` to `{}({last})`", self.word, self.word))
        })
    }

    /// The number of a slot.
    pub(super) fn slot(&self) -> Result<TrackSlot, LineFault> {
        let number = self.number(0..=SLOTS as u64 - 1)?;
        TrackSlot::new(number).ok_or_else(|| self.fault("there is no such slot", "0, 1 or 2"))
    }

    /// A name.
    pub(super) fn name(&self) -> Result<Box<str>, LineFault> {
        self.given().map(Into::into).ok_or_else(|| {
            let problem = format!("`{}` needs a name in brackets", self.word);
            self.fault(problem, format!("`{}(NAME)`", self.word))
        })
    }

    /// The whole subject of a certificate, or its common name.
    pub(super) fn subject(&self) -> Result<Fetch, LineFault> {
        match self.given() {
            None => Ok(Fetch::Subject),
            Some(part) if part.eq_ignore_ascii_case("cn") => Ok(Fetch::CommonName),
            Some(_) => {
                let problem = format!("`{}` knows no such part of a subject", self.word);
                Err(self.fault(problem, "`cn` in the brackets, or nothing"))
            }
        }
    }

    /// A look-up of the source's entry in the table that is named, or else in the default one.
    pub(super) fn look_up(&self, data: DataType, tables: &Tables) -> Result<Fetch, LineFault> {
        let table = tables.find(self.given(), &self.token.span)?;
        let config = table.config();
        if config.kind.form() != KeyForm::Ip {
            let (name, kind) = (named(config.name.as_bytes()), config.kind.name());
            let problem = format!("table {name} has keys of type {kind}, and a source is an IP");
            return Err(self.fault(problem, "a table of type ip or ipv6"));
        }
        if !table.stores(data) {
            let name = named(config.name.as_bytes());
            let problem = format!("table {name} does not store {}", data.name());
            return Err(self.fault(problem, "what its `store` lists"));
        }
        Ok(Fetch::LookUp(table, data))
    }
}
