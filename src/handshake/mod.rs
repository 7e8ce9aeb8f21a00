//! What happens before the session: one file per handler, each the step of one opening operation.
//!
//! `step` is the one way in. It begins the time of an operation with its first step, and calls the
//! function that the operation's row in `op/table.rs` names; those of closing are in `conn::closing`.
//!
//! A step goes as far as it can without waiting, reads and writes through `conn.ctrl` and
//! `conn.data`, and answers with a [`Progress`]: done, what it waits for, the end of the connection,
//! or why it fails. It may be called again at any time and finds what it needs in the record: bytes
//! that were read and not taken in `data.ahead`, for whoever comes next, and what it has found out in
//! `facts.rare`. It may skip or want later operations. Only `connect`, `custom` and `rules` set times
//! of their own.

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
