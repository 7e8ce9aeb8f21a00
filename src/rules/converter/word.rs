//! The row of a converter.

use crate::rules::arguments::Arguments;
use crate::rules::context::EvalContext;
use crate::rules::param::Param;
use crate::rules::value::{Value, ValueType};

type Convert = for<'s, 'a> fn(Value<'s>, &'s Arguments, &'s EvalContext<'a>) -> Option<Value<'s>>;

/// A converter.
pub(crate) struct Converter {
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Param],
    /// What it takes; a value of another type is cast.
    pub(crate) input: ValueType,
    /// What it gives.
    pub(crate) output: ValueType,
    pub(crate) convert: Convert,
    pub(crate) doc: &'static str,
    /// Where HAProxy differs; empty when it does not.
    pub(crate) haproxy: &'static str,
}

macro_rules! converters {
    ($($name:literal [$($param:expr),*]: $input:ident -> $output:ident, $convert:expr,
        $doc:expr, $haproxy:literal;)+) => {
        pub(super) const CONVERTERS: &[$crate::rules::converter::word::Converter] = &[
            $($crate::rules::converter::word::Converter {
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
pub(super) use converters;

impl std::fmt::Debug for Converter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
