//! Which certificates of peers are accepted.

use rcgen::{DnType, KeyPair, PKCS_ED25519, SerialNumber, date_time_ymd};

use super::rig::*;
use crate::tls::*;

/// The verdict of a client on a server's certificate.
fn client_verdict(client: &ClientOptions, leaf: &Leaf, name: &str) -> Option<Failure> {
    let mut pair = Pair::new(&self::client(client), &server(&server_options(leaf)), name);
    pair.run();
    assert_eq!(pair.client.failure.is_some(), pair.server.failure.is_some());
    if let Some(failure) = &pair.client.failure {
        let Some(alert) = failure.alert else { panic!("{failure:?}") };
        assert_eq!(pair.server.why(), FailureKind::AlertReceived(alert));
    }
    pair.client.failure
}

#[test]
fn a_server_is_refused_by_name_authority_and_date() {
    let (authority, other) = (Authority::new("test"), Authority::new("other"));
    let options = client_options(&authority);
    let leaf = authority.leaf(&["a.test", "10.1.2.3"]);
    assert_eq!(client_verdict(&options, &leaf, "a.test"), None);
    assert_eq!(client_verdict(&options, &leaf, "10.1.2.3"), None);
    let mut params = Authority::params(&["a.test"]);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    let expired = authority.sign(&params, &KeyPair::generate_for(&PKCS_ED25519).unwrap());
    for (leaf, name, alert) in [
        (&leaf, "b.test", 42),
        (&leaf, "10.1.2.4", 42),
        (&other.leaf(&["a.test"]), "a.test", 48),
        (&expired, "a.test", 45),
    ] {
        let failure = client_verdict(&options, leaf, name).unwrap();
        assert_eq!(
            (failure.why, failure.alert),
            (FailureKind::Certificate, Some(alert)),
            "{failure}"
        );
    }
}

#[test]
fn a_client_that_skips_verification_takes_anybody_and_says_so() {
    let options =
        ClientOptions { roots: Roots::DangerouslySkipVerification, ..ClientOptions::default() };
    let leaf = Authority::new("unknown").leaf(&["elsewhere.test"]);
    let mut pair = Pair::new(&client(&options), &server(&server_options(&leaf)), "a.test");
    pair.run();
    assert_eq!(pair.client.session.negotiated().unwrap().verified, Verified::Skipped);
    pair.assert_works();
}

/// A server's and a client's verdict where client certificates matter.
fn auth(auth: ClientAuth, shown: Option<&Leaf>, crl: Option<String>, version: TlsVersion) -> Pair {
    let servers = Authority::new("servers");
    let clients = CLIENTS.get_or_init(|| Authority::new("clients"));
    let server = server(&ServerOptions {
        client_auth: auth,
        client_roots: vec![clients.source()],
        client_crls: crl.into_iter().map(|text| PemSource::Bytes(text.into())).collect(),
        ..server_options(&servers.leaf(&["a.test"]))
    });
    let client = client(&ClientOptions {
        certificate: shown.map(Leaf::source),
        min_version: version,
        max_version: version,
        ..client_options(&servers)
    });
    let mut pair = Pair::new(&client, &server, "a.test");
    pair.run();
    pair
}

static CLIENTS: std::sync::OnceLock<Authority> = std::sync::OnceLock::new();

#[test]
fn a_client_certificate_is_shown_verified_and_told() {
    let clients = CLIENTS.get_or_init(|| Authority::new("clients"));
    let mut params = Authority::params(&["client.test"]);
    params.distinguished_name.push(DnType::CommonName, "me\0admin");
    let leaf = clients.sign(&params, &KeyPair::generate_for(&PKCS_ED25519).unwrap());
    for version in VERSIONS {
        for kind in [ClientAuth::Optional, ClientAuth::Required] {
            let mut pair = auth(kind, Some(&leaf), None, version);
            let reported = pair.server.session.negotiated().unwrap();
            assert_eq!(reported.verified, Verified::Valid);
            assert_eq!(reported.peer_chain().next(), Some(&leaf.der[..]));
            let parsed = crate::wire::der::Certificate::parse(&leaf.der).unwrap();
            assert!(parsed.common_name().unwrap().ends_with(b"me\0admin"));
            pair.assert_works();
        }
    }
}

#[test]
fn a_missing_client_certificate_is_refused_only_where_it_is_required() {
    for version in VERSIONS {
        let mut pair = auth(ClientAuth::Optional, None, None, version);
        assert_eq!(pair.server.session.negotiated().unwrap().verified, Verified::Absent);
        pair.assert_works();
        let pair = auth(ClientAuth::Required, None, None, version);
        assert_eq!(pair.server.why(), FailureKind::Certificate);
        let alert = pair.server.failure.unwrap().alert.unwrap();
        assert_eq!(pair.client.why(), FailureKind::AlertReceived(alert));
    }
}

#[test]
fn a_client_certificate_of_another_authority_is_refused_even_where_none_is_required() {
    let stranger = Authority::new("strangers").leaf(&["client.test"]);
    for version in VERSIONS {
        let pair = auth(ClientAuth::Optional, Some(&stranger), None, version);
        assert_eq!(pair.server.why(), FailureKind::Certificate);
        assert_eq!(pair.server.failure.unwrap().alert, Some(48));
    }
}

#[test]
fn a_revoked_client_certificate_is_refused_and_its_neighbour_is_not() {
    let clients = CLIENTS.get_or_init(|| Authority::new("clients"));
    let leaf = |serial: u64| {
        let mut params = Authority::params(&["client.test"]);
        params.serial_number = Some(SerialNumber::from(serial));
        clients.sign(&params, &KeyPair::generate_for(&PKCS_ED25519).unwrap())
    };
    let crl = clients.revocation_list(SerialNumber::from(77u64));
    for version in VERSIONS {
        let pair = auth(ClientAuth::Required, Some(&leaf(77)), Some(crl.clone()), version);
        assert_eq!(pair.server.failure.unwrap().alert, Some(44));
        auth(ClientAuth::Required, Some(&leaf(78)), Some(crl.clone()), version).assert_works();
    }
}
