//! Names that lines give and that the host has to have.

use super::error::RuleError;

/// A name that the host has to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MentionedName {
    Backend(String),
    /// `BACKEND/SERVER`.
    Server(String),
}

/// A name that a line gives, and the error where the host has it not.
#[derive(Clone, Debug)]
pub(super) struct MentionLine {
    pub(super) name: MentionedName,
    pub(super) error: RuleError,
}
