//! What the system measures of the client's TCP.

use super::word::fetches;
use crate::rules::arguments::Arguments;
use crate::rules::context::{EvalContext, Sample};
use crate::rules::facts::TcpInfo;
use crate::rules::param::{ParamKind, optional};
use crate::rules::value::Value;

/// The units of a round trip time; the first is meant where none is given.
const UNITS: ParamKind = ParamKind::Word(&["ms", "us"]);
const MICROSECONDS: &[u8] = b"us";
const MICROSECONDS_PER_MILLISECOND: u32 = 1_000;

fetches! {
    "fc_rtt" [optional("unit", UNITS)]: Int, EVERYWHERE, Nothing,
        |cx, arguments| time(cx, arguments, |tcp| tcp.rtt),
        "the round trip time that the system has measured, in `ms` or `us`; not there where it measures none", "";
    "fc_rttvar" [optional("unit", UNITS)]: Int, EVERYWHERE, Nothing,
        |cx, arguments| time(cx, arguments, |tcp| tcp.rtt_variance), "how much `fc_rtt` varies", "";
    "fc_unacked" []: Int, EVERYWHERE, Nothing, |cx, _| count(cx, |tcp| tcp.unacked),
        "segments to the client that it has not acknowledged", "";
    "fc_sacked" []: Int, EVERYWHERE, Nothing, |cx, _| count(cx, |tcp| tcp.sacked),
        "segments that it has acknowledged selectively", "";
    "fc_retrans" []: Int, EVERYWHERE, Nothing, |cx, _| count(cx, |tcp| tcp.retransmitted),
        "segments that were sent again and are not acknowledged", "";
    "fc_fackets" []: Int, EVERYWHERE, Nothing, |cx, _| count(cx, |tcp| tcp.forward_acked),
        "segments acknowledged forward", "";
    "fc_lost" []: Int, EVERYWHERE, Nothing, |cx, _| count(cx, |tcp| tcp.lost), "segments that count as lost", "";
    "fc_reordering" []: Int, EVERYWHERE, Nothing, |cx, _| count(cx, |tcp| tcp.reordering),
        "how many segments may come out of order before that counts as loss", "";
}

fn count<'s>(context: &EvalContext<'_>, ask: fn(TcpInfo) -> u32) -> Sample<'s> {
    Sample::settled(context.facts.tcp().map(|tcp| Value::Int(ask(tcp).into())))
}

fn time<'s>(
    context: &EvalContext<'_>,
    arguments: &Arguments,
    ask: fn(TcpInfo) -> u32,
) -> Sample<'s> {
    let unit = match arguments.text(0) {
        MICROSECONDS => 1,
        _ => MICROSECONDS_PER_MILLISECOND,
    };
    Sample::settled(context.facts.tcp().map(|tcp| Value::Int((ask(tcp) / unit).into())))
}
