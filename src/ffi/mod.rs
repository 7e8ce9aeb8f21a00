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
mod handler;
mod identity;
mod layers;
mod life;
mod link;
mod listener;
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
