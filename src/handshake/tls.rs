//! The TLS handshake, in both roles: the difference is how the session is made.

use std::sync::Arc;

use super::{failed, remote_tls, system};
use crate::conn::{Conn, Op, Plan, Progress, Wait, Why, is_first_step};
use crate::ctrl::Input;
use crate::cx::Cx;
use crate::data::tls_cause;
use crate::sys::Net;
use crate::tls::{Handshake, Session};

/// The handshake with a client.
pub(crate) fn accept<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    if is_first_step(conn.word, op) {
        let Plan::Incoming(config) = &conn.facts.plan else { return Progress::Done };
        let Some(tls) = &config.tls else { return Progress::Done };
        let session = Ok(Session::server(&Arc::clone(tls)));
        if let Err(progress) = put(conn, cx, op, session) {
            return progress;
        }
    }
    shake(conn, cx, op)
}

/// The handshake with a server.
pub(crate) fn connect<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    if is_first_step(conn.word, op) {
        let Plan::Outgoing(config) = &conn.facts.plan else { return Progress::Done };
        let Some(tls) = &config.tls else { return remote_tls::begin(conn, cx) };
        let session = Session::client(&Arc::clone(&tls.tls), &tls.server_name);
        if let Err(progress) = put(conn, cx, op, session) {
            return progress;
        }
    }
    if conn.data.tls().is_some() { shake(conn, cx, op) } else { remote_tls::wait(conn, cx) }
}

fn put<N: Net>(
    conn: &mut Conn,
    cx: &mut Cx<'_, N>,
    op: Op,
    session: Result<Session, crate::tls::Failure>,
) -> Result<(), Progress> {
    let put = match session {
        Ok(session) => conn.data.put_tls(Box::new(session), cx),
        Err(failure) => Err(tls_cause(failure)),
    };
    // The operation counts as started from here on, so that DCLOSE frees the session.
    conn.word.start(op);
    put.map_err(|mut cause| {
        cause.at = Some(op);
        Progress::Failed(cause)
    })
}

fn shake<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    let Conn { ctrl, data, .. } = conn;
    let Some(session) = data.tls_mut() else {
        return failed(op, Why::System, "the handshake has no session");
    };
    loop {
        if session.wants_heavy() {
            if *cx.heavy == 0 {
                return Progress::Wait(Wait::TURN | Wait::TIMER);
            }
            *cx.heavy -= 1;
        }
        let step = session.handshake(ctrl.out(cx), cx.pool);
        ctrl.trim(cx);
        match step {
            // What is still to be sent is sent with the session's first bytes, or at the end of the
            // drive.
            Handshake::Done => return Progress::Done,
            Handshake::NeedInput => {}
            Handshake::Failed(failure) => {
                let mut cause = tls_cause(failure);
                cause.at = Some(op);
                return Progress::Failed(cause);
            }
        }
        let flushed = match ctrl.flush(cx) {
            Ok(flushed) => flushed,
            Err(errno) => return system(op, errno),
        };
        let input = match session.input(cx.pool) {
            Ok(input) => input,
            Err(failure) => {
                let mut cause = tls_cause(failure);
                cause.at = Some(op);
                return Progress::Failed(cause);
            }
        };
        match ctrl.recv(cx, input.space()) {
            Ok(Input::Bytes(n)) => input.commit(n),
            Ok(Input::Wait) => {
                session.rest(cx.pool);
                let write = if flushed { Wait::empty() } else { Wait::WRITE };
                return Progress::Wait(Wait::READ | Wait::TIMER | write);
            }
            Ok(Input::End) if ctrl.bytes_in() == 0 => {
                return failed(op, Why::Empty, "the peer closed before the TLS handshake");
            }
            Ok(Input::End) => {
                return failed(op, Why::Truncated, "the peer closed inside the TLS handshake");
            }
            Err(errno) => return system(op, errno),
        }
    }
}
