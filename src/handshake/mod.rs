//! What happens before the session: one file per handler, each the step of one opening operation.
//!
//! `step` is the one way in. It begins the time of an operation with its first step, and calls the
//! function that the operation's row in `op/table.rs` names; those of closing are in `conn::closing`.
//!
//! A step goes as far as it can without waiting, reads and writes through `conn.ctrl` and
//! `conn.data`, and answers with a [`Progress`]: done, what it waits for, the end of the connection,
//! or why it fails. It may be called again at any time and finds what it needs in the record: bytes
//! that were read and not taken in `data.ahead`, for whoever comes next, and what it has found out in
//! `facts.rare`. It may skip or want later operations. Only `connect`, `custom` and `rules` set times
//! of their own.

mod accept_cip;
mod accept_proxy;
mod announced;
mod connect;
mod handlers;
mod last_chunk;
mod monitor;
mod prefix;
pub(crate) mod rules;
mod send_proxy;
mod socks;
mod tls;

pub(crate) use send_proxy::{Client, compose};
pub(crate) use socks::says_first;

use crate::conn::{
    Cause, Clock, Conn, Detail, Events, Op, OpSet, Progress, Why, closing, is_first_step,
};
use crate::cx::Cx;
use crate::op::every_op;
use crate::sys::{Errno, Net};
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
    let timeouts = conn.facts.timeouts();
    let span = match op.clock() {
        Clock::Proxy => timeouts.proxy,
        Clock::Connect => timeouts.connect,
        Clock::Tls => timeouts.tls,
        Clock::Linger => conn.facts.close_options().linger,
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
    conn.events.insert(Events::SESSION);
    Progress::Done
}

/// The failure of a socket call made for `op`.
fn system(op: Op, errno: Errno) -> Progress {
    Progress::Failed(Box::new(Cause::system(Some(op), errno)))
}

/// A failure with a sentence of its own.
fn failed(op: Op, why: Why, text: impl Into<std::borrow::Cow<'static, str>>) -> Progress {
    Progress::Failed(Box::new(Cause::new(Some(op), why).because(text).with(Detail::None)))
}
