//! Listeners and backends as one line of text, for a log or for debugging.

use std::fmt::{self, Write};

use super::backend::BackendEntry;
use super::listener::{Accepting, Listener};
use super::{Engine, Refusal};
use crate::backend::Admin;
use crate::id::{Id, Kind};
use crate::sys::Net;

impl<N: Net> Engine<N> {
    /// Everything about a listener, as one line of `name=value`.
    ///
    /// # Errors
    /// A stale id.
    pub fn describe_listener(&self, id: Id) -> Result<String, Refusal> {
        let key = self.key(Kind::Listener, id)?;
        let listener = self.registry.listener(Some(key)).ok_or(Refusal::Stale)?;
        let mut line = String::new();
        // Writing to a String cannot fail.
        let _ = write_listener(id, listener, &mut line);
        Ok(line)
    }

    /// Everything about a backend and its servers, as one line of `name=value`.
    ///
    /// # Errors
    /// A stale id.
    pub fn describe_backend(&self, id: Id) -> Result<String, Refusal> {
        let entry = self.backend(id)?;
        let mut line = String::new();
        // Writing to a String cannot fail.
        let _ = write_backend(id, entry, &mut line);
        Ok(line)
    }
}

fn write_listener(id: Id, listener: &Listener, line: &mut String) -> fmt::Result {
    write!(line, "listener={:#018x}", id.bits())?;
    write_name(listener.name.as_deref(), line)?;
    write!(line, " addr={}", listener.addr)?;
    let (fd, state) = (listener.fd.map_or(-1, |fd| fd.0), listener.fd_state());
    write!(line, " fd={fd} fd_state={}", state.name())?;
    let watch = &listener.watch;
    write!(line, " wanted={} announced={}", watch.wanted().bits(), watch.announced().bits())?;
    match listener.accepting {
        Accepting::Open | Accepting::Retrying(_) => write!(line, " accepting=yes")?,
        Accepting::Paused(_) => write!(line, " accepting=paused")?,
        Accepting::Full => write!(line, " accepting=full")?,
        Accepting::Starved(errno) => write!(line, " accepting=starved errno={}", errno.0)?,
    }
    write!(line, " closing={} monitor_fails={}", !listener.is_open(), listener.monitor_fails)?;
    let counts = &listener.counts;
    write!(line, " conns={} max_conns={}", listener.conns, listener.options.max_conns)?;
    write!(line, " accepted={} sessions={}", counts.accepted, counts.sessions)?;
    write!(line, " refused={} monitored={}", counts.refused, counts.monitored)
}

fn write_backend(id: Id, entry: &BackendEntry, line: &mut String) -> fmt::Result {
    write!(line, "backend={:#018x}", id.bits())?;
    write_name(entry.name.as_deref(), line)?;
    let stats = entry.core.stats();
    let usable = entry.core.servers().filter(|(_, server)| server.is_usable()).count();
    write!(line, " servers={} usable={usable}", entry.core.servers().count())?;
    write!(line, " streams={} queued={}", stats.streams.now, stats.queue.now)?;
    for (index, server) in entry.core.servers() {
        let number = index.0;
        let admin = match server.admin() {
            Admin::Ready => "READY",
            Admin::Drain => "DRAIN",
            Admin::Maintenance => "MAINTENANCE",
        };
        write!(line, " server.{number}.name=\"{}\"", server.name().escape_debug())?;
        write!(line, " server.{number}.state={admin} server.{number}.up={}", server.is_up())?;
        write!(line, " server.{number}.usable={}", server.is_usable())?;
        write!(line, " server.{number}.weight={}", server.weight().get())?;
        write!(line, " server.{number}.addresses={}", server.addresses().len())?;
        let stats = entry.core.server_stats(index).unwrap_or_default();
        write!(line, " server.{number}.streams={}", stats.streams.now)?;
        write!(line, " server.{number}.queued={}", stats.queue.now)?;
    }
    Ok(())
}

/// The name that rules and metrics use, where there is one.
fn write_name(name: Option<&str>, line: &mut String) -> fmt::Result {
    match name {
        Some(name) => write!(line, " name=\"{}\"", name.escape_debug()),
        None => Ok(()),
    }
}
