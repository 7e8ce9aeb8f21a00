//! What members share of a server, as a value and as the word of its cell.

use crate::backend::{Admin, HealthVerdict, Server, Weight};

/// The bits of a word that hold the verdict.
pub(crate) const VERDICT: u32 = 0b11;
/// The bits that hold the administrative state.
pub(crate) const ADMIN: u32 = 0b11 << ADMIN_SHIFT;
/// The bits that hold the weight.
pub(crate) const WEIGHT: u32 = 0xffff << WEIGHT_SHIFT;

const UP: u32 = 1;
const BY_CHECKS: u32 = 2;
const ADMIN_SHIFT: u32 = 2;
const WEIGHT_SHIFT: u32 = 16;

/// What members share of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServerState {
    pub(crate) verdict: HealthVerdict,
    pub(crate) admin: Admin,
    pub(crate) weight: Weight,
}

impl ServerState {
    /// The state of a server of this engine. One that is up is taken for found so by checks: nobody is
    /// told.
    pub(crate) fn of(server: &Server) -> Self {
        let verdict = HealthVerdict { up: server.is_up(), by_checks: true };
        Self { verdict, admin: server.admin(), weight: server.weight() }
    }

    pub(crate) fn word(self) -> u32 {
        let admin = match self.admin {
            Admin::Ready => 0,
            Admin::Drain => 1,
            Admin::Maintenance => 2,
        };
        let verdict =
            u32::from(self.verdict.up) * UP + u32::from(self.verdict.by_checks) * BY_CHECKS;
        verdict | admin << ADMIN_SHIFT | u32::from(self.weight.get()) << WEIGHT_SHIFT
    }

    pub(crate) fn from_word(word: u32) -> Self {
        let admin = match (word & ADMIN) >> ADMIN_SHIFT {
            0 => Admin::Ready,
            1 => Admin::Drain,
            _ => Admin::Maintenance,
        };
        let verdict = HealthVerdict { up: word & UP != 0, by_checks: word & BY_CHECKS != 0 };
        let weight = Weight::new((word >> WEIGHT_SHIFT) as u16).unwrap_or_default();
        Self { verdict, admin, weight }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_holds_every_state_there_is() {
        for weight in (0..=Weight::MAX).filter_map(Weight::new) {
            for admin in [Admin::Ready, Admin::Drain, Admin::Maintenance] {
                for (up, by_checks) in [(false, false), (false, true), (true, false), (true, true)]
                {
                    let verdict = HealthVerdict { up, by_checks };
                    let state = ServerState { verdict, admin, weight };
                    assert_eq!(ServerState::from_word(state.word()), state);
                    assert_eq!(state.word() & !(VERDICT | ADMIN | WEIGHT), 0);
                }
            }
        }
    }
}
