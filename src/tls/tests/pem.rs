//! Certificates and keys as operators have them: what can be used is loaded, and for everything else the
//! message states what it is, in which file, and what to do about it.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, date_time_ymd};

use super::rig::*;
use crate::tls::*;

/// An authority, and a certificate with its key that it issued, to be damaged.
struct Good {
    authority: Authority,
    leaf: Leaf,
    key: KeyPair,
}

impl Good {
    fn new() -> Self {
        let authority = Authority::new("Example Root");
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let leaf = authority.sign(&Authority::params(&["pem.test"]), &key);
        Self { authority, leaf, key }
    }

    /// Loads a certificate and a key from memory and makes a handshake with them.
    fn serves(&self, certificate: &[u8], key: &[u8]) -> Arc<ServerTls> {
        let tls = load(certificate, key).unwrap_or_else(|error| panic!("{error}"));
        let mut pair = Pair::new(&client(&client_options(&self.authority)), &tls, "pem.test");
        pair.run();
        pair.assert_established();
        tls
    }

    fn refused_certificate(&self, certificate: &[u8]) -> String {
        reported(load(certificate, self.leaf.key.as_bytes()))
    }

    fn refused_key(&self, key: &[u8]) -> String {
        reported(load(self.leaf.certificate.as_bytes(), key))
    }
}

fn load(certificate: &[u8], key: &[u8]) -> Result<Arc<ServerTls>, LoadError> {
    let chain = PemSource::Bytes(certificate.to_vec());
    let key = Some(PemSource::Bytes(key.to_vec()));
    let certificates = vec![CertificateSource::Pem { chain, key }];
    ServerTls::new(&ServerOptions { certificates, ..ServerOptions::default() }, Time::new())
}

fn reported(loaded: Result<Arc<ServerTls>, LoadError>) -> String {
    loaded.expect_err("it must not load").to_string()
}

fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.to_lowercase().contains(&word.to_lowercase()), "no {word:?} in: {text}");
    }
}

/// An element of DER.
fn der(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let mut element = vec![tag];
    match contents.len() {
        short @ 0..0x80 => element.push(short as u8),
        one_byte @ 0x80..0x100 => element.extend([0x81, one_byte as u8]),
        long => element.extend([&[0x82][..], &(long as u16).to_be_bytes()].concat()),
    }
    [element, contents].concat()
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 2;
const OCTETS: u8 = 4;
const OID: u8 = 6;
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const SECP256K1: &[u8] = &[0x2b, 0x81, 4, 0, 0x0a];
const BRAINPOOL: &[u8] = &[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7];
const ED448: &[u8] = &[0x2b, 0x65, 0x71];
const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];

fn number(value: u8) -> Vec<u8> {
    der(INTEGER, &[&[value]])
}

/// An RSA private key (PKCS #1) with a modulus of `bits` bits; its numbers form no real key.
fn rsa(bits: usize) -> Vec<u8> {
    let modulus = der(INTEGER, &[&[0], &vec![0xff; bits / 8]]);
    let rest = number(3).repeat(7);
    der(SEQUENCE, &[&number(0), &modulus, &rest])
}

/// A private key in PKCS #8.
fn pkcs8(algorithm: &[u8], parameters: &[u8], key: &[u8]) -> Vec<u8> {
    let algorithm = der(SEQUENCE, &[&der(OID, &[algorithm]), parameters]);
    der(SEQUENCE, &[&number(0), &algorithm, &der(OCTETS, &[key])])
}

/// The curve P-256 as numbers instead of its name (SEC 1 appendix C.2, values of SEC 2 section 2.4.2).
fn p256_in_numbers() -> Vec<u8> {
    let bytes = |digits: &str| -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(digit).collect()
    };
    let prime = bytes("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    let a = bytes("ffffffff00000001000000000000000000000000fffffffffffffffffffffffc");
    let b = bytes("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");
    let generator = bytes(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
         4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    );
    let order = bytes("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let prime_field = [0x2a, 0x86, 0x48, 0xce, 0x3d, 1, 1];
    let field = der(SEQUENCE, &[&der(OID, &[&prime_field]), &der(INTEGER, &[&[0], &prime])]);
    let curve = der(SEQUENCE, &[&der(OCTETS, &[&a]), &der(OCTETS, &[&b])]);
    let order = der(INTEGER, &[&[0], &order]);
    der(SEQUENCE, &[&number(1), &field, &curve, &der(OCTETS, &[&generator]), &order, &number(1)])
}

/// The ECPrivateKey within the PKCS #8 of a key on P-256: what follows the header, which is of fixed
/// size.
fn ec_key_of(key: &KeyPair) -> Vec<u8> {
    let whole = key.serialize_der();
    let start = whole.windows(5).position(|part| part[0] == 0x30 && part[2..] == [2, 1, 1]);
    whole[start.unwrap()..].to_vec()
}

#[test]
fn the_ways_in_which_text_is_written_load() {
    let good = Good::new();
    let Leaf { certificate, key, .. } = &good.leaf;
    let root = &good.authority.certificate;
    let unwrapped = |text: &str, width: usize| {
        let lines: Vec<&str> = text.lines().collect();
        let body = lines[1..lines.len() - 1].concat();
        let body: Vec<_> = body.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
        format!("{}\n{}\n{}\n", lines[0], body.join("\n"), lines[lines.len() - 1])
    };
    let relabelled = |label: &str| certificate.replace("CERTIFICATE", label);
    let indented: String = certificate.lines().map(|line| format!("      {line}\n")).collect();
    let attributes = "Bag Attributes\n    localKeyID: 01 02\nsubject=CN = pem.test\n\n";
    let described = "Certificate:\n    Data:\n        Version: 3 (0x2)\n";
    let trusted = [&good.leaf.der[..], &der(SEQUENCE, &[&der(OID, &[&[0x2b, 6]])])].concat();
    for text in [
        format!("\u{feff}{certificate}"),
        certificate.replace('\n', "\r\n"),
        certificate.replace('\n', "\r"),
        certificate.replace('\n', " "),
        certificate.replace('\n', " \n"),
        certificate.trim_end().to_owned(),
        format!("{certificate}\x1a"),
        format!("{attributes}{certificate}"),
        format!("{described}{certificate}"),
        format!("# -----BEGIN CERTIFICATE-----\n{certificate}"),
        indented,
        unwrapped(certificate, 1),
        unwrapped(certificate, 76),
        unwrapped(certificate, 10_000),
        relabelled("X509 CERTIFICATE"),
        pem("TRUSTED CERTIFICATE", &trusted),
        format!("{}{root}", certificate.trim_end()),
        format!("{}{key}", pem("DH PARAMETERS", &[0x30, 0])) + certificate,
        format!("{certificate}{root}{certificate}"),
    ] {
        good.serves(text.as_bytes(), key.as_bytes());
    }
    for text in [
        format!("\u{feff}{key}"),
        key.replace('\n', "\r\n"),
        key.trim_end().to_owned(),
        unwrapped(key, 19),
        key.replace("PRIVATE KEY", "EC PRIVATE KEY"),
        format!("{}{key}", pem("EC PARAMETERS", &der(OID, &[SECP256K1]))),
        format!("{certificate}{key}"),
        format!("{key}{certificate}"),
    ] {
        good.serves(certificate.as_bytes(), text.as_bytes());
    }
}

#[test]
fn a_chain_in_the_wrong_order_is_put_in_order() {
    let good = Good::new();
    let stranger = Authority::new("Stranger");
    let chain = [&stranger.certificate, &good.authority.certificate, &good.leaf.certificate];
    let tls = good.serves(chain.map(String::as_str).concat().as_bytes(), good.leaf.key.as_bytes());
    let mut pair = Pair::new(&client(&client_options(&good.authority)), &tls, "pem.test");
    pair.run();
    let sent: Vec<Vec<u8>> =
        pair.client.session.negotiated().unwrap().peer_chain().map(<[u8]>::to_vec).collect();
    assert_eq!(sent, [good.leaf.der, good.authority.der, stranger.der]);
}

#[test]
fn a_certificate_of_version_1_and_one_that_is_an_authority_are_presented() {
    let good = Good::new();
    // The fields of the good one without version and extensions.
    let name = der(SEQUENCE, &[]);
    let time = der(0x17, &[b"300101000000Z"]);
    let later = der(0x17, &[b"400101000000Z"]);
    let algorithm = der(SEQUENCE, &[&der(OID, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]])]);
    let validity = der(SEQUENCE, &[&time, &later]);
    let info = good.key.subject_public_key_info();
    let tbs = der(SEQUENCE, &[&number(1), &algorithm, &name, &validity, &name, &info]);
    let v1 = der(SEQUENCE, &[&tbs, &algorithm, &der(3, &[&[0, 1, 2]])]);
    let of_authority = pem("CERTIFICATE", &good.authority.der);
    let skipping = client(&ClientOptions {
        roots: Roots::DangerouslySkipVerification,
        ..ClientOptions::default()
    });
    let mut params = CertificateParams::new(vec!["pem.test".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let own = pem("CERTIFICATE", params.self_signed(&good.key).unwrap().der());
    let tls = load(own.as_bytes(), good.leaf.key.as_bytes()).unwrap();
    let mut pair = Pair::new(&skipping, &tls, "pem.test");
    pair.run();
    pair.assert_established();
    let tls = load(pem("CERTIFICATE", &v1).as_bytes(), good.leaf.key.as_bytes()).unwrap();
    assert_eq!(tls.not_after(0), Some(2_208_988_800));
    assert_says(&good.refused_certificate(of_authority.as_bytes()), &["match"]);
}

#[test]
fn something_else_than_a_certificate_is_named_with_what_to_do() {
    let good = Good::new();
    let Leaf { certificate, key, der: binary, .. } = &good.leaf;
    let request = {
        let params = Authority::params(&["pem.test"]);
        params.serialize_request(&good.key).unwrap().der().to_vec()
    };
    let bundle = der(SEQUENCE, &[&der(OID, &[SIGNED_DATA]), &der(0xa0, &[&der(SEQUENCE, &[])])]);
    let store = der(SEQUENCE, &[&number(3), &der(SEQUENCE, &[&der(OID, &[SIGNED_DATA])])]);
    let utf16: Vec<u8> = certificate.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xff, 0xfe], &utf16[..]].concat();
    let body: String = certificate.lines().filter(|line| !line.starts_with('-')).collect();
    let revocations = good.authority.revocation_list(1_u64.into());
    let escaped = format!("\"{}\"", certificate.replace('\n', "\\n"));
    let of_environment = certificate.replace('\n', "\\n");
    let cases: Vec<(Vec<u8>, &[&str])> = vec![
        (of_environment.into_bytes(), &["line 1", "line breaks", "printf %b"]),
        (binary.clone(), &["DER", "PEM", "openssl x509 -inform DER"]),
        (good.key.serialize_der(), &["private key in DER", "openssl pkey"]),
        (request.clone(), &["certificate request (CSR) in DER"]),
        (bundle.clone(), &["PKCS #7", "openssl pkcs7"]),
        (store, &["PKCS #12", "openssl pkcs12 -in FILE -nodes"]),
        (utf16, &["UTF-16", "iconv"]),
        (marked, &["UTF-16", "iconv"]),
        (body.into_bytes(), &["base64 without BEGIN"]),
        (escaped.into_bytes(), &["line 1", "line breaks"]),
        (key.clone().into_bytes(), &["line 1", "a private key where a certificate", "swapped"]),
        (pem("CERTIFICATE REQUEST", &request).into(), &["CSR", "that the authority issued"]),
        (pem("CERTIFICATE", &request).into(), &["CSR", "that the authority issued"]),
        (pem("PKCS7", &bundle).into(), &["PKCS #7", "-print_certs"]),
        (pem("CERTIFICATE", &bundle).into(), &["PKCS #7", "-print_certs"]),
        (pem("PUBLIC KEY", &good.key.subject_public_key_info()).into(), &["a public key"]),
        (pem("ENCRYPTED PRIVATE KEY", &[0; 90]).into(), &["encrypted private key", "swapped"]),
        (pem("OPENSSH PRIVATE KEY", b"openssh-key-v1").into(), &["OpenSSH"]),
        (pem("PGP PUBLIC KEY BLOCK", b"x").into(), &["OpenPGP"]),
        (pem("NEWSPAPER", b"x").into(), &["\"NEWSPAPER\""]),
        (revocations.into(), &["revocation list (CRL) where a certificate"]),
        (certificate.replace("-----", "----").into(), &["five hyphens"]),
        (certificate.replace("-----", "\u{2013}\u{2013}").into(), &["five hyphens"]),
        (certificate.to_lowercase().into(), &["capitals"]),
        (b"\xfe\xed\xfe\xed\0\0\0\x02".to_vec(), &["JKS", "keytool"]),
        (b"\x1f\x8b\x08\0".to_vec(), &["compressed", "unpack"]),
        (b"ssh-ed25519 AAAAC3NzaC1lZDI1 a@b".to_vec(), &["SSH", "X.509"]),
        (b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n".to_vec(), &["SSH", "X.509"]),
        (b"PuTTY-User-Key-File-3: ssh-rsa\n".to_vec(), &["PuTTY", "puttygen"]),
        (b"<!DOCTYPE html>\n<html>".to_vec(), &["HTML", "downloaded"]),
        (b"{\"kty\": \"EC\"}".to_vec(), &["JSON"]),
        (b"Certificate:\n    Data:\n".to_vec(), &["description", "-noout"]),
        (vec![0; 4096], &["zero bytes"]),
        (b" \r\n\t\n".to_vec(), &["blanks"]),
        (b"\x7fELF\x02\x01\x01\0".to_vec(), &["binary"]),
        (b"hello\n".to_vec(), &["text without a BEGIN line"]),
        (b"".to_vec(), &["empty"]),
    ];
    for (bytes, words) in cases {
        let reported = good.refused_certificate(&bytes);
        assert!(reported.starts_with("PEM text in memory"), "{reported}");
        assert_says(&reported, words);
    }
}

#[test]
fn a_certificate_that_is_cut_or_damaged_is_said_to_be() {
    let good = Good::new();
    let Leaf { certificate, der: binary, .. } = &good.leaf;
    let lines: Vec<&str> = certificate.lines().collect();
    let (last, at_last) = (lines.len() - 1, format!("line {}", lines.len()));
    let without = |lost: usize| {
        let kept = lines.iter().enumerate().filter(|(at, _)| *at != lost);
        kept.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    let other_end = certificate.replace("END CERTIFICATE", "END PRIVATE KEY");
    let short_end = certificate.replace("END CERTIFICATE-----", "END CERTIFICATE---");
    for (text, words) in [
        (without(last), &["line 1", "END"][..]),
        (without(last) + certificate, &["line 1", "no END"]),
        (without(2), &["line 1", "well-formed", "cut short"]),
        (other_end, &[&at_last, "another section"]),
        (short_end, &[&at_last, "five hyphens"]),
        (certificate.replacen("M", "*", 1), &["line 2", "not base64"]),
        (pem("CERTIFICATE", &binary[..binary.len() - 9]), &["line 1", "well-formed"]),
    ] {
        assert_says(&good.refused_certificate(text.as_bytes()), words);
    }
}

#[test]
fn a_key_that_cannot_be_used_is_named_with_what_to_do() {
    let good = Good::new();
    let Leaf { certificate, key, .. } = &good.leaf;
    let old = key.replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1);
    let ec = |curve: &[u8]| {
        let key = der(SEQUENCE, &[&number(1), &der(OCTETS, &[&[7; 32]])]);
        pem("PRIVATE KEY", &pkcs8(EC, &der(OID, &[curve]), &key))
    };
    let sec1 = der(
        SEQUENCE,
        &[&number(1), &der(OCTETS, &[&[7; 32]]), &der(0xa0, &[&der(OID, &[SECP256K1])])],
    );
    let explicit = pkcs8(EC, &p256_in_numbers(), &ec_key_of(&good.key));
    let null: &[u8] = &[5, 0];
    let other = Good::new().leaf.key;
    let cases: Vec<(Vec<u8>, &[&str])> = vec![
        (pem("ENCRYPTED PRIVATE KEY", &[0; 90]).into(), &["encrypted", "passphrase", "openssl"]),
        (old.into(), &["encrypted", "passphrase", "openssl pkey"]),
        (pem("OPENSSH PRIVATE KEY", b"x").into(), &["OpenSSH", "PEM", "ssh-keygen -p -m PKCS8"]),
        (pem("DSA PRIVATE KEY", b"x").into(), &["DSA"]),
        (pem("PRIVATE KEY", &pkcs8(DSA, &der(SEQUENCE, &[]), b"")).into(), &["DSA", "supported"]),
        (pem("RSA PRIVATE KEY", &rsa(1024)).into(), &["1024", "2048", "openssl genpkey"]),
        (pem("PRIVATE KEY", &pkcs8(RSA, null, &rsa(512))).into(), &["512 bits", "2048"]),
        (pem("RSA PRIVATE KEY", &rsa(16384)).into(), &["16384 bits", "8192"]),
        (pem("RSA PRIVATE KEY", &rsa(2048)).into(), &["RSA", "damaged"]),
        (pem("PRIVATE KEY", &pkcs8(RSA_PSS, b"", &rsa(2048))).into(), &["PSS", "genpkey"]),
        (ec(SECP256K1).into(), &["secp256k1", "P-256 (prime256v1)"]),
        (ec(BRAINPOOL).into(), &["brainpoolP256r1", "P-256"]),
        (ec(&[0x2b, 1, 2]).into(), &["1.3.1.2", "P-256"]),
        (pem("EC PRIVATE KEY", &sec1).into(), &["secp256k1", "P-256"]),
        (pem("PRIVATE KEY", &explicit).into(), &["explicit parameters", "named_curve"]),
        (pem("PRIVATE KEY", &pkcs8(ED448, b"", b"")).into(), &["ED448", "Ed25519"]),
        (pem("PRIVATE KEY", &pkcs8(&[0x2b, 3, 4], b"", b"")).into(), &["1.3.3.4"]),
        (pem("PRIVATE KEY", &[0x30, 0]).into(), &["no private key"]),
        (pem("PUBLIC KEY", &[0x30, 0]).into(), &["a public key", "secret"]),
        (pem("EC PARAMETERS", &[6, 0]).into(), &["parameters without a key"]),
        (certificate.clone().into(), &["a certificate where a private key", "swapped"]),
        (good.key.serialize_der(), &["DER", "openssl pkey -inform DER"]),
        (format!("{other}{key}").into(), &["second private key", "line 1"]),
        (other.into(), &["match", "-pubkey"]),
    ];
    for (bytes, words) in cases {
        assert_says(&good.refused_key(&bytes), words);
    }
}

#[test]
fn something_else_than_a_revocation_list_or_an_authority_is_named() {
    let good = Good::new();
    let refusal = |roots: &str, crl: &str| {
        let options = ClientOptions {
            roots: Roots::Pem(vec![PemSource::Bytes(roots.into())]),
            crls: vec![PemSource::Bytes(crl.into())],
            ..ClientOptions::default()
        };
        ClientTls::new(&options, Time::new()).unwrap_err().to_string()
    };
    let (leaf, root) = (&good.leaf, &good.authority.certificate);
    assert_says(&refusal(root, root), &["a certificate where a revocation list (CRL)"]);
    assert_says(&refusal(&leaf.key, root), &["a private key where a certificate"]);
    let broken = pem("X509 CRL", &[0x30, 0]);
    assert_says(&refusal(root, &broken), &["revocation list cannot be used", "well-formed"]);
}

#[test]
fn a_directory_a_file_that_may_not_be_read_and_one_without_end_are_errors() {
    let good = Good::new();
    let refusal = |path: &str| {
        let chain = PemSource::File(path.into());
        let key = Some(PemSource::Bytes(good.leaf.key.clone().into()));
        let certificates = vec![CertificateSource::Pem { chain, key }];
        let options = ServerOptions { certificates, ..ServerOptions::default() };
        ServerTls::new(&options, Time::new()).unwrap_err().to_string()
    };
    assert_says(&refusal("/"), &["/: cannot be read", "directory"]);
    assert_says(&refusal("/dev/zero"), &["/dev/zero: is larger than 256 MiB"]);
    assert_says(&refusal("/dev/null"), &["/dev/null: is empty"]);
}

#[test]
fn a_certificate_that_has_expired_or_is_not_valid_yet_is_a_note() {
    let good = Good::new();
    let with = |from: i32, to: i32| {
        let mut params = Authority::params(&["pem.test"]);
        params.not_before = date_time_ymd(from, 4, 1);
        params.not_after = date_time_ymd(to, 4, 1);
        good.authority.sign(&params, &good.key)
    };
    // The clock of these tests is at 2033-05-18.
    for (from, to, note) in [
        (2022, 2033, Some("\"pem.test\" expired on 2033-04-01 00:00:00 UTC")),
        (2034, 2035, Some("\"pem.test\" is not valid before 2034-04-01 00:00:00 UTC")),
        (2032, 2034, None),
    ] {
        let leaf = with(from, to);
        let tls = load(leaf.certificate.as_bytes(), leaf.key.as_bytes()).unwrap();
        let notes = tls.notes();
        assert_eq!(notes.len(), usize::from(note.is_some()), "{notes:?}");
        if let Some(note) = note {
            assert_says(&notes[0], &["PEM text in memory: ", note]);
        }
        let client = client(&ClientOptions {
            certificate: Some(leaf.source()),
            ..client_options(&good.authority)
        });
        assert_eq!(client.notes(), notes);
        assert_eq!(client.not_after(), tls.not_after(0));
    }
}

#[test]
fn loading_tells_when_each_certificate_and_the_first_of_them_ends() {
    let good = Good::new();
    let ending = |year| {
        let mut params = Authority::params(&["pem.test"]);
        params.not_after = date_time_ymd(year, 1, 1);
        good.authority.sign(&params, &good.key).source()
    };
    let certificates = vec![ending(2050), ending(2040)];
    let tls = server(&ServerOptions { certificates, ..ServerOptions::default() });
    assert_eq!(tls.not_after(0), Some(2_524_608_000));
    assert_eq!(tls.not_after(1), Some(2_208_988_800));
    assert_eq!(tls.not_after(2), None);
    assert_eq!(tls.first_not_after(), 2_208_988_800);
    assert_eq!(client(&client_options(&good.authority)).not_after(), None);
}
