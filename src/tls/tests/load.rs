//! A mistake in a configuration is reported precisely.

use rcgen::{BasicConstraints, IsCa, KeyPair, PKCS_ED25519, date_time_ymd};

use super::rig::*;
use crate::tls::*;
use crate::wire::der::DerKind;

fn load(source: CertificateSource) -> Result<(), LoadError> {
    let options = ServerOptions { certificates: vec![source], ..ServerOptions::default() };
    ServerTls::new(&options, Time::new()).map(drop)
}

fn load_text(text: &str) -> LoadError {
    load(CertificateSource::pem(text)).unwrap_err()
}

#[test]
fn chain_and_key_load_together_apart_from_files_and_with_other_sections_between() {
    let authority = Authority::new("test");
    let leaf = authority.leaf(&["a.test"]);
    let Leaf { certificate, key, .. } = &leaf;
    let parameters = pem("EC PARAMETERS", &[6, 8]);
    load(CertificateSource::pem(format!("{key}{certificate}"))).unwrap();
    load(CertificateSource::pem(format!(
        "a comment\r\n{certificate}{}{parameters}{}",
        authority.certificate,
        key.replace('\n', "\r\n")
    )))
    .unwrap();
    let directory = std::env::temp_dir().join(format!("vestibule-load-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (chain, secret) = (directory.join("chain.pem"), directory.join("key.pem"));
    std::fs::write(&chain, certificate).unwrap();
    std::fs::write(&secret, key).unwrap();
    let result = load(CertificateSource::Pem {
        chain: PemSource::File(chain.clone()),
        key: Some(PemSource::File(secret)),
    });
    let missing = load(CertificateSource::file(&chain)).unwrap_err();
    std::fs::remove_dir_all(&directory).unwrap();
    result.unwrap();
    assert_eq!(missing.fault, LoadFault::NoKey);
    assert!(missing.to_string().ends_with("chain.pem: no private key in it"), "{missing}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = load(CertificateSource::file("/nonexistent/x.pem")).unwrap_err();
    assert!(matches!(error.fault, LoadFault::Unreadable(_)));
    assert!(error.to_string().starts_with("/nonexistent/x.pem: cannot be read"), "{error}");
}

#[test]
fn every_fault_has_its_line() {
    let authority = Authority::new("test");
    let (leaf, other) = (authority.leaf(&["a.test"]), authority.leaf(&["a.test"]));
    let Leaf { certificate, key, .. } = &leaf;
    let lines = certificate.lines().count() as u32;
    let at = |text: &str| {
        let error = load_text(text);
        (error.fault, error.line)
    };
    assert_eq!(at(""), (LoadFault::Empty, None));
    let instead = |found| LoadFault::Instead { due: Due::Certificate, found };
    assert_eq!(at("hello\n"), (instead(Found::Text), None));
    assert_eq!(at(key), (instead(Found::Pem(DerKind::PrivateKey)), Some(1)));
    assert_eq!(at(certificate), (LoadFault::NoKey, None));
    let mismatch = format!("{certificate}{}", other.key);
    assert_eq!(at(&mismatch), (LoadFault::KeyMismatch, Some(lines + 1)));
    let second = format!("{certificate}{key}{key}");
    let at_second = lines + key.lines().count() as u32 + 1;
    assert_eq!(at(&second), (LoadFault::SecondKey(lines + 1), Some(at_second)));
    let unended = format!("\n\n{certificate}-----BEGIN PRIVATE KEY-----\nAAAA\n");
    assert_eq!(at(&unended), (LoadFault::Unended, Some(lines + 3)));
    let mut wrong: Vec<_> = certificate.lines().collect();
    wrong[3] = "this is ~not~ base64";
    assert_eq!(at(&wrong.join("\n")), (LoadFault::NotBase64, Some(4)));
    let encrypted = format!("{certificate}{}", pem("ENCRYPTED PRIVATE KEY", &[0; 90]));
    assert_eq!(at(&encrypted), (LoadFault::EncryptedKey, Some(lines + 1)));
    let old = key.replacen('\n', "\nProc-Type: 4,ENCRYPTED\n", 1);
    assert_eq!(at(&format!("{certificate}{old}")).0, LoadFault::EncryptedKey);
    let strange = format!("{certificate}{}", pem("PRIVATE KEY", &[0x30, 0]));
    let (fault, line) = at(&strange);
    assert!(matches!(fault, LoadFault::UnusableKey(_)), "{fault}");
    assert_eq!(line, Some(lines + 1));
    let (fault, line) = at(&format!("{certificate}{}{key}", pem("CERTIFICATE", &[0x30, 0])));
    assert!(matches!(fault, LoadFault::UnusableCertificate(_)), "{fault}");
    assert_eq!(line, Some(lines + 1));
}

#[test]
fn an_expired_certificate_loads() {
    let mut params = Authority::params(&["a.test"]);
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    load(Authority::new("test").sign(&params, &key).source()).unwrap();
}

#[test]
fn more_certificates_than_a_configuration_takes_are_an_error() {
    let fault = |count| {
        let certificates = vec![CertificateSource::pem(""); count];
        let options = ServerOptions { certificates, ..ServerOptions::default() };
        ServerTls::new(&options, Time::new()).unwrap_err().fault
    };
    assert_eq!(fault(65_537), LoadFault::TooManyCertificates(65_536));
    assert_eq!(fault(65_536), LoadFault::Empty, "as many are read");
}

/// The certificate without its extensions, and of version 1 (X.509, RFC 5280 section 4.1.2.1): as
/// `openssl x509 -req` makes one. Its signature is not valid any more.
fn version_1(leaf: &Leaf) -> Leaf {
    let element = |bytes: &[u8]| {
        let (head, len) = match bytes[1] {
            0x81 => (3, usize::from(bytes[2])),
            0x82 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
            len => (2, usize::from(len)),
        };
        (head, head + len)
    };
    let wrap = |content: &[u8]| {
        let len = match u16::try_from(content.len()).unwrap().to_be_bytes() {
            [0, low @ 0..0x80] => vec![low],
            [0, low] => vec![0x81, low],
            [high, low] => vec![0x82, high, low],
        };
        [&[0x30], &len[..], content].concat()
    };
    let certificate = &leaf.der[element(&leaf.der).0..];
    let (start, end) = element(certificate);
    let mut fields = Vec::new();
    let mut rest = &certificate[start..end];
    while !rest.is_empty() {
        let (_, end) = element(rest);
        // The version and the extensions.
        if !matches!(rest[0], 0xa0 | 0xa3) {
            fields.extend(&rest[..end]);
        }
        rest = &rest[end..];
    }
    let der = wrap(&[&wrap(&fields), &certificate[end..]].concat());
    Leaf { certificate: pem("CERTIFICATE", &der), der, key: leaf.key.clone() }
}

#[test]
fn a_certificate_of_our_own_is_presented_whatever_it_is() {
    let mut params = Authority::params(&["a.test"]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let authority = Authority::new("test");
    let of_an_authority = authority.sign(&params, &key);
    let old = version_1(&of_an_authority);
    // A certificate with a critical extension that is unknown.
    params
        .custom_extensions
        .push(rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]));
    params.custom_extensions[0].set_criticality(true);
    for own in [of_an_authority, old, authority.sign(&params, &key)] {
        let server = server(&server_options(&own));
        let client = client(&ClientOptions {
            roots: Roots::DangerouslySkipVerification,
            max_version: TlsVersion::Tls12,
            ..client_options(&authority)
        });
        let mut pair = Pair::new(&client, &server, "a.test");
        let hello = pair.client.take();
        pair.server.receive(&hello);
        let flight = pair.server.take();
        assert!(flight.windows(own.der.len()).any(|window| window == own.der), "it is shown");
        assert_eq!(pair.server.failure, None);

        let other = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let other = Leaf { key: pem("PRIVATE KEY", &other.serialize_der()), ..own.clone() };
        assert_eq!(load(other.source()).unwrap_err().fault, LoadFault::KeyMismatch);

        let options =
            ClientOptions { certificate: Some(own.source()), ..client_options(&authority) };
        assert!(ClientTls::new(&options, Time::new()).is_ok(), "as a client's as well");
    }
}

#[test]
fn options_that_contradict_are_refused() {
    let authority = Authority::new("test");
    let base = server_options(&authority.leaf(&["a.test"]));
    let fault = |options: &ServerOptions| ServerTls::new(options, Time::new()).unwrap_err().fault;
    assert_eq!(fault(&ServerOptions::default()), LoadFault::NoCertificates);
    let options = ServerOptions {
        min_version: TlsVersion::Tls13,
        max_version: TlsVersion::Tls12,
        ..base.clone()
    };
    assert_eq!(fault(&options), LoadFault::NoVersion);
    let options = ServerOptions { client_auth: ClientAuth::Optional, ..base.clone() };
    assert_eq!(fault(&options), LoadFault::NoClientRoots);
    for name in [vec![], vec![b'x'; 256]] {
        let options = ServerOptions { alpn: vec![name], ..base.clone() };
        assert_eq!(fault(&options), LoadFault::BadAlpn);
    }
    let options = ServerOptions {
        client_auth: ClientAuth::Required,
        client_roots: vec![authority.source()],
        client_crls: vec![authority.source()],
        ..base
    };
    let found = Found::Pem(DerKind::Certificate);
    assert_eq!(fault(&options), LoadFault::Instead { due: Due::Crl, found });
}

#[test]
fn a_client_needs_roots_a_name_and_a_certificate_that_fits() {
    let authority = Authority::new("test");
    let mut options = client_options(&authority);
    let tls = client(&options);
    for name in ["", "two words", "a..b", "-"] {
        assert!(Session::client(&tls, name).is_err(), "{name:?}");
    }
    options.roots = Roots::Pem(vec![]);
    assert!(ClientTls::new(&options, Time::new()).is_err());
    options.roots = Roots::Pem(vec![PemSource::Bytes(pem("CERTIFICATE", &[1, 2, 3]).into())]);
    let error = ClientTls::new(&options, Time::new()).unwrap_err();
    assert_eq!(error.line, Some(1));
}

#[test]
fn nothing_secret_shows_in_debug_output() {
    let leaf = Authority::new("test").leaf(&["a.test"]);
    let shown = format!("{:?} {:?}", leaf.source(), self_signed(&["a.test"]).unwrap());
    assert!(shown.len() < 4000, "lengths, not bytes: {shown}");
    assert!(!shown.contains("PRIVATE"));
    assert!(shown.contains("SecretDer("));
}

#[test]
fn the_systems_authorities_are_found_or_said_to_be_missing() {
    match ClientTls::new(&ClientOptions::default(), Time::new()) {
        Ok(tls) => assert!(Session::client(&tls, "a.test").is_ok()),
        Err(error) => assert_eq!(error.fault, LoadFault::NoSystemRoots),
    }
}
