//! What is kept of the handshake for later: where new keys come from, and where tickets go.

use rustls::client::ClientConnectionData;
use rustls::kernel::KernelConnection;
use rustls::server::ServerConnectionData;
use rustls::{ConnectionTrafficSecrets, Error, ProtocolVersion};

/// The side this is. TLS 1.2 changes no keys and sends its ticket within the handshake, so it keeps
/// nothing.
pub(super) enum Keys {
    Server(Option<Box<KernelConnection<ServerConnectionData>>>),
    Client(Option<Box<KernelConnection<ClientConnectionData>>>),
}

impl Keys {
    pub(super) fn server(kernel: KernelConnection<ServerConnectionData>) -> Self {
        Self::Server(of_tls13(kernel))
    }

    pub(super) fn client(kernel: KernelConnection<ClientConnectionData>) -> Self {
        Self::Client(of_tls13(kernel))
    }

    /// The next keys to send with.
    pub(super) fn next_to_send(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error> {
        match self {
            Self::Server(Some(kernel)) => kernel.update_tx_secret(),
            Self::Client(Some(kernel)) => kernel.update_tx_secret(),
            Self::Server(None) | Self::Client(None) => Err(fixed()),
        }
    }

    /// The next keys to receive with.
    pub(super) fn next_to_receive(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error> {
        match self {
            Self::Server(Some(kernel)) => kernel.update_rx_secret(),
            Self::Client(Some(kernel)) => kernel.update_rx_secret(),
            Self::Server(None) | Self::Client(None) => Err(fixed()),
        }
    }
}

fn of_tls13<Data>(kernel: KernelConnection<Data>) -> Option<Box<KernelConnection<Data>>> {
    (kernel.protocol_version() == ProtocolVersion::TLSv1_3).then(|| Box::new(kernel))
}

fn fixed() -> Error {
    Error::General("TLS 1.2 does not change its keys".to_owned())
}
