//! Sends a PROXY header ahead of any other byte.
//!
//! The header is composed when the connection is requested, since the client that it describes is
//! available then; it is sent in one call with the bytes that follow it, where there are some.

use super::system;
use crate::config::SendProxy;
use crate::conn::{Conn, Op, Progress, Wait};
use crate::cx::Cx;
use crate::sys::{Addr, Net};
use crate::tls::{Negotiated, Verified};
use crate::wire::der::Certificate;
use crate::wire::proxy::tlv::{client, kind};
use crate::wire::proxy::{Origin, OutgoingHeader, Ssl, Tlv, TooLong, write_v1};

/// What a header may say about the client.
#[derive(Debug)]
pub(crate) struct Client<'a> {
    /// The source and destination that it stands for; `None` when the system does not know them any
    /// more.
    pub(crate) ends: Option<(Addr, Addr)>,
    /// Its TLS, where it has some.
    pub(crate) tls: Option<Negotiated<'a>>,
}

/// Composes the header. Without a client the connection is the engine's own: LOCAL, or in version 1
/// UNKNOWN.
pub(crate) fn compose(
    version: SendProxy,
    client: Option<&Client<'_>>,
    further: &[Tlv<'_>],
    unique: &[u8],
) -> Result<Vec<u8>, TooLong> {
    let ends = client.and_then(|client| client.ends.as_ref());
    let mut header = Vec::new();
    let asked = match version {
        SendProxy::V1 => {
            write_v1(&mut header, ends.map(|(source, destination)| (source, destination)));
            return Ok(header);
        }
        SendProxy::V2(asked) => asked,
    };
    let origin = match (client, ends) {
        (None, _) => Origin::Local,
        (Some(_), None) => Origin::Unknown,
        (Some(_), Some((source, destination))) => Origin::Ends(source, destination),
    };
    let tls = client.and_then(|client| client.tls.as_ref());
    let mut tlvs = Vec::new();
    if let Some(tls) = tls {
        if asked.alpn
            && let Some(alpn) = tls.alpn
        {
            tlvs.push(Tlv { kind: kind::ALPN, value: alpn });
        }
        if asked.authority
            && let Some(name) = tls.server_name
        {
            tlvs.push(Tlv { kind: kind::AUTHORITY, value: name.as_bytes() });
        }
    }
    if asked.unique_id {
        tlvs.push(Tlv { kind: kind::UNIQUE_ID, value: unique });
    }
    tlvs.extend_from_slice(further);
    let common_name = tls.and_then(peer_name);
    let ssl = tls.filter(|_| asked.ssl).map(|tls| ssl(tls, common_name.as_deref()));
    OutgoingHeader { origin, tlvs: &tlvs, ssl, crc32c: asked.crc32c }.write_v2(&mut header)?;
    Ok(header)
}

/// The name in the client's certificate.
fn peer_name(tls: &Negotiated<'_>) -> Option<Vec<u8>> {
    let der = tls.peer_chain().next()?;
    Certificate::parse(der).ok()?.common_name().map(std::borrow::Cow::into_owned)
}

/// The name of a cipher suite as in the specification's example, ECDHE-RSA-AES128-GCM-SHA256, which is
/// OpenSSL's. From TLS 1.3 on that is the registered name.
fn cipher_name(registered: &'static str) -> &'static str {
    match registered {
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" => "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" => "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" => "ECDHE-ECDSA-CHACHA20-POLY1305",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" => "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" => "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" => "ECDHE-RSA-CHACHA20-POLY1305",
        other => other,
    }
}

/// The client's TLS, as in section 2.2.6 of the specification. The certificate of a resumed session was
/// presented in the original session, not on this connection.
fn ssl<'a>(tls: &Negotiated<'a>, common_name: Option<&'a [u8]>) -> Ssl<'a> {
    let mut present = client::SSL;
    let verified = tls.verified == Verified::Valid;
    if verified {
        present |= client::CERT_SESS;
        if !tls.resumed {
            present |= client::CERT_CONN;
        }
    }
    Ssl {
        client: present,
        verify: u32::from(!verified),
        version: Some(tls.version.name().as_bytes()),
        cn: common_name.filter(|_| verified),
        cipher: Some(cipher_name(tls.suite_name).as_bytes()),
        sig_alg: tls.own.map(|own| own.signature_algorithm.as_bytes()),
        key_alg: tls.own.map(|own| own.key_algorithm.as_bytes()),
        ..Ssl::default()
    }
}

/// Done when the kernel has taken the header. Ahead of TLS it may be sent with the first bytes of the
/// handshake.
pub(crate) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    if !conn.ctrl.has_unsent() || conn.word.is_wanted(Op::TlsConnect) {
        return Progress::Done;
    }
    if let Err(errno) = conn.send_early(cx) {
        return system(op, errno);
    }
    if conn.ctrl.has_unsent() { Progress::Wait(Wait::WRITE | Wait::TIMER) } else { Progress::Done }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ProxyTlvs;
    use crate::wire::proxy::{Addresses, Command, Header, Parsed, parse};

    const UNIQUE: &[u8] = b"one connection";

    fn addr(text: &str) -> Addr {
        Addr::parse(text).expect("an address")
    }

    /// A composed header, read back.
    fn composed(version: SendProxy, client: Option<&Client<'_>>, tlvs: &[Tlv<'_>]) -> Box<Header> {
        let bytes = compose(version, client, tlvs, UNIQUE).expect("it fits");
        match parse(&bytes) {
            Parsed::Whole { header, len } if len == bytes.len() => Box::new(header),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_connection_on_our_own_behalf_is_local_or_unknown() {
        let v2 = composed(SendProxy::V2(ProxyTlvs::default()), None, &[]);
        assert_eq!((v2.command, v2.ends()), (Command::Local, None));
        assert_eq!(composed(SendProxy::V1, None, &[]).ends(), None);
    }

    #[test]
    fn a_client_is_announced_with_its_ends_in_every_form() {
        for (source, destination) in [
            ("192.0.2.1:1", "198.51.100.1:2"),
            ("[2001:db8::1]:1", "[2001:db8::2]:2"),
            ("unix:/a", "unix:/b"),
        ] {
            let ends = (addr(source), addr(destination));
            let client = Client { ends: Some(ends.clone()), tls: None };
            let v2 = composed(SendProxy::V2(ProxyTlvs::default()), Some(&client), &[]);
            assert_eq!((v2.command, v2.ends()), (Command::Proxy, Some(ends.clone())));
            let v1 = composed(SendProxy::V1, Some(&client), &[]);
            assert_eq!(v1.ends(), (!source.starts_with("unix")).then_some(ends));
        }
    }

    #[test]
    fn a_client_whose_ends_nobody_knows_any_more_is_unknown_and_not_ours() {
        let client = Client { ends: None, tls: None };
        let v2 = composed(SendProxy::V2(ProxyTlvs::default()), Some(&client), &[]);
        assert_eq!((v2.command, v2.addresses.clone()), (Command::Proxy, Addresses::None));
        assert_eq!(composed(SendProxy::V1, Some(&client), &[]).ends(), None);
    }

    #[test]
    fn what_is_asked_for_and_what_the_host_gives_is_in_the_header_and_nothing_else() {
        let host = [Tlv { kind: 0xe0, value: b"a\0\xff" }];
        let asked = ProxyTlvs { unique_id: true, crc32c: true, ssl: true, ..ProxyTlvs::default() };
        let client = Client { ends: Some((addr("192.0.2.1:1"), addr("192.0.2.2:2"))), tls: None };
        let header = composed(SendProxy::V2(asked), Some(&client), &host);
        assert_eq!(header.tlv(kind::UNIQUE_ID), Some(UNIQUE));
        assert_eq!(header.tlv(0xe0), Some(&b"a\0\xff"[..]));
        assert!(header.tlv(kind::CRC32C).is_some());
        // A client without TLS adds no TLS information.
        assert!(header.ssl().is_none());
        let plain = composed(SendProxy::V2(ProxyTlvs::default()), Some(&client), &[]);
        assert_eq!(plain.tlvs().count(), 0);
    }
}
