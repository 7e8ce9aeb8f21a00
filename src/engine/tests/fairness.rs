//! One peer must not keep the others from being served.

use std::sync::Arc;

use super::host::{Program, silent};
use super::rig::{Rig, both, both_here, yonder};
use crate::config::{AcceptConfig, ConnectConfig};
use crate::engine::EventKind;
use crate::sim::{Knobs, Peer};
use crate::sys::Fd;
use crate::time::{FOREVER, SECOND};

const CROWD: usize = 100;

fn forward() -> Program {
    let config = Arc::new(ConnectConfig::default());
    Program::Forward { to: yonder(), config, stream: silent(FOREVER) }
}

/// Room for all peers, and buffers as large as those of a fast network.
fn wide() -> Knobs {
    Knobs {
        fd_limit: Fd(4_000),
        send_buffer: 4 << 20,
        receive_buffer: 4 << 20,
        max_segment: 4 << 20,
        ..Knobs::default()
    }
}

#[test]
fn a_hundred_ping_pongs_go_on_beside_one_bulk_stream() {
    both(|setup| {
        let mut rig = Rig::in_world(setup, forward(), Default::default(), wide());
        let site = rig.world.serve(yonder());
        rig.listen(AcceptConfig::default());
        let bulk = rig.peer();
        rig.settle();
        let sink = site.accept().expect("it came");
        let mut pairs = Vec::new();
        for _ in 0..CROWD {
            let client = rig.peer();
            rig.settle();
            pairs.push((client, site.accept().expect("it came")));
        }
        bulk.send(&vec![7; 64 << 20]);
        rig.run_for(1);
        let before = sink.received().len();
        for (client, _) in &pairs {
            client.send(b"ping");
        }
        // As many turns of the loop as there are network delays in a round trip, and no more.
        rig.run_for(4 * *Knobs::default().latency.end());
        let answered = pairs.iter().filter(|(_, server)| server.received() == b"ping").count();
        assert_eq!(answered, CROWD, "every ping has come through");
        assert!(sink.received().len() > before, "and the bulk went on");
        assert!(sink.received().len() < 64 << 20, "it was not waited for");
        bulk.shutdown_write();
        for (client, server) in &pairs {
            client.close();
            server.close();
        }
        rig.run();
        assert_eq!(sink.take_received().len(), 64 << 20);
        sink.close();
        bulk.close();
        rig.finish();
    });
}

#[test]
fn established_streams_go_on_under_a_flood_of_handshakes() {
    use super::tls::accepting;
    use super::tls_peer::{TlsPeer, pair, play};
    use crate::tls::TlsVersion;

    both(|setup| {
        let mut rig = Rig::in_world(setup, Program::Echo, Default::default(), wide());
        let plain = rig.listen(AcceptConfig::default());
        let talker = rig.peer();
        talker.send(b"ping");
        rig.settle();
        assert_eq!(talker.take_received(), b"ping");
        rig.call(|engine| engine.close_listener(plain)).expect("it is open");
        rig.settle();
        rig.listen(accepting(TlsVersion::Tls13));
        let flood: Vec<Peer> = (0..60)
            .map(|_| {
                let peer = rig.peer();
                let shared = TlsPeer::client(peer.clone(), &pair(TlsVersion::Tls13).0, &[]);
                rig.actors.push(play(&shared));
                peer
            })
            .collect();
        let heavy = rig.engine.options.heavy_per_drive as usize;
        let mut rounds = 0;
        // A ping in every turn is answered in the next, however many handshakes wait.
        while rounds < 10 {
            rounds += 1;
            talker.send(b"ping");
            rig.run_for(2 * *Knobs::default().latency.end());
            assert_eq!(talker.take_received(), b"ping", "in round {rounds}");
        }
        let opened = |rig: &Rig| {
            let sessions = |event: &&crate::engine::Event| matches!(event.kind, EventKind::Session);
            rig.host.events.iter().filter(sessions).count()
        };
        assert!(heavy > 0 && opened(&rig) <= flood.len() + 1);
        rig.run_for(5 * SECOND);
        assert_eq!(opened(&rig), flood.len() + 1, "and every handshake is made in the end");
        talker.close();
        flood.iter().for_each(Peer::close);
        rig.run();
        rig.finish();
    });
}

#[test]
fn a_server_that_sends_tickets_without_end_leaves_room_for_others() {
    use super::tls::connecting;
    use super::tls_peer::{TlsPeer, pair, serve};
    use crate::engine::ConnectOptions;
    use crate::tls::TlsVersion;

    /// A NewSessionTicket: lifetime, age_add, a nonce of one byte, a ticket of two, no extensions (RFC
    /// 8446 section 4.6.1).
    const TICKET: [u8; 20] = [4, 0, 0, 16, 0, 0, 1, 0, 1, 2, 3, 4, 1, 9, 0, 2, 7, 7, 0, 0];
    const HANDSHAKE: u8 = 22;
    const TICKETS: usize = 10_000;
    let flood = |peer: &mut TlsPeer| {
        peer.utter(|session, out| {
            (0..TICKETS).for_each(|_| session.forge(HANDSHAKE, &TICKET, out));
        });
    };

    for in_stream in [false, true] {
        both_here(|setup| {
            let config = Arc::new(connecting(TlsVersion::Tls13));
            let program = match in_stream {
                true => {
                    let config = Arc::clone(&config);
                    Program::Forward { to: yonder(), config, stream: silent(FOREVER) }
                }
                false => Program::Echo,
            };
            let mut rig = Rig::in_world(setup, program, Default::default(), wide());
            let tls = pair(TlsVersion::Tls13).1;
            let (peers, actor) = serve(rig.world.serve(yonder()), tls, |_| {});
            rig.actors.push(actor);
            rig.listen(AcceptConfig::default());
            let client = in_stream.then(|| rig.peer());
            if !in_stream {
                let connect = ConnectOptions::default();
                rig.call(|engine| engine.connect(yonder(), config, &connect)).expect("asked for");
            }
            rig.settle();
            rig.host.program = Program::Echo;
            let talker = rig.peer();
            rig.settle();
            let server = peers.borrow()[0].clone();
            flood(&mut server.borrow_mut());
            server.borrow_mut().act();
            talker.send(b"ping");
            let flooded = |rig: &Rig| {
                let mut conns = rig.engine.conns.iter();
                let (_, conn) = conns.find(|(_, conn)| conn.data.tls().is_some()).expect("one");
                conn.ctrl.bytes_in()
            };
            let before = flooded(&rig);
            // Both have arrived before the engine looks.
            rig.world.advance_to(rig.world.now() + 4 * *Knobs::default().latency.end());
            let now = rig.world.now();
            rig.round(now);
            let taken = flooded(&rig) - before;
            assert!(taken > 0 && taken < (TICKETS * TICKET.len() / 2) as u64, "{taken}");
            rig.run_for(2 * *Knobs::default().latency.end());
            assert_eq!(talker.take_received(), b"ping");
            rig.settle();
            assert!(flooded(&rig) - before > (TICKETS * TICKET.len()) as u64, "and all is taken");
            server.borrow_mut().end();
            rig.settle();
            server.borrow().peer.close();
            client.iter().chain([&talker]).for_each(Peer::close);
            rig.run();
            rig.finish();
        });
    }
}
