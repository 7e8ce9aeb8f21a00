//! What rules can see at one moment.

use std::cell::OnceCell;

use super::facts::{ConnView, Tls};
use super::process::ProcessVariables;
use super::progress::Tracks;
use super::value::Value;
use crate::time::Time;
use crate::wire::client_hello::{self, ClientHello};
use crate::wire::der::Certificate;

/// What rules can see of a connection at one moment.
pub(super) struct EvalContext<'a> {
    pub(super) facts: &'a dyn ConnView,
    pub(super) tracks: &'a Tracks,
    pub(super) process: &'a ProcessVariables,
    pub(super) now: Time,
    /// Whether rules wait for data that has not arrived.
    waits: bool,
    hello: OnceCell<client_hello::Parsed<'a>>,
}

/// The answer to a fetch.
pub(super) struct Sample<'a> {
    pub(super) value: Option<Value<'a>>,
    /// Whether more bytes may change the value.
    pub(super) may_change: bool,
}

impl<'a> Sample<'a> {
    /// What no further byte changes.
    pub(super) const fn settled(value: Option<Value<'a>>) -> Self {
        Self { value, may_change: false }
    }
}

impl<'a> EvalContext<'a> {
    pub(super) const fn new(
        facts: &'a dyn ConnView,
        tracks: &'a Tracks,
        process: &'a ProcessVariables,
        now: Time,
        waits: bool,
    ) -> Self {
        Self { facts, tracks, process, now, waits, hello: OnceCell::new() }
    }

    /// Whether more bytes may come, and are waited for.
    pub(super) fn may_grow(&self) -> bool {
        self.waits && self.facts.prefix().may_grow
    }

    pub(super) fn hello(&self) -> &client_hello::Parsed<'a> {
        self.hello.get_or_init(|| client_hello::parse(self.facts.prefix().bytes))
    }

    /// A value from the ClientHello.
    pub(super) fn of_hello<'s>(
        &'s self,
        ask: impl FnOnce(&'s ClientHello<'a>) -> Option<Value<'s>>,
    ) -> Sample<'s> {
        match self.hello() {
            client_hello::Parsed::NotTls => Sample::settled(None),
            client_hello::Parsed::Partial => Sample { value: None, may_change: self.may_grow() },
            client_hello::Parsed::Hello(hello) => Sample::settled(ask(hello)),
        }
    }

    pub(super) fn of_tls(&self, ask: impl FnOnce(Tls<'a>) -> Option<Value<'a>>) -> Sample<'a> {
        Sample::settled(self.facts.tls().and_then(ask))
    }

    /// A value from the client's certificate.
    pub(super) fn of_certificate(
        &self,
        ask: impl FnOnce(Certificate<'a>) -> Option<Value<'a>>,
    ) -> Sample<'a> {
        let shown = self.facts.tls().and_then(|tls| tls.certificate);
        Sample::settled(shown.and_then(|der| Certificate::parse(der).ok()).and_then(ask))
    }
}
