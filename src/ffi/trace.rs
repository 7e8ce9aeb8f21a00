//! The trace of an engine: how calls and what the host is told become lines, and how all lines reach it in
//! their order.

use std::ffi::c_char;
use std::fmt::{self, Write};

use super::bar::Bar;
use super::engine::vst_engine;
use super::entry;
use super::panic::outside;
use super::ptr;
use super::status::{self, *};
use super::trace_options::categories_of;
use super::types::{self, vst_id};
use crate::id::Id;
use crate::time::Time;
use crate::trace::{TraceCategories, TraceKind, TraceLine};

/// Traces these categories from now on, a mask of VST_TRACE_*, and no others; 0 ends the trace. The
/// engine's trace callback gets the lines.
///
/// A connection that began before its operations are traced has a line for the state of each first.
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_ARGUMENT (an unknown bit); VST_E_MODE (the engine was made without a trace
/// callback, and `categories` is not 0); VST_E_NULL; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_engine_trace(engine: *mut vst_engine, categories: u32) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    entry::call(engine, |shell| {
        let categories = categories_of(categories)?;
        if shell.host.trace.is_none() && !categories.is_empty() {
            return Err(VST_E_MODE);
        }
        shell.deliver_trace();
        shell.trace.on.set(categories);
        shell.core()?.trace(categories);
        Ok(VST_OK)
    })
}

impl vst_engine {
    /// The id that a number of the host's is, of whatever kind. The line of the call will have it.
    pub(super) fn id(&self, bits: vst_id) -> Result<Id, vst_status> {
        if !self.trace.on.get().is_empty() && self.trace.id.get() == 0 {
            self.trace.id.set(bits);
        }
        types::id(bits)
    }

    /// Runs what a function does. `name` is the name of that code, which contains the function's. What
    /// the call did in the core is told behind the call itself.
    pub(super) fn traced(
        &self,
        name: fn() -> &'static str,
        f: impl FnOnce(&Self) -> Result<vst_status, vst_status>,
    ) -> Result<vst_status, vst_status> {
        let returned = f(self);
        if !self.trace.on.get().is_empty() {
            self.trace_return(name(), returned);
        }
        returned
    }

    #[cold]
    fn trace_return(&self, name: &str, returned: Result<vst_status, vst_status>) {
        let id = self.trace.id.take();
        let status = returned.unwrap_or_else(|status| status);
        self.trace_line(TraceCategories::CALLS, TraceKind::Return, None, |line| {
            write!(line, " fn={}", function_in(name))?;
            if id != 0 {
                write!(line, " id={id:#018x}")?;
            }
            write!(line, " status={}", status::name(status).to_string_lossy())
        });
        self.deliver_trace();
    }

    /// Traces that the host is told something. What happened in the core before comes first.
    pub(super) fn trace_told(
        &self,
        kind: TraceKind,
        about: Option<Id>,
        rest: impl FnOnce(&mut String) -> fmt::Result,
    ) {
        if !self.trace.on.get().is_empty() {
            self.deliver_trace();
            self.trace_line(TraceCategories::EVENTS, kind, about, rest);
        }
    }

    #[cold]
    fn trace_line(
        &self,
        category: TraceCategories,
        kind: TraceKind,
        about: Option<Id>,
        rest: impl FnOnce(&mut String) -> fmt::Result,
    ) {
        if !self.trace.on.get().contains(category) {
            return;
        }
        let at = self.core.try_borrow().map_or(Time(0), |core| core.now());
        let mut line = String::new();
        // Writing to a String cannot fail.
        let _ = TraceLine::write_head(&mut line, at, category, kind, about)
            .and_then(|()| rest(&mut line));
        self.hand_line(category, &line);
    }

    /// Hands the host every line that waits in the core.
    pub(super) fn deliver_trace(&self) {
        if self.trace.on.get().is_empty() {
            return;
        }
        let Ok(lines) = self.core().map(|mut core| core.trace_lines()) else { return };
        let mut text = String::new();
        for line in lines {
            text.clear();
            // Writing to a String cannot fail.
            let _ = write!(text, "{line}");
            self.hand_line(line.category(), &text);
        }
    }

    fn hand_line(&self, category: TraceCategories, line: &str) {
        let Some(trace) = self.host.trace else { return };
        let category = u32::from(category.bits());
        let _bar = Bar::new();
        // SAFETY: the host's function and data, which it keeps valid for the engine's life; the line
        // outlives the call.
        outside(|| unsafe {
            trace(self.host.data, category, line.as_ptr().cast::<c_char>(), line.len());
        });
    }
}

/// The function of the interface in the name of a closure: `vst_engine_run` in
/// `vestibule::ffi::drive::vst_engine_run::{{closure}}`.
fn function_in(closure: &str) -> &str {
    let names = closure.split("::").zip(closure.split("::").skip(1));
    let named = names.filter(|(_, next)| next.starts_with("{{closure}}"));
    named.map(|(name, _)| name).find(|name| name.starts_with("vst_")).unwrap_or("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of<F: FnOnce()>(_: F) -> &'static str {
        function_in(std::any::type_name::<F>())
    }

    fn helper<F: FnOnce()>(f: F) -> [&'static str; 2] {
        [name_of(|| {}), name_of(f)]
    }

    #[test]
    fn the_name_of_the_code_in_a_function_contains_the_function_s() {
        fn vst_engine_test() -> [&'static str; 2] {
            helper(|| {})
        }
        assert_eq!(vst_engine_test(), ["vst_engine_test"; 2]);
        assert_eq!(name_of(|| {}), "-");
    }
}
