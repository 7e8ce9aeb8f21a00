//! The traffic secrets of a TLS 1.3 connection, which its new keys are made of (RFC 8446 section 7.2).
//!
//! rustls keeps them too, but together with the peer's certificates and with secrets that are no
//! longer needed. It tells them to the key log alone, which belongs to the shared configuration, from
//! within the call on the connection that makes them, on the same thread. So the key log writes here,
//! and the handshaker reads here right after.
//!
//! The thread-local is plain data with a constant initial value: it has no destructor and allocates
//! nothing, so that a library that is unloaded leaves nothing to run or to free.

use std::cell::Cell;

use rustls::Tls13CipherSuite;
use rustls::crypto::tls13::{HkdfExpander, OkmBlock, OutputLengthError};
use zeroize::Zeroizing;

/// The longest hash of a cipher suite: SHA-384.
const HASH_MAX: usize = 48;

/// The labels of the two secrets in the key log.
const CLIENT: &str = "CLIENT_TRAFFIC_SECRET_0";
const SERVER: &str = "SERVER_TRAFFIC_SECRET_0";

/// The secret of one direction: as many bytes as the hash of the suite has.
type Bytes = [u8; HASH_MAX];

thread_local! {
    /// The traffic secrets of client and server, in the connection that rustls works on.
    static REPORTED: Cell<[Bytes; 2]> = const { Cell::new([[0; HASH_MAX]; 2]) };
}

/// Whether `label` names a secret that is needed here, even where no key log is kept.
pub(super) fn wants(label: &str) -> bool {
    matches!(label, CLIENT | SERVER)
}

/// Stores a secret that the key log was told, if it is needed here.
pub(super) fn write(label: &str, reported: &[u8]) {
    let place = match label {
        CLIENT => 0,
        SERVER => 1,
        _ => return,
    };
    let mut all = Zeroizing::new(REPORTED.get());
    if let Some(bytes) = all[place].get_mut(..reported.len()) {
        bytes.copy_from_slice(reported);
        REPORTED.set(*all);
    }
}

/// The secrets of both directions.
pub(super) struct Secrets {
    pub(super) client: Secret,
    pub(super) server: Secret,
}

impl Secrets {
    /// Takes what was written since the last call.
    pub(super) fn take() -> Option<Self> {
        let reported = Zeroizing::new(REPORTED.replace([[0; HASH_MAX]; 2]));
        let [client, server] = reported.map(|bytes| Secret(Zeroizing::new(bytes)));
        (*reported != [[0; HASH_MAX]; 2]).then_some(Self { client, server })
    }
}

/// The secret of one direction.
pub(super) struct Secret(Zeroizing<Bytes>);

impl Secret {
    /// Advances to the next secret, and derives from it a key and an IV (RFC 8446 sections 7.2 and
    /// 7.3).
    pub(super) fn next(
        &mut self,
        suite: &Tls13CipherSuite,
        key: &mut [u8],
        mask: &mut [u8],
    ) -> Result<(), OutputLengthError> {
        let len = suite.common.hash_provider.output_len().min(HASH_MAX);
        let expander =
            |secret: &Bytes| suite.hkdf_provider.expander_for_okm(&OkmBlock::new(&secret[..len]));
        let old = expander(&self.0);
        expand_label(&*old, b"traffic upd", &mut self.0[..len])?;
        let new = expander(&self.0);
        expand_label(&*new, b"key", key)?;
        expand_label(&*new, b"iv", mask)
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446 section 7.1). Labels and outputs are short.
fn expand_label(
    expander: &dyn HkdfExpander,
    label: &[u8],
    out: &mut [u8],
) -> Result<(), OutputLengthError> {
    const PREFIX: &[u8] = b"tls13 ";
    const NO_CONTEXT: &[u8] = &[0];
    let [.., high, low] = out.len().to_be_bytes();
    let [.., label_len] = (PREFIX.len() + label.len()).to_be_bytes();
    expander.expand_slice(&[&[high, low, label_len], PREFIX, label, NO_CONTEXT], out)
}
