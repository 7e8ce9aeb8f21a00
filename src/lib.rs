//! vestibule: an embeddable connection layer with a C ABI.
//!
//! A program that has a poller hands descriptors and readiness in and gets checked, authenticated
//! sessions or whole proxied streams out.
//!
//! # For a program in C
//! `include/vestibule.h`, which `ffi` is the source of, is the interface. Its version is
//! `VST_ABI_VERSION`, and `docs/host-contract.md` is the contract with the poller.
//!
//! # For a program in Rust
//! A program that embeds the crate may rely on these modules. They follow the version of the crate.
//! - [`engine`]: an [`Engine`](engine::Engine) over [`sys::Kernel`], its commands and its outputs.
//!   Its number comes from [`id::ENGINE_NUMBERS`].
//! - [`config`], [`tls`], [`rules`] and [`table`]: what connections go through, made once and shared.
//!   Of `tls` and `rules` it is what makes a configuration, why it cannot be made, and what was
//!   agreed on.
//! - [`id`], [`time`], [`sys`], [`ctrl::Io`] and [`Trigger`]: the values that go in and out.
//! - [`conn`]: operations, causes, states and records, as outputs have them.
//! - [`wire::proxy`] and [`wire::socks`]: the headers and the dialogues that configurations and
//!   records hold.
//! - With the feature `sim`, `sim`: a simulated network in place of the kernel, for tests.
//!
//! What else is public is there for the tests, benchmarks and fuzz targets of the project, and may
//! change in any version: [`buffer`], [`slab`], [`random`], the other parsers of [`wire`], the
//! driver in `conn` (`OpWord`, `Driven`, `advance`), `tls::Session`, `rules::ConnView` and
//! `rules::Effects`. Backends and health checks are available from C only.
//!
//! # The layers
//! From the host down. Each uses only those below it, which a test checks in the sources.
//! - `ffi`: C in, C out; decides nothing.
//! - `host`: the built-in loop, for programs without a poller.
//! - [`engine`]: the inputs, commands and events of one thread's connections.
//! - `stream`: two connections and the bytes between them.
//! - `remote`: links to agents: frames' credit, windows, what an agent allows; no sockets.
//! - `group`: what engines in several threads tell each other.
//! - `backend`: server selection, queues and health of servers: decisions only, no sockets.
//! - `handshake`: the operations before the session, one file per handler.
//! - [`conn`]: one connection: its record, the driver of its operations, its end.
//! - `data`: what a session reads and writes, raw or TLS.
//! - [`ctrl`]: the socket and its readiness.
//! - `cx`, [`config`], `counts`, `trace`: the context that the layers above get for one drive, the
//!   configurations that they follow, the counters that they update, and the lines of the trace.
//! - [`tls`]: TLS, and the only use of rustls.
//! - [`rules`]: the `tcp-request` rules: which connections are accepted, and what is done meanwhile.
//! - [`wire`]: parsers and builders of wire formats, without descriptor or clock; `pipes`: the pool of
//!   pipes.
//! - `cause`, `op`: why a connection ends, and the word of its operations.
//! - [`table`]: what is stored for a key across connections.
//! - [`sys`]: the socket calls behind one trait, which `sim` implements as well.
//! - `agenda`: the lists of what is to be looked at, each with at most one entry for an object.
//! - [`buffer`], [`id`], [`random`], [`slab`], `token_bucket`, `wheel`, [`time`]: what all of them
//!   share.
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
#[cfg(not(simulated))]
mod ffi;
#[cfg(simulated)]
pub mod ffi;
mod group;
mod handshake;
#[cfg(feature = "loop")]
mod host;
pub mod id;
mod mailbox;
mod op;
mod pipes;
pub mod random;
mod remote;
pub mod rules;
#[cfg(any(test, simulated, feature = "sim"))]
pub mod sim;
pub mod slab;
mod stream;
mod sync;
pub mod sys;
pub mod table;
pub mod time;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls/absent.rs"]
pub mod tls;
mod token_bucket;
mod trace;
mod wheel;
pub mod wire;

pub use cx::Trigger;
pub use trace::{TraceCategories, TraceKind, TraceLine};
