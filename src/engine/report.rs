//! The state of connections and streams, for the host and for debugging.

use std::fmt::Write;

use super::{Engine, Refusal};
use crate::conn::{Conn, ConnSummary, LayerState, LayerStates, State};
use crate::id::{Id, Kind};
use crate::stream::{CLIENT, InterfaceState, SERVER, Stream};
use crate::sys::{Addr, Credentials, Net};
use crate::time::{MILLISECOND, Time};
use crate::tls::Negotiated;
use crate::wire::proxy;

impl<N: Net> Engine<N> {
    /// The state of a connection.
    ///
    /// # Errors
    /// A stale id.
    pub fn state(&self, id: Id) -> Result<State, Refusal> {
        Ok(self.conn(id)?.state())
    }

    /// The state of a connection as others see it: whether it is shut, and whether it failed.
    ///
    /// # Errors
    /// A stale id.
    pub fn summary(&self, id: Id) -> Result<ConnSummary, Refusal> {
        Ok(self.conn(id)?.summary())
    }

    /// The state of each layer of a connection.
    ///
    /// # Errors
    /// A stale id.
    pub fn layers(&self, id: Id) -> Result<LayerStates, Refusal> {
        Ok(self.conn(id)?.layers())
    }

    /// Both ends of the socket.
    ///
    /// # Errors
    /// A stale id; an error of the system.
    pub fn socket_ends(&mut self, id: Id) -> Result<(Addr, Addr), Refusal> {
        let (conn, cx) = self.conn_mut(id)?;
        let peer = conn.facts.peer.clone();
        let local = conn.local(cx.net).ok_or(Refusal::State)?;
        Ok((peer, local))
    }

    /// The user and the group of the process at the other end, where they are known: of a unix socket,
    /// and of a fed connection whose host said so.
    ///
    /// # Errors
    /// A stale id.
    pub fn peer_credentials(&mut self, id: Id) -> Result<Option<Credentials>, Refusal> {
        let (conn, cx) = self.conn_mut(id)?;
        Ok(conn.ctrl.peer_credentials(cx.net))
    }

    /// Source and destination that the connection stands for: those announced by a header, else the
    /// socket's.
    ///
    /// # Errors
    /// A stale id; an error of the system.
    pub fn ends(&mut self, id: Id) -> Result<(Addr, Addr), Refusal> {
        let (conn, cx) = self.conn_mut(id)?;
        conn.ends(cx.net).ok_or(Refusal::State)
    }

    /// The PROXY header that the connection began with.
    ///
    /// # Errors
    /// A stale id.
    pub fn header(&self, id: Id) -> Result<Option<&proxy::Header>, Refusal> {
        Ok(self.conn(id)?.facts.header())
    }

    /// What TLS negotiated; `None` on a raw connection.
    ///
    /// # Errors
    /// A stale id.
    pub fn negotiated(&self, id: Id) -> Result<Option<Negotiated<'_>>, Refusal> {
        Ok(self.conn(id)?.data.negotiated())
    }

    /// Everything about a connection, as one line of `name=value`.
    ///
    /// # Errors
    /// A stale id.
    pub fn describe(&self, id: Id) -> Result<String, Refusal> {
        let conn = self.conn(id)?;
        let mut line = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_description(id, conn, &mut line);
        Ok(line)
    }

    fn write_description(&self, id: Id, conn: &Conn, line: &mut String) -> std::fmt::Result {
        let word = conn.word;
        let ConnSummary { shr, shw, err } = conn.summary();
        write!(line, "conn={:#018x} state={}", id.bits(), conn.state().name())?;
        write!(line, " shr={shr} shw={shw} err={err}")?;
        let (ctrl, watch) = (&conn.ctrl, conn.ctrl.watch());
        write!(line, " fd={}", ctrl.descriptor().map_or(-1, |fd| fd.0))?;
        write!(line, " fd_state={} peer={}", ctrl.state().name(), conn.facts.peer)?;
        write!(line, " wanted={} announced={}", watch.wanted().bits(), watch.announced().bits())?;
        write!(line, " ready={}", ctrl.ready().bits())?;
        ctrl.write_fed(line)?;
        self.write_link(conn, line)?;
        let LayerStates { fd_allocated, ctrl, data } = conn.layers();
        write!(line, " fd_allocated={fd_allocated}")?;
        write_layer("ctrl", ctrl, line)?;
        write_layer("data", data, line)?;
        write!(line, " data={}", conn.data.name())?;
        write!(line, " ops=[{word}]")?;
        let ahead = conn.data.ahead.as_ref().map_or(0, crate::buffer::Buffer::len);
        write!(line, " in={} out={}", conn.ctrl.bytes_in(), conn.ctrl.bytes_out())?;
        write!(line, " ahead={ahead} unsent={}", conn.ctrl.unsent())?;
        conn.write_limits(line)?;
        let deadline = conn.next_deadline();
        if deadline != Time::NEVER {
            let left = deadline.since(self.tools.now) / MILLISECOND;
            write!(line, " deadline_ms={left}")?;
        }
        write!(line, " waits={}", (conn.waits | conn.flow).names())?;
        if let Some(seat) = conn.seat()
            && let Some(key) = self.streams.key_of(seat.stream)
        {
            let side = if seat.side == CLIENT { "client" } else { "server" };
            write!(line, " stream={:#018x} side={side}", self.id(Kind::Stream, key).bits())?;
        }
        if let Some(cause) = &conn.cause {
            write!(line, " cause=\"{cause}\"")?;
        }
        Ok(())
    }

    /// Everything about a stream, as one line of `name=value`.
    ///
    /// # Errors
    /// A stale id.
    pub fn describe_stream(&self, id: Id) -> Result<String, Refusal> {
        let stream = self.stream(id)?;
        let mut line = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_stream(id, stream, &mut line);
        Ok(line)
    }

    fn write_stream(&self, id: Id, stream: &Stream, line: &mut String) -> std::fmt::Result {
        let now = self.tools.now;
        let [client, server] = [CLIENT, SERVER].map(|side| stream.side(side).state());
        write!(line, "stream={:#018x} client={client} server={server}", id.bits())?;
        for (name, conn) in ["client_conn", "server_conn"].iter().zip(stream.conns()) {
            let bits = conn.map_or(0, |key| self.id(Kind::Conn, key).bits());
            write!(line, " {name}={bits:#018x}")?;
        }
        let [up, down] = &stream.lanes;
        write!(line, " up={} down={}", up.moved, down.moved)?;
        write!(line, " held_up={} held_down={}", up.waiting(), down.waiting())?;
        write!(line, " age_ms={}", now.since(stream.opened_at) / MILLISECOND)?;
        if let Some(selection) = stream.selection.as_deref() {
            let backend = self.id(Kind::Backend, selection.backend).bits();
            write!(line, " backend={backend:#018x} attempts={}", selection.attempts)?;
            let entry = self.registry.backends.get(selection.backend).ok();
            let found = selection.server.and_then(|index| entry?.core.server(index));
            if let Some(found) = found {
                write!(line, " server_name={}", found.name().escape_debug())?;
            }
            if let Some(ahead) = selection.place.and_then(|place| entry?.core.ahead(place)) {
                write!(line, " queue_ahead={ahead}")?;
            }
        }
        let pair = stream.conns().map(|conn| self.conns.get(conn?).ok());
        let due = stream.next_due(pair);
        if due != Time::NEVER {
            write!(line, " deadline_ms={}", due.since(now) / MILLISECOND)?;
        }
        let waits = match server {
            InterfaceState::Que => "slot",
            InterfaceState::Tar => "pause",
            InterfaceState::Con => "server",
            _ if client == InterfaceState::Dis || server == InterfaceState::Dis => "close",
            _ => "bytes",
        };
        write!(line, " waits={waits}")?;
        if let Some(end) = &stream.end {
            let letters = end.termination.letters().map(char::from);
            write!(line, " end={}{} why=\"{}\"", letters[0], letters[1], end.termination)?;
        }
        Ok(())
    }
}

/// Writes the state of one layer.
fn write_layer(name: &str, layer: LayerState, line: &mut String) -> std::fmt::Result {
    let LayerState { initialized, connected, handlers_done, failed, shutr, shutw } = layer;
    write!(line, " {name}_init={initialized} {name}_connected={connected}")?;
    write!(line, " {name}_handlers_done={handlers_done} {name}_failed={failed}")?;
    write!(line, " {name}_shutr={shutr} {name}_shutw={shutw}")
}
