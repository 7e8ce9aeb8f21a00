//! Bulk through TLS: how many records one call to the socket moves.

use std::sync::Arc;

use super::host::{Program, silent};
use super::rig::{Rig, Setup, both, on_sockets, yonder};
use super::stream::pattern;
use super::tls::{accepting, connecting};
use super::tls_peer::{TlsPeer, pair, play, serve};
use crate::config::{AcceptConfig, ConnectConfig};
use crate::data::{BULK_UNIT, UNIT};
use crate::engine::EngineOptions;
use crate::sim::CallKind;
use crate::time::FOREVER;
use crate::tls::TlsVersion;

const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];
const BULK: usize = 2 << 20;

fn forwarding(setup: Setup, connect: ConnectConfig) -> Rig {
    let program =
        Program::Forward { to: yonder(), config: Arc::new(connect), stream: silent(FOREVER) };
    let rig = Rig::with(setup, program, EngineOptions::default());
    rig.world.tune(|knobs| {
        knobs.send_buffer = 8 * BULK_UNIT;
        knobs.receive_buffer = 8 * BULK_UNIT;
        knobs.max_segment = BULK_UNIT;
    });
    rig
}

/// Far fewer calls than reading and sending record by record takes.
fn assert_few_calls(rig: &Rig) {
    let calls = rig.world.calls_of(CallKind::Recv) + rig.world.calls_of(CallKind::Send);
    let record_by_record = (2 * BULK / UNIT) as u64;
    assert!(calls < record_by_record / 2, "{calls} of {record_by_record}");
}

#[test]
fn what_a_client_sends_over_tls_in_bulk_takes_few_calls() {
    for version in VERSIONS {
        on_sockets(|setup| {
            let mut rig = forwarding(setup, ConnectConfig::default());
            let site = rig.world.serve(yonder());
            rig.listen(accepting(version));
            let client = TlsPeer::client(rig.peer(), &pair(version).0, &[]);
            rig.actors.push(play(&client));
            client.borrow_mut().say(&pattern(BULK, 1));
            client.borrow_mut().end();
            rig.settle();
            let server = site.accept().expect("it came");
            server.shutdown_write();
            rig.run();
            assert!(server.received() == pattern(BULK, 1));
            assert_few_calls(&rig);
            rig.finish();
        });
    }
}

#[test]
fn what_a_client_sends_in_bulk_to_a_server_over_tls_takes_few_calls() {
    for version in VERSIONS {
        on_sockets(|setup| {
            let mut rig = forwarding(setup, connecting(version));
            let site = rig.world.serve(yonder());
            let (servers, serving) = serve(site, pair(version).1, TlsPeer::end);
            rig.actors.push(serving);
            rig.listen(AcceptConfig::default());
            let client = rig.peer();
            client.send(&pattern(BULK, 1));
            client.shutdown_write();
            rig.run();
            assert!(servers.borrow()[0].borrow().got == pattern(BULK, 1));
            assert_few_calls(&rig);
            rig.finish();
        });
    }
}

#[test]
fn whatever_portions_the_system_takes_every_byte_arrives_over_tls() {
    for version in VERSIONS {
        for most in [900, 5_000, 9_000, 12_000, 15_000, 40_000, 66_000] {
            both(|setup| {
                let mut rig = forwarding(setup, connecting(version));
                rig.world.tune(|knobs| {
                    knobs.max_write = most;
                    // The system has less room than one call would send.
                    knobs.send_buffer = 3 * most / 2;
                });
                let site = rig.world.serve(yonder());
                let (servers, serving) = serve(site, pair(version).1, |server| {
                    server.say(&pattern(200_000, 2));
                    server.end();
                });
                rig.actors.push(serving);
                rig.listen(accepting(version));
                let client = TlsPeer::client(rig.peer(), &pair(version).0, &[]);
                rig.actors.push(play(&client));
                client.borrow_mut().say(&pattern(300_000, 1));
                client.borrow_mut().end();
                rig.run();
                assert!(servers.borrow()[0].borrow().got == pattern(300_000, 1), "{most}");
                assert!(client.borrow().got == pattern(200_000, 2), "{most}");
                rig.finish();
            });
        }
    }
}
