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
use crate::rules::{Environment, RuleSet, Tables, is_variable_of_connection};
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
/// docs/rules.md. Files that it names are read during the call.
///
/// Besides the tables that the text defines, its lines may name the `table_count` tables in tables;
/// the set keeps these. before is the set that this one is to replace, or NULL: a table that the
/// text defines, and that before defines with the same name and definition, is taken from before
/// with its entries, and so are the variables of the process. before is not kept.
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

/// Puts the rules of the set by in the place of those of the set rules: connections that begin from
/// now on are evaluated by them. Connections that have begun keep the rules that they began with. The
/// handle by is not kept and may be freed.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_CONFIG (a configuration with TLS uses rules, behind which no ClientHello is
/// seen, and a line of by looks for one, as req.ssl_sni does: nothing is replaced); VST_E_NULL.
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
        rules.rules.replace(by.rules.current()).map_err(|_| VST_E_CONFIG)?;
        Ok(VST_OK)
    })
}

/// Checks that every backend and server that a line of rules names (`use_backend`,
/// `default_backend`, `be_conn` and its like) is one of this engine (`vst_backend_set_name`); not
/// names that are put together from values. Call it when the backends have their names, before a
/// listener is opened with the rules or `vst_rules_replace` is called with them. On failure why,
/// unless NULL, gets the first line that names another, as `vst_rules_new` would say it, cut to
/// `why_size` bytes with its NUL.
///
/// Legal on the engine's thread.
/// Returns VST_OK; VST_E_CONFIG (a name that this engine has not); VST_E_NULL;
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
            checked.map_err(|wrong| report(ConfigError::config(wrong.to_string())))?;
            Ok(VST_OK)
        })
    };
    // SAFETY: the caller's contract.
    unsafe { explained(why, why_size, call) }
}

/// Copies one of the notes about the lines of rules, index from 0 on, in the order of the lines:
/// what is no mistake, but should be known, such as a line that no connection reaches. A note is a
/// sentence with line and column, the line, and a caret below the word, separated by LF. `*len` is
/// its length, also when `capacity` does not suffice; nothing ends it.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_NONE (there are no more); VST_E_SPACE; VST_E_NULL.
///
/// # Safety
/// `rules` is a set that is not freed; `text` points to `capacity` writable bytes; `len` to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_rules_notes(
    rules: *const vst_rules,
    index: usize,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(len, 0) }?;
        // SAFETY: the caller's contract.
        let rules = unsafe { ptr::handle(rules) }?.rules.current();
        let Some(note) = rules.notes().get(index) else { return Ok(VST_NONE) };
        let note = note.to_string();
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::copy_out(note.as_bytes(), text.cast(), capacity, len) })
    })
}

/// Copies the name of one of the backends that lines of rules choose, index from 0 on, each name
/// once; names that are put together from values are not among them. So a host can make the
/// backends that its rules ask for, or see that it has them. `*len` is the length of the name, also
/// when `capacity` does not suffice; nothing ends it.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_NONE (there are no more); VST_E_SPACE; VST_E_NULL.
///
/// # Safety
/// `rules` is a set that is not freed; `name` points to `capacity` writable bytes; `len` to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_rules_backends(
    rules: *const vst_rules,
    index: usize,
    name: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(len, 0) }?;
        // SAFETY: the caller's contract.
        let rules = unsafe { ptr::handle(rules) }?.rules.current();
        let Some(backend) = rules.backends().nth(index) else { return Ok(VST_NONE) };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::copy_out(backend.as_bytes(), name.cast(), capacity, len) })
    })
}

/// Writes how often a name that a `use_backend` line put together was that of no backend, since rules
/// was made or replaced.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL.
///
/// # Safety
/// `rules` is a set that is not freed; `count` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_rules_unknown_backends(
    rules: *const vst_rules,
    count: *mut u64,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(count, 0) }?;
        // SAFETY: the caller's contract.
        let rules = unsafe { ptr::handle(rules) }?.rules.current();
        // SAFETY: written to a moment ago.
        unsafe { ptr::put(count, rules.unknown_backends()) }?;
        Ok(VST_OK)
    })
}

/// Writes the backend that the rules choose for a session, by a `use_backend` line or else by
/// `default_backend`. `*backend` is its id, or 0. The conditions of the lines are evaluated during
/// the call, unless a backend has content rules: then it was chosen before these. Conditions on the
/// first bytes see what the host has not read yet, so call it before `vst_conn_recv`.
///
/// Where the line that applies names no backend of this engine, the session is closed in order:
/// VST_EVENT_CLOSED follows, with VST_WHY_DENIED and a text that has the name. `vst_rules_check`
/// finds such lines earlier.
/// Legal on the engine's thread, for a session.
/// Returns VST_OK; VST_NONE (no line applies and there is no default, or there are no rules);
/// VST_E_CONFIG (the line that applies names no backend of this engine); VST_E_STATE (the connection
/// is no session yet, is closing, or is part of a stream); VST_E_NULL; VST_E_STALE, VST_E_KIND,
/// VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
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

/// Copies a variable that a rule has set for a connection (`set-var(txn.name)`): a number or a boolean
/// in decimal, an address as text, bytes as they are. name has the scope in front, and is none of the
/// process's (`proc.`). `*len` is its length, also when `capacity` does not suffice.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED.
/// Returns VST_OK; VST_NONE (no variable of this name is set); VST_E_ARGUMENT (no variable of a
/// connection can have this name); VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE;
/// VST_E_THREAD; VST_E_POISONED.
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
        if !is_variable_of_connection(name) {
            return Err(VST_E_ARGUMENT);
        }
        let Some(held) = core.variable(shell.id(conn)?, name).map_err(status::of)? else {
            return Ok(VST_NONE);
        };
        let bytes = held.clone().into_text();
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::copy_out(&bytes, value.cast(), capacity, len) })
    })
}

/// Copies what a rule has captured of a connection (`capture`): number counts the capture lines of
/// the rules from 0. `*len` is its length, also when `capacity` does not suffice.
///
/// Legal on the engine's thread, before VST_EVENT_CLOSED.
/// Returns VST_OK; VST_NONE (nothing was captured under this number); VST_E_SPACE; VST_E_NULL;
/// VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
///
/// # Safety
/// `engine` is an engine that is not freed; `value` points to `capacity` writable bytes; `len` to a
/// size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_conn_capture(
    engine: *mut vst_engine,
    conn: vst_id,
    number: usize,
    value: *mut c_void,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    // SAFETY: the caller's contract.
    let engine = unsafe { ptr::handle(engine) };
    // SAFETY: the caller's contract.
    let no_len = unsafe { ptr::put(len, 0) };
    entry::call(no_len.and(engine), |shell| {
        let core = shell.core()?;
        let Some(held) = core.capture(shell.id(conn)?, number).map_err(status::of)? else {
            return Ok(VST_NONE);
        };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::copy_out(held, value.cast(), capacity, len) })
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
