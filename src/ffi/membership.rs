//! How an engine of C becomes a member of a group, and how that ends.

use std::sync::Arc;

use super::engine::vst_engine;
use super::panic::guard;
use super::status::{VST_OK, vst_status};
use crate::group::EngineGroup;

impl vst_engine {
    /// Makes this engine a member.
    pub(super) fn join_group(&self, group: Arc<EngineGroup>) -> Result<(), vst_status> {
        let wake = self.waker()?;
        self.core()?.join(group, wake);
        Ok(())
    }

    /// Ends the membership, and has the others learn of it.
    pub(super) fn leave_group(&self) {
        guard(|| {
            let wakes = self.core()?.leave(self.poisoned.get());
            wakes.iter().for_each(|member| member.wake());
            Ok(VST_OK)
        });
    }
}
