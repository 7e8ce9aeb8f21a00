//! Accepts a NetScaler header, ahead of any other byte but a PROXY header.

use std::ops::ControlFlow;

use super::announced::{admit, stranger};
use super::failed;
use super::prefix::{consume, held, read_more};
use crate::conn::{Conn, Op, Plan, Progress, Why};
use crate::cx::Cx;
use crate::sys::Net;
use crate::wire::cip;

pub(crate) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    let Plan::Incoming(config) = &conn.facts.plan else { return Progress::Done };
    let Some(expected) = &config.cip else { return Progress::Done };
    if let ControlFlow::Break(progress) =
        admit(op, &conn.facts.peer, &expected.trust, expected.untrusted)
    {
        return progress;
    }
    let magic = expected.magic;
    loop {
        let need = match cip::parse(magic, held(conn)) {
            cip::Parsed::Whole { header, len } => {
                consume(conn, cx, len);
                conn.facts.rare_mut().cip = Some(header);
                return Progress::Done;
            }
            cip::Parsed::Bad(fault) => {
                let came = match fault {
                    cip::Fault::Magic => stranger(held(conn), "a NetScaler's header"),
                    _ => None,
                };
                return failed(op, Why::Malformed, came.unwrap_or(fault.why().into()));
            }
            cip::Parsed::Partial { need } => need,
        };
        if let ControlFlow::Break(progress) =
            read_more(conn, cx, op, need, "the NetScaler's header")
        {
            return progress;
        }
    }
}
