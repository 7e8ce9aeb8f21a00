//! Sessions are resumed only where the same rules apply.

use std::sync::Arc;

use super::rig::*;
use crate::tls::*;

/// Connects, and returns whether an earlier session was resumed, on which both sides agree.
fn connect(client: &Arc<ClientTls>, server: &Arc<ServerTls>) -> bool {
    let mut pair = Pair::new(client, server, "a.test");
    pair.run();
    pair.assert_established();
    let resumed = pair.server.session.negotiated().unwrap().resumed;
    assert_eq!(pair.client.session.negotiated().unwrap().resumed, resumed);
    pair.assert_works();
    resumed
}

fn version_client(
    authority: &Authority,
    leaf: Option<&Leaf>,
    version: TlsVersion,
) -> Arc<ClientTls> {
    client(&ClientOptions {
        min_version: version,
        max_version: version,
        certificate: leaf.map(Leaf::source),
        ..client_options(authority)
    })
}

#[test]
fn sessions_resume_by_ticket_and_from_the_cache() {
    let authority = Authority::new("test");
    let leaf = authority.leaf(&["a.test"]);
    for version in VERSIONS {
        for (tickets, session_cache, resumes) in
            [(true, 0, true), (true, 9, true), (false, 9, true), (false, 0, false)]
        {
            let options = ServerOptions { tickets, session_cache, ..server_options(&leaf) };
            let server = server(&options);
            let client = version_client(&authority, None, version);
            assert!(!connect(&client, &server));
            assert_eq!(connect(&client, &server), resumes, "{version:?} {tickets} {session_cache}");
        }
    }
}

#[test]
fn a_client_certificate_is_still_known_after_resumption() {
    let authority = Authority::new("test");
    let leaf = authority.leaf(&["a.test"]);
    for version in VERSIONS {
        let server = server(&ServerOptions {
            client_auth: ClientAuth::Required,
            client_roots: vec![authority.source()],
            ..server_options(&leaf)
        });
        let client = version_client(&authority, Some(&leaf), version);
        assert!(!connect(&client, &server));
        let mut pair = Pair::new(&client, &server, "a.test");
        pair.run();
        let reported = pair.server.session.negotiated().unwrap();
        assert!(reported.resumed);
        assert_eq!((reported.verified, reported.peer_chain().len()), (Verified::Valid, 1));
        assert!(reported.own.is_some(), "our certificate is known though it was not sent");
        pair.assert_works();
    }
}

#[test]
fn a_session_of_one_configuration_never_resumes_on_another() {
    let (authority, other) = (Authority::new("test"), Authority::new("other"));
    let leaf = authority.leaf(&["a.test"]);
    let base = server_options(&leaf);
    let with = |client_auth, roots: &[&Authority]| ServerOptions {
        client_auth,
        client_roots: roots.iter().map(|authority| authority.source()).collect(),
        ..base.clone()
    };
    let rules = [
        base.clone(),
        base.clone(),
        ServerOptions { strict_sni: true, ..base.clone() },
        with(ClientAuth::Optional, &[&authority]),
        with(ClientAuth::Required, &[&authority]),
        with(ClientAuth::Required, &[&authority, &other]),
        ServerOptions {
            client_crls: vec![PemSource::Bytes(
                authority.revocation_list(rcgen::SerialNumber::from(1u64)).into(),
            )],
            ..with(ClientAuth::Required, &[&authority])
        },
    ];
    for version in VERSIONS {
        for tickets in [true, false] {
            let servers: Vec<_> = rules
                .iter()
                .map(|rules| server(&ServerOptions { tickets, ..rules.clone() }))
                .collect();
            for (i, first) in servers.iter().enumerate() {
                for (j, second) in servers.iter().enumerate() {
                    let client = version_client(&authority, Some(&leaf), version);
                    assert!(!connect(&client, first));
                    assert_eq!(connect(&client, second), i == j, "{version:?} from {i} to {j}");
                }
            }
        }
    }
}

#[test]
fn a_clients_sessions_belong_to_its_configuration_and_the_name() {
    let authority = Authority::new("test");
    let leaf = authority.leaf(&["a.test", "b.test"]);
    for version in VERSIONS {
        let server = server(&server_options(&leaf));
        let first = version_client(&authority, None, version);
        let check = version_client(&authority, None, version);
        assert!(!connect(&first, &server));
        assert!(!connect(&check, &server));
        let mut pair = Pair::new(&first, &server, "b.test");
        pair.run();
        assert!(!pair.server.session.negotiated().unwrap().resumed);
        assert!(connect(&first, &server));
    }
}

#[test]
fn tickets_live_their_time_across_rotations_and_no_longer() {
    let authority = Authority::new("test");
    let leaf = authority.leaf(&["a.test"]);
    for version in VERSIONS {
        for (tickets, client_auth) in
            [(true, ClientAuth::None), (false, ClientAuth::None), (true, ClientAuth::Required)]
        {
            let options = ServerOptions {
                tickets,
                client_auth,
                client_roots: vec![authority.source()],
                ticket_lifetime: 3000,
                client_ticket_lifetime: 1000,
                ..server_options(&leaf)
            };
            let lifetime = if client_auth == ClientAuth::None { 3000 } else { 1000 };
            let time = Time::new();
            let server = ServerTls::new(&options, time.clone()).unwrap();
            let client = |version| version_client(&authority, Some(&leaf), version);
            let (early, late, dead) = (client(version), client(version), client(version));
            assert!(!connect(&early, &server));
            // Late in the life of the first key; then its successor encrypts.
            time.advance(lifetime - 1);
            assert!(connect(&early, &server));
            assert!(!connect(&late, &server));
            assert!(!connect(&dead, &server));
            time.advance(lifetime - 1);
            assert!(connect(&late, &server));
            time.advance(1);
            assert!(!connect(&dead, &server));
        }
    }
}
