//! Converters that look into packets of MQTT.

use std::borrow::Cow;

use super::word::converters;
use crate::rules::param::{ParamKind, param};
use crate::rules::value::Value;
use crate::wire::mqtt::{self, NotMqtt};

converters! {
    "mqtt_is_valid" []: Bin -> Bool,
        |value, _, _| match mqtt::parse(&value.into_text()) {
            Ok(None) => None,
            Ok(Some(_)) => Some(Value::Bool(true)),
            Err(NotMqtt) => Some(Value::Bool(false)),
        },
        "whether bytes begin with a CONNECT or a CONNACK of MQTT 3.1, 3.1.1 or 5.0; not there while the packet is \
         not whole",
        "packets are valid there that the specification calls malformed: text that is not UTF-8 or has a NUL, a \
         will of QoS 3, what is said of a will that is not there, a password without a user before 5.0, a name \
         of the protocol that is not its version's";
    "mqtt_field_value" [param("packet", ParamKind::MqttPacket), param("field", ParamKind::MqttField)]: Bin -> Str,
        |value, arguments, _| {
            let field = arguments.mqtt_field(1)?;
            Some(Value::Str(match value.into_text() {
                Cow::Borrowed(bytes) => field.of(bytes)?,
                Cow::Owned(bytes) => Cow::Owned(field.of(&bytes)?.into_owned()),
            }))
        },
        "a field of a packet that is valid, as text: of `connect` `flags`, `protocol_name`, `protocol_version`, \
         `keepalive`, `client_identifier`, `will_topic`, `will_payload`, `username`, `password`; of `connack` \
         `flags`, `protocol_version`, `reason_code`; of either a property of 5.0 by its number. Not there where \
         the packet has it not, or has nothing in it",
        "a property that is a number is 0 there where the packet has it not; user properties are never there, \
         and are mistakes here";
}
