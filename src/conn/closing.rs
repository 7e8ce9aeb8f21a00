//! The closing operations, one step each, from the data layer down to the descriptor.
//!
//! The control layer is never told to stop reading (`SHUT_RD`): bytes in flight would then draw a
//! reset that destroys what we sent. A shut read side means that nothing is delivered any more;
//! what arrives is read and thrown away.

use super::{Cause, Conn, Marks, Op, Plan, Progress, Wait, Why, is_first_step};
use crate::config::Tls12HalfClose;
use crate::ctrl::Input;
use crate::cx::Cx;
use crate::data::{Parting, Shut};
use crate::sys::Net;
use crate::time::Time;

/// The most reads one drive throws away.
const DISCARDS_PER_DRIVE: u32 = 16;

/// DSHW: unsent bytes leave, then the data layer's own goodbye.
pub(crate) fn data_shut_write<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    if matches!(conn.facts.plan, Plan::Outgoing(_)) && !conn.word.is_complete(Op::CtrlConnect) {
        // The server was never reached: nothing can leave, and a header that waits never will.
        conn.ctrl.give_back(cx);
        return Progress::Done;
    }
    let farewell = conn.facts.farewell();
    let half = !conn.word.is_wanted(Op::Dshr) && farewell.tls12_half_close == Tls12HalfClose::Hold;
    let parting = match half {
        _ if conn.marks.contains(Marks::CURT) => Parting::Curt,
        true => Parting::Half,
        false => Parting::Whole,
    };
    let before = conn.ctrl.bytes_out;
    let shut = match conn.data.shut_write(&mut conn.ctrl, cx, parting) {
        Ok(shut) => shut,
        Err(errno) => {
            return Progress::Failed(Box::new(Cause::system(Some(Op::Dshw), errno)));
        }
    };
    match shut {
        Shut::Out => Progress::Done,
        Shut::Held => Progress::Wait(Wait::empty()),
        Shut::Waits => {
            // Also when this began as a half-close, or was held, and the end took the clock off.
            if conn.ctrl.bytes_out != before || conn.deadline == Time::NEVER {
                conn.arm(cx.now, farewell.linger);
            }
            Progress::Wait(Wait::WRITE | Wait::TIMER | listen_on(conn, cx))
        }
    }
}

/// While our bytes still leave, the peer must not be held up by bytes nobody reads.
fn listen_on<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Wait {
    if conn.word.is_wanted(Op::Dshr) { discard_session(conn, cx) } else { Wait::empty() }
}

/// DSHR: nothing is delivered any more.
pub(crate) fn data_shut_read<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    conn.data.drop_ahead(cx);
    Progress::Done
}

/// DCLOSE: the data layer is torn down, and with it what its handshake made.
pub(crate) fn data_close<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    conn.data.close(cx);
    conn.word.undo(Op::TlsAccept);
    conn.word.undo(Op::TlsConnect);
    Progress::Done
}

/// CSHW: the FIN. When nothing else can come or go, `close` sends it just as well.
pub(crate) fn ctrl_shut_write<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    let close_is_enough = conn.word.is_closing() && (conn.ctrl.fd.eof || conn.ctrl.bytes_out == 0);
    if !close_is_enough {
        conn.ctrl.shut_write(cx);
    }
    Progress::Done
}

/// CCLOSE: waits for the peer's end, so that unread bytes do not turn our close into a reset.
pub(crate) fn ctrl_close<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    let fd = &conn.ctrl.fd;
    let nothing_to_lose = conn.ctrl.bytes_out == 0 || conn.marks.contains(Marks::RESET);
    if fd.get().is_none() || fd.eof || fd.broken || nothing_to_lose {
        conn.ctrl.give_back(cx);
        return Progress::Done;
    }
    let farewell = conn.facts.farewell();
    if is_first_step(conn.word, Op::Cclose) {
        conn.arm(cx.now, farewell.drain_time);
        conn.facts.drain_left = u32::try_from(farewell.drain_bytes).unwrap_or(u32::MAX);
    }
    match discard(conn, cx, conn.facts.drain_left) {
        Discarded::Turn => Progress::Wait(Wait::TURN | Wait::TIMER),
        Discarded::Wait => Progress::Wait(Wait::READ | Wait::TIMER),
        Discarded::Over => {
            conn.ctrl.give_back(cx);
            Progress::Done
        }
    }
}

/// FCLOSE: the host's poller lets go first, then the number is given back.
pub(crate) fn fd_close<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    if conn.ctrl.fd.known {
        // The host takes as long as it likes: what bounded the peer does not bound it.
        conn.arm(cx.now, 0);
        return Progress::Wait(Wait::RELEASE);
    }
    give_fd_back(conn, cx.net);
    Progress::Done
}

/// Closes the number. The host's poller does not know it any more.
pub(crate) fn give_fd_back<N: Net>(conn: &mut Conn, net: &mut N) {
    let reset = conn.marks.contains(Marks::RESET) && !conn.ctrl.fd.broken;
    match conn.ctrl.fd.take() {
        Some(fd) if conn.marks.contains(Marks::VANISHES) => net.vanish(fd),
        Some(fd) if reset => net.reset(fd),
        Some(fd) => net.close(fd),
        None => {}
    }
}

/// The deadline of a closing operation has passed.
pub(crate) fn expire(conn: &mut Conn, op: Op) {
    match op {
        Op::Cclose => conn.word.finish(Op::Cclose),
        _ => {
            let text = "the peer did not take the last bytes in time";
            let cause = Cause::new(Some(op), Why::TimedOut).because(text);
            conn.end(super::Ending::Abort, Some(Box::new(cause)));
        }
    }
}

enum Discarded {
    Turn,
    Wait,
    Over,
}

/// Reads and throws away, at most about `most` bytes in all.
fn discard<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, most: u32) -> Discarded {
    let mut left = most;
    for _ in 0..DISCARDS_PER_DRIVE {
        if left == 0 {
            return Discarded::Over;
        }
        match conn.ctrl.discard(cx) {
            Ok(Input::Bytes(n)) => {
                conn.facts.discarded += n as u64;
                left = left.saturating_sub(n as u32);
                conn.facts.drain_left = left;
            }
            Ok(Input::Wait) => return Discarded::Wait,
            Ok(Input::End | Input::Truncated) | Err(_) => return Discarded::Over,
        }
    }
    Discarded::Turn
}

/// Reads and throws away what arrives on a session whose read side is shut. Tells whether more may
/// come.
pub(crate) fn discard_session<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Wait {
    if conn.ctrl.fd.eof || conn.ctrl.fd.broken {
        return Wait::empty();
    }
    match discard(conn, cx, u32::MAX) {
        Discarded::Turn => Wait::TURN,
        Discarded::Wait => Wait::READ,
        Discarded::Over => Wait::empty(),
    }
}
