//! Everything the engine counts, as metrics. To add a number, add a row to a table below, or a table.

use std::collections::HashMap;
use std::sync::Arc;

use super::links::RemoteCounts;
use super::listener::{Listener, ListenerCounts};
use super::traffic::LiveBytes;
use super::{DrainStage, Engine};
use crate::backend::{Server, Stats};
use crate::conn::{Op, OpSet, TimeoutKind, Why};
use crate::group::MetricsSnapshot;
use crate::slab::Key;
use crate::sys::Net;
use crate::table::Table;
use crate::tls::TlsVersion;
use crate::wire::exposition::{CONTENT_TYPE, Combine, Exposition, MetricFamily, MetricKind};

const fn counter(name: &'static str, help: &'static str) -> MetricFamily {
    MetricFamily { name, kind: MetricKind::Counter, help, combine: Combine::Sum }
}

const fn gauge(name: &'static str, help: &'static str) -> MetricFamily {
    MetricFamily { name, kind: MetricKind::Gauge, help, combine: Combine::Sum }
}

/// A gauge of which the smallest of all engines counts: a yes that holds only where all say so.
const fn least(name: &'static str, help: &'static str) -> MetricFamily {
    MetricFamily { name, kind: MetricKind::Gauge, help, combine: Combine::Least }
}

/// A gauge of which the largest of all engines counts: a yes that holds where one says so.
const fn most(name: &'static str, help: &'static str) -> MetricFamily {
    MetricFamily { name, kind: MetricKind::Gauge, help, combine: Combine::Most }
}

/// Metric families, and the function that supplies the numbers of each.
type MetricTable<F> = &'static [(MetricFamily, F)];
type OfListener = fn(&Listener, &ListenerCounts) -> u64;
type OfBackend = fn(&Stats) -> u64;
type OfServer = fn(&Server, &Stats) -> u64;
type OfTable = fn(&Table) -> u64;
type OfRemote = fn(&RemoteCounts) -> u64;

/// Numbers of each listener.
const LISTENER: MetricTable<OfListener> = &[
    (counter("vestibule_listener_accepted_total", "Connections accepted."), |_, c| c.accepted),
    (counter("vestibule_listener_sessions_total", "Connections that became sessions."), |_, c| {
        c.sessions
    }),
    (counter("vestibule_listener_refused_total", "Connections that ended before that."), |_, c| {
        c.refused
    }),
    (counter("vestibule_listener_monitored_total", "Connections of monitors."), |l, _| {
        l.counts.monitored
    }),
    (counter("vestibule_listener_received_bytes_total", "Bytes its connections read."), |_, c| {
        c.bytes[0]
    }),
    (counter("vestibule_listener_sent_bytes_total", "Bytes its connections wrote."), |_, c| {
        c.bytes[1]
    }),
    (gauge("vestibule_listener_connections", "Connections that exist."), |l, _| l.conns.into()),
    (most("vestibule_listener_resting", "Whether it takes no connections for now."), |l, _| {
        (!l.accepting.takes()).into()
    }),
    (
        most(
            "vestibule_listener_monitor_failing",
            "Whether the host has its monitors told of a failure.",
        ),
        |l, _| l.monitor_fails.into(),
    ),
];

/// Numbers of each backend.
const BACKEND: MetricTable<OfBackend> = &[
    (gauge("vestibule_backend_current_streams", "Streams at its servers."), |s| {
        s.streams.now.into()
    }),
    (counter("vestibule_backend_streams_total", "Streams that got a place at a server."), |s| {
        s.streams.total
    }),
    (gauge("vestibule_backend_queue", "Streams that wait for any server."), |s| s.queue.now.into()),
    (
        counter("vestibule_backend_queue_full_total", "Streams refused because a queue was full."),
        |s| s.counters.queue_full,
    ),
    (counter("vestibule_backend_queue_timeouts_total", "Streams that waited in vain."), |s| {
        s.counters.queue_timeouts
    }),
];

/// Numbers of each server.
const SERVER: MetricTable<OfServer> = &[
    (least("vestibule_server_up", "Whether its health is good."), |server, _| {
        server.is_up().into()
    }),
    (least("vestibule_server_usable", "Whether new streams may go to it."), |server, _| {
        server.is_usable().into()
    }),
    (most("vestibule_server_weight", "Its share beside the others'."), |server, _| {
        server.weight().get().into()
    }),
    (gauge("vestibule_server_current_streams", "Streams that hold a place."), |_, s| {
        s.streams.now.into()
    }),
    (counter("vestibule_server_streams_total", "Streams that got a place."), |_, s| {
        s.streams.total
    }),
    (gauge("vestibule_server_queue", "Streams that wait for this very server."), |_, s| {
        s.queue.now.into()
    }),
    (counter("vestibule_server_connect_errors_total", "Attempts that failed."), |_, s| {
        s.counters.connect_errors
    }),
    (counter("vestibule_server_retries_total", "Attempts that were repeated here."), |_, s| {
        s.counters.retries
    }),
    (
        counter("vestibule_server_redispatches_total", "Attempts that were repeated elsewhere."),
        |_, s| s.counters.redispatches,
    ),
    (counter("vestibule_server_checks_passed_total", "Health checks that passed."), |_, s| {
        s.counters.checks_passed
    }),
    (counter("vestibule_server_checks_failed_total", "Health checks that failed."), |_, s| {
        s.counters.checks_failed
    }),
    (counter("vestibule_server_received_bytes_total", "Bytes that came from it."), |_, s| {
        s.counters.bytes[0]
    }),
    (counter("vestibule_server_sent_bytes_total", "Bytes that went to it."), |_, s| {
        s.counters.bytes[1]
    }),
    (counter("vestibule_server_downs_total", "How often it went down."), |_, s| s.counters.downs),
];

/// Numbers of links and agents, of those that an engine has any of.
const REMOTE: MetricTable<OfRemote> = &[
    (gauge("vestibule_links", "Links to agents."), |r| r.links),
    (gauge("vestibule_links_up", "Links at whose end an agent answers."), |r| r.links_up),
    (gauge("vestibule_links_waiting", "Connections that wait for an agent."), |r| r.waiting),
    (gauge("vestibule_agent_clients", "Clients of agents of this engine."), |r| r.clients),
    (gauge("vestibule_link_channels", "Connections behind links, at either side."), |r| r.channels),
];

/// Numbers of each stick table that rules of a listener can name.
const TABLE: MetricTable<OfTable> = &[
    (
        gauge("vestibule_table_entries", "Entries, with expired ones that nobody took out yet."),
        |table| table.len() as u64,
    ),
    (gauge("vestibule_table_size", "The most entries there can be."), |table| {
        table.config().size as u64
    }),
    (
        counter("vestibule_table_purged_total", "Entries that made room before they expired."),
        Table::purged,
    ),
    (
        counter("vestibule_table_refused_total", "Keys that a full table had no room for."),
        Table::refused,
    ),
];

impl<N: Net> Engine<N> {
    /// Everything the engine counts, in the text format of Prometheus.
    pub fn metrics(&self) -> String {
        text_of(self.snapshot())
    }

    /// Everything the engine counts.
    pub(super) fn snapshot(&self) -> MetricsSnapshot {
        let mut text = Exposition::default();
        self.write_engine(&mut text);
        self.write_ops(&mut text);
        self.write_tls(&mut text);
        let live = self.live_bytes();
        self.write_listeners(&live, &mut text);
        self.write_backends(&live, &mut text);
        self.write_remote(&mut text);
        MetricsSnapshot { numbers: text, tables: self.tables() }
    }

    fn write_engine(&self, text: &mut Exposition) {
        let (counted, tools) = (&self.counters, &self.tools);
        let stage = match self.draining.as_ref().map(super::drain::Draining::how) {
            None => 0,
            Some(DrainStage::LameDuck) => 1,
            Some(DrainStage::Pause) => 2,
            Some(DrainStage::Close) => 3,
        };
        let (mut inbox, mut outbox) = (0, 0);
        // Where all are sockets, no connection is looked at.
        if self.fed > 0 {
            for [received, unsent] in self.conns.iter().filter_map(|(_, conn)| conn.ctrl.fed_held())
            {
                (inbox, outbox) = (inbox + received, outbox + unsent);
            }
        }
        text.family(most("vestibule_info", "The version of the library."));
        text.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
        let rows = [
            (gauge("vestibule_connections", "Connections that exist."), self.conns.len() as u64),
            (
                gauge(
                    "vestibule_connections_opening",
                    "Incoming connections that are no sessions yet.",
                ),
                self.opening.into(),
            ),
            (gauge("vestibule_streams", "Streams that exist."), self.streams.len() as u64),
            (
                most(
                    "vestibule_draining",
                    "0, or the stage of the drain: lame duck, pause, close.",
                ),
                stage,
            ),
            (
                gauge("vestibule_buffers_in_use", "Pooled buffers that hold bytes in flight."),
                tools.pool.in_use() as u64,
            ),
            (
                gauge("vestibule_pipes_in_use", "Pipes that streams move bytes through."),
                tools.pipes.on_loan() as u64,
            ),
            (
                gauge("vestibule_fed_connections", "Connections whose bytes the host moves."),
                self.fed.into(),
            ),
            (
                gauge("vestibule_fed_inbox_bytes", "Bytes that fed connections have not read."),
                inbox as u64,
            ),
            (
                gauge("vestibule_fed_outbox_bytes", "Bytes of fed connections, not sent yet."),
                outbox as u64,
            ),
            (
                counter("vestibule_received_bytes_total", "Bytes read from the wire."),
                tools.telemetry.traffic.received,
            ),
            (
                counter("vestibule_sent_bytes_total", "Bytes the kernel took for the wire."),
                tools.telemetry.traffic.sent,
            ),
            (
                counter(
                    "vestibule_discarded_bytes_total",
                    "Bytes read and thrown away while closing.",
                ),
                counted.discarded,
            ),
            (counter("vestibule_accepted_total", "Connections accepted."), counted.accepted),
            (
                counter("vestibule_sessions_total", "Connections that became sessions."),
                counted.sessions,
            ),
            (
                counter("vestibule_refused_total", "Connections that ended before that."),
                counted.refused,
            ),
            (counter("vestibule_monitored_total", "Connections of monitors."), counted.monitored),
            (
                counter(
                    "vestibule_refusals_suppressed_total",
                    "Refusals that were counted and not told.",
                ),
                counted.suppressed,
            ),
            (
                counter(
                    "vestibule_accept_errors_total",
                    "Calls of accept that failed for one connection.",
                ),
                counted.accept_errors,
            ),
            (
                counter(
                    "vestibule_starved_total",
                    "Times a listener had to rest because the system ran out of something.",
                ),
                counted.starved,
            ),
            (
                counter(
                    "vestibule_limited_total",
                    "Times a limit turned a connection away or made a listener rest.",
                ),
                counted.limited,
            ),
            (
                counter("vestibule_connects_total", "Outgoing connections asked for."),
                counted.connects,
            ),
            (
                counter(
                    "vestibule_connect_failures_total",
                    "Outgoing connections that failed before they were open.",
                ),
                counted.connect_failures,
            ),
        ];
        for (family, value) in rows {
            text.single(family, value);
        }
    }

    /// Zero counts are left out: most pairs of operation and reason never occur.
    fn write_ops(&self, text: &mut Exposition) {
        let opening = || Op::ALL.iter().copied().filter(|op| OpSet::OPENING.has(*op));
        text.family(counter(
            "vestibule_op_passed_total",
            "Opening operations that were completed.",
        ));
        for op in opening() {
            text.sample(&[("op", op.name())], self.tools.telemetry.ops.passed(op));
        }
        text.family(counter(
            "vestibule_op_overdue_total",
            "Connections that ended because the deadline of an operation had passed.",
        ));
        for op in Op::ALL.iter().filter(|op| op.timeout_kind() != TimeoutKind::Unbounded) {
            text.sample(&[("op", op.name())], self.tools.telemetry.ops.overdue(*op));
        }
        text.family(counter(
            "vestibule_op_failed_total",
            "Connections that ended in an operation, by reason; SESSION is while the session's bytes moved.",
        ));
        for at in Op::ALL.iter().copied().map(Some).chain([None]) {
            for why in Why::ALL.iter().copied() {
                let count = self.tools.telemetry.ops.failed(at, why);
                if count > 0 {
                    let at = at.map_or("SESSION", Op::name);
                    text.sample(&[("op", at), ("why", why.name())], count);
                }
            }
        }
    }

    fn write_tls(&self, text: &mut Exposition) {
        text.family(counter("vestibule_tls_handshakes_total", "Handshakes that were finished."));
        for (side, outgoing) in [("server", false), ("client", true)] {
            for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
                for (word, resumed) in [("no", false), ("yes", true)] {
                    let labels = [("side", side), ("version", version.name()), ("resumed", word)];
                    text.sample(
                        &labels,
                        self.tools.telemetry.handshakes.get(outgoing, version, resumed),
                    );
                }
            }
        }
    }

    fn write_listeners(&self, live: &LiveBytes, text: &mut Exposition) {
        let all = self.registry.listeners.iter();
        let labelled = self.labelled(all.map(|(key, listener)| {
            let name = listener.name.as_deref().map(str::to_owned);
            (key, name.unwrap_or_else(|| listener.asked.to_string()), listener)
        }));
        for (family, value) in LISTENER {
            text.family(*family);
            for (key, [name, number], listener) in &labelled {
                let counts = live.of_listener(*key, listener.counts);
                text.sample(&[("listener", name), ("number", number)], value(listener, &counts));
            }
        }
        text.family(least(
            "vestibule_listener_certificate_not_after_seconds",
            "When the first of its certificates ends, in seconds since 1970.",
        ));
        for (_, [name, number], listener) in &labelled {
            // An expiry time where there is no certificate would raise an alarm.
            if let Some(tls) = &listener.config.tls {
                text.sample(&[("listener", name), ("number", number)], tls.first_not_after());
            }
        }
    }

    /// A backend without a name is written under its number.
    fn write_backends(&self, live: &LiveBytes, text: &mut Exposition) {
        let all = self.registry.backends.iter();
        let labelled = self.labelled(all.map(|(key, entry)| {
            let name = entry.name.as_deref().map(str::to_owned);
            (key, name.unwrap_or_else(|| key.slot.to_string()), entry)
        }));
        for (family, value) in BACKEND {
            text.family(*family);
            for (_, [name, number], entry) in &labelled {
                let labels = [("backend", name.as_str()), ("number", number)];
                text.sample(&labels, value(&entry.core.stats()));
            }
        }
        for (family, value) in SERVER {
            text.family(*family);
            for (key, [name, number], entry) in &labelled {
                for (index, server) in entry.core.servers() {
                    let stats = entry.core.server_stats(index).unwrap_or_default();
                    let stats = live.of_backend(*key, Some(index), stats);
                    let labels =
                        [("backend", name.as_str()), ("number", number), ("server", server.name())];
                    text.sample(&labels, value(server, &stats));
                }
            }
        }
    }

    /// Several may share a name; their numbers distinguish them. In a group they are counted among those of
    /// one name, so that engines which opened theirs in another order agree.
    fn labelled<T>(
        &self,
        all: impl Iterator<Item = (Key, String, T)>,
    ) -> Vec<(Key, [String; 2], T)> {
        let mut namesakes: HashMap<String, u32> = HashMap::new();
        let labelled = all.map(|(key, name, of)| {
            let number = if self.is_member() {
                let next = namesakes.entry(name.clone()).or_default();
                std::mem::replace(next, *next + 1)
            } else {
                key.slot
            };
            (key, [name, number.to_string()], of)
        });
        labelled.collect()
    }

    fn write_remote(&self, text: &mut Exposition) {
        let Some(counts) = self.remote_counts() else { return };
        for (family, value) in REMOTE {
            text.family(*family);
            text.sample(&[], value(&counts));
        }
    }

    /// The tables that the rules of listeners can name, each once.
    fn tables(&self) -> Vec<Arc<Table>> {
        let mut tables: Vec<Arc<Table>> = Vec::new();
        for (_, listener) in self.registry.listeners.iter() {
            let Some(rules) = listener.config.rules.as_ref().map(|rules| rules.current()) else {
                continue;
            };
            for table in rules.tables().iter() {
                if !tables.iter().any(|known| Arc::ptr_eq(known, table)) {
                    tables.push(Arc::clone(table));
                }
            }
        }
        tables
    }
}

/// Numbers as a text, those of the tables among them.
pub(super) fn text_of(snapshot: MetricsSnapshot) -> String {
    let MetricsSnapshot { numbers: mut text, tables } = snapshot;
    write_tables(&tables, &mut text);
    text.into_text()
}

/// A text of metrics as a response of HTTP/1.0.
pub(super) fn response_of(text: &str) -> String {
    format!(
        "HTTP/1.0 200 OK\r\nCache-Control: no-store\r\nConnection: close\r\n\
         Content-Type: {CONTENT_TYPE}\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    )
}

/// Several rule sets may have tables of one name; an index distinguishes them.
fn write_tables(tables: &[Arc<Table>], text: &mut Exposition) {
    for (family, value) in TABLE {
        text.family(*family);
        for (at, table) in tables.iter().enumerate() {
            let name = &table.config().name;
            let namesakes = tables[..at].iter().filter(|other| other.config().name == *name);
            let number = namesakes.count().to_string();
            text.sample(&[("table", name), ("number", &number)], value(table));
        }
    }
}
