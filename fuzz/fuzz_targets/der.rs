//! Whatever a peer sends as its certificate is refused or can be read to its end.
#![no_main]

use std::hint::black_box;

use libfuzzer_sys::fuzz_target;
use vestibule::wire::der::Certificate;

fuzz_target!(|bytes: &[u8]| {
    let Ok(certificate) = Certificate::parse(bytes) else { return };
    black_box(certificate.common_name());
    for name in [certificate.subject(), certificate.issuer()] {
        assert!(!name.chars().any(char::is_control), "{name:?}");
    }
    for name in certificate.dns_names().chain(certificate.ip_addresses()) {
        assert!(name.len() < bytes.len());
    }
    black_box((certificate.signature_algorithm(), certificate.key_algorithm()));
});
