//! A whole TLS session without a socket: the engine's connections are fed, and this program carries
//! their bytes. It is the smallest host there can be, for connections whose bytes it moves itself.
#![cfg(feature = "self-signed")]

use std::sync::Arc;

use vestibule::config::{AcceptConfig, ConnectConfig, ConnectTls, TransportKind};
use vestibule::engine::{
    ConnectOptions, Engine, EngineOptions, EventKind, FedAsks, FedOrigin, Received, Sent,
};
use vestibule::id::Id;
use vestibule::sys::{Addr, Kernel, WallClock};
use vestibule::time::Time;
use vestibule::tls::{ClientOptions, ClientTls, Roots, ServerOptions, ServerTls, self_signed};

/// A server and a client in one engine, and what joins them.
struct Pair {
    engine: Engine<Kernel>,
    /// The connections, the client's first: what one of them sends is received by the other.
    ends: [Id; 2],
    /// Which of them have finished their handshakes.
    open: [bool; 2],
    /// Which of them have ended their direction.
    shut: [bool; 2],
    /// Which of them have ended, and whether with a failure.
    ended: [Option<bool>; 2],
}

fn server_tls() -> Arc<ServerTls> {
    let certificates = vec![self_signed(&["a.test"]).expect("a certificate")];
    let options = ServerOptions { certificates, ..ServerOptions::default() };
    ServerTls::new(&options, Arc::new(WallClock)).expect("a configuration")
}

fn client_tls() -> Arc<ClientTls> {
    let roots = Roots::DangerouslySkipVerification;
    let options = ClientOptions { roots, ..ClientOptions::default() };
    ClientTls::new(&options, Arc::new(WallClock)).expect("a configuration")
}

impl Pair {
    fn new() -> Self {
        // The kernel is never asked: there is no descriptor.
        let mut engine = Engine::new(Kernel, 1, 1, EngineOptions::default(), Time(1));
        let accept = AcceptConfig { tls: Some(server_tls()), ..AcceptConfig::default() };
        let connect = ConnectConfig {
            transport: TransportKind::Fed,
            tls: Some(ConnectTls { tls: client_tls(), server_name: "a.test".to_owned() }),
            ..ConnectConfig::default()
        };
        let nowhere = || Addr::parse("unix:@in-memory").expect("an address");
        let options = ConnectOptions::default();
        let client = engine.connect(nowhere(), Arc::new(connect), &options).expect("no limit");
        let server = engine.feed(nowhere(), FedOrigin::default(), Arc::new(accept), 0);
        let ends = [client, server.expect("no limit")];
        Self { engine, ends, open: [false; 2], shut: [false; 2], ended: [None; 2] }
    }

    /// Carries bytes and takes note of events, until nothing is left to do.
    fn run(&mut self) {
        loop {
            self.engine.begin(Time(1));
            self.engine.on_turn();
            while let Some(event) = self.engine.next_event() {
                let end = usize::from(event.id == self.ends[1]);
                match event.kind {
                    EventKind::Session | EventKind::Connected => self.open[end] = true,
                    EventKind::Closed(record) => self.ended[end] = Some(record.cause.is_some()),
                    _ => {}
                }
            }
            while let Some(ask) = self.engine.next_ask() {
                self.serve(ask.conn, ask.asks);
            }
            self.engine.settle();
            if !self.engine.wait_state().runnable {
                return;
            }
        }
    }

    /// Does what a connection asks, by reporting it to the other one.
    fn serve(&mut self, conn: Id, asks: FedAsks) {
        let Self { engine, ends, shut, .. } = self;
        let other = ends[usize::from(conn == ends[0])];
        let shut = &mut shut[usize::from(conn == ends[1])];
        if asks.contains(FedAsks::OPEN) {
            engine.fed_opened(conn, None).expect("it asked");
        }
        if asks.contains(FedAsks::SEND) {
            let unsent = engine.fed_unsent(conn).expect("it is fed").to_vec();
            let taken = engine.fed_received(other, &unsent).expect("it is open");
            // What the other one has no room for is asked to be sent again, with what is added.
            engine.fed_sent(conn, taken).expect("so many wait");
        }
        // A close ends the direction too.
        if asks.intersects(FedAsks::SHUT_WRITE | FedAsks::CLOSE) && !*shut {
            *shut = true;
            engine.fed_ended(other).expect("it is open");
        }
        if asks.intersects(FedAsks::CLOSE | FedAsks::RESET) {
            engine.fed_closed(conn).expect("it asked");
        }
    }
}

#[test]
fn a_tls_session_opens_talks_and_ends_in_order_without_a_socket() {
    let mut pair = Pair::new();
    pair.run();
    assert_eq!(pair.open, [true; 2], "both handshakes are done");
    let [client, server] = pair.ends;
    for (from, to, words) in [(client, server, b"a request".as_slice()), (server, client, b"yes")] {
        assert_eq!(pair.engine.send(from, words), Ok(Sent::Bytes(words.len())));
        pair.run();
        let mut heard = [0; 64];
        assert_eq!(pair.engine.recv(to, &mut heard), Ok(Received::Bytes(words.len())));
        assert_eq!(&heard[..words.len()], words);
    }
    pair.engine.close(client).expect("a session");
    pair.run();
    // close_notify came, and then the end.
    assert_eq!(pair.engine.recv(server, &mut [0; 1]), Ok(Received::End));
    pair.engine.close(server).expect("a session");
    pair.run();
    assert_eq!(pair.ended, [Some(false); 2], "neither end has failed");
    assert_eq!(pair.engine.wait_state().conns, 0);
}
