//! Which code runs an operation.

use super::{
    accept_cip, accept_proxy, connect, custom, last_chunk, monitor, rules, send_proxy, socks, tls,
};
use crate::conn::{Clock, Conn, News, Op, OpSet, Progress, closing, is_first_step};
use crate::cx::Cx;
use crate::op::every_op;
use crate::sys::Net;
use crate::time::FOREVER;

macro_rules! steps {
    ($($(#[$doc:meta])+ $op:ident = $number:literal, $name:literal, $side:ident, $clock:ident,
        after $after:tt, when $when:expr, step $step:path;)+) => {
        fn run<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
            match op {
                $(Op::$op => steps!(@$side $step, conn, cx, op)),+
            }
        }
    };
    (@Closing $step:path, $conn:ident, $cx:ident, $op:ident) => { $step($conn, $cx) };
    (@$opening:ident $step:path, $conn:ident, $cx:ident, $op:ident) => { $step($conn, $cx, $op) };
}

every_op!(steps);

/// One step of `op`.
pub(crate) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    if OpSet::OPENING.has(op) && is_first_step(conn.word, op) {
        open_clock(conn, cx, op);
    }
    run(conn, cx, op)
}

/// The deadline of an opening operation counts from its start, and all of them together are bounded
/// from the connection's beginning. No byte restarts it.
fn open_clock<N>(conn: &mut Conn, cx: &Cx<'_, N>, op: Op) {
    let spans = conn.facts.spans();
    let span = match op.clock() {
        Clock::Proxy => spans.proxy,
        Clock::Connect => spans.connect,
        Clock::Tls => spans.tls,
        Clock::Linger => conn.facts.farewell().linger,
        Clock::Custom => conn.facts.customs(op).next().map_or(FOREVER, |custom| custom.span),
        Clock::Unbounded | Clock::Drain => FOREVER,
    };
    conn.facts.op_since = cx.now;
    // What belongs to a connect goes on within its span.
    let goes_on = op.clock() == Clock::Connect && op != Op::CtrlConnect;
    if !goes_on {
        conn.arm_opening(cx.now, span);
    }
}

/// ACCEPT_SESSION: the handlers are done, and the host gets the session.
fn accept_session<N>(conn: &mut Conn, _: &mut Cx<'_, N>, _: Op) -> Progress {
    conn.news.insert(News::SESSION);
    Progress::Done
}
