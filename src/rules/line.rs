//! A line that is being read, word by word.

use std::ops::Range;

use super::error::Fault;
use super::token::Token;

/// The words of a line that are still to be read.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    words: &'a [Token],
    /// Where the last of its words ends.
    end: usize,
}

impl<'a> Line<'a> {
    pub(super) fn new(words: &'a [Token]) -> Self {
        Self { words, end: words.last().map_or(0, |last| last.span.end) }
    }

    /// The next word, which stays.
    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.words.first()
    }

    /// The next word; a fault that asks for what is `expected` when there is none.
    pub(super) fn next(&mut self, expected: &str) -> Result<&'a Token, Fault> {
        let (first, rest) = self
            .words
            .split_first()
            .ok_or_else(|| Fault::new(self.end..self.end, "the line ends here", expected))?;
        self.words = rest;
        Ok(first)
    }

    /// The next word, if it `is` so.
    pub(super) fn next_if(&mut self, is: impl FnOnce(&Token) -> bool) -> Option<&'a Token> {
        let first = self.peek().filter(|token| is(token))?;
        self.words = &self.words[1..];
        Some(first)
    }

    /// The words up to the first that is this keyword, which is taken too; none when there is none.
    pub(super) fn until(&mut self, keyword: &str) -> Option<Self> {
        let at = self.words.iter().position(|token| token.is(keyword))?;
        let (before, rest) = self.words.split_at(at);
        self.words = &rest[1..];
        Some(Line { words: before, end: rest[0].span.start })
    }

    /// Takes all that is left; where it is written.
    pub(super) fn rest_span(&mut self) -> Range<usize> {
        let start = self.peek().map_or(self.end, |first| first.span.start);
        self.words = &[];
        start..self.end
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &'a [Token] {
        std::mem::take(&mut self.words)
    }
}
