//! What a close_notify proves: in a stream, the end of one side is passed on as an end of the other only
//! if everything arrived.

use std::sync::Arc;

use super::far_end::{FarEnd, take_all};
use super::host::{Program, silent};
use super::rig::{Rig, Setup, both, everywhere, yonder};
use super::tls::{accepting, client, connecting};
use crate::config::{AcceptConfig, CloseOptions, ConnectConfig, TlsTruncation};
use crate::conn::Why;
use crate::engine::EndReport;
use crate::time::{FOREVER, SECOND};
use crate::tls::TlsVersion;

const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];
const WORDS: &[u8] = b"a few words that are protected";

#[test]
fn a_stream_passes_a_truncated_end_on_or_resets_both_sides_as_it_was_told() {
    for (version, truncation) in VERSIONS
        .into_iter()
        .flat_map(|version| [(version, TlsTruncation::Pass), (version, TlsTruncation::Abort)])
    {
        everywhere(|setup| {
            let config = Arc::new(ConnectConfig::default());
            let program = Program::Forward { to: yonder(), config, stream: silent(FOREVER) };
            let mut rig = Rig::new(setup, program);
            let site = rig.world.serve(yonder());
            let close_options = CloseOptions {
                tls_truncation: truncation,
                ..AcceptConfig::default().close_options
            };
            rig.listen(AcceptConfig { close_options, ..accepting(version) });
            let peer = client(&mut rig, version, &[]);
            peer.borrow_mut().say(WORDS);
            rig.settle();
            let server = site.accept().expect("it came");
            peer.borrow().peer.shutdown_write();
            rig.settle();
            assert_eq!(server.received(), WORDS);
            let passes = truncation == TlsTruncation::Pass;
            assert_eq!((server.saw_fin(), server.saw_reset()), (passes, !passes));
            server.close();
            rig.run();
            let events = rig.finish();
            let report = super::stream::report(&events);
            assert_eq!(report.termination.letters(), *b"CD");
            assert_eq!(report.cause.as_ref().map(|cause| cause.why), Some(Why::Truncated));
        });
    }
}

/// How a side of a stream that speaks TLS fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failing {
    Reset,
    BadRecord,
    /// It ends without close_notify.
    End,
    /// It ends behind so many bytes of a record.
    EndInRecord(usize),
}

const FAILING: [Failing; 6] = [
    Failing::Reset,
    Failing::BadRecord,
    Failing::End,
    Failing::EndInRecord(1),
    Failing::EndInRecord(5),
    Failing::EndInRecord(40),
];

impl Failing {
    const fn why(self) -> Why {
        match self {
            Self::Reset => Why::Reset,
            Self::BadRecord => Why::Malformed,
            Self::End | Self::EndInRecord(_) => Why::Truncated,
        }
    }
}

/// A stream whose sides are raw or not, one of which sends its bytes, which arrive, and fails. Returns
/// how the other one ended, and how the stream ended.
fn fails_in_stream(
    setup: Setup,
    tls: [Option<TlsVersion>; 2],
    by_client: bool,
    failing: Failing,
    truncation: TlsTruncation,
) -> (FarEnd, EndReport) {
    let [front, behind] = tls;
    let close_options =
        CloseOptions { tls_truncation: truncation, ..AcceptConfig::default().close_options };
    let accept = front.map_or_else(AcceptConfig::default, accepting);
    let connect = behind.map_or_else(ConnectConfig::default, connecting);
    let config = Arc::new(ConnectConfig { close_options, ..connect });
    let program = Program::Forward { to: yonder(), config, stream: silent(FOREVER) };
    let mut rig = Rig::new(setup, program);
    let site = rig.world.serve(yonder());
    let taken = take_all(&mut rig, site, behind, false, |_| {});
    rig.listen(AcceptConfig { close_options, ..accept });
    let client = FarEnd::client(&mut rig, front, &[]);
    client.say(b"x");
    rig.settle();
    let server = taken.borrow()[0].clone();
    let (source, other) = if by_client { (client, server) } else { (server, client) };
    other.peer().stall(true);
    source.say(WORDS);
    rig.settle();
    match (&source, failing) {
        (_, Failing::Reset) => source.reset(),
        (FarEnd::Tls(shared), Failing::BadRecord) => {
            shared
                .borrow_mut()
                .utter(|_, out| out.extend(&[&[23, 3, 3, 0, 40][..], &[0; 40]].concat()));
        }
        (FarEnd::Tls(_), Failing::End) => source.peer().shutdown_write(),
        (FarEnd::Tls(_), Failing::EndInRecord(bytes)) => {
            source.peer().send(&[&[23, 3, 3, 0, 40][..], &[0; 40]].concat()[..bytes]);
            source.peer().shutdown_write();
        }
        (FarEnd::Raw(_), _) => panic!("there are no records"),
    }
    rig.settle();
    other.peer().stall(false);
    rig.settle();
    if failing == Failing::End {
        // Towards a TLS 1.2 server the end is held back while the server may answer.
        rig.run_for(3 * SECOND / 2);
    }
    assert!(other.peer().saw_fin() || other.peer().saw_reset(), "it hears of it at once");
    other.close();
    source.close();
    rig.run();
    let events = rig.finish();
    (other, super::stream::report(&events).clone())
}

#[test]
fn the_failure_of_one_side_ends_the_other_behind_every_byte_and_unvouched() {
    let tls13 = Some(TlsVersion::Tls13);
    let sides = VERSIONS.map(|version| [Some(version), Some(version)]);
    let cases = sides.into_iter().chain([[tls13, None], [None, tls13]]);
    for (tls, by_client) in cases.flat_map(|tls| [(tls, false), (tls, true)]) {
        for failing in FAILING {
            if failing != Failing::Reset && tls[usize::from(!by_client)].is_none() {
                continue;
            }
            everywhere(|setup| {
                let pass = TlsTruncation::Pass;
                let (other, report) = fails_in_stream(setup, tls, by_client, failing, pass);
                let context = format!("{tls:?} {by_client} {failing:?} {setup:?}");
                let words = if by_client { [b"x", WORDS].concat() } else { WORDS.to_vec() };
                assert_eq!(other.heard(), words, "{context}");
                assert!(other.peer().saw_fin() && !other.peer().saw_reset(), "{context}");
                if let FarEnd::Tls(shared) = &other {
                    assert!(!shared.borrow().closed, "{context}");
                }
                let letters = if by_client { b"CD" } else { b"SD" };
                assert_eq!(report.termination.letters(), *letters, "{context}");
                let why = report.cause.map(|cause| cause.why);
                assert_eq!(why, Some(failing.why()), "{context}");
            });
        }
    }
}

#[test]
fn the_failure_of_a_side_with_tls_resets_both_where_a_truncated_end_does() {
    for (version, by_client) in VERSIONS.into_iter().flat_map(|v| [(v, false), (v, true)]) {
        for failing in FAILING {
            everywhere(|setup| {
                let tls = if by_client { [Some(version), None] } else { [None, Some(version)] };
                let abort = TlsTruncation::Abort;
                let (other, report) = fails_in_stream(setup, tls, by_client, failing, abort);
                let context = format!("{tls:?} {by_client} {failing:?} {setup:?}");
                assert!(other.peer().saw_reset() && !other.peer().saw_fin(), "{context}");
                let letters = if by_client { b"CD" } else { b"SD" };
                assert_eq!(report.termination.letters(), *letters, "{context}");
                let why = report.cause.map(|cause| cause.why);
                assert_eq!(why, Some(failing.why()), "{context}");
            });
        }
    }
}

#[test]
fn tls_that_fails_while_it_closes_resets_the_other_where_truncation_does() {
    for (version, truncation) in VERSIONS
        .into_iter()
        .flat_map(|version| [(version, TlsTruncation::Pass), (version, TlsTruncation::Abort)])
    {
        both(|setup| {
            let stream = silent(3 * SECOND);
            let program = Program::Forward { to: yonder(), config: Arc::default(), stream };
            let mut rig = Rig::new(setup, program);
            let site = rig.world.serve(yonder());
            let close_options = CloseOptions {
                tls_truncation: truncation,
                ..AcceptConfig::default().close_options
            };
            rig.listen(AcceptConfig { close_options, ..accepting(version) });
            let client = FarEnd::client(&mut rig, Some(version), &[]);
            client.say(b"x");
            rig.settle();
            let server = site.accept().expect("it came");
            client.peer().stall(true);
            server.send(&vec![b'y'; 1 << 20]);
            rig.run_for(7 * SECOND / 2);
            assert!(server.saw_fin() && !server.saw_reset(), "the client was silent");
            client.reset();
            rig.settle();
            assert_eq!(server.saw_reset(), truncation == TlsTruncation::Abort);
            server.close();
            rig.run();
            rig.finish();
        });
    }
}

#[test]
fn a_client_that_fails_while_it_takes_the_last_bytes_resets_a_server_it_owes_an_end() {
    for (version, ended) in VERSIONS.into_iter().flat_map(|v| [(v, false), (v, true)]) {
        both(|setup| {
            let program =
                Program::Forward { to: yonder(), config: Arc::default(), stream: silent(FOREVER) };
            let mut rig = Rig::new(setup, program);
            let site = rig.world.serve(yonder());
            let close_options = CloseOptions {
                tls_truncation: TlsTruncation::Abort,
                ..AcceptConfig::default().close_options
            };
            rig.listen(AcceptConfig { close_options, ..accepting(version) });
            let client = FarEnd::client(&mut rig, Some(version), &[]);
            client.say(b"x");
            if ended {
                client.end();
            }
            rig.settle();
            let server = site.accept().expect("it came");
            client.peer().stall(true);
            // So much that the end is passed on while the system has no room for it.
            server.send(&vec![b'y'; 70_000]);
            server.shutdown_write();
            rig.run_for(SECOND);
            client.reset();
            rig.settle();
            assert_eq!(server.saw_reset(), !ended, "an end that was vouched for is one");
            assert_eq!(server.saw_fin(), ended);
            server.close();
            rig.run();
            rig.finish();
        });
    }
}

#[test]
fn nothing_vouches_for_the_end_of_a_silent_stream_that_loses_bytes() {
    for (version, loses) in VERSIONS.into_iter().flat_map(|v| [(v, false), (v, true)]) {
        both(|setup| {
            let stream = silent(3 * SECOND);
            let program = Program::Forward { to: yonder(), config: Arc::default(), stream };
            let mut rig = Rig::new(setup, program);
            let site = rig.world.serve(yonder());
            let taken = take_all(&mut rig, site, None, false, |_| {});
            rig.listen(accepting(version));
            let client = FarEnd::client(&mut rig, Some(version), &[]);
            client.say(b"x");
            rig.settle();
            let server = taken.borrow()[0].clone();
            client.peer().stall(loses);
            let all = vec![b'y'; 1 << 20];
            server.say(if loses { &all } else { WORDS });
            rig.run_for(4 * SECOND);
            client.peer().stall(false);
            rig.settle();
            let heard = client.heard();
            if loses {
                assert!(!heard.is_empty() && heard.len() < all.len(), "{}", heard.len());
            } else {
                assert_eq!(heard, WORDS);
            }
            assert!(client.peer().saw_fin() && !client.peer().saw_reset());
            assert_eq!(client.saw_end(), !loses, "close_notify vouches for all there was");
            client.close();
            server.close();
            rig.run();
            let events = rig.finish();
            let cause = super::stream::report(&events).cause.as_ref().map(|cause| cause.why);
            assert_eq!(cause, Some(Why::TimedOut));
        });
    }
}
