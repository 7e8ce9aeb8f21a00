//! The fields of MQTT's packets, as rules name them. Each is a row of a table.

use std::borrow::Cow;

use super::pattern;
use crate::wire::mqtt::{
    self, MqttConnack, MqttConnect, MqttPacket, MqttProperties, PropertyValue,
};

/// A packet that has fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MqttPacketKind {
    Connect,
    Connack,
}

/// Names of packets, and their types in the protocol.
const PACKETS: [(&str, &str, MqttPacketKind); 2] =
    [("connect", "1", MqttPacketKind::Connect), ("connack", "2", MqttPacketKind::Connack)];

type FieldText<'a> = Option<Cow<'a, [u8]>>;
type OfConnect = for<'a> fn(&MqttConnect<'a>) -> FieldText<'a>;
type OfConnack = fn(&MqttConnack<'_>) -> u8;

const CONNECT_FIELDS: [(&str, OfConnect); 9] = [
    ("flags", |connect| Some(number(connect.flags))),
    ("protocol_name", |connect| Some(Cow::Borrowed(connect.protocol_name().as_bytes()))),
    ("protocol_version", |connect| Some(number(connect.level))),
    ("keepalive", |connect| Some(number(connect.keep_alive))),
    ("client_identifier", |connect| Some(Cow::Borrowed(connect.client_id))),
    ("will_topic", |connect| connect.will.as_ref().map(|will| Cow::Borrowed(will.topic))),
    ("will_payload", |connect| connect.will.as_ref().map(|will| Cow::Borrowed(will.payload))),
    ("username", |connect| connect.username.map(Cow::Borrowed)),
    ("password", |connect| connect.password.map(Cow::Borrowed)),
];

const CONNACK_FIELDS: [(&str, OfConnack); 3] = [
    ("flags", |connack| connack.flags),
    ("protocol_version", |connack| connack.level),
    ("reason_code", |connack| connack.reason),
];

/// A field of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum MqttField {
    Connect(OfConnect),
    /// A property of a CONNECT or of its will.
    ConnectProperty(u8),
    Connack(OfConnack),
    ConnackProperty(u8),
}

impl MqttPacketKind {
    /// The packet that a name or a number is of. Letters match in either case.
    pub(super) fn named(text: &[u8]) -> Option<Self> {
        let is = |name: &str| name.as_bytes().eq_ignore_ascii_case(text);
        PACKETS.iter().find(|(name, number, _)| is(name) || is(number)).map(|(.., kind)| *kind)
    }

    /// The names of its fields, as a sentence.
    pub(super) fn fields(self) -> String {
        let names: Vec<&str> = match self {
            Self::Connect => CONNECT_FIELDS.iter().map(|(name, _)| *name).collect(),
            Self::Connack => CONNACK_FIELDS.iter().map(|(name, _)| *name).collect(),
        };
        format!("{} or the number of one of its properties", names.join(", "))
    }

    /// The field with a name, or the property with a number.
    pub(super) fn field(self, text: &[u8]) -> Option<MqttField> {
        let is = |name: &str| name.as_bytes().eq_ignore_ascii_case(text);
        let property = std::str::from_utf8(text).ok().and_then(pattern::number);
        let property = property.and_then(|number| u8::try_from(number).ok());
        // Of these there may be several, and each has a name of its own.
        let property = property.filter(|id| *id != mqtt::USER_PROPERTY);
        match self {
            Self::Connect => match property {
                Some(id) => mqtt::may_be_in_connect(id).then_some(MqttField::ConnectProperty(id)),
                None => {
                    let found = CONNECT_FIELDS.iter().find(|(name, _)| is(name));
                    found.map(|(_, field)| MqttField::Connect(*field))
                }
            },
            Self::Connack => match property {
                Some(id) => mqtt::may_be_in_connack(id).then_some(MqttField::ConnackProperty(id)),
                None => {
                    let found = CONNACK_FIELDS.iter().find(|(name, _)| is(name));
                    found.map(|(_, field)| MqttField::Connack(*field))
                }
            },
        }
    }
}

impl MqttField {
    /// The text of the field in the packet at the front of `bytes`; none where it has no such field, where that
    /// is empty, or in another packet. An empty client identifier leaves the choice to the server: as a key it
    /// would be shared by strangers.
    pub(super) fn of<'a>(self, bytes: &'a [u8]) -> FieldText<'a> {
        let text = match (self, mqtt::parse(bytes).ok()??) {
            (Self::Connect(field), MqttPacket::Connect(connect)) => field(&connect),
            (Self::ConnectProperty(id), MqttPacket::Connect(connect)) => {
                let own = property(&connect.properties, id);
                own.or_else(|| property(&connect.will?.properties, id))
            }
            (Self::Connack(field), MqttPacket::Connack(connack)) => Some(number(field(&connack))),
            (Self::ConnackProperty(id), MqttPacket::Connack(connack)) => {
                property(&connack.properties, id)
            }
            _ => None,
        };
        text.filter(|text| !text.is_empty())
    }
}

fn property<'a>(properties: &MqttProperties<'a>, id: u8) -> FieldText<'a> {
    match properties.get(id)? {
        PropertyValue::Number(value) => Some(number(value)),
        PropertyValue::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
        PropertyValue::Pair(..) => None,
    }
}

fn number<'a>(number: impl Into<u32>) -> Cow<'a, [u8]> {
    Cow::Owned(number.into().to_string().into_bytes())
}
