//! Sections: `frontend`, `listen`, `backend` and `defaults`, each with a name.

use super::error::{LineFault, named};
use super::line::Line;
use super::tables::DEFAULT_TABLE;
use super::token::Token;

/// The section that lines are in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum RuleSection {
    /// In front of the first section: the rules of the listener.
    #[default]
    Top,
    /// A section that has the rules of the listener.
    Front(Box<str>),
    /// A section that has a table, and the rules of connections for a backend.
    Backend(Box<str>),
    /// Lines for all sections.
    Defaults,
}

/// A word that begins a section.
pub(super) struct SectionWord {
    pub(super) name: &'static str,
    make: fn(&str) -> RuleSection,
    pub(super) doc: &'static str,
}

/// Every word that begins a section.
pub(super) const SECTIONS: &[SectionWord] = &[
    SectionWord {
        name: "frontend",
        make: |name| RuleSection::Front(name.into()),
        doc: "the rules of the listener; its table is called NAME",
    },
    SectionWord {
        name: "listen",
        make: |name| RuleSection::Front(name.into()),
        doc: "as `frontend`",
    },
    SectionWord {
        name: "backend",
        make: |name| RuleSection::Backend(name.into()),
        doc: "the table NAME, and the rules of connections for the backend of this name",
    },
    SectionWord {
        name: "defaults",
        make: |_| RuleSection::Defaults,
        doc: "what is said for all sections, which is nothing here",
    },
];

impl RuleSection {
    /// The word that begins a section, if `token` is one.
    pub(super) fn begun_by(token: &Token) -> Option<&'static SectionWord> {
        SECTIONS.iter().find(|section| token.is(section.name))
    }

    /// Reads the name behind the word.
    pub(super) fn parse(word: &SectionWord, line: &mut Line<'_>) -> Result<Self, LineFault> {
        let is_named = (word.make)("") != Self::Defaults;
        let Some(token) = line.peek() else {
            return if is_named {
                Err(line.ended("the name of the section"))
            } else {
                Ok(Self::Defaults)
            };
        };
        line.next("a name")?;
        let name = name_of(token)?;
        match line.next_if(|token| token.is("from")) {
            None => Ok((word.make)(name)),
            Some(from) => {
                let problem = "`from` is known to HAProxy and not here";
                let advice = "a section takes no lines from another";
                Err(LineFault::advising(from.span.clone(), problem, advice))
            }
        }
    }

    /// The name of the table that is defined in it.
    pub(super) fn table(&self) -> &str {
        match self {
            Self::Top | Self::Defaults => DEFAULT_TABLE,
            Self::Front(name) | Self::Backend(name) => name,
        }
    }

    /// The name of the backend that it is about.
    pub(super) fn backend(&self) -> Option<Box<str>> {
        match self {
            Self::Backend(name) => Some(name.clone()),
            Self::Top | Self::Front(_) | Self::Defaults => None,
        }
    }

    /// Whether it has the rules of the listener.
    pub(super) const fn is_front(&self) -> bool {
        matches!(self, Self::Top | Self::Front(_))
    }
}

/// A name as HAProxy allows them: letters, digits, `-`, `_`, `.` and `:`.
pub(super) fn name_of(token: &Token) -> Result<&str, LineFault> {
    let is_fine = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    let is_reserved = ["if", "unless", "or"].iter().any(|word| token.word == word.as_bytes());
    match token.text() {
        Some(name) if !name.is_empty() && name.bytes().all(|b| is_fine(&b)) && !is_reserved => {
            Ok(name)
        }
        _ => {
            let problem = format!("{} is no name", named(&token.word));
            let expected =
                "ASCII letters, digits, `-`, `_`, `.` and `:`, and no word of the language";
            Err(LineFault::new(token.span.clone(), problem, expected))
        }
    }
}
