//! From a frame to bytes.

use std::net::{IpAddr, SocketAddr};

use super::facts::TlsFacts;
use super::frame::{RemoteDetail, RemoteFailure, RemoteFrame, RemoteIncoming, RemoteTarget};
use super::header::{HEADER, data_header, header};
use super::numbers::{MAGIC, failure, flag, form, tls};
use super::sizes::{FACTS_FIXED, HOST_MAX, LENGTH, PAYLOAD_MAX, TEXT_MAX};
use crate::sys::{Addr, UNIX_PATH_MAX};

/// Appends `frame` of `channel`, which is 0 for the link itself. It is never longer than
/// [`HEADER`] and [`PAYLOAD_MAX`] together:
///
/// - a text is cut at the end of its last character that fits;
/// - of certificates, those from the first that does not fit are left out;
/// - a PROXY header that does not fit beside the other fields of INCOMING is left out;
/// - DATA becomes as many frames as it takes, which is none for no bytes.
///
/// The rest is the caller's duty: names that must not be empty, texts without NUL, a port that is not 0,
/// values of TLS facts that exist, a channel that such a frame can have. Where that is not so, the frame
/// is written all the same, and [`parse`](super::parse) refuses it.
pub fn write(to: &mut Vec<u8>, channel: u32, frame: &RemoteFrame<'_>) {
    if let RemoteFrame::Data(bytes) = frame {
        for bytes in bytes.chunks(PAYLOAD_MAX) {
            to.extend(data_header(channel, bytes.len()));
            to.extend_from_slice(bytes);
        }
        return;
    }
    let start = to.len();
    to.extend([0; HEADER]);
    let payload = to.len();
    let flags = PayloadWriter { to, start: payload }.frame(frame);
    let header = header(to.len() - payload, frame.frame_type(), flags, channel);
    if let Some(place) = to.get_mut(start..payload) {
        place.copy_from_slice(&header);
    }
}

const fn flag_if(is_set: bool, flag: u8) -> u8 {
    if is_set { flag } else { 0 }
}

/// A text as it is written: with at most `most` bytes.
fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

/// ALPN as it is written.
fn cut_bytes(bytes: &[u8]) -> &[u8] {
    bytes.get(..TEXT_MAX).unwrap_or(bytes)
}

/// The bytes of TLS facts without certificates.
fn facts_size(facts: &TlsFacts<'_>) -> usize {
    let texts = [facts.server_name, facts.signature_algorithm, facts.key_algorithm];
    let texts: usize = texts.iter().map(|text| 1 + cut(text, TEXT_MAX).len()).sum();
    FACTS_FIXED + 1 + cut_bytes(facts.alpn).len() + texts
}

/// The payload that is being written.
struct PayloadWriter<'v> {
    to: &'v mut Vec<u8>,
    /// Where it begins.
    start: usize,
}

impl PayloadWriter<'_> {
    /// Appends the fields of `frame` and returns its flags.
    fn frame(&mut self, frame: &RemoteFrame<'_>) -> u8 {
        match frame {
            RemoteFrame::Hello(hello) => {
                self.bytes(&MAGIC);
                self.bytes(&hello.lowest.to_be_bytes());
                self.bytes(&hello.highest.to_be_bytes());
                self.bytes(&hello.channels.to_be_bytes());
                flag_if(hello.passes, flag::HELLO_PASSES)
            }
            RemoteFrame::Ping(number) | RemoteFrame::Pong(number) | RemoteFrame::Credit(number) => {
                self.bytes(&number.to_be_bytes());
                0
            }
            RemoteFrame::Goaway { reason, text } => {
                self.byte(reason.number());
                self.text(text);
                0
            }
            RemoteFrame::Listen { name, stop } => {
                self.text(name);
                flag_if(*stop, flag::LISTEN_STOP)
            }
            RemoteFrame::Open(open) => {
                self.bytes(&open.window.to_be_bytes());
                self.target(&open.target);
                self.address(open.source.as_ref());
                flag_if(open.takes_descriptor, flag::OPEN_DESCRIPTOR)
            }
            RemoteFrame::Opened(opened) => {
                self.bytes(&opened.window.to_be_bytes());
                self.address(opened.local.as_ref());
                self.address(opened.peer.as_ref());
                flag_if(opened.descriptor, flag::OPENED_DESCRIPTOR)
            }
            RemoteFrame::Secure { profile, server_name } => {
                self.text(profile);
                self.text(server_name);
                0
            }
            RemoteFrame::Secured(facts) => {
                self.facts(facts);
                0
            }
            RemoteFrame::Incoming(incoming) => self.incoming(incoming),
            RemoteFrame::Closed(closed) => {
                self.failure(closed.failure.as_ref());
                flag_if(!closed.begun, flag::CLOSED_NOT_BEGUN)
            }
            RemoteFrame::End { truncated } => flag_if(*truncated, flag::END_TRUNCATED),
            RemoteFrame::Close | RemoteFrame::Reset => 0,
            // It is split into frames by `write`.
            RemoteFrame::Data(_) => 0,
        }
    }

    fn incoming(&mut self, incoming: &RemoteIncoming<'_>) -> u8 {
        self.bytes(&incoming.window.to_be_bytes());
        self.text(incoming.name);
        self.address(incoming.peer.as_ref());
        self.address(incoming.local.as_ref());
        let behind = incoming.tls.as_ref().map_or(0, facts_size);
        let room = self.room().saturating_sub(LENGTH + behind);
        let fits = incoming.proxy_header.len() <= room;
        self.long_bytes(if fits { incoming.proxy_header } else { &[] });
        if let Some(facts) = &incoming.tls {
            self.facts(facts);
        }
        flag_if(incoming.descriptor, flag::INCOMING_DESCRIPTOR)
            | flag_if(incoming.tls.is_some(), flag::INCOMING_TLS)
    }

    fn facts(&mut self, facts: &TlsFacts<'_>) {
        for number in [facts.version, facts.suite, facts.group] {
            self.bytes(&number.to_be_bytes());
        }
        self.byte(flag_if(facts.resumed, tls::RESUMED));
        self.byte(facts.verified);
        self.short_bytes(facts.alpn);
        for text in [facts.server_name, facts.signature_algorithm, facts.key_algorithm] {
            self.text(text);
        }
        for der in facts.certificates.clone() {
            if der.is_empty() || LENGTH + der.len() > self.room() {
                break;
            }
            self.long_bytes(der);
        }
    }

    fn failure(&mut self, failure: Option<&RemoteFailure<'_>>) {
        let Some(RemoteFailure { op, why, detail, text }) = failure else {
            return self.byte(failure::ABSENT);
        };
        self.bytes(&[failure::PRESENT, *op, *why]);
        match detail {
            RemoteDetail::None => self.byte(failure::NO_DETAIL),
            RemoteDetail::Errno(errno) => {
                self.byte(failure::ERRNO);
                self.bytes(&errno.to_be_bytes());
            }
            RemoteDetail::Alert(alert) => self.bytes(&[failure::ALERT, *alert]),
            RemoteDetail::Handler(code) => {
                self.byte(failure::HANDLER);
                self.bytes(&code.to_be_bytes());
            }
        }
        self.text(text);
    }

    fn target(&mut self, target: &RemoteTarget<'_>) {
        match target {
            RemoteTarget::Addr(address) => self.address(Some(address)),
            RemoteTarget::Name { host, port } => {
                self.byte(form::NAME);
                self.text(cut(host, HOST_MAX));
                self.bytes(&port.to_be_bytes());
            }
        }
    }

    fn address(&mut self, address: Option<&Addr>) {
        match address {
            None => self.byte(form::NONE),
            Some(Addr::Unix(name)) => {
                self.byte(form::UNIX);
                self.short_bytes(name.get(..UNIX_PATH_MAX).unwrap_or(name));
            }
            Some(Addr::Ip(address)) => {
                match address.ip().to_canonical() {
                    IpAddr::V4(ip) => {
                        self.byte(form::V4);
                        self.bytes(&ip.octets());
                    }
                    IpAddr::V6(ip) => {
                        self.byte(form::V6);
                        self.bytes(&ip.octets());
                        self.bytes(&scope_of(address).to_be_bytes());
                    }
                }
                self.bytes(&address.port().to_be_bytes());
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.short_bytes(cut(text, TEXT_MAX).as_bytes());
    }

    /// Bytes behind a length of one byte, which says how many of them are written.
    fn short_bytes(&mut self, bytes: &[u8]) {
        let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        self.byte(length);
        self.bytes(bytes.get(..length.into()).unwrap_or(bytes));
    }

    /// Bytes behind a length of two bytes. There is room for them, so that their length fits.
    fn long_bytes(&mut self, bytes: &[u8]) {
        self.bytes(&u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.bytes(bytes);
    }

    fn byte(&mut self, byte: u8) {
        self.to.push(byte);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.to.extend_from_slice(bytes);
    }

    /// How many more bytes the payload can have.
    fn room(&self) -> usize {
        PAYLOAD_MAX.saturating_sub(self.to.len() - self.start)
    }
}

const fn scope_of(address: &SocketAddr) -> u32 {
    match address {
        SocketAddr::V6(address) => address.scope_id(),
        SocketAddr::V4(_) => 0,
    }
}
