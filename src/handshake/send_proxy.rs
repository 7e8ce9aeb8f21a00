//! Sends a PROXY header ahead of any other byte.
//!
//! The header is composed when the connection is asked for, since that is when the client it tells
//! of is at hand; it leaves with the first bytes behind it where there are some.

use super::system;
use crate::config::SendProxy;
use crate::conn::{Conn, Op, Progress, Wait};
use crate::ctrl::Output;
use crate::cx::Cx;
use crate::sys::{Addr, Net};
use crate::tls::{Negotiated, Verified};
use crate::wire::der::Certificate;
use crate::wire::proxy::tlv::{client, kind};
use crate::wire::proxy::{Origin, Outgoing, Ssl, Tlv, TooLong, write_v1};

const OP: Op = Op::SendProxy;

/// What a header may tell of the client.
#[derive(Debug)]
pub(crate) struct Client<'a> {
    /// The source and destination it stands for; `None` when the system does not know them any
    /// more.
    pub(crate) ends: Option<(Addr, Addr)>,
    /// Its TLS, where it has some.
    pub(crate) tls: Option<Negotiated<'a>>,
}

/// Composes the header. Without a client the connection is our own: LOCAL, or UNKNOWN in version 1.
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
    Outgoing { origin, tlvs: &tlvs, ssl, crc32c: asked.crc32c }.write_v2(&mut header)?;
    Ok(header)
}

/// The name in the client's certificate.
fn peer_name(tls: &Negotiated<'_>) -> Option<Vec<u8>> {
    let der = tls.peer_chain().next()?;
    Certificate::parse(der).ok()?.common_name().map(std::borrow::Cow::into_owned)
}

/// The client's TLS, as section 2.2.6 of the specification has it. A certificate of a resumed
/// session was shown in that session, but not on this connection.
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
        cipher: Some(tls.suite_name.as_bytes()),
        sig_alg: tls.own.map(|own| own.signature_algorithm.as_bytes()),
        key_alg: tls.own.map(|own| own.key_algorithm.as_bytes()),
        ..Ssl::default()
    }
}

/// Done when the kernel has the header. Before TLS it may leave with the handshake's first bytes.
pub(crate) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    if !conn.ctrl.has_unsent() || conn.word.is_wanted(Op::TlsConnect) {
        return Progress::Done;
    }
    let early = &cx.early[cx.early_taken..];
    match conn.ctrl.send(cx, early) {
        Ok(Output::Bytes(taken)) => cx.early_taken += taken,
        Ok(Output::Wait) => {}
        Err(errno) => return system(OP, errno),
    }
    if conn.ctrl.has_unsent() { Progress::Wait(Wait::WRITE | Wait::TIMER) } else { Progress::Done }
}
