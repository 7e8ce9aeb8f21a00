//! What our certificate resolver learns of a connection. rustls calls the resolver of the shared
//! configuration from within a call on the connection, on the same thread, and says nothing of
//! which connection it is; so the resolver writes here, and the session reads here right after.
//!
//! The thread-local is plain data with a constant initial value: it has no destructor and allocates
//! nothing, so that a library that is unloaded leaves nothing to run or to free.

use std::cell::Cell;

/// The longest DNS name (RFC 1035 section 2.3.4), in its text form.
const NAME_MAX: usize = 255;

/// What the last resolver call on this thread saw and chose.
#[derive(Clone, Copy)]
pub(super) struct ResolverSlot {
    /// Whether the resolver was called at all.
    pub(super) called: bool,
    /// The index of the certificate it chose; `None` when it refused.
    pub(super) chosen: Option<u16>,
    name: [u8; NAME_MAX],
    name_len: u8,
}

impl ResolverSlot {
    const EMPTY: Self = Self { called: false, chosen: None, name: [0; NAME_MAX], name_len: 0 };

    /// The name the client asked for.
    pub(super) fn name(&self) -> Option<&str> {
        let name = &self.name[..usize::from(self.name_len)];
        std::str::from_utf8(name).ok().filter(|name| !name.is_empty())
    }
}

thread_local! {
    static NOTE: Cell<ResolverSlot> = const { Cell::new(ResolverSlot::EMPTY) };
}

pub(super) fn write(chosen: Option<u16>, name: Option<&str>) {
    let mut note = ResolverSlot { called: true, chosen, ..ResolverSlot::EMPTY };
    if let Some(name) = name.map(str::as_bytes)
        && let Ok(len) = u8::try_from(name.len())
    {
        note.name[..name.len()].copy_from_slice(name);
        note.name_len = len;
    }
    NOTE.set(note);
}

/// Takes what was written since the last call.
pub(super) fn take() -> Option<ResolverSlot> {
    let note = NOTE.replace(ResolverSlot::EMPTY);
    note.called.then_some(note)
}
