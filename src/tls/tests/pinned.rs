//! Certificates that are given as authorities and sent by the peer itself.

use rcgen::{
    BasicConstraints, CertificateParams, IsCa, KeyPair, PKCS_ED25519, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::rig::*;
use crate::tls::*;

/// The parameters of a certificate that `openssl req -x509` makes: an authority's, signed with its own
/// key.
fn params() -> CertificateParams {
    let mut params = Authority::params(&["a.test"]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.extended_key_usages.clear();
    params.serial_number = Some(SerialNumber::from(1u64));
    params.not_before = date_time_ymd(2033, 1, 1);
    params.not_after = date_time_ymd(2034, 1, 1);
    params
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ED25519).unwrap()
}

fn self_signed(params: &CertificateParams, key: &KeyPair) -> Leaf {
    let der = params.self_signed(key).unwrap().der().to_vec();
    Leaf {
        certificate: pem("CERTIFICATE", &der),
        key: pem("PRIVATE KEY", &key.serialize_der()),
        der,
    }
}

fn source(leaf: &Leaf) -> PemSource {
    PemSource::Bytes(leaf.certificate.clone().into())
}

fn trusting(given: Vec<PemSource>, version: TlsVersion) -> ClientOptions {
    ClientOptions {
        roots: Roots::Pem(given),
        min_version: version,
        max_version: version,
        ..ClientOptions::default()
    }
}

/// The verdict of a client on a server that sends `shown`.
fn verdict(client_options: &ClientOptions, shown: &Leaf, name: &str) -> Option<Failure> {
    let mut pair = Pair::new(&client(client_options), &server(&server_options(shown)), name);
    pair.run();
    if pair.client.failure.is_none() {
        pair.assert_works();
        assert_eq!(pair.client.session.negotiated().map(|it| it.verified), Some(Verified::Valid));
    }
    pair.client.failure
}

fn assert_refused(failure: Option<Failure>, what: &str) {
    let failure = failure.unwrap_or_else(|| panic!("{what}: taken"));
    assert_eq!(failure.why, FailureKind::Certificate, "{what}");
}

#[test]
fn a_server_that_shows_the_very_certificate_given_as_authority_is_taken() {
    let leaf = self_signed(&params(), &key());
    let mut of_nobody_known = params();
    of_nobody_known.is_ca = IsCa::NoCa;
    let issued = Authority::new("unknown").sign(&of_nobody_known, &key());
    let mut plain = params();
    plain.is_ca = IsCa::ExplicitNoCa;
    for shown in [leaf, issued, self_signed(&plain, &key())] {
        for version in VERSIONS {
            let options = trusting(vec![source(&shown)], version);
            assert_eq!(verdict(&options, &shown, "a.test"), None);
            assert_refused(verdict(&options, &shown, "b.test"), "another name");
        }
    }
}

#[test]
fn a_server_that_shows_almost_the_certificate_given_is_refused() {
    let (key, mut other) = (key(), params());
    let given = self_signed(&params(), &key);
    other.serial_number = Some(SerialNumber::from(2u64));
    for version in VERSIONS {
        let options = trusting(vec![source(&given)], version);
        assert_refused(verdict(&options, &self_signed(&other, &key), "a.test"), "its sister");
        let stranger = self_signed(&params(), &super::pinned::key());
        assert_refused(verdict(&options, &stranger, "a.test"), "another key");
    }
}

#[test]
fn a_certificate_given_as_authority_is_taken_while_it_is_valid_alone() {
    for (from, to) in [(2031, 2032), (2034, 2035)] {
        let mut params = params();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let shown = self_signed(&params, &key());
        for version in VERSIONS {
            let options = trusting(vec![source(&shown)], version);
            assert_refused(verdict(&options, &shown, "a.test"), "not now");
        }
    }
}

#[test]
fn a_certificate_that_its_issuer_revoked_is_refused_though_it_is_given() {
    let authority = Authority::new("test");
    let mut params = params();
    params.is_ca = IsCa::NoCa;
    let shown = authority.sign(&params, &key());
    let mut options = trusting(vec![authority.source(), source(&shown)], TlsVersion::Tls13);
    assert_eq!(verdict(&options, &shown, "a.test"), None);
    let list = authority.revocation_list(SerialNumber::from(1u64));
    options.crls = vec![PemSource::Bytes(list.into())];
    assert_refused(verdict(&options, &shown, "a.test"), "revoked");
}

#[test]
fn a_certificate_given_as_authority_is_nothing_without_its_key() {
    let given = self_signed(&params(), &key());
    let provider = provider::provider(KeyExchange::All);
    let thief = PrivateKeyDer::try_from(key().serialize_der()).unwrap();
    let thief = provider.key_provider.load_private_key(thief).unwrap();
    let shown = CertifiedKey::new(vec![CertificateDer::from(given.der.clone())], thief);
    for version in VERSIONS {
        let config = rustls::ServerConfig::builder_with_details(
            provider.clone(),
            std::sync::Arc::new(super::super::clock::TlsTimeProvider(Time::new())),
        )
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(std::sync::Arc::new(SingleCertAndKey::from(shown.clone())));
        let mut server = rustls::ServerConnection::new(std::sync::Arc::new(config)).unwrap();
        let tls = client(&trusting(vec![source(&given)], version));
        let mut client = Side::new(Session::client(&tls, "a.test").unwrap());
        client.drive();
        while client.failure.is_none() {
            let flight = client.take();
            server.read_tls(&mut &flight[..]).unwrap();
            server.process_new_packets().unwrap();
            let mut answer = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut answer).unwrap();
            }
            assert!(!answer.is_empty(), "it says no");
            client.receive(&answer);
        }
        assert_refused(client.failure, "no signature of its key");
    }
}

#[test]
fn a_client_that_shows_the_very_certificate_given_as_authority_is_taken() {
    let authority = Authority::new("test");
    let (given, stranger) = (self_signed(&params(), &key()), self_signed(&params(), &key()));
    let server = server(&ServerOptions {
        client_auth: ClientAuth::Required,
        client_roots: vec![source(&given)],
        ..server_options(&authority.leaf(&["a.test"]))
    });
    for version in VERSIONS {
        for (shown, taken) in [(&given, true), (&stranger, false)] {
            let options = ClientOptions {
                certificate: Some(shown.source()),
                ..trusting(vec![authority.source()], version)
            };
            let mut pair = Pair::new(&client(&options), &server, "a.test");
            pair.run();
            if taken {
                pair.assert_works();
                let verified = pair.server.session.negotiated().map(|it| it.verified);
                assert_eq!(verified, Some(Verified::Valid));
            } else {
                assert_refused(pair.server.failure, "a stranger");
            }
        }
    }
}
