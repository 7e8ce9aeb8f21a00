//! Causes and TLS facts as frames carry them, and back.

use crate::cause::{Cause, Detail, Why};
use crate::op::Op;
use crate::sys::Errno;
use crate::tls::{CertificateFacts, Negotiated, RemoteTls, TlsVersion, Verified};
use crate::wire::remote::{CertificateList, RemoteDetail, RemoteFailure, TlsFacts};

const TLS12: u16 = 0x0303;
const TLS13: u16 = 0x0304;

/// A cause as a frame carries it.
pub(crate) fn failure_of(cause: &Cause) -> RemoteFailure<'_> {
    RemoteFailure {
        op: cause.at.map_or(0, Op::number),
        why: cause.why.number(),
        detail: match cause.detail {
            Detail::None => RemoteDetail::None,
            Detail::Errno(errno) => RemoteDetail::Errno(errno.0),
            Detail::Alert(alert) => RemoteDetail::Alert(alert),
            Detail::Host(code) => RemoteDetail::Handler(code),
        },
        text: &cause.text,
    }
}

/// The cause that a frame carries. A number that this version does not know is a failure of the system
/// at the agent.
pub(crate) fn cause_of(failure: &RemoteFailure<'_>) -> Box<Cause> {
    let why = Why::from_number(failure.why).unwrap_or(Why::System);
    let detail = match failure.detail {
        RemoteDetail::None => Detail::None,
        RemoteDetail::Errno(errno) => Detail::Errno(Errno(errno)),
        RemoteDetail::Alert(alert) => Detail::Alert(alert),
        RemoteDetail::Handler(code) => Detail::Host(code),
    };
    // The agent may have sent any text, and it may be written to a log.
    let plain = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    let text: String = failure.text.chars().map(plain).collect();
    let cause = Cause::new(Op::from_number(failure.op), why).with(detail);
    Box::new(cause.in_words_of_others(text).at_agent())
}

/// The errno that stands for a cause, until that is asked for: a connection that reads or writes meets
/// it.
pub(crate) fn errno_of(cause: &Cause) -> Errno {
    Errno(match (cause.detail, cause.why) {
        (Detail::Errno(errno), _) if errno.0 > 0 && !errno.is_again() => errno.0,
        (_, Why::Reset | Why::Aborted) => libc::ECONNRESET,
        (_, Why::Refused) => libc::ECONNREFUSED,
        (_, Why::TimedOut) => libc::ETIMEDOUT,
        (_, Why::Unreachable) => libc::EHOSTUNREACH,
        (_, Why::Denied) => libc::EACCES,
        (_, Why::LocalLimit) => libc::ENOBUFS,
        _ => libc::EPROTO,
    })
}

/// What TLS agreed on, as a frame carries it.
pub(crate) fn tls_facts<'a>(tls: &Negotiated<'a>, chain: &'a [&'a [u8]]) -> TlsFacts<'a> {
    TlsFacts {
        version: match tls.version {
            TlsVersion::Tls12 => TLS12,
            TlsVersion::Tls13 => TLS13,
        },
        suite: tls.suite,
        group: tls.group.map_or(0, |group| group.code),
        resumed: tls.resumed,
        verified: match tls.verified {
            Verified::NotAsked => 0,
            Verified::Absent => 1,
            Verified::Valid => 2,
            Verified::Skipped => 3,
        },
        alpn: tls.alpn.unwrap_or_default(),
        server_name: tls.server_name.unwrap_or_default(),
        signature_algorithm: tls.own.map_or("", |own| &own.signature_algorithm),
        key_algorithm: tls.own.map_or("", |own| &own.key_algorithm),
        certificates: CertificateList::new(chain),
    }
}

/// What TLS of the agent agreed on.
pub(crate) fn tls_of(facts: &TlsFacts<'_>) -> Box<RemoteTls> {
    let version = if facts.version == TLS12 { TlsVersion::Tls12 } else { TlsVersion::Tls13 };
    let mut tls = RemoteTls::new(version, facts.suite, facts.certificates.clone());
    tls.group = (facts.group != 0).then_some(facts.group);
    tls.alpn = (!facts.alpn.is_empty()).then(|| facts.alpn.into());
    tls.server_name = (!facts.server_name.is_empty()).then(|| facts.server_name.into());
    tls.resumed = facts.resumed;
    tls.verified = match facts.verified {
        1 => Verified::Absent,
        2 => Verified::Valid,
        3 => Verified::Skipped,
        _ => Verified::NotAsked,
    };
    tls.own = (!facts.key_algorithm.is_empty()).then(|| CertificateFacts {
        signature_algorithm: facts.signature_algorithm.to_owned().into(),
        key_algorithm: facts.key_algorithm.to_owned(),
    });
    Box::new(tls)
}
