//! One call into rustls and the handling of the one state it answers. If record protection is ever
//! done in place (with the keys of `dangerous_into_kernel_connection`), it is done here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError, ReadTraffic,
    UnbufferedStatus, WriteTraffic,
};
use rustls::{CommonState, Error};

use crate::buffer::Buffer;

/// Header of a record (RFC 8446 section 5.1): type, version, length.
pub(super) const HEADER: usize = 5;
/// The most plaintext in one record (RFC 8446 section 5.1).
pub(super) const PLAINTEXT_MAX: usize = 1 << 14;
/// The most a record adds to its plaintext: header, explicit nonce, inner type and tag, rounded up.
/// More is asked for by rustls and given.
const OVERHEAD: usize = 64;

/// rustls's connection. Boxed, since a connection that has sent nothing yet has none.
pub(super) enum Link {
    Server(Box<UnbufferedServerConnection>),
    Client(Box<UnbufferedClientConnection>),
}

/// What a call is made for, beside letting rustls go on.
pub(super) enum Task<'a> {
    /// Nothing: handshake messages and alerts move.
    Move,
    /// Plaintext that appears goes here.
    Decrypt(&'a mut Buffer),
    /// This becomes one record; not empty, at most [`PLAINTEXT_MAX`].
    Encrypt(&'a [u8]),
    /// The outgoing direction ends.
    CloseNotify,
}

/// What a call did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Something moved; the same call may move more.
    Again,
    /// Nothing moves without more of the peer's handshake.
    Blocked,
    /// Nothing moves; the handshake is over.
    Idle,
    /// The task (to encrypt or to close) is done.
    Done,
    /// The peer's close_notify was read, just now or both sides closed before.
    PeerClosed,
}

impl Link {
    pub(super) fn common(&self) -> &CommonState {
        match self {
            Self::Server(connection) => connection,
            Self::Client(connection) => connection,
        }
    }

    /// One call. `input` is what rustls has read and still refers to, the very bytes it left there,
    /// and possibly what follows them. Answers how many of its first bytes are to be dropped.
    /// What is to be sent is appended to `out`, or dropped without one.
    pub(super) fn step(
        &mut self,
        input: &mut [u8],
        task: &mut Task<'_>,
        out: Option<&mut Buffer>,
    ) -> (usize, Result<Step, Error>) {
        match self {
            Self::Server(connection) => act(connection.process_tls_records(input), task, out),
            Self::Client(connection) => act(connection.process_tls_records(input), task, out),
        }
    }

    /// The same after our close_notify, when nothing may be sent any more.
    ///
    /// rustls asserts, in debug builds, that no alert follows a close_notify, and makes one when
    /// the peer then sends garbage: without the guard a peer could panic such a build. The
    /// connection must not be used after an error from here.
    pub(super) fn step_silent(
        &mut self,
        input: &mut [u8],
        task: &mut Task<'_>,
    ) -> (usize, Result<Step, Error>) {
        catch_unwind(AssertUnwindSafe(|| self.step(input, task, None))).unwrap_or_else(|payload| {
            // Dropping a payload may panic again.
            std::mem::forget(payload);
            (0, Err(Error::DecryptError))
        })
    }

    /// Takes what rustls wants to send after an error, which is at most an alert. The only call
    /// that may follow one: it ends before rustls would read again.
    pub(super) fn take_alert(&mut self, input: &mut [u8], out: &mut Buffer) {
        while self.common().wants_write() {
            let (_, step) = self.step(input, &mut Task::Move, Some(out));
            if step != Ok(Step::Again) {
                return;
            }
        }
    }
}

fn act<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    task: &mut Task<'_>,
    out: Option<&mut Buffer>,
) -> (usize, Result<Step, Error>) {
    let step = status.state.and_then(|state| match state {
        ConnectionState::EncodeTlsData(data) => encode(data, out),
        // `done` says that the bytes are in our ordered queue, not that they are sent.
        ConnectionState::TransmitTlsData(data) => {
            data.done();
            Ok(Step::Again)
        }
        ConnectionState::ReadTraffic(traffic) => read(traffic, task),
        ConnectionState::WriteTraffic(traffic) => write(traffic, task, out),
        ConnectionState::BlockedHandshake => Ok(Step::Blocked),
        ConnectionState::PeerClosed | ConnectionState::Closed => Ok(Step::PeerClosed),
        // Early data is switched off in every configuration.
        _ => Err(Error::General("an unknown state of the connection".to_owned())),
    });
    (status.discard, step)
}

/// A chunk that does not fit is lost when its state is dropped, so it is tried again within it.
fn encode<Data>(
    mut data: EncodeTlsData<'_, Data>,
    out: Option<&mut Buffer>,
) -> Result<Step, Error> {
    let Some(out) = out else {
        return Ok(Step::Again);
    };
    let mut outcome = data.encode(out.space());
    if let Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) = outcome {
        out.reserve(required_size);
        outcome = data.encode(out.space());
    }
    let written = outcome.map_err(|why| Error::General(why.to_string()))?;
    out.commit(written);
    Ok(Step::Again)
}

/// All of it is taken out: plaintext left inside hides every other state.
fn read<Data>(mut traffic: ReadTraffic<'_, '_, Data>, task: &mut Task<'_>) -> Result<Step, Error> {
    while let Some(record) = traffic.next_record() {
        match task {
            Task::Decrypt(plain) => plain.extend(record?.payload),
            _ => return Err(Error::General("data before its time".to_owned())),
        }
    }
    Ok(Step::Again)
}

fn write<Data>(
    mut traffic: WriteTraffic<'_, Data>,
    task: &Task<'_>,
    out: Option<&mut Buffer>,
) -> Result<Step, Error> {
    let plain = match task {
        Task::Move | Task::Decrypt(_) => return Ok(Step::Idle),
        Task::Encrypt(plain) => Some(*plain),
        Task::CloseNotify => None,
    };
    let Some(out) = out else {
        return Err(Error::General("nowhere to write".to_owned()));
    };
    out.reserve(plain.map_or(0, <[u8]>::len) + OVERHEAD);
    let mut attempt = |space: &mut [u8]| match plain {
        Some(plain) => traffic.encrypt(plain, space),
        None => traffic.queue_close_notify(space),
    };
    let mut outcome = attempt(out.space());
    // A KeyUpdate or an alert may stand before the record, so the size is only known to rustls.
    if let Err(EncryptError::InsufficientSize(InsufficientSizeError { required_size })) = outcome {
        out.reserve(required_size);
        outcome = attempt(out.space());
    }
    match outcome {
        Ok(written) => {
            out.commit(written);
            Ok(Step::Done)
        }
        Err(why) => Err(Error::General(why.to_string())),
    }
}
