//! Where outgoing connections come from.

use crate::sys::{Addr, Family};

/// The local addresses and ports of outgoing connections. Each pair of an address and a port can have
/// one connection at a time to one destination, and waits for a minute when that has ended
/// (`TIME_WAIT`): several addresses allow for as many times more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourcePool {
    /// The addresses; none leaves the choice to the system.
    pub addresses: Vec<Addr>,
    /// The first and the last port that the system may choose; `None` leaves it its own range.
    pub ports: Option<(u16, u16)>,
}

impl SourcePool {
    /// How many addresses there are for a connection to a destination of this family.
    pub(crate) fn len(&self, family: Family) -> usize {
        self.suitable(family).count()
    }

    /// The address for a connection to a destination of this family; with each `turn` it is the next.
    pub(crate) fn choose(&self, family: Family, turn: usize) -> Option<&Addr> {
        let len = self.len(family).max(1);
        // Where none suits, the system says what is wrong with the first.
        self.suitable(family).nth(turn % len).or_else(|| self.addresses.first())
    }

    fn suitable(&self, family: Family) -> impl Iterator<Item = &Addr> {
        self.addresses.iter().filter(move |addr| addr.family() == family)
    }
}

impl From<Addr> for SourcePool {
    fn from(addr: Addr) -> Self {
        Self { addresses: vec![addr], ports: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(addresses: &[&str]) -> SourcePool {
        let addresses = addresses.iter().map(|text| Addr::parse(text).expect("an address"));
        SourcePool { addresses: addresses.collect(), ports: None }
    }

    #[test]
    fn the_addresses_of_the_destinations_family_take_turns() {
        let pool = pool(&["192.0.2.1:0", "[2001:db8::1]:0", "192.0.2.2:0"]);
        let chosen = |family, turn| pool.choose(family, turn).map(ToString::to_string);
        let turns = (0..4).map(|turn| chosen(Family::V4, turn).expect("one suits"));
        let expected = ["192.0.2.1:0", "192.0.2.2:0", "192.0.2.1:0", "192.0.2.2:0"];
        assert_eq!(turns.collect::<Vec<_>>(), expected);
        assert_eq!(chosen(Family::V6, 7).as_deref(), Some("[2001:db8::1]:0"));
        assert_eq!((pool.len(Family::V4), pool.len(Family::V6)), (2, 1));
    }

    #[test]
    fn where_no_address_suits_the_first_is_tried_and_without_any_the_system_chooses() {
        assert_eq!(
            pool(&["192.0.2.1:0"]).choose(Family::V6, 3),
            Addr::parse("192.0.2.1:0").as_ref().ok()
        );
        assert_eq!(SourcePool::default().choose(Family::V4, 3), None);
    }
}
