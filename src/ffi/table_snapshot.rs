//! The entries of a table, as C reads them.

use std::net::IpAddr;

use super::panic::{free, guard};
use super::ptr::{self, Sized32};
use super::status::*;
use super::table::{table_of, time, vst_table};
use super::table_key::{VST_KEY_BYTES, VST_KEY_INTEGER, VST_KEY_IP, data_of, vst_table_key};
use crate::table::{Key, Row, Snapshot};
use crate::time::Time;

/// The entries of a table as they are, one after the other. Used by one thread at a time.
pub struct vst_table_snapshot {
    snapshot: Snapshot,
    /// The entry that was written last, and the bytes of its key.
    row: Option<Row>,
    key: Vec<u8>,
}

/// One entry of a snapshot.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_table_row {
    /// In: `sizeof(vst_table_row)`. Not less than 48 bytes.
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

/// Makes a snapshot: the entries of a table, to be read one by one. The table is copied a part at a
/// time, so that other threads do not wait for the reader. An entry that is there all the time is
/// seen once; one that comes or goes meanwhile may be or not, and of a key that goes and comes
/// again both may be.
///
/// `now_ns` is the time for all of it, or 0 to have the clock read. `*out` is the snapshot, or NULL;
/// free it with `vst_table_snapshot_free`.
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
        let made = Box::new(vst_table_snapshot { snapshot, row: None, key: Vec::new() });
        // SAFETY: the caller's contract.
        unsafe { ptr::put(out, Box::into_raw(made)) }?;
        Ok(VST_OK)
    })
}

/// Goes on to the next entry of a snapshot and writes it.
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

/// Reads what the entry holds that `vst_table_snapshot_next` has written last.
///
/// `data` is `VST_DATA_*`. `*value` is 0 unless it is stored.
/// Legal from any thread and any callback, one thread at a time.
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

/// Frees a snapshot. NULL is fine.
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
