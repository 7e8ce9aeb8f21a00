//! What an event of the engine becomes for C: a struct, and what it points to.

use std::ffi::{CString, c_void};

use super::addr::vst_end;
use super::end::vst_stream_end;
use super::event::*;
use crate::conn::Cause;
use crate::engine::{EndReport, Event, EventKind, Record, ServerEvent};

/// What an event points to.
#[derive(Default)]
pub(super) struct EventDetails {
    ends: [Option<vst_end>; 2],
    stream: Option<vst_stream_end>,
    /// What the ends point to.
    _texts: [Option<CString>; 2],
    _stream_text: Option<CString>,
    text: Option<CString>,
}

/// An event about nothing yet.
pub(super) const fn blank(kind: u32, id: u64, user: *mut c_void) -> vst_event {
    vst_event {
        size: size_of::<vst_event>() as u32,
        kind,
        id,
        user,
        end: std::ptr::null(),
        end_server: std::ptr::null(),
        stream: std::ptr::null(),
        sys_errno: 0,
        fd: -1,
        old_mask: 0,
        new_mask: 0,
        server: 0,
        reason: 0,
        text: std::ptr::null(),
        ticket: 0,
        port: 0,
        _reserved: 0,
    }
}

/// An event as C sees it, and what it will point to.
pub(super) fn value_of(event: Event) -> (EventDetails, vst_event) {
    let user = std::ptr::with_exposed_provenance_mut(event.user as usize);
    let mut records = [None, None];
    let mut stream = None;
    let mut words = None;
    let mut value = blank(0, event.id.bits(), user);
    value.kind = match event.kind {
        EventKind::Session => VST_EVENT_SESSION,
        EventKind::Connected => VST_EVENT_CONNECTED,
        EventKind::Secured => VST_EVENT_TLS_DONE,
        EventKind::Draining => VST_EVENT_DRAINING,
        EventKind::Readable => VST_EVENT_READABLE,
        EventKind::Writable => VST_EVENT_WRITABLE,
        EventKind::Refused(record) => {
            records[0] = Some(record);
            VST_EVENT_REFUSED
        }
        EventKind::Closed(record) => {
            records[0] = Some(record);
            VST_EVENT_CLOSED
        }
        EventKind::StreamEnd(report) => {
            records = report.sides.clone();
            stream = Some(report);
            VST_EVENT_STREAM_END
        }
        EventKind::Paused(errno) => {
            value.sys_errno = errno.map_or(0, |errno| errno.0);
            VST_EVENT_PAUSED
        }
        EventKind::Resumed => VST_EVENT_RESUMED,
        EventKind::ListenerClosed => VST_EVENT_LISTENER_CLOSED,
        EventKind::Server(server, news) => {
            value.server = server;
            let (kind, reason) = match news {
                ServerEvent::Up(true) => (VST_EVENT_SERVER_UP, VST_REASON_CHECKS),
                ServerEvent::Up(false) => (VST_EVENT_SERVER_UP, VST_REASON_TRIAL),
                ServerEvent::Down(true) => (VST_EVENT_SERVER_DOWN, VST_REASON_CHECKS),
                ServerEvent::Down(false) => (VST_EVENT_SERVER_DOWN, VST_REASON_CONNECT_ERRORS),
                ServerEvent::Resolve => (VST_EVENT_SERVER_RESOLVE, 0),
            };
            value.reason = reason;
            kind
        }
        EventKind::LinkUp => VST_EVENT_LINK_UP,
        EventKind::LinkDown(cause) => {
            let text =
                cause.map_or_else(|| "the agent ended".to_owned(), |cause| cause.to_string());
            words = Some(CString::new(text).unwrap_or_default());
            VST_EVENT_LINK_DOWN
        }
        EventKind::LinkClosed => VST_EVENT_LINK_CLOSED,
        EventKind::Resolve(ticket, host, port) => {
            // Its frame has no NUL in a name.
            words = Some(CString::new(&*host).unwrap_or_default());
            (value.ticket, value.port) = (ticket, u32::from(port));
            VST_EVENT_AGENT_RESOLVE
        }
    };
    let texts = records.each_ref().map(|record| record.as_deref().map(text));
    let ends = [0, 1]
        .map(|side: usize| Some(vst_end::of(records[side].as_deref()?, texts[side].as_deref()?)));
    let stream_text = stream.as_deref().map(stream_text);
    let stream = stream
        .as_deref()
        .and_then(|report| Some(vst_stream_end::of(report, stream_text.as_deref()?)));
    let details =
        EventDetails { ends, stream, _texts: texts, _stream_text: stream_text, text: words };
    (details, value)
}

/// What happened, in words.
fn text(record: &Record) -> CString {
    let text = record.cause.as_ref().map_or("it ended as it should".into(), Cause::to_string);
    // A cause escapes what peers said; a NUL in it would be a mistake, and costs only the text.
    CString::new(text).unwrap_or_default()
}

/// How a stream ended, in words.
fn stream_text(report: &EndReport) -> CString {
    let text = match &report.cause {
        Some(cause) => format!("{}: {cause}", report.termination),
        None => report.termination.to_string(),
    };
    CString::new(text).unwrap_or_default()
}

/// The event with its pointers, once what they point to has its place.
pub(super) fn point(mut value: vst_event, details: &EventDetails) -> vst_event {
    let address = |end: &Option<vst_end>| end.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    value.end = address(&details.ends[0]);
    value.end_server = address(&details.ends[1]);
    value.text = details.text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
    value.stream = details.stream.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    value
}
