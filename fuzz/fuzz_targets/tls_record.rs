//! Whatever a client sends, a TLS server does not panic, its memory does not grow, and no buffer is
//! lost.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use vestibule::buffer::{Buffer, Pool};
use vestibule::sys::WallTime;
use vestibule::tls::{Handshake, ServerOptions, ServerTls, Session, self_signed};

/// More than the size at which a handshake message is refused.
const HELD_MAX: usize = 128 * 1024;
const BUFFERS_KEPT: usize = 4;

/// A clock that always has the same time, so that an input has one outcome. 2033-05-18.
#[derive(Debug)]
struct Still;

impl WallTime for Still {
    fn unix_seconds(&self) -> u64 {
        2_000_000_000
    }
}

static TLS: LazyLock<Arc<ServerTls>> = LazyLock::new(|| {
    let certificates = vec![self_signed(&["fuzz.test"]).expect("a certificate")];
    let options = ServerOptions { certificates, ..ServerOptions::default() };
    ServerTls::new(&options, Arc::new(Still)).expect("a configuration")
});

/// Feeds one piece. Returns whether the session takes more.
fn feed(session: &mut Session, pool: &mut Pool, out: &mut Buffer, mut piece: &[u8]) -> bool {
    while !piece.is_empty() {
        let Ok(input) = session.input(pool) else { return false };
        let space = input.space();
        let n = piece.len().min(space.len());
        assert!(n > 0, "asked for input without room for any");
        space[..n].copy_from_slice(&piece[..n]);
        input.commit(n);
        piece = &piece[n..];
        if let Handshake::Failed(failure) = session.handshake(out, pool) {
            let again = session.handshake(out, pool);
            assert_eq!(again, Handshake::Failed(failure), "a failure stays");
            return false;
        }
        assert!(session.held() <= HELD_MAX, "{} bytes held", session.held());
        out.clear();
    }
    true
}

fuzz_target!(|bytes: &[u8]| {
    // The first byte is the length of the pieces.
    let Some((&size, bytes)) = bytes.split_first() else { return };
    let mut pool = Pool::new(BUFFERS_KEPT, 1);
    let mut out = Buffer::with_size(1024);
    let mut session = Session::server(&TLS);
    let all = bytes
        .chunks(1 + usize::from(size))
        .all(|piece| feed(&mut session, &mut pool, &mut out, piece));
    if all {
        session.eof();
    }
    session.give_back(&mut pool);
    assert_eq!(pool.in_use(), 0, "a buffer is lost");
});
