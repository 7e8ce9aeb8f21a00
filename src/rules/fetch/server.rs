//! The connection to the server, for lines about what the server sends.

use super::addresses::{address, port};
use super::tls::key_bits;
use super::word::fetches;
use crate::rules::context::{EvalContext, Sample};
use crate::rules::facts::Tls;
use crate::rules::value::Value;

fetches! {
    "bc_src" []: Addr, RESPONSE, Nothing, |cx, _| address(cx.facts.server_source()),
        "the address that the server is connected to from", "needs `-m ip` in 2.6";
    "bc_src_port" []: Int, RESPONSE, Nothing, |cx, _| port(cx.facts.server_source()),
        "the port that belongs to `bc_src`", "";
    "bc_dst" []: Addr, RESPONSE, Nothing, |cx, _| address(cx.facts.server_destination()),
        "the address of the server; not there for a unix socket", "needs `-m ip` in 2.6";
    "bc_dst_port" []: Int, RESPONSE, Nothing, |cx, _| port(cx.facts.server_destination()),
        "the port that belongs to `bc_dst`", "";
    "ssl_bc" []: Bool, RESPONSE, Nothing, |cx, _| Sample::settled(Some(Value::Bool(cx.facts.server_tls().is_some()))),
        "whether we speak TLS with the server", "";
    "ssl_bc_alpn" []: Str, RESPONSE, Nothing, |cx, _| of_tls(cx, |tls| tls.alpn.map(Value::str)),
        "the application protocol agreed on with the server", "";
    "ssl_bc_protocol" []: Str, RESPONSE, Nothing, |cx, _| of_tls(cx, |tls| Some(Value::text(tls.version))),
        "as `ssl_fc_protocol`, of the server", "";
    "ssl_bc_cipher" []: Str, RESPONSE, Nothing, |cx, _| of_tls(cx, |tls| Some(Value::text(tls.cipher))),
        "as `ssl_fc_cipher`, of the server", "as for `ssl_fc_cipher`";
    "ssl_bc_alg_keysize" []: Int, RESPONSE, Nothing, |cx, _| of_tls(cx, key_bits),
        "as `ssl_fc_alg_keysize`, of the server", "";
    "ssl_bc_use_keysize" []: Int, RESPONSE, Nothing, |cx, _| of_tls(cx, key_bits),
        "as `ssl_fc_use_keysize`, of the server", "";
    "ssl_bc_is_resumed" []: Bool, RESPONSE, Nothing, |cx, _| of_tls(cx, |tls| Some(Value::Bool(tls.is_resumed))),
        "whether the handshake went on with what an earlier one agreed on", "";
}

fn of_tls<'a>(
    context: &EvalContext<'a>,
    ask: impl FnOnce(Tls<'a>) -> Option<Value<'a>>,
) -> Sample<'a> {
    Sample::settled(context.facts.server_tls().and_then(ask))
}
