//! vestibule: an embeddable connection layer with a C ABI.
//!
//! A program that has a poller hands descriptors and readiness in and gets checked, authenticated
//! sessions or whole proxied streams out. The layers, from the host down; each uses only those
//! below it:
//!
//! - `ffi`: C in, C out; decides nothing.
//! - `host`: the built-in loop, for programs without a poller.
//! - [`engine`]: inputs, commands and news of one thread's connections; timers, run list, ids.
//! - `stream`: two connections and the bytes between them.
//! - `handshake`: what happens before the session, one file per handler.
//! - [`conn`]: one connection: its record, the word of its operations, the driver, the ending.
//! - `data`: raw or TLS, over
//! - [`ctrl`]: the socket and its readiness.
//! - [`tls`]: the only place that names rustls.
//! - [`wire`]: bytes and values, without descriptor or clock.
//! - [`sys`]: the socket calls behind one trait; `sim` is the other implementation of it.
//! - [`config`], [`buffer`], [`id`], [`slab`], [`time`]: what all of them share.
#![deny(unsafe_code)]

pub mod buffer;
pub mod config;
pub mod conn;
pub mod ctrl;
mod cx;
mod data;
pub mod engine;
mod ffi;
mod handshake;
#[cfg(feature = "loop")]
mod host;
pub mod id;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod slab;
mod stream;
pub mod sys;
pub mod time;
pub mod tls;
pub mod wire;

pub use cx::Trigger;
