//! Rules, as C makes them.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::config_error::{ConfigError, element, named};
use super::engine::vst_engine;
use super::entry;
use super::panic::{free, guard};
use super::ptr;
use super::status::{self, *};
use super::table::vst_table;
use super::types::{id, vst_id};
use super::words::{explained, hand_out};
use crate::config::LiveRules;
use crate::rules::{Outside, RuleSet, Tables, Value};
use crate::sys::read_file;

/// `tcp-request` rules. Shared; connections that began with a set end with it, whatever takes its
/// place.
pub struct vst_rules {
    pub(super) rules: Arc<LiveRules>,
}

/// Makes rules from `text`, `len` bytes without a NUL at their end, in the language of
/// docs/rules.md. Files that it names with `-f` are read during the call.
///
/// Lines may name the `table_count` tables of `tables` beside those that the text defines; the set
/// keeps them. Tables that the text defines, and that `before` has by the same name and definition,
/// are those of `before`, with their entries: pass the set that this one takes the place of, or NULL.
/// `before` is read and not kept.
///
/// `*out` is the set, or NULL on failure; free it with `vst_rules_free`. On failure `why`, unless
/// NULL, gets what is wrong: line, column, the word and what was expected, then the line itself with a
/// caret below, lines parted by LF, cut to `why_size` bytes with its NUL.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (two tables of one name); VST_E_CONFIG.
///
/// # Safety
/// `text` points to `len` bytes; `tables` to `table_count` tables that are not freed; `before` is NULL
/// or a set that is not freed; `out` points to a pointer; `why` to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_rules_new(
    text: *const u8,
    len: usize,
    tables: *const *const vst_table,
    table_count: usize,
    before: *const vst_rules,
    out: *mut *mut vst_rules,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    let make = || {
        // SAFETY: the caller's contract.
        let text = named("text", unsafe { ptr::bytes(text, len) })?;
        let mut known = Tables::default();
        // SAFETY: the caller's contract.
        let tables = named("tables", unsafe { ptr::items(tables, table_count) })?;
        for (index, table) in tables.iter().enumerate() {
            // SAFETY: the caller's contract.
            let table = named(&element("tables", index), unsafe { ptr::handle(*table) })?;
            if !known.add(Arc::clone(&table.table)) {
                let name = table.table.config().name.escape_debug();
                let again = format!("\"{name}\" is the name of an earlier one too");
                return Err(ConfigError::argument(again).of(&element("tables", index)));
            }
        }
        // SAFETY: NULL becomes None; else the host passes a handle we made.
        let before = unsafe { before.as_ref() }.map(|before| before.rules.current());
        let outside = Outside { tables: &known, before: before.as_deref(), load: &read_file };
        let rules = RuleSet::parse(text, outside);
        let rules = rules.map_err(|error| ConfigError::config(error.to_string()))?;
        Ok(vst_rules { rules: Arc::new(LiveRules::new(rules)) })
    };
    // SAFETY: the caller's contract.
    unsafe { hand_out(out, why, why_size, make) }
}

/// Replaces a set of rules: whatever uses `rules` uses the lines of `by` from now on. Connections
/// that have begun end with what they began with. `by` is not kept and may be freed.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL.
///
/// # Safety
/// Both are sets that are not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_rules_replace(
    rules: *mut vst_rules,
    by: *const vst_rules,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        let rules = unsafe { ptr::handle(rules.cast_const()) }?;
        // SAFETY: the caller's contract.
        let by = unsafe { ptr::handle(by) }?;
        rules.rules.replace(by.rules.current());
        Ok(VST_OK)
    })
}

/// Checks that every backend that `use_backend` lines of `rules` name is one of this engine's: to
/// be called when they have their names, before a listener is opened with the rules or others are
/// replaced by them. On failure `why`, unless NULL, gets the first line that names another, and
/// what it names, cut to `why_size` bytes with its NUL.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_CONFIG; VST_E_NULL; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine and `rules` a set that are not freed; `why` is NULL or points to `why_size`
/// writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_rules_check(
    engine: *mut vst_engine,
    rules: *const vst_rules,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    let call = |tell: &mut dyn FnMut(ConfigError) -> vst_status| {
        entry::call(engine, |shell| {
            // SAFETY: the caller's contract.
            let rules = unsafe { ptr::handle(rules) }?.rules.current();
            let checked = shell.core()?.check_rules(&rules);
            checked.map_err(|sentence| tell(ConfigError::config(sentence)))?;
            Ok(VST_OK)
        })
    };
    // SAFETY: the caller's contract.
    unsafe { explained(why, why_size, call) }
}

/// The backend that a `use_backend` line of the rules chooses for a session, as things stand now:
/// `*backend` is its id, or 0.
///
/// Where a line applies that names no backend of this engine, the session is closed in order:
/// VST_EVENT_CLOSED follows, with VST_WHY_DENIED and a text that has the name. `vst_rules_check`
/// finds such lines before a client does.
/// Legal on the engine's thread, for a session.
/// Returns VST_OK; VST_NONE (no line applies, or there are no rules); VST_E_CONFIG (a line applies that
/// names no backend of this engine); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE,
/// VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `backend` points to an id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_chosen_backend(
    engine: *mut vst_engine,
    conn: vst_id,
    backend: *mut vst_id,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let none = unsafe { ptr::put(backend, 0) };
    entry::call(none.and(engine), |shell| {
        match shell.core()?.chosen_backend(id(conn)?).map_err(status::of)? {
            None => Ok(VST_NONE),
            Some(Err(_)) => Err(VST_E_CONFIG),
            Some(Ok(chosen)) => {
                // SAFETY: written to a moment ago.
                unsafe { ptr::put(backend, chosen.bits()) }?;
                Ok(VST_OK)
            }
        }
    })
}

/// Copies a variable that a rule has set for a connection (`set-var(name)`): a number or a boolean
/// in decimal, an address as text, bytes as they are. `*len` is its length, also when `capacity`
/// does not suffice.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED.
/// Returns VST_OK; VST_NONE (no variable of this name is set); VST_E_SPACE; VST_E_NULL;
/// VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `name` is a NUL-terminated string; `value` points to
/// `capacity` writable bytes; `len` to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_variable(
    engine: *mut vst_engine,
    conn: vst_id,
    name: *const c_char,
    value: *mut c_void,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_len = unsafe { ptr::put(len, 0) };
    entry::call(no_len.and(engine), |shell| {
        // SAFETY: the caller's contract.
        let name = unsafe { ptr::text(name) }?.ok_or(VST_E_NULL)?;
        let core = shell.core()?;
        let Some(held) = core.variable(id(conn)?, name).map_err(status::of)? else {
            return Ok(VST_NONE);
        };
        let text;
        let bytes = match held {
            Value::Bytes(bytes) => &bytes[..],
            Value::Truth(truth) => {
                text = u8::from(*truth).to_string();
                text.as_bytes()
            }
            Value::Number(number) => {
                text = number.to_string();
                text.as_bytes()
            }
            Value::Address(address) => {
                text = address.to_string();
                text.as_bytes()
            }
        };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::copy_out(bytes, value.cast(), capacity, len) })
    })
}

/// Frees a handle. Configurations and connections that use it keep what it stands for. NULL is
/// fine.
///
/// Legal from any thread and any callback.
///
/// # Safety
/// `rules` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_rules_free(rules: *mut vst_rules) {
    // SAFETY: the caller's contract.
    unsafe { free(rules) };
}
