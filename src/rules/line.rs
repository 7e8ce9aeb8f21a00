//! A line that is being read, word by word.

use std::borrow::Cow;
use std::ops::Range;

use super::error::{LineFault, named};
use super::token::Token;

/// The words of a line that are still to be read.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    words: &'a [Token],
    /// Where the line ends.
    end: usize,
    /// The clause of a fault that says that the line ends too early.
    ends: &'static str,
}

impl<'a> Line<'a> {
    pub(super) fn new(words: &'a [Token]) -> Self {
        let end = words.last().map_or(0, |last| last.span.end);
        Self { words, end, ends: "the line ends here" }
    }

    /// The next word, without taking it.
    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.words.first()
    }

    /// The next word; a fault that asks for what is `expected` when there is none.
    pub(super) fn next(&mut self, expected: &str) -> Result<&'a Token, LineFault> {
        let (first, rest) = self.words.split_first().ok_or_else(|| self.ended(expected))?;
        self.words = rest;
        Ok(first)
    }

    /// The word of an expression, which goes on behind a comma and a blank.
    pub(super) fn expression(&mut self) -> Result<Cow<'a, Token>, LineFault> {
        let goes_on = |token: &Token| !token.quoted && token.word.ends_with(b",");
        let mut token = Cow::Borrowed(self.next("what is asked for, such as `src`")?);
        while goes_on(&token)
            && let Some(more) = self.next_if(|_| true)
        {
            let whole = token.to_mut();
            whole.word.extend_from_slice(&more.word);
            whole.quoted |= more.quoted;
            whole.span.end = more.span.end;
        }
        Ok(token)
    }

    /// The fault that asks for what is `expected` where the line ends.
    pub(super) fn ended(&self, expected: &str) -> LineFault {
        LineFault::new(self.end..self.end, self.ends, expected)
    }

    /// Takes this keyword, which has to be next.
    pub(super) fn word(&mut self, keyword: &str, expected: &str) -> Result<(), LineFault> {
        let token = self.next(expected)?;
        if token.is(keyword) {
            return Ok(());
        }
        let problem = format!("{} has no place here", named(&token.word));
        Err(LineFault::new(token.span.clone(), problem, expected))
    }

    /// The next word, if it `is` so.
    pub(super) fn next_if(&mut self, is: impl FnOnce(&Token) -> bool) -> Option<&'a Token> {
        let first = self.peek().filter(|token| is(token))?;
        self.words = &self.words[1..];
        Some(first)
    }

    /// The words up to the first closing brace, which is taken too; none when there is none.
    pub(super) fn braced(&mut self) -> Option<Self> {
        let at = self.words.iter().position(|token| token.is("}"))?;
        let (before, rest) = self.words.split_at(at);
        self.words = &rest[1..];
        Some(Line { words: before, end: rest[0].span.start, ends: "the criterion ends here" })
    }

    /// Takes all that is left, and returns where it is written.
    pub(super) fn rest_span(&mut self) -> Range<usize> {
        let start = self.peek().map_or(self.end, |first| first.span.start);
        self.words = &[];
        start..self.end
    }

    /// Takes all that is left, as a line of its own.
    pub(super) fn rest(&mut self) -> Self {
        Self { words: std::mem::take(&mut self.words), ..*self }
    }

    /// The words that are left, without taking them.
    pub(super) const fn words(&self) -> &'a [Token] {
        self.words
    }
}
