//! Filters: limits of bandwidth that rules set by name.

use super::error::{LineFault, named};
use super::facts::LimitedDirection;
use super::line::Line;
use super::section::name_of;
use super::suggest::suggest;
use super::token::{Token, not_a_time};
use crate::table::{size, time};

/// A line `filter bwlim-in` or `filter bwlim-out`.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    name: Box<str>,
    pub(super) direction: LimitedDirection,
    pub(super) bytes: u64,
    pub(super) period: u64,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Filters(Vec<Filter>);

const KINDS: [(&str, LimitedDirection); 2] =
    [("bwlim-in", LimitedDirection::Incoming), ("bwlim-out", LimitedDirection::Outgoing)];

impl Filters {
    /// Reads what is behind `filter`.
    pub(super) fn read(&mut self, line: &mut Line<'_>) -> Result<(), LineFault> {
        let token = line.next("`bwlim-in` or `bwlim-out`")?;
        let Some((_, direction)) = KINDS.iter().find(|(name, _)| token.is(name)) else {
            let problem = format!("{} is no filter here", named(&token.word));
            return Err(LineFault::new(token.span.clone(), problem, "`bwlim-in` or `bwlim-out`"));
        };
        let token = line.next("a name")?;
        let name = name_of(token)?;
        if self.0.iter().any(|filter| *filter.name == *name) {
            let problem = format!("there is a filter {} already", named(&token.word));
            return Err(LineFault::new(token.span.clone(), problem, "one filter of each name"));
        }
        let (mut limit, mut period, mut least) = (None, None, None);
        while let Some(word) = line.next_if(|_| true) {
            if word.is("default-limit") {
                once(&mut limit, word, byte_count(line)?)?;
            } else if word.is("default-period") {
                let token = line.next("a time")?;
                let span = token.text().and_then(time).ok_or_else(|| not_a_time(token))?;
                once(&mut period, word, span)?;
            } else if word.is("min-size") {
                // How small pieces may be is the relay's business.
                once(&mut least, word, byte_count(line)?)?;
            } else {
                return Err(unknown(word));
            }
        }
        let bytes = limit.ok_or_else(|| line.ended("`default-limit SIZE`"))?;
        let period = period.ok_or_else(|| line.ended("`default-period TIME`"))?;
        self.0.push(Filter { name: name.into(), direction: *direction, bytes, period });
        Ok(())
    }

    /// The filter that `token` names.
    pub(super) fn find(&self, token: &Token) -> Result<&Filter, LineFault> {
        let name = name_of(token)?;
        self.0.iter().find(|filter| *filter.name == *name).ok_or_else(|| {
            let problem = format!("there is no filter {}", named(&token.word));
            let expected = "a line `filter bwlim-in NAME ...` or `filter bwlim-out NAME ...` above";
            let known = self.0.iter().map(|filter| &*filter.name);
            LineFault::new(token.span.clone(), problem, expected).near(suggest(name, known))
        })
    }
}

fn byte_count(line: &mut Line<'_>) -> Result<u64, LineFault> {
    let token = line.next("a number of bytes, such as `1m`")?;
    token.text().and_then(bytes).ok_or_else(|| {
        let problem = format!("{} is no number of bytes", named(&token.word));
        LineFault::new(token.span.clone(), problem, "a number, such as `100k` or `1m`")
    })
}

fn once<T>(place: &mut Option<T>, word: &Token, value: T) -> Result<(), LineFault> {
    if place.replace(value).is_some() {
        let problem = format!("{} has been said already", named(&word.word));
        return Err(LineFault::new(word.span.clone(), problem, "it once"));
    }
    Ok(())
}

fn unknown(word: &Token) -> LineFault {
    if ["limit", "key", "table"].iter().any(|known| word.is(known)) {
        let problem = "a limit that several connections share is not here";
        let advice = "`default-limit SIZE default-period TIME` limits each connection";
        return LineFault::advising(word.span.clone(), problem, advice);
    }
    let problem = format!("{} has no place here", named(&word.word));
    LineFault::new(word.span.clone(), problem, "`default-limit SIZE` and `default-period TIME`")
}

/// A number of bytes, at least 1, with `k`, `m` or `g` behind it or none.
pub(super) fn bytes(text: &str) -> Option<u64> {
    size(text).filter(|bytes| *bytes > 0)
}
