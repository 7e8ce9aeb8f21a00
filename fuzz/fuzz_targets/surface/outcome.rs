//! What an answer means to the host that has made the call.

use std::ffi::{CStr, c_char};

use vestibule::ffi::surface::*;

use super::host::Kind;
use super::scene::Scene;

pub const OK: Option<vst_status> = Some(VST_OK);

/// What a function returns.
pub trait Answer {
    fn status(self) -> Option<vst_status>;
}

impl Answer for vst_status {
    fn status(self) -> Option<vst_status> {
        Some(self)
    }
}

impl Answer for () {
    fn status(self) -> Option<vst_status> {
        None
    }
}

impl Answer for u32 {
    fn status(self) -> Option<vst_status> {
        None
    }
}

impl Answer for *const c_char {
    fn status(self) -> Option<vst_status> {
        assert!(!unsafe { CStr::from_ptr(self) }.is_empty(), "there is always a text");
        None
    }
}

/// The event or ask that the library wrote into a struct of any size.
pub fn written<T>(from: *const T) -> T {
    let mut whole: T = unsafe { std::mem::zeroed() };
    let size = unsafe { from.cast::<u32>().read() } as usize;
    let known = size.min(size_of::<T>());
    let to = std::ptr::from_mut(&mut whole).cast::<u8>();
    unsafe { to.copy_from_nonoverlapping(from.cast(), known) };
    whole
}

impl Scene {
    pub fn know(&self, kind: Kind, id: vst_id) {
        if let Some(host) = self.host() {
            host.know(kind, id);
        }
    }

    pub fn forget(&self, ids: &[vst_id]) {
        if let Some(host) = self.host() {
            ids.iter().for_each(|id| host.forget(*id));
        }
    }

    pub fn judge(&self, event: &vst_event) {
        if let Some(host) = self.host() {
            host.judge(event);
        }
    }

    pub fn judge_ask(&self, ask: &vst_fed_ask) {
        if let Some(host) = self.host() {
            host.judge_ask(ask);
        }
    }

    /// A connection that something is below from its beginning.
    pub fn feed(&self, id: vst_id) {
        if let Some(host) = self.host() {
            host.feed(id);
            host.know(Kind::Conn, id);
        }
    }

    /// A descriptor that was to be given away.
    pub fn given(&self, status: Option<vst_status>, fd: i32, kind: Kind, id: vst_id) {
        if status == OK {
            self.know(kind, id);
        } else if fd >= 0 {
            self.fds.borrow_mut().push(fd);
        }
    }

    pub fn join(&self, ids: &[vst_id]) {
        if let Some(host) = self.host() {
            ids.iter().for_each(|id| host.join(*id));
        }
    }

    pub fn cut(&self, id: vst_id, report: impl FnOnce() -> vst_status) -> vst_status {
        match self.host() {
            Some(host) => host.cut(id, report),
            None => report(),
        }
    }

    /// Whether the engine of this call may be freed: else the answer is not VST_OK.
    pub fn free(&self, engine: *mut vst_engine) -> vst_status {
        let host = self.host();
        let before = self.freeing.replace(true);
        let status = unsafe { vst_engine_free(engine) };
        self.freeing.set(before);
        if let Some(host) = host.filter(|_| status == VST_OK && !engine.is_null()) {
            host.freed();
        }
        status
    }
}
