//! What the trace says of a connection: its operations, why it fails, what TLS agreed on, how it ends.

use super::{Conn, Op, OpWord, Progress};
use crate::cx::Cx;
use crate::id::Kind;
use crate::trace::{AgreedTls, ConnEnd, TraceCategories, TraceDetails, TraceKind};

impl Conn {
    /// Traces what has changed in its operations.
    #[cold]
    pub(super) fn trace_changes<N>(&self, cx: &mut Cx<'_, N>) {
        self.trace_word(cx, self.word);
    }

    /// Traces what a step of `op` came to.
    #[cold]
    pub(super) fn trace_step<N>(&self, cx: &mut Cx<'_, N>, op: Op, progress: &Progress) {
        // The driver notes it in the word only when the step has returned.
        let mut word = self.word;
        match progress {
            Progress::Done | Progress::End => word.finish(op),
            Progress::Wait(_) | Progress::Failed(_) => word.start(op),
        }
        self.trace_word(cx, word);
        if let Progress::Wait(wait) = progress {
            let conn = cx.agenda.id(Kind::Conn, cx.at_work);
            cx.telemetry.trace.add_op(
                cx.now,
                TraceKind::Waits,
                conn,
                TraceDetails::Waits(op, *wait),
            );
        }
    }

    fn trace_word<N>(&self, cx: &mut Cx<'_, N>, word: OpWord) {
        let conn = cx.agenda.id(Kind::Conn, cx.at_work);
        cx.telemetry.trace.compare(cx.now, conn, &self.facts.peer, word, self.cause.as_deref());
    }

    /// Traces the handshake that is complete.
    #[cold]
    pub(super) fn trace_handshake<N>(&self, cx: &mut Cx<'_, N>) {
        let Some(agreed) = self.data.negotiated() else { return };
        let agreed = AgreedTls {
            version: agreed.version.name(),
            suite: agreed.suite_name,
            alpn: agreed.alpn.map(Into::into),
            server_name: agreed.server_name.map(Into::into),
            resumed: agreed.resumed,
        };
        let details = TraceDetails::Handshake(Box::new(agreed));
        cx.trace_work(TraceCategories::TLS, TraceKind::Handshake, details);
    }

    /// Traces how it has ended.
    #[cold]
    pub(super) fn trace_end<N>(&self, cx: &mut Cx<'_, N>) {
        let end = ConnEnd {
            cause: self.cause.as_deref().cloned(),
            bytes: [self.ctrl.bytes_in(), self.ctrl.bytes_out()],
            discarded: self.facts.discarded,
            lost: self.facts.lost,
            lasted: cx.now.since(self.facts.opened_at),
        };
        let details = TraceDetails::End(Box::new(end));
        cx.trace_work(TraceCategories::CLOSING, TraceKind::End, details);
    }
}
