//! Sends the last bytes of a connection that does not become a session.

use super::system;
use crate::conn::{Conn, Op, Progress, Wait, closing, is_first_step};
use crate::cx::Cx;
use crate::sys::Net;

/// SEND_LAST_CHUNK: done when the kernel has taken all that waits to be sent. Where nothing waits at
/// the first step, the engine composes the bytes.
pub(crate) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
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
