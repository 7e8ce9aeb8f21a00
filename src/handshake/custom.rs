//! Asks handlers of the host's own, one after the other, and does between two questions what the last
//! answer wants: read, write, or nothing but wait.

use super::failed;
use crate::conn::{Asking, Conn, Op, Phase, Progress, Wait, Why, is_first_step};
use crate::cx::Cx;
use crate::data::{Ahead, Read};
use crate::sys::Net;

pub(crate) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    if is_first_step(conn.word, op) {
        conn.facts.rare_mut().asking = Some(Asking::new(op));
    }
    loop {
        let Conn { ctrl, data, facts, .. } = conn;
        let Some(asking) = facts.rare_mut().asking.as_mut() else {
            return failed(op, Why::System, "there is nobody to ask");
        };
        match asking.phase {
            Phase::Due | Phase::Asked => {
                return match ctrl.check(cx) {
                    Ok(()) => Progress::Wait(Wait::HOST | Wait::TIMER),
                    Err(errno) => super::system(op, errno),
                };
            }
            Phase::Read if asking.ended => {
                return failed(op, Why::Truncated, "the peer closed while a handler wanted more");
            }
            Phase::Read => match data.read_ahead(ctrl, cx) {
                Ok(Ahead::Read(Read::Bytes(_))) => asking.phase = Phase::Due,
                Ok(Ahead::Read(Read::End | Read::Truncated)) => {
                    asking.ended = true;
                    asking.phase = Phase::Due;
                }
                Ok(Ahead::Read(Read::Wait)) => {
                    return Progress::Wait(Wait::READ | Wait::TIMER);
                }
                Ok(Ahead::Full) => {
                    return failed(op, Why::TooLarge, "a handler wants more than it can be given");
                }
                Err(mut cause) => {
                    cause.at = Some(op);
                    return Progress::Failed(cause);
                }
            },
            Phase::Write => {
                match ctrl.flush(cx) {
                    Ok(true) if ctrl.is_writable() => asking.phase = Phase::Due,
                    Ok(_) => return Progress::Wait(Wait::WRITE | Wait::TIMER),
                    Err(errno) => return super::system(op, errno),
                }
                // A handler that wants to write and never does must not keep the drive for itself.
                return Progress::Wait(Wait::TURN | Wait::TIMER);
            }
            Phase::Done => {
                let next = asking.index + 1;
                *asking = Asking { index: next, ..Asking::new(op) };
                let Some(span) = facts.customs(op).nth(next).map(|custom| custom.span) else {
                    return Progress::Done;
                };
                conn.facts.op_since = cx.now;
                conn.arm_opening(cx.now, span);
            }
            Phase::Failed(_) => {
                let phase = std::mem::replace(&mut asking.phase, Phase::Done);
                let Phase::Failed(cause) = phase else { continue };
                return Progress::Failed(cause);
            }
        }
    }
}
