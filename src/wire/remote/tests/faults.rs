//! Every value that a field cannot have, in bytes put together here by hand.

use super::*;

#[test]
fn a_payload_is_too_long_by_the_first_byte_that_says_so() {
    for (length, decided) in [([0x40, 0x01], 2), ([0x41, 0x00], 1), ([0xff, 0xff], 1)] {
        let bytes = [&length[..], &[RemoteFrameType::Data.number(), 0, 0, 0, 0, 1]].concat();
        assert_eq!(fault(&bytes), Fault::TooLong);
        let early = parse(&bytes[..decided - 1]);
        assert_eq!(early, Parsed::Partial { need: HEADER });
        assert_eq!(parse(&bytes[..decided]), Parsed::Bad(Fault::TooLong));
    }
}

#[test]
fn a_type_that_does_not_exist_is_refused_at_its_byte() {
    for number in (0..=255).filter(|number| RemoteFrameType::from_number(*number).is_none()) {
        assert_eq!(fault(&[0, 8, number]), Fault::Type(number));
    }
}

#[test]
fn a_flag_that_the_type_does_not_define_is_refused_at_its_byte() {
    samples(|channel, frame| {
        let kind = frame.frame_type();
        let known: u8 = match kind {
            RemoteFrameType::Incoming => 0b11,
            RemoteFrameType::Hello
            | RemoteFrameType::Listen
            | RemoteFrameType::Open
            | RemoteFrameType::Opened
            | RemoteFrameType::End
            | RemoteFrameType::Closed => 0b1,
            _ => 0,
        };
        let mut bytes = written(channel, frame);
        for bit in (0..8).map(|bit| 1 << bit).filter(|bit| known & bit == 0) {
            let flags = bytes[3];
            bytes[3] |= bit;
            assert_eq!(parse(&bytes[..4]), Parsed::Bad(Fault::Flags(kind, bytes[3])));
            bytes[3] = flags;
        }
    });
}

#[test]
fn frames_of_the_link_have_channel_0_and_no_others_do() {
    samples(|channel, frame| {
        let kind = frame.frame_type();
        let mut bytes = written(channel, frame);
        if kind.is_of_link() {
            for at in 4..HEADER {
                bytes[at] = 1;
                assert_eq!(parse(&bytes[..=at]), Parsed::Bad(Fault::OnChannel(kind)));
                bytes[at] = 0;
            }
        } else {
            bytes[4..HEADER].fill(0);
            assert!(matches!(parse(&bytes[..HEADER - 1]), Parsed::Partial { .. }));
            assert_eq!(parse(&bytes[..HEADER]), Parsed::Bad(Fault::OnLink(kind)));
        }
    });
}

#[test]
fn the_client_opens_odd_channels_and_the_agent_even_ones() {
    let open = parts(&[WINDOW, V4, NONE]);
    let kind = RemoteFrameType::Open;
    assert_eq!(fault(&raw(kind, 0, 2, &open)), Fault::Number(kind, 2));
    whole(&raw(kind, 0, 3, &open));
    let incoming = parts(&[WINDOW, &[1, b'w'], V4, V4, &[0, 0]]);
    let kind = RemoteFrameType::Incoming;
    assert_eq!(fault(&raw(kind, 0, 3, &incoming)), Fault::Number(kind, 3));
    whole(&raw(kind, 0, 2, &incoming));
}

#[test]
fn a_length_that_no_payload_of_the_type_has_is_refused_with_the_header() {
    let sizes = [
        (RemoteFrameType::Hello, 16, 16),
        (RemoteFrameType::Ping, 8, 8),
        (RemoteFrameType::Pong, 8, 8),
        (RemoteFrameType::Goaway, 2, 257),
        (RemoteFrameType::Listen, 2, 256),
        (RemoteFrameType::Open, 7, 371),
        (RemoteFrameType::Opened, 6, 224),
        (RemoteFrameType::Secure, 4, 512),
        (RemoteFrameType::Secured, 12, PAYLOAD_MAX),
        (RemoteFrameType::Incoming, 9, PAYLOAD_MAX),
        (RemoteFrameType::Data, 1, PAYLOAD_MAX),
        (RemoteFrameType::Credit, 8, 8),
        (RemoteFrameType::End, 0, 0),
        (RemoteFrameType::Close, 0, 0),
        (RemoteFrameType::Reset, 0, 0),
        (RemoteFrameType::Closed, 1, 264),
    ];
    assert_eq!(sizes.len(), RemoteFrameType::ALL.len());
    for (kind, least, most) in sizes {
        let verdict = |length: usize| {
            let [high, low] = u16::try_from(length).expect("a length").to_be_bytes();
            match parse(&[high, low, kind.number()]) {
                Parsed::Bad(fault) => Some(fault),
                _ => None,
            }
        };
        for length in 0..=PAYLOAD_MAX {
            let expected = match length {
                _ if length < least => Some(Fault::Short(kind)),
                _ if length > most => Some(Fault::Long(kind)),
                // A failure has at least four bytes behind the one that announces it.
                2..=4 if kind == RemoteFrameType::Closed => Some(Fault::Short(kind)),
                _ => None,
            };
            assert_eq!(verdict(length), expected, "{kind:?} with {length}");
        }
    }
}

#[test]
fn hello_begins_with_the_eight_bytes_of_the_protocol() {
    let payload = parts(&[b"vst-link", &[0, 1, 0, 1], &[0, 0, 0, 9]]);
    for at in 0..8 {
        let mut other = payload.clone();
        other[at] ^= 0x20;
        assert_eq!(found(RemoteFrameType::Hello, &other, at), Fault::Magic);
    }
}

#[test]
fn goaway_has_a_reason_that_exists() {
    for number in 7..=255 {
        let found = found(RemoteFrameType::Goaway, &[number, 0], 0);
        assert_eq!(found, Fault::Reason(number));
    }
}

#[test]
fn a_text_is_utf_8_without_nul_and_fits_the_payload_exactly() {
    let kind = RemoteFrameType::Goaway;
    assert_eq!(found(kind, &[0, 3, b'a'], 1), Fault::Short(kind));
    assert_eq!(found(kind, &[0, 0, b'a'], 1), Fault::Long(kind));
    assert_eq!(found(kind, &[0, 3, b'a', 0, b'b'], 3), Fault::Nul(kind));
    // No character begins so; a character that breaks off; one that the text is too short for; a form
    // longer than needed; half of a pair.
    assert_eq!(found(kind, &[0, 2, b'a', 0xff], 3), Fault::Utf8(kind));
    assert_eq!(found(kind, &[0, 3, 0xe2, 0x82, b'a'], 4), Fault::Utf8(kind));
    assert_eq!(found(kind, &[0, 2, b'a', 0xc3], 3), Fault::Utf8(kind));
    assert_eq!(found(kind, &[0, 3, 0xf0, 0x9f, 0x98], 2), Fault::Utf8(kind));
    assert_eq!(found(kind, &[0, 3, 0xe0, 0x80, 0x80], 3), Fault::Utf8(kind));
    assert_eq!(found(kind, &[0, 3, 0xed, 0xa0, 0x80], 3), Fault::Utf8(kind));
    // What comes first is what is wrong.
    assert_eq!(found(kind, &[0, 3, 0xff, 0, 0], 2), Fault::Utf8(kind));
    assert_eq!(found(kind, &[0, 3, 0, 0xff, 0], 2), Fault::Nul(kind));
    let text = "a ü € 😀";
    let payload = parts(&[&[0, text.len() as u8], text.as_bytes()]);
    let frame = RemoteFrame::Goaway { reason: GoawayReason::Restart, text };
    assert_eq!(whole(&raw(kind, 0, 0, &payload)), frame);
}

#[test]
fn names_of_listeners_profiles_and_servers_are_not_empty() {
    let (listen, secure) = (RemoteFrameType::Listen, RemoteFrameType::Secure);
    assert_eq!(found(listen, &[0, b'a'], 0), Fault::Empty(listen));
    assert_eq!(found(secure, &[0, 2, b'a', b'b'], 0), Fault::Empty(secure));
    assert_eq!(found(secure, &[1, b'a', 0, b'b'], 2), Fault::Empty(secure));
    // The first name leaves none for the second.
    assert_eq!(found(secure, &[2, b'a', b'b', 1], 0), Fault::Short(secure));
}

#[test]
fn closed_has_a_failure_or_none_and_a_detail_that_exists() {
    let kind = RemoteFrameType::Closed;
    for number in 2..=255 {
        assert_eq!(found(kind, &[number], 0), Fault::Failure(number));
    }
    assert_eq!(found(kind, &[0, 13, 6, 0, 0], 0), Fault::Long(kind));
    assert_eq!(found(kind, &[1], 0), Fault::Short(kind));
    for form in 4..=255 {
        assert_eq!(found(kind, &[1, 13, 6, form, 0, 0, 0, 0, 0], 3), Fault::Detail(form));
    }
    for form in [1, 3] {
        assert_eq!(found(kind, &[1, 13, 6, form, 0, 0, 0, 0], 3), Fault::Short(kind));
    }
    assert_eq!(found(kind, &[1, 13, 6, 2, 0], 3), Fault::Short(kind));
    assert_eq!(found(kind, &parts(&[&[1, 13, 6, 0], &[0; 257]]), 3), Fault::Long(kind));
}

#[test]
fn a_fault_is_a_sentence_that_names_the_frame() {
    let said = |fault: Fault| fault.to_string();
    assert_eq!(said(Fault::Type(99)), "a frame of unknown type 99");
    assert_eq!(said(Fault::TooLong), "a frame with more than 16384 bytes of payload");
    let kind = RemoteFrameType::Open;
    assert_eq!(said(Fault::Flags(kind, 6)), "OPEN with an unknown flag: 0x06");
    assert_eq!(said(Fault::OnLink(kind)), "OPEN on channel 0: such a frame needs a channel");
    assert_eq!(
        said(Fault::UnixName(kind, 109)),
        "OPEN with a unix socket's name of 109 bytes; 108 is the most"
    );
}
