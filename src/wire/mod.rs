//! Bytes on the wire and the values they stand for. Knows no descriptor, no clock and no engine.

pub mod cip;
pub mod client_hello;
pub mod der;
pub mod exposition;
pub mod mqtt;
pub mod opening;
pub mod protocol;
pub mod proxy;
pub mod remote;
pub mod socks;
