//! Content rules in the engine: what they see of the first bytes, and how long they wait for them.

use super::host::Program;
use super::rig::{Rig, both, closed, everywhere, refusal};
use super::rules::{come_in, ruled};
use super::tls::accepting;
use super::tls_peer::{TlsPeer, pair, play};
use crate::buffer::BUFFER_SIZE;
use crate::config::{AcceptConfig, OpeningTimeouts};
use crate::conn::{Op, Why};
use crate::data::AHEAD_MAX;
use crate::engine::Engine;
use crate::time::SECOND;
use crate::tls::TlsVersion;

/// Behind TLS: the first bytes that the client protected.
const WORDS: &str = "tcp-request session reject unless { ssl_fc_sni a.test }\n\
    tcp-request inspect-delay 5s\n\
    tcp-request content accept if { ssl_fc_sni a.test } { req.payload(0,4) -m str prot }\n\
    tcp-request content reject";

const NAMES: &str = "tcp-request inspect-delay 5s\n\
    tcp-request content accept if { req.ssl_sni a.test }\n\
    tcp-request content reject if { req.ssl_hello_type 1 }\n";

#[test]
fn content_rules_read_what_tls_decrypted_and_the_session_gets_every_byte() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        everywhere(|setup| {
            let mut rig = Rig::new(setup, Program::Echo);
            rig.listen(ruled(accepting(version), WORDS));
            let client = TlsPeer::client(rig.peer(), &pair(version).0, b"");
            client.borrow_mut().say(b"protected");
            client.borrow_mut().end();
            rig.actors.push(play(&client));
            rig.settle();
            rig.run();
            assert_eq!(client.borrow().got, b"protected", "{:?}", client.borrow().failure);
            assert_eq!(closed(&rig.finish()).cause, None);
        });
    }
}

#[test]
fn content_rules_wait_no_longer_than_they_are_told_and_lose_no_byte() {
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(ruled(AcceptConfig::default(), NAMES));
        let client = rig.peer();
        // The beginning of a handshake record, as far as it can be recognised.
        client.send(&[22, 3, 1, 0]);
        rig.run_for(4 * SECOND);
        assert_eq!(client.received(), b"");
        rig.run_for(2 * SECOND);
        assert_eq!(client.received(), [22, 3, 1, 0]);
        client.send(b"and on");
        client.shutdown_write();
        rig.run();
        assert_eq!(client.received(), b"\x16\x03\x01\0and on");
        assert_eq!(closed(&rig.finish()).cause, None);

        // An end comes before the time is over.
        let (got, record) = come_in(setup, ruled(AcceptConfig::default(), NAMES), &[22, 3, 1, 0]);
        assert_eq!((&got[..], record.cause), (&[22, 3, 1, 0][..], None));
        assert!(record.lasted < 5 * SECOND);
    });
}

#[test]
fn the_time_of_the_whole_opening_ends_a_connection_that_waits_in_content_rules() {
    both(|setup| {
        let timeouts = OpeningTimeouts { total: 3 * SECOND, ..OpeningTimeouts::default() };
        let config = ruled(AcceptConfig { timeouts, ..AcceptConfig::default() }, NAMES);
        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(config);
        let client = rig.peer();
        client.send(&[22, 3, 1, 0]);
        rig.run_for(4 * SECOND);
        client.close();
        rig.run();
        assert_eq!(client.received(), b"");
        let cause = refusal(&rig.finish()).cause.clone().expect("a cause");
        assert_eq!((cause.at, cause.why), (Some(Op::Inspect), Why::TimedOut));
    });
}

/// A ClientHello of `len` bytes with its records' heads.
fn hello_of(len: usize) -> Vec<u8> {
    const RECORD: usize = 1 << 14;
    const RECORD_HEAD: usize = 5;
    let records = len.div_ceil(RECORD + RECORD_HEAD);
    let number = |n: usize| (n as u16).to_be_bytes();
    let vector = |content: Vec<u8>| [&number(content.len())[..], &content].concat();
    let front = [&[3, 3], &[7; 32][..], &[0], &[0, 2, 0x13, 1], &[1, 0]].concat();
    // Two lengths, the head of the message and that of the padding (RFC 7685) are around it.
    let padding = len - records * RECORD_HEAD - front.len() - 4 - 2 - 4;
    let extension = [&[0, 21][..], &vector(vec![0; padding])].concat();
    let body = [front, vector(extension)].concat();
    let message = [&[1, 0][..], &vector(body)].concat();
    let record = |part: &[u8]| [&[22, 3, 1][..], &vector(part.to_vec())].concat();
    message.chunks(RECORD).flat_map(record).collect()
}

#[test]
fn content_rules_see_as_much_of_a_hello_that_comes_at_once_as_of_one_in_pieces() {
    let text = "tcp-request inspect-delay 5s\n\
        tcp-request content reject unless { req.ssl_hello_type 1 }\n\
        use_backend large if { req.len gt 16384 }";
    for (len, passes) in [
        (AHEAD_MAX - 1, true),
        (AHEAD_MAX, true),
        (AHEAD_MAX + 1, false),
        (BUFFER_SIZE - 1, false),
        (BUFFER_SIZE, false),
        (BUFFER_SIZE + 1, false),
    ] {
        let bytes = hello_of(len);
        assert_eq!(bytes.len(), len);
        for piece in [len, len - 1, AHEAD_MAX, 5_000] {
            both(|setup| {
                let mut rig = Rig::new(setup, Program::Idle);
                rig.listen(ruled(AcceptConfig::default(), text));
                let client = rig.peer();
                for piece in bytes.chunks(piece) {
                    client.send(piece);
                    rig.settle();
                }
                let session = rig.host.sessions().first().copied();
                assert_eq!(session.is_some(), passes, "{len} by {piece}");
                let chosen = session.map(|id| rig.engine.chosen_backend(id));
                assert!(chosen.is_none_or(|chosen| chosen == Ok(None)), "{len} by {piece}");
                client.close();
                rig.call(Engine::abort_all);
            });
        }
    }
}

const STAGES: &str = "tcp-request inspect-delay 2s\n\
    tcp-request content accept if { req.len ge 4 }\n\
    default_backend slow\n\
    backend slow\n\
    tcp-request inspect-delay 3s\n\
    tcp-request content reject if { req.len ge 8 }\n\
    tcp-request content accept if WAIT_END";

#[test]
fn rules_of_a_backend_wait_anew() {
    both(|setup| {
        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(ruled(AcceptConfig::default(), STAGES));
        let client = rig.peer();
        client.send(b"a");
        rig.run_for(4 * SECOND);
        assert_eq!(client.received(), b"", "the listener's wait is over, the backend's is not");
        rig.run_for(2 * SECOND);
        assert_eq!(client.received(), b"a");
        client.shutdown_write();
        rig.run();
        assert_eq!(closed(&rig.finish()).cause, None);

        let mut rig = Rig::new(setup, Program::Echo);
        rig.listen(ruled(AcceptConfig::default(), STAGES));
        let client = rig.peer();
        client.send(b"a");
        rig.run_for(3 * SECOND);
        client.send(b"bcdefgh");
        rig.run();
        let cause = refusal(&rig.finish()).cause.clone().expect("a cause");
        assert_eq!((cause.at, cause.why), (Some(Op::Inspect), Why::Denied));
        assert!(cause.to_string().contains("line 6"), "{cause}");
    });
}
