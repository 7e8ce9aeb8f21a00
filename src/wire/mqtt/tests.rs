use proptest::prelude::*;

use super::*;

fn data(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u16).to_be_bytes(), content].concat()
}

/// A packet of fewer than 128 bytes.
fn packet(kind: u8, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    [&[kind, body.len() as u8], &*body].concat()
}

/// A CONNECT without properties.
fn connect(level: u8, flags: u8, payload: &[&[u8]]) -> Vec<u8> {
    let name = protocol_name(level).unwrap_or("MQTT");
    let payload: Vec<u8> = payload.iter().flat_map(|field| data(field)).collect();
    let no_properties: &[u8] = if level == V5 { &[0] } else { &[] };
    packet(CONNECT, &[&data(name.as_bytes()), &[level, flags, 0, 60], no_properties, &payload])
}

/// A CONNECT of version 5 with these properties.
fn connect_with(properties: &[u8]) -> Vec<u8> {
    let front = [&data(b"MQTT"), &[V5, 0, 0, 60][..], &[properties.len() as u8]].concat();
    packet(CONNECT, &[&front, properties, &data(b"id")])
}

fn read_connect(bytes: &[u8]) -> MqttConnect<'_> {
    match parse(bytes) {
        Ok(Some(MqttPacket::Connect(connect))) => connect,
        other => panic!("{other:?}"),
    }
}

/// A CONNECT of every field, properties included.
fn full() -> Vec<u8> {
    let flags = flag::WILL | flag::USERNAME | flag::PASSWORD;
    let own = [&[17, 0, 0, 0, 30, 38][..], &data(b"a"), &data(b"b"), &[25, 1]].concat();
    let of_will = [&[24, 0, 0, 0, 7, 3][..], &data(b"text")].concat();
    packet(
        CONNECT,
        &[
            &data(b"MQTT"),
            &[V5, flags, 1, 2],
            &[own.len() as u8],
            &own,
            &data(b"id"),
            &[of_will.len() as u8],
            &of_will,
            &data(b"topic"),
            &data(b"\xff\x00"),
            &data(b"user"),
            &data(b"\xfe"),
        ],
    )
}

#[test]
fn a_connect_has_what_its_flags_announce() {
    let bytes = full();
    let full = read_connect(&bytes);
    assert_eq!((full.level, full.flags, full.keep_alive), (V5, 0xc4, 258));
    assert_eq!(full.protocol_name(), "MQTT");
    assert_eq!(full.client_id, b"id");
    let will = full.will.expect("a will");
    assert_eq!((will.topic, will.payload), (&b"topic"[..], &b"\xff\x00"[..]));
    assert_eq!(will.properties.get(24), Some(PropertyValue::Number(7)));
    assert_eq!(will.properties.get(3), Some(PropertyValue::Bytes(b"text")));
    assert_eq!(will.properties.get(17), None);
    assert_eq!((full.username, full.password), (Some(&b"user"[..]), Some(&b"\xfe"[..])));
    let properties: Vec<_> = full.properties.iter().collect();
    assert_eq!(
        properties,
        [
            (17, PropertyValue::Number(30)),
            (38, PropertyValue::Pair(b"a", b"b")),
            (25, PropertyValue::Number(1)),
        ]
    );
    let bytes = connect(V3_1, 0, &[b"id"]);
    let connect = read_connect(&bytes);
    assert_eq!((connect.protocol_name(), connect.level), ("MQIsdp", V3_1));
    assert_eq!((connect.will, connect.username, connect.password), (None, None, None));
    assert_eq!(connect.properties.iter().count(), 0);
}

#[test]
fn a_packet_is_read_when_it_is_whole_and_without_what_follows_it() {
    for whole in [full(), connect(V3_1_1, 2, &[b""]), packet(CONNACK, &[&[1, 0]])] {
        for cut in 0..whole.len() {
            assert_eq!(parse(&whole[..cut]), Ok(None), "{cut} bytes");
        }
        let with_more = [&*whole, b"\xc0"].concat();
        assert!(matches!(parse(&whole), Ok(Some(_))));
        assert_eq!(parse(&with_more), parse(&whole));
    }
}

#[test]
fn what_can_be_no_packet_of_these_is_known_by_its_first_byte() {
    for first in 0..=u8::MAX {
        let can_be = matches!(first, CONNECT | CONNACK);
        assert_eq!(parse(&[first]).is_ok(), can_be, "{first:#x}");
    }
}

#[test]
fn flags_that_a_level_does_not_know_together_are_malformed() {
    let fields: [&[u8]; 3] = [b"id", b"", b""];
    for (level, flags, is_valid) in [
        (V3_1_1, flag::RESERVED, false),
        (V3_1_1, 1 << 3, false),
        (V5, 1 << 3, false),
        (V3_1, 1 << 3, true),
        (V3_1_1, flag::WILL_RETAIN, false),
        (V3_1, flag::WILL_RETAIN, true),
        (V3_1, flag::WILL_QOS, true),
        (V3_1_1, flag::WILL_QOS, false),
        (V3_1_1, flag::PASSWORD, false),
        (V3_1, flag::PASSWORD, false),
        (V5, flag::PASSWORD, true),
        (V3_1_1, flag::PASSWORD | flag::USERNAME, true),
    ] {
        let has = |of| usize::from(flags & of != 0);
        let count = 1 + has(flag::PASSWORD) + has(flag::USERNAME);
        let bytes = connect(level, flags, &fields[..count]);
        assert_eq!(parse(&bytes).is_ok(), is_valid, "level {level}, flags {flags:#x}");
    }
    let will = connect(V3_1_1, flag::WILL | flag::WILL_QOS, &[b"id", b"topic", b"gone"]);
    assert_eq!(parse(&will), Err(NotMqtt));
}

#[test]
fn a_packet_of_3_1_may_end_before_a_name_and_a_password_that_it_announces() {
    let flags = flag::USERNAME | flag::PASSWORD;
    let bytes = connect(V3_1, flags, &[b"id"]);
    assert_eq!(read_connect(&bytes).username, None);
    let bytes = connect(V3_1, flags, &[b"id", b"user"]);
    let read = read_connect(&bytes);
    assert_eq!((read.username, read.password), (Some(&b"user"[..]), None));
    for level in [V3_1_1, V5] {
        assert_eq!(parse(&connect(level, flags, &[b"id", b"user"])), Err(NotMqtt));
    }
}

#[test]
fn the_name_of_the_protocol_is_that_of_its_level() {
    for (name, level, is_valid) in [
        ("MQTT", V3_1_1, true),
        ("MQTT", V3_1, false),
        ("MQIsdp", V3_1, true),
        ("MQIsdp", V5, false),
        ("mqtt", V3_1_1, false),
        ("MQTT", 6, false),
        ("MQTT", 0x84, false),
    ] {
        let bytes = packet(CONNECT, &[&data(name.as_bytes()), &[level, 0, 0, 60], &data(b"id")]);
        assert_eq!(parse(&bytes).is_ok(), is_valid, "{name} {level}");
    }
}

#[test]
fn text_is_utf_8_without_nul_and_ends_where_the_packet_does() {
    for id in [&b"\xff"[..], b"a\0b", b"\xed\xa0\x80"] {
        assert_eq!(parse(&connect(V3_1_1, 0, &[id])), Err(NotMqtt), "{id:?}");
    }
    assert_eq!(parse(&connect(V3_1_1, 0, &[b"id", b"more"])), Err(NotMqtt));
    let front = [&data(b"MQTT")[..], &[V3_1_1, 0, 0, 60], &[0, 5]].concat();
    assert_eq!(parse(&packet(CONNECT, &[&front, b"four"])), Err(NotMqtt));
    assert_eq!(parse(&packet(CONNECT, &[])), Err(NotMqtt));
}

#[test]
fn a_length_has_four_bytes_at_most_and_in_version_5_none_too_many() {
    let lengthened = |packet: &[u8], length: usize| {
        let mut longer = vec![packet[0], packet[1] | 0x80];
        longer.resize(length, 0x80);
        longer.push(0);
        longer.extend_from_slice(&packet[2..]);
        longer
    };
    let (old, new) = (connect(V3_1_1, 0, &[b"id"]), connect(V5, 0, &[b"id"]));
    assert!(parse(&lengthened(&old, 2)).is_ok());
    assert!(parse(&lengthened(&old, 4)).is_ok());
    assert_eq!(parse(&lengthened(&old, 5)), Err(NotMqtt));
    assert_eq!(parse(&lengthened(&new, 2)), Err(NotMqtt));
    assert_eq!(parse(&[CONNECT, 0xff, 0xff, 0xff]), Ok(None));
    assert_eq!(parse(&[CONNECT, 0xff, 0xff, 0xff, 0x7f]), Ok(None));
    assert_eq!(parse(&[CONNECT, 0xff, 0xff, 0xff, 0xff]), Err(NotMqtt));
}

#[test]
fn a_property_is_there_once_where_it_may_be_with_a_value_it_can_have() {
    let method = [&[21][..], &data(b"m")].concat();
    let secret = [&[22][..], &data(b"\0")].concat();
    let user = [&[38][..], &data(b"k"), &data(b"v")].concat();
    for (properties, is_valid) in [
        (&[][..], true),
        (&[17, 0, 0, 0, 1], true),
        (&[17, 0, 0, 0, 1, 17, 0, 0, 0, 1], false),
        (&[17, 0, 0, 0], false),
        (&[33, 0, 1], true),
        (&[33, 0, 0], false),
        (&[34, 0, 0], true),
        (&[39, 0, 0, 0, 0], false),
        (&[25, 2], false),
        (&[24, 0, 0, 0, 1], false),
        (&[36, 1], false),
        (&[99, 1], false),
        (&*[&*method, &*secret].concat(), true),
        (&*[&*secret, &*method].concat(), true),
        (&*secret, false),
        (&*[&*user, &*user].concat(), true),
    ] {
        assert_eq!(parse(&connect_with(properties)).is_ok(), is_valid, "{properties:?}");
    }
    // A length that goes on behind the packet, and one that is longer than it has to be.
    for length in [&[0x7f][..], &[0x80, 0]] {
        let front = [&data(b"MQTT"), &[V5, 0, 0, 60][..], length].concat();
        assert_eq!(parse(&packet(CONNECT, &[&front, &data(b"id")])), Err(NotMqtt));
    }
}

#[test]
fn a_connack_is_of_version_5_where_it_has_room_for_properties() {
    let read = |bytes: &[u8]| match parse(bytes) {
        Ok(Some(MqttPacket::Connack(connack))) => {
            Some((connack.level, connack.flags, connack.reason))
        }
        Err(NotMqtt) => None,
        other => panic!("{other:?}"),
    };
    assert_eq!(read(&packet(CONNACK, &[&[1, 0]])), Some((V3_1_1, 1, 0)));
    assert_eq!(read(&packet(CONNACK, &[&[0, 5]])), Some((V3_1_1, 0, 5)));
    assert_eq!(read(&packet(CONNACK, &[&[0, 0x87, 0]])), Some((V5, 0, 0x87)));
    assert_eq!(read(&packet(CONNACK, &[&[0, 0, 2, 36, 1]])), Some((V5, 0, 0)));
    for body in [&[2, 0][..], &[1, 5], &[0], &[0, 0, 0, 0], &[0, 0, 2, 25, 1], &[0, 0, 2, 36, 2]] {
        assert_eq!(read(&packet(CONNACK, &[body])), None, "{body:?}");
    }
}

#[test]
fn identifiers_are_known_by_the_packets_they_may_be_in() {
    let may = |is_it: fn(u8) -> bool| (0..=u8::MAX).filter(|id| is_it(*id)).collect::<Vec<_>>();
    assert_eq!(may(may_be_in_connect), [1, 2, 3, 8, 9, 17, 21, 22, 23, 24, 25, 33, 34, 38, 39]);
    let of_connack = [17, 18, 19, 21, 22, 26, 28, 31, 33, 34, 36, 37, 38, 39, 40, 41, 42];
    assert_eq!(may(may_be_in_connack), of_connack);
}

proptest! {
    #[test]
    fn more_bytes_never_take_a_verdict_back(at in 0usize..200, byte in any::<u8>()) {
        let mut bytes = full();
        let at = at % bytes.len();
        bytes[at] = byte;
        let verdict = parse(&bytes);
        let mut is_decided = false;
        for cut in 0..bytes.len() {
            match parse(&bytes[..cut]) {
                Ok(None) => prop_assert!(!is_decided, "{} bytes", cut),
                early => {
                    prop_assert_eq!(&early, &verdict, "{} bytes", cut);
                    is_decided = true;
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_a_packet_or_none(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        for kind in [CONNECT, CONNACK] {
            let bytes = packet(kind, &[&bytes]);
            if let Ok(packet) = parse(&bytes) {
                prop_assert!(packet.is_some());
            }
        }
    }
}
