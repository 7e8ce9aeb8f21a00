//! What TLS facts and the frame that may have them cannot be.

use super::*;

/// TLS facts without texts, ALPN and certificates.
const FACTS: [u8; 12] = [3, 4, 0x13, 2, 0, 29, 0, 2, 0, 0, 0, 0];

#[test]
fn tls_facts_have_values_that_exist() {
    let kind = RemoteFrameType::Secured;
    whole(&raw(kind, 0, 1, &FACTS));
    let with = |at: usize, byte: u8| {
        let mut facts = FACTS;
        facts[at] = byte;
        facts
    };
    for byte in (0..=255).filter(|byte| *byte != 3) {
        assert_eq!(found(kind, &with(0, byte), 0), Fault::TlsVersion);
    }
    for byte in (0..=255).filter(|byte| ![3, 4].contains(byte)) {
        assert_eq!(found(kind, &with(1, byte), 1), Fault::TlsVersion);
    }
    for byte in 2..=255 {
        assert_eq!(found(kind, &with(6, byte), 6), Fault::TlsFlags(byte));
    }
    for byte in 4..=255 {
        assert_eq!(found(kind, &with(7, byte), 7), Fault::Verified(byte));
    }
    for at in 8..12 {
        assert_eq!(found(kind, &with(at, 1), at), Fault::Short(kind));
    }
}

#[test]
fn certificates_fill_the_payload_exactly_and_are_not_empty() {
    let kind = RemoteFrameType::Secured;
    let with = |behind: &[u8]| parts(&[&FACTS, behind]);
    // A length without a certificate, and half a length.
    assert_eq!(found(kind, &with(&[0]), 11), Fault::Short(kind));
    assert_eq!(found(kind, &with(&[0, 1]), 11), Fault::Short(kind));
    assert_eq!(found(kind, &with(&[0, 0, 1]), 13), Fault::Short(kind));
    assert_eq!(found(kind, &with(&[0, 0, 0, 1, 7]), 13), Fault::EmptyCertificate);
    assert_eq!(found(kind, &with(&[0, 2, 7]), 13), Fault::Short(kind));
    assert_eq!(found(kind, &with(&[1, 0, 7]), 12), Fault::Short(kind));
    assert_eq!(found(kind, &with(&[0, 1, 7, 9]), 13), Fault::Short(kind));
    assert_eq!(found(kind, &with(&[0, 1, 7, 0, 2, 9]), 16), Fault::Short(kind));
    let bytes = raw(kind, 0, 1, &with(&[0, 1, 7, 0, 2, 8, 9]));
    let RemoteFrame::Secured(facts) = whole(&bytes) else { panic!("another frame") };
    assert_eq!(facts.certificates.collect::<Vec<_>>(), [&[7][..], &[8, 9]]);
}

#[test]
fn incoming_with_tls_has_room_for_its_facts_and_without_has_nothing_behind() {
    let kind = RemoteFrameType::Incoming;
    let plain = parts(&[WINDOW, &[1, b'w'], NONE, NONE, &[0, 1, b'P']]);
    whole(&raw(kind, 0, 2, &plain));
    assert_eq!(parse(&raw(kind, 2, 2, &plain)[..4]), Parsed::Bad(Fault::Short(kind)));
    let secure = parts(&[&plain, &FACTS]);
    whole(&raw(kind, 2, 2, &secure));
    // The first byte of the PROXY header's length may be enough, in both directions.
    assert_eq!(found(kind, &secure, 9), Fault::Long(kind));
    let mut far = plain.clone();
    far[8] = 1;
    assert_eq!(found(kind, &far, 8), Fault::Short(kind));
    let far = parts(&[WINDOW, &[1, b'w'], NONE, NONE, &[0, 1], &[b'P'; 300]]);
    assert_eq!(found(kind, &far, 8), Fault::Long(kind));
    assert_eq!(found_with(kind, 2, &parts(&[&plain, &FACTS[..11]]), 9), Fault::Short(kind));
}
