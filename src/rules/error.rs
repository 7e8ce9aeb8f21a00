//! Why a text is no set of rules, for a person to read.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// How much of a line is shown around the caret, in characters.
const SHOWN: usize = 120;
/// How many characters are shown in front of the word when the line is cut.
const SHOWN_BEFORE: usize = 40;
/// How much of a word is repeated in a sentence, in characters.
const WORD_SHOWN: usize = 60;

/// Why a text is no set of rules, and where. Displayed, it is a sentence and the line with a caret
/// below the word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// The file of values it is in; none for the rules themselves.
    pub file: Option<String>,
    /// Its line, counted from 1.
    pub line: u32,
    /// The column its word begins in, in characters, counted from 1.
    pub column: u32,
    /// The word, as it is written there; empty when one is missing at the end of the line.
    pub word: String,
    /// What is wrong, as a clause.
    pub problem: String,
    /// What would be right here; empty when the problem says that.
    pub expected: String,
    /// What to do instead, as a clause; empty when there is nothing to say.
    pub advice: String,
    /// A known word that may have been meant.
    pub suggest: Option<String>,
    /// The whole line, which all errors of a line share: one line may have thousands.
    pub source: Arc<str>,
}

/// What is wrong with a part of a line.
#[derive(Debug)]
pub(super) struct LineFault {
    /// The bytes of the line it is about.
    pub(super) span: Range<usize>,
    pub(super) problem: String,
    pub(super) expected: String,
    /// What to do instead, as a clause.
    pub(super) advice: String,
    pub(super) suggest: Option<String>,
    /// The line of a file that it is about, instead of the line of the rules.
    pub(super) elsewhere: Option<Box<Elsewhere>>,
}

/// A line of a file that rules name.
#[derive(Debug)]
pub(super) struct Elsewhere {
    pub(super) file: String,
    pub(super) line: u32,
    /// Where in the line the faulty part begins, which extends to the end of the line.
    pub(super) start: usize,
    pub(super) source: String,
}

impl LineFault {
    pub(super) fn new(
        span: Range<usize>,
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            span,
            problem: problem.into(),
            expected: expected.into(),
            advice: String::new(),
            suggest: None,
            elsewhere: None,
        }
    }

    /// A fault with what to do instead.
    pub(super) fn advising(
        span: Range<usize>,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { advice: advice.into(), ..Self::new(span, problem, "") }
    }

    pub(super) fn near(mut self, suggest: Option<&str>) -> Self {
        self.suggest = suggest.map(str::to_owned);
        self
    }

    /// The fault, with the line it is in.
    pub(super) fn at(self, line: u32, source: impl Into<Arc<str>>) -> RuleError {
        if let Some(elsewhere) = self.elsewhere {
            let Elsewhere { file, line, start, source } = *elsewhere;
            let there = Self { span: start..source.len(), elsewhere: None, ..self };
            return RuleError { file: Some(file), ..there.at(line, source) };
        }
        let source = source.into();
        let before = source.get(..self.span.start).unwrap_or(&source);
        RuleError {
            file: None,
            line,
            column: before.chars().count() as u32 + 1,
            word: source.get(self.span).unwrap_or_default().to_owned(),
            problem: self.problem,
            expected: self.expected,
            advice: self.advice,
            suggest: self.suggest,
            source,
        }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}, ", printable(file))?;
        }
        write!(f, "line {}, column {}: {}", self.line, self.column, self.problem)?;
        match &self.suggest {
            Some(suggest) => write!(f, "; did you mean {}?", named(suggest.as_bytes()))?,
            None if !self.advice.is_empty() => write!(f, ": {}", self.advice)?,
            None if self.expected.is_empty() => {}
            None => write!(f, "; expected {}", self.expected)?,
        }
        let line: Vec<char> = printable(&self.source).chars().collect();
        let at = (self.column as usize - 1).min(line.len());
        let start = if line.len() <= SHOWN { 0 } else { at.saturating_sub(SHOWN_BEFORE) };
        let end = line.len().min(start + SHOWN);
        let shown: String = line[start..end].iter().collect();
        let width = self.word.chars().count().clamp(1, (end - at).max(1));
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let blank = " ".repeat(at - start);
        let caret = "^".repeat(width);
        write!(f, "\n {number} | {}\n {margin} | {blank}{caret}", shown.trim_end())
    }
}

impl std::error::Error for RuleError {}

/// A text as it can be shown: as many characters, none of which moves the cursor.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// A word as a sentence repeats it.
pub(super) fn named(word: &[u8]) -> String {
    let text = printable(&String::from_utf8_lossy(word));
    if text.chars().count() <= WORD_SHOWN {
        return format!("`{text}`");
    }
    let start: String = text.chars().take(WORD_SHOWN).collect();
    format!("`{start}...`")
}
