//! What the trace says of connections, streams and drains.

use std::sync::Arc;

use super::bulk::broad;
use super::host::{Program, silent};
use super::rig::{Rig, Setup, both_here, on_sockets, yonder};
use super::session::{met, recv};
use super::stream::pattern;
use super::tls::{accepting, client};
use crate::config::{AcceptConfig, ConnectConfig};
use crate::conn::Direction;
use crate::engine::{DrainStage, Sent};
use crate::time::{FOREVER, SECOND};
use crate::tls::TlsVersion;
use crate::trace::TraceCategories;
use crate::trace::tests::words;

/// The lines since this was last called, without their time and ids.
fn lines(rig: &mut Rig) -> Vec<String> {
    let lines = rig.engine.trace_lines();
    lines.iter().map(|line| without_ids(&line.to_string())).collect()
}

fn without_ids(line: &str) -> String {
    let words = words(line).unwrap_or_else(|| panic!("{line}"));
    let kept = words.into_iter().filter(|(_, value)| !value.starts_with("0x")).skip(1);
    let kept = kept.map(|(key, value)| match key {
        "cat" | "kind" => value,
        _ => format!("{key}={value}"),
    });
    kept.collect::<Vec<_>>().join(" ")
}

fn traced(setup: Setup, program: Program, categories: TraceCategories) -> Rig {
    let mut rig = Rig::new(setup, program);
    rig.engine.trace(categories);
    rig
}

/// Whether each of `due` is among `lines`, in this order.
#[track_caller]
fn in_order(lines: &[String], due: &[&str]) {
    let mut rest = lines.iter();
    for line in due {
        assert!(rest.any(|found| found == line), "{line} is not in its place in {lines:#?}");
    }
}

#[test]
fn operations_are_traced_from_the_first_wanted_to_the_session() {
    on_sockets(|setup| {
        let mut rig = traced(setup, Program::Idle, TraceCategories::OPERATIONS);
        rig.listen(accepting(TlsVersion::Tls13));
        let peer = client(&mut rig, TlsVersion::Tls13, &[]);
        rig.settle();
        let said = lines(&mut rig);
        in_order(
            &said,
            &[
                "op first peer=198.51.100.7:20001",
                "op wanted op=TLS_ACCEPT",
                "op wanted op=ACCEPT_SESSION",
                "op started op=TLS_ACCEPT",
                "op waits op=TLS_ACCEPT for=read+timer",
                "op done op=TLS_ACCEPT",
                "op done op=ACCEPT_SESSION",
            ],
        );
        assert!(said.iter().all(|line| line.starts_with("op ")), "{said:#?}");
        drop(peer);
    });
}

#[test]
fn an_operation_that_fails_is_traced_with_where_and_why() {
    on_sockets(|setup| {
        let categories = TraceCategories::OPERATIONS | TraceCategories::CLOSING;
        let mut rig = traced(setup, Program::Idle, categories);
        rig.listen(accepting(TlsVersion::Tls13));
        let peer = rig.peer();
        rig.run();
        let said = lines(&mut rig);
        in_order(
            &said,
            &[
                "op failed at=TLS_ACCEPT why=TIMED_OUT text=the peer did not finish in time",
                "op skipped op=ACCEPT_SESSION",
                "closing wanted op=FCLOSE",
                "op undone op=TLS_ACCEPT",
                "closing done op=DCLOSE",
                "closing done op=FCLOSE",
            ],
        );
        let end = said.iter().find(|line| line.starts_with("closing end")).expect("its end");
        assert!(end.contains("at=TLS_ACCEPT why=TIMED_OUT"), "{end}");
        drop(peer);
        rig.finish();
    });
}

#[test]
fn bytes_are_traced_by_their_number_alone_on_every_transport() {
    both_here(|setup| {
        let (mut rig, peer, id) = met(setup);
        rig.engine.trace(TraceCategories::BYTES);
        peer.send(b"a secret");
        rig.settle();
        let mut got = 0;
        while got < b"a secret".len() {
            match recv(&mut rig, id) {
                Ok(bytes) => got += bytes.len(),
                Err(_) => rig.settle(),
            }
        }
        assert_eq!(rig.call(|engine| engine.send(id, b"hello")), Ok(Sent::Bytes(5)));
        rig.settle();
        let said: Vec<_> = rig.engine.trace_lines().iter().map(ToString::to_string).collect();
        let of = |kind: &str| -> usize {
            let lines = said.iter().filter(|line| line.contains(&format!(" kind={kind} ")));
            let counts = lines.filter_map(|line| line.rsplit_once("bytes=")?.1.parse().ok());
            counts.map(|n: usize| n).sum()
        };
        assert_eq!((of("read"), of("written")), (8, 5), "{said:#?}");
        let name = format!(" conn={:#018x} ", id.bits());
        assert!(said.iter().all(|line| line.contains(&name)), "{said:#?}");
        assert!(!said.iter().any(|line| line.contains("secret") || line.contains("hello")));
        rig.call(|engine| engine.abort(id)).expect("a session");
        rig.finish();
    });
}

#[test]
fn bytes_of_a_stream_are_traced_with_the_connection_they_went_through() {
    const BULK: usize = 600_000;
    on_sockets(|setup| {
        let config = Arc::new(ConnectConfig::default());
        let program = Program::Forward { to: yonder(), config, stream: silent(FOREVER) };
        let mut rig = traced(setup, program, TraceCategories::BYTES);
        rig.world.tune(broad);
        let site = rig.world.serve(yonder());
        rig.listen(AcceptConfig::default());
        let client = rig.peer();
        rig.settle();
        let server = site.accept().expect("it came");
        client.send(&pattern(BULK, 1));
        rig.run_for(SECOND);
        assert_eq!(server.received().len(), BULK);
        let mut moved = std::collections::BTreeMap::new();
        for line in rig.engine.trace_lines() {
            let line = line.to_string();
            let words = words(&line).expect("a line");
            let [_, _, kind, conn, bytes] = &words[..] else { panic!("{line}") };
            let direction = if kind.1 == "read" || kind.1 == "spliced_in" { "in" } else { "out" };
            let n: usize = bytes.1.parse().expect("a number");
            *moved.entry((conn.1.clone(), direction)).or_insert(0) += n;
        }
        let moved: Vec<_> = moved.into_iter().map(|((_, direction), n)| (direction, n)).collect();
        assert_eq!(moved, [("in", BULK), ("out", BULK)], "in by the client's, out by the server's");
        client.shutdown_write();
        server.shutdown_write();
        rig.run();
        rig.finish();
    });
}

#[test]
fn tls_is_traced_with_what_it_agreed_on_and_both_close_notifies() {
    for (version, name) in [(TlsVersion::Tls12, "TLSv1.2"), (TlsVersion::Tls13, "TLSv1.3")] {
        on_sockets(|setup| {
            let mut rig = traced(setup, Program::Echo, TraceCategories::TLS);
            rig.listen(accepting(version));
            let peer = client(&mut rig, version, &[]);
            peer.borrow_mut().say(b"hello");
            peer.borrow_mut().end();
            rig.run();
            let said = lines(&mut rig);
            let handshake = &said[0];
            assert!(handshake.starts_with(&format!("tls handshake version={name} suite=TLS_")));
            assert!(handshake.contains(" sni=a.test resumed=false"), "{handshake}");
            in_order(&said, &["tls close_notify_received", "tls close_notify_sent"]);
            assert_eq!(said.len(), 3, "{said:#?}");
            rig.finish();
        });
    }
}

#[test]
fn an_alert_is_traced_by_who_sent_it() {
    on_sockets(|setup| {
        let mut rig = traced(setup, Program::Idle, TraceCategories::TLS);
        rig.listen(accepting(TlsVersion::Tls13));
        let peer = rig.peer();
        peer.send(b"this is no handshake at all");
        rig.run();
        let said = lines(&mut rig);
        assert_eq!(said.len(), 1, "{said:#?}");
        assert!(said[0].starts_with("tls alert_sent alert="), "{said:#?}");
        rig.finish();
    });
}

#[test]
fn an_end_is_traced_from_the_shutdown_to_the_record() {
    on_sockets(|setup| {
        let (mut rig, peer, id) = met(setup);
        rig.engine.trace(TraceCategories::CLOSING);
        rig.call(|engine| engine.shutdown(id, Direction::Write)).expect("a session");
        rig.settle();
        in_order(
            &lines(&mut rig),
            &["closing wanted op=DSHW", "closing done op=DSHW", "closing fin_sent"],
        );
        peer.shutdown_write();
        rig.settle();
        rig.call(|engine| engine.close(id)).expect("a session");
        rig.run();
        let said = lines(&mut rig);
        in_order(&said, &["closing fin_received", "closing waits op=FCLOSE for=release"]);
        let end = said.last().expect("its end");
        assert!(end.starts_with("closing end in=0 out=0 discarded=0 lost=0 lasted="), "{end}");
        assert!(!end.contains("why="), "{end}");
        rig.finish();
    });
}

#[test]
fn a_drain_and_the_end_of_a_stream_are_traced() {
    on_sockets(|setup| {
        let config = Arc::new(ConnectConfig::default());
        let program = Program::Forward { to: yonder(), config, stream: silent(FOREVER) };
        let mut rig = traced(setup, program, TraceCategories::CLOSING);
        let site = rig.world.serve(yonder());
        rig.listen(AcceptConfig::default());
        let client = rig.peer();
        rig.settle();
        let server = site.accept().expect("it came");
        client.send(b"hello");
        rig.settle();
        rig.call(|engine| engine.drain(DrainStage::Close, SECOND)).expect("the first");
        rig.run();
        let said = lines(&mut rig);
        assert!(said.iter().any(|line| line.starts_with("closing drain stage=close until=")));
        in_order(&said, &["closing drain stage=over"]);
        let end = said.iter().find(|line| line.starts_with("closing stream_end")).expect("its end");
        assert!(end.contains(" up=5 down=0 at=SESSION why=ABORTED"), "{end}");
        drop((client, server));
    });
}

#[test]
fn a_trace_that_begins_later_says_first_where_a_connection_stands() {
    on_sockets(|setup| {
        let (mut rig, _peer, id) = met(setup);
        rig.engine.trace(TraceCategories::OPERATIONS);
        rig.call(|engine| engine.close(id)).expect("a session");
        rig.settle();
        let said = lines(&mut rig);
        assert_eq!(said[..2], ["op first peer=198.51.100.7:20001", "op done op=ACCEPT_SESSION"]);
        rig.engine.trace(TraceCategories::empty());
        rig.run();
        assert!(lines(&mut rig).is_empty());
        rig.finish();
    });
}
