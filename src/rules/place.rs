//! The phases in the life of a connection in which rules are evaluated, and what is known in each.

use bitflags::bitflags;

use super::error::LineFault;
use super::token::Token;

/// When rules are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RulePhase {
    /// Right behind `accept`, before anything is read.
    Accept,
    /// Behind the PROXY header.
    Connection,
    /// Behind TLS, before bytes of the client are read.
    Session,
    /// On the first bytes of the client.
    Content,
}

impl RulePhase {
    /// Those of `tcp-request`, in the order they come.
    pub const ALL: [Self; 4] = [Self::Accept, Self::Connection, Self::Session, Self::Content];

    /// The word behind `tcp-request`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Connection => "connection",
            Self::Session => "session",
            Self::Content => "content",
        }
    }

    pub(super) const fn place(self) -> Places {
        match self {
            Self::Accept => Places::ACCEPT,
            Self::Connection => Places::CONNECTION,
            Self::Session => Places::SESSION,
            Self::Content => Places::CONTENT,
        }
    }
}

bitflags! {
    /// The kinds of lines that evaluate fetches: those of the phases, and those that choose a backend or
    /// a server.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Places: u8 {
        const ACCEPT = 1;
        const CONNECTION = 1 << 1;
        const SESSION = 1 << 2;
        const CONTENT = 1 << 3;
        const BACKEND = 1 << 4;
        const RESPONSE = 1 << 5;
        /// Lines of `tcp-request`.
        const REQUEST = Self::ACCEPT.bits() | Self::CONNECTION.bits() | Self::SESSION.bits()
            | Self::CONTENT.bits();
        const EVERYWHERE = Self::REQUEST.bits() | Self::BACKEND.bits() | Self::RESPONSE.bits();
        /// Lines that are evaluated behind the PROXY header.
        const BEHIND_PROXY = Self::CONNECTION.bits() | Self::BEHIND_TLS.bits();
        /// Lines that can see the first bytes of the client, unless these were consumed.
        const PREFIX = Self::CONTENT.bits() | Self::BACKEND.bits();
        /// Lines that can see the first bytes of either end.
        const DATA = Self::PREFIX.bits() | Self::RESPONSE.bits();
        /// Lines that are evaluated behind TLS.
        const BEHIND_TLS = Self::SESSION.bits() | Self::CONTENT.bits() | Self::BACKEND.bits()
            | Self::RESPONSE.bits();
    }
}

/// What has to come before a value is known: of the client, or of the server in rules about responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing: it is known at once.
    Nothing,
    /// The first bytes.
    Bytes,
    /// The ClientHello.
    Hello,
    /// The end of the wait for bytes.
    End,
}

impl Places {
    /// Each line, by its place: how it begins, and the word for it in a table.
    const LINES: [(Self, &'static str, &'static str); 6] = [
        (Self::ACCEPT, "`tcp-request accept`", "accept"),
        (Self::CONNECTION, "`tcp-request connection`", "connection"),
        (Self::SESSION, "`tcp-request session`", "session"),
        (Self::CONTENT, "`tcp-request content`", "content"),
        (Self::BACKEND, "`use_backend`, `stick`", "use_backend"),
        (Self::RESPONSE, "`tcp-response content`", "response"),
    ];

    /// The lines, as they begin.
    pub(super) fn lines(self) -> String {
        self.joined(|(_, line, _)| line)
    }

    /// The lines, in a word each; "all" for all of them.
    pub(super) fn names(self) -> String {
        if self == Self::EVERYWHERE { "all".to_owned() } else { self.joined(|(_, _, name)| name) }
    }

    fn joined(self, text: fn((Self, &'static str, &'static str)) -> &'static str) -> String {
        let lines = Self::LINES.into_iter().filter(|(place, ..)| self.contains(*place));
        lines.map(text).collect::<Vec<_>>().join(", ")
    }
}

/// The fault of an expression in a place where it is not known.
pub(super) fn unseen(token: &Token, word: &str, seen: Places) -> LineFault {
    let problem = format!("{word} is not known here");
    LineFault::new(token.span.clone(), problem, format!("it in {}", seen.lines()))
}
