//! The first bytes of a client: as they are, and as a few protocols begin.

use super::word::fetches;
use crate::rules::arguments::Arguments;
use crate::rules::context::{EvalContext, Sample};
use crate::rules::param::{PLACE, ParamKind, optional, param};
use crate::rules::value::Value;
use crate::wire::opening::{self, Recognized, handshake_type};

/// The most bytes that tell the length of those behind them.
const LENGTH_BYTES_MAX: i64 = 8;

fetches! {
    "req.len" | "req_len" []: Int, PREFIX, Bytes,
        |cx, _| Sample {
            value: Some(Value::count(cx.facts.prefix().bytes.len() as u64)),
            may_change: cx.may_grow(),
        },
        "how many bytes have come, up to 16384", "up to the size of a buffer there";
    "req.payload" [param("offset", PLACE), param("length", PLACE)]: Bin, PREFIX, Bytes,
        |cx, arguments| payload(cx, arguments.place(0), arguments.place(1)),
        "so many bytes from an offset, once they have come; all that have come where the length is 0", "";
    "payload" [param("offset", PLACE), param("length", PLACE)]: Bin, DATA, Bytes,
        |cx, arguments| payload(cx, arguments.place(0), arguments.place(1)),
        "as `req.payload`, or as `res.payload` in lines about what the server sends", "";
    "payload_lv"
        [param("offset", PLACE), param("length", ParamKind::Number(1, LENGTH_BYTES_MAX)),
         optional("offset2", ParamKind::PayloadStart)]: Bin, DATA, Bytes,
        counted_payload,
        "as `req.payload_lv`, or as `res.payload_lv`", "";
    "req.payload_lv"
        [param("offset", PLACE), param("length", ParamKind::Number(1, LENGTH_BYTES_MAX)),
         optional("offset2", ParamKind::PayloadStart)]: Bin, PREFIX, Bytes,
        counted_payload,
        "the bytes whose number stands at an offset, in so many bytes in network order: those right behind \
         the number, or from `offset2`, which counts from there behind `+` or `-`", "";
    "req.proto_http" | "req_proto_http" []: Bool, PREFIX, Bytes,
        |cx, _| of_opening(cx, opening::http_request(cx.facts.prefix().bytes), |_| Some(Value::Bool(true))),
        "whether the bytes begin with the request line of HTTP/1", "reads the whole head of the request there";
    "method" []: Str, PREFIX, Bytes,
        |cx, _| of_opening(cx, opening::http_request(cx.facts.prefix().bytes), |request| Some(Value::str(request.method))),
        "the method of that request line", "reads the whole head of the request there";
    "req.rdp_cookie" | "rdp_cookie" [optional("name", ParamKind::Text)]: Str, PREFIX, Bytes,
        |cx, arguments| {
            let name = arguments.text(0);
            of_opening(cx, opening::rdp_cookie(cx.facts.prefix().bytes), |cookie| {
                let is_meant = name.is_empty() || cookie.name.eq_ignore_ascii_case(name);
                is_meant.then(|| Value::str(cookie.value))
            })
        },
        "the value of the cookie in a connection request of RDP, of the one that is called so ([MS-RDPBCGR] \
         section 2.2.1.1)", "";
    "req.rdp_cookie_cnt" | "rdp_cookie_cnt" [optional("name", ParamKind::Text)]: Int, PREFIX, Bytes,
        |cx, arguments| {
            let name = arguments.text(0);
            of_opening(cx, opening::rdp_cookie(cx.facts.prefix().bytes), |cookie| {
                let is_meant = name.is_empty() || cookie.name.eq_ignore_ascii_case(name);
                Some(Value::Int(is_meant.into()))
            })
        },
        "1 where that cookie is there", "";
    "wait_end" []: Bool, DATA, End,
        |cx, _| match cx.may_grow() {
            true => Sample { value: None, may_change: true },
            false => Sample::settled(Some(Value::Bool(true))),
        },
        "yes, once content rules wait for no more bytes", "";
    "res.len" []: Int, RESPONSE, Bytes,
        |cx, _| Sample {
            value: Some(Value::count(cx.facts.prefix().bytes.len() as u64)),
            may_change: cx.may_grow(),
        },
        "how many bytes of the server have come, up to 16384", "up to the size of a buffer there";
    "res.ssl_hello_type" | "rep_ssl_hello_type" []: Int, RESPONSE, Bytes,
        |cx, _| of_opening(cx, handshake_type(cx.facts.prefix().bytes), |kind| Some(Value::Int(kind.into()))),
        "the type of the first message of a TLS handshake that the server sends: 2 for a ServerHello", "";
    "res.payload" [param("offset", PLACE), param("length", PLACE)]: Bin, RESPONSE, Bytes,
        |cx, arguments| payload(cx, arguments.place(0), arguments.place(1)),
        "as `req.payload`, of the bytes of the server", "";
    "res.payload_lv"
        [param("offset", PLACE), param("length", ParamKind::Number(1, LENGTH_BYTES_MAX)),
         optional("offset2", ParamKind::PayloadStart)]: Bin, RESPONSE, Bytes,
        counted_payload,
        "as `req.payload_lv`, of the bytes of the server", "";
}

/// The value of an opening, which more bytes may complete.
fn of_opening<'s, T>(
    context: &EvalContext<'_>,
    read: Recognized<T>,
    ask: impl FnOnce(T) -> Option<Value<'s>>,
) -> Sample<'s> {
    match read {
        Recognized::Whole(found) => Sample::settled(ask(found)),
        Recognized::Partial => Sample { value: None, may_change: context.may_grow() },
        Recognized::Other => Sample::settled(None),
    }
}

fn payload<'s>(context: &'s EvalContext<'_>, at: usize, length: usize) -> Sample<'s> {
    let bytes = context.facts.prefix().bytes;
    let may_change = context.may_grow();
    if length == 0 {
        // Whatever is there counts, even nothing, and more may come.
        let value = bytes.get(at..).map(Value::bin);
        return Sample { value, may_change };
    }
    match at.checked_add(length).and_then(|end| bytes.get(at..end)) {
        Some(found) => Sample::settled(Some(Value::bin(found))),
        None => Sample { value: None, may_change },
    }
}

fn counted_payload<'s>(context: &'s EvalContext<'_>, arguments: &'s Arguments) -> Sample<'s> {
    let (at, length) = (arguments.place(0), arguments.place(1));
    let start = if arguments.is_given(2) { arguments.place(2) } else { at + length };
    let bytes = context.facts.prefix().bytes;
    let Some(number) = bytes.get(at..at + length) else {
        return Sample { value: None, may_change: context.may_grow() };
    };
    let size = number.iter().fold(0u64, |size, byte| size << 8 | u64::from(*byte));
    match usize::try_from(size) {
        Ok(0) | Err(_) => Sample::settled(None),
        Ok(size) => payload(context, start, size),
    }
}
