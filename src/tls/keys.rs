//! What is kept of the handshake for later: where new keys come from, and where tickets go.

use rustls::client::ClientConnectionData;
use rustls::kernel::KernelConnection;
use rustls::server::ServerConnectionData;
use rustls::{ConnectionTrafficSecrets, Error, ProtocolVersion};

use super::expiry::Expiry;

/// The side this is. TLS 1.2 changes no keys and sends its ticket within the handshake, so it keeps
/// nothing.
pub(super) enum Keys {
    Server(Option<Box<KernelConnection<ServerConnectionData>>>),
    Client(Option<Box<ClientKeys>>),
}

/// Of a client, whose tickets come after the handshake.
pub(super) struct ClientKeys {
    kernel: KernelConnection<ClientConnectionData>,
    expiry: Expiry,
}

impl ClientKeys {
    /// Keeps the ticket for later.
    pub(super) fn take_ticket(&mut self, message: &[u8]) -> Result<(), Error> {
        let Self { kernel, expiry } = self;
        expiry.during(|| kernel.handle_new_session_ticket(message))
    }
}

impl Keys {
    pub(super) fn server(kernel: KernelConnection<ServerConnectionData>) -> Self {
        Self::Server(is_tls13(&kernel).then(|| Box::new(kernel)))
    }

    pub(super) fn client(kernel: KernelConnection<ClientConnectionData>, expiry: Expiry) -> Self {
        Self::Client(is_tls13(&kernel).then(|| Box::new(ClientKeys { kernel, expiry })))
    }

    /// The next keys to send with.
    pub(super) fn next_to_send(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error> {
        match self {
            Self::Server(Some(kernel)) => kernel.update_tx_secret(),
            Self::Client(Some(client)) => client.kernel.update_tx_secret(),
            Self::Server(None) | Self::Client(None) => Err(fixed()),
        }
    }

    /// The next keys to receive with.
    pub(super) fn next_to_receive(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error> {
        match self {
            Self::Server(Some(kernel)) => kernel.update_rx_secret(),
            Self::Client(Some(client)) => client.kernel.update_rx_secret(),
            Self::Server(None) | Self::Client(None) => Err(fixed()),
        }
    }
}

fn is_tls13<Data>(kernel: &KernelConnection<Data>) -> bool {
    kernel.protocol_version() == ProtocolVersion::TLSv1_3
}

fn fixed() -> Error {
    Error::General("TLS 1.2 does not change its keys".to_owned())
}
