//! The state of the rules of one connection.

use std::ffi::{CStr, CString};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::Conn;
use crate::rules::{LogLevel, RuleProgress, RuleSet, SLOTS, StickEntry, Value};
use crate::time::Time;

/// The state of the rules of one connection. It is kept until the connection ends, or, if nothing in it
/// is needed any more, until it is a session.
#[derive(Debug)]
pub(crate) struct RuleState {
    /// The rules it began with.
    pub(crate) rules: Arc<RuleSet>,
    /// The table entries that track it, and the content rule that waits.
    pub(crate) progress: RuleProgress,
    /// The variables that rules have set.
    pub(crate) variables: Vec<(Box<str>, Value<'static>)>,
    /// The ends of the connection, as far as rules have set them.
    pub(crate) ends: SetEnds,
    /// What rules have captured, by the number of the capture.
    pub(crate) captures: Vec<(usize, Vec<u8>)>,
    /// How loud the host is to be about the connection, where a rule has said so.
    pub(crate) log_level: Option<LogLevel>,
    /// The entries that remember the connection's server, once a backend is chosen.
    pub(crate) sticks: Vec<StickEntry>,
    /// Content rules may not wait for more bytes: no more will arrive, or not in time.
    pub(crate) settled: bool,
    /// Bytes received and sent that have been added to the entries.
    counted: [u64; 2],
    /// Whether it is counted as a session in the entry of each slot.
    sessions: [bool; SLOTS],
}

/// The ends of a connection, as far as rules have set them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SetEnds {
    pub(crate) source: Option<IpAddr>,
    pub(crate) source_port: Option<u16>,
    pub(crate) destination: Option<IpAddr>,
    pub(crate) destination_port: Option<u16>,
}

impl SetEnds {
    /// The source, where `found` is the one before rules.
    pub(crate) fn source(&self, found: Option<SocketAddr>) -> Option<SocketAddr> {
        changed(found, self.source, self.source_port)
    }

    /// The destination, where `found` is the one before rules.
    pub(crate) fn destination(&self, found: Option<SocketAddr>) -> Option<SocketAddr> {
        changed(found, self.destination, self.destination_port)
    }
}

/// An end with another address and another port, where these are set. A unix socket has neither before.
fn changed(
    found: Option<SocketAddr>,
    address: Option<IpAddr>,
    port: Option<u16>,
) -> Option<SocketAddr> {
    let address = address.or(found.map(|found| found.ip()))?;
    Some(SocketAddr::new(address, port.or(found.map(|found| found.port())).unwrap_or(0)))
}

impl Conn {
    /// Adds the bytes it has moved to the table entries that track it.
    pub(crate) fn count_bytes(&mut self, now: Time) {
        let moved = [self.ctrl.bytes_in(), self.ctrl.bytes_out()];
        if let Some(rule_state) = self.facts.rule_state_mut() {
            rule_state.count(moved, now);
        }
    }

    /// The connection has ended: the tables do not count it as a current one any more.
    pub(crate) fn end_rules(&mut self, now: Time) {
        self.count_bytes(now);
        if let Some(rule_state) = self.facts.rule_state_mut() {
            std::mem::take(&mut rule_state.progress.tracks).release(now);
        }
    }

    /// Content rules do not wait any more.
    pub(crate) fn settle_rules(&mut self) {
        if let Some(rule_state) = self.facts.rule_state_mut() {
            rule_state.settled = true;
        }
    }
}

impl RuleState {
    pub(crate) fn new(rules: Arc<RuleSet>) -> Self {
        Self {
            rules,
            progress: RuleProgress::default(),
            variables: Vec::new(),
            ends: SetEnds::default(),
            captures: Vec::new(),
            log_level: None,
            sticks: Vec::new(),
            settled: false,
            counted: [0; 2],
            sessions: [false; SLOTS],
        }
    }

    /// Counts the connection as a session in the entries that track it, once in each.
    pub(crate) fn count_session(&mut self, now: Time) {
        for (tracked, is_counted) in self.progress.tracks.slots().zip(&mut self.sessions) {
            if let Some(tracked) = tracked
                && !std::mem::replace(is_counted, true)
            {
                tracked.session(now);
            }
        }
    }

    /// What rules have captured, with a place for each line that captures, for a log; `None` where none has.
    pub(crate) fn captured(&self) -> Option<Box<CStr>> {
        if self.captures.is_empty() {
            return None;
        }
        let value = |number: usize| {
            let held = self.captures.iter().find(|(known, _)| *known == number);
            held.map_or_else(|| ABSENT.to_owned(), |(_, value)| escaped(value))
        };
        let joined = (0..self.rules.captures()).map(value).collect::<Vec<_>>().join("|");
        // What is escaped has no NUL.
        CString::new(joined).ok().map(CString::into_boxed_c_str)
    }

    /// Whether a session does not need it: no entry tracks it, no rule set anything, and rules choose
    /// no backend and remember no server.
    pub(crate) fn is_spent(&self) -> bool {
        let Self {
            rules,
            progress,
            variables,
            ends,
            captures,
            log_level,
            sticks: _,
            settled: _,
            counted: _,
            sessions: _,
        } = self;
        // What is left out belongs to rules that are still to be evaluated, or to entries that track it.
        let set = *ends != SetEnds::default()
            || !variables.is_empty()
            || !captures.is_empty()
            || log_level.is_some();
        let chooses =
            rules.chooses_backends() || rules.remembers_servers() || rules.looks_at_responses();
        !set && !chooses && progress.tracks.is_empty()
    }

    /// Adds the bytes received and sent since the last call; the arguments are totals.
    pub(crate) fn count(&mut self, [bytes_in, bytes_out]: [u64; 2], now: Time) {
        // While no entry tracks it, `counted` stays 0, so that a later entry counts from the beginning.
        if self.progress.tracks.is_empty() {
            return;
        }
        let [counted_in, counted_out] = std::mem::replace(&mut self.counted, [bytes_in, bytes_out]);
        for tracked in self.progress.tracks.iter() {
            if bytes_in > counted_in {
                tracked.bytes_in(bytes_in - counted_in, now);
            }
            if bytes_out > counted_out {
                tracked.bytes_out(bytes_out - counted_out, now);
            }
        }
    }
}

/// Bytes of a peer as a log shows them between `|`.
/// What stands for a capture that is not there.
const ABSENT: &str = "-";

fn escaped(bytes: &[u8]) -> String {
    if bytes == ABSENT.as_bytes() {
        return r"\x2d".to_owned();
    }
    bytes.escape_ascii().to_string().replace('|', r"\x7c")
}
