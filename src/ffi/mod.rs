//! The boundary: C in, C out. It decides nothing: it checks pointers, finds the engine, runs one
//! thing on it, and then tells the host what came of it.
//!
//! Everything the header shows is written out in this folder, which is all that cbindgen reads.
#![allow(unsafe_code, non_camel_case_types)]
#![allow(unreachable_pub, dead_code, reason = "the header shows it: C uses it, Rust need not")]

mod accept_config;
mod addr;
mod agent;
mod allocator;
mod backend;
mod bar;
mod checker;
mod checks;
mod clock;
mod config_error;
mod conn;
mod conn_info;
mod connect_config;
mod counters;
mod deliver;
mod describe;
mod drain;
mod drive;
mod end;
mod engine;
mod entry;
mod event;
mod event_loop;
mod event_value;
mod facts;
mod fed;
mod fed_ask;
mod group;
mod handler;
mod identity;
mod layers;
mod life;
mod link;
mod listener;
mod membership;
mod monitor;
mod opening;
mod options;
mod panic;
mod posts;
mod proxy_header;
mod ptr;
mod pull;
mod rules;
mod seal;
mod server;
mod server_state;
mod session;
mod socket_options;
mod socks;
mod start_tls;
mod status;
mod step;
mod stream;
mod table;
mod table_key;
mod table_snapshot;
#[cfg(test)]
mod tests;
mod tls;
mod tls_client;
mod tls_info;
mod token;
mod token_users;
mod trace;
mod trace_events;
mod trace_options;
mod types;
mod version;
mod waker;
mod words;
#[cfg(any(test, simulated))]
mod world;

/// What the header shows, and the world under it, for the fuzz target that calls all of it.
#[cfg(simulated)]
#[allow(unused_imports, reason = "not every module shows something")]
pub mod surface {
    pub use super::accept_config::*;
    pub use super::addr::*;
    pub use super::agent::*;
    pub use super::allocator::*;
    pub use super::backend::*;
    pub use super::bar::*;
    pub use super::checker::*;
    pub use super::checks::*;
    pub use super::clock::*;
    pub use super::config_error::*;
    pub use super::conn::*;
    pub use super::conn_info::*;
    pub use super::connect_config::*;
    pub use super::counters::*;
    pub use super::deliver::*;
    pub use super::describe::*;
    pub use super::drain::*;
    pub use super::drive::*;
    pub use super::end::*;
    pub use super::engine::*;
    pub use super::entry::*;
    pub use super::event::*;
    pub use super::event_loop::*;
    pub use super::event_value::*;
    pub use super::facts::*;
    pub use super::fed::*;
    pub use super::fed_ask::*;
    pub use super::group::*;
    pub use super::handler::*;
    pub use super::identity::*;
    pub use super::layers::*;
    pub use super::life::*;
    pub use super::link::*;
    pub use super::listener::*;
    pub use super::monitor::*;
    pub use super::opening::*;
    pub use super::options::*;
    pub use super::panic::*;
    pub use super::posts::*;
    pub use super::proxy_header::*;
    pub use super::ptr::*;
    pub use super::pull::*;
    pub use super::rules::*;
    pub use super::seal::*;
    pub use super::server::*;
    pub use super::server_state::*;
    pub use super::session::*;
    pub use super::socket_options::*;
    pub use super::socks::*;
    pub use super::start_tls::*;
    pub use super::status::*;
    pub use super::step::*;
    pub use super::stream::*;
    pub use super::table::*;
    pub use super::table_key::*;
    pub use super::table_snapshot::*;
    pub use super::tls::*;
    pub use super::tls_client::*;
    pub use super::tls_info::*;
    pub use super::token::*;
    pub use super::token_users::*;
    pub use super::trace::*;
    pub use super::trace_events::*;
    pub use super::trace_options::*;
    pub use super::types::*;
    pub use super::version::*;
    pub use super::waker::*;
    pub use super::words::*;
    pub use super::world::*;
}
