//! Converters: what makes another value of a value. Each is a row of a table: its name, its parameters,
//! the type it takes and the type it gives, and the function.

mod addresses;
mod encoding;
mod hash;
mod maps;
mod numbers;
mod tables;
mod text;

use super::arguments::{Arguments, Context, Param, Written};
use super::context::EvalContext;
use super::error::{LineFault, named};
use super::expression::Conversion;
use super::suggest::suggest;
use super::value::{Value, ValueType};
use super::words;

type Convert = for<'s, 'a> fn(Value<'s>, &'s Arguments, &'s EvalContext<'a>) -> Option<Value<'s>>;

/// A converter.
pub(super) struct Converter {
    pub(super) name: &'static str,
    pub(super) params: &'static [Param],
    /// What it takes; a value of another type is cast.
    pub(super) input: ValueType,
    /// What it gives.
    pub(super) output: ValueType,
    pub(super) convert: Convert,
    pub(super) doc: &'static str,
    /// Where HAProxy differs; empty when it does not.
    pub(super) haproxy: &'static str,
}

macro_rules! converters {
    ($($name:literal [$($param:expr),*]: $input:ident -> $output:ident, $convert:expr,
        $doc:expr, $haproxy:literal;)+) => {
        pub(super) const CONVERTERS: &[$crate::rules::converter::Converter] = &[
            $($crate::rules::converter::Converter {
                name: $name,
                params: &[$($param),*],
                input: $crate::rules::value::ValueType::$input,
                output: $crate::rules::value::ValueType::$output,
                convert: $convert,
                doc: $doc,
                haproxy: $haproxy,
            }),+
        ];
    };
}
use converters;

const GROUPS: [&[Converter]; 7] = [
    text::CONVERTERS,
    numbers::CONVERTERS,
    encoding::CONVERTERS,
    hash::CONVERTERS,
    addresses::CONVERTERS,
    maps::CONVERTERS,
    tables::CONVERTERS,
];

/// Every converter.
pub(super) fn all() -> impl Iterator<Item = &'static Converter> {
    GROUPS.into_iter().flatten()
}

impl std::fmt::Debug for Converter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Conversion {
    /// Reads a converter behind a value of type `from`; its type with it.
    pub(super) fn parse(
        written: &Written<'_>,
        from: ValueType,
        context: Context<'_>,
    ) -> Result<(Self, ValueType), LineFault> {
        let Some(converter) = all().find(|known| known.name == written.word) else {
            return Err(unknown(written));
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

fn unknown(written: &Written<'_>) -> LineFault {
    let name = written.word;
    if let Some(instead) = words::absent_converter(name) {
        let problem = format!("{} is known to HAProxy and not here", named(name.as_bytes()));
        return LineFault::advising(written.span.clone(), problem, instead);
    }
    let problem = format!("{} converts nothing", named(name.as_bytes()));
    written
        .fault(problem, "a converter such as `lower` (docs/rules.md lists them)")
        .near(suggest(name, all().map(|known| known.name)))
}
