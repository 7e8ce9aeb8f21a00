//! Connects to the server: socket, source address, connect.

use super::{failed, system};
use crate::config::{ROOM_RETRY, UNIX_RETRY_LONGEST};
use crate::conn::{Conn, Op, Owner, Plan, Progress, Wait, Why, is_first_step};
use crate::ctrl::{Connect, Output, Release};
use crate::cx::Cx;
use crate::sys::{Errno, Net};
use crate::time::Time;

const OP: Op = Op::CtrlConnect;
const NO_ROOM: Progress = Progress::Wait(Wait::ROOM.union(Wait::TIMER));
const WAIT: Progress = Progress::Wait(Wait::WRITE.union(Wait::TIMER));

pub(crate) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    debug_assert_eq!(op, OP);
    if is_first_step(conn.word, OP) {
        return begin(conn, cx);
    }
    if conn.retry_at != Time::NEVER {
        let has_socket = conn.ctrl.is_open();
        if cx.now < conn.retry_at {
            return if has_socket { Progress::Wait(Wait::TIMER) } else { NO_ROOM };
        }
        conn.retry_at = Time::NEVER;
        return match has_socket {
            true => start(conn, cx).unwrap_or_else(|errno| refused(conn, cx, errno)),
            false => begin(conn, cx),
        };
    }
    if !conn.ctrl.is_writable() {
        return WAIT;
    }
    if has_first_bytes(conn, cx) { send_first(conn, cx) } else { ask(conn, cx) }
}

/// Makes the socket and begins to connect: from the source address whose turn it is, or from the next one
/// that has a port left for the destination.
fn begin<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    let Plan::Outgoing(config) = &conn.facts.plan else { return Progress::Done };
    let mut others = config.source.len(conn.facts.peer.family()).saturating_sub(1);
    loop {
        *cx.begun = cx.begun.wrapping_add(1);
        match begin_from(conn, cx, *cx.begun) {
            Err(Errno(libc::EADDRNOTAVAIL)) if others > 0 => {
                others -= 1;
                conn.ctrl.release(cx.net, cx.descriptors, Release::Close);
            }
            Err(errno) => return refused(conn, cx, errno),
            Ok(progress) => return progress,
        }
    }
}

/// The same from the source address of this turn.
///
/// # Errors
/// The first call that failed.
fn begin_from<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, turn: usize) -> Result<Progress, Errno> {
    let Plan::Outgoing(config) = &conn.facts.plan else { return Ok(Progress::Done) };
    let peer = &conn.facts.peer;
    let source = config.source.choose(peer.family(), turn);
    conn.ctrl.open(cx, peer, source, config.source.ports, &config.socket)?;
    // Descriptors above the bound are reserved for clients and their servers.
    let kept = conn.ctrl.descriptor() >= Some(cx.limits.outgoing_fds);
    if kept && conn.seat().is_none() && !conn.owner.is_of_link() {
        let text =
            "the descriptors that are left are kept for clients and their servers (reserve_fds)";
        return Ok(failed(OP, Why::LocalLimit, text));
    }
    start(conn, cx)
}

/// A call failed. A resource that this machine lacks may become free, and its lack says nothing about
/// the server: the operation waits for it until the deadline.
fn refused<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, errno: Errno) -> Progress {
    // The client of an agent waits itself, and has it tried again.
    let waits_elsewhere = matches!(conn.owner, Owner::Channel { .. });
    let is_over = conn.deadline <= cx.now || conn.ctrl.watch().is_known() || waits_elsewhere;
    if !errno.is_local_limit() || is_over {
        return system(OP, errno);
    }
    conn.ctrl.release(cx.net, cx.descriptors, Release::Close);
    conn.retry_at = cx.now + ROOM_RETRY;
    NO_ROOM
}

/// The connection could not be established, or nothing was ever below it: then it may be tried again.
fn failed_below<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, errno: Errno) -> Progress {
    if conn.ctrl.is_open() { system(OP, errno) } else { refused(conn, cx, errno) }
}

/// Begins to connect and, if there are bytes to send, tries whether the connection is established
/// already.
///
/// # Errors
/// Why `connect` refused.
fn start<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Result<Progress, Errno> {
    Ok(match conn.ctrl.connect(cx, &conn.facts.peer)? {
        Connect::Done => Progress::Done,
        Connect::UnderWay if has_first_bytes(conn, cx) => send_first(conn, cx),
        Connect::UnderWay => {
            conn.ctrl.wait_to_write();
            WAIT
        }
        Connect::QueueFull => {
            conn.retry_at = cx.now + u64::from(conn.facts.retry_pause);
            conn.facts.retry_pause = (2 * conn.facts.retry_pause).min(UNIX_RETRY_LONGEST as u32);
            Progress::Wait(Wait::TIMER)
        }
    })
}

/// Whether there are bytes to send, which would prove the connection.
fn has_first_bytes<N>(conn: &Conn, cx: &Cx<'_, N>) -> bool {
    conn.ctrl.has_unsent() || cx.has_early()
}

/// The first send: the header and, when the session's first bytes are not encrypted, those too.
fn send_first<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    match conn.send_early(cx) {
        Ok(Output::Wait) if conn.ctrl.bytes_out() == 0 => WAIT,
        Ok(_) => Progress::Done,
        Err(errno) => failed_below(conn, cx, errno),
    }
}

/// Without bytes to send, a repeated `connect` shows whether the connection is established.
fn ask<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    match conn.ctrl.connect(cx, &conn.facts.peer) {
        Ok(Connect::Done) => Progress::Done,
        Err(errno) if !errno.is_again() => failed_below(conn, cx, errno),
        Ok(Connect::UnderWay | Connect::QueueFull) | Err(_) => {
            conn.ctrl.wait_to_write();
            WAIT
        }
    }
}
