//! What a member has counted, at one moment.

use crate::sync::Arc;
use crate::table::Table;
use crate::wire::exposition::Exposition;

/// The numbers of one engine, or of several.
#[derive(Clone, Default)]
pub(crate) struct MetricsSnapshot {
    pub(crate) numbers: Exposition,
    /// The tables that rules can name, each once: their numbers can be read in any thread.
    pub(crate) tables: Vec<Arc<Table>>,
}

impl MetricsSnapshot {
    /// Adds the numbers of another engine.
    pub(crate) fn add(&mut self, other: &Self) {
        self.numbers.add(&other.numbers);
        for table in &other.tables {
            if !self.tables.iter().any(|known| Arc::ptr_eq(known, table)) {
                self.tables.push(Arc::clone(table));
            }
        }
    }

    /// Adds the counters of an engine that is gone: what it counted goes on counting, and what it had does
    /// not exist any more.
    pub(crate) fn keep_counters(&mut self, last: &Self) {
        self.numbers.add(&last.numbers.counters());
    }
}
