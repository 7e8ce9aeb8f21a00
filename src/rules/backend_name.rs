//! The name behind `use_backend`: fixed, or put together from values: `%[var(txn.name)]`.

use std::borrow::Cow;

use super::arguments::Context;
use super::context::EvalContext;
use super::error::{LineFault, named};
use super::expression::Expression;
use super::place::{Places, unseen};
use super::section::name_of;
use super::token::Token;
use super::written;

/// The name of a backend.
#[derive(Clone, Debug)]
pub(super) enum BackendName {
    Fixed(Box<str>),
    /// Its parts, one behind the other.
    Made(Box<[NamePart]>),
}

/// A part of a name.
#[derive(Clone, Debug)]
pub(super) enum NamePart {
    Text(Box<[u8]>),
    Value(Expression),
}

const OPENING: &[u8] = b"%[";

impl BackendName {
    pub(super) fn parse(token: &Token, context: Context<'_>) -> Result<Self, LineFault> {
        if !token.word.contains(&b'%') {
            return Ok(Self::Fixed(name_of(token)?.into()));
        }
        let mut parts = Vec::new();
        let mut rest = &*token.word;
        while !rest.is_empty() {
            let text = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
            if text > 0 {
                parts.push(NamePart::Text(rest[..text].into()));
            }
            rest = &rest[text..];
            if rest.is_empty() {
                break;
            }
            let Some(inside) = rest.strip_prefix(OPENING) else {
                let problem = format!("{} has a `%` without `[` behind it", named(&token.word));
                return Err(LineFault::new(token.span.clone(), problem, "`%[EXPRESSION]`"));
            };
            let Some(length) = closing(inside) else {
                let problem = format!("{} has a bracket that is not closed", named(&token.word));
                return Err(LineFault::new(
                    token.span.clone(),
                    problem,
                    "a `]`, and no blank before it",
                ));
            };
            let start = token.word.len() - inside.len();
            parts.push(NamePart::Value(value(&part_of(token, start, start + length), context)?));
            rest = &inside[length + 1..];
        }
        Ok(Self::Made(parts.into()))
    }

    /// The expressions in it.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let parts: &[NamePart] = match self {
            Self::Fixed(_) => &[],
            Self::Made(parts) => parts,
        };
        parts.iter().filter_map(|part| match part {
            NamePart::Text(_) => None,
            NamePart::Value(expression) => Some(expression),
        })
    }

    /// The name; `None` where a value is not there or is no text.
    pub(super) fn read(&self, context: &EvalContext<'_>) -> Option<Cow<'_, str>> {
        let parts = match self {
            Self::Fixed(name) => return Some(Cow::Borrowed(name)),
            Self::Made(parts) => parts,
        };
        let mut name = Vec::new();
        for part in parts {
            match part {
                NamePart::Text(text) => name.extend_from_slice(text),
                NamePart::Value(expression) => {
                    name.extend_from_slice(&expression.read(context).value?.into_text());
                }
            }
        }
        String::from_utf8(name).ok().map(Cow::Owned)
    }
}

fn value(token: &Token, context: Context<'_>) -> Result<Expression, LineFault> {
    let expression = written::expression(token, context)?;
    if !expression.places().contains(Places::BACKEND) {
        return Err(unseen(token, &named(&token.word), expression.places()));
    }
    Ok(expression)
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
