//! The entries of a table, as C reads them.

use std::net::IpAddr;

use super::panic::{free, guard};
use super::ptr::{self, Sized32};
use super::seal::{Handle, seal};
use super::status::*;
use super::table::{table_of, time, vst_table};
use super::table_key::{VST_KEY_BYTES, VST_KEY_INTEGER, VST_KEY_IP, data_of, vst_table_key};
use crate::table::{Row, Snapshot, TableKey};
use crate::time::Time;

/// A walk through the entries of a table. Used by one thread at a time.
pub struct vst_table_snapshot {
    snapshot: Snapshot,
    /// The entry that was written last, and the bytes of its key.
    row: Option<Row>,
    key: Vec<u8>,
}

impl Handle for vst_table_snapshot {
    const NUMBER: u64 = 9;
}

/// One entry of a snapshot.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_table_row {
    /// In: `sizeof(vst_table_row)`. Not less than 48 bytes.
    pub size: u32,
    /// How many connections hold the entry: those that a rule counts in it (track-sc0) and that
    /// exist now.
    pub holders: u32,
    /// A number of the entry, which no other entry of the table has while this one exists.
    /// `vst_table_dump` prints it.
    pub number: u64,
    /// How long until it expires if it is not used meanwhile, in nanoseconds; VST_NEVER when the
    /// table has no expire.
    pub expires_in_ns: u64,
    /// The key. Its bytes belong to the snapshot and are valid until the next call on it.
    pub key: vst_table_key,
}
// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_table_row {
    const FIRST: usize = 48;
}
const _: () = assert!(size_of::<vst_table_row>() == 48);

/// Makes a snapshot, with which the entries of a table are read one by one. Entries are copied a
/// part at a time, while the snapshot is read, so that other threads do not wait for it. An entry
/// that exists all the time is returned once. An entry that is made or removed meanwhile may be
/// returned or not; a key that is removed and made again may be returned twice.
///
/// `now_ns` is the time for all entries, by the clock of the engines that use the table, in
/// nanoseconds; 0: the library reads CLOCK_MONOTONIC. `*out` is the snapshot, or NULL on failure;
/// free it with vst_table_snapshot_free. The handle table may be freed before it.
/// Legal from any thread and any callback.
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
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { ptr::put(out, std::ptr::null_mut()) }?;
        // SAFETY: the caller's contract.
        let snapshot = unsafe { table_of(table) }?.snapshot(time(now_ns));
        let made = vst_table_snapshot { snapshot, row: None, key: Vec::new() };
        // SAFETY: the caller's contract.
        unsafe { ptr::put(out, seal(made)) }?;
        Ok(VST_OK)
    })
}

/// Goes to the next entry of a snapshot and writes it to row; the first call goes to the first
/// entry. Expired entries are left out. row is all 0 but its size when there is none.
///
/// Legal from any thread and any callback, one thread at a time.
/// Returns VST_OK; VST_NONE (there is no further entry); VST_E_NULL; VST_E_SIZE.
///
/// # Safety
/// `snapshot` is a handle that is not freed and that nobody else uses; `row` points to as many bytes as
/// its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_snapshot_next(
    snapshot: *mut vst_table_snapshot,
    row: *mut vst_table_row,
) -> vst_status {
    guard(|| {
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

/// Reads one value of the entry that `vst_table_snapshot_next` wrote last.
///
/// data is VST_DATA_*. `*value` is 0 unless VST_OK.
/// Legal from any thread and any callback, one thread at a time.
/// Returns VST_OK; VST_NONE (there is no entry: `vst_table_snapshot_next` was not called, or
/// returned VST_NONE); VST_E_NULL; VST_E_ARGUMENT (the table does not store data).
///
/// # Safety
/// `snapshot` is a handle that is not freed; `value` points to a uint64_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_snapshot_value(
    snapshot: *const vst_table_snapshot,
    data: u32,
    value: *mut u64,
) -> vst_status {
    guard(|| {
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

/// Frees a snapshot. NULL does nothing.
///
/// Legal from any thread and any callback.
///
/// # Safety
/// `snapshot` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vst_table_snapshot_free(snapshot: *mut vst_table_snapshot) {
    // SAFETY: the caller's contract.
    unsafe { free(snapshot) };
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
        TableKey::Ip(IpAddr::V4(v4)) => {
            bytes.extend(v4.octets());
            VST_KEY_IP
        }
        TableKey::Ip(IpAddr::V6(v6)) => {
            bytes.extend(v6.octets());
            VST_KEY_IP
        }
        TableKey::Integer(number) => {
            integer = number;
            VST_KEY_INTEGER
        }
        TableKey::Text(text) => {
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
