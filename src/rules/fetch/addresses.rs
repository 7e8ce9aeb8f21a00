//! Where a connection comes from and goes to, and what a header has announced.

use super::word::fetches;
use crate::rules::context::Sample;
use crate::rules::facts::ConnView;
use crate::rules::param::{ParamKind, param};
use crate::rules::value::Value;
use crate::wire::proxy::{Version, tlv};
use std::net::SocketAddr;

fetches! {
    "src" []: Addr, EVERYWHERE, Nothing, |cx, _| address(cx.facts.source()),
        "where the client is: as announced by a header, else the socket's peer; or as a rule has set it",
        "in `tcp-request connection` it is the socket's peer there";
    "src_port" []: Int, EVERYWHERE, Nothing, |cx, _| port(cx.facts.source()), "the port that belongs to `src`", "";
    "src_is_local" []: Bool, EVERYWHERE, Nothing,
        |cx, _| match cx.facts.is_unix() {
            true => Sample::settled(Some(Value::Bool(true))),
            false => is_local(cx.facts, cx.facts.source()),
        },
        "whether `src` is an address of this machine, which is whether the system lets a socket be bound to \
         it: with `ip_nonlocal_bind` every address is; a unix socket's peer always is", "";
    "dst" []: Addr, EVERYWHERE, Nothing, |cx, _| address(cx.facts.destination()),
        "what the client connected to: as announced by a header, else the socket's own address; or as a rule \
         has set it", "as for `src`";
    "dst_port" []: Int, EVERYWHERE, Nothing, |cx, _| port(cx.facts.destination()),
        "the port that belongs to `dst`", "";
    "dst_is_local" []: Bool, EVERYWHERE, Nothing, |cx, _| is_local(cx.facts, cx.facts.destination()),
        "whether `dst` is an address of this machine", "";
    "fc_src" []: Addr, EVERYWHERE, Nothing, |cx, _| address(cx.facts.socket_source()),
        "the socket's peer, whatever a header or `set-src` say",
        "`tcp-request connection set-src` changes it there";
    "fc_src_port" []: Int, EVERYWHERE, Nothing, |cx, _| port(cx.facts.socket_source()),
        "the port that belongs to `fc_src`", "as for `fc_src`";
    "fc_src_is_local" []: Bool, EVERYWHERE, Nothing, |cx, _| is_local(cx.facts, cx.facts.socket_source()),
        "whether `fc_src` is an address of this machine", "";
    "fc_dst" []: Addr, EVERYWHERE, Nothing, |cx, _| address(cx.facts.socket_destination()),
        "the socket's own address, whatever a header says", "";
    "fc_dst_port" []: Int, EVERYWHERE, Nothing, |cx, _| port(cx.facts.socket_destination()),
        "the port that belongs to `fc_dst`", "";
    "fc_dst_is_local" []: Bool, EVERYWHERE, Nothing,
        |cx, _| is_local(cx.facts, cx.facts.socket_destination()),
        "whether `fc_dst` is an address of this machine", "";
    "fc_fam" []: Int, EVERYWHERE, Nothing,
        |cx, _| known(cx.facts.socket_source().map(|end| Value::Int(if end.is_ipv4() { 4 } else { 6 }))),
        "4 or 6, the family of the socket; not there for a unix socket", "not in HAProxy";
    "so_name" []: Str, EVERYWHERE, Nothing,
        |cx, _| known(cx.facts.listener().and_then(|listener| listener.name).map(Value::str)),
        "the name of the listener", "";
    "so_id" []: Int, EVERYWHERE, Nothing,
        |cx, _| known(cx.facts.listener().map(|listener| Value::Int(listener.number.into()))),
        "the number of the listener within its engine, from 1", "counted within the frontend there";
    "fc_rcvd_proxy" []: Bool, BEHIND_PROXY, Nothing,
        |cx, _| known(Some(Value::Bool(cx.facts.proxy().is_some()))),
        "whether the connection began with a PROXY header", "";
    "fc_pp_version" []: Int, BEHIND_PROXY, Nothing,
        |cx, _| known(cx.facts.proxy().map(|header| Value::Int(match header.version {
            Version::V1 => 1,
            Version::V2 => 2,
        }))),
        "the version of the PROXY header: 1 or 2", "not in HAProxy";
    "fc_pp_tlv" [param("type", ParamKind::Byte)]: Str, BEHIND_PROXY, Nothing,
        |cx, arguments| tlv(cx.facts, arguments.place(0) as u8),
        "the value of the first TLV of this type, a number of one byte, in the PROXY header",
        "takes names as well there, and is in 2.9 and later";
    "fc_pp_authority" []: Str, BEHIND_PROXY, Nothing, |cx, _| tlv(cx.facts, tlv::kind::AUTHORITY),
        "the host name the client asked for, by the PROXY header (`PP2_TYPE_AUTHORITY`)", "";
    "fc_pp_unique_id" []: Str, BEHIND_PROXY, Nothing, |cx, _| tlv(cx.facts, tlv::kind::UNIQUE_ID),
        "the identifier in the PROXY header (`PP2_TYPE_UNIQUE_ID`)", "";
}

const fn known(value: Option<Value<'_>>) -> Sample<'_> {
    Sample::settled(value)
}

pub(super) fn address<'s>(end: Option<SocketAddr>) -> Sample<'s> {
    known(end.map(|end| Value::Addr(end.ip())))
}

pub(super) fn port<'s>(end: Option<SocketAddr>) -> Sample<'s> {
    known(end.map(|end| Value::Int(end.port().into())))
}

fn is_local<'s>(facts: &dyn ConnView, end: Option<SocketAddr>) -> Sample<'s> {
    known(end.map(|end| Value::Bool(facts.is_local(end.ip()))))
}

fn tlv(facts: &dyn ConnView, kind: u8) -> Sample<'_> {
    known(facts.proxy().and_then(|header| header.tlv(kind)).map(Value::str))
}
