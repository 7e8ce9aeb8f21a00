//! What a condition or an action asks for, and how it is found out.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::SocketAddr;
use std::sync::Arc;

use super::facts::{Facts, Load, Tls, Value};
use super::passage::{Slot, Tracks};
use crate::table::{Data, Key, Table};
use crate::time::Time;
use crate::wire::client_hello::{self, ClientHello, Parsed};
use crate::wire::der::Certificate;
use crate::wire::proxy::{Version, tlv};

/// Something that can be asked for.
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
    Tracked(Slot, Data),
    /// What the table knows of the source.
    LookUp(Arc<Table>, Data),
    Connections(Box<str>),
    Queued(Box<str>),
}

/// What a rule can see of a connection at one moment.
pub(super) struct Sight<'a> {
    pub(super) facts: &'a dyn Facts,
    pub(super) tracks: &'a Tracks,
    pub(super) now: Time,
    /// Whether what is not known yet is waited for.
    pub(super) waits: bool,
    hello: OnceCell<Parsed<'a>>,
}

/// The answer to a [`Fetch`].
pub(super) struct Sample<'a> {
    pub(super) value: Option<Value<'a>>,
    /// Whether more bytes may make it another one.
    pub(super) may_change: bool,
}

impl<'a> Sight<'a> {
    pub(super) const fn new(
        facts: &'a dyn Facts,
        tracks: &'a Tracks,
        now: Time,
        waits: bool,
    ) -> Self {
        Self { facts, tracks, now, waits, hello: OnceCell::new() }
    }

    fn may_grow(&self) -> bool {
        self.waits && self.facts.prefix().may_grow
    }

    fn hello(&self) -> &Parsed<'a> {
        self.hello.get_or_init(|| client_hello::parse(self.facts.prefix().bytes))
    }

    /// Something of the ClientHello.
    fn of_hello<'s>(
        &'s self,
        ask: impl FnOnce(&'s ClientHello<'a>) -> Option<Value<'s>>,
    ) -> Sample<'s> {
        match self.hello() {
            Parsed::NotTls => Sample { value: None, may_change: false },
            Parsed::Partial => Sample { value: None, may_change: self.may_grow() },
            Parsed::Hello(hello) => Sample { value: ask(hello), may_change: false },
        }
    }

    fn of_tls(&self, ask: impl FnOnce(Tls<'a>) -> Option<Value<'a>>) -> Option<Value<'a>> {
        ask(self.facts.tls()?)
    }

    fn load(&self, backend: &str, ask: fn(Load) -> u64) -> Option<Value<'a>> {
        self.facts.backend(backend).map(|load| Value::Number(ask(load)))
    }
}

impl Fetch {
    /// Finds it out.
    pub(super) fn read<'s>(&self, sight: &'s Sight<'_>) -> Sample<'s> {
        match self {
            Self::PrefixLength => Sample {
                value: Some(Value::Number(sight.facts.prefix().bytes.len() as u64)),
                may_change: sight.may_grow(),
            },
            Self::HelloType => sight.of_hello(|_| Some(Value::Number(ClientHello::TYPE.into()))),
            Self::HelloName => sight.of_hello(|hello| hello.server_name().map(Value::bytes)),
            Self::HelloProtocols => sight.of_hello(|hello| hello.alpn().next().map(Value::bytes)),
            _ => Sample { value: self.known(sight), may_change: false },
        }
    }

    /// What there is behind the first: a ClientHello names several protocols.
    pub(super) fn further<'s>(&self, sight: &'s Sight<'_>) -> impl Iterator<Item = Value<'s>> {
        let several = match self {
            Self::HelloProtocols => match sight.hello() {
                Parsed::Hello(hello) => Some(hello.alpn().skip(1)),
                Parsed::NotTls | Parsed::Partial => None,
            },
            _ => None,
        };
        several.into_iter().flatten().map(Value::bytes)
    }

    /// What does not depend on bytes to come.
    fn known<'s>(&self, sight: &'s Sight<'_>) -> Option<Value<'s>> {
        let facts = sight.facts;
        match self {
            Self::Source => facts.source().map(address),
            Self::SourcePort => facts.source().map(port),
            Self::SourceIsLocal => facts.source_is_local().map(Value::Truth),
            Self::Destination => facts.destination().map(address),
            Self::DestinationPort => facts.destination().map(port),
            Self::SocketSource => facts.socket_source().map(address),
            Self::SocketDestination => facts.socket_destination().map(address),
            Self::Listener => facts.listener().map(Value::bytes),
            Self::HasProxy => Some(Value::Truth(facts.proxy().is_some())),
            Self::ProxyVersion => facts.proxy().map(|header| match header.version {
                Version::V1 => Value::Number(1),
                Version::V2 => Value::Number(2),
            }),
            Self::ProxyTlv(kind) => facts.proxy()?.tlv(*kind).map(Value::bytes),
            Self::IsTls => Some(Value::Truth(facts.tls().is_some())),
            Self::TlsName => sight.of_tls(|tls| tls.server_name.map(Value::bytes)),
            Self::TlsProtocol => sight.of_tls(|tls| tls.alpn.map(Value::bytes)),
            Self::TlsVersion => sight.of_tls(|tls| Some(Value::bytes(tls.version.as_bytes()))),
            Self::TlsCipher => sight.of_tls(|tls| Some(Value::bytes(tls.cipher.as_bytes()))),
            Self::Verify => sight.of_tls(|tls| Some(Value::Number(tls.verify.into()))),
            Self::Subject => {
                let subject = Certificate::parse(facts.tls()?.certificate?).ok()?.subject();
                Some(Value::Bytes(Cow::Owned(subject.into_bytes())))
            }
            Self::CommonName => {
                let certificate = Certificate::parse(facts.tls()?.certificate?).ok()?;
                certificate.common_name().map(Value::Bytes)
            }
            Self::Sha1 => {
                let digest = facts.certificate_sha1()?;
                let hex: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
                Some(Value::Bytes(Cow::Owned(hex.into_bytes())))
            }
            Self::Tracked(slot, data) => {
                sight.tracks.get(*slot)?.get(*data, sight.now).map(Value::Number)
            }
            Self::LookUp(table, data) => {
                let key = Key::Ip(facts.source()?.ip());
                // Of somebody it has never seen, a table knows that there was nothing.
                Some(Value::Number(table.get(key, *data, sight.now).unwrap_or(0)))
            }
            Self::Connections(backend) => sight.load(backend, |load| load.connections),
            Self::Queued(backend) => sight.load(backend, |load| load.queued),
            Self::PrefixLength | Self::HelloType | Self::HelloName | Self::HelloProtocols => None,
        }
    }

    /// The TLV of a type.
    pub(super) const AUTHORITY: Self = Self::ProxyTlv(tlv::kind::AUTHORITY);
    /// The TLV of a type.
    pub(super) const UNIQUE_ID: Self = Self::ProxyTlv(tlv::kind::UNIQUE_ID);
}

const fn address(end: SocketAddr) -> Value<'static> {
    Value::Address(end.ip())
}

fn port(end: SocketAddr) -> Value<'static> {
    Value::Number(end.port().into())
}
