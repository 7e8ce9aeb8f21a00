//! The verdict on a frame of a link is the same wherever it is cut, and what is accepted is written
//! again as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vestibule::wire::remote::{Fault, HEADER, PAYLOAD_MAX, Parsed, parse, write};

/// Beyond this many bytes of a frame not every cut is tried: that would be slow, and long frames differ
/// in their ends alone.
const CUTS: usize = 2_048;

fn judge<'a>(bytes: &'a [u8]) -> Parsed<'a> {
    let verdict = parse(bytes);
    let mut decided: Option<Parsed<'a>> = None;
    for cut in 0..bytes.len().min(CUTS) {
        match parse(&bytes[..cut]) {
            Parsed::Partial { need } => {
                assert!(decided.is_none(), "{cut} bytes are undecided, fewer were not");
                assert!(need > cut && need <= HEADER + PAYLOAD_MAX, "{need} for {cut}");
            }
            early => {
                assert_eq!(early, verdict, "{cut} bytes");
                decided = Some(early);
            }
        }
    }
    verdict
}

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    loop {
        match judge(rest) {
            Parsed::Whole { channel, frame, len } => {
                assert!(len <= rest.len() && len >= HEADER);
                let mut again = Vec::new();
                write(&mut again, channel, &frame);
                assert_eq!(again, rest[..len]);
                rest = &rest[len..];
            }
            Parsed::Partial { need } => return assert!(need > rest.len()),
            Parsed::Bad(fault) => return said(fault),
        }
    }
});

/// A fault is a sentence.
fn said(fault: Fault) {
    assert!(fault.to_string().len() > "a frame".len());
}
