//! The verdict on the first bytes of a TLS connection is the same wherever they are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vestibule::wire::client_hello::{Parsed, parse};

/// Up to this length every cut is tried. In longer inputs only some are, since each costs a parse.
const EVERY_CUT: usize = 512;

fuzz_target!(|bytes: &[u8]| {
    let verdict = parse(bytes);
    let mut decided = false;
    for cut in (0..bytes.len()).step_by(1 + bytes.len() / EVERY_CUT) {
        match parse(&bytes[..cut]) {
            Parsed::Partial => assert!(!decided, "{cut} bytes are undecided, fewer were not"),
            early => {
                assert_eq!(early, verdict, "{cut} bytes");
                decided = true;
            }
        }
    }
    if let Parsed::Hello(hello) = verdict {
        assert!(
            hello.server_name().is_none_or(|name| !name.is_empty() && name.len() < bytes.len())
        );
        assert!(hello.alpn().all(|name| !name.is_empty()));
        assert!(hello.alpn().map(<[u8]>::len).sum::<usize>() < bytes.len());
    }
});
