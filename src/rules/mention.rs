//! Names that lines give and that the host has to have.

use super::error::RuleError;

/// A name that the host has to have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MentionedName {
    Backend(String),
    /// `BACKEND/SERVER`.
    Server(String),
}

/// A name that lines give, and the error of the first of them where the host has it not.
#[derive(Clone, Debug)]
pub(super) struct MentionLine {
    pub(super) name: MentionedName,
    pub(super) error: RuleError,
}
