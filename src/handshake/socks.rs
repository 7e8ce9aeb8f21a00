//! Has a SOCKS server connect to the destination.
//!
//! The first message is queued for sending when the connection is requested, so that it can prove the
//! connection. The session's bytes wait until the destination is connected: a refusal must not cost a
//! stream its first bytes.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::prefix::{consume, held, read_more};
use super::{failed, system};
use crate::config::ConnectConfig;
use crate::conn::{Conn, Op, Plan, Progress, Wait, Why};
use crate::cx::Cx;
use crate::sys::Net;
use crate::wire::socks::{ANSWER_LONGEST, Dialogue, Heard};

/// SOCKS_SEND: done when the kernel has taken the first message.
pub(crate) fn send<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    match conn.ctrl.flush(cx) {
        Ok(true) => Progress::Done,
        Ok(false) => Progress::Wait(Wait::WRITE | Wait::TIMER),
        Err(errno) => system(op, errno),
    }
}

/// SOCKS_RECV: reads each answer, sends what follows it, and is done when the destination is connected.
pub(crate) fn receive<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    let Plan::Outgoing(config) = &conn.facts.plan else { return Progress::Done };
    let config = Arc::clone(config);
    let Some(socks) = &config.socks else { return Progress::Done };
    loop {
        if conn.ctrl.is_backed_up() && !held(conn).is_empty() {
            return failed(op, Why::Malformed, "the SOCKS server answered before it was asked");
        }
        let turn = conn.facts.rare.as_ref().and_then(|rare| rare.socks).unwrap_or(socks.first());
        match socks.hear(turn, held(conn)) {
            Heard::Next { len, say, turn } => {
                consume(conn, cx, len);
                conn.ctrl.out(cx).extend(say);
                conn.facts.rare_mut().socks = Some(turn);
                continue;
            }
            Heard::Connected { len } => {
                consume(conn, cx, len);
                return Progress::Done;
            }
            Heard::Refused(text) => return failed(op, Why::Refused, text),
            Heard::Malformed(text) => return failed(op, Why::Malformed, text),
            Heard::Partial => {}
        }
        let write = match conn.ctrl.flush(cx) {
            Ok(true) => Wait::empty(),
            Ok(false) => Wait::WRITE,
            Err(errno) => return system(op, errno),
        };
        match read_more(conn, cx, op, ANSWER_LONGEST, "the SOCKS server's answer") {
            ControlFlow::Continue(()) => {}
            ControlFlow::Break(Progress::Wait(read)) => return Progress::Wait(read | write),
            ControlFlow::Break(progress) => return progress,
        }
    }
}

/// The first message, right behind the PROXY header, before anything is received.
pub(crate) fn says_first(config: &ConnectConfig) -> &[u8] {
    config.socks.as_ref().map_or(&[], Dialogue::opening)
}
