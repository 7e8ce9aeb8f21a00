//! Reading the header at the beginning of a connection. Bytes read beyond it stay for the next layer.

use std::ops::ControlFlow;

use super::{failed, system};
use crate::conn::{Conn, Op, Progress, Wait, Why};
use crate::ctrl::Input;
use crate::cx::Cx;
use crate::sys::Net;

/// Reads more, behind the bytes that are held already. There is room for `need` bytes of the header, at
/// least; `what` is its name, with the article.
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

/// The bytes of the header that are held.
pub(super) fn held(conn: &Conn) -> &[u8] {
    conn.data.ahead.as_ref().map_or(&[], crate::buffer::Buffer::bytes)
}

/// The header is complete: the bytes behind its `len` bytes stay.
pub(super) fn consume<N>(conn: &mut Conn, cx: &mut Cx<'_, N>, len: usize) {
    if let Some(ahead) = &mut conn.data.ahead {
        ahead.consume(len);
    }
    cx.pool.give_empty(&mut conn.data.ahead);
}
