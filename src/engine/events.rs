//! Events for the host. What is pending is state, not a log: each connection, listener and stream is on
//! the list at most once, with flags for what is new.

use super::Engine;
use super::backend::ServerEvent;
use super::listener::ListenerEvents;
use super::record::EndReport;
use super::traffic::{add, moved};
use crate::agenda::List;
use crate::conn::{Cause, Events, Owner, Record, Seat, Why};
use crate::id::{Id, Kind};
use crate::slab::Key;
use crate::stream::CLIENT;
use crate::sys::{Errno, Net};
use crate::time::Time;

/// What happened.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// An incoming connection has passed its handshakes.
    Session,
    /// An outgoing connection is open, handshakes included.
    Connected,
    /// TLS that was begun in the middle of the session is established.
    Secured,
    /// The engine is draining: the session should be ended.
    Draining,
    /// A read that had to wait may be tried again.
    Readable,
    /// A write that had to wait may be tried again.
    Writable,
    /// A connection ended before it became a session. The host never had its id.
    Refused(Box<Record>),
    /// A connection has ended, and its id with it.
    Closed(Box<Record>),
    /// A stream has ended, and its id and those of its two connections with it.
    StreamEnd(Box<EndReport>),
    /// A listener is paused: the system ran out of a resource, or (`None`) a limit is reached.
    Paused(Option<Errno>),
    /// A listener takes connections again.
    Resumed,
    /// A listener is closed, and its id with it.
    ListenerClosed,
    /// An event of a server of a backend, with the server's index.
    Server(u32, ServerEvent),
    /// The agent at the end of a link answers.
    LinkUp,
    /// No agent answers any more; why, where that is known.
    LinkDown(Option<Box<Cause>>),
    /// A link is closed, and its id with it.
    LinkClosed,
    /// A client of an agent names a host whose address is to be looked up, for this port, and reported with
    /// this ticket.
    Resolve(u64, Box<str>, u16),
}

/// One event for the host.
#[derive(Clone, Debug)]
pub struct Event {
    /// What it is about.
    pub id: Id,
    /// The host's user data for that.
    pub user: u64,
    /// What happened.
    pub kind: EventKind,
}

impl<N: Net> Engine<N> {
    /// Whether there are events for the host.
    pub fn has_events(&self) -> bool {
        !self.tools.agenda.is_empty(List::Events)
    }

    /// The next event for the host. The id of what has ended is stale once this returns.
    pub fn next_event(&mut self) -> Option<Event> {
        self.tools.net.settle_signals();
        while let Some(id) = self.tools.agenda.first(List::Events) {
            let (event, more) = match id.kind() {
                Kind::Conn => self.conn_event(id),
                Kind::Stream => (self.stream_event(id), false),
                Kind::Backend => self.server_event(id),
                Kind::Link => self.link_event(id),
                Kind::Agent => self.agent_event(id),
                _ => self.listener_event(id),
            };
            if !more {
                self.tools.agenda.take(List::Events);
            }
            if event.is_some() {
                return event;
            }
        }
        None
    }

    /// The next event of a connection, and whether it has more.
    fn conn_event(&mut self, id: Id) -> (Option<Event>, bool) {
        let Ok(conn) = self.conns.get_mut(id.key()) else { return (None, false) };
        if conn.owner.is_of_link() {
            // It was given to an agent since.
            conn.listed.leave(List::Events);
            self.tools.agenda.add(List::Links, Kind::Conn, id.key(), &mut conn.listed);
            return (None, false);
        }
        let Some(one) = conn.events.iter().next() else {
            conn.listed.leave(List::Events);
            return (None, false);
        };
        conn.events.remove(one);
        let more = !conn.events.is_empty();
        if !more {
            conn.listed.leave(List::Events);
        }
        let user = conn.user;
        let kind = match one {
            Events::SESSION => EventKind::Session,
            Events::CONNECTED => EventKind::Connected,
            Events::SECURED => EventKind::Secured,
            Events::DRAINING => EventKind::Draining,
            Events::READABLE => EventKind::Readable,
            Events::WRITABLE => EventKind::Writable,
            _ => return (self.end_event(id, one), false),
        };
        (Some(Event { id, user, kind }), more)
    }

    /// The last event of a connection: its record is removed with it.
    fn end_event(&mut self, id: Id, news: Events) -> Option<Event> {
        let conn = self.remove_conn(id.key())?;
        let mut record = Box::new(self.tools.record(id.key(), &conn));
        let user = conn.user;
        if news == Events::REFUSED {
            record.suppressed = conn.facts.suppressed();
        }
        let kind = if news == Events::REFUSED {
            EventKind::Refused(record)
        } else {
            let alike = record.cause.as_ref().map(|cause| (cause.at, cause.why));
            self.bound_log(&mut record, alike);
            EventKind::Closed(record)
        };
        Some(Event { id, user, kind })
    }

    /// The descriptor of a connection is closed: only its end remains to be reported.
    pub(super) fn ended(&mut self, key: Key) {
        let now = self.tools.now;
        let Ok(conn) = self.conns.get_mut(key) else { return };
        self.counters.discarded += conn.facts.discarded;
        if let Some(cause) = conn.cause.as_deref() {
            self.tools.telemetry.ops.fail(cause);
        }
        match conn.owner {
            Owner::Host | Owner::Link { .. } | Owner::Channel { .. } => {}
            Owner::Stream { slot, side } => {
                return self.leave_stream(key, Seat { stream: slot, side });
            }
            // The host handed it over, so its end is reported.
            Owner::Monitor if conn.is_known() => {}
            Owner::Nobody | Owner::HealthCheck | Owner::Monitor => {
                self.remove_conn(key);
                return;
            }
        }
        // Readiness of a connection that has ended is not reported.
        conn.events
            .remove(Events::SECURED | Events::DRAINING | Events::READABLE | Events::WRITABLE);
        if conn.is_known() {
            conn.events.insert(Events::CLOSED);
        } else {
            let cause = conn.cause.as_deref();
            let alike = cause.map_or((None, Why::Aborted), |cause| (cause.at, cause.why));
            let from = self.registry.listener_mut(conn.facts.listener);
            let reported = match from {
                Some(listener) => {
                    let most = listener.options.refused_per_second;
                    listener.refusals.admit(Some(alike), now, most)
                }
                // A listener that is closed has no further records to limit.
                None => Some(0),
            };
            match reported {
                Some(suppressed) => {
                    if suppressed > 0 {
                        conn.facts.rare_mut().suppressed = suppressed;
                    }
                    conn.events = Events::REFUSED;
                }
                None => {
                    self.counters.suppressed += 1;
                    self.remove_conn(key);
                    return;
                }
            }
        }
        let list = conn.events_list();
        self.tools.agenda.add(list, Kind::Conn, key, &mut conn.listed);
    }

    /// Removes a connection's record. Every id of it is stale from here on.
    pub(super) fn remove_conn(&mut self, key: Key) -> Option<crate::conn::Conn> {
        let mut conn = self.conns.remove(key).ok()?;
        self.fed = self.fed.saturating_sub(u32::from(conn.ctrl.is_fed()));
        let mut cx = self.tools.cx(&self.registry, key);
        conn.ctrl.give_back(&mut cx);
        conn.data.close(&mut cx);
        self.tools.timers.remove(conn.timer);
        if let Some(listener) = self.registry.listener_mut(conn.facts.listener) {
            listener.conns = listener.conns.saturating_sub(1);
            add(&mut listener.counts.bytes, moved(&conn));
        }
        self.wake_full_listeners();
        Some(conn)
    }

    fn stream_event(&mut self, id: Id) -> Option<Event> {
        let stream = self.streams.remove(id.key()).ok()?;
        self.tools.timers.remove(stream.timer);
        if self.streams.is_empty() {
            self.tools.pipes.close_idle(&mut self.tools.net);
        }
        let [up, down] = &stream.lanes;
        let (termination, cause) =
            stream.end.map_or_else(Default::default, |end| (end.termination, end.cause));
        let backend =
            stream.selection.as_ref().map(|selection| self.id(Kind::Backend, selection.backend));
        let selection = stream.selection.as_deref();
        let sides = stream.sides.map(|side| {
            let mut record = side.record?;
            if let Some(first) =
                cause.as_ref().filter(|first| record.cause.as_ref() != Some(*first))
            {
                record.cause = Some(termination.in_record(first));
                record.in_op = 0;
            }
            Some(record)
        });
        let mut report = EndReport {
            backend,
            server: selection.and_then(|selection| selection.server).map(|server| server.0),
            attempts: selection.map_or(0, |selection| selection.attempts),
            queued: selection.map_or(0, |selection| selection.queued),
            moved: [up.moved, down.moved],
            sides,
            termination,
            cause,
            reached: (stream.reached_at != Time::NEVER)
                .then(|| stream.reached_at.since(stream.opened_at)),
            last_moved: [up, down].map(|lane| lane.moved_at.since(stream.opened_at)),
            lasted: self.tools.now.since(stream.opened_at),
        };
        let alike = report.cause.as_ref().map(|cause| (cause.at, cause.why));
        if let Some(client) = &mut report.sides[usize::from(CLIENT)] {
            self.bound_log(client, alike);
        }
        self.trace_stream_end(id, &report);
        Some(Event { id, user: stream.user, kind: EventKind::StreamEnd(Box::new(report)) })
    }

    fn listener_event(&mut self, id: Id) -> (Option<Event>, bool) {
        let Ok(listener) = self.registry.listeners.get_mut(id.key()) else { return (None, false) };
        let user = listener.options.user;
        let Some(one) = listener.events.iter().next() else {
            listener.listed.leave(List::Events);
            return (None, false);
        };
        listener.events.remove(one);
        let more = !listener.events.is_empty();
        if !more {
            listener.listed.leave(List::Events);
        }
        let kind = match one {
            ListenerEvents::PAUSED => EventKind::Paused(listener.accepting.errno()),
            ListenerEvents::RESUMED => EventKind::Resumed,
            _ => {
                let timer = listener.timer;
                self.tools.timers.remove(timer);
                let _ = self.registry.listeners.remove(id.key());
                return (Some(Event { id, user, kind: EventKind::ListenerClosed }), false);
            }
        };
        (Some(Event { id, user, kind }), more)
    }
}
