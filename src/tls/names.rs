//! Names: of servers, and of the numbers that TLS agrees on, as IANA registered them.
//!
//! rustls has names of its own for the suites of TLS 1.3. And another process may run TLS for us: its
//! numbers need names where this library has no TLS, too.

use pki_types::ServerName;

use super::negotiated::Group;

/// Whether a server can be asked to prove that it is `name`: a DNS name or an IP address.
#[must_use]
pub fn is_server_name(name: &str) -> bool {
    ServerName::try_from(name).is_ok()
}

/// The name of what is not in the tables below.
const UNKNOWN: &str = "unknown";

/// The registry "TLS Cipher Suites": those of TLS 1.3, and those with ECDHE and an AEAD of TLS 1.2.
const SUITES: [(u16, &str); 9] = [
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
];

/// The registry "TLS Supported Groups".
const GROUPS: [(u16, &str); 9] = [
    (23, "secp256r1"),
    (24, "secp384r1"),
    (25, "secp521r1"),
    (29, "X25519"),
    (30, "X448"),
    (0x0201, "MLKEM768"),
    (0x0202, "MLKEM1024"),
    (0x11eb, "secp256r1MLKEM768"),
    (0x11ec, "X25519MLKEM768"),
];

fn name(table: &[(u16, &'static str)], code: u16) -> &'static str {
    table.iter().find(|(number, _)| *number == code).map_or(UNKNOWN, |(_, name)| name)
}

/// The name of a cipher suite.
pub(super) fn suite(code: u16) -> &'static str {
    name(&SUITES, code)
}

/// A group with its name.
pub(super) fn group(code: u16) -> Group {
    Group { code, name: name(&GROUPS, code) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::KeyExchange;
    use crate::tls::provider::provider;

    #[test]
    fn all_that_the_provider_speaks_has_the_name_that_rustls_knows_it_by() {
        let provider = provider(KeyExchange::All);
        for offered in &provider.cipher_suites {
            let code = offered.suite();
            let known = code.as_str().expect("rustls names it");
            // rustls says TLS13_AES_128_GCM_SHA256, the registry TLS_AES_128_GCM_SHA256.
            assert_eq!(suite(code.into()), known.replace("TLS13_", "TLS_"));
        }
        for offered in &provider.kx_groups {
            let code = offered.name();
            assert_eq!(group(code.into()).name, code.as_str().expect("rustls names it"));
        }
    }

    #[test]
    fn a_number_that_is_not_registered_is_unknown() {
        assert_eq!((suite(0), group(1).name), (UNKNOWN, UNKNOWN));
    }
}
