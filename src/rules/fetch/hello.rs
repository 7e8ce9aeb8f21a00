//! What the ClientHello of a client says that is not for us.

use std::borrow::Cow;

use super::word::fetches;
use crate::rules::context::{EvalContext, Sample};
use crate::rules::pattern::DOTTED_SHIFT;
use crate::rules::value::Value;
use crate::wire::client_hello::{ClientHello, extension};

/// The one that has several values.
pub(super) const PROTOCOLS: &str = "req.ssl_alpn";
/// The one that is compared with two numbers with a dot between them.
pub(crate) const HELLO_VERSION: &str = "req.ssl_ver";

fetches! {
    "req.ssl_hello_type" | "req_ssl_hello_type" []: Int, PREFIX, Hello,
        |cx, _| cx.of_hello(|_| Some(Value::Int(ClientHello::TYPE.into()))),
        "1, once the first 16384 bytes at most are a whole ClientHello",
        "a ClientHello that is spread over several TLS records is not seen there";
    "req.ssl_sni" | "req_ssl_sni" []: Str, PREFIX, Hello,
        |cx, _| cx.of_hello(|hello| hello.server_name().map(Value::str)),
        "the host name in the ClientHello, in the client's own letters", "as for `req.ssl_hello_type`";
    "req.ssl_alpn" []: Str, PREFIX, Hello, |cx, _| cx.of_hello(|hello| hello.alpn().next().map(Value::str)),
        "the application protocols in the ClientHello, of which one has to be as asked for; the first is what \
         is counted or written down", "as for `req.ssl_hello_type`";
    "req.ssl_ver" | "req_ssl_ver" []: Int, PREFIX, Hello,
        |cx, _| cx.of_hello(|hello| {
            let [major, minor] = hello.version().to_be_bytes();
            Some(Value::Int(i64::from(major) << DOTTED_SHIFT | i64::from(minor)))
        }),
        "the version in the ClientHello, 65536 times its first byte and its second; compared with `3.3`, which \
         TLS 1.2 and 1.3 write", "known there when the first bytes of it have come";
    "req.ssl_ec_ext" []: Bool, PREFIX, Hello,
        |cx, _| cx.of_hello(|hello| Some(Value::Bool(hello.extension(extension::SUPPORTED_GROUPS).is_some()))),
        "whether the client names elliptic curves", "as for `req.ssl_hello_type`";
    "req.ssl_st_ext" []: Int, PREFIX, Hello,
        |cx, _| cx.of_hello(|hello| Some(Value::Int(match hello.extension(extension::SESSION_TICKET) {
            None => 0,
            Some([]) => 1,
            Some(_) => 2,
        }))),
        "0: the client takes no session ticket; 1: it does; 2: it brings one", "as for `req.ssl_hello_type`";
    "req.ssl_cipherlist" []: Bin, PREFIX, Hello, |cx, _| bytes(cx, |hello| Some(hello.suites())),
        "the cipher suites in the ClientHello, two bytes each", "in 3.2 and later";
    "req.ssl_sessionid" []: Bin, PREFIX, Hello,
        |cx, _| bytes(cx, |hello| Some(hello.session_id()).filter(|id| !id.is_empty())),
        "the session that the client wants to resume", "in 3.2 and later";
    "req.ssl_keyshare_groups" []: Bin, PREFIX, Hello,
        |cx, _| cx.of_hello(|hello| key_shares(hello.extension(extension::KEY_SHARE)?)),
        "the groups that the client brings a key share of, two bytes each", "in 3.2 and later";
    "req.ssl_supported_groups" []: Bin, PREFIX, Hello,
        |cx, _| bytes(cx, |hello| hello.extension(extension::SUPPORTED_GROUPS)?.get(2..)),
        "the groups that the client knows, two bytes each", "in 3.2 and later";
    "req.ssl_sigalgs" []: Bin, PREFIX, Hello,
        |cx, _| bytes(cx, |hello| hello.extension(extension::SIGNATURE_ALGORITHMS)?.get(2..)),
        "the signature algorithms that the client knows, two bytes each", "in 3.2 and later";
}

fn bytes<'s>(
    context: &'s EvalContext<'_>,
    ask: impl FnOnce(&'s ClientHello<'_>) -> Option<&'s [u8]>,
) -> Sample<'s> {
    context.of_hello(|hello| ask(hello).map(Value::bin))
}

/// The groups of a KeyShareClientHello (RFC 8446 section 4.2.8).
fn key_shares<'s>(content: &[u8]) -> Option<Value<'s>> {
    let mut shares = content.get(2..)?;
    let mut groups = Vec::new();
    while let [a, b, high, low, rest @ ..] = shares {
        groups.extend([*a, *b]);
        shares = rest.get(usize::from(u16::from_be_bytes([*high, *low]))..)?;
    }
    Some(Value::Bin(Cow::Owned(groups)))
}
