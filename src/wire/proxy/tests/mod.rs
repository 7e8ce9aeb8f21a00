//! The verdicts, class by class. Every vector goes through [`judge`], which requires the same verdict
//! for it cut at every byte.

use super::*;
use crate::sys::Addr;

mod build;
mod past;
mod properties;
mod reference;
mod text;
mod tlvs;
mod typed;

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
/// The offset of the block in a version 2 header.
const BLOCK: usize = 16;

/// A version 2 header around `block`, whatever that is.
fn header(version_command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    announcing(version_command, family, block.len(), block)
}

/// A version 2 header with `length` in its length field.
fn announcing(version_command: u8, family: u8, length: usize, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(length).expect("a length field has 16 bits");
    [&SIGNATURE[..], &[version_command, family], &length.to_be_bytes(), block].concat()
}

/// A TLV.
fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("a length field has 16 bits");
    [&[kind], &length.to_be_bytes()[..], value].concat()
}

/// The addresses 192.0.2.1:4242 and 198.51.100.2:443.
const INET: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 2, 0x10, 0x92, 0x01, 0xbb];

/// A TCP over IPv4 header with `tlvs`.
fn inet(tlvs: &[u8]) -> Vec<u8> {
    header(PROXY, 0x11, &[&INET, tlvs].concat())
}

/// A block of two unix names.
fn unix_block(source: &[u8], destination: &[u8]) -> Vec<u8> {
    let mut block = source.to_vec();
    block.resize(108, 0);
    block.extend_from_slice(destination);
    block.resize(216, 0);
    block
}

fn tcp(source: &str, destination: &str) -> Addresses {
    Addresses::Tcp {
        source: source.parse().expect("a socket address"),
        destination: destination.parse().expect("a socket address"),
    }
}

/// The verdict on `bytes`, after comparing it with those on every beginning of them: nothing is accepted
/// early, nothing is refused later than at the offset of its fault, and no verdict changes.
fn judge(bytes: &[u8]) -> Parsed {
    let verdict = parse(bytes);
    for n in 0..bytes.len() {
        let before = parse(&bytes[..n]);
        match (&verdict, &before) {
            (Parsed::Whole { len, .. }, Parsed::Partial { need }) => {
                assert!(n < *len && (n + 1..=*len).contains(need), "{n} of {bytes:x?}: {before:?}");
            }
            (Parsed::Whole { len, .. }, _) => {
                assert!(n >= *len && before == verdict, "{n} of {bytes:x?}: {before:?}");
            }
            (Parsed::Partial { need }, Parsed::Partial { need: earlier }) => {
                assert!(n < *earlier && earlier <= need, "{n} of {bytes:x?}: {before:?}");
            }
            // The checksum is compared when the last byte of the header has arrived.
            (Parsed::Bad(fault), Parsed::Partial { need }) if fault.fault == Fault::Checksum => {
                assert!(n < *need, "{n} of {bytes:x?}");
            }
            (Parsed::Bad(fault), Parsed::Partial { need }) => {
                assert!(n <= fault.at && n < *need, "{n} of {bytes:x?}: late, {fault:?}");
            }
            (Parsed::Bad(fault), _) => {
                assert!(n > fault.at && before == verdict, "{n} of {bytes:x?}: {before:?}");
            }
            (Parsed::Partial { .. }, _) => panic!("{n} of {bytes:x?}: {before:?}"),
        }
    }
    verdict
}

/// Judges a header that is valid and has nothing behind it.
fn accepted(bytes: &[u8]) -> Header {
    match judge(bytes) {
        Parsed::Whole { header, len } => {
            assert_eq!(len, bytes.len(), "{bytes:x?}");
            header
        }
        other => panic!("{bytes:x?}: {other:?}"),
    }
}

/// Judges what is not a header: the fault, and the offset of the byte that shows it.
fn refused(bytes: &[u8]) -> (Fault, usize) {
    match judge(bytes) {
        Parsed::Bad(Malformed { fault, at }) => (fault, at),
        other => panic!("{bytes:x?}: {other:?}"),
    }
}

#[test]
fn what_begins_no_header_is_refused_by_its_first_wrong_byte() {
    assert_eq!(parse(b""), Parsed::Partial { need: 15 });
    for byte in 0..=u8::MAX {
        if !matches!(byte, b'P' | b'\r') {
            assert_eq!(refused(&[byte]), (Fault::NotProxy, 0));
        }
    }
    for literal in [&b"PROXY "[..], &SIGNATURE[..]] {
        for at in 0..literal.len() {
            for byte in 0..=u8::MAX {
                let mut bytes = literal.to_vec();
                bytes[at] = byte;
                // The other format's first byte is no wrong first byte.
                if byte != literal[at] && (at > 0 || !matches!(byte, b'P' | b'\r')) {
                    assert_eq!(refused(&bytes), (Fault::NotProxy, at), "{bytes:x?}");
                }
            }
        }
    }
    assert_eq!(refused(b"GET / HTTP/1.1\r\n\r\n"), (Fault::NotProxy, 0));
    assert_eq!(refused(b"\x16\x03\x01\x02\x00\x01"), (Fault::NotProxy, 0));
}

#[test]
fn every_fault_has_a_sentence_of_its_own() {
    use std::collections::HashSet;
    let faults = [
        Fault::NotProxy,
        Fault::LineProtocol,
        Fault::LineSource,
        Fault::LineDestination,
        Fault::LineMixed,
        Fault::LineSourcePort,
        Fault::LineDestinationPort,
        Fault::LineEnd,
        Fault::LineTooLong,
        Fault::Version,
        Fault::Command,
        Fault::Family,
        Fault::Protocol,
        Fault::ShortBlock,
        Fault::TlvPastEnd,
        Fault::TlvLeftover,
        Fault::TlvLength,
        Fault::SecondChecksum,
        Fault::Checksum,
    ];
    let sentences: HashSet<_> = faults.iter().map(|fault| fault.why()).collect();
    assert_eq!(sentences.len(), faults.len());
    let malformed = Malformed { fault: Fault::Version, at: 12 };
    assert_eq!(malformed.to_string(), "PROXY v2: the version is not 2 (byte 12)");
}

#[test]
fn a_header_stays_small() {
    assert!(size_of::<Header>() <= 96, "{} bytes", size_of::<Header>());
}
