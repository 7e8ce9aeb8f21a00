//! Which sources may announce addresses by a header.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::failed;
use crate::config::{Trust, Untrusted};
use crate::conn::{Op, Progress, Why};
use crate::sys::Addr;
use crate::wire::protocol;

/// Whether `op` is to read a header; if not, how the operation ends. Decided by the socket's own source
/// address, which nothing that the peer sends can change.
pub(super) fn admit(
    op: Op,
    peer: &Addr,
    trust: &Trust,
    untrusted: Untrusted,
) -> ControlFlow<Progress> {
    match (trust.covers(peer), untrusted) {
        (true, _) => ControlFlow::Continue(()),
        (false, Untrusted::Direct) => ControlFlow::Break(Progress::Done),
        (false, Untrusted::Refuse) => {
            let text = "the source may not announce addresses";
            ControlFlow::Break(failed(op, Why::Denied, text))
        }
    }
}

/// A message that names the protocol that came instead of `due`, when the first bytes show it.
pub(super) fn stranger(bytes: &[u8], due: &'static str) -> Option<Cow<'static, str>> {
    let came = protocol::looks_like(bytes).filter(|came| *came != due)?;
    Some(
        format!("{came} where {due} was due: have the sender send one, or expect none here").into(),
    )
}
