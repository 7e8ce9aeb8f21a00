//! TLS that the agent runs, which connects to the server: it is asked to begin, and reports the result.

use super::{failed, system};
use crate::conn::{Conn, Op, Progress, Wait, Why};
use crate::ctrl::Input;
use crate::cx::Cx;
use crate::sys::Net;

const OP: Op = Op::TlsConnect;

/// Asks the agent to begin.
pub(super) fn begin<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    conn.word.start(OP);
    if conn.data.has_ahead() {
        return early();
    }
    conn.ctrl.ask_secure();
    wait(conn, cx)
}

/// Waits for what the agent reports.
pub(super) fn wait<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Progress {
    if let Some(tls) = conn.facts.rare.as_mut().and_then(|rare| rare.remote_tls.take()) {
        conn.data.put_remote(tls);
        return Progress::Done;
    }
    match conn.ctrl.recv(cx, &mut [0]) {
        Ok(Input::Wait) => Progress::Wait(Wait::READ | Wait::TIMER),
        Ok(Input::Bytes(_)) => early(),
        Ok(Input::End) if conn.ctrl.bytes_in() == 0 => {
            failed(OP, Why::Empty, "the peer closed before the TLS handshake")
        }
        Ok(Input::End) => failed(OP, Why::Truncated, "the peer closed inside the TLS handshake"),
        Err(errno) => system(OP, errno),
    }
}

/// Bytes that came before TLS may have been injected by an attacker.
fn early() -> Progress {
    failed(OP, Why::Malformed, "the server sent bytes before the TLS handshake")
}
