//! The lines of the trace about what the host is told.

use std::fmt::Write;

use super::engine::vst_engine;
use super::event::{event_name, vst_event};
use crate::engine::{FedAsk, HostOp, Question};
use crate::id::Id;
use crate::trace::TraceKind;

impl vst_engine {
    /// Traces an event that is told next.
    pub(super) fn trace_event(&self, told: &vst_event) {
        self.trace_told(TraceKind::Event, Id::from_bits(told.id), |line| {
            let name = event_name(told.kind).to_string_lossy();
            write!(line, " event={}", name.trim_start_matches("VST_EVENT_"))
        });
    }

    /// Traces a change of interest that is told next.
    pub(super) fn trace_interest(&self, op: HostOp) {
        let HostOp::Interest { fd, token, old, new, .. } = op;
        self.trace_told(TraceKind::Interest, Some(token), |line| {
            write!(line, " fd={} old={} new={}", fd.0, old.bits(), new.bits())
        });
    }

    /// Traces an ask of a fed connection that is told next.
    pub(super) fn trace_ask(&self, ask: &FedAsk) {
        self.trace_told(TraceKind::Ask, Some(ask.conn), |line| {
            write!(line, " asks={} unsent={} room={}", ask.asks.names(), ask.unsent, ask.room)
        });
    }

    /// Traces a question to a handler that is asked next.
    pub(super) fn trace_question(&self, question: &Question) {
        self.trace_told(TraceKind::Step, Some(question.conn), |line| {
            write!(line, " ticket={} ended={}", question.ticket, question.ended)
        });
    }

    /// Traces a deadline that is told next.
    pub(super) fn trace_deadline(&self, deadline_ns: u64) {
        self.trace_told(TraceKind::Timer, None, |line| write!(line, " deadline={deadline_ns}"));
    }
}
