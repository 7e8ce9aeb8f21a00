//! Reading what a peer says in front of everything else. It is read together with what follows, which
//! stays for the next layer.

use std::ops::ControlFlow;

use super::{failed, system};
use crate::conn::{Conn, Op, Progress, Wait, Why};
use crate::ctrl::Input;
use crate::cx::Cx;
use crate::sys::Net;

/// Reads more, behind what is held already. `need` is as much as it may grow to, in bytes; `what` is
/// the name of it, with its article.
pub(super) fn read_more<N: Net>(
    conn: &mut Conn,
    cx: &mut Cx<'_, N>,
    op: Op,
    need: usize,
    what: &str,
) -> ControlFlow<Progress> {
    let ahead = conn.data.ahead.get_or_insert_with(|| cx.pool.take());
    ahead.reserve(need.saturating_sub(ahead.len()));
    let progress = match conn.ctrl.recv(cx, ahead.space()) {
        Ok(Input::Bytes(n)) => {
            ahead.commit(n);
            return ControlFlow::Continue(());
        }
        Ok(Input::Wait) => {
            cx.pool.give_empty(&mut conn.data.ahead);
            Progress::Wait(Wait::READ | Wait::TIMER)
        }
        Ok(Input::End) if ahead.is_empty() => {
            failed(op, Why::Empty, format!("the peer closed before {what}"))
        }
        Ok(Input::End) => failed(op, Why::Truncated, format!("the peer closed inside {what}")),
        Err(errno) => system(op, errno),
    };
    ControlFlow::Break(progress)
}

/// What is held of it.
pub(super) fn held(conn: &Conn) -> &[u8] {
    conn.data.ahead.as_ref().map_or(&[], crate::buffer::Buffer::bytes)
}

/// It is over: what follows its `len` bytes stays.
pub(super) fn consume<N>(conn: &mut Conn, cx: &mut Cx<'_, N>, len: usize) {
    if let Some(ahead) = &mut conn.data.ahead {
        ahead.consume(len);
    }
    cx.pool.give_empty(&mut conn.data.ahead);
}
