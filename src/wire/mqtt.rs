//! The first packet of either side of MQTT: the CONNECT of a client and the CONNACK of a server, read only
//! to see what they say. Nothing is answered, and what a server would refuse with a code of its own is not
//! judged.
//!
//! Sources: sections 2, 3.1 and 3.2 of MQTT 5.0, of MQTT 3.1.1 and of MQTT V3.1; `MQTT-` and a number is a
//! statement of the first two. Nothing is said of a packet before all of it is there, except that its
//! front can be none.

use property::PropertyPlace;
pub use property::{
    MqttProperties, PropertyValue, USER_PROPERTY, may_be_in_connack, may_be_in_connect,
};
pub use reader::NotMqtt;
use reader::PacketReader;

mod property;
mod reader;
#[cfg(test)]
mod tests;

/// The first byte of a packet: its type, and no flag (MQTT-2.2.2-1).
const CONNECT: u8 = 1 << 4;
const CONNACK: u8 = 2 << 4;

/// The levels of the protocol.
const V3_1: u8 = 3;
const V3_1_1: u8 = 4;
const V5: u8 = 5;

/// The flags of a CONNECT (section 3.1.2.3).
mod flag {
    pub(super) const RESERVED: u8 = 1;
    pub(super) const WILL: u8 = 1 << 2;
    pub(super) const WILL_QOS: u8 = 3 << 3;
    pub(super) const WILL_RETAIN: u8 = 1 << 5;
    pub(super) const PASSWORD: u8 = 1 << 6;
    pub(super) const USERNAME: u8 = 1 << 7;
}

/// The one flag of a CONNACK (section 3.2.2.1).
const SESSION_PRESENT: u8 = 1;

/// A packet that begins a side of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MqttPacket<'a> {
    /// What a client says first.
    Connect(MqttConnect<'a>),
    /// What a server answers.
    Connack(MqttConnack<'a>),
}

/// What a client says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttConnect<'a> {
    /// The level of the protocol: 3, 4 (version 3.1.1) or 5.
    pub level: u8,
    /// The flags as they stand.
    pub flags: u8,
    /// In seconds; 0: none.
    pub keep_alive: u16,
    /// Empty before version 5.
    pub properties: MqttProperties<'a>,
    /// Empty where the server is to choose one.
    pub client_id: &'a [u8],
    /// What the server is to publish for the client when it is gone.
    pub will: Option<MqttWill<'a>>,
    /// The name of the user.
    pub username: Option<&'a [u8]>,
    /// The password: any bytes.
    pub password: Option<&'a [u8]>,
}

/// What is published when a client is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttWill<'a> {
    /// Empty before version 5.
    pub properties: MqttProperties<'a>,
    /// Where it is published.
    pub topic: &'a [u8],
    /// Any bytes.
    pub payload: &'a [u8],
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttConnack<'a> {
    /// The level of the protocol: 5, or 4 for version 3.1.1 and those before, which are alike.
    pub level: u8,
    /// The flags as they stand: 1 where the server has kept the session.
    pub flags: u8,
    /// 0: the client is accepted.
    pub reason: u8,
    /// Empty before version 5.
    pub properties: MqttProperties<'a>,
}

/// Reads the packet at the front of `bytes`; none while it is not whole. What follows it may be there already.
///
/// # Errors
/// Where it is malformed, or a packet of another type.
pub fn parse(bytes: &[u8]) -> Result<Option<MqttPacket<'_>>, NotMqtt> {
    let Some((kind, rest)) = bytes.split_first() else { return Ok(None) };
    if ![CONNECT, CONNACK].contains(kind) {
        return Err(NotMqtt);
    }
    let mut reader = PacketReader::new(rest);
    let Some(length) = reader.length()? else { return Ok(None) };
    let Some(body) = reader.take(length.value) else { return Ok(None) };
    let mut body = PacketReader::new(body);
    let packet = match *kind {
        CONNECT => MqttConnect::read(&mut body).map(MqttPacket::Connect),
        _ => MqttConnack::read(&mut body).map(MqttPacket::Connack),
    };
    // Version 5 alone demands the shortest form of a length (MQTT-1.5.5-1).
    let fits = |packet: &MqttPacket<'_>| length.is_shortest || packet.level() != V5;
    packet.filter(fits).filter(|_| body.is_at_end()).map(Some).ok_or(NotMqtt)
}

impl MqttPacket<'_> {
    const fn level(&self) -> u8 {
        match self {
            Self::Connect(connect) => connect.level,
            Self::Connack(connack) => connack.level,
        }
    }
}

impl<'a> MqttConnect<'a> {
    fn read(reader: &mut PacketReader<'a>) -> Option<Self> {
        let name = reader.data()?;
        let level = reader.u8()?;
        if name != protocol_name(level)?.as_bytes() {
            return None;
        }
        let flags = reader.u8()?;
        if !flags_fit(level, flags) {
            return None;
        }
        let keep_alive = reader.u16()?;
        let properties = |reader: &mut PacketReader<'a>, place| match level {
            V5 => MqttProperties::read(reader, place),
            _ => Some(MqttProperties::default()),
        };
        Some(Self {
            level,
            flags,
            keep_alive,
            properties: properties(reader, PropertyPlace::Connect)?,
            client_id: reader.text()?,
            will: when(flags & flag::WILL != 0, || {
                Some(MqttWill {
                    properties: properties(reader, PropertyPlace::Will)?,
                    topic: reader.text()?,
                    payload: reader.data()?,
                })
            })?,
            username: when(follows(level, flags, flag::USERNAME, reader), || reader.text())?,
            password: when(follows(level, flags, flag::PASSWORD, reader), || reader.data())?,
        })
    }

    /// The name of the protocol, which depends on the level.
    #[must_use]
    pub fn protocol_name(&self) -> &'static str {
        protocol_name(self.level).unwrap_or_default()
    }
}

impl<'a> MqttConnack<'a> {
    fn read(reader: &mut PacketReader<'a>) -> Option<Self> {
        let (flags, reason) = (reader.u8()?, reader.u8()?);
        // A client that is refused has no session (MQTT-3.2.2-4; in version 5 MQTT-3.2.2-6).
        if flags & !SESSION_PRESENT != 0 || (flags == SESSION_PRESENT && reason != 0) {
            return None;
        }
        let (level, properties) = match reader.is_at_end() {
            true => (V3_1_1, MqttProperties::default()),
            false => (V5, MqttProperties::read(reader, PropertyPlace::Connack)?),
        };
        Some(Self { level, flags, reason, properties })
    }
}

const fn protocol_name(level: u8) -> Option<&'static str> {
    match level {
        V3_1 => Some("MQIsdp"),
        V3_1_1 | V5 => Some("MQTT"),
        _ => None,
    }
}

/// Whether a level knows these flags together.
fn flags_fit(level: u8, flags: u8) -> bool {
    let has = |of: u8| flags & of != 0;
    let no_such_qos = has(flag::WILL) && flags & flag::WILL_QOS == flag::WILL_QOS;
    // MQTT-3.1.2-11 to -15. Before, what is said of a will that is not there is disregarded.
    let will_fits = has(flag::WILL) || !has(flag::WILL_QOS | flag::WILL_RETAIN) || level == V3_1;
    // MQTT-3.1.2-22 of version 3.1.1, and the same in words before; version 5 allows a password alone.
    let user_fits = has(flag::USERNAME) || !has(flag::PASSWORD) || level == V5;
    !has(flag::RESERVED) && !no_such_qos && will_fits && user_fits
}

/// Whether a field that a flag announces is there. In V3.1 a packet that ends before a name or a password
/// is as good as one without the flag, for the sake of clients that are older still.
fn follows(level: u8, flags: u8, of: u8, reader: &PacketReader<'_>) -> bool {
    flags & of != 0 && !(level == V3_1 && reader.is_at_end())
}

/// What is read of a field that may be there: the outer none is that of a field that is malformed.
fn when<T>(is_there: bool, read: impl FnOnce() -> Option<T>) -> Option<Option<T>> {
    if is_there { read().map(Some) } else { Some(None) }
}
