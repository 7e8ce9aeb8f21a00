//! The name behind `use_backend`: fixed, or put together from values: `%[var(txn.name)]`.

use std::borrow::Cow;

use super::argument_reader::Context;
use super::context::EvalContext;
use super::error::LineFault;
use super::expression::Expression;
use super::place::Places;
use super::section::name_of;
use super::template::Template;
use super::token::Token;
use super::value::Value;

/// The name of a backend.
#[derive(Clone, Debug)]
pub(super) enum BackendName {
    Fixed(Box<str>),
    Made(Template),
}

impl BackendName {
    pub(super) fn parse(token: &Token, context: Context<'_>) -> Result<Self, LineFault> {
        if Template::is_in(&token.word) {
            Template::parse(token, Places::BACKEND, context).map(Self::Made)
        } else {
            Ok(Self::Fixed(name_of(token)?.into()))
        }
    }

    /// The expressions in it.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let made = match self {
            Self::Fixed(_) => None,
            Self::Made(template) => Some(template),
        };
        made.into_iter().flat_map(Template::expressions)
    }

    /// The name; `None` where it is no text.
    pub(super) fn read(&self, context: &EvalContext<'_>) -> Option<Cow<'_, str>> {
        match self {
            Self::Fixed(name) => Some(Cow::Borrowed(name)),
            Self::Made(template) => {
                let name = template.read(context).value.map(Value::into_text)?.into_owned();
                String::from_utf8(name).ok().map(Cow::Owned)
            }
        }
    }
}
