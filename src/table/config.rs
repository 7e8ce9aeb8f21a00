//! What a table is made from.

use std::fmt;

use super::data::{DataType, GPC_MAX, Stored};
use super::key::{KEY_LEN_MAX, TableKeyKind};

/// The most entries a table may have: a slot is a number of 32 bits.
pub const SIZE_MAX: usize = 1 << 31;

/// What a table is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableConfig {
    /// What it is called in dumps and rules.
    pub name: String,
    /// What its keys are.
    pub kind: TableKeyKind,
    /// The most entries, 1 to [`SIZE_MAX`].
    pub size: usize,
    /// How long an entry that nothing holds is kept after its last use, in nanoseconds; `None`: until it
    /// is removed for another.
    pub expire: Option<u64>,
    /// When the table is full, no entry is removed for another: new keys are not tracked.
    pub nopurge: bool,
    /// What entries hold in addition to their key.
    pub store: Vec<Stored>,
}

/// Why there is no such table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableError {
    /// The size is 0 or above [`SIZE_MAX`].
    Size(usize),
    /// The length of a string or binary key is 0 or above [`KEY_LEN_MAX`].
    KeyLen(usize),
    /// The expiry is 0: entries would expire at once.
    Expire,
    /// The period of a rate is 0.
    Period(DataType),
    /// The number of counters is 0 or above [`GPC_MAX`].
    Counters(u8),
    /// This datum is stored twice.
    Twice(DataType),
}

impl TableConfig {
    /// Whether a table can be made from it.
    pub(super) fn check(&self) -> Result<(), TableError> {
        if !(1..=SIZE_MAX).contains(&self.size) {
            return Err(TableError::Size(self.size));
        }
        if !(1..=KEY_LEN_MAX).contains(&self.kind.width()) {
            return Err(TableError::KeyLen(self.kind.width()));
        }
        if self.expire == Some(0) {
            return Err(TableError::Expire);
        }
        for (i, stored) in self.store.iter().enumerate() {
            let data = stored.data();
            if let Stored::Gpc(count) = *stored
                && !(1..=GPC_MAX).contains(&count)
            {
                return Err(TableError::Counters(count));
            }
            if stored.period() == Some(0) {
                return Err(TableError::Period(data));
            }
            if self.store[..i].iter().any(|earlier| earlier.data() == data) {
                return Err(TableError::Twice(data));
            }
        }
        Ok(())
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(size) => {
                write!(f, "a table has 1 to {SIZE_MAX} entries, and {size} are asked for")
            }
            Self::KeyLen(len) => {
                write!(f, "a key has 1 to {KEY_LEN_MAX} bytes, and {len} are asked for")
            }
            Self::Expire => f.write_str("entries that expire after no time are never there"),
            Self::Period(data) => write!(f, "the period of {} is 0", data.name()),
            Self::Counters(count) => {
                write!(f, "an entry has 1 to {GPC_MAX} counters, and {count} are asked for")
            }
            Self::Twice(data) => write!(f, "{} is stored already", data.name()),
        }
    }
}

impl std::error::Error for TableError {}
