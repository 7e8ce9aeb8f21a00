//! The verdict on the first bytes of a connection is the same wherever they are cut.
#![no_main]

use std::hint::black_box;

use libfuzzer_sys::fuzz_target;
use vestibule::wire::proxy::{Parsed, V2_MAX, parse};

/// Up to this length every cut is tried. In longer inputs those around the end of the header are, since
/// each costs a parse.
const EVERY_CUT: usize = 512;
const NEAR: usize = 16;

fn cuts(bytes: &[u8], verdict: &Parsed) -> Vec<usize> {
    if bytes.len() <= EVERY_CUT {
        return (0..bytes.len()).collect();
    }
    let end = match verdict {
        Parsed::Whole { len, .. } => *len,
        Parsed::Bad(bad) => bad.at,
        Parsed::Partial { .. } => bytes.len(),
    };
    (0..EVERY_CUT).chain(end.saturating_sub(NEAR)..(end + NEAR).min(bytes.len())).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let verdict = parse(bytes);
    let mut decided = false;
    for cut in cuts(bytes, &verdict) {
        match parse(&bytes[..cut]) {
            Parsed::Partial { need } => {
                assert!(!decided, "{cut} bytes are undecided, fewer were not");
                assert!(need > cut && need <= V2_MAX, "{need} for {cut}");
            }
            early => {
                assert_eq!(early, verdict, "{cut} bytes");
                decided = true;
            }
        }
    }
    if let Parsed::Whole { header, len } = verdict {
        assert!(len <= bytes.len() && len <= V2_MAX);
        black_box(header.ends());
        black_box(header.ssl());
        let walked: usize = header.tlvs().map(|tlv| 3 + tlv.value.len()).sum();
        assert_eq!(walked, header.tlvs.len(), "the walk ends before the last TLV");
        for tlv in header.tlvs() {
            assert!(header.tlv(tlv.kind).is_some());
        }
    }
});
