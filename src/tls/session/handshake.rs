//! The handshake of a session, which rustls leads.

use rustls::Error;

use super::super::diagnosis::alert_for;
use super::super::failure::{Failure, FailureKind};
use super::super::handshaker::{Handshaker, Step};
use super::super::outcome::Handshake;
use super::super::record::{ALERT, HEADER};
use super::super::resolver_slot;
use super::super::role::Role;
use super::{Session, Stage};
use crate::buffer::Buffer;
use crate::wire::client_hello::ClientHello;

/// A fatal alert that leaves before there are keys: type, version, length, level; the code follows.
const FATAL_ALERT: [u8; 6] = [ALERT, 3, 3, 0, 2, 2];

impl Session {
    pub(super) fn begin(&mut self) -> Result<(), Failure> {
        if !matches!(self.stage, Stage::Fresh) {
            return Ok(());
        }
        let handshaker = match &self.role {
            Role::Server { tls, .. } => {
                if self.held() == 0 {
                    return Ok(());
                }
                Handshaker::server(&tls.config)
            }
            Role::Client { tls, name } => Handshaker::client(&tls.config, name.clone()),
        };
        match handshaker {
            Ok(handshaker) => self.stage = Stage::Handshaking(Box::new(handshaker)),
            Err(error) => return Err(self.latch(Failure::of(&error))),
        }
        Ok(())
    }

    pub(super) fn advance(&mut self, out: &mut Buffer) -> Result<Handshake, Failure> {
        if matches!(self.stage, Stage::Fresh) {
            return Ok(Handshake::NeedInput);
        }
        loop {
            if self.settle(out)? == Step::Over {
                return self.open();
            }
            if !self.show_next(out)? {
                return Ok(Handshake::NeedInput);
            }
        }
    }

    /// Takes the keys from rustls and drops it.
    fn open(&mut self) -> Result<Handshake, Failure> {
        // The beginning of another message in the record that ends the handshake would lie under
        // keys that no longer hold (RFC 8446 section 5.1).
        if self.record_buffer.seen() > 0 {
            return Err(self.latch(Failure::new(
                FailureKind::PeerMisbehaved,
                "the peer began another message behind the end of the handshake",
            )));
        }
        if let Stage::Handshaking(handshaker) = std::mem::replace(&mut self.stage, Stage::Fresh) {
            match handshaker.into_traffic(self.role.chains(), self.role.keeps_tickets()) {
                Ok(traffic) => self.stage = Stage::Open(Box::new(traffic)),
                Err(error) => return Err(self.latch(Failure::of(&error))),
            }
        }
        Ok(Handshake::Done)
    }

    /// Calls rustls without new input until there is no more progress.
    fn settle(&mut self, out: &mut Buffer) -> Result<Step, Failure> {
        loop {
            match self.step(self.record_buffer.seen(), true, out)? {
                Step::Again => {}
                end => return Ok(end),
            }
        }
    }

    /// Shows rustls the next record, or as much of it as has arrived, which rustls refuses early
    /// when it cannot be a record. Returns whether the record was complete.
    fn show_next(&mut self, out: &mut Buffer) -> Result<bool, Failure> {
        let Some(next) = self.record_buffer.next() else {
            return Ok(false);
        };
        self.step(next.end, next.complete, out)?;
        Ok(next.complete)
    }

    /// One call into rustls with the first `end` bytes of the record buffer, which are
    /// `whole_records` or end within a record.
    fn step(&mut self, end: usize, whole_records: bool, out: &mut Buffer) -> Result<Step, Failure> {
        let Stage::Handshaking(handshaker) = &mut self.stage else {
            return Err(Failure::misuse("no handshake is under way"));
        };
        let listens = matches!(self.role, Role::Server { .. });
        if listens {
            resolver_slot::take();
        }
        let (discard, step) = handshaker.step(self.record_buffer.shown(end), out);
        let undecided =
            listens && step.is_err() && handshaker.common().protocol_version().is_none();
        let outdated = undecided && is_outdated(self.record_buffer.shown(end));
        self.record_buffer.used(end, whole_records, discard);
        let refused = listens && self.read_note();
        match step {
            Ok(step) => Ok(step),
            // For those versions rustls first reports something else missing, which they do not
            // have.
            Err(Error::PeerIncompatible(_)) if outdated => {
                Err(self.refuse(Failure::outdated_client(), out))
            }
            Err(_) if refused && outdated => Err(self.refuse(Failure::outdated_client(), out)),
            Err(_) if refused => Err(self.refuse(Failure::unrecognized_name(), out)),
            Err(error) => Err(self.fail(&error, out)),
        }
    }

    /// Latches a refusal of ours, and sends its alert in place of rustls's.
    fn refuse(&mut self, failure: Failure, out: &mut Buffer) -> Failure {
        out.extend(&FATAL_ALERT);
        out.extend(failure.alert.as_slice());
        self.latch(failure)
    }

    /// Keeps what the resolver learned in the last call. Returns whether it refused.
    fn read_note(&mut self) -> bool {
        let (Role::Server { name, chosen, .. }, Some(note)) =
            (&mut self.role, resolver_slot::take())
        else {
            return false;
        };
        *name = note.name().map(Into::into);
        *chosen = note.chosen;
        note.chosen.is_none()
    }

    /// Latches rustls's error and takes its alert. rustls is never called again after this.
    fn fail(&mut self, error: &Error, out: &mut Buffer) -> Failure {
        let mut failure = Failure::of(error);
        failure.name_stranger(error, self.record_buffer.bytes());
        if let Stage::Handshaking(handshaker) = &mut self.stage {
            let before = out.len();
            handshaker.take_alert(out);
            if failure.alert.is_none() {
                failure.alert = match out.bytes()[before..] {
                    [] => None,
                    [.., ALERT, 3, 3, 0, 2, _, code] => Some(code),
                    _ => alert_for(error),
                };
            }
        }
        self.latch(failure)
    }
}

/// Whether a client whose first message rustls was `shown` speaks TLS 1.1 at most, where that
/// message names no versions but `legacy_version` (RFC 8446 section 4.2.1). rustls has joined the
/// pieces of the message in place, behind the header of the first record.
fn is_outdated(shown: &[u8]) -> bool {
    match shown.get(HEADER..) {
        Some([ClientHello::TYPE, _, _, _, high, low, ..]) => {
            u16::from_be_bytes([*high, *low]) < ClientHello::TLS_1_2
        }
        _ => false,
    }
}
