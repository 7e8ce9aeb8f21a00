use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SanType, SignatureAlgorithm,
};

use super::*;

fn certificate(params: &CertificateParams, algorithm: &'static SignatureAlgorithm) -> Vec<u8> {
    let key = KeyPair::generate_for(algorithm).unwrap();
    params.self_signed(&key).unwrap().der().to_vec()
}

fn named(pairs: Vec<(DnType, DnValue)>) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in pairs {
        params.distinguished_name.push(kind, value);
    }
    certificate(&params, &PKCS_ED25519)
}

fn utf8(text: &str) -> DnValue {
    DnValue::Utf8String(text.to_owned())
}

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let len = u16::try_from(contents.len()).unwrap();
    let mut bytes = vec![tag];
    match len {
        0..0x80 => bytes.push(len as u8),
        0x80..0x100 => bytes.extend([0x81, len as u8]),
        _ => bytes.extend([0x82, (len >> 8) as u8, len as u8]),
    }
    bytes.extend(contents);
    bytes
}

/// A version 1 certificate with these parts; the other fields have no meaning.
fn made(subject: &[u8], key: &[u8], signature: &[u8]) -> Vec<u8> {
    let algorithm = element(SEQUENCE, &element(OID, signature));
    let name = element(SEQUENCE, subject);
    let validity = element(SEQUENCE, &[]);
    let serial = element(INTEGER, &[1]);
    let tbs = [&serial, &algorithm, &name, &validity, &name, key].map(|part| part.to_vec());
    let tbs = element(SEQUENCE, &tbs.concat());
    element(SEQUENCE, &[tbs, algorithm, element(BIT_STRING, &[0])].concat())
}

fn rsa_key(bytes: usize, top: u8) -> Vec<u8> {
    let mut modulus = vec![0xab; bytes];
    modulus[0] = top;
    if top >= 0x80 {
        modulus.insert(0, 0);
    }
    let key = [element(INTEGER, &modulus), element(INTEGER, &[1, 0, 1])].concat();
    let bits = [&[0], &element(SEQUENCE, &key)[..]].concat();
    element(SEQUENCE, &[element(SEQUENCE, &element(OID, RSA)), element(BIT_STRING, &bits)].concat())
}

#[test]
fn a_certificate_is_named_by_subject_and_issuer() {
    let der = named(vec![
        (DnType::CountryName, utf8("FR")),
        (DnType::OrganizationName, utf8("Caf\u{e9}")),
        (DnType::CommonName, utf8("a.test")),
        (DnType::CustomDnType(vec![1, 2, 840, 113_549, 77]), utf8("x")),
    ]);
    let certificate = Certificate::parse(&der).unwrap();
    let text = "/C=FR/O=Caf\u{e9}/CN=a.test/1.2.840.113549.77=x";
    assert_eq!(certificate.subject(), text);
    assert_eq!(certificate.issuer(), text);
    assert_eq!(certificate.common_name().as_deref(), Some(&b"a.test"[..]));
}

#[test]
fn a_certificate_tells_the_last_second_of_its_validity() {
    let date = |year| rcgen::date_time_ymd(year, 3, 1);
    // RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on.
    for (year, seconds) in [
        (1970, 5_097_600),
        (2000, 951_868_800),
        (2049, 2_498_169_600),
        (2050, 2_529_705_600),
        (2100, 4_107_542_400),
        (9999, 253_375_862_400),
    ] {
        let mut params = CertificateParams::default();
        params.not_after = date(year);
        let der = certificate(&params, &PKCS_ED25519);
        assert_eq!(Certificate::parse(&der).unwrap().not_after(), Some(seconds), "{year}");
    }
}

#[test]
fn a_time_in_another_form_than_the_two_allowed_is_none() {
    const UTC: u8 = 0x17;
    const GENERALIZED: u8 = 0x18;
    for (tag, text, seconds) in [
        (UTC, "491231235959Z", Some(2_524_607_999)),
        (UTC, "500101000000Z", Some(0)),
        (GENERALIZED, "20000229000001Z", Some(951_782_401)),
        (GENERALIZED, "19690101000000Z", Some(0)),
        (GENERALIZED, "20000229000001", None),
        (GENERALIZED, "20000229000001.5Z", None),
        (GENERALIZED, "20000229000001+0100", None),
        (GENERALIZED, "20001329000001Z", None),
        (GENERALIZED, "20000200000001Z", None),
        (GENERALIZED, "20000229240000Z", None),
        (UTC, "20000229000001Z", None),
        (UTC, "4912312359Z", None),
        (UTC, "49123123595xZ", None),
        (0x0c, "491231235959Z", None),
        (UTC, "", None),
    ] {
        assert_eq!(time::unix_seconds(tag, text.as_bytes()), seconds, "{text}");
    }
}

#[test]
fn a_nul_in_a_name_ends_nothing_and_a_slash_adds_nothing() {
    let der = named(vec![(DnType::CommonName, utf8("good\0.evil/CN=root\\\n"))]);
    let certificate = Certificate::parse(&der).unwrap();
    let bytes = &b"good\0.evil/CN=root\\\n"[..];
    assert_eq!(certificate.common_name().as_deref(), Some(bytes));
    assert_eq!(certificate.subject(), "/CN=good\\x00.evil\\x2FCN=root\\x5C\\x0A");
}

#[test]
fn other_string_types_become_utf8() {
    for (tag, bytes, text) in [
        (T61_STRING, &b"Caf\xe9"[..], "Caf\u{e9}"),
        (BMP_STRING, &[0, b'a', 0x20, 0xac], "a\u{20ac}"),
        (BMP_STRING, &[0xd8, 0x3d, 0xde, 0x00], "\u{1f600}"),
        (BMP_STRING, &[0xd8, 0x3d, 0], "\u{fffd}\0"),
        (UNIVERSAL_STRING, &[0, 1, 0xf6, 0], "\u{1f600}"),
    ] {
        let attribute = [element(OID, COMMON_NAME), element(tag, bytes)].concat();
        let subject = element(SET, &element(SEQUENCE, &attribute));
        let der = made(&subject, &rsa_key(256, 0x80), RSA);
        let certificate = Certificate::parse(&der).unwrap();
        assert_eq!(certificate.common_name().as_deref(), Some(text.as_bytes()), "{tag}");
    }
    let attribute = [element(OID, COMMON_NAME), element(0x0c, b"a\xff\xfeb")].concat();
    let der = made(&element(SET, &element(SEQUENCE, &attribute)), &rsa_key(256, 0x80), RSA);
    let certificate = Certificate::parse(&der).unwrap();
    assert_eq!(certificate.common_name().as_deref(), Some(&b"a\xff\xfeb"[..]));
    assert_eq!(certificate.subject(), "/CN=a\\xFF\\xFEb");
}

#[test]
fn alternative_names_keep_their_bytes() {
    let mut params = CertificateParams::new(vec![
        "a.test".to_owned(),
        "*.b.test".to_owned(),
        "10.1.2.3".to_owned(),
        "2001:db8::1".to_owned(),
    ])
    .unwrap();
    params.subject_alt_names.push(SanType::Rfc822Name("me@a.test".try_into().unwrap()));
    let der = certificate(&params, &PKCS_ED25519);
    let certificate = Certificate::parse(&der).unwrap();
    assert!(certificate.dns_names().eq([&b"a.test"[..], b"*.b.test"]));
    let addresses: Vec<_> = certificate.ip_addresses().collect();
    assert_eq!(addresses[0], [10, 1, 2, 3]);
    assert_eq!(addresses[1].len(), 16);
    assert_eq!(addresses.len(), 2);
}

#[test]
fn algorithms_have_the_names_openssl_gives_them() {
    for (algorithm, signature, key) in [
        (&PKCS_ED25519, "ED25519", "ED25519"),
        (&PKCS_ECDSA_P256_SHA256, "ecdsa-with-SHA256", "EC256"),
        (&PKCS_ECDSA_P384_SHA384, "ecdsa-with-SHA384", "EC384"),
    ] {
        let der = certificate(&CertificateParams::default(), algorithm);
        let certificate = Certificate::parse(&der).unwrap();
        assert_eq!(certificate.signature_algorithm(), signature);
        assert_eq!(certificate.key_algorithm(), key);
    }
    let sha256 = [&RSA[..RSA.len() - 1], &[11]].concat();
    for (bytes, top, name) in
        [(256, 0x80, "RSA2048"), (512, 0xff, "RSA4096"), (128, 0x40, "RSA1023")]
    {
        let der = made(&[], &rsa_key(bytes, top), &sha256);
        let certificate = Certificate::parse(&der).unwrap();
        assert_eq!(certificate.signature_algorithm(), "RSA-SHA256");
        assert_eq!(certificate.key_algorithm(), name);
    }
    let strange = element(SEQUENCE, &element(SEQUENCE, &element(OID, &[42, 3])));
    let der = made(&[], &strange, &[42, 3, 4]);
    let certificate = Certificate::parse(&der).unwrap();
    assert_eq!(certificate.signature_algorithm(), "UNDEF");
    assert_eq!(certificate.key_algorithm(), "UNDEF");
    assert_eq!(certificate.common_name(), None);
}

#[test]
fn a_cut_or_lengthened_certificate_is_malformed() {
    let der = named(vec![(DnType::CommonName, utf8("a.test"))]);
    for len in 0..der.len() {
        assert_eq!(Certificate::parse(&der[..len]).err(), Some(NotDer), "{len}");
    }
    let long = [&der[..], &[0]].concat();
    assert_eq!(Certificate::parse(&long).err(), Some(NotDer));
}

#[test]
fn a_changed_byte_anywhere_is_malformed_or_read_to_the_end() {
    let mut params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::OrganizationName, "some");
    let der = certificate(&params, &PKCS_ECDSA_P256_SHA256);
    let mut parsed = 0;
    for at in 0..der.len() {
        for value in [0, 1, 0x1f, 0x30, 0x7f, 0x80, 0x81, 0x84, 0xff] {
            let mut der = der.clone();
            der[at] = value;
            let Ok(certificate) = Certificate::parse(&der) else { continue };
            parsed += 1;
            assert!(certificate.subject().len() < 1000);
            assert!(certificate.issuer().len() < 1000);
            assert!(certificate.dns_names().count() + certificate.ip_addresses().count() < 10);
            let _ = (certificate.common_name(), certificate.signature_algorithm());
            let _ = certificate.key_algorithm();
        }
    }
    assert!(parsed > 100);
}

#[test]
fn lengths_that_are_not_minimal_or_absurd_are_refused() {
    for bytes in [
        &[0x30, 0x80, 0, 0][..],
        &[0x30, 0x81, 0x05, 1, 1, 1, 1, 1],
        &[0x30, 0x82, 0x00, 0x81],
        &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        &[0x30, 0x85, 1, 0, 0, 0, 0],
        &[0x30, 0xff],
        &[0x1f, 0x01, 0x00],
        &[0x30],
        &[],
    ] {
        assert_eq!(Certificate::parse(bytes).err(), Some(NotDer), "{bytes:?}");
        assert!(DerReader(bytes).any().is_none());
    }
}

#[test]
fn an_attribute_is_found_by_its_name_and_its_place_from_either_end() {
    let attribute = |kind: &[u8], value: &str| {
        let pair = [element(OID, kind), element(0x0c, value.as_bytes())].concat();
        element(0x31, &element(SEQUENCE, &pair))
    };
    const UNIT: &[u8] = &[0x55, 4, 11];
    let subject = [
        attribute(UNIT, "first"),
        attribute(COMMON_NAME, "a.test"),
        attribute(UNIT, "second"),
        attribute(&[0x2a, 3], "other"),
    ]
    .concat();
    let der = made(&subject, &rsa_key(256, 0x80), RSA);
    let certificate = Certificate::parse(&der).unwrap();
    for (name, occurrence, value) in [
        ("OU", 1, Some("first")),
        ("ou", 2, Some("second")),
        ("OU", -1, Some("second")),
        ("OU", -2, Some("first")),
        ("OU", 3, None),
        ("OU", -3, None),
        ("OU", i64::MIN, None),
        ("cn", 1, Some("a.test")),
        ("1.2.3", 1, Some("other")),
        ("O", 1, None),
        ("", 1, None),
    ] {
        let value = value.map(str::as_bytes);
        let found = certificate.subject_attribute(name, occurrence);
        assert_eq!(found.as_deref(), value, "{name} {occurrence}");
        let found = certificate.issuer_attribute(name, occurrence);
        assert_eq!(found.as_deref(), value, "{name} {occurrence} of the issuer");
    }
}

#[test]
fn a_certificate_tells_its_version_its_serial_number_and_its_key() {
    let der = made(&[], &rsa_key(256, 0x80), RSA);
    let certificate = Certificate::parse(&der).unwrap();
    assert_eq!((certificate.version(), certificate.serial()), (1, &[1][..]));
    assert_eq!(certificate.public_key_algorithm(), "rsaEncryption");
    let mut params = CertificateParams::default();
    params.serial_number = Some(vec![0x01, 0xff].into());
    for (algorithm, name) in
        [(&PKCS_ECDSA_P256_SHA256, "id-ecPublicKey"), (&PKCS_ED25519, "ED25519")]
    {
        let der = self::certificate(&params, algorithm);
        let certificate = Certificate::parse(&der).unwrap();
        assert_eq!((certificate.version(), certificate.serial()), (3, &[0x01, 0xff][..]));
        assert_eq!(certificate.public_key_algorithm(), name);
    }
}

#[test]
fn a_certificate_tells_when_it_is_valid_as_it_is_written_without_the_century() {
    let mut params = CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(2024, 2, 29);
    params.not_after = rcgen::date_time_ymd(2150, 3, 1);
    let der = certificate(&params, &PKCS_ED25519);
    let certificate = Certificate::parse(&der).unwrap();
    assert_eq!(certificate.validity(), Some([&b"240229000000Z"[..], b"500301000000Z"]));
    let without = made(&[], &rsa_key(256, 0x80), RSA);
    assert_eq!(Certificate::parse(&without).unwrap().validity(), None);
}
