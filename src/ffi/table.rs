//! Stick tables, as C makes them and asks after them.

use std::ffi::c_char;
use std::net::IpAddr;
use std::sync::Arc;

use super::ptr::{self, Sized32};
use super::status::*;
use crate::sys::monotonic;
use crate::table::{Data, Key, Removal, Row, SetError, Snapshot, Table, TableConfig};
use crate::time::Time;

/// What is remembered about a key, such as the address of a client, from one connection to the next.
/// Shared by engines in any threads; every function on it may be called from any thread.
pub struct vst_table {
    pub(super) table: Arc<Table>,
}

/// The entries of a table as they are, one after the other. Belongs to whoever made it, one thread at
/// a time.
pub struct vst_table_snapshot {
    snapshot: Snapshot,
    /// The entry that was written last, and the bytes of its key.
    row: Option<Row>,
    key: Vec<u8>,
}

/// The key is an address: `bytes` are the 4 of IPv4 or the 16 of IPv6, in network order.
pub const VST_KEY_IP: u32 = 0;
/// The key is `integer`.
pub const VST_KEY_INTEGER: u32 = 1;
/// The key is `bytes`, of a table of strings or of blocks.
pub const VST_KEY_BYTES: u32 = 2;

/// The number of the server that streams of the key go to; 0 is none.
pub const VST_DATA_SERVER_ID: u32 = 0;
/// The tag of the host's own.
pub const VST_DATA_GPT0: u32 = 1;
/// How often the first counter was counted in the last period.
pub const VST_DATA_GPC0_RATE: u32 = 2;
/// Connections, refused ones among them.
pub const VST_DATA_CONN_CNT: u32 = 3;
/// Connections in the last period.
pub const VST_DATA_CONN_RATE: u32 = 4;
/// Connections that exist.
pub const VST_DATA_CONN_CUR: u32 = 5;
/// Sessions.
pub const VST_DATA_SESS_CNT: u32 = 6;
/// Sessions in the last period.
pub const VST_DATA_SESS_RATE: u32 = 7;
/// Bytes from the clients.
pub const VST_DATA_BYTES_IN_CNT: u32 = 8;
/// Bytes from the clients in the last period.
pub const VST_DATA_BYTES_IN_RATE: u32 = 9;
/// Bytes to the clients.
pub const VST_DATA_BYTES_OUT_CNT: u32 = 10;
/// Bytes to the clients in the last period.
pub const VST_DATA_BYTES_OUT_RATE: u32 = 11;
/// The first counter of the host's own; `VST_DATA_GPC + n` is the one with index `n`, up to 99.
pub const VST_DATA_GPC: u32 = 256;

/// A key. Tables of addresses take `VST_KEY_IP`, those of integers `VST_KEY_INTEGER`, those of strings
/// and of blocks `VST_KEY_BYTES`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_table_key {
    /// `VST_KEY_*`.
    pub form: u32,
    /// The number of `VST_KEY_INTEGER`, else 0.
    pub integer: u32,
    /// The bytes of the others, read during the call; NULL for none. Any bytes, NUL as well.
    pub bytes: *const u8,
    /// How many.
    pub len: usize,
}
const _: () = assert!(size_of::<vst_table_key>() == 24);

/// How full a table is.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_table_counters {
    /// In: `sizeof(vst_table_counters)`.
    pub size: u32,
    /// 0.
    pub _reserved: u32,
    /// Entries, with those that have expired and are not gone yet.
    pub entries: u64,
    /// The most there can be.
    pub entries_max: u64,
    /// How often a key was not tracked or set because the table was full.
    pub refused: u64,
    /// Entries that made room for others before they expired.
    pub purged: u64,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_table_counters {
    const FIRST: usize = 40;
}
const _: () = assert!(size_of::<vst_table_counters>() == 40);

/// One entry of a snapshot.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_table_row {
    /// In: `sizeof(vst_table_row)`.
    pub size: u32,
    /// How many connections hold the entry.
    pub holders: u32,
    /// Which entry it is: no other of the table has the number as long as the entry exists.
    pub number: u64,
    /// How long until it expires if it is not used, in nanoseconds; `VST_NEVER` if it does not.
    pub expires_in_ns: u64,
    /// The key. Its bytes belong to the snapshot and are valid until the next call on it.
    pub key: vst_table_key,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_table_row {
    const FIRST: usize = 48;
}
const _: () = assert!(size_of::<vst_table_row>() == 48);

/// Makes a table from its definition, which is what stands behind `stick-table` in a configuration of
/// HAProxy: `type ip size 100k expire 10m store conn_cur,conn_rate(10s)`. docs/tables.md has all words.
///
/// `name` is what it is called in dumps and rules. `*out` is the table, or NULL on failure; free it
/// with `vst_table_free`. On failure `why`, unless NULL, gets a sentence that names the column, the
/// word and what belongs there, cut to `why_size` bytes with its NUL.
/// Legal at any time, from any thread, in any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (not UTF-8); VST_E_CONFIG.
///
/// # Safety
/// `name` and `definition` are NUL-terminated strings; `out` points to a pointer; `why` to `why_size`
/// writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_new(
    name: *const c_char,
    definition: *const c_char,
    out: *mut *mut vst_table,
    why: *mut c_char,
    why_size: usize,
) -> vst_status {
    super::guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(out, std::ptr::null_mut()) }?;
        // SAFETY: the caller's contract.
        let name = unsafe { ptr::text(name) }?.ok_or(VST_E_NULL)?;
        // SAFETY: the caller's contract.
        let definition = unsafe { ptr::text(definition) }?.ok_or(VST_E_NULL)?;
        let made = TableConfig::parse(name, definition)
            .map_err(|error| error.to_string())
            .and_then(|config| Table::new(config).map_err(|error| error.to_string()));
        match made {
            Ok(table) => {
                // SAFETY: the caller's contract.
                unsafe { ptr::put(out, Box::into_raw(Box::new(vst_table { table }))) }?;
                Ok(VST_OK)
            }
            Err(error) => {
                // SAFETY: the caller's contract.
                unsafe { ptr::explain(&error, why, why_size) };
                Err(VST_E_CONFIG)
            }
        }
    })
}

/// Gives up a handle. Connections, rules and snapshots that use the table keep what it stands for.
/// NULL is fine.
///
/// Legal at any time, from any thread, in any callback.
///
/// # Safety
/// `table` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_free(table: *mut vst_table) {
    // SAFETY: the caller's contract.
    unsafe { super::free(table) };
}

/// Looks up what is known of a key. Asking is no use: the entry expires when it would have.
///
/// `data` is `VST_DATA_*`. `now_ns` is the time, or 0 to have the clock read. `*value` is 0 unless it
/// is found.
/// Legal at any time, from any thread, in any callback.
/// Returns VST_OK; VST_NONE (no such entry); VST_E_NULL; VST_E_ARGUMENT (the table does not store it,
/// or has no such keys; an address of another length than 4 or 16).
///
/// # Safety
/// `table` is a handle that is not freed; `key` points to a key, and its `bytes` to `len` bytes;
/// `value` to a u64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_get(
    table: *const vst_table,
    key: *const vst_table_key,
    data: u32,
    now_ns: u64,
    value: *mut u64,
) -> vst_status {
    super::guard(|| {
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

/// Sets what is known of a key, whose entry is made if there is none, and used. A rate begins a period
/// with the value. Connections that exist are counted and cannot be set.
///
/// `data` is `VST_DATA_*`. `now_ns` is the time, or 0 to have the clock read.
/// Legal at any time, from any thread, in any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (as `vst_table_get`); VST_E_STATE
/// (`VST_DATA_CONN_CUR`); VST_E_LIMIT (the table is full and nothing may make room).
///
/// # Safety
/// As `vst_table_get`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_set(
    table: *const vst_table,
    key: *const vst_table_key,
    data: u32,
    value: u64,
    now_ns: u64,
) -> vst_status {
    super::guard(|| {
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

/// Forgets a key, unless a connection holds its entry.
///
/// `now_ns` is the time, or 0 to have the clock read.
/// Legal at any time, from any thread, in any callback.
/// Returns VST_OK; VST_NONE (no such entry); VST_E_STATE (a connection holds it); VST_E_NULL;
/// VST_E_ARGUMENT (the table has no such keys).
///
/// # Safety
/// As `vst_table_get`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_remove(
    table: *const vst_table,
    key: *const vst_table_key,
    now_ns: u64,
) -> vst_status {
    super::guard(|| {
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

/// Forgets every key whose entry no connection holds; `*cleared`, unless NULL, is how many.
///
/// Legal at any time, from any thread, in any callback.
/// Returns VST_OK; VST_E_NULL.
///
/// # Safety
/// `table` is a handle that is not freed; `cleared` is NULL or points to a u64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_clear(table: *const vst_table, cleared: *mut u64) -> vst_status {
    super::guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put_if(cleared, 0) };
        // SAFETY: the caller's contract.
        let gone = unsafe { table_of(table) }?.clear();
        // SAFETY: the caller's contract.
        unsafe { ptr::put_if(cleared, gone as u64) };
        Ok(VST_OK)
    })
}

/// Forgets entries that have expired, `budget` at most. They are gone for who asks as soon as they
/// expire, and give their places to others: this frees the places before somebody needs one.
///
/// `now_ns` is the time, or 0 to have the clock read. `*next_ns`, unless NULL, is when there may be
/// something to do again, always later than now; `VST_NEVER` while nothing can expire.
/// Legal at any time, from any thread, in any callback.
/// Returns VST_OK; VST_E_NULL.
///
/// # Safety
/// `table` is a handle that is not freed; `next_ns` is NULL or points to a u64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_expire(
    table: *const vst_table,
    now_ns: u64,
    budget: u32,
    next_ns: *mut u64,
) -> vst_status {
    super::guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put_if(next_ns, Time::NEVER.0) };
        // SAFETY: the caller's contract.
        let next = unsafe { table_of(table) }?.expire(time(now_ns), budget as usize);
        // SAFETY: the caller's contract.
        unsafe { ptr::put_if(next_ns, next.unwrap_or(Time::NEVER).0) };
        Ok(VST_OK)
    })
}

/// Tells how full a table is.
///
/// Legal at any time, from any thread, in any callback.
/// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `table` is a handle that is not freed; `counters` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_stats(
    table: *const vst_table,
    counters: *mut vst_table_counters,
) -> vst_status {
    super::guard(|| {
        // SAFETY: the caller's contract.
        let table = unsafe { table_of(table) }?;
        let value = vst_table_counters {
            size: 0,
            _reserved: 0,
            entries: table.len() as u64,
            entries_max: table.config().size as u64,
            refused: table.refused(),
            purged: table.purged(),
        };
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::write_sized(counters, &value) })
    })
}

/// Writes the table as text, in the form of HAProxy's `show table`: a line about the table, then one
/// about each entry. What is no printable character in a key is escaped.
///
/// The text has no NUL; `*len` is its length. When `capacity` does not suffice nothing is written, and
/// `*len` says what was needed; others may have added entries until the next call. A table of any size
/// is better read through a snapshot.
/// Legal at any time, from any thread, in any callback.
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
    super::guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(len, 0) }?;
        // SAFETY: the caller's contract.
        let dump = unsafe { table_of(table) }?.dump(time(now_ns));
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::copy_out(dump.as_bytes(), text.cast(), capacity, len) })
    })
}

/// Makes a snapshot: the entries of a table, to be read one by one. Nobody waits for whoever reads it:
/// the table is copied a part at a time. An entry that is there all the time is seen once; one that
/// comes or goes meanwhile may be or not.
///
/// `now_ns` is the time for all of it, or 0 to have the clock read. `*out` is the snapshot, or NULL;
/// free it with `vst_table_snapshot_free`.
/// Legal at any time, from any thread, in any callback.
/// Returns VST_OK; VST_E_NULL.
///
/// # Safety
/// `table` is a handle that is not freed; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_snapshot_new(
    table: *const vst_table,
    now_ns: u64,
    out: *mut *mut vst_table_snapshot,
) -> vst_status {
    super::guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(out, std::ptr::null_mut()) }?;
        // SAFETY: the caller's contract.
        let snapshot = unsafe { table_of(table) }?.snapshot(time(now_ns));
        let made = Box::new(vst_table_snapshot { snapshot, row: None, key: Vec::new() });
        // SAFETY: the caller's contract.
        unsafe { ptr::put(out, Box::into_raw(made)) }?;
        Ok(VST_OK)
    })
}

/// Goes on to the next entry of a snapshot and writes it.
///
/// Legal at any time, in any callback, by one thread at a time.
/// Returns VST_OK; VST_NONE (that was all); VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `snapshot` is a handle that is not freed and that nobody else uses; `row` points to as many bytes as
/// its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_snapshot_next(
    snapshot: *mut vst_table_snapshot,
    row: *mut vst_table_row,
) -> vst_status {
    super::guard(|| {
        // SAFETY: NULL becomes None; else the host passes a handle we made, which nobody else uses.
        let snapshot = unsafe { snapshot.as_mut() }.ok_or(VST_E_NULL)?;
        // First, so that no entry is lost when there is no room for one.
        // SAFETY: the caller's contract.
        let written = unsafe { ptr::write_sized(row, &NO_ROW) };
        if written != VST_OK {
            return Err(written);
        }
        snapshot.row = snapshot.snapshot.next();
        let Some(value) = &snapshot.row else { return Ok(VST_NONE) };
        let value = row_of(value, &mut snapshot.key);
        // SAFETY: the caller's contract.
        Ok(unsafe { ptr::write_sized(row, &value) })
    })
}

/// Reads what the entry holds that `vst_table_snapshot_next` has written last.
///
/// `data` is `VST_DATA_*`. `*value` is 0 unless it is stored.
/// Legal at any time, in any callback, by one thread at a time.
/// Returns VST_OK; VST_NONE (there is no entry); VST_E_NULL; VST_E_ARGUMENT (the table does not store
/// it).
///
/// # Safety
/// `snapshot` is a handle that is not freed; `value` points to a u64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_snapshot_value(
    snapshot: *const vst_table_snapshot,
    data: u32,
    value: *mut u64,
) -> vst_status {
    super::guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(value, 0) }?;
        // SAFETY: the caller's contract.
        let snapshot = unsafe { ptr::handle(snapshot) }?;
        let data = data_of(data).ok_or(VST_E_ARGUMENT)?;
        let Some(row) = &snapshot.row else { return Ok(VST_NONE) };
        let found = row.values.iter().find(|(_, of, _)| *of == data).ok_or(VST_E_ARGUMENT)?;
        // SAFETY: the caller's contract.
        unsafe { ptr::put(value, found.2) }?;
        Ok(VST_OK)
    })
}

/// Frees a snapshot. NULL is fine.
///
/// Legal at any time, from any thread, in any callback.
///
/// # Safety
/// `snapshot` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_snapshot_free(snapshot: *mut vst_table_snapshot) {
    // SAFETY: the caller's contract.
    unsafe { super::free(snapshot) };
}

fn time(now_ns: u64) -> Time {
    if now_ns == 0 { monotonic() } else { Time(now_ns) }
}

fn data_of(number: u32) -> Option<Data> {
    Some(match number {
        VST_DATA_SERVER_ID => Data::ServerId,
        VST_DATA_GPT0 => Data::Gpt0,
        VST_DATA_GPC0_RATE => Data::Gpc0Rate,
        VST_DATA_CONN_CNT => Data::ConnCnt,
        VST_DATA_CONN_RATE => Data::ConnRate,
        VST_DATA_CONN_CUR => Data::ConnCur,
        VST_DATA_SESS_CNT => Data::SessCnt,
        VST_DATA_SESS_RATE => Data::SessRate,
        VST_DATA_BYTES_IN_CNT => Data::BytesInCnt,
        VST_DATA_BYTES_IN_RATE => Data::BytesInRate,
        VST_DATA_BYTES_OUT_CNT => Data::BytesOutCnt,
        VST_DATA_BYTES_OUT_RATE => Data::BytesOutRate,
        _ => Data::Gpc(u8::try_from(number.checked_sub(VST_DATA_GPC)?).ok()?),
    })
}

/// The table behind a handle.
///
/// # Safety
/// `table` is NULL or a handle that is not freed before the reference ends.
unsafe fn table_of<'a>(table: *const vst_table) -> Result<&'a Arc<Table>, vst_status> {
    // SAFETY: the caller's contract.
    unsafe { ptr::handle(table) }.map(|handle| &handle.table)
}

/// A key of the host's, which must be of the form that the table has.
///
/// # Safety
/// `key` is NULL or points to a key, and its `bytes` to `len` readable bytes.
unsafe fn key_of<'a>(table: &Table, key: *const vst_table_key) -> Result<Key<'a>, vst_status> {
    // SAFETY: the caller's contract.
    let given = unsafe { key.as_ref() }.ok_or(VST_E_NULL)?;
    // SAFETY: the caller's contract.
    let bytes = unsafe { ptr::bytes(given.bytes, given.len) }?;
    let key = match given.form {
        VST_KEY_IP if given.integer == 0 => Key::Ip(address(bytes).ok_or(VST_E_ARGUMENT)?),
        VST_KEY_INTEGER if bytes.is_empty() => Key::Integer(given.integer),
        VST_KEY_BYTES if given.integer == 0 => Key::Text(bytes),
        _ => return Err(VST_E_ARGUMENT),
    };
    if key.form() == table.config().kind.form() { Ok(key) } else { Err(VST_E_ARGUMENT) }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

const NO_ROW: vst_table_row = vst_table_row {
    size: 0,
    holders: 0,
    number: 0,
    expires_in_ns: 0,
    key: vst_table_key { form: VST_KEY_IP, integer: 0, bytes: std::ptr::null(), len: 0 },
};

/// What is written of an entry; the bytes of its key go to `bytes`.
fn row_of(row: &Row, bytes: &mut Vec<u8>) -> vst_table_row {
    bytes.clear();
    let mut integer = 0;
    let form = match row.key.borrow() {
        Key::Ip(IpAddr::V4(v4)) => {
            bytes.extend(v4.octets());
            VST_KEY_IP
        }
        Key::Ip(IpAddr::V6(v6)) => {
            bytes.extend(v6.octets());
            VST_KEY_IP
        }
        Key::Integer(number) => {
            integer = number;
            VST_KEY_INTEGER
        }
        Key::Text(text) => {
            bytes.extend(text);
            VST_KEY_BYTES
        }
    };
    let start = if bytes.is_empty() { std::ptr::null() } else { bytes.as_ptr() };
    vst_table_row {
        size: 0,
        holders: row.holders,
        number: row.number,
        expires_in_ns: row.expires_in.unwrap_or(Time::NEVER.0),
        key: vst_table_key { form, integer, bytes: start, len: bytes.len() },
    }
}
