//! Accepts a PROXY header ahead of any other byte.
//!
//! Source: the PROXY protocol specification, sections 2.1 and 2.2.

use std::ops::ControlFlow;

use super::announced::{admit, stranger};
use super::failed;
use super::prefix::{consume, held, read_more};
use crate::conn::{Conn, Op, Plan, Progress, Why};
use crate::cx::Cx;
use crate::sys::Net;
use crate::wire::protocol;
use crate::wire::proxy;

pub(crate) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    let Plan::Incoming(config) = &conn.facts.plan else { return Progress::Done };
    // Where a rule has asked for the header, the rule has said whose it may be.
    if let Some(expected) = &config.proxy
        && let ControlFlow::Break(progress) =
            admit(op, &conn.facts.peer, &expected.trust, expected.untrusted)
    {
        return progress;
    }
    loop {
        let need = match proxy::parse(held(conn)) {
            proxy::Parsed::Whole { len: need, .. } | proxy::Parsed::Partial { need }
                if need > cx.limits.max_prefix =>
            {
                return failed(
                    op,
                    Why::TooLarge,
                    "the header is larger than max_proxy_header_bytes",
                );
            }
            proxy::Parsed::Whole { header, len } => {
                consume(conn, cx, len);
                conn.facts.rare_mut().header = Some(header);
                return Progress::Done;
            }
            proxy::Parsed::Bad(malformed) => {
                let came = match malformed.fault {
                    proxy::Fault::NotProxy => stranger(held(conn), protocol::PROXY),
                    _ => None,
                };
                return failed(op, Why::Malformed, came.unwrap_or(malformed.why().into()));
            }
            proxy::Parsed::Partial { need } => need,
        };
        if let ControlFlow::Break(progress) = read_more(conn, cx, op, need, "the PROXY header") {
            return progress;
        }
    }
}
