//! Reaches the server: socket, source address, connect.
//!
//! A connection is complete when a call says so: the first send that goes through, or `connect`
//! repeated. `SO_ERROR` is 0 while a connection is still on its way, so it proves nothing.

use super::{failed, system};
use crate::config::{ROOM_RETRY, UNIX_RETRY_LONGEST};
use crate::conn::{Conn, Op, Plan, Progress, Wait, Why, is_first_step};
use crate::ctrl::{FdEntry, Io, Output};
use crate::cx::Cx;
use crate::sys::{Errno, Family, Net, SockOpt};
use crate::time::Time;

const OP: Op = Op::CtrlConnect;
const NO_ROOM: Progress = Progress::Wait(Wait::ROOM.union(Wait::TIMER));
const WAIT: Progress = Progress::Wait(Wait::WRITE.union(Wait::TIMER));

pub(crate) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    if is_first_step(conn.word, OP) {
        return begin(conn, cx);
    }
    if conn.retry_at != Time::NEVER {
        let has_socket = conn.ctrl.fd.get().is_some();
        if cx.now < conn.retry_at {
            return if has_socket { Progress::Wait(Wait::TIMER) } else { NO_ROOM };
        }
        conn.retry_at = Time::NEVER;
        return if has_socket { start(conn, cx) } else { begin(conn, cx) };
    }
    if !conn.ctrl.fd.ready.contains(Io::OUT) {
        return WAIT;
    }
    if has_first_bytes(conn, cx) { send_first(conn, cx) } else { ask(conn, cx) }
}

fn begin<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    if let Err(errno) = open(conn, cx) {
        return refused(conn, cx, errno);
    }
    // What is kept is for clients and their servers.
    let kept = conn.ctrl.fd.get() >= Some(cx.limits.outgoing_fds);
    if kept && conn.seat().is_none() {
        let text =
            "the descriptors that are left are kept for clients and their servers (reserve_fds)";
        return failed(OP, Why::LocalLimit, text);
    }
    start(conn, cx)
}

/// A call failed. What this machine lacks may come free, and says nothing of the server: it is waited
/// for until the deadline.
fn refused<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, errno: Errno) -> Progress {
    let is_over = conn.deadline <= cx.now || conn.ctrl.fd.known;
    if !errno.is_local_limit() || is_over {
        return system(OP, errno);
    }
    if let Some(fd) = conn.ctrl.fd.take() {
        cx.net.close(fd);
        cx.descriptors.gave();
    }
    conn.retry_at = cx.now + ROOM_RETRY;
    NO_ROOM
}

/// Makes the socket and gives it its options.
fn open<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Result<(), Errno> {
    let family = conn.facts.peer.family();
    let fd = cx.net.socket(family).inspect_err(|errno| {
        if matches!(errno.0, libc::EMFILE | libc::ENFILE) {
            cx.descriptors.ran_out();
        }
    })?;
    cx.descriptors.took(cx.net, fd);
    // From here on the record owns it: a failure closes it with the connection.
    conn.ctrl.fd = FdEntry::connection(fd, false);
    if family != Family::Unix {
        cx.net.set(fd, SockOpt::NoDelay)?;
    }
    let Plan::Outgoing(config) = &conn.facts.plan else { return Ok(()) };
    if let Some(source) = &config.source {
        if family != Family::Unix {
            cx.net.set(fd, SockOpt::BindAddressNoPort)?;
        }
        cx.net.bind(fd, source)?;
    }
    Ok(())
}

/// Asks for the connection, and with bytes in hand tries whether it is there already.
fn start<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    let Some(fd) = conn.ctrl.fd.get() else {
        return failed(OP, Why::Aborted, "the descriptor is gone");
    };
    match cx.net.connect(fd, &conn.facts.peer) {
        Ok(()) => Progress::Done,
        Err(Errno(libc::EINPROGRESS)) if has_first_bytes(conn, cx) => send_first(conn, cx),
        Err(Errno(libc::EINPROGRESS | libc::EALREADY)) => {
            conn.ctrl.fd.ready.remove(Io::OUT);
            WAIT
        }
        // The backlog of a unix listener is full, and no readiness will ever tell of room in it.
        Err(errno) if errno.is_again() && conn.facts.peer.family() == Family::Unix => {
            conn.retry_at = cx.now + u64::from(conn.facts.retry_pause);
            conn.facts.retry_pause = (2 * conn.facts.retry_pause).min(UNIX_RETRY_LONGEST as u32);
            Progress::Wait(Wait::TIMER)
        }
        Err(errno) => refused(conn, cx, errno),
    }
}

/// Whether something can be sent that proves the connection.
fn has_first_bytes<N>(conn: &Conn, cx: &Cx<'_, N>) -> bool {
    conn.ctrl.has_unsent() || !cx.early.is_empty()
}

/// The first send: the header and, when nothing encrypts in between, the session's first bytes.
fn send_first<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    let early = &cx.early[cx.early_taken..];
    let before = conn.ctrl.bytes_out;
    match conn.ctrl.send(cx, early) {
        Ok(Output::Bytes(taken)) => cx.early_taken += taken,
        Ok(Output::Wait) if conn.ctrl.bytes_out == before => return WAIT,
        Ok(Output::Wait) => {}
        Err(errno) => return system(OP, errno),
    }
    Progress::Done
}

/// Nothing to send: `connect` again tells (EISCONN, EALREADY, or why it failed).
fn ask<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    let Some(fd) = conn.ctrl.fd.get() else {
        return failed(OP, Why::Aborted, "the descriptor is gone");
    };
    match cx.net.connect(fd, &conn.facts.peer) {
        Ok(()) => Progress::Done,
        Err(Errno(libc::EINPROGRESS | libc::EALREADY | libc::EAGAIN)) => {
            conn.ctrl.fd.ready.remove(Io::OUT);
            WAIT
        }
        Err(errno) => system(OP, errno),
    }
}
