//! What is kept of the handshake for later: the secrets that new keys are derived from, and where
//! tickets go.

use rustls::Error;
use rustls::client::ClientConnectionData;
use rustls::kernel::KernelConnection;

use super::expiry::Expiry;
use super::secrets::{Secret, Secrets};

/// The keys by side. TLS 1.2 changes no keys and sends its ticket within the handshake, so it keeps
/// nothing.
pub(super) enum Keys {
    Server(Option<Box<Secrets>>),
    Client(Option<Box<ClientKeys>>),
}

impl Keys {
    /// The secret that new keys to send with are derived from.
    pub(super) fn own(&mut self) -> Option<&mut Secret> {
        match self {
            Self::Server(keys) => keys.as_mut().map(|secrets| &mut secrets.server),
            Self::Client(keys) => keys.as_mut().map(|keys| &mut keys.secrets.client),
        }
    }

    /// The secret that new keys to receive with are derived from.
    pub(super) fn peers(&mut self) -> Option<&mut Secret> {
        match self {
            Self::Server(keys) => keys.as_mut().map(|secrets| &mut secrets.client),
            Self::Client(keys) => keys.as_mut().map(|keys| &mut keys.secrets.server),
        }
    }
}

/// What a client keeps, whose tickets come after the handshake.
pub(super) struct ClientKeys {
    pub(super) secrets: Secrets,
    /// `None` where no tickets are kept.
    pub(super) tickets: Option<Box<TicketReceiver>>,
}

/// What rustls makes sessions of a server's tickets with, and when they expire.
pub(super) struct TicketReceiver {
    pub(super) kernel: KernelConnection<ClientConnectionData>,
    pub(super) expiry: Expiry,
}

impl ClientKeys {
    /// Keeps a ticket for later.
    pub(super) fn take_ticket(&mut self, message: &[u8]) -> Result<(), Error> {
        match self.tickets.as_deref_mut() {
            Some(TicketReceiver { kernel, expiry }) => {
                expiry.during(|| kernel.handle_new_session_ticket(message))
            }
            None => Ok(()),
        }
    }
}
