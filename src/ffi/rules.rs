//! Rules, as C makes them.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::config_error::{ConfigError, element, named};
use super::engine::vst_engine;
use super::entry;
use super::panic::{free, guard};
use super::ptr;
use super::seal::Handle;
use super::status::{self, *};
use super::table::vst_table;
use super::types::vst_id;
use super::words::{explained, hand_out};
use crate::config::LiveRules;
use crate::rules::{Environment, RuleSet, Tables, Value};
use crate::sys::read_file;

/// A set of tcp-request rules. Any number of configurations, engines and threads may use it. A
/// connection keeps the rules with which it began, also after vst_rules_replace.
pub struct vst_rules {
    pub(super) rules: Arc<LiveRules>,
}

impl Handle for vst_rules {
    const NUMBER: u64 = 7;
}

/// Makes a set of rules from text, len bytes without a NUL at their end, in the language of
/// docs/rules.md. Files that it names with -f are read during the call.
///
/// Besides the tables that the text defines, its lines may name the `table_count` tables in tables;
/// the set keeps these. before is the set that this one is to replace, or NULL: a table that the
/// text defines, and that before defines with the same name and definition, is taken from before
/// with its entries. before is not kept.
///
/// `*out` is the set, or NULL on failure; free it with `vst_rules_free`. On failure `why`, unless
/// NULL, gets what is wrong: line, column, the word and what was expected, then the line itself and
/// a line with a caret below the word, separated by LF, cut to `why_size` bytes with its NUL.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (two of tables have the same name); VST_E_CONFIG (the
/// text has a mistake, or a file cannot be read).
///
/// # Safety
/// `text` points to `len` bytes; `tables` to `table_count` tables that are not freed; `before` is
/// NULL or a set that is not freed; `out` points to a pointer; `why` is NULL or points to
/// `why_size` writable bytes.
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
        // SAFETY: the caller's contract.
        let before = named("before", unsafe { ptr::handle_if(before) })?;
        let before = before.map(|before| before.rules.current());
        let environment =
            Environment { tables: &known, before: before.as_deref(), load: &read_file };
        let rules = RuleSet::parse(text, environment);
        let rules = rules.map_err(|error| ConfigError::config(error.to_string()))?;
        Ok(vst_rules { rules: Arc::new(LiveRules::new(rules)) })
    };
    // SAFETY: the caller's contract.
    unsafe { hand_out(out, why, why_size, make) }
}

/// Replaces the rules in a set: what uses rules uses the rules of by for every connection that
/// begins from now on. Connections that have begun keep the rules that they began with. The handle
/// by is not kept and may be freed.
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

/// Checks that every name in a `use_backend` line of rules is that of a backend of this engine
/// (`vst_backend_set_name`). Call it when the backends have their names, before a listener is
/// opened with the rules or `vst_rules_replace` is called with them. On failure why, unless NULL,
/// gets the first line that names another backend, and that name, cut to `why_size` bytes with its
/// NUL.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_CONFIG (a name that no backend of this engine has); VST_E_NULL;
/// VST_E_THREAD; VST_E_POISONED.
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
    let call = |report: &mut dyn FnMut(ConfigError) -> vst_status| {
        entry::call(engine, |shell| {
            // SAFETY: the caller's contract.
            let rules = unsafe { ptr::handle(rules) }?.rules.current();
            let checked = shell.core()?.check_rules(&rules);
            checked.map_err(|sentence| report(ConfigError::config(sentence)))?;
            Ok(VST_OK)
        })
    };
    // SAFETY: the caller's contract.
    unsafe { explained(why, why_size, call) }
}

/// Writes the backend that a `use_backend` line of the rules chooses for a session. `*backend` is its
/// id, or 0. The conditions of the lines are evaluated during the call.
///
/// Where the line that applies names no backend of this engine, the session is closed in order:
/// VST_EVENT_CLOSED follows, with VST_WHY_DENIED and a text that has the name. `vst_rules_check`
/// finds such lines earlier.
/// Legal on the engine's thread, for a session.
/// Returns VST_OK; VST_NONE (no line applies, or there are no rules); VST_E_CONFIG (the line that
/// applies names no backend of this engine); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE,
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
        match shell.core()?.chosen_backend(shell.id(conn)?).map_err(status::of)? {
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
        let Some(held) = core.variable(shell.id(conn)?, name).map_err(status::of)? else {
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

/// Frees a handle. Configurations and connections that use the set keep it. NULL does nothing.
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
