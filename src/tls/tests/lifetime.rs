//! The verification of a certificate is valid for a limited time, also through resumptions.

use std::sync::Arc;

use super::rig::*;
use crate::tls::*;

/// How long a verified certificate holds.
const LIFETIME: u32 = 1_000;
const DAY: u64 = 24 * 3600;

/// Which side keeps what a session resumes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Ticket,
    Cache,
}

/// A client and a server with certificates, each with its own clock.
struct Ends {
    client: Arc<ClientTls>,
    server: Arc<ServerTls>,
    client_time: Arc<Time>,
    server_time: Arc<Time>,
}

impl Ends {
    fn new(
        version: TlsVersion,
        kept: Kept,
        (client_leaf, server_leaf): (&Leaf, &Leaf),
        authority: &Authority,
        change: impl FnOnce(&mut ClientOptions, &mut ServerOptions),
    ) -> Self {
        let mut client = ClientOptions {
            min_version: version,
            max_version: version,
            certificate: Some(client_leaf.source()),
            ..client_options(authority)
        };
        let mut server = ServerOptions {
            client_auth: ClientAuth::Required,
            client_roots: vec![authority.source()],
            tickets: kept == Kept::Ticket,
            session_cache: if kept == Kept::Cache { 9 } else { 0 },
            ..server_options(server_leaf)
        };
        change(&mut client, &mut server);
        let (client_time, server_time) = (Time::new(), Time::new());
        Self {
            client: ClientTls::new(&client, client_time.clone()).unwrap(),
            server: ServerTls::new(&server, server_time.clone()).unwrap(),
            client_time,
            server_time,
        }
    }

    fn advance(&self, seconds: u64) {
        self.client_time.advance(seconds);
        self.server_time.advance(seconds);
    }

    fn connect(&self) -> Pair {
        let mut pair = Pair::new(&self.client, &self.server, "a.test");
        pair.run();
        pair
    }

    /// Connects, and returns whether an earlier session was resumed.
    fn resumes(&self) -> bool {
        let pair = self.connect();
        pair.assert_established();
        pair.server.session.negotiated().unwrap().resumed
    }
}

fn ways() -> impl Iterator<Item = (TlsVersion, Kept)> {
    VERSIONS.into_iter().flat_map(|version| [Kept::Ticket, Kept::Cache].map(|kept| (version, kept)))
}

/// Connects 2,000 times in 20 days; no session is resumed for longer than `LIFETIME` after a full
/// handshake, and each is until then.
fn assert_verified_every_lifetime(ends: &Ends, case: &str) {
    const CONNECTIONS: u64 = 2_000;
    const STEP: u64 = 20 * DAY / CONNECTIONS;
    let (mut verified, mut full) = (None, 0);
    for at in (0..CONNECTIONS).map(|n| n * STEP) {
        let holds = verified.is_some_and(|verified| at - verified < u64::from(LIFETIME));
        assert_eq!(ends.resumes(), holds, "{case} at {at}");
        if !holds {
            verified = Some(at);
            full += 1;
        }
        ends.advance(STEP);
    }
    assert_eq!(full, CONNECTIONS / 2);
}

#[test]
fn no_resumption_renews_a_verified_client_certificate() {
    let authority = Authority::new("test");
    let leaf = authority.leaf(&["a.test"]);
    for (version, kept) in ways() {
        let ends = Ends::new(version, kept, (&leaf, &leaf), &authority, |_, server| {
            server.client_ticket_lifetime = LIFETIME;
        });
        assert_verified_every_lifetime(&ends, &format!("{version:?} {kept:?}"));
    }
}

#[test]
fn no_resumption_renews_a_verified_server_certificate() {
    let authority = Authority::new("test");
    let leaf = authority.leaf(&["a.test"]);
    for (version, kept) in ways() {
        let ends = Ends::new(version, kept, (&leaf, &leaf), &authority, |client, server| {
            client.session_lifetime = LIFETIME;
            server.client_auth = ClientAuth::None;
        });
        assert_verified_every_lifetime(&ends, &format!("{version:?} {kept:?}"));
    }
}

#[test]
fn many_resumptions_within_a_lifetime_do_not_prolong_it() {
    let authority = Authority::new("test");
    let leaf = authority.leaf(&["a.test"]);
    for (version, kept) in ways() {
        for of_server in [false, true] {
            let ends = Ends::new(version, kept, (&leaf, &leaf), &authority, |client, server| {
                if of_server {
                    server.client_auth = ClientAuth::None;
                    client.session_lifetime = LIFETIME;
                } else {
                    server.client_ticket_lifetime = LIFETIME;
                }
            });
            assert!(!ends.resumes());
            for _ in 0..9 {
                ends.advance(u64::from(LIFETIME) / 10);
                assert!(ends.resumes(), "{version:?} {kept:?} {of_server}");
            }
            ends.advance(u64::from(LIFETIME) / 10 - 1);
            assert!(ends.resumes(), "{version:?} {kept:?} {of_server}");
            ends.advance(1);
            assert!(!ends.resumes(), "{version:?} {kept:?} {of_server}");
        }
    }
}

#[test]
fn a_session_ends_with_the_certificate_of_either_side() {
    const VALID: u64 = 20;
    let authority = Authority::new("test");
    let leaf = authority.leaf(&["a.test"]);
    let brief = authority.brief_leaf(&["a.test"], VALID);
    for (version, kept) in ways() {
        for leaves in [(&brief, &leaf), (&leaf, &brief)] {
            let ends = Ends::new(version, kept, leaves, &authority, |_, _| {});
            assert!(!ends.resumes());
            ends.advance(VALID - 1);
            assert!(ends.resumes(), "{version:?} {kept:?}");
            // The certificate's last second: it is verified once more.
            ends.advance(1);
            assert!(!ends.resumes(), "{version:?} {kept:?}");
            ends.advance(1);
            let pair = ends.connect();
            let refusing = if std::ptr::eq(leaves.0, &brief) { &pair.server } else { &pair.client };
            assert_eq!(refusing.why(), FailureKind::Certificate, "{version:?} {kept:?}");
        }
    }
}

#[test]
fn a_client_without_a_certificate_resumes_until_its_ticket_ends() {
    let authority = Authority::new("test");
    let leaf = authority.leaf(&["a.test"]);
    for (version, kept) in ways() {
        let ends = Ends::new(version, kept, (&leaf, &leaf), &authority, |client, server| {
            client.certificate = None;
            server.client_auth = ClientAuth::Optional;
            server.client_ticket_lifetime = LIFETIME;
        });
        assert!(!ends.resumes());
        ends.advance(u64::from(LIFETIME) - 1);
        assert!(ends.resumes(), "{version:?} {kept:?}");
    }
}

#[test]
fn a_session_of_the_future_is_not_resumed() {
    let authority = Authority::new("test");
    let leaf = authority.leaf(&["a.test"]);
    for (version, kept) in ways() {
        for of_server in [false, true] {
            let ends = Ends::new(version, kept, (&leaf, &leaf), &authority, |_, _| {});
            let clock = if of_server { &ends.server_time } else { &ends.client_time };
            assert!(!ends.resumes());
            assert!(ends.resumes());
            clock.go_back(1);
            assert!(!ends.resumes(), "{version:?} {kept:?} {of_server}");
            assert!(ends.resumes());
            // The clock is set far ahead, and back again.
            clock.advance(1000 * DAY);
            assert!(!ends.resumes(), "{version:?} {kept:?} {of_server}");
            assert!(ends.resumes());
            clock.go_back(1000 * DAY);
            assert!(!ends.resumes(), "{version:?} {kept:?} {of_server}");
            assert!(ends.resumes());
        }
    }
}

#[test]
fn a_session_without_verification_lives_its_time_from_handshake_to_handshake() {
    let authority = Authority::new("test");
    let leaf = authority.brief_leaf(&["a.test"], 0);
    for (version, kept) in ways() {
        let ends = Ends::new(version, kept, (&leaf, &leaf), &authority, |client, server| {
            client.roots = Roots::DangerouslySkipVerification;
            client.session_lifetime = LIFETIME;
            server.client_auth = ClientAuth::None;
        });
        ends.advance(DAY);
        assert!(!ends.resumes());
        ends.advance(u64::from(LIFETIME) - 1);
        assert!(ends.resumes(), "{version:?} {kept:?}");
        ends.advance(u64::from(LIFETIME));
        assert!(!ends.resumes(), "{version:?} {kept:?}");
    }
}

#[test]
fn a_lifetime_over_seven_days_is_an_error() {
    const SEVEN_DAYS: u32 = 604_800;
    let authority = Authority::new("test");
    let leaf = authority.leaf(&["a.test"]);
    let server = |ticket_lifetime| {
        let options = ServerOptions { ticket_lifetime, ..server_options(&leaf) };
        ServerTls::new(&options, Time::new())
    };
    let client = |session_lifetime| {
        let options = ClientOptions { session_lifetime, ..client_options(&authority) };
        ClientTls::new(&options, Time::new())
    };
    assert!(server(SEVEN_DAYS).is_ok() && client(SEVEN_DAYS).is_ok());
    let refused = [server(SEVEN_DAYS + 1).unwrap_err(), client(SEVEN_DAYS + 1).unwrap_err()];
    for (error, option) in refused.into_iter().zip(["ticket_lifetime", "session_lifetime"]) {
        let text = error.to_string();
        assert!(text.starts_with(&format!("{option} is 604801 s")), "{text}");
        assert!(text.contains("RFC 8446 section 4.6.1"), "{text}");
    }
}
