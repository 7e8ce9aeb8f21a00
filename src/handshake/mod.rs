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

pub(crate) use send_proxy::{Client, compose};
pub(crate) use step::step;

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
