//! What the rules have begun with a connection.

use std::net::IpAddr;
use std::sync::Arc;

use super::Conn;
use crate::rules::{RuleProgress, RuleSet, Value};
use crate::time::Time;

/// What the rules have begun with a connection: it keeps this until its end, or, if nothing in it is
/// needed any more, until it is a session.
#[derive(Debug)]
pub(crate) struct RuleState {
    /// The rules it came in by.
    pub(crate) rules: Arc<RuleSet>,
    /// The entries of tables it is counted in, and where content rules wait.
    pub(crate) progress: RuleProgress,
    /// What rules have written down of it.
    pub(crate) variables: Vec<(Box<str>, Value<'static>)>,
    /// Where a rule says that it comes from.
    pub(crate) source: Option<IpAddr>,
    /// Content rules may not wait for more bytes: no more will come, or not in time.
    pub(crate) settled: bool,
    /// Bytes of the wire, in and out, that have been counted in the entries.
    counted: [u64; 2],
}

impl Conn {
    /// Counts what it has moved in the entries of tables that it is counted in.
    pub(crate) fn count_bytes(&mut self, now: Time) {
        let moved = [self.ctrl.bytes_in(), self.ctrl.bytes_out()];
        if let Some(rule_state) = self.facts.rule_state_mut() {
            rule_state.count(moved, now);
        }
    }

    /// It is over: whoever counts it as there does no longer.
    pub(crate) fn end_rules(&mut self, now: Time) {
        self.count_bytes(now);
        if let Some(rule_state) = self.facts.rule_state_mut() {
            std::mem::take(&mut rule_state.progress.tracks).release(now);
        }
    }

    /// Content rules wait no longer.
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
            source: None,
            settled: false,
            counted: [0; 2],
        }
    }

    /// The connection has become a session.
    pub(crate) fn session(&self, now: Time) {
        self.progress.tracks.iter().for_each(|tracked| tracked.session(now));
    }

    /// Whether a session has no use for it: it is counted nowhere, nothing was set or written down, and
    /// no backend is chosen by rules.
    pub(crate) fn is_spent(&self) -> bool {
        let set = self.source.is_some() || !self.variables.is_empty();
        !set && self.progress.tracks.is_empty() && !self.rules.chooses_backends()
    }

    /// So many bytes of the wire have come and gone since the beginning.
    pub(crate) fn count(&mut self, [bytes_in, bytes_out]: [u64; 2], now: Time) {
        // Whoever begins to track it counts it from its beginning.
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
