//! Custom handlers: handlers that the host supplies.

use std::any::Any;
use std::sync::Arc;

/// One custom handler. The host gets its questions and gives its answers.
#[derive(Clone, Debug)]
pub struct Custom {
    /// Whether it works on the bytes that TLS protects, instead of those on the wire.
    pub behind_tls: bool,
    /// Its timeout, from its first question, in nanoseconds.
    pub span: u64,
    /// The value by which its owner identifies it.
    pub owner: Arc<dyn Any + Send + Sync>,
}
