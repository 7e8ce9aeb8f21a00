//! The engine under simulation: a scripted network, an adversarial poller and a clock that jumps.
//! `VST_SEEDS` sets how many seeds the randomised runs take.

mod backend;
mod bulk;
mod checks;
mod closing;
mod connect;
#[cfg(feature = "self-signed")]
mod content;
#[cfg(feature = "self-signed")]
mod custom;
#[cfg(feature = "self-signed")]
mod custom_later;
mod describe;
mod drain;
mod end_log;
mod ending;
mod fairness;
#[cfg(feature = "self-signed")]
mod far_end;
mod farm;
#[cfg(feature = "self-signed")]
mod farms;
mod header;
mod host;
mod metrics;
mod monitor;
#[cfg(feature = "self-signed")]
mod orders;
mod poller;
mod pressure;
mod readiness;
#[cfg(feature = "self-signed")]
mod records;
mod recount;
mod rig;
#[cfg(feature = "self-signed")]
mod rules;
#[cfg(feature = "self-signed")]
mod schedules;
mod session;
mod setup;
#[cfg(feature = "self-signed")]
mod socks;
#[cfg(feature = "self-signed")]
mod start_tls;
#[cfg(feature = "self-signed")]
mod sticky;
#[cfg(feature = "self-signed")]
mod stops;
mod stream;
#[cfg(feature = "self-signed")]
mod tls;
#[cfg(feature = "self-signed")]
mod tls_peer;
#[cfg(feature = "self-signed")]
mod torture;
#[cfg(feature = "self-signed")]
mod truth;
#[cfg(feature = "self-signed")]
mod vouched;
