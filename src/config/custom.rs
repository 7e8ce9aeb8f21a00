//! Handlers of the host's own.

use std::any::Any;
use std::sync::Arc;

/// One handler of the host's own. It is asked, and answers, from outside.
#[derive(Clone, Debug)]
pub struct Custom {
    /// Whether it sees what TLS protects, instead of what is on the wire.
    pub behind_tls: bool,
    /// How long it may take from when it is first asked, in nanoseconds.
    pub span: u64,
    /// What its owner knows it by.
    pub owner: Arc<dyn Any + Send + Sync>,
}
