//! The closing operations, one step each, from the data layer down to the descriptor.
//!
//! `SHUT_RD` is never used on the socket: bytes in flight would then draw a reset that destroys what we
//! sent. A shut read side means that nothing is delivered any more; what arrives is read and discarded.

use std::borrow::Cow;

use super::{
    Cause, CloseMode, Code, Conn, DrainBound, HalfClose, Op, Plan, Progress, Wait, Why,
    is_first_step,
};
use crate::ctrl::{Input, Release};
use crate::cx::{Cx, Descriptors};
use crate::data::Parting;
use crate::sys::{Errno, Net};
use crate::time::{FOREVER, MILLISECOND, Time};

/// The most reads that discard bytes in one drive.
const DISCARDS_PER_DRIVE: u32 = 16;
/// How often the system is asked what the peer has acknowledged, while that is waited for: no readiness
/// event reports it. The system does not retransmit more often itself (Linux's TCP_RTO_MIN).
const ACKNOWLEDGED_EVERY: u64 = 200 * MILLISECOND;
/// The sequence numbers that a FIN takes (RFC 9293 section 3.4).
const FIN: u32 = 1;

/// DSHW: unsent bytes are sent, then the data layer's own end (close_notify in TLS).
pub(crate) fn data_shut_write<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    if matches!(conn.facts.plan, Plan::Outgoing(_)) && !conn.word.is_complete(Op::CtrlConnect) {
        // The server was never reached: nothing can be sent, and a waiting header never will be.
        conn.ctrl.give_unsent(cx);
        return Progress::Done;
    }
    if is_first_step(conn.word, Op::Dshw) {
        note_begin(conn, cx.now);
    }
    if conn.holds_half_close(cx.now) {
        return Progress::Wait(Wait::TIMER);
    }
    let parting = match conn.close_mode {
        CloseMode::Orderly => Parting::Vouched,
        CloseMode::Curt | CloseMode::Reset | CloseMode::Vanish => Parting::Curt,
    };
    let (before, held) = (conn.ctrl.bytes_out(), conn.ctrl.unsent());
    match conn.data.shut_write(&mut conn.ctrl, cx, parting) {
        Ok(true) => Progress::Done,
        Ok(false) => {
            // Arms also when the end of the connection has released a half-close, which cleared the
            // deadline.
            if conn.ctrl.bytes_out() != before || conn.deadline == Time::NEVER {
                conn.arm(cx.now, conn.facts.close_options().linger);
            }
            Progress::Wait(Wait::WRITE | Wait::TIMER | listen_on(conn, cx))
        }
        Err(errno) => {
            // What waited in the queue was dropped with the error, so it is computed from the counts.
            let kept = (held as u64).saturating_sub(conn.ctrl.bytes_out() - before);
            let kept = u32::try_from(kept).unwrap_or(u32::MAX);
            conn.facts.lost = unacknowledged(conn, cx).saturating_add(kept);
            note_failure(conn, cx.now, Cause::system(Some(Op::Dshw), errno));
            Progress::Failed(Box::new(Cause::system(Some(Op::Dshw), errno)))
        }
    }
}

/// What is below a fed connection has taken bytes: the timeout for the unsent ones starts again.
pub(crate) fn took_bytes(conn: &mut Conn, now: Time) {
    let sends_the_last = conn.word.code(Op::Dshw) == Code::Started;
    if sends_the_last && conn.deadline != Time::NEVER && conn.half_close != HalfClose::Held {
        conn.arm(now, conn.facts.close_options().linger);
    }
}

/// While our bytes are still sent, bytes that are not read must not block the peer.
fn listen_on<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Wait {
    if conn.word.is_wanted(Op::Dshr) { discard_session(conn, cx) } else { Wait::empty() }
}

/// DSHR: nothing is delivered any more.
pub(crate) fn data_shut_read<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    conn.data.drop_ahead(cx);
    Progress::Done
}

/// DCLOSE: the data layer is torn down, and the TLS session with it.
pub(crate) fn data_close<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    conn.data.close(cx);
    conn.word.undo(Op::TlsAccept);
    conn.word.undo(Op::TlsConnect);
    Progress::Done
}

/// CSHW: the FIN. When nothing else can be received or sent, `close` sends it.
pub(crate) fn ctrl_shut_write<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    let is_closed_next = conn.word.is_closing() && (conn.ctrl.at_eof() || conn.is_unheard());
    // A close has to wait for the host's poller, and bytes should not.
    if !is_closed_next || conn.ctrl.is_held_back() {
        conn.ctrl.shut_write(cx);
    }
    Progress::Done
}

/// CSHR: does nothing, since `SHUT_RD` would draw resets.
pub(crate) fn ctrl_shut_read<N: Net>(_: &mut Conn, _: &mut Cx<'_, N>) -> Progress {
    Progress::Done
}

/// CCLOSE: waits for the peer's end. A close while received bytes are unread sends a reset, which
/// destroys what the peer has not acknowledged of ours.
pub(crate) fn ctrl_close<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    let has_input = conn.ctrl.is_open() && !conn.ctrl.at_eof();
    // An agent waits for the peer's end itself, and reports what came of it with the last report.
    let waits = has_input && !conn.ctrl.is_linked();
    if !waits || conn.close_mode >= CloseMode::Reset || conn.is_unheard() {
        return drained(conn, cx);
    }
    if conn.ctrl.is_broken() {
        return broke(conn, cx, Cause::new(Some(Op::Cclose), Why::Reset));
    }
    if is_first_step(conn.word, Op::Cclose) {
        begin_drain(conn, cx);
    }
    let (waits_for_ours, most) = match conn.facts.drain {
        DrainBound::Ours(_) => (true, u64::MAX),
        DrainBound::Theirs(left) => (false, left.into()),
    };
    let before = conn.facts.discarded;
    let came = discard(conn, cx, most);
    let heard = conn.facts.discarded - before;
    if let DrainBound::Theirs(left) = &mut conn.facts.drain {
        *left = left.saturating_sub(u32::try_from(heard).unwrap_or(u32::MAX));
    }
    let wait = match came {
        Discarded::Turn => Wait::TURN,
        Discarded::Wait => Wait::READ,
        Discarded::End => return drained(conn, cx),
        Discarded::TooMuch => {
            let text = "the peer had all of ours and went on sending, past drain_bytes";
            return cut_off(conn, cx, Cause::new(Some(Op::Cclose), Why::TooLarge).because(text));
        }
        Discarded::Failed(errno) => {
            return broke(conn, cx, Cause::system(Some(Op::Cclose), errno));
        }
    };
    // Segments of the peer often carry an acknowledgement.
    if waits_for_ours && (heard > 0 || conn.retry_at <= cx.now) {
        look(conn, cx);
    }
    Progress::Wait(wait | Wait::TIMER)
}

fn begin_drain<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) {
    note_begin(conn, cx.now);
    // No query yet: the FIN was sent just now, and a peer that ends soon makes the query needless.
    conn.facts.drain = DrainBound::Ours(u32::MAX);
    conn.arm(cx.now, conn.facts.close_options().linger);
    conn.retry_at = cx.now + ACKNOWLEDGED_EVERY;
    if !conn.ctrl.counts_acknowledged(&conn.facts.peer) {
        look(conn, cx);
    }
}

/// Asks how much of ours the peer has not acknowledged. Each time it is less, the timeout starts again.
fn look<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) {
    let DrainBound::Ours(before) = conn.facts.drain else { return };
    let close_options = conn.facts.close_options();
    let left = unacknowledged(conn, cx);
    if left == 0 {
        conn.facts.drain = DrainBound::Theirs(drain_bytes(conn));
        conn.retry_at = Time::NEVER;
        return conn.arm(cx.now, close_options.drain_time);
    }
    if left < before {
        conn.arm(cx.now, close_options.linger);
    }
    conn.facts.drain = DrainBound::Ours(left);
    conn.retry_at = cx.now + ACKNOWLEDGED_EVERY;
}

fn drain_bytes(conn: &Conn) -> u32 {
    u32::try_from(conn.facts.close_options().drain_bytes).unwrap_or(u32::MAX)
}

/// Bytes of ours that the peer's system has not acknowledged, the FIN counted as one.
fn unacknowledged<N: Net>(conn: &Conn, cx: &mut Cx<'_, N>) -> u32 {
    u32::try_from(conn.ctrl.untaken(cx.net, &conn.facts.peer)).unwrap_or(u32::MAX)
}

/// The wait for the peer's end has ended.
fn drained<N>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    conn.ctrl.give_back(cx);
    conn.deadline = Time::NEVER;
    conn.retry_at = Time::NEVER;
    Progress::Done
}

/// All of ours is acknowledged; what the peer still sends is not read.
fn cut_off<N>(conn: &mut Conn, cx: &mut Cx<'_, N>, cause: Cause) -> Progress {
    note_failure(conn, cx.now, cause);
    drained(conn, cx)
}

/// The socket failed. That is a normal end when the peer had everything of ours that it needs to read.
fn broke<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, cause: Cause) -> Progress {
    let lost = unacknowledged(conn, cx).saturating_sub(FIN);
    if lost as usize > conn.data.needless() {
        conn.facts.lost = lost;
        let text = format!("it broke before the peer had acknowledged the last {lost} bytes");
        note_failure(conn, cx.now, cause.because(text));
    }
    drained(conn, cx)
}

/// A closing operation begins; the record keeps the time of an earlier failure.
fn note_begin(conn: &mut Conn, now: Time) {
    if conn.cause.is_none() {
        conn.facts.op_since = now;
    }
}

/// A closing operation failed: recorded, unless a cause is recorded already.
pub(crate) fn note_failure(conn: &mut Conn, now: Time, cause: Cause) {
    if conn.cause.is_none() {
        conn.facts.in_op = now.since(conn.facts.op_since);
        conn.cause = Some(conn.attributed(Box::new(cause)));
    }
}

/// FCLOSE: first the host's poller stops watching the descriptor, then it is closed. Where the host
/// moves the bytes, it is asked to close what is below.
pub(crate) fn fd_close<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    if conn.ctrl.begin_release(release(conn.close_mode)) {
        // The host may take as long as it likes: the timeouts are for the peer.
        conn.arm(cx.now, FOREVER);
        return Progress::Wait(Wait::RELEASE);
    }
    give_fd_back(conn, cx.net, cx.descriptors);
    Progress::Done
}

/// Closes the descriptor, which the host's poller does not watch any more.
pub(crate) fn give_fd_back<N: Net>(conn: &mut Conn, net: &mut N, descriptors: &mut Descriptors) {
    conn.ctrl.release(net, descriptors, release(conn.close_mode));
}

const fn release(mode: CloseMode) -> Release {
    match mode {
        CloseMode::Orderly | CloseMode::Curt => Release::Close,
        CloseMode::Reset => Release::Reset,
        CloseMode::Vanish => Release::Vanish,
    }
}

/// The deadline of a closing operation has passed.
pub(crate) fn expire<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) {
    match (op, conn.facts.drain) {
        (Op::Cclose, DrainBound::Theirs(left)) => {
            if left < drain_bytes(conn) {
                let text = "the peer had all of ours, sent more and did not end within drain_ns";
                let cause = Cause::new(Some(op), Why::TimedOut).because(text);
                note_failure(conn, cx.now, cause);
            }
            conn.word.finish(op);
        }
        (Op::Cclose, DrainBound::Ours(before)) => {
            look(conn, cx);
            if let DrainBound::Ours(left) = conn.facts.drain
                && left >= before
            {
                give_up(conn, cx, op, left.saturating_sub(FIN));
            }
        }
        _ => {
            let lost = unacknowledged(conn, cx);
            give_up(conn, cx, op, lost);
        }
    }
}

/// The peer does not take the rest of ours in time.
fn give_up<N>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op, lost: u32) {
    conn.facts.lost = lost;
    let text = match lost {
        0 => Cow::Borrowed("the peer did not acknowledge our end in time"),
        lost => Cow::Owned(format!("the peer did not take the last {lost} bytes in time")),
    };
    note_failure(conn, cx.now, Cause::new(Some(op), Why::TimedOut).because(text));
    conn.end(super::Ending::Abort, None);
}

/// The result of reading and discarding.
enum Discarded {
    /// More may be there: this drive's share is used up.
    Turn,
    /// More is to come.
    Wait,
    /// The peer has ended.
    End,
    /// More than `most` bytes were read.
    TooMuch,
    /// The socket failed.
    Failed(Errno),
}

/// Reads and discards, at most about `most` bytes in all.
fn discard<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, most: u64) -> Discarded {
    let most = conn.facts.discarded.saturating_add(most);
    for _ in 0..DISCARDS_PER_DRIVE {
        match conn.ctrl.discard(cx) {
            Ok(Input::Bytes(n)) => {
                conn.facts.discarded += n as u64;
                if conn.facts.discarded > most {
                    return Discarded::TooMuch;
                }
            }
            Ok(Input::Wait) => return Discarded::Wait,
            Ok(Input::End) => return Discarded::End,
            Err(errno) => return Discarded::Failed(errno),
        }
    }
    Discarded::Turn
}

/// Reads and discards what arrives on a session whose read side is shut. Returns what more of it waits
/// for.
pub(crate) fn discard_session<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Wait {
    if conn.ctrl.at_eof() || conn.ctrl.is_broken() {
        return Wait::empty();
    }
    match discard(conn, cx, u64::MAX) {
        Discarded::Turn => Wait::TURN,
        Discarded::Wait => Wait::READ,
        Discarded::End | Discarded::TooMuch | Discarded::Failed(_) => Wait::empty(),
    }
}
