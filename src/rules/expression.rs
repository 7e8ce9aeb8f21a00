//! An expression: a fetch, and converters one behind the other.

use super::arguments::Arguments;
use super::context::{EvalContext, Sample};
use super::converter::Converter;
use super::fetch::Fetch;
use super::place::{Needs, Places};
use super::value::{Value, ValueType};

/// What is asked for, and what becomes of it.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub(super) fetch: Fetch,
    pub(super) converters: Box<[Conversion]>,
    /// The type of its value.
    pub(super) kind: ValueType,
}

/// A converter with its arguments.
#[derive(Clone, Debug)]
pub(super) struct Conversion {
    pub(super) converter: &'static Converter,
    pub(super) arguments: Arguments,
}

impl Expression {
    /// Its value.
    pub(super) fn read<'s>(&'s self, context: &'s EvalContext<'_>) -> Sample<'s> {
        let sample = self.fetch.read(context);
        Sample { value: sample.value.and_then(|value| self.convert(value, context)), ..sample }
    }

    /// The values after the first, where a fetch has several.
    pub(super) fn further<'s>(
        &'s self,
        context: &'s EvalContext<'_>,
    ) -> impl Iterator<Item = Value<'s>> {
        self.fetch.further(context).filter_map(|value| self.convert(value, context))
    }

    fn convert<'s>(&'s self, value: Value<'s>, context: &'s EvalContext<'_>) -> Option<Value<'s>> {
        self.converters.iter().try_fold(value, |value, Conversion { converter, arguments }| {
            (converter.convert)(value.cast(converter.input)?, arguments, context)
        })
    }

    /// The lines that know its value.
    pub(super) const fn places(&self) -> Places {
        self.fetch.places()
    }

    /// What has to come of the client first.
    pub(super) const fn needs(&self) -> Needs {
        self.fetch.needs()
    }

    /// Whether two of them give the same value at any moment, as far as can be told cheaply.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.converters.is_empty()
            && other.converters.is_empty()
            && self.fetch.is_like(&other.fetch)
    }
}
