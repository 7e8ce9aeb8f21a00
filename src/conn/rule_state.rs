//! The state of the rules of one connection.

use std::net::IpAddr;
use std::sync::Arc;

use super::Conn;
use crate::rules::{RuleProgress, RuleSet, Value};
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
    /// The source address that a rule has set.
    pub(crate) source: Option<IpAddr>,
    /// Content rules may not wait for more bytes: no more will arrive, or not in time.
    pub(crate) settled: bool,
    /// Bytes received and sent that have been added to the entries.
    counted: [u64; 2],
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
            source: None,
            settled: false,
            counted: [0; 2],
        }
    }

    /// Counts the connection as a session in the entries that track it.
    pub(crate) fn session(&self, now: Time) {
        self.progress.tracks.iter().for_each(|tracked| tracked.session(now));
    }

    /// Whether a session does not need it: no entry tracks it, no rule set an address or a variable,
    /// and rules choose no backend.
    pub(crate) fn is_spent(&self) -> bool {
        let set = self.source.is_some() || !self.variables.is_empty();
        !set && self.progress.tracks.is_empty() && !self.rules.chooses_backends()
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
