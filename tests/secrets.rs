//! No copy of a private key is left: memory is searched when it is freed.
#![cfg(feature = "self-signed")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use vestibule::sys::WallClock;
use vestibule::tls::{
    CertificateSource, PemSource, SecretDer, ServerOptions, ServerTls, self_signed,
};

/// What is searched for, in DER and in PEM, is this long.
const LEN: usize = 24;

struct Sought {
    bytes: [AtomicU8; LEN],
    found: AtomicUsize,
}

impl Sought {
    const fn new() -> Self {
        Self { bytes: [const { AtomicU8::new(0) }; LEN], found: AtomicUsize::new(0) }
    }

    fn set(&self, bytes: &[u8]) {
        for (place, byte) in self.bytes.iter().zip(bytes) {
            place.store(*byte, Ordering::Relaxed);
        }
        self.found.store(0, Ordering::Relaxed);
    }

    fn look(&self, block: &[u8]) {
        let here = |part: &[u8]| {
            part.iter().zip(&self.bytes).all(|(byte, due)| *byte == due.load(Ordering::Relaxed))
        };
        // Nothing is searched for while the first byte is 0.
        if self.bytes[0].load(Ordering::Relaxed) != 0 && block.windows(LEN).any(here) {
            self.found.fetch_add(1, Ordering::Relaxed);
        }
    }
}

static DER: Sought = Sought::new();
static PEM: Sought = Sought::new();

struct Searching;

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Searching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is as long as requested, and was zeroed when it was allocated.
        let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
        DER.look(bytes);
        PEM.look(bytes);
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(block, layout) }
    }
}

#[cfg_attr(not(feature = "allocator"), global_allocator)]
static ALLOCATOR: Searching = Searching;

/// Has all memory that is freed from now on searched.
fn search() {
    #[cfg(feature = "allocator")]
    {
        static INSTALLED: vestibule::sys::allocator::Installable = &ALLOCATOR;
        // SAFETY: it passes everything on to the system's allocator.
        unsafe { vestibule::sys::allocator::install(&INSTALLED) };
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(2 * bytes.len());
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0, |bits, &byte| bits << 8 | u32::from(byte))
            << (8 * (3 - group.len()));
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) & 63;
            text.push(if digit > group.len() { '=' } else { DIGITS[index as usize].into() });
        }
    }
    text
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64(der))
}

fn load(certificate: CertificateSource) {
    let options = ServerOptions { certificates: vec![certificate], ..ServerOptions::default() };
    drop(ServerTls::new(&options, Arc::new(WallClock)).unwrap());
}

/// One test, so that nothing else frees memory meanwhile.
#[test]
fn a_private_key_is_wiped_wherever_it_was_loaded_from() {
    search();
    let CertificateSource::Der { chain, key } = self_signed(&["a.test"]).unwrap() else {
        panic!("it is in DER");
    };
    let middle = key.0.len() / 2;
    let (chain_pem, key_pem) = (pem("CERTIFICATE", &chain[0]), pem("PRIVATE KEY", &key.0));
    let key_text = key_pem.clone();
    let folder = env!("CARGO_TARGET_TMPDIR");
    let [chain_file, key_file] = ["chain.pem", "key.pem"].map(|name| format!("{folder}/{name}"));
    std::fs::write(&chain_file, &chain_pem).unwrap();
    std::fs::write(&key_file, &key_pem).unwrap();

    DER.set(&key.0[middle..][..LEN]);
    // The ends of two labels and the beginning of the key: this finds what holds the text and not only
    // its digits.
    let begin = key_text.find("KEY-----\n").unwrap();
    PEM.set(&key_text.as_bytes()[begin..][..LEN]);

    // A copy that is left is found.
    drop(key.0.clone());
    assert_eq!(DER.found.swap(0, Ordering::Relaxed), 1);
    drop(key_text.clone());
    assert_eq!(PEM.found.swap(0, Ordering::Relaxed), 1);

    load(CertificateSource::Der { chain: chain.clone(), key: key.clone() });
    load(CertificateSource::Pem {
        chain: PemSource::Bytes(chain_pem.into()),
        key: Some(PemSource::Bytes(key_pem.into())),
    });
    load(CertificateSource::Pem {
        chain: PemSource::File(chain_file.into()),
        key: Some(PemSource::File(key_file.into())),
    });
    drop(SecretDer(key.0.clone()));
    let found = [&DER, &PEM].map(|sought| sought.found.load(Ordering::Relaxed));
    DER.set(&[0]);
    PEM.set(&[0]);
    assert_eq!(found, [0, 0], "copies of the key in DER, and of its text");
}
