//! Answers a monitor instead of letting it in.
//!
//! The answer waits for the first byte of a request where it is HTTP's: a client may take an answer
//! that comes before its request for one to nothing it asked, and hang up. It does not wait for the
//! rest, which changes nothing.

use super::system;
use crate::conn::{Conn, Op, Plan, Progress, Wait};
use crate::ctrl::Input;
use crate::cx::Cx;
use crate::sys::Net;

/// MONITOR_IN: wanted only of a source that is a monitor's. No header is read and no handshake made.
pub(crate) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    let Plan::Incoming(config) = &conn.facts.plan else { return Progress::Done };
    let is_asked = config.monitor.as_ref().is_some_and(|monitor| monitor.answer.is_asked());
    if is_asked {
        match conn.ctrl.discard(cx) {
            Ok(Input::Bytes(n)) => conn.facts.discarded += n as u64,
            // A client that asks nothing and ends its side may still read.
            Ok(Input::End) => {}
            Ok(Input::Wait) => return Progress::Wait(Wait::READ | Wait::TIMER),
            Err(errno) => return system(op, errno),
        }
    }
    conn.word.leap(op, Op::SendLastChunk);
    Progress::Done
}
