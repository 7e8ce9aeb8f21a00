//! Answers a monitor, which gets no session: the answer is the last bytes it is sent.
//!
//! An HTTP answer waits for the first byte of a request: a client may take an answer that comes earlier
//! for one to an empty request, and hang up. It does not wait for the rest, on which the answer does
//! not depend.

use super::system;
use crate::conn::{Conn, Op, Plan, Progress, Wait, closing, is_first_step};
use crate::ctrl::Input;
use crate::cx::Cx;
use crate::sys::Net;

/// MONITOR_IN: wanted only if the source is a monitor. No header is read and no handshake made.
pub(crate) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    let Plan::Incoming(config) = &conn.facts.plan else { return Progress::Done };
    let is_asked = config.monitor.as_ref().is_some_and(|monitor| monitor.answer.is_asked());
    if is_asked {
        match conn.ctrl.discard(cx) {
            Ok(Input::Bytes(n)) => conn.facts.discarded += n as u64,
            // A client that ends its side without a request may still read.
            Ok(Input::End) => {}
            Ok(Input::Wait) => return Progress::Wait(Wait::READ | Wait::TIMER),
            Err(errno) => return system(op, errno),
        }
    }
    conn.word.leap(op, Op::SendLastChunk);
    Progress::Done
}

/// SEND_LAST_CHUNK: done when the kernel has taken all that waits to be sent. Where nothing waits at
/// the first step, the engine composes the bytes.
pub(crate) fn last_chunk<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    if is_first_step(conn.word, op) && !conn.ctrl.has_unsent() {
        return Progress::Wait(Wait::ANSWER);
    }
    match conn.ctrl.flush(cx) {
        Ok(true) => Progress::End,
        Ok(false) => {
            // Unread bytes may block the peer, which then never reads ours.
            let meanwhile = closing::discard_session(conn, cx);
            Progress::Wait(Wait::WRITE | Wait::TIMER | meanwhile)
        }
        Err(errno) => system(op, errno),
    }
}
