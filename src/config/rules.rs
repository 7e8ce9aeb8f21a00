//! Rules that can be replaced while they are used.

use std::sync::{Arc, PoisonError, RwLock};

use crate::rules::RuleSet;

/// A set of rules that can be replaced. A connection keeps the set that it began with.
#[derive(Debug)]
pub struct LiveRules(RwLock<Arc<RuleSet>>);

impl LiveRules {
    /// Begins with `rules`.
    #[must_use]
    pub const fn new(rules: Arc<RuleSet>) -> Self {
        Self(RwLock::new(rules))
    }

    /// The set for connections that begin now.
    #[must_use]
    pub fn current(&self) -> Arc<RuleSet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the set for connections that begin from now on.
    pub fn replace(&self, rules: Arc<RuleSet>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }
}
