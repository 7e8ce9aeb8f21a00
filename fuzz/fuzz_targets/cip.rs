//! The verdict on a NetScaler's header is the same wherever the bytes are cut.
#![no_main]

use std::hint::black_box;

use libfuzzer_sys::fuzz_target;
use vestibule::wire::cip::{LONGEST, MAGIC, Parsed, parse};

fuzz_target!(|bytes: &[u8]| {
    // Most bytes would fail at the magic number.
    let bytes = [&MAGIC.to_be_bytes()[..], bytes].concat();
    let verdict = parse(MAGIC, &bytes);
    let mut decided = false;
    for cut in 0..bytes.len().min(LONGEST + 1) {
        match parse(MAGIC, &bytes[..cut]) {
            Parsed::Partial { need } => {
                assert!(!decided, "{cut} bytes are undecided, fewer were not");
                assert!(need > cut && need <= LONGEST, "{need} for {cut}");
            }
            early => {
                assert_eq!(early, verdict, "{cut} bytes");
                decided = true;
            }
        }
    }
    if let Parsed::Whole { header, len } = verdict {
        assert!(len <= bytes.len() && len <= LONGEST);
        black_box(header.ends());
    }
});
