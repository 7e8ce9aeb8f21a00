//! Rules that another set may take the place of while they are used.

use std::sync::{Arc, PoisonError, RwLock};

use crate::rules::RuleSet;

/// A set of rules, and whichever takes its place. A connection keeps the one it began with.
#[derive(Debug)]
pub struct LiveRules(RwLock<Arc<RuleSet>>);

impl LiveRules {
    /// With `rules` at first.
    #[must_use]
    pub const fn new(rules: Arc<RuleSet>) -> Self {
        Self(RwLock::new(rules))
    }

    /// The set that connections begin with now.
    #[must_use]
    pub fn current(&self) -> Arc<RuleSet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Connections that begin from now on begin with `rules`.
    pub fn replace(&self, rules: Arc<RuleSet>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }
}
