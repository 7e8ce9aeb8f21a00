//! What the trace says of TLS beside its handshake.

use crate::cx::Cx;
use crate::tls::{Session, TlsNotices};
use crate::trace::{TraceCategories, TraceDetails, TraceKind};

/// Runs `f`, and traces what happened in it beside data.
pub(super) fn noticing<N, R>(
    session: &mut Session,
    cx: &mut Cx<'_, N>,
    f: impl FnOnce(&mut Session, &mut Cx<'_, N>) -> R,
) -> R {
    if !cx.telemetry.trace.is_on(TraceCategories::TLS) {
        return f(session, cx);
    }
    // Those that came while nobody asked would be told at a wrong time.
    session.take_notices();
    let result = f(session, cx);
    let notices = session.take_notices();
    for (notice, kind) in [
        (TlsNotices::WARNING_RECEIVED, TraceKind::WarningReceived),
        (TlsNotices::WARNING_SENT, TraceKind::WarningSent),
        (TlsNotices::KEYS_RECEIVED, TraceKind::KeysReceived),
        (TlsNotices::KEYS_SENT, TraceKind::KeysSent),
        (TlsNotices::CLOSE_RECEIVED, TraceKind::CloseNotifyReceived),
        (TlsNotices::CLOSE_SENT, TraceKind::CloseNotifySent),
    ] {
        if notices.contains(notice) {
            cx.trace_work(TraceCategories::TLS, kind, TraceDetails::None);
        }
    }
    result
}
