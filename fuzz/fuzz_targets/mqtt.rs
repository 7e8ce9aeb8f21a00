//! The verdict on the first bytes of MQTT is the same wherever they are cut, and all of a packet can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vestibule::wire::mqtt::{MqttPacket, may_be_in_connack, may_be_in_connect, parse};

/// Up to this length every cut is tried. In longer inputs only some are, since each costs a parse.
const EVERY_CUT: usize = 512;

fuzz_target!(|bytes: &[u8]| {
    let verdict = parse(bytes);
    let mut decided = false;
    for cut in (0..bytes.len()).step_by(1 + bytes.len() / EVERY_CUT) {
        match parse(&bytes[..cut]) {
            Ok(None) => assert!(!decided, "{cut} bytes are undecided, fewer were not"),
            early => {
                assert_eq!(early, verdict, "{cut} bytes");
                decided = true;
            }
        }
    }
    match verdict {
        Ok(Some(MqttPacket::Connect(connect))) => {
            let own = connect.properties.iter();
            let of_will = connect.will.iter().flat_map(|will| will.properties.iter());
            assert!(own.chain(of_will).all(|(id, _)| may_be_in_connect(id)));
            assert!(std::str::from_utf8(connect.client_id).is_ok());
            assert!(connect.client_id.len() < bytes.len());
        }
        Ok(Some(MqttPacket::Connack(connack))) => {
            assert!(connack.properties.iter().all(|(id, _)| may_be_in_connack(id)));
        }
        _ => {}
    }
});
