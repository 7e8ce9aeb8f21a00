//! The memory of an idle TLS connection, and what a record allocates: measured, so that a change by a
//! new rustls or a new field shows.
#![cfg(feature = "self-signed")]

#[path = "support/counting.rs"]
mod counting;

use std::sync::Arc;

use counting::counted;
use vestibule::buffer::{Buffer, Pool};
use vestibule::sys::WallClock;
use vestibule::tls::{
    ClientOptions, ClientTls, Handshake, KeyExchange, Roots, ServerOptions, ServerTls, Session,
    TlsVersion, self_signed,
};

struct Configurations {
    client: Arc<ClientTls>,
    server: Arc<ServerTls>,
}

fn configurations(version: TlsVersion) -> Configurations {
    let server = ServerOptions {
        certificates: vec![self_signed(&["a.test"]).unwrap()],
        min_version: version,
        max_version: version,
        key_exchange: KeyExchange::X25519,
        session_cache: 0,
        ..ServerOptions::default()
    };
    let client = ClientOptions {
        roots: Roots::DangerouslySkipVerification,
        session_cache: 0,
        ..ClientOptions::default()
    };
    Configurations {
        client: ClientTls::new(&client, Arc::new(WallClock)).unwrap(),
        server: ServerTls::new(&server, Arc::new(WallClock)).unwrap(),
    }
}

struct Wire {
    pool: Pool,
    to_client: Buffer,
    to_server: Buffer,
    plain: Buffer,
}

impl Wire {
    fn new() -> Self {
        let [to_client, to_server, plain] = [40_000; 3].map(Buffer::with_size);
        Self { pool: Pool::new(4, 1), to_client, to_server, plain }
    }

    fn connect(&mut self, with: &Configurations) -> (Box<Session>, Box<Session>) {
        let mut client = Box::new(Session::client(&with.client, "a.test").unwrap());
        let mut server = Box::new(Session::server(&with.server));
        loop {
            let Self { pool, to_client, to_server, plain } = self;
            let a = deliver(&mut client, to_client, to_server, (pool, plain));
            let b = deliver(&mut server, to_server, to_client, (pool, plain));
            if a && b && self.to_client.is_empty() {
                assert_eq!(self.pool.in_use(), 0);
                return (client, server);
            }
        }
    }
}

fn deliver(
    session: &mut Session,
    from: &mut Buffer,
    to: &mut Buffer,
    (pool, plain): (&mut Pool, &mut Buffer),
) -> bool {
    if !from.is_empty() {
        session.input(pool).unwrap().extend(from.bytes());
        from.clear();
    }
    let done = session.handshake(to, pool) == Handshake::Done;
    if done {
        session.decrypt(plain, to, pool).unwrap();
    }
    done
}

/// Live bytes per session once all connections are established: the server's, the client's.
fn idle_bytes(version: TlsVersion) -> (isize, isize) {
    const SESSIONS: usize = 64;
    let with = configurations(version);
    let mut wire = Wire::new();
    drop(wire.connect(&with));
    let mut servers = Vec::with_capacity(SESSIONS);
    let mut clients = Vec::with_capacity(SESSIONS);
    for _ in 0..SESSIONS {
        let (client, server) = wire.connect(&with);
        clients.push(client);
        servers.push(server);
    }
    let all = counted().1;
    servers.clear();
    let without_servers = counted().1;
    clients.clear();
    let none = counted().1;
    let each = |bytes: isize| bytes / SESSIONS as isize;
    (each(all - without_servers), each(without_servers - none))
}

/// One test, so that nothing else allocates meanwhile.
#[test]
fn an_idle_session_is_small_and_a_record_allocates_nothing() {
    // aws-lc keeps its keys in C's heap, which is not counted here and is about 1,200 bytes.
    let (most_server, most_client) =
        if cfg!(feature = "aws-lc-rs") { (2500, 3100) } else { (3500, 4100) };
    for version in [TlsVersion::Tls13, TlsVersion::Tls12] {
        let (server, client) = idle_bytes(version);
        println!(
            "{version:?}: server {server} B, client {client} B per idle session, of these Session {} B",
            size_of::<Session>()
        );
        assert!(server < most_server && client < most_client);

        let with = configurations(version);
        let mut wire = Wire::new();
        let (mut client, mut server) = wire.connect(&with);
        let data = [7; 16_384];
        for round in 0..4 {
            let before = counted().0;
            client.encrypt(&data, &mut wire.to_server).unwrap();
            let encrypted = counted().0;
            server.input(&mut wire.pool).unwrap().extend(wire.to_server.bytes());
            wire.to_server.clear();
            let received = counted().0;
            server.decrypt(&mut wire.plain, &mut wire.to_client, &mut wire.pool).unwrap();
            let decrypted = counted().0;
            assert_eq!(wire.plain.bytes(), data);
            wire.plain.clear();
            if round > 0 {
                assert_eq!((encrypted - before, decrypted - received), (0, 0), "{version:?}");
            }
        }
    }
}
