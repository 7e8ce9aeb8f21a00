//! vestibule: an embeddable connection layer with a C ABI.
//!
//! A program that has a poller hands descriptors and readiness in and gets checked, authenticated
//! sessions or whole proxied streams out. The layers, from the host down; each uses only those
//! below it, and a test reads that from the sources:
//!
//! - `ffi`: C in, C out; decides nothing.
//! - `host`: the built-in loop, for programs without a poller.
//! - [`engine`]: inputs, commands and news of one thread's connections; run list, ids.
//! - `stream`: two connections and the bytes between them.
//! - `backend`: which server a stream gets, who waits, who is well: decisions alone.
//! - `handshake`: what happens before the session, one file per handler.
//! - [`conn`]: one connection: its record, the driver of its operations, the ending.
//! - `data`: raw or TLS, over
//! - [`ctrl`]: the socket and its readiness.
//! - `cx`, [`config`]: what the layers above are lent for one drive, and what they follow.
//! - [`tls`]: the only place that names rustls.
//! - [`rules`]: the `tcp-request` rules: who comes in, and what is done on the way.
//! - [`wire`]: bytes and values, without descriptor or clock; `pipes`: pipes on loan.
//! - `cause`, `op`: why a connection ends, and the word of its operations.
//! - [`table`]: what is remembered of a key from one connection to the next.
//! - [`sys`]: the socket calls behind one trait; `sim` is the other implementation of it.
//! - [`buffer`], [`id`], [`random`], [`slab`], `wheel`, [`time`]: what all of them share.
#![deny(unsafe_code)]

#[cfg(all(test, not(feature = "self-signed")))]
compile_error!("the tests make their certificates with the feature self-signed");

mod agenda;
mod backend;
pub mod buffer;
mod cause;
pub mod config;
pub mod conn;
mod counts;
pub mod ctrl;
mod cx;
mod data;
pub mod engine;
mod ffi;
mod handshake;
#[cfg(feature = "loop")]
mod host;
pub mod id;
mod op;
mod pipes;
pub mod random;
pub mod rules;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod slab;
mod stream;
pub mod sys;
pub mod table;
pub mod time;
pub mod tls;
mod wheel;
pub mod wire;

pub use cx::Trigger;
