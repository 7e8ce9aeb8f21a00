//! Fetches: what a condition or an action asks for, and how it is evaluated.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::SocketAddr;
use std::sync::Arc;

use super::facts::{ConnView, Load, Tls, Value};
use super::progress::{TrackSlot, Tracks};
use crate::table::{DataType, Table, TableKey};
use crate::time::Time;
use crate::wire::client_hello::{self, ClientHello};
use crate::wire::der::Certificate;
use crate::wire::proxy::{Version, tlv};

/// A value that can be asked for.
#[derive(Clone, Debug)]
pub(super) enum Fetch {
    Source,
    SourcePort,
    SourceIsLocal,
    Destination,
    DestinationPort,
    SocketSource,
    SocketDestination,
    Listener,
    HasProxy,
    ProxyVersion,
    ProxyTlv(u8),
    PrefixLength,
    HelloType,
    HelloName,
    HelloProtocols,
    IsTls,
    TlsName,
    TlsProtocol,
    TlsVersion,
    TlsCipher,
    Verify,
    Subject,
    CommonName,
    Sha1,
    Tracked(TrackSlot, DataType),
    /// A datum of the source's entry in the table.
    LookUp(Arc<Table>, DataType),
    Connections(Box<str>),
    Queued(Box<str>),
}

/// What a rule can see of a connection at one moment.
pub(super) struct EvalContext<'a> {
    pub(super) facts: &'a dyn ConnView,
    pub(super) tracks: &'a Tracks,
    pub(super) now: Time,
    /// Whether rules wait for data that has not arrived.
    pub(super) waits: bool,
    hello: OnceCell<client_hello::Parsed<'a>>,
}

/// The answer to a [`Fetch`].
pub(super) struct Sample<'a> {
    pub(super) value: Option<Value<'a>>,
    /// Whether more bytes may change the value.
    pub(super) may_change: bool,
}

impl<'a> EvalContext<'a> {
    pub(super) const fn new(
        facts: &'a dyn ConnView,
        tracks: &'a Tracks,
        now: Time,
        waits: bool,
    ) -> Self {
        Self { facts, tracks, now, waits, hello: OnceCell::new() }
    }

    fn may_grow(&self) -> bool {
        self.waits && self.facts.prefix().may_grow
    }

    fn hello(&self) -> &client_hello::Parsed<'a> {
        self.hello.get_or_init(|| client_hello::parse(self.facts.prefix().bytes))
    }

    /// A value from the ClientHello.
    fn of_hello<'s>(
        &'s self,
        ask: impl FnOnce(&'s ClientHello<'a>) -> Option<Value<'s>>,
    ) -> Sample<'s> {
        match self.hello() {
            client_hello::Parsed::NotTls => Sample { value: None, may_change: false },
            client_hello::Parsed::Partial => Sample { value: None, may_change: self.may_grow() },
            client_hello::Parsed::Hello(hello) => Sample { value: ask(hello), may_change: false },
        }
    }

    fn of_tls(&self, ask: impl FnOnce(Tls<'a>) -> Option<Value<'a>>) -> Sample<'a> {
        known(self.facts.tls().and_then(ask))
    }

    fn of_certificate(&self, ask: impl FnOnce(Certificate<'a>) -> Option<Value<'a>>) -> Sample<'a> {
        let shown = self.facts.tls().and_then(|tls| tls.certificate);
        known(shown.and_then(|der| Certificate::parse(der).ok()).and_then(ask))
    }

    fn load(&self, backend: &str, ask: fn(Load) -> u64) -> Sample<'a> {
        known(self.facts.backend(backend).map(|load| Value::Number(ask(load))))
    }
}

/// A sample that does not depend on bytes to come.
const fn known(value: Option<Value<'_>>) -> Sample<'_> {
    Sample { value, may_change: false }
}

impl Fetch {
    /// Evaluates the fetch.
    pub(super) fn read<'s>(&self, context: &'s EvalContext<'_>) -> Sample<'s> {
        let facts = context.facts;
        match self {
            Self::PrefixLength => Sample {
                value: Some(Value::Number(facts.prefix().bytes.len() as u64)),
                may_change: context.may_grow(),
            },
            Self::HelloType => context.of_hello(|_| Some(Value::Number(ClientHello::TYPE.into()))),
            Self::HelloName => context.of_hello(|hello| hello.server_name().map(Value::bytes)),
            Self::HelloProtocols => context.of_hello(|hello| hello.alpn().next().map(Value::bytes)),
            Self::Source => known(facts.source().map(address)),
            Self::SourcePort => known(facts.source().map(port)),
            Self::SourceIsLocal => known(facts.source_is_local().map(Value::Truth)),
            Self::Destination => known(facts.destination().map(address)),
            Self::DestinationPort => known(facts.destination().map(port)),
            Self::SocketSource => known(facts.socket_source().map(address)),
            Self::SocketDestination => known(facts.socket_destination().map(address)),
            Self::Listener => known(facts.listener().map(Value::bytes)),
            Self::HasProxy => known(Some(Value::Truth(facts.proxy().is_some()))),
            Self::ProxyVersion => known(facts.proxy().map(|header| match header.version {
                Version::V1 => Value::Number(1),
                Version::V2 => Value::Number(2),
            })),
            Self::ProxyTlv(kind) => {
                known(facts.proxy().and_then(|header| header.tlv(*kind)).map(Value::bytes))
            }
            Self::IsTls => known(Some(Value::Truth(facts.tls().is_some()))),
            Self::TlsName => context.of_tls(|tls| tls.server_name.map(Value::bytes)),
            Self::TlsProtocol => context.of_tls(|tls| tls.alpn.map(Value::bytes)),
            Self::TlsVersion => context.of_tls(|tls| Some(Value::bytes(tls.version.as_bytes()))),
            Self::TlsCipher => context.of_tls(|tls| Some(Value::bytes(tls.cipher.as_bytes()))),
            Self::Verify => context.of_tls(|tls| Some(Value::Number(tls.verify.into()))),
            Self::Subject => context.of_certificate(|certificate| {
                Some(Value::Bytes(Cow::Owned(certificate.subject().into_bytes())))
            }),
            Self::CommonName => {
                context.of_certificate(|certificate| certificate.common_name().map(Value::Bytes))
            }
            Self::Sha1 => known(facts.certificate_sha1().map(|digest| {
                let hex: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
                Value::Bytes(Cow::Owned(hex.into_bytes()))
            })),
            Self::Tracked(slot, data) => {
                let tracked = context.tracks.get(*slot);
                known(tracked.and_then(|entry| entry.get(*data, context.now)).map(Value::Number))
            }
            Self::LookUp(table, data) => known(facts.source().map(|source| {
                // A source without an entry has a count of 0.
                let found = table.get(TableKey::Ip(source.ip()), *data, context.now);
                Value::Number(found.unwrap_or(0))
            })),
            Self::Connections(backend) => context.load(backend, |load| load.connections),
            Self::Queued(backend) => context.load(backend, |load| load.queued),
        }
    }

    /// The values after the first: a ClientHello names several protocols.
    pub(super) fn further<'s>(
        &self,
        context: &'s EvalContext<'_>,
    ) -> impl Iterator<Item = Value<'s>> {
        let several = match self {
            Self::HelloProtocols => match context.hello() {
                client_hello::Parsed::Hello(hello) => Some(hello.alpn().skip(1)),
                client_hello::Parsed::NotTls | client_hello::Parsed::Partial => None,
            },
            _ => None,
        };
        several.into_iter().flatten().map(Value::bytes)
    }

    /// The TLV with the host name that the client asked for.
    pub(super) const AUTHORITY: Self = Self::ProxyTlv(tlv::kind::AUTHORITY);
    /// The TLV with the identifier of the connection.
    pub(super) const UNIQUE_ID: Self = Self::ProxyTlv(tlv::kind::UNIQUE_ID);
}

const fn address(end: SocketAddr) -> Value<'static> {
    Value::Address(end.ip())
}

fn port(end: SocketAddr) -> Value<'static> {
    Value::Number(end.port().into())
}
