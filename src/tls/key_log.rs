//! Session secrets in the NSS key log format, for whoever has to read captured traffic.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use super::secrets;

/// While more bytes than this wait to be fetched, further lines are dropped.
const KEPT: usize = 1 << 20;

/// The lines since they were last fetched; `None` where they are not kept. Handshakes of any thread
/// append.
pub(super) struct KeyLog(Option<Mutex<String>>);

impl KeyLog {
    pub(super) fn new(keeps_lines: bool) -> Self {
        Self(keeps_lines.then(Mutex::default))
    }

    /// All lines, if they are no longer than `most` bytes; else their length, and they are kept.
    pub(super) fn take(&self, most: usize) -> Result<String, usize> {
        let Some(lines) = &self.0 else {
            return Ok(String::new());
        };
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() > most { Err(lines.len()) } else { Ok(std::mem::take(&mut *lines)) }
    }
}

impl std::fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyLog")
    }
}

impl rustls::KeyLog for KeyLog {
    fn will_log(&self, label: &str) -> bool {
        self.0.is_some() || secrets::wants(label)
    }

    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        secrets::write(label, secret);
        let Some(lines) = &self.0 else {
            return;
        };
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() > KEPT {
            return;
        }
        lines.push_str(label);
        for bytes in [client_random, secret] {
            lines.push(' ');
            for byte in bytes {
                // Writing to a String cannot fail.
                let _ = write!(lines, "{byte:02x}");
            }
        }
        lines.push('\n');
    }
}
