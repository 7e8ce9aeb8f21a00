//! Who may announce addresses in front of everything else.

use std::ops::ControlFlow;

use super::failed;
use crate::config::{Trust, Untrusted};
use crate::conn::{Op, Progress, Why};
use crate::sys::Addr;

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
