//! The trace of an engine: what is traced, and its lines.

use std::collections::VecDeque;

use super::{DrainStage, EndReport, Engine};
use crate::id::Id;
use crate::sys::Net;
use crate::time::Time;
use crate::trace::{RelayedEnd, TraceCategories, TraceDetails, TraceKind, TraceLine};

impl<N: Net> Engine<N> {
    /// Traces these categories from now on, and no others. Lines that were not fetched are dropped when
    /// none is left.
    pub fn trace(&mut self, categories: TraceCategories) {
        self.tools.telemetry.trace.set(categories);
    }

    /// The lines since this was last called, oldest first: an output, which may be fetched at any time.
    pub fn trace_lines(&mut self) -> VecDeque<TraceLine> {
        self.tools.telemetry.trace.take(self.tools.now)
    }

    /// Traces how a stream has ended.
    pub(super) fn trace_stream_end(&mut self, stream: Id, report: &EndReport) {
        if !self.tools.telemetry.trace.is_on(TraceCategories::CLOSING) {
            return;
        }
        let end = RelayedEnd {
            letters: report.termination.letters().map(char::from),
            moved: report.moved,
            cause: report.cause.clone(),
        };
        let details = TraceDetails::StreamEnd(Box::new(end));
        self.trace_closing(TraceKind::StreamEnd, Some(stream), details);
    }

    /// Traces that the engine drains.
    pub(super) fn trace_drain(&mut self, stage: DrainStage, until: Time) {
        let stage = match stage {
            DrainStage::LameDuck => "lame_duck",
            DrainStage::Pause => "pause",
            DrainStage::Close => "close",
        };
        self.trace_closing(TraceKind::Drain, None, TraceDetails::Drain(stage, until));
    }

    /// Traces that the grace period of a drain has passed.
    pub(super) fn trace_drain_over(&mut self) {
        self.trace_closing(TraceKind::Drain, None, TraceDetails::Drain("over", Time::NEVER));
    }

    fn trace_closing(&mut self, kind: TraceKind, about: Option<Id>, details: TraceDetails) {
        let now = self.tools.now;
        self.tools.telemetry.trace.add(now, TraceCategories::CLOSING, kind, about, details);
    }
}
