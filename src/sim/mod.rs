//! A network in memory under virtual time: [`Net`] for an engine on one side, scripted peers on the
//! other.
//!
//! It answers as Linux does (a test runs the same scripts against both), and as adversely as Linux ever
//! could: short reads and writes, EAGAIN anywhere, resets, any error at any call. Everything that
//! happens follows from the seed and the calls, so that a run can be repeated.
//!
//! [`Net`]: crate::sys::Net

#[cfg(all(test, not(miri)))]
mod agreement;
mod endpoint;
mod journal;
mod knobs;
mod meeting;
mod net;
mod network;
mod passing;
mod pipe;
mod program;
mod remote;
mod site;
mod slot;
mod splicing;
#[cfg(test)]
mod tests;
mod world;

pub use crate::random::Random;
pub use endpoint::Ready;
pub use journal::{CallKind, CallRecord};
pub use knobs::Knobs;
pub use net::SimNet;
pub use remote::{Peer, RemoteServer};
pub use site::ConnectResponse;
pub use world::World;
