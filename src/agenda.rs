//! What is to be looked at: lists of connections, listeners, streams and backends, each at most once in
//! a list.

use std::collections::VecDeque;

use bitflags::bitflags;

use crate::id::{Id, Kind};
use crate::slab::Key;

/// A list; the value is its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    /// Connections to be driven without an event.
    Run,
    /// The poller interest has changed.
    Interest,
    /// There are events for the host.
    Events,
    /// There is a question to a custom handler.
    Questions,
    /// A fed connection asks the host to move its bytes.
    Asks,
    /// There is something for a link or an agent: an event, or what a connection asks of an agent.
    Links,
    /// Connections that wait for a descriptor, in the order of their arrival.
    Starved,
}

const LISTS: usize = List::Starved as usize + 1;

bitflags! {
    /// The lists that something is on.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Listed: u8 {
        const RUN = 1 << List::Run as u8;
        const INTEREST = 1 << List::Interest as u8;
        const EVENTS = 1 << List::Events as u8;
        const QUESTIONS = 1 << List::Questions as u8;
        const ASKS = 1 << List::Asks as u8;
        const LINKS = 1 << List::Links as u8;
        const STARVED = 1 << List::Starved as u8;
    }
}

impl Listed {
    const fn on(list: List) -> Self {
        Self::from_bits_truncate(1 << list as u8)
    }

    /// Notes that it was taken off `list`.
    pub(crate) fn leave(&mut self, list: List) {
        self.remove(Self::on(list));
    }
}

/// The lists of one engine.
#[derive(Debug)]
pub(crate) struct Agenda {
    engine: u16,
    lists: [VecDeque<Id>; LISTS],
}

impl Agenda {
    /// Empty lists of the engine with this number.
    pub(crate) fn new(engine: u16) -> Self {
        Self { engine, lists: Default::default() }
    }

    /// The id of what `key` leads to.
    pub(crate) const fn id(&self, kind: Kind, key: Key) -> Id {
        Id::new(kind, self.engine, key)
    }

    /// Puts something at the end of a list, unless it is on it already, as `listed` records.
    pub(crate) fn add(&mut self, list: List, kind: Kind, key: Key, listed: &mut Listed) {
        if !listed.contains(Listed::on(list)) {
            listed.insert(Listed::on(list));
            let id = self.id(kind, key);
            self.lists[list as usize].push_back(id);
        }
    }

    /// Takes the first entry off a list. The caller must note that with [`leave`](Listed::leave), if
    /// the record still exists.
    pub(crate) fn take(&mut self, list: List) -> Option<Id> {
        self.lists[list as usize].pop_front()
    }

    /// The first entry of a list, which stays there.
    pub(crate) fn first(&self, list: List) -> Option<Id> {
        self.lists[list as usize].front().copied()
    }

    /// How many entries a list has. The records of some may not exist any more.
    pub(crate) fn len(&self, list: List) -> usize {
        self.lists[list as usize].len()
    }

    /// Whether a list has no entries.
    pub(crate) fn is_empty(&self, list: List) -> bool {
        self.lists[list as usize].is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stands_on_a_list_twice_and_each_leaves_in_its_turn() {
        let mut agenda = Agenda::new(3);
        let keys = [1, 2].map(|slot| Key { generation: 1, slot });
        let mut listed = [Listed::default(); 2];
        for _ in 0..2 {
            for (key, listed) in keys.into_iter().zip(&mut listed) {
                agenda.add(List::Run, Kind::Conn, key, listed);
                agenda.add(List::Events, Kind::Conn, key, listed);
            }
        }
        assert_eq!((agenda.len(List::Run), agenda.len(List::Events)), (2, 2));
        let first = agenda.take(List::Run).expect("two stand there");
        assert_eq!((first.key(), first.engine()), (keys[0], 3));
        listed[0].leave(List::Run);
        agenda.add(List::Run, Kind::Conn, keys[0], &mut listed[0]);
        assert_eq!(agenda.take(List::Run).map(Id::key), Some(keys[1]));
        assert_eq!(agenda.take(List::Run).map(Id::key), Some(keys[0]));
        assert!(agenda.is_empty(List::Run) && agenda.take(List::Run).is_none());
        assert_eq!(agenda.first(List::Events).map(Id::key), Some(keys[0]));
    }
}
