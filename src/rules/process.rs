//! Variables of the whole process: `proc.name`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::value::Value;

/// The prefix of their names.
pub(super) const SCOPE: &str = "proc.";

/// Variables that all connections share, and every set of rules that takes the place of the one that
/// set them. They are locked only by rules that name one.
#[derive(Clone, Debug, Default)]
pub(super) struct ProcessVariables(Arc<Mutex<BTreeMap<Box<str>, Value<'static>>>>);

impl ProcessVariables {
    pub(super) fn get(&self, name: &str) -> Option<Value<'static>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(super) fn set(&self, name: &str, value: Option<Value<'static>>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match value {
            Some(value) => held.insert(name.into(), value),
            None => held.remove(name),
        };
    }
}
