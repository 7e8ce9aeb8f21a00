//! What an entry holds in addition to its key, and where in the entry it is.

use super::rate::{self, Rate};
use crate::time::Time;

/// A datum that can be read from an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DataType {
    /// The number of a server, for streams that are to stay with one; 0 is none.
    ServerId,
    /// A tag of the host's own.
    Gpt0,
    /// A counter of the host's own, by its index.
    Gpc(u8),
    /// How often `Gpc(0)` was counted in the last period.
    Gpc0Rate,
    /// Connections, refused ones among them.
    ConnCnt,
    /// Connections in the last period.
    ConnRate,
    /// Connections that exist: what holds the entry.
    ConnCur,
    /// Sessions: connections that passed all rules.
    SessCnt,
    /// Sessions in the last period.
    SessRate,
    /// Bytes from the clients.
    BytesInCnt,
    /// Bytes from the clients in the last period.
    BytesInRate,
    /// Bytes to the clients.
    BytesOutCnt,
    /// Bytes to the clients in the last period.
    BytesOutRate,
    /// A counter of HTTP, by its place among the names of [`HTTP_NAMES`]: always 0.
    Http(u8),
}

/// The counters of HTTP that a table may name. HTTP is not spoken here, so they stay 0.
pub const HTTP_NAMES: [&str; 6] = [
    "http_req_cnt",
    "http_req_rate",
    "http_err_cnt",
    "http_err_rate",
    "http_fail_cnt",
    "http_fail_rate",
];

/// How many counters of the host's own an entry may hold.
pub const GPC_MAX: u8 = 100;

/// What a table stores in each of its entries. Periods are in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// [`DataType::ServerId`]
    ServerId,
    /// [`DataType::Gpt0`]
    Gpt0,
    /// [`DataType::Gpc`] with indices below this, which is 1 to [`GPC_MAX`]. HAProxy's `gpc0` is one.
    Gpc(u8),
    /// [`DataType::Gpc0Rate`] over a period.
    Gpc0Rate(u64),
    /// [`DataType::ConnCnt`]
    ConnCnt,
    /// [`DataType::ConnRate`] over a period.
    ConnRate(u64),
    /// [`DataType::ConnCur`]
    ConnCur,
    /// [`DataType::SessCnt`]
    SessCnt,
    /// [`DataType::SessRate`] over a period.
    SessRate(u64),
    /// [`DataType::BytesInCnt`]
    BytesInCnt,
    /// [`DataType::BytesInRate`] over a period.
    BytesInRate(u64),
    /// [`DataType::BytesOutCnt`]
    BytesOutCnt,
    /// [`DataType::BytesOutRate`] over a period.
    BytesOutRate(u64),
    /// [`DataType::Http`], of which nothing is kept.
    Http(u8),
}

impl Stored {
    /// The datum that this stores; the first of several.
    #[must_use]
    pub const fn data(self) -> DataType {
        match self {
            Self::ServerId => DataType::ServerId,
            Self::Gpt0 => DataType::Gpt0,
            Self::Gpc(_) => DataType::Gpc(0),
            Self::Gpc0Rate(_) => DataType::Gpc0Rate,
            Self::ConnCnt => DataType::ConnCnt,
            Self::ConnRate(_) => DataType::ConnRate,
            Self::ConnCur => DataType::ConnCur,
            Self::SessCnt => DataType::SessCnt,
            Self::SessRate(_) => DataType::SessRate,
            Self::BytesInCnt => DataType::BytesInCnt,
            Self::BytesInRate(_) => DataType::BytesInRate,
            Self::BytesOutCnt => DataType::BytesOutCnt,
            Self::BytesOutRate(_) => DataType::BytesOutRate,
            Self::Http(which) => DataType::Http(which),
        }
    }

    /// Whether it is a counter of HTTP, which stays 0.
    #[must_use]
    pub const fn is_of_http(self) -> bool {
        matches!(self, Self::Http(_))
    }

    /// The period of a rate; `None` for what is no rate.
    #[must_use]
    pub const fn period(self) -> Option<u64> {
        match self {
            Self::Gpc0Rate(period)
            | Self::ConnRate(period)
            | Self::SessRate(period)
            | Self::BytesInRate(period)
            | Self::BytesOutRate(period) => Some(period),
            _ => None,
        }
    }

    /// How many words of an entry it takes. The connections that exist are the holders of the
    /// entry, which are counted anyway.
    const fn words(self) -> usize {
        match self {
            Self::ConnCur | Self::Http(_) => 0,
            Self::Gpc(count) => count as usize,
            _ if self.period().is_some() => rate::WORDS,
            _ => 1,
        }
    }
}

impl DataType {
    /// The name in definitions, rules and dumps, without the index of a counter.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServerId => "server_id",
            Self::Gpt0 => "gpt0",
            Self::Gpc(_) => "gpc",
            Self::Gpc0Rate => "gpc0_rate",
            Self::ConnCnt => "conn_cnt",
            Self::ConnRate => "conn_rate",
            Self::ConnCur => "conn_cur",
            Self::SessCnt => "sess_cnt",
            Self::SessRate => "sess_rate",
            Self::BytesInCnt => "bytes_in_cnt",
            Self::BytesInRate => "bytes_in_rate",
            Self::BytesOutCnt => "bytes_out_cnt",
            Self::BytesOutRate => "bytes_out_rate",
            Self::Http(which) if (which as usize) < HTTP_NAMES.len() => HTTP_NAMES[which as usize],
            Self::Http(_) => "http",
        }
    }

    /// The position among all kinds of data; every index of a counter has the same position.
    const fn rank(self) -> usize {
        match self {
            Self::ServerId => 0,
            Self::Gpt0 => 1,
            Self::Gpc(_) => 2,
            Self::Gpc0Rate => 3,
            Self::ConnCnt => 4,
            Self::ConnRate => 5,
            Self::ConnCur => 6,
            Self::SessCnt => 7,
            Self::SessRate => 8,
            Self::BytesInCnt => 9,
            Self::BytesInRate => 10,
            Self::BytesOutCnt => 11,
            Self::BytesOutRate => BYTES_OUT_RANK,
            Self::Http(which) => BYTES_OUT_RANK + 1 + which as usize,
        }
    }
}

const BYTES_OUT_RANK: usize = 12;
const RANKS: usize = BYTES_OUT_RANK + 1 + HTTP_NAMES.len();

/// Where the data of an entry are among its words.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// By rank: what is stored, and its first word.
    places: [Option<(Stored, usize)>; RANKS],
    words: usize,
}

impl Layout {
    /// The layout of a list in which no datum is stored twice.
    pub(super) fn of(store: &[Stored]) -> Self {
        let mut layout = Self { places: [None; RANKS], words: 0 };
        for stored in store {
            layout.places[stored.data().rank()] = Some((*stored, layout.words));
            layout.words += stored.words();
        }
        layout
    }

    /// How many words an entry has.
    pub(super) const fn words(&self) -> usize {
        self.words
    }

    /// Everything that is stored, in the order of dumps.
    pub(super) fn stored(&self) -> impl Iterator<Item = Stored> {
        self.places.iter().flatten().map(|(stored, _)| *stored)
    }

    /// Whether `data` is stored.
    pub(super) fn has(&self, data: DataType) -> bool {
        self.place(data).is_some()
    }

    /// What is stored for `data` in the words of an entry, and the index of its first word.
    fn in_words(&self, data: DataType) -> Option<(Stored, usize)> {
        self.place(data).filter(|(stored, _)| stored.words() > 0)
    }

    fn place(&self, data: DataType) -> Option<(Stored, usize)> {
        let (stored, first) = (*self.places.get(data.rank())?)?;
        match (data, stored) {
            (DataType::Gpc(index), Stored::Gpc(count)) => {
                (index < count).then_some((stored, first + usize::from(index)))
            }
            _ => Some((stored, first)),
        }
    }

    /// Reads `data`, other than the number of holders, from the words of an entry.
    pub(super) fn read(&self, words: &[u64], data: DataType, now: Time) -> Option<u64> {
        if matches!(data, DataType::Http(_)) {
            return self.has(data).then_some(0);
        }
        let (stored, first) = self.in_words(data)?;
        match stored.period() {
            Some(period) => Some(rate_at(words, first)?.read(now, period)),
            None => words.get(first).copied(),
        }
    }

    /// Adds `count` to `data`, where it is stored, and returns the new value.
    pub(super) fn add(
        &self,
        words: &mut [u64],
        data: DataType,
        count: u64,
        now: Time,
    ) -> Option<u64> {
        let (stored, first) = self.in_words(data)?;
        if let Some(period) = stored.period() {
            let rate = rate_at(words, first)?.plus(count, now, period);
            put_rate(words, first, rate);
            return Some(rate.read(now, period));
        }
        let word = words.get_mut(first)?;
        *word = word.saturating_add(count);
        Some(*word)
    }

    /// Sets `data` to `value`, where it is stored. For a rate, a new period begins with the value.
    pub(super) fn put(
        &self,
        words: &mut [u64],
        data: DataType,
        value: u64,
        now: Time,
    ) -> Option<()> {
        let (stored, first) = self.in_words(data)?;
        if stored.period().is_some() {
            put_rate(words, first, Rate::starting(value, now));
        } else {
            *words.get_mut(first)? = value;
        }
        Some(())
    }
}

fn rate_at(words: &[u64], first: usize) -> Option<Rate> {
    words.get(first..)?.first_chunk().copied().map(Rate::of)
}

fn put_rate(words: &mut [u64], first: usize, rate: Rate) {
    if let Some(place) = words.get_mut(first..).and_then(<[u64]>::first_chunk_mut) {
        *place = rate.words();
    }
}
