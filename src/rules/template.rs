//! Text with values in it: `%[src]:%[src_port]`.

use super::argument_reader::Context;
use super::context::{EvalContext, Sample};
use super::error::{LineFault, named};
use super::expression::Expression;
use super::place::Places;
use super::token::Token;
use super::value::{MADE_MAX, Value};
use super::written;

/// A text with values in it: its parts, one behind the other.
#[derive(Clone, Debug)]
pub(super) struct Template(Box<[TemplatePart]>);

#[derive(Clone, Debug)]
enum TemplatePart {
    Text(Box<[u8]>),
    Value(Expression),
}

const SIGN: u8 = b'%';

impl Template {
    /// Whether a word has the sign that values begin with: it does not stand for itself alone.
    pub(super) fn is_in(word: &[u8]) -> bool {
        word.contains(&SIGN)
    }

    /// Reads a word: `%[EXPRESSION]` is a value that lines in `place` know, `%%` is a `%`, and everything
    /// else is itself.
    pub(super) fn parse(
        token: &Token,
        place: Places,
        context: Context<'_>,
    ) -> Result<Self, LineFault> {
        let word = &*token.word;
        let mut parts = Vec::new();
        let mut at = 0;
        while at < word.len() {
            let rest = &word[at..];
            let (part, length) = match rest {
                [SIGN, SIGN, ..] => (TemplatePart::Text([SIGN].into()), 2),
                [SIGN, b'[', inside @ ..] => {
                    let start = at + 2;
                    let length = closing(inside).ok_or_else(|| unclosed(token))?;
                    let part = part_of(token, start, start + length);
                    (
                        TemplatePart::Value(written::known_expression(&part, place, context)?),
                        length + 3,
                    )
                }
                [SIGN, ..] => return Err(stray(token)),
                _ => {
                    let length = rest.iter().position(|byte| *byte == SIGN).unwrap_or(rest.len());
                    (TemplatePart::Text(rest[..length].into()), length)
                }
            };
            parts.push(part);
            at += length;
        }
        Ok(Self(parts.into()))
    }

    /// The expressions in it.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.0.iter().filter_map(|part| match part {
            TemplatePart::Text(_) => None,
            TemplatePart::Value(expression) => Some(expression),
        })
    }

    /// The text, in which a value that is not there is empty; not there when it is too long. More bytes may
    /// change it while they may bring such a value.
    pub(super) fn read(&self, context: &EvalContext<'_>) -> Sample<'static> {
        let mut text = Vec::new();
        let mut may_change = false;
        for part in &self.0 {
            match part {
                TemplatePart::Text(part) => text.extend_from_slice(part),
                TemplatePart::Value(expression) => {
                    let sample = expression.read(context);
                    may_change |= sample.may_change && sample.value.is_none();
                    let value = sample.value.map(Value::into_text);
                    text.extend_from_slice(value.as_deref().unwrap_or_default());
                }
            }
            if text.len() > MADE_MAX {
                return Sample { value: None, may_change };
            }
        }
        Sample { value: Some(Value::Str(text.into())), may_change }
    }
}

fn stray(token: &Token) -> LineFault {
    let problem = format!("{} has a `%` with neither `[` nor `%` behind it", named(&token.word));
    let expected = "`%[EXPRESSION]`, such as `%[src]`, or `%%` for the sign itself";
    LineFault::new(token.span.clone(), problem, expected)
}

fn unclosed(token: &Token) -> LineFault {
    let problem = format!("{} has a bracket that is not closed", named(&token.word));
    LineFault::new(token.span.clone(), problem, "a `]`, and no blank before it but in quotes")
}

/// Where the bracket is that closes an expression: not one in quotes or in brackets.
fn closing(text: &[u8]) -> Option<usize> {
    let (mut quote, mut depth) = (None, 0usize);
    text.iter().position(|byte| {
        match (*byte, quote) {
            (mark, Some(open)) if mark == open => quote = None,
            (_, Some(_)) => {}
            (mark @ (b'"' | b'\''), None) => quote = Some(mark),
            (b'(', None) => depth += 1,
            (b')', None) => depth = depth.saturating_sub(1),
            (b']', None) if depth == 0 => return true,
            _ => {}
        }
        false
    })
}

/// A part of a token as a token of its own.
fn part_of(token: &Token, start: usize, end: usize) -> Token {
    let span = if token.span.len() == token.word.len() {
        token.span.start + start..token.span.start + end
    } else {
        token.span.clone()
    };
    Token { word: token.word[start..end].to_vec(), quoted: false, span }
}
