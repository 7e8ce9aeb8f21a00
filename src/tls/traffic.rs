//! A connection whose handshake is over: data, alerts and handshake messages.

use rustls::{Error, ExtractedSecrets, SupportedCipherSuite};

use super::agreed::Agreed;
use super::diagnosis::alert_for;
use super::failure::{Failure, FailureKind};
use super::keys::Keys;
use super::options::TlsVersion;
use super::outcome::TlsNotices;
use super::record::{
    ALERT, APPLICATION_DATA, DECODE_ERROR, HANDSHAKE, HEADER, Protection, UNEXPECTED_MESSAGE,
};
use super::record_buffer::RecordBuffer;
use super::secrets::Secret;
use crate::buffer::Buffer;

/// Alerts (RFC 8446 section 6, RFC 5246 section 7.2).
const CLOSE_NOTIFY: u8 = 0;
const ILLEGAL_PARAMETER: u8 = 47;
const INTERNAL_ERROR: u8 = 80;
const USER_CANCELED: u8 = 90;
const NO_RENEGOTIATION: u8 = 100;
/// Levels of alerts.
const WARNING: u8 = 1;
const FATAL: u8 = 2;

/// Handshake messages (RFC 8446 section 4, RFC 5246 section 7.4).
const HELLO_REQUEST: u8 = 0;
const CLIENT_HELLO: u8 = 1;
const NEW_SESSION_TICKET: u8 = 4;
const KEY_UPDATE: u8 = 24;
/// The values of `request_update` in a KeyUpdate (RFC 8446 section 4.6.3).
const UPDATE_NOT_REQUESTED: u8 = 0;
const UPDATE_REQUESTED: u8 = 1;
/// The longest NewSessionTicket that is taken, as in BoringSSL. It carries a whole session, with the
/// client's certificate if that is how the server keeps it.
const TICKET_MAX: usize = 1 << 14;
/// The longest ClientHello that is read in order to decline a renegotiation.
const HELLO_MAX: usize = 1 << 14;
/// A KeyUpdate is one byte (RFC 8446 section 4.6.3), a HelloRequest none (RFC 5246 section 7.4.1.1).
const KEY_UPDATE_MAX: usize = 1;
const HELLO_REQUEST_MAX: usize = 0;

/// How many warning alerts are tolerated. BoringSSL and rustls have the same limits.
const WARNINGS: u8 = 4;
/// How many KeyUpdates are accepted without data between them.
const KEY_UPDATES: u8 = 32;
/// How many records without data are tolerated in a row. OpenSSL and BoringSSL have the same limit.
const EMPTY_RECORDS: u8 = 32;
/// How many times a peer may ask to negotiate again, which is never done.
const RENEGOTIATIONS: u8 = 1;

/// The state after the handshake. After a failure nothing of it may be used any more.
pub(super) struct Traffic {
    sealing: Protection,
    opening: Protection,
    keys: Keys,
    pub(super) agreed: Agreed,
    /// The beginning of a handshake message whose rest has not come.
    message: Vec<u8>,
    tolerance: Patience,
    /// The peer asked for new keys of ours. They are changed with the next record, so that asking
    /// repeatedly costs nothing.
    keys_owed: bool,
    pub(super) peer_closed: bool,
    pub(super) close_sent: bool,
    /// What happened beside data since it was last asked for.
    pub(super) notices: TlsNotices,
}

/// How many more warnings, KeyUpdates and the like of the peer are tolerated.
struct Patience {
    warnings: u8,
    key_updates: u8,
    empty_records: u8,
    renegotiations: u8,
}

impl Traffic {
    pub(super) fn new(
        agreed: Agreed,
        secrets: ExtractedSecrets,
        keys: Keys,
    ) -> Result<Self, Error> {
        Ok(Self {
            sealing: Protection::new(agreed.version, secrets.tx)?,
            opening: Protection::new(agreed.version, secrets.rx)?,
            keys,
            agreed,
            message: Vec::new(),
            tolerance: Patience {
                warnings: WARNINGS,
                key_updates: KEY_UPDATES,
                empty_records: EMPTY_RECORDS,
                renegotiations: RENEGOTIATIONS,
            },
            keys_owed: false,
            peer_closed: false,
            close_sent: false,
            notices: TlsNotices::empty(),
        })
    }

    /// Whether [`Traffic::read`] will make progress: a whole record waits, or the beginning of
    /// bytes that can never become one.
    pub(super) fn has_input(&self, record_buffer: &RecordBuffer) -> bool {
        record_buffer
            .next()
            .is_some_and(|next| next.complete || self.opening.accepts(next.header).is_err())
    }

    /// Whether the beginning of a handshake message has come whose rest has not.
    pub(super) const fn has_begun_message(&self) -> bool {
        !self.message.is_empty()
    }

    /// Opens every whole record as long as `plain` has room for all it may hold. Returns whether it
    /// stopped for lack of room. On failure the alert is in `out`.
    pub(super) fn read(
        &mut self,
        record_buffer: &mut RecordBuffer,
        plain: &mut Buffer,
        out: &mut Buffer,
    ) -> Result<bool, Failure> {
        self.read_records(record_buffer, plain, out).map_err(|failure| self.fail(failure, out))
    }

    /// Appends one record with `plain`. On failure the alert is in `out`.
    pub(super) fn write(&mut self, plain: &[u8], out: &mut Buffer) -> Result<(), Failure> {
        self.change_own_keys(out)
            .and_then(|()| self.sealing.seal(APPLICATION_DATA, plain, out))
            .map_err(|failure| self.fail(failure, out))
    }

    /// Appends close_notify, once.
    pub(super) fn close(&mut self, out: &mut Buffer) -> Result<(), Failure> {
        if !std::mem::replace(&mut self.close_sent, true) {
            self.sealing.seal(ALERT, &[WARNING, CLOSE_NOTIFY], out)?;
            self.notices |= TlsNotices::CLOSE_SENT;
        }
        Ok(())
    }

    /// The length of our close_notify where the peer has sent its own and so need not read ours;
    /// else 0.
    pub(super) const fn needless(&self) -> usize {
        if self.close_sent && self.peer_closed {
            self.sealing.sealed_len([WARNING, CLOSE_NOTIFY].len())
        } else {
            0
        }
    }

    fn read_records(
        &mut self,
        record_buffer: &mut RecordBuffer,
        plain: &mut Buffer,
        out: &mut Buffer,
    ) -> Result<bool, Failure> {
        while !self.peer_closed {
            let Some(next) = record_buffer.next() else {
                return Ok(false);
            };
            self.opening.accepts(next.header)?;
            if !next.complete {
                return Ok(false);
            }
            if next.end - HEADER > plain.room() {
                return Ok(true);
            }
            let space = plain.space();
            let (kind, len) = self.opening.open(record_buffer.shown(next.end), space)?;
            let payload = &space[..len];
            if kind != HANDSHAKE && !self.message.is_empty() {
                return Err(Failure::of_peer(
                    UNEXPECTED_MESSAGE,
                    "the peer put other records between the pieces of a handshake message",
                ));
            }
            match kind {
                APPLICATION_DATA if len == 0 => spend(
                    &mut self.tolerance.empty_records,
                    "the peer sends records and no data in them",
                )?,
                APPLICATION_DATA => {
                    plain.commit(len);
                    self.tolerance.key_updates = KEY_UPDATES;
                    self.tolerance.empty_records = EMPTY_RECORDS;
                }
                // An alert record without content is not allowed (RFC 8446 section 5.4).
                ALERT if !payload.is_empty() => {
                    let alert = payload.try_into();
                    let alert = alert.map_err(|_| {
                        Failure::of_peer(DECODE_ERROR, "the peer sent an alert that is none")
                    })?;
                    self.alert(alert, out)?;
                }
                HANDSHAKE if !payload.is_empty() => {
                    self.message.extend_from_slice(payload);
                    self.messages(out)?;
                }
                _ => return Err(out_of_place()),
            }
            record_buffer.consume(next.end);
        }
        Ok(false)
    }

    /// TLS 1.3 has no warnings but close_notify and user_canceled (RFC 8446 section 6.1). Another
    /// alert at that level is fatal, and is answered, since its sender may not take it for fatal.
    fn alert(&mut self, [level, code]: [u8; 2], out: &mut Buffer) -> Result<(), Failure> {
        match (level, code) {
            (WARNING | FATAL, CLOSE_NOTIFY) => {
                self.peer_closed = true;
                self.notices |= TlsNotices::CLOSE_RECEIVED;
                Ok(())
            }
            (WARNING, code)
                if code == USER_CANCELED || self.agreed.version == TlsVersion::Tls12 =>
            {
                self.notices |= TlsNotices::WARNING_RECEIVED;
                spend(&mut self.tolerance.warnings, "the peer sent too many warnings")
            }
            (WARNING, code) => {
                self.say_fatal(DECODE_ERROR, out);
                Err(Failure::received(code))
            }
            (FATAL, code) => Err(Failure::received(code)),
            _ => Err(Failure::of_peer(ILLEGAL_PARAMETER, "the peer sent an alert of no level")),
        }
    }

    /// Takes every whole handshake message. One that is not allowed here, or is longer than its
    /// type may be, is refused at its header, so that a peer cannot make us keep a message that
    /// never ends.
    fn messages(&mut self, out: &mut Buffer) -> Result<(), Failure> {
        let mut bytes = std::mem::take(&mut self.message);
        let mut rest = &bytes[..];
        while let Some((&[kind, high, middle, low], after)) = rest.split_first_chunk() {
            let len = u32::from_be_bytes([0, high, middle, low]) as usize;
            if len > self.longest(kind)? {
                return Err(Failure::of_peer(DECODE_ERROR, "a handshake message is too large"));
            }
            let Some((body, after)) = after.split_at_checked(len) else { break };
            self.message(kind, body, after.is_empty(), out)?;
            rest = after;
        }
        let used = bytes.len() - rest.len();
        if used < bytes.len() {
            bytes.drain(..used);
            self.message = bytes;
        }
        Ok(())
    }

    /// The most bytes that a message of `kind` may have; an error if it is not allowed here.
    fn longest(&self, kind: u8) -> Result<usize, Failure> {
        match (kind, &self.keys) {
            (KEY_UPDATE, Keys::Server(Some(_)) | Keys::Client(Some(_))) => Ok(KEY_UPDATE_MAX),
            (NEW_SESSION_TICKET, Keys::Client(Some(_))) => Ok(TICKET_MAX),
            (HELLO_REQUEST, Keys::Client(None)) => Ok(HELLO_REQUEST_MAX),
            (CLIENT_HELLO, Keys::Server(None)) => Ok(HELLO_MAX),
            _ => Err(out_of_place()),
        }
    }

    /// Takes one message; `last` says that it ends its record.
    fn message(
        &mut self,
        kind: u8,
        body: &[u8],
        last: bool,
        out: &mut Buffer,
    ) -> Result<(), Failure> {
        match (kind, &mut self.keys) {
            (KEY_UPDATE, Keys::Server(Some(_)) | Keys::Client(Some(_))) => {
                self.peer_keys(body, last)
            }
            (NEW_SESSION_TICKET, Keys::Client(Some(client))) => client
                .take_ticket(body)
                .map_err(|error| Failure { alert: alert_for(&error), ..Failure::of(&error) }),
            (HELLO_REQUEST, Keys::Client(None)) | (CLIENT_HELLO, Keys::Server(None)) => {
                spend(
                    &mut self.tolerance.renegotiations,
                    "the peer insists on negotiating again (TLS 1.2), which is never done",
                )?;
                if self.close_sent {
                    return Ok(());
                }
                self.notices |= TlsNotices::WARNING_SENT;
                self.sealing.seal(ALERT, &[WARNING, NO_RENEGOTIATION], out)
            }
            _ => Err(out_of_place()),
        }
    }

    /// A KeyUpdate (RFC 8446 section 4.6.3).
    fn peer_keys(&mut self, body: &[u8], last: bool) -> Result<(), Failure> {
        if !last {
            return Err(Failure::of_peer(
                UNEXPECTED_MESSAGE,
                "the peer changed its keys in the middle of a record",
            ));
        }
        match *body {
            [UPDATE_NOT_REQUESTED] => {}
            [UPDATE_REQUESTED] => self.keys_owed = true,
            [_] => {
                return Err(Failure::of_peer(ILLEGAL_PARAMETER, "the peer sent a bad KeyUpdate"));
            }
            _ => return Err(Failure::of_peer(DECODE_ERROR, "the peer sent a bad KeyUpdate")),
        }
        spend(&mut self.tolerance.key_updates, "the peer changes its keys and sends no data")?;
        self.opening = following(&self.opening, self.keys.peers(), self.agreed.suite)?;
        self.notices |= TlsNotices::KEYS_RECEIVED;
        Ok(())
    }

    /// Changes the keys we send with, when the peer has asked for it or they have reached their
    /// limit.
    fn change_own_keys(&mut self, out: &mut Buffer) -> Result<(), Failure> {
        let worn = self.sealing.sequence() >= records_per_key(self.agreed.suite);
        if !worn && !self.keys_owed {
            return Ok(());
        }
        if self.agreed.version == TlsVersion::Tls12 {
            return Err(Failure::new(
                FailureKind::KeyLimit,
                "as many records were sent as the keys of a TLS 1.2 connection may protect, and it \
                 cannot change them: the connection has to begin anew",
            ));
        }
        self.sealing.seal(HANDSHAKE, &[KEY_UPDATE, 0, 0, 1, UPDATE_NOT_REQUESTED], out)?;
        self.keys_owed = false;
        self.sealing = following(&self.sealing, self.keys.own(), self.agreed.suite)?;
        self.notices |= TlsNotices::KEYS_SENT;
        Ok(())
    }

    /// Appends the alert that `failure` calls for. Nothing follows a close_notify, and an alert is
    /// not answered. Keys that have reached their limit are nobody's fault: what was sent is whole,
    /// and close_notify says so.
    fn fail(&mut self, mut failure: Failure, out: &mut Buffer) -> Failure {
        match failure.why {
            FailureKind::AlertReceived(_) => return failure,
            FailureKind::KeyLimit => {
                return self.close(out).map_or_else(|worse| worse, |()| failure);
            }
            _ => {}
        }
        let alert = failure.alert.take().unwrap_or(INTERNAL_ERROR);
        failure.alert = self.say_fatal(alert, out).then_some(alert);
        failure
    }

    /// Appends a fatal alert, unless close_notify was sent. Returns whether it did.
    fn say_fatal(&mut self, alert: u8, out: &mut Buffer) -> bool {
        !self.close_sent && self.sealing.seal(ALERT, &[FATAL, alert], out).is_ok()
    }
}

/// What only a misbehaving peer does.
#[cfg(test)]
impl Traffic {
    pub(super) fn forge(&mut self, kind: u8, plain: &[u8], out: &mut Buffer) {
        self.sealing.seal(kind, plain, out).expect("it seals anything");
    }

    /// Changes the keys without sending a KeyUpdate.
    pub(super) fn forge_keys(&mut self) {
        let next = following(&self.sealing, self.keys.own(), self.agreed.suite);
        self.sealing = next.expect("TLS 1.3");
    }

    /// Makes the keys we send with appear to have protected all but `left` of their records.
    pub(super) fn wear(&mut self, left: u64) {
        self.sealing.wear(records_per_key(self.agreed.suite) - left);
    }

    /// Makes the keys we receive with appear to have protected all but `left` of their records.
    pub(super) fn wear_received(&mut self, left: u64) {
        self.opening.wear(records_per_key(self.agreed.suite) - left);
    }
}

/// The protection that follows `old`, derived from the next `secret`, which only TLS 1.3 has.
fn following(
    old: &Protection,
    secret: Option<&mut Secret>,
    suite: SupportedCipherSuite,
) -> Result<Protection, Failure> {
    let next = secret.zip(suite.tls13()).and_then(|(secret, suite)| old.next(secret, suite));
    next.ok_or_else(|| Failure::misuse("new keys could not be made"))
}

/// How many records may be sent with one key. One more is reserved for the KeyUpdate or
/// close_notify that follows them.
fn records_per_key(suite: SupportedCipherSuite) -> u64 {
    let common = match suite {
        SupportedCipherSuite::Tls12(suite) => &suite.common,
        SupportedCipherSuite::Tls13(suite) => &suite.common,
    };
    common.confidentiality_limit - 1
}

fn spend(tolerance: &mut u8, text: &'static str) -> Result<(), Failure> {
    match tolerance.checked_sub(1) {
        Some(left) => {
            *tolerance = left;
            Ok(())
        }
        None => Err(Failure::of_peer(UNEXPECTED_MESSAGE, text)),
    }
}

const fn out_of_place() -> Failure {
    Failure::of_peer(UNEXPECTED_MESSAGE, "the peer sent a message that has no place here")
}
