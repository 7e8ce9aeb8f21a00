//! What is kept of the handshake for later: what new keys are made of, and where tickets go.

use rustls::Error;
use rustls::client::ClientConnectionData;
use rustls::kernel::KernelConnection;

use super::expiry::Expiry;
use super::secrets::{Secret, Secrets};

/// The side this is. TLS 1.2 changes no keys and sends its ticket within the handshake, so it keeps
/// nothing.
pub(super) enum Keys {
    Server(Option<Box<Secrets>>),
    Client(Option<Box<ClientKeys>>),
}

impl Keys {
    /// What new keys to send with are made of.
    pub(super) fn own(&mut self) -> Option<&mut Secret> {
        match self {
            Self::Server(keys) => keys.as_mut().map(|secrets| &mut secrets.server),
            Self::Client(keys) => keys.as_mut().map(|keys| &mut keys.secrets.client),
        }
    }

    /// What new keys to receive with are made of.
    pub(super) fn peers(&mut self) -> Option<&mut Secret> {
        match self {
            Self::Server(keys) => keys.as_mut().map(|secrets| &mut secrets.client),
            Self::Client(keys) => keys.as_mut().map(|keys| &mut keys.secrets.server),
        }
    }
}

/// Of a client, whose tickets come after the handshake.
pub(super) struct ClientKeys {
    pub(super) secrets: Secrets,
    /// Where there is a place for them.
    pub(super) tickets: Option<Box<Tickets>>,
}

/// What rustls makes sessions of a server's tickets with, and when they expire.
pub(super) struct Tickets {
    pub(super) kernel: KernelConnection<ClientConnectionData>,
    pub(super) expiry: Expiry,
}

impl ClientKeys {
    /// Keeps a ticket for later.
    pub(super) fn take_ticket(&mut self, message: &[u8]) -> Result<(), Error> {
        match self.tickets.as_deref_mut() {
            Some(Tickets { kernel, expiry }) => {
                expiry.during(|| kernel.handle_new_session_ticket(message))
            }
            None => Ok(()),
        }
    }
}
