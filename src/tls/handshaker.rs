//! rustls's connection while the handshake lasts: one call into it and the handling of the one
//! state it answers.

use std::sync::Arc;

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, InsufficientSizeError, UnbufferedStatus,
};
use rustls::{ClientConfig, CommonState, Error, ServerConfig};

use super::agreed::Agreed;
use super::expiry::Expiry;
use super::keys::{ClientKeys, Keys, TicketReceiver};
use super::options::TlsVersion;
use super::peer_chains::Chains;
use super::secrets::Secrets;
use super::traffic::Traffic;
use crate::buffer::Buffer;

/// rustls's connection, and when the certificate it has verified expires. Boxed, since it is large
/// and does not outlive the handshake.
pub(super) struct Handshaker {
    connection: Connection,
    expiry: Expiry,
    /// The traffic secrets: in TLS 1.3 they exist before the handshake is over.
    secrets: Option<Secrets>,
}

enum Connection {
    Server(UnbufferedServerConnection),
    Client(UnbufferedClientConnection),
}

/// What a call into rustls achieved.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There was progress; calling again without new input may bring more.
    Again,
    /// No progress is possible without more of the peer's handshake.
    Blocked,
    /// No progress is left to make: the handshake is over.
    Over,
}

impl Handshaker {
    pub(super) fn server(config: &Arc<ServerConfig>) -> Result<Self, Error> {
        let connection = UnbufferedServerConnection::new(Arc::clone(config))?;
        Ok(Self::new(Connection::Server(connection), Expiry::NEVER))
    }

    /// A client's connection, which resumes a session if there is one.
    pub(super) fn client(
        config: &Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<Self, Error> {
        let mut expiry = Expiry::NEVER;
        let connection =
            expiry.during(|| UnbufferedClientConnection::new(Arc::clone(config), name))?;
        Ok(Self::new(Connection::Client(connection), expiry))
    }

    const fn new(connection: Connection, expiry: Expiry) -> Self {
        Self { connection, expiry, secrets: None }
    }

    pub(super) fn common(&self) -> &CommonState {
        match &self.connection {
            Connection::Server(connection) => connection,
            Connection::Client(connection) => connection,
        }
    }

    /// One call. `input` is what rustls has read and still refers to, the very bytes it left there,
    /// and possibly what follows them. Answers how many of its first bytes are to be dropped.
    /// What is to be sent is appended to `out`.
    pub(super) fn step(
        &mut self,
        input: &mut [u8],
        out: &mut Buffer,
    ) -> (usize, Result<Step, Error>) {
        let Self { connection, expiry, secrets } = self;
        let outcome = expiry.during(|| match connection {
            Connection::Server(connection) => act(connection.process_tls_records(input), out),
            Connection::Client(connection) => act(connection.process_tls_records(input), out),
        });
        if let Some(reported) = Secrets::take() {
            *secrets = Some(reported);
        }
        outcome
    }

    /// Takes what rustls wants to send after an error, which is at most an alert. The only call
    /// that may follow one: it ends before rustls would read again.
    pub(super) fn take_alert(&mut self, out: &mut Buffer) {
        while self.common().wants_write() {
            let (_, step) = self.step(&mut [], out);
            if step != Ok(Step::Again) {
                return;
            }
        }
    }

    /// Takes the keys out of a connection whose handshake is over and that has nothing to send.
    /// `keeps_tickets`: whether a client keeps the tickets that arrive later.
    pub(super) fn into_traffic(
        self,
        chains: &Chains,
        keeps_tickets: bool,
    ) -> Result<Traffic, Error> {
        let agreed = Agreed::of(self.common(), chains).ok_or(Error::HandshakeNotComplete)?;
        let Self { connection, expiry, secrets } = self;
        let missing = || Error::General("the secrets of the handshake were not told".to_owned());
        let secrets = match agreed.version {
            TlsVersion::Tls12 => None,
            TlsVersion::Tls13 => Some(secrets.ok_or_else(missing)?),
        };
        match connection {
            Connection::Server(connection) => {
                let (keys, _) = connection.dangerous_into_kernel_connection()?;
                Traffic::new(agreed, keys, Keys::Server(secrets.map(Box::new)))
            }
            Connection::Client(connection) => {
                let (keys, kernel) = connection.dangerous_into_kernel_connection()?;
                let kept = secrets.map(|secrets| {
                    let tickets =
                        keeps_tickets.then(|| Box::new(TicketReceiver { kernel, expiry }));
                    Box::new(ClientKeys { secrets, tickets })
                });
                Traffic::new(agreed, keys, Keys::Client(kept))
            }
        }
    }
}

fn act<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    out: &mut Buffer,
) -> (usize, Result<Step, Error>) {
    let step = status.state.and_then(|state| match state {
        ConnectionState::EncodeTlsData(data) => encode(data, out),
        // `done` says that the bytes are in our ordered queue, not that they are sent.
        ConnectionState::TransmitTlsData(data) => {
            data.done();
            Ok(Step::Again)
        }
        ConnectionState::BlockedHandshake => Ok(Step::Blocked),
        ConnectionState::WriteTraffic(_) => Ok(Step::Over),
        // Early data is switched off in every configuration, and nothing behind the handshake is
        // shown to rustls.
        _ => Err(Error::General("an unknown state of the connection".to_owned())),
    });
    (status.discard, step)
}

/// rustls loses a chunk that does not fit when its state is dropped, so encoding is tried again,
/// with more room, on the same state.
fn encode<Data>(mut data: EncodeTlsData<'_, Data>, out: &mut Buffer) -> Result<Step, Error> {
    let mut outcome = data.encode(out.space());
    if let Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) = outcome {
        out.reserve(required_size);
        outcome = data.encode(out.space());
    }
    let written = outcome.map_err(|why| Error::General(why.to_string()))?;
    out.commit(written);
    Ok(Step::Again)
}
