//! The row of a fetch.

use crate::rules::arguments::Arguments;
use crate::rules::context::{EvalContext, Sample};
use crate::rules::param::Param;
use crate::rules::place::{Needs, Places};
use crate::rules::value::ValueType;

/// The function that reads a value.
type ReadFetch = for<'s, 'a> fn(&'s EvalContext<'a>, &'s Arguments) -> Sample<'s>;

/// The word of a fetch.
pub(crate) struct FetchWord {
    /// As HAProxy writes it, where it has it.
    pub(crate) name: &'static str,
    /// Other ways to write it.
    pub(crate) also: &'static [&'static str],
    pub(crate) params: &'static [Param],
    pub(crate) kind: ValueType,
    pub(crate) seen: Places,
    pub(crate) needs: Needs,
    pub(super) read: ReadFetch,
    /// What it is.
    pub(crate) doc: &'static str,
    /// Where HAProxy differs; empty when it does not.
    pub(crate) haproxy: &'static str,
}

macro_rules! fetches {
    ($($name:literal $(| $also:literal)* [$($param:expr),*]: $kind:ident, $seen:ident, $needs:ident, $read:expr,
        $doc:expr, $haproxy:literal;)+) => {
        pub(super) const WORDS: &[$crate::rules::fetch::word::FetchWord] = &[
            $($crate::rules::fetch::word::FetchWord {
                name: $name,
                also: &[$($also),*],
                params: &[$($param),*],
                kind: $crate::rules::value::ValueType::$kind,
                seen: $crate::rules::place::Places::$seen,
                needs: $crate::rules::place::Needs::$needs,
                read: $read,
                doc: $doc,
                haproxy: $haproxy,
            }),+
        ];
    };
}
pub(super) use fetches;

impl std::fmt::Debug for FetchWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
