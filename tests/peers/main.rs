//! The example programs against other programs, over loopback: HAProxy, nginx, curl, OpenSSL, Postgres,
//! and raw and rustls ends of our own that misbehave as the test requires.
//!
//! A peer that is not installed skips its tests and prints so; `VST_REQUIRE_PEERS=1` makes that a
//! failure.
#![allow(clippy::disallowed_methods, reason = "a test has a clock and threads of its own")]

#[path = "../support/examples.rs"]
mod examples;
#[path = "../support/running.rs"]
mod running;
#[path = "../support/mod.rs"]
mod support;

mod allowlist;
mod backends;
mod bulk;
mod certificates;
mod cip;
mod closing;
mod cost;
mod crowd;
mod curl;
mod deadlines;
mod descriptors;
mod ends;
mod families;
mod haproxy;
mod headers;
mod hosts;
mod manners;
mod monitors;
mod nginx;
mod nginx_host;
mod openssl;
mod order;
mod place;
mod postgres;
mod remote;
mod rules;
mod servers;
mod sixteen;
mod smtp;
mod socks;
mod sources;
mod threads;
mod tshark;
mod tunnel;
mod uring;
