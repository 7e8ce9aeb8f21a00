//! Columns: what a packet is, the packet, converters, and what they make of it.

use super::{Deviation, compare, constant, value};

/// Packets that are malformed by their specification.
const MALFORMED: [&str; 14] = [
    "v3 named MQTT",
    "v4 named MQIsdp",
    "v5 named MQIsdp",
    "name small",
    "no will qos 1",
    "no will qos 2",
    "will qos 3",
    "no will retain",
    "password alone",
    "v3 password alone",
    "nul in id",
    "bad utf8",
    "connack present refused",
    "connack v5 unknown",
];

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        reason: "a packet that its specification calls malformed is not valid, and has no field",
        is_of: |row, ours| MALFORMED.contains(&row[0]) && ["=30", "-"].contains(&ours),
    },
    Deviation {
        reason: "a server may go on right behind its CONNACK, as a client may",
        is_of: |row, _| row[0] == "connack long",
    },
    Deviation {
        reason: "a CONNACK with a property of another packet is not valid, instead of nothing",
        is_of: |row, ours| row[0] == "connack v5 connect prop" && ours == "=30",
    },
    Deviation {
        reason: "a user property, which is never there, is a mistake",
        is_of: |row, ours| row[2] == "mqtt_field_value(connect,38)" && ours == "!",
    },
    Deviation {
        reason: "a number in a field is a number",
        is_of: |row, _| row[2] == "mqtt_field_value(connect,keepalive),add(1)",
    },
    Deviation {
        reason: "a property that a packet has not is not there, instead of 0",
        is_of: |row, ours| row[3] == "=30" && ours == "-",
    },
];

#[test]
fn packets_of_mqtt_are_valid_or_not_and_have_the_same_fields() {
    compare(include_str!("mqtt.tsv"), DEVIATIONS, |row| {
        let expression = [&constant("bin", row[1]), row[2].as_bytes()].join(&b',');
        value(&expression, &|_| Ok(Vec::new()))
    });
}
