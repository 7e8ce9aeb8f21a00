//! One peer must not starve the others.

use std::sync::Arc;

use super::host::{Program, silent};
use super::rig::{Rig, both, yonder};
use crate::config::{AcceptConfig, ConnectConfig};
use crate::engine::EventKind;
use crate::sim::{Knobs, Peer};
use crate::sys::Fd;
use crate::time::SECOND;

const CROWD: usize = 100;

fn forward() -> Program {
    let config = Arc::new(ConnectConfig::default());
    Program::Forward { to: yonder(), config, stream: silent(0) }
}

/// Room for everybody, and buffers as large as those of a fast network.
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

#[cfg(feature = "self-signed")]
#[test]
fn established_streams_go_on_under_a_flood_of_handshakes() {
    use super::tls::accepting;
    use super::tls_peer::{TlsPeer, pair, play};
    use crate::tls::Version;

    both(|setup| {
        let mut rig = Rig::in_world(setup, Program::Echo, Default::default(), wide());
        let plain = rig.listen(AcceptConfig::default());
        let talker = rig.peer();
        talker.send(b"ping");
        rig.settle();
        assert_eq!(talker.take_received(), b"ping");
        rig.call(|engine| engine.close_listener(plain)).expect("it is open");
        rig.settle();
        rig.listen(accepting(Version::Tls13));
        let flood: Vec<Peer> = (0..60)
            .map(|_| {
                let peer = rig.peer();
                let shared = TlsPeer::client(peer.clone(), &pair(Version::Tls13).0, &[]);
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
