//! Properties, which version 5 adds to packets (section 2.2.2 of MQTT 5.0).

use PropertyForm::{Bit, Data, Long, LongAboveZero, Pair, Short, ShortAboveZero, Text};

use super::reader::PacketReader;

/// Where properties stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PropertyPlace {
    Connect,
    Will,
    Connack,
}

/// What the value of a property is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PropertyForm {
    /// One byte that is 0 or 1.
    Bit,
    /// Two bytes.
    Short,
    /// Two bytes that are not 0.
    ShortAboveZero,
    /// Four bytes.
    Long,
    /// Four bytes that are not 0.
    LongAboveZero,
    Text,
    Data,
    /// Two texts.
    Pair,
}

/// A User Property, which alone may be there more than once.
pub const USER_PROPERTY: u8 = 38;
/// Authentication Method, without which there is no data for it.
const AUTHENTICATION_METHOD: u8 = 21;
const AUTHENTICATION_DATA: u8 = 22;

/// The properties of a CONNECT by their identifiers (section 3.1.2.11).
const OF_CONNECT: &[(u8, PropertyForm)] = &[
    // Session Expiry Interval, in seconds.
    (17, Long),
    (AUTHENTICATION_METHOD, Text),
    (AUTHENTICATION_DATA, Data),
    // Request Problem Information.
    (23, Bit),
    // Request Response Information.
    (25, Bit),
    // Receive Maximum.
    (33, ShortAboveZero),
    // Topic Alias Maximum.
    (34, Short),
    (USER_PROPERTY, Pair),
    // Maximum Packet Size.
    (39, LongAboveZero),
];

/// Those of a will (section 3.1.3.2).
const OF_WILL: &[(u8, PropertyForm)] = &[
    // Payload Format Indicator.
    (1, Bit),
    // Message Expiry Interval, in seconds.
    (2, Long),
    // Content Type.
    (3, Text),
    // Response Topic.
    (8, Text),
    // Correlation Data.
    (9, Data),
    // Will Delay Interval, in seconds.
    (24, Long),
    (USER_PROPERTY, Pair),
];

/// Those of a CONNACK (section 3.2.2.3).
const OF_CONNACK: &[(u8, PropertyForm)] = &[
    // Session Expiry Interval, in seconds.
    (17, Long),
    // Assigned Client Identifier.
    (18, Text),
    // Server Keep Alive, in seconds.
    (19, Short),
    (AUTHENTICATION_METHOD, Text),
    (AUTHENTICATION_DATA, Data),
    // Response Information.
    (26, Text),
    // Server Reference.
    (28, Text),
    // Reason String.
    (31, Text),
    // Receive Maximum.
    (33, ShortAboveZero),
    // Topic Alias Maximum.
    (34, Short),
    // Maximum QoS.
    (36, Bit),
    // Retain Available.
    (37, Bit),
    (USER_PROPERTY, Pair),
    // Maximum Packet Size.
    (39, LongAboveZero),
    // Wildcard Subscription Available.
    (40, Bit),
    // Subscription Identifiers Available.
    (41, Bit),
    // Shared Subscription Available.
    (42, Bit),
];

/// The value of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertyValue<'a> {
    /// A number, of whatever size.
    Number(u32),
    /// Text, or any bytes.
    Bytes(&'a [u8]),
    /// A name and a value of the user's.
    Pair(&'a [u8], &'a [u8]),
}

/// The properties of a packet, each of which is as it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MqttProperties<'a> {
    bytes: &'a [u8],
    place: PropertyPlace,
}

impl Default for MqttProperties<'_> {
    fn default() -> Self {
        Self { bytes: &[], place: PropertyPlace::Connect }
    }
}

impl PropertyPlace {
    const fn properties(self) -> &'static [(u8, PropertyForm)] {
        match self {
            Self::Connect => OF_CONNECT,
            Self::Will => OF_WILL,
            Self::Connack => OF_CONNACK,
        }
    }

    fn form(self, id: u8) -> Option<PropertyForm> {
        self.properties().iter().find(|(known, _)| *known == id).map(|(_, form)| *form)
    }

    fn next<'a>(self, reader: &mut PacketReader<'a>) -> Option<(u8, PropertyValue<'a>)> {
        let id = reader.u8()?;
        let number = |number, is_known| Some(PropertyValue::Number(number)).filter(|_| is_known);
        let value = match self.form(id)? {
            Bit => reader.u8().and_then(|bit| number(bit.into(), bit <= 1)),
            Short => reader.u16().and_then(|short| number(short.into(), true)),
            ShortAboveZero => reader.u16().and_then(|short| number(short.into(), short > 0)),
            Long => reader.u32().and_then(|long| number(long, true)),
            LongAboveZero => reader.u32().and_then(|long| number(long, long > 0)),
            Text => reader.text().map(PropertyValue::Bytes),
            Data => reader.data().map(PropertyValue::Bytes),
            Pair => Some(PropertyValue::Pair(reader.text()?, reader.text()?)),
        };
        Some((id, value?))
    }
}

impl<'a> MqttProperties<'a> {
    pub(super) fn read(reader: &mut PacketReader<'a>, place: PropertyPlace) -> Option<Self> {
        let length = reader.length().ok()??;
        if !length.is_shortest {
            return None;
        }
        let bytes = reader.take(length.value)?;
        let mut properties = PacketReader::new(bytes);
        // A bit for each identifier, of which the highest is 42.
        let mut seen: u64 = 0;
        let bit = |id: u8| 1 << id;
        while !properties.is_at_end() {
            let (id, _) = place.next(&mut properties)?;
            if seen & bit(id) != 0 && id != USER_PROPERTY {
                return None;
            }
            seen |= bit(id);
        }
        let has = |id| seen & bit(id) != 0;
        let is_whole = has(AUTHENTICATION_METHOD) || !has(AUTHENTICATION_DATA);
        is_whole.then_some(Self { bytes, place })
    }

    /// All of them, in the order in which they stand.
    pub fn iter(&self) -> impl Iterator<Item = (u8, PropertyValue<'a>)> + use<'a> {
        let (mut reader, place) = (PacketReader::new(self.bytes), self.place);
        std::iter::from_fn(move || place.next(&mut reader))
    }

    /// The value of the first with an identifier.
    #[must_use]
    pub fn get(&self, id: u8) -> Option<PropertyValue<'a>> {
        self.iter().find(|(found, _)| *found == id).map(|(_, value)| value)
    }
}

/// Whether a CONNECT, its will included, may have a property with this identifier.
#[must_use]
pub fn may_be_in_connect(id: u8) -> bool {
    PropertyPlace::Connect.form(id).or(PropertyPlace::Will.form(id)).is_some()
}

/// Whether a CONNACK may have a property with this identifier.
#[must_use]
pub fn may_be_in_connack(id: u8) -> bool {
    PropertyPlace::Connack.form(id).is_some()
}
