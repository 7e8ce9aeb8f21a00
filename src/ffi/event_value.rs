//! What an event of the engine becomes for C: a struct, and what it points to.

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_void};

use super::addr::vst_end;
use super::end::vst_stream_end;
use super::event::*;
use crate::engine::{EndReport, Event, EventKind, Record, ServerEvent};
use crate::stream::Termination;

/// A sentence for C. Those that are known beforehand cost no memory.
type Text = Cow<'static, CStr>;

/// What an event points to.
#[derive(Default)]
pub(super) struct EventDetails {
    ends: [Option<vst_end>; 2],
    stream: Option<vst_stream_end>,
    /// What the ends point to.
    records: [Option<Box<Record>>; 2],
    texts: [Option<Text>; 2],
    stream_text: Option<Text>,
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

/// An event as C sees it; `details`, which are empty, become what it points to.
pub(super) fn value_of(event: Event, details: &mut EventDetails) -> vst_event {
    let user = std::ptr::with_exposed_provenance_mut(event.user as usize);
    let mut value = blank(0, event.id.bits(), user);
    value.kind = match event.kind {
        EventKind::Session => VST_EVENT_SESSION,
        EventKind::Connected => VST_EVENT_CONNECTED,
        EventKind::Secured => VST_EVENT_TLS_DONE,
        EventKind::Draining => VST_EVENT_DRAINING,
        EventKind::Readable => VST_EVENT_READABLE,
        EventKind::Writable => VST_EVENT_WRITABLE,
        EventKind::Refused(record) => {
            details.put_end(0, record);
            VST_EVENT_REFUSED
        }
        EventKind::Closed(record) => {
            details.put_end(0, record);
            VST_EVENT_CLOSED
        }
        EventKind::StreamEnd(mut report) => {
            details.put_stream(&report);
            for (side, record) in report.sides.iter_mut().enumerate() {
                if let Some(record) = record.take() {
                    details.put_end(side, record);
                }
            }
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
            details.text = Some(CString::new(text).unwrap_or_default());
            VST_EVENT_LINK_DOWN
        }
        EventKind::LinkClosed => VST_EVENT_LINK_CLOSED,
        EventKind::Resolve(ticket, host, port) => {
            // Its frame has no NUL in a name.
            details.text = Some(CString::new(&*host).unwrap_or_default());
            (value.ticket, value.port) = (ticket, u32::from(port));
            VST_EVENT_AGENT_RESOLVE
        }
    };
    let [end, end_server] = details.ends.each_ref().map(address);
    (value.end, value.end_server) = (end, end_server);
    value.stream = address(&details.stream);
    value.text = details.text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
    value
}

fn address<T>(of: &Option<T>) -> *const T {
    of.as_ref().map_or(std::ptr::null(), std::ptr::from_ref)
}

impl EventDetails {
    fn put_end(&mut self, side: usize, record: Box<Record>) {
        let record = self.records[side].insert(record);
        let text = self.texts[side].insert(text(record));
        self.ends[side] = Some(vst_end::of(record, text));
    }

    fn put_stream(&mut self, report: &EndReport) {
        let text = self.stream_text.insert(stream_text(report));
        self.stream = Some(vst_stream_end::of(report, text));
    }
}

/// What happened, in words.
fn text(record: &Record) -> Text {
    record.cause.as_ref().map_or(Cow::Borrowed(c"it ended as it should"), |cause| {
        // A cause escapes what peers said; a NUL in it would be a mistake, and costs only the text.
        Cow::Owned(CString::new(cause.to_string()).unwrap_or_default())
    })
}

/// How a stream ended, in words.
fn stream_text(report: &EndReport) -> Text {
    let text = match &report.cause {
        None if report.termination == Termination::default() => {
            return Cow::Borrowed(c"ended in order");
        }
        Some(cause) => format!("{}: {cause}", report.termination),
        None => report.termination.to_string(),
    };
    Cow::Owned(CString::new(text).unwrap_or_default())
}
