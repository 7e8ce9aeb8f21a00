//! Counters of table entries: `sc0_conn_rate`, `src_get_gpc0`, and those that count when they are asked.

use std::sync::Arc;

use crate::rules::argument_reader::{Context, Written};
use crate::rules::arguments::Arguments;
use crate::rules::context::EvalContext;
use crate::rules::error::LineFault;
use crate::rules::param::{Param, ParamKind, optional, param};
use crate::rules::progress::TrackSlot;
use crate::rules::tables;
use crate::rules::value::{Value, ValueType};
use crate::table::{DataType, Table, TableKey};

/// A datum of a table entry, as it is named behind `sc0_` and its like.
pub(crate) struct Counter {
    pub(crate) name: &'static str,
    /// HAProxy's name for it, when that is another.
    pub(crate) haproxy: Option<&'static str>,
    pub(super) action: CounterAction,
    pub(crate) doc: &'static str,
}

macro_rules! counters {
    ($($name:literal $(= $haproxy:literal)?: $action:expr, $doc:literal;)+) => {
        &[$(Counter { name: $name, haproxy: counters!(@ $($haproxy)?), action: $action, doc: $doc }),+]
    };
    (@) => { None };
    (@ $haproxy:literal) => { Some($haproxy) };
}

/// Every counter of an entry.
pub(crate) const COUNTERS: &[Counter] = counters! {
    "conn_cnt": CounterAction::Read(DataType::ConnCnt), "connections, refused ones among them";
    "conn_cur": CounterAction::Read(DataType::ConnCur), "connections that exist";
    "conn_rate": CounterAction::Read(DataType::ConnRate), "connections in the table's period";
    "sess_cnt": CounterAction::Read(DataType::SessCnt), "sessions: connections that passed the `session` rules";
    "sess_rate": CounterAction::Read(DataType::SessRate), "sessions in the table's period";
    "bytes_in_cnt": CounterAction::Read(DataType::BytesInCnt), "bytes from the client";
    "bytes_in_rate": CounterAction::Read(DataType::BytesInRate), "bytes from the client in the table's period";
    "bytes_out_cnt": CounterAction::Read(DataType::BytesOutCnt), "bytes to the client";
    "bytes_out_rate": CounterAction::Read(DataType::BytesOutRate), "bytes to the client in the table's period";
    "kbytes_in": CounterAction::ReadKilo(DataType::BytesInCnt), "as `bytes_in_cnt`, in units of 1024 bytes";
    "kbytes_out": CounterAction::ReadKilo(DataType::BytesOutCnt), "as `bytes_out_cnt`, in units of 1024 bytes";
    "gpc0" = "get_gpc0": CounterAction::Read(DataType::Gpc(0)), "the counter that `sc-inc-gpc0` counts";
    "gpc1" = "get_gpc1": CounterAction::Read(DataType::Gpc(1)), "the counter that `sc-inc-gpc1` counts";
    "gpc0_rate": CounterAction::Read(DataType::Gpc0Rate), "how often the first was counted in the table's period";
    "gpt0" = "get_gpt0": CounterAction::Read(DataType::Gpt0), "the tag that `sc-set-gpt0` sets";
    "http_req_cnt": CounterAction::Read(DataType::Http(0)), "0: HTTP is not spoken here";
    "http_req_rate": CounterAction::Read(DataType::Http(1)), "0: HTTP is not spoken here";
    "http_err_cnt": CounterAction::Read(DataType::Http(2)), "0: HTTP is not spoken here";
    "http_err_rate": CounterAction::Read(DataType::Http(3)), "0: HTTP is not spoken here";
    "http_fail_cnt": CounterAction::Read(DataType::Http(4)), "0: HTTP is not spoken here";
    "http_fail_rate": CounterAction::Read(DataType::Http(5)), "0: HTTP is not spoken here";
};

/// The unit of `kbytes_in` and `kbytes_out`.
const KILO: u64 = 1_024;

/// What asking does to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CounterAction {
    Read(DataType),
    ReadKilo(DataType),
    /// Counts one, and is what the counter is then.
    Increment(u8),
    /// Sets 0, and is what the counter was.
    Clear(u8),
    /// How many connections hold the entry.
    Holders,
    /// Whether there is an entry.
    IsTracked,
    /// Counts a connection, and is how many there were then.
    CountConnection,
}

impl CounterAction {
    /// The datum that it needs; `None` where every entry has it.
    pub(crate) const fn data(self) -> Option<DataType> {
        match self {
            Self::Read(data) | Self::ReadKilo(data) => Some(data),
            Self::Increment(index) | Self::Clear(index) => Some(DataType::Gpc(index)),
            Self::CountConnection => Some(DataType::ConnCnt),
            Self::Holders | Self::IsTracked => None,
        }
    }
}

/// A word that does more than read.
pub(crate) struct Stateful {
    pub(crate) name: &'static str,
    action: CounterAction,
    pub(crate) doc: &'static str,
}

/// Every word that does more than read.
pub(crate) const STATEFUL: &[Stateful] = &[
    Stateful {
        name: "inc_gpc0",
        action: CounterAction::Increment(0),
        doc: "counts one in `gpc0`, and is what it is then",
    },
    Stateful {
        name: "inc_gpc1",
        action: CounterAction::Increment(1),
        doc: "counts one in `gpc1`, and is what it is then",
    },
    Stateful {
        name: "clr_gpc0",
        action: CounterAction::Clear(0),
        doc: "sets `gpc0` to 0, and is what it was",
    },
    Stateful {
        name: "clr_gpc1",
        action: CounterAction::Clear(1),
        doc: "sets `gpc1` to 0, and is what it was",
    },
    Stateful {
        name: "trackers",
        action: CounterAction::Holders,
        doc: "connections that are counted in the entry now; not behind `src_`",
    },
    Stateful {
        name: "tracked",
        action: CounterAction::IsTracked,
        doc: "yes, where the connection is counted in an entry; not behind `src_`",
    },
    Stateful {
        name: "updt_conn_cnt",
        action: CounterAction::CountConnection,
        doc: "counts one in `conn_cnt`, and is what it is then; behind `src_` alone",
    },
];

/// Whose entry a counter is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CounterOwner {
    /// The entry in a slot.
    Slot(TrackSlot),
    /// The entry in the slot that is given in brackets.
    Numbered,
    /// The source's entry in a table.
    Source,
}

impl CounterOwner {
    pub(crate) const fn doc(self) -> &'static str {
        match self {
            Self::Slot(_) => {
                "the entry that `track-sc0`, `track-sc1` or `track-sc2` has found; with a table in brackets, \
                 the entry of the same key there: `sc0_conn_rate(NAME)`"
            }
            Self::Numbered => {
                "the same, with the number in brackets: `sc_conn_rate(0)`, `sc_conn_rate(0,NAME)`"
            }
            Self::Source => {
                "the entry of `src` in the table in brackets, or in that of the section: \
                 `src_conn_rate(NAME)`; 0 where there is no entry"
            }
        }
    }

    const fn params(self) -> &'static [Param] {
        const SLOT: Param = param("slot", ParamKind::Slot);
        const OTHER: Param = optional("table", ParamKind::Named);
        const TABLE: Param = optional("table", ParamKind::AddressTable);
        match self {
            Self::Slot(_) => &[OTHER],
            Self::Numbered => &[SLOT, OTHER],
            Self::Source => &[TABLE],
        }
    }
}

/// The prefixes of the names of counters.
pub(crate) const OWNERS: [(&str, CounterOwner); 5] = [
    ("sc0_", CounterOwner::Slot(TrackSlot::ALL[0])),
    ("sc1_", CounterOwner::Slot(TrackSlot::ALL[1])),
    ("sc2_", CounterOwner::Slot(TrackSlot::ALL[2])),
    ("sc_", CounterOwner::Numbered),
    ("src_", CounterOwner::Source),
];

/// A counter of which an entry has an array: `sc_get_gpc(INDEX,SLOT)`.
pub(crate) struct CounterArray {
    pub(crate) name: &'static str,
    action: fn(u8) -> CounterAction,
    pub(crate) doc: &'static str,
}

/// All of them.
pub(crate) const ARRAYS: [CounterArray; 3] = [
    CounterArray {
        name: "get_gpc",
        action: |index| CounterAction::Read(DataType::Gpc(index)),
        doc: "the counter with an index, from 0, of those of `gpc(N)`",
    },
    CounterArray {
        name: "inc_gpc",
        action: CounterAction::Increment,
        doc: "counts one there, and is how many there are then",
    },
    CounterArray {
        name: "clr_gpc",
        action: CounterAction::Clear,
        doc: "sets 0 there, and is how many there were",
    },
];

/// Where a counter is looked for.
#[derive(Clone, Debug)]
enum CounterEntry {
    /// In what a slot tracks.
    Tracked(TrackSlot),
    /// In the entry of another table that has the key of what a slot tracks.
    SameKey(TrackSlot, Arc<Table>),
    /// In the source's entry.
    Source(Arc<Table>),
}

/// A counter that is asked for.
#[derive(Clone, Debug)]
pub(crate) struct CounterFetch {
    word: Box<str>,
    entry: CounterEntry,
    action: CounterAction,
}

/// Every spelling of every counter.
pub(super) fn names() -> impl Iterator<Item = String> {
    OWNERS.iter().flat_map(|(owner, _)| {
        let plain = COUNTERS.iter().flat_map(|it| std::iter::once(it.name).chain(it.haproxy));
        let stateful = STATEFUL.iter().map(|it| it.name);
        let arrays = ARRAYS.iter().map(|it| it.name);
        plain.chain(stateful).chain(arrays).map(move |name| format!("{owner}{name}"))
    })
}

#[cfg(test)]
impl Counter {
    /// The datum that is read.
    pub(crate) fn data(&self) -> DataType {
        self.action.data().expect("a datum")
    }
}

impl CounterFetch {
    /// Reads a word; `None` where it is no counter.
    pub(super) fn parse(
        written: &Written<'_>,
        context: Context<'_>,
    ) -> Option<Result<Self, LineFault>> {
        OWNERS.iter().find_map(|(prefix, owner)| {
            let name = written.word.strip_prefix(prefix)?;
            if let Some(array) = ARRAYS.iter().find(|array| array.name == name) {
                return Some(Self::of_array(*owner, array.action, written, context));
            }
            let action = action(name, *owner)?;
            Some(Self::of(*owner, action, written, context))
        })
    }

    fn of_array(
        owner: CounterOwner,
        action: fn(u8) -> CounterAction,
        written: &Written<'_>,
        context: Context<'_>,
    ) -> Result<Self, LineFault> {
        const LAST: i64 = crate::table::GPC_MAX as i64 - 1;
        const INDEX: Param = param("index", ParamKind::Number(0, LAST));
        let params: Vec<Param> =
            [INDEX].into_iter().chain(owner.params().iter().copied()).collect();
        let arguments = written.read(&params, context)?;
        let index = arguments.place(0) as u8;
        Self::with(owner, action(index), &arguments, 1, written)
    }

    fn of(
        owner: CounterOwner,
        action: CounterAction,
        written: &Written<'_>,
        context: Context<'_>,
    ) -> Result<Self, LineFault> {
        let arguments = written.read(owner.params(), context)?;
        Self::with(owner, action, &arguments, 0, written)
    }

    fn with(
        owner: CounterOwner,
        action: CounterAction,
        arguments: &Arguments,
        at: usize,
        written: &Written<'_>,
    ) -> Result<Self, LineFault> {
        let tracked = |slot, table: Option<&Arc<Table>>| match table {
            None => CounterEntry::Tracked(slot),
            Some(table) => CounterEntry::SameKey(slot, Arc::clone(table)),
        };
        let entry = match owner {
            CounterOwner::Slot(slot) => tracked(slot, arguments.table(at)),
            CounterOwner::Numbered => match arguments.slot(at) {
                Some(slot) => tracked(slot, arguments.table(at + 1)),
                None => return Err(written.fault("a slot is missing", "0, 1 or 2")),
            },
            CounterOwner::Source => match arguments.table(at) {
                Some(table) => CounterEntry::Source(Arc::clone(table)),
                None => return Err(written.fault("a table is missing", "the name of one")),
            },
        };
        let counter = Self { word: written.word.into(), entry, action };
        if let CounterEntry::SameKey(_, table) | CounterEntry::Source(table) = &counter.entry {
            counter.check(table, written.span.clone())?;
        }
        Ok(counter)
    }

    /// Its word.
    pub(super) fn name(&self) -> String {
        (*self.word).to_owned()
    }

    /// The type of its value.
    pub(super) const fn kind(&self) -> ValueType {
        match self.action {
            CounterAction::IsTracked => ValueType::Bool,
            _ => ValueType::Int,
        }
    }

    /// Its value.
    pub(super) fn value(&self, context: &EvalContext<'_>) -> Option<Value<'static>> {
        let number = self.read(context)?;
        Some(match self.kind() {
            ValueType::Bool => Value::Bool(number > 0),
            _ => Value::count(number),
        })
    }

    /// The slot whose entry it asks; none where it asks whether there is one.
    pub(crate) const fn slot(&self) -> Option<TrackSlot> {
        match &self.entry {
            _ if matches!(self.action, CounterAction::IsTracked) => None,
            CounterEntry::Tracked(slot) | CounterEntry::SameKey(slot, _) => Some(*slot),
            CounterEntry::Source(_) => None,
        }
    }

    /// Whether it asks what the slot tracks, whose table has to store it.
    pub(crate) const fn asks_tracked(&self) -> bool {
        matches!(self.entry, CounterEntry::Tracked(_))
    }

    const fn data(&self) -> Option<DataType> {
        self.action.data()
    }

    /// Whether a table stores what it asks for.
    pub(crate) fn is_stored_in(&self, table: &Table) -> bool {
        self.data().is_none_or(|data| table.stores(data))
    }

    /// A fault where `table` does not store what it asks for.
    pub(crate) fn check(
        &self,
        table: &Table,
        span: std::ops::Range<usize>,
    ) -> Result<(), LineFault> {
        match self.data() {
            Some(data) if !table.stores(data) => Err(tables::not_stored(table, data, span)),
            _ => Ok(()),
        }
    }

    fn read(&self, context: &EvalContext<'_>) -> Option<u64> {
        let now = context.now;
        match &self.entry {
            CounterEntry::Tracked(slot) if self.action == CounterAction::IsTracked => {
                Some(context.tracks.get(*slot).is_some().into())
            }
            CounterEntry::Tracked(slot) => {
                let tracked = context.tracks.get(*slot)?;
                match self.action {
                    CounterAction::Read(data) => tracked.get(data, now),
                    CounterAction::ReadKilo(data) => tracked.get(data, now).map(|n| n / KILO),
                    CounterAction::Increment(index) => tracked.increment_gpc(index, now),
                    CounterAction::Clear(index) => tracked.clear_gpc(index),
                    CounterAction::Holders => Some(tracked.holders()),
                    CounterAction::CountConnection | CounterAction::IsTracked => None,
                }
            }
            CounterEntry::SameKey(slot, table) => {
                let key = context.tracks.get(*slot)?.key();
                Some(self.ask(table, key.borrow(), context).unwrap_or(0))
            }
            CounterEntry::Source(table) => {
                let source = context.facts.source()?.ip();
                // A source without an entry has a count of 0.
                Some(self.ask(table, TableKey::Ip(source), context).unwrap_or(0))
            }
        }
    }

    fn ask(&self, table: &Table, key: TableKey<'_>, context: &EvalContext<'_>) -> Option<u64> {
        let now = context.now;
        match self.action {
            CounterAction::Read(data) => table.get(key, data, now),
            CounterAction::ReadKilo(data) => table.get(key, data, now).map(|count| count / KILO),
            CounterAction::Increment(index) => table.increment_gpc(key, index, now),
            CounterAction::Clear(index) => table.clear_gpc(key, index, now),
            CounterAction::Holders => table.holders(key, now),
            CounterAction::IsTracked => Some(table.contains(key, now).into()),
            CounterAction::CountConnection => table.count_connection(key, now),
        }
    }
}

fn action(name: &str, owner: CounterOwner) -> Option<CounterAction> {
    let is_called = |counter: &&Counter| counter.name == name || counter.haproxy == Some(name);
    if let Some(counter) = COUNTERS.iter().find(is_called) {
        return Some(counter.action);
    }
    let stateful = STATEFUL.iter().find(|stateful| stateful.name == name)?;
    let is_of_source = owner == CounterOwner::Source;
    let fits = match stateful.action {
        CounterAction::Holders | CounterAction::IsTracked => !is_of_source,
        CounterAction::CountConnection => is_of_source,
        _ => true,
    };
    fits.then_some(stateful.action)
}
