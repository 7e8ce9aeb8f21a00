//! Stick tables, as C makes them and asks after them.

use std::ffi::c_char;
use std::sync::Arc;

use super::config_error::ConfigError;
use super::panic::{free, guard};
use super::ptr::{self, Sized32};
use super::seal::Handle;
use super::status::*;
use super::table_key::{data_of, key_of, vst_table_key};
use super::words::{hand_out, needed_text};
use crate::sys::monotonic;
use crate::table::{Removal, SetError, Table, TableConfig};
use crate::time::Time;

/// A stick table: what is remembered about keys, such as the addresses of clients, from one
/// connection to the next. Engines in any threads may use it, and every function on it may be
/// called from any thread.
pub struct vst_table {
    pub(super) table: Arc<Table>,
}

impl Handle for vst_table {
    const NUMBER: u64 = 8;
}

/// How full a table is.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_table_counters {
    /// In: `sizeof(vst_table_counters)`. Not less than 40 bytes.
    pub size: u32,
    /// 0.
    pub _reserved: u32,
    /// Entries, including those that have expired and are not removed yet.
    pub entries: u64,
    /// The most entries there can be: size of the definition.
    pub entries_max: u64,
    /// How often no entry was made for a key, by a rule or by `vst_table_set`, because the table
    /// was full.
    pub refused_total: u64,
    /// Entries that were removed before they expired, to make room for others.
    pub purged_total: u64,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_table_counters {
    const FIRST: usize = 40;
}
const _: () = assert!(size_of::<vst_table_counters>() == 40);

/// Makes a table from its definition, which is what follows stick-table in a configuration of
/// HAProxy, such as: type ip size 100k expire 10m store `conn_cur`,conn_rate(10s). docs/tables.md
/// lists all words.
///
/// name is the table's name in rules, dumps and metrics. Both texts are copied. `*out` is the table,
/// or NULL on failure; free it with vst_table_free. On failure why, unless NULL, gets a sentence
/// that names the column, the word and what was expected there, cut to `why_size` bytes with its
/// NUL.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (a text is not UTF-8); VST_E_CONFIG (the definition
/// has a mistake).
///
/// # Safety
/// `name` and `definition` are NUL-terminated strings; `out` points to a pointer; `why` is NULL or
/// points to `why_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_new(
    name: *const c_char,
    definition: *const c_char,
    out: *mut *mut vst_table,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    let make = || {
        // SAFETY: the caller's contract.
        let name = unsafe { needed_text("name", name) }?;
        // SAFETY: the caller's contract.
        let definition = unsafe { needed_text("definition", definition) }?;
        let made = TableConfig::parse(name, definition)
            .map_err(|error| error.to_string())
            .and_then(|config| Table::new(config).map_err(|error| error.to_string()));
        Ok(vst_table { table: made.map_err(ConfigError::config)? })
    };
    // SAFETY: the caller's contract.
    unsafe { hand_out(out, why, why_size, make) }
}

/// Reads one value of the entry of a key. This does not count as a use: it does not delay the
/// expiry of the entry.
///
/// data is VST_DATA_*. `now_ns` is the time by the clock of the engines that use the table, in
/// nanoseconds; 0: the library reads CLOCK_MONOTONIC, which is the clock of engines made without
/// now_ns. `*value` is 0 unless VST_OK.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_NONE (no entry, or an IPv6 address that a table of type ip cannot hold);
/// VST_E_NULL; VST_E_ARGUMENT (the table does not store data, form is not the table's, an address
/// has not 4 or 16 bytes).
///
/// # Safety
/// `table` is a handle that is not freed; `key` points to a key, and its `bytes` to `len` bytes;
/// `value` to a `uint64_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_get(
    table: *const vst_table,
    key: *const vst_table_key,
    data: u32,
    now_ns: u64,
    value: *mut u64,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(value, 0) }?;
        // SAFETY: the caller's contract.
        let table = unsafe { table_of(table) }?;
        // SAFETY: the caller's contract.
        let key = unsafe { key_of(table, key) }?;
        let data = data_of(data).filter(|data| table.stores(*data)).ok_or(VST_E_ARGUMENT)?;
        let Some(found) = table.get(key, data, time(now_ns)) else { return Ok(VST_NONE) };
        // SAFETY: the caller's contract.
        unsafe { ptr::put(value, found) }?;
        Ok(VST_OK)
    })
}

/// Sets one value of the entry of a key. The entry is made if there is none; this counts as a use,
/// so the time until it expires starts again. Setting a rate begins a new period with value as its
/// count. VST_DATA_CONN_CUR cannot be set.
///
/// data is VST_DATA_*. `now_ns` is the time by the clock of the engines that use the table, in
/// nanoseconds; 0: the library reads CLOCK_MONOTONIC.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (the table does not store data, form is not the
/// table's, an address has not 4 or 16 bytes, a table of type ip cannot hold an IPv6 address);
/// VST_E_STATE (data is VST_DATA_CONN_CUR); VST_E_LIMIT (the table is full and no entry may be
/// removed).
///
/// # Safety
/// table is a handle that is not freed; key points to a key, and its bytes to len bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_set(
    table: *const vst_table,
    key: *const vst_table_key,
    data: u32,
    value: u64,
    now_ns: u64,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        let table = unsafe { table_of(table) }?;
        // SAFETY: the caller's contract.
        let key = unsafe { key_of(table, key) }?;
        let data = data_of(data).ok_or(VST_E_ARGUMENT)?;
        match table.set(key, data, value, time(now_ns)) {
            Ok(()) => Ok(VST_OK),
            Err(SetError::Key | SetError::NotStored) => Err(VST_E_ARGUMENT),
            Err(SetError::Counted) => Err(VST_E_STATE),
            Err(SetError::Full) => Err(VST_E_LIMIT),
        }
    })
}

/// Removes the entry of a key, unless a connection holds it, which is one that a rule counts in it
/// (track-sc0) and that still exists.
///
/// `now_ns` is the time by the clock of the engines that use the table, in nanoseconds; 0: the
/// library reads CLOCK_MONOTONIC.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_NONE (no entry, or it had expired); VST_E_STATE (a connection holds it);
/// VST_E_NULL; VST_E_ARGUMENT (form is not the table's, an address has not 4 or 16 bytes).
///
/// # Safety
/// table is a handle that is not freed; key points to a key, and its bytes to len bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_remove(
    table: *const vst_table,
    key: *const vst_table_key,
    now_ns: u64,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        let table = unsafe { table_of(table) }?;
        // SAFETY: the caller's contract.
        let key = unsafe { key_of(table, key) }?;
        match table.remove(key, time(now_ns)) {
            Removal::Removed => Ok(VST_OK),
            Removal::Absent => Ok(VST_NONE),
            Removal::Held => Err(VST_E_STATE),
        }
    })
}

/// Removes every entry that no connection holds; `*cleared`, unless NULL, is how many.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL.
///
/// # Safety
/// `table` is a handle that is not freed; `cleared` is NULL or points to a uint64_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_clear(table: *const vst_table, cleared: *mut u64) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put_if(cleared, 0) };
        // SAFETY: the caller's contract.
        let gone = unsafe { table_of(table) }?.clear();
        // SAFETY: the caller's contract.
        unsafe { ptr::put_if(cleared, gone as u64) };
        Ok(VST_OK)
    })
}

/// Writes how full a table is.
///
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `table` is a handle that is not freed; `counters` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_get_counters(
    table: *const vst_table,
    counters: *mut vst_table_counters,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::clear_sized(counters) }?;
        // SAFETY: the caller's contract.
        let table = unsafe { table_of(table) }?;
        let value = vst_table_counters {
            size: 0,
            _reserved: 0,
            entries: table.len() as u64,
            entries_max: table.config().size as u64,
            refused_total: table.refused(),
            purged_total: table.purged(),
        };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::write_sized(counters, &value) })
    })
}

/// Copies the table as text, in the form of HAProxy's show table: a line about the table, then one
/// about each entry. Bytes of a key that are not printable ASCII are escaped.
///
/// `now_ns` is the time by the clock of the engines that use the table, in nanoseconds; 0: the
/// library reads CLOCK_MONOTONIC. The text has no NUL; `*len` is its length. With VST_E_SPACE nothing
/// is copied, and `*len` is the capacity that was needed; by the next call there may be more entries.
/// For a large table a snapshot (`vst_table_snapshot_new`) is better.
/// Legal from any thread and any callback.
/// Returns VST_OK; VST_E_SPACE; VST_E_NULL.
///
/// # Safety
/// `table` is a handle that is not freed; `text` points to `capacity` writable bytes; `len` to a size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_dump(
    table: *const vst_table,
    now_ns: u64,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> vst_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(len, 0) }?;
        // SAFETY: the caller's contract.
        let dump = unsafe { table_of(table) }?.dump(time(now_ns));
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::copy_out(dump.as_bytes(), text.cast(), capacity, len) })
    })
}

/// Frees a handle. Connections, rules and snapshots that use the table keep it. NULL does nothing.
///
/// Legal from any thread and any callback.
///
/// # Safety
/// `table` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_free(table: *mut vst_table) {
    // SAFETY: the caller's contract.
    unsafe { free(table) };
}

pub(super) fn time(now_ns: u64) -> Time {
    if now_ns == 0 { monotonic() } else { Time(now_ns) }
}

/// The table behind a handle.
///
/// # Safety
/// `table` is NULL or a handle that is not freed before the reference ends.
pub(super) unsafe fn table_of<'a>(table: *const vst_table) -> Result<&'a Arc<Table>, vst_status> {
    // SAFETY: the caller's contract.
    unsafe { ptr::handle(table) }.map(|handle| &handle.table)
}
