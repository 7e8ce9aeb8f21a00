//! Puts the questions to custom handlers, one handler after the other, and does what each answer asks
//! for: read, write, or wait.

use super::failed;
use crate::conn::{Conn, HandlerPhase, HandlerState, Op, Progress, Wait, Why, is_first_step};
use crate::cx::Cx;
use crate::data::{Ahead, Read};
use crate::sys::Net;

pub(crate) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    if is_first_step(conn.word, op) {
        conn.facts.rare_mut().handler_state = Some(HandlerState::new(op));
    }
    loop {
        let Conn { ctrl, data, facts, .. } = conn;
        let Some(handler_state) = facts.rare_mut().handler_state.as_mut() else {
            return failed(op, Why::System, "there is nobody to ask");
        };
        match handler_state.phase {
            HandlerPhase::Due | HandlerPhase::Asked => {
                return match ctrl.check(cx) {
                    Ok(()) => Progress::Wait(Wait::HOST | Wait::TIMER),
                    Err(errno) => super::system(op, errno),
                };
            }
            HandlerPhase::Read if handler_state.ended => {
                return failed(op, Why::Truncated, "the peer closed while a handler wanted more");
            }
            HandlerPhase::Read => match data.read_ahead(ctrl, cx) {
                Ok(Ahead::Read(Read::Bytes(_))) => handler_state.phase = HandlerPhase::Due,
                Ok(Ahead::Read(Read::End | Read::Truncated)) => {
                    handler_state.ended = true;
                    handler_state.phase = HandlerPhase::Due;
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
            HandlerPhase::Write => {
                match ctrl.flush(cx) {
                    Ok(true) if ctrl.is_writable() => handler_state.phase = HandlerPhase::Due,
                    Ok(_) => return Progress::Wait(Wait::WRITE | Wait::TIMER),
                    Err(errno) => return super::system(op, errno),
                }
                // A handler that wants to write but never does must not keep the drive busy for ever.
                return Progress::Wait(Wait::TURN | Wait::TIMER);
            }
            HandlerPhase::Done => {
                let next = handler_state.index + 1;
                *handler_state = HandlerState { index: next, ..HandlerState::new(op) };
                let Some(span) = facts.customs(op).nth(next).map(|custom| custom.span) else {
                    return Progress::Done;
                };
                conn.facts.op_since = cx.now;
                conn.arm_opening(cx.now, span);
            }
            HandlerPhase::Failed(_) => {
                let phase = std::mem::replace(&mut handler_state.phase, HandlerPhase::Done);
                let HandlerPhase::Failed(cause) = phase else { continue };
                return Progress::Failed(cause);
            }
        }
    }
}
