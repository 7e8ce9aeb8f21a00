//! Keys of tables and what is known of them, as C names them.

use std::net::IpAddr;

use super::ptr;
use super::status::*;
use crate::table::{DataType, Table, TableKey};

/// The key is an IP address: bytes has the 4 bytes of IPv4 or the 16 of IPv6, in network order. For
/// tables of type ip and ipv6.
pub const VST_KEY_IP: u32 = 0;
/// The key is the number in integer. For tables of type integer.
pub const VST_KEY_INTEGER: u32 = 1;
/// The key is the text or block in bytes. For tables of type string and binary.
pub const VST_KEY_BYTES: u32 = 2;

/// The server that streams of the key go to: its number from `vst_backend_add_server` plus 1; 0 is
/// none. `server_id` in a definition.
pub const VST_DATA_SERVER_ID: u32 = 0;
/// A number for any purpose. gpt0 in a definition.
pub const VST_DATA_GPT0: u32 = 1;
/// How often the counter with index 0 was increased in the last period. `gpc0_rate` in a
/// definition; the period is the time in brackets there, as for every rate.
pub const VST_DATA_GPC0_RATE: u32 = 2;
/// Connections so far, refused ones among them. `conn_cnt` in a definition.
pub const VST_DATA_CONN_CNT: u32 = 3;
/// Connections in the last period. `conn_rate` in a definition.
pub const VST_DATA_CONN_RATE: u32 = 4;
/// Connections that exist now. `conn_cur` in a definition.
pub const VST_DATA_CONN_CUR: u32 = 5;
/// Sessions so far: connections that passed all rules. `sess_cnt` in a definition.
pub const VST_DATA_SESS_CNT: u32 = 6;
/// Sessions in the last period. `sess_rate` in a definition.
pub const VST_DATA_SESS_RATE: u32 = 7;
/// Bytes from clients so far. `bytes_in_cnt` in a definition.
pub const VST_DATA_BYTES_IN_CNT: u32 = 8;
/// Bytes from clients in the last period. `bytes_in_rate` in a definition.
pub const VST_DATA_BYTES_IN_RATE: u32 = 9;
/// Bytes to clients so far. `bytes_out_cnt` in a definition.
pub const VST_DATA_BYTES_OUT_CNT: u32 = 10;
/// Bytes to clients in the last period. `bytes_out_rate` in a definition.
pub const VST_DATA_BYTES_OUT_RATE: u32 = 11;
/// Counters for any purpose: VST_DATA_GPC + n is the one with index n, 0 to 99. gpc0 or gpc(N) in a
/// definition.
pub const VST_DATA_GPC: u32 = 256;

/// A key of a table. form must be the one for the type of the table.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_table_key {
    /// `VST_KEY_*`.
    pub form: u32,
    /// With VST_KEY_INTEGER: the number. Else 0.
    pub integer: u32,
    /// With VST_KEY_IP and VST_KEY_BYTES: the bytes, of any value, NUL too; read during the call.
    /// Else NULL.
    pub bytes: *const u8,
    /// The length of bytes; 0 with VST_KEY_INTEGER.
    pub len: usize,
}
const _: () = assert!(size_of::<vst_table_key>() == 24);

/// What a number of `VST_DATA_*` stands for.
pub(super) fn data_of(number: u32) -> Option<DataType> {
    Some(match number {
        VST_DATA_SERVER_ID => DataType::ServerId,
        VST_DATA_GPT0 => DataType::Gpt0,
        VST_DATA_GPC0_RATE => DataType::Gpc0Rate,
        VST_DATA_CONN_CNT => DataType::ConnCnt,
        VST_DATA_CONN_RATE => DataType::ConnRate,
        VST_DATA_CONN_CUR => DataType::ConnCur,
        VST_DATA_SESS_CNT => DataType::SessCnt,
        VST_DATA_SESS_RATE => DataType::SessRate,
        VST_DATA_BYTES_IN_CNT => DataType::BytesInCnt,
        VST_DATA_BYTES_IN_RATE => DataType::BytesInRate,
        VST_DATA_BYTES_OUT_CNT => DataType::BytesOutCnt,
        VST_DATA_BYTES_OUT_RATE => DataType::BytesOutRate,
        _ => DataType::Gpc(u8::try_from(number.checked_sub(VST_DATA_GPC)?).ok()?),
    })
}

/// A key of the host's, which must be of the form that the table has.
///
/// # Safety
/// `key` is NULL or points to a key, and its `bytes` to `len` readable bytes.
pub(super) unsafe fn key_of<'a>(
    table: &Table,
    key: *const vst_table_key,
) -> Result<TableKey<'a>, vst_status> {
    // SAFETY: the caller's contract.
    let given = unsafe { key.as_ref() }.ok_or(VST_E_NULL)?;
    // SAFETY: the caller's contract.
    let bytes = unsafe { ptr::bytes(given.bytes, given.len) }?;
    let key = match given.form {
        VST_KEY_IP if given.integer == 0 => TableKey::Ip(address(bytes).ok_or(VST_E_ARGUMENT)?),
        VST_KEY_INTEGER if bytes.is_empty() => TableKey::Integer(given.integer),
        VST_KEY_BYTES if given.integer == 0 => TableKey::Text(bytes),
        _ => return Err(VST_E_ARGUMENT),
    };
    if key.form() == table.config().kind.form() { Ok(key) } else { Err(VST_E_ARGUMENT) }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}
