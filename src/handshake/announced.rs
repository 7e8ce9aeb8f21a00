//! Who may announce addresses in front of everything else.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::failed;
use crate::config::{Trust, Untrusted};
use crate::conn::{Op, Progress, Why};
use crate::sys::Addr;
use crate::wire::protocol;

/// Whether `op` is to read a header, and if not, what becomes of it. Decided by the socket's own
/// source: nothing the peer says can change it.
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

/// What came where `due` was, when the first bytes tell.
pub(super) fn stranger(bytes: &[u8], due: &'static str) -> Option<Cow<'static, str>> {
    let came = protocol::looks_like(bytes).filter(|came| *came != due)?;
    Some(
        format!("{came} where {due} was due: have the sender send one, or expect none here").into(),
    )
}
