//! What happens to a farm of servers in a random run, step by step.

use crate::backend::Admin;
use crate::random::Random;
use crate::sim::{CallKind, ConnectResponse};
use crate::time::{MILLISECOND, SECOND};

/// One action of one peer. Numbers are taken modulo the number of peers there are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Come,
    Say(usize, usize),
    End(usize),
    Reset(usize),
    Stall(usize, bool),
    Window(usize, usize),
    Answer(usize, ConnectResponse),
    Set(usize, Admin),
    Weigh(usize, u16),
    Abort(usize),
    Fail(CallKind, i32),
    Wait(u64),
}

pub(super) fn steps(random: &mut Random) -> Vec<Step> {
    let count = 5 + random.below(40);
    (0..count).map(|_| step(random)).collect()
}

fn step(random: &mut Random) -> Step {
    let who = random.below(16) as usize;
    match random.below(24) {
        0..=4 => Step::Come,
        5..=10 => Step::Say(who, 1 + random.below(5_000) as usize),
        11..=13 => Step::End(who),
        14 => Step::Reset(who),
        15 => Step::Stall(who, random.one_in(2)),
        16 => Step::Window(who, 1 + random.below(3_000) as usize),
        17 => {
            let answers = [
                ConnectResponse::Accept,
                ConnectResponse::Refuse,
                ConnectResponse::Silent,
                ConnectResponse::NoRoute,
            ];
            Step::Answer(who, answers[random.below(4) as usize])
        }
        18 => Step::Set(who, [Admin::Ready, Admin::Drain, Admin::Maintenance][who % 3]),
        19 => Step::Weigh(who, random.below(4) as u16),
        20 if random.one_in(3) => Step::Abort(who),
        20 => Step::Fail(CallKind::Socket, libc::EMFILE),
        _ => Step::Wait(match random.below(6) {
            0 => random.below(3 * SECOND),
            _ => random.below(2 * MILLISECOND),
        }),
    }
}
