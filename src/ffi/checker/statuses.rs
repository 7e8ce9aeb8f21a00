//! What drive calls return, and whether the host looks at it.

use std::fmt::Display;

use super::super::status::{VST_E_STALE, sentence, vst_status};
use super::circumstances::Circumstances;
use super::violation::Violation;

/// How often in a row the same error is returned.
pub(super) const ERROR_TIMES: u32 = 16;

/// The last status, and how often it came.
#[derive(Debug, Default)]
pub(super) struct Statuses {
    last: vst_status,
    times: u32,
}

impl Statuses {
    /// A drive call returns this.
    pub(super) fn look(&mut self, cx: &mut Circumstances, status: vst_status) {
        self.times = if status == self.last { self.times.saturating_add(1) } else { 1 };
        self.last = status;
        // A stale token is no error of the host's, however many there are.
        if status >= 0 || status == VST_E_STALE || self.times < ERROR_TIMES {
            return;
        }
        let values: [(&str, &dyn Display); 3] =
            [("count", &self.times), ("status", &status), ("meaning", &sentence(status))];
        cx.report(Violation::StatusIgnored, &values);
    }
}
