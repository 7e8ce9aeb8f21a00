//! What happens before the session: one file per handler, each the step of one opening operation.
//! A handler reads and writes through the layers below and leaves deadlines to the driver's caller.

mod accept_cip;
mod accept_proxy;
mod announced;
mod connect;
mod custom;
mod last_chunk;
mod monitor;
mod prefix;
pub(crate) mod rules;
mod send_proxy;
mod socks;
mod step;
mod tls;

pub(crate) use accept_cip::step as accept_cip;
pub(crate) use accept_proxy::step as accept_proxy;
pub(crate) use connect::step as connect;
pub(crate) use custom::step as custom;
pub(crate) use last_chunk::step as last_chunk;
pub(crate) use monitor::monitor_in;
pub(crate) use send_proxy::{Client, compose, step as send_proxy};
pub(crate) use socks::{receive as socks_recv, send as socks_send};
pub(crate) use step::step;
pub(crate) use tls::{accept as tls_accept, connect as tls_connect};

use crate::conn::{Cause, Detail, Op, Progress, Why};
use crate::sys::Errno;

/// The failure of a socket call made for `op`.
fn system(op: Op, errno: Errno) -> Progress {
    Progress::Failed(Box::new(Cause::system(Some(op), errno)))
}

/// A failure with a sentence of its own.
fn failed(op: Op, why: Why, text: impl Into<std::borrow::Cow<'static, str>>) -> Progress {
    Progress::Failed(Box::new(Cause::new(Some(op), why).because(text).with(Detail::None)))
}
