//! The right to one stream on a server.

use super::server::ServerIndex;

/// One of the streams a server may carry. It can neither be copied nor made elsewhere, and giving it
/// back consumes it: so no slot is freed twice. One that is dropped is never freed.
#[derive(Debug)]
#[must_use = "a slot that is not given back is lost"]
pub(crate) struct ServerSlot {
    server: ServerIndex,
}

impl ServerSlot {
    /// Only for the backend, which counts the stream together with making the slot.
    pub(super) const fn of(server: ServerIndex) -> Self {
        Self { server }
    }

    /// The server it is on.
    #[must_use]
    pub(crate) const fn server(&self) -> ServerIndex {
        self.server
    }
}
