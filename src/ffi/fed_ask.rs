//! What a fed connection asks of the host, as C reads it.

use std::ffi::c_void;

use super::addr::vst_addr;
use super::ptr::Sized32;
use super::types::vst_id;
use crate::engine::FedAsk;

/// Open the connection to `to`: then report vst_fed_opened or vst_fed_failed.
pub const VST_FED_OPEN: u32 = 1;
/// Bytes may be reported with vst_fed_received. While the last ask had no VST_FED_RECEIVE, stop reading
/// from what is below: `fed_inbox_bytes` are full, or the end or a failure was reported. It is asked again
/// once half of `fed_inbox_bytes` is free.
pub const VST_FED_RECEIVE: u32 = 2;
/// Bytes wait to be sent (`unsent`): copy them out with vst_fed_copy_unsent, and report with
/// vst_fed_sent how many of them what is below has taken. It is asked again when further bytes wait. No
/// ask comes when all were sent: vst_fed_copy_unsent copies none then.
pub const VST_FED_SEND: u32 = 4;
/// No more bytes will be sent: end the direction to the peer. All bytes before were reported as sent.
pub const VST_FED_SHUT_WRITE: u32 = 8;
/// Close the connection in order, then report vst_fed_closed. The direction to the peer ends with it where
/// VST_FED_SHUT_WRITE was not asked before; what the peer still sends is not needed. It may come while
/// the connection is still being opened, which is given up. Nothing else is asked afterwards, but
/// possibly VST_FED_RESET.
pub const VST_FED_CLOSE: u32 = 16;
/// Close the connection so that the peer learns that it was cut off (a reset, where there is such a
/// thing), then report vst_fed_closed. Also while it is still being opened.
pub const VST_FED_RESET: u32 = 32;

/// What one fed connection asks of the host.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct vst_fed_ask {
    /// In, for vst_fed_next: `sizeof(vst_fed_ask)`. Not less than 280 bytes.
    pub size: u32,
    /// `VST_FED_*`: VST_FED_RECEIVE and VST_FED_SEND say what holds from now on, until the next ask of
    /// this connection; each of the others is asked once. 0: nothing holds.
    pub asks: u32,
    /// The connection.
    pub conn: vst_id,
    /// The host's data for what is below: as in vst_feed_args, or as vst_fed_set_data has set it. With
    /// VST_FED_OPEN it means nothing: there is nothing below yet.
    pub data: *mut c_void,
    /// How many bytes wait to be sent.
    pub unsent: u64,
    /// How many bytes vst_fed_received takes from now on, all calls together, until the next ask of this
    /// connection. VST_FED_RECEIVE is asked once more whenever half of `fed_inbox_bytes` was read since
    /// the last ask, so a host can promise this much to its peer (the credit or window of a protocol of
    /// its own) and needs no memory for received bytes.
    pub room: u64,
    /// With VST_FED_OPEN: the address to connect to. Otherwise VST_ADDR_NONE.
    pub to: vst_addr,
    /// With VST_FED_OPEN: the address to connect from, if `source` of the connect configuration says
    /// one. Otherwise VST_ADDR_NONE.
    pub from: vst_addr,
}

// SAFETY: repr(C), laid out without padding (asserted below), valid when zero.
unsafe impl Sized32 for vst_fed_ask {
    const FIRST: usize = 280;
}
const _: () = assert!(size_of::<vst_fed_ask>() == 280);

impl vst_fed_ask {
    /// The ask as C reads it.
    pub(super) fn of(ask: &FedAsk) -> Self {
        let (to, from) = match &ask.open {
            Some((to, from)) => (Some(to), from.as_ref()),
            None => (None, None),
        };
        Self {
            size: size_of::<Self>() as u32,
            asks: u32::from(ask.asks.bits()),
            conn: ask.conn.bits(),
            data: std::ptr::with_exposed_provenance_mut(ask.data as usize),
            unsent: ask.unsent as u64,
            room: ask.room as u64,
            to: vst_addr::of_option(to),
            from: vst_addr::of_option(from),
        }
    }
}
