//! The kinds of data that packets of MQTT are made of (section 1.5 of MQTT 5.0).

use std::str;

/// The bits of a number that a byte of a length has; the other says that one more byte follows.
const LENGTH_BITS: u32 = 7;
const LENGTH_MORE: u8 = 1 << LENGTH_BITS;
/// The most bytes a length has.
const LENGTH_BYTES: usize = 4;

/// The bytes are no CONNECT and no CONNACK, and no further byte can make them one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotMqtt;

/// A length in as many bytes as it needs, or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PacketLength {
    pub(super) value: usize,
    pub(super) is_shortest: bool,
}

/// What has not been read of a packet.
#[derive(Clone, Debug)]
pub(super) struct PacketReader<'a>(&'a [u8]);

impl<'a> PacketReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        let [byte] = self.array()?;
        Some(byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// Bytes behind their number.
    pub(super) fn data(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }

    /// Text, which is UTF-8 (MQTT-1.5.4-1) without U+0000 (MQTT-1.5.4-2).
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let is_text = |bytes: &&[u8]| !bytes.contains(&0) && str::from_utf8(bytes).is_ok();
        self.data().filter(is_text)
    }

    /// A length; none while its last byte is not there.
    pub(super) fn length(&mut self) -> Result<Option<PacketLength>, NotMqtt> {
        let mut value = 0;
        for (at, byte) in self.0.iter().take(LENGTH_BYTES).enumerate() {
            value |= usize::from(byte & !LENGTH_MORE) << (LENGTH_BITS as usize * at);
            if byte & LENGTH_MORE == 0 {
                self.0 = &self.0[at + 1..];
                return Ok(Some(PacketLength { value, is_shortest: at == 0 || *byte != 0 }));
            }
        }
        if self.0.len() < LENGTH_BYTES { Ok(None) } else { Err(NotMqtt) }
    }
}
