//! Addresses that are served by programs outside the engine, and how they answer.

use std::collections::VecDeque;

use super::slot::EndpointId;
use crate::sys::Addr;

/// How an address answers connection attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectResponse {
    /// At once; [`RemoteServer::accept`](super::RemoteServer::accept) hands the connection out.
    Accept,
    /// ECONNREFUSED.
    Refuse,
    /// Not at all: ETIMEDOUT after the 127 s Linux waits. On a unix socket as [`ConnectResponse::Full`].
    Silent,
    /// EHOSTUNREACH, reported by a router some time later.
    Unreachable,
    /// ENETUNREACH, at once, from the system's own routing table. A unix socket: EHOSTUNREACH.
    NoRoute,
    /// The backlog is full: TCP tries again every second, a unix socket answers EAGAIN.
    Full,
}

/// An address that is served by a program outside the engine.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) at: Addr,
    pub(super) answer: ConnectResponse,
    pub(super) waiting: VecDeque<EndpointId>,
}
