//! The operations before the session: one file per handler, each with the step of one opening
//! operation.
//!
//! `step` is the only entry. At the first step of an operation it sets the deadline, and calls the
//! function that the operation's row in `op/table.rs` names; those of closing are in `conn::closing`.
//!
//! A step goes as far as it can without waiting, reads and writes through `conn.ctrl` and `conn.data`,
//! and returns a [`Progress`]: done, what it waits for, the end of the connection, or why it fails. It
//! may be called again at any time and finds its state in the record: bytes that were read and not
//! consumed in `data.ahead`, for the next operation, and its results in `facts.rare`. It may skip or
//! want later operations. Only `connect`, `handlers` and `rules` set deadlines of their own.

mod accept_cip;
mod accept_proxy;
mod announced;
mod connect;
mod handlers;
mod monitor;
mod prefix;
mod remote_tls;
pub(crate) mod rules;
mod send_proxy;
mod socks;
mod tls;

pub(crate) use send_proxy::{Client, compose};
pub(crate) use socks::says_first;

use crate::conn::{
    Cause, Conn, Detail, Events, Op, OpSet, Progress, TimeoutKind, Why, closing, is_first_step,
};
use crate::cx::Cx;
use crate::op::every_op;
use crate::sys::{Errno, Net};
use crate::time::FOREVER;

macro_rules! steps {
    ($($(#[$doc:meta])+ $op:ident = $number:literal, $name:literal, $kind:ident, $timeout_kind:ident,
        after $after:tt, when $when:expr, step $step:path;)+) => {
        fn run<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
            match op {
                $(Op::$op => steps!(@$kind $step, conn, cx, op)),+
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
        start_timeout(conn, cx, op);
    }
    run(conn, cx, op)
}

/// Sets the deadline of an opening operation, which counts from its start; all of them together are
/// bounded from the beginning of the connection. Received bytes do not extend it.
fn start_timeout<N>(conn: &mut Conn, cx: &Cx<'_, N>, op: Op) {
    let timeouts = conn.facts.timeouts();
    let span = match op.timeout_kind() {
        TimeoutKind::Proxy => timeouts.proxy,
        TimeoutKind::Connect => timeouts.connect,
        TimeoutKind::Tls => timeouts.tls,
        TimeoutKind::Linger => conn.facts.close_options().linger,
        TimeoutKind::Custom => conn.facts.customs(op).next().map_or(FOREVER, |custom| custom.span),
        TimeoutKind::Unbounded | TimeoutKind::Drain => FOREVER,
    };
    conn.facts.op_since = cx.now;
    // The operations of a connect share one timeout, which CTRL_CONNECT starts.
    let goes_on = op.timeout_kind() == TimeoutKind::Connect && op != Op::CtrlConnect;
    if !goes_on {
        conn.arm_opening(cx.now, span);
    }
}

/// ACCEPT_SESSION: the opening operations are done, and the host gets the session.
fn accept_session<N>(conn: &mut Conn, cx: &mut Cx<'_, N>, _: Op) -> Progress {
    if !conn.word.is_complete(Op::Inspect) {
        rules::begin_session(conn, cx);
    }
    conn.events.insert(Events::SESSION);
    Progress::Done
}

/// The failure of a socket call made for `op`.
fn system(op: Op, errno: Errno) -> Progress {
    Progress::Failed(Box::new(Cause::system(Some(op), errno)))
}

/// A failure with its own text.
fn failed(op: Op, why: Why, text: impl Into<std::borrow::Cow<'static, str>>) -> Progress {
    Progress::Failed(Box::new(Cause::new(Some(op), why).because(text).with(Detail::None)))
}
