//! Accepts a PROXY header ahead of any other byte.
//!
//! Header and payload are read together; what follows the header stays for the next layer. Source:
//! the PROXY protocol specification, sections 2.1 and 2.2.

use super::{failed, system};
use crate::config::Untrusted;
use crate::conn::{Conn, Op, Plan, Progress, Wait, Why};
use crate::ctrl::Input;
use crate::cx::Cx;
use crate::sys::Net;
use crate::wire::proxy::{self, Parsed};

const OP: Op = Op::AcceptProxy;

pub(crate) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    match admission(conn) {
        Admission::Expected => {}
        Admission::NotExpected => return Progress::Done,
        Admission::Refused => {
            return failed(OP, Why::Denied, "the source may not announce addresses");
        }
    }
    loop {
        let ahead = conn.data.ahead.get_or_insert_with(|| cx.pool.take());
        match proxy::parse(ahead.bytes()) {
            Parsed::Whole { len: need, .. } | Parsed::Partial { need }
                if need > cx.limits.max_prefix =>
            {
                return failed(OP, Why::TooLarge, "the header is larger than max_prefix_bytes");
            }
            Parsed::Whole { header, len } => {
                ahead.consume(len);
                cx.pool.give_empty(&mut conn.data.ahead);
                conn.facts.rare_mut().header = Some(header);
                return Progress::Done;
            }
            Parsed::Bad(malformed) => return failed(OP, Why::Malformed, malformed.why()),
            Parsed::Partial { need } => ahead.reserve(need.saturating_sub(ahead.len())),
        }
        match conn.ctrl.recv(cx, ahead.space()) {
            Ok(Input::Bytes(n)) => ahead.commit(n),
            Ok(Input::Wait) => {
                cx.pool.give_empty(&mut conn.data.ahead);
                return Progress::Wait(Wait::READ | Wait::TIMER);
            }
            Ok(Input::End | Input::Truncated) if ahead.is_empty() => {
                return failed(OP, Why::Empty, "the peer closed before the PROXY header");
            }
            Ok(Input::End | Input::Truncated) => {
                return failed(OP, Why::Truncated, "the peer closed inside the PROXY header");
            }
            Err(errno) => return system(OP, errno),
        }
    }
}

enum Admission {
    Expected,
    NotExpected,
    Refused,
}

/// Decided by the socket's own source: nothing the peer says can change it.
fn admission(conn: &Conn) -> Admission {
    let Plan::Incoming(config) = &conn.facts.plan else { return Admission::NotExpected };
    let Some(proxy) = &config.proxy else { return Admission::NotExpected };
    match (proxy.trust.covers(&conn.facts.peer), proxy.untrusted) {
        (true, _) => Admission::Expected,
        (false, Untrusted::Direct) => Admission::NotExpected,
        (false, Untrusted::Refuse) => Admission::Refused,
    }
}
