//! One line of the trace: a value, and how it is written.

use std::fmt::{self, Write};

use super::kind::{TraceCategories, TraceKind};
use crate::cause::{Cause, Detail};
use crate::id::{Id, Kind};
use crate::op::{Op, Wait};
use crate::sys::Addr;
use crate::time::Time;

/// One line, without what it begins with.
#[derive(Clone, Debug)]
pub(crate) enum TraceDetails {
    /// Nothing more.
    None,
    Op(Op),
    Waits(Op, Wait),
    Peer(Addr),
    Cause(Box<Cause>),
    Bytes(usize),
    Alert(u8),
    Handshake(Box<AgreedTls>),
    End(Box<ConnEnd>),
    StreamEnd(Box<RelayedEnd>),
    Drain(&'static str, Time),
    Lost(u64),
}

/// What a handshake agreed on.
#[derive(Clone, Debug)]
pub(crate) struct AgreedTls {
    pub(crate) version: &'static str,
    pub(crate) suite: &'static str,
    pub(crate) alpn: Option<Box<[u8]>>,
    pub(crate) server_name: Option<Box<str>>,
    pub(crate) resumed: bool,
}

/// How a connection ended.
#[derive(Clone, Debug)]
pub(crate) struct ConnEnd {
    pub(crate) cause: Option<Cause>,
    /// Bytes received and sent.
    pub(crate) bytes: [u64; 2],
    pub(crate) discarded: u64,
    pub(crate) lost: u32,
    pub(crate) lasted: u64,
}

/// How a stream ended.
#[derive(Clone, Debug)]
pub(crate) struct RelayedEnd {
    pub(crate) letters: [char; 2],
    /// Bytes to the server, and to the client.
    pub(crate) moved: [u64; 2],
    pub(crate) cause: Option<Cause>,
}

/// One line of the trace. Its text is written by `Display`.
#[derive(Clone, Debug)]
pub struct TraceLine {
    pub(super) category: TraceCategories,
    pub(super) at: Time,
    pub(super) kind: TraceKind,
    pub(super) about: Option<Id>,
    pub(super) details: TraceDetails,
}

impl TraceLine {
    /// The category; none of a line about lost ones.
    #[must_use]
    pub const fn category(&self) -> TraceCategories {
        self.category
    }

    /// What every line begins with: the engine's time, the category and the kind, and what it is about.
    pub(crate) fn write_head(
        f: &mut impl Write,
        at: Time,
        category: TraceCategories,
        kind: TraceKind,
        about: Option<Id>,
    ) -> fmt::Result {
        write!(f, "t={} cat={} kind={}", at.0, category.name(), kind.name())?;
        match about {
            Some(id) => write!(f, " {}={:#018x}", noun(id.kind()), id.bits()),
            None => Ok(()),
        }
    }
}

/// The name of the id of a kind.
const fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Conn => "conn",
        Kind::Listener => "listener",
        Kind::Stream => "stream",
        Kind::ConnFd | Kind::ListenerFd | Kind::WakeFd => "token",
        Kind::Backend => "backend",
        Kind::Link => "link",
        Kind::Agent => "agent",
    }
}

impl fmt::Display for TraceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Self::write_head(f, self.at, self.category, self.kind, self.about)?;
        match &self.details {
            TraceDetails::None => Ok(()),
            TraceDetails::Op(op) => write!(f, " op={}", op.name()),
            TraceDetails::Waits(op, wait) => write!(f, " op={} for={}", op.name(), wait.names()),
            TraceDetails::Peer(peer) => write!(f, " peer={}", Quoted(&peer.to_string())),
            TraceDetails::Cause(cause) => write_cause(f, cause),
            TraceDetails::Bytes(n) => write!(f, " bytes={n}"),
            TraceDetails::Alert(alert) => write!(f, " alert={alert}"),
            TraceDetails::Handshake(agreed) => write_handshake(f, agreed),
            TraceDetails::End(end) => {
                let ConnEnd { cause, bytes: [received, sent], discarded, lost, lasted } = &**end;
                write!(f, " in={received} out={sent} discarded={discarded} lost={lost}")?;
                write!(f, " lasted={lasted}")?;
                cause.as_ref().map_or(Ok(()), |cause| write_cause(f, cause))
            }
            TraceDetails::StreamEnd(end) => {
                let RelayedEnd { letters: [by, phase], moved: [up, down], cause } = &**end;
                write!(f, " end={by}{phase} up={up} down={down}")?;
                cause.as_ref().map_or(Ok(()), |cause| write_cause(f, cause))
            }
            TraceDetails::Drain(stage, Time::NEVER) => write!(f, " stage={stage}"),
            TraceDetails::Drain(stage, until) => write!(f, " stage={stage} until={}", until.0),
            TraceDetails::Lost(lines) => write!(f, " lines={lines}"),
        }
    }
}

fn write_cause(f: &mut fmt::Formatter<'_>, cause: &Cause) -> fmt::Result {
    let at = cause.at.map_or("SESSION", Op::name);
    write!(f, " at={at} why={}", cause.why.name())?;
    match cause.detail {
        Detail::None => {}
        Detail::Errno(errno) => write!(f, " errno={}", errno.0)?,
        Detail::Alert(alert) => write!(f, " alert={alert}")?,
        Detail::Host(code) => write!(f, " code={code}")?,
    }
    if cause.remote {
        f.write_str(" remote=true")?;
    }
    write!(f, " text={}", Quoted(&cause.text))
}

fn write_handshake(f: &mut fmt::Formatter<'_>, agreed: &AgreedTls) -> fmt::Result {
    write!(f, " version={} suite={}", agreed.version, agreed.suite)?;
    if let Some(alpn) = &agreed.alpn {
        write!(f, " alpn=\"{}\"", alpn.escape_ascii())?;
    }
    if let Some(name) = &agreed.server_name {
        write!(f, " sni={}", Quoted(name))?;
    }
    write!(f, " resumed={}", agreed.resumed)
}

/// A text in quotes in which every control character, quote and backslash is escaped.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_debug())
    }
}
