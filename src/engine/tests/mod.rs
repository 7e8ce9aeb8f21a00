//! The engine under simulation: a scripted network, an adversarial poller and a clock that jumps.
//! `VST_SEEDS` sets how many seeds the randomised runs take.

mod connect;
mod drain;
mod ending;
mod header;
mod host;
mod poller;
mod pressure;
mod rig;
mod schedules;
mod session;
mod stream;
#[cfg(feature = "self-signed")]
mod tls;
#[cfg(feature = "self-signed")]
mod tls_peer;
#[cfg(feature = "self-signed")]
mod torture;
