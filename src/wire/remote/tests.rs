//! Every frame both ways, cut at every byte, and with every value that it cannot have.

mod addresses;
mod facts;
mod faults;
mod page;
mod random;
mod samples;
mod writing;

use samples::samples;

use super::*;

/// The verdict on `bytes`, after a check that it is the same for every way they can arrive.
#[track_caller]
fn judged(bytes: &[u8]) -> Parsed<'_> {
    let verdict = parse(bytes);
    let mut decided = false;
    for cut in 0..bytes.len() {
        match parse(&bytes[..cut]) {
            Parsed::Partial { need } => {
                assert!(!decided, "{cut} bytes are undecided, fewer were not");
                let known = if cut < 2 { HEADER } else { HEADER + length_of(bytes) };
                assert_eq!(need, known, "{cut} bytes");
                assert!(need > cut, "{need} for {cut} bytes");
            }
            early => {
                assert_eq!(early, verdict, "{cut} bytes");
                decided = true;
            }
        }
    }
    verdict
}

/// The length of the payload, as the header says.
fn length_of(bytes: &[u8]) -> usize {
    u16::from_be_bytes([bytes[0], bytes[1]]).into()
}

fn written(channel: u32, frame: &RemoteFrame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, channel, frame);
    bytes
}

/// What a whole frame says.
#[track_caller]
fn whole(bytes: &[u8]) -> RemoteFrame<'_> {
    match judged(bytes) {
        Parsed::Whole { frame, len, .. } if len == bytes.len() => frame,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn fault(bytes: &[u8]) -> Fault {
    match judged(bytes) {
        Parsed::Bad(fault) => fault,
        other => panic!("{other:?}"),
    }
}

/// A frame with this payload.
fn raw(kind: RemoteFrameType, flags: u8, channel: u32, payload: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(payload.len()).expect("a length").to_be_bytes();
    let mut bytes = vec![high, low, kind.number(), flags];
    bytes.extend(channel.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A channel that frames of this type can have.
fn fitting(kind: RemoteFrameType) -> u32 {
    match kind {
        _ if kind.is_of_link() => 0,
        RemoteFrameType::Incoming => 2,
        _ => 1,
    }
}

/// The fault of a payload, and that it was found `at` this byte of it and not later.
#[track_caller]
fn found(kind: RemoteFrameType, payload: &[u8], at: usize) -> Fault {
    found_with(kind, 0, payload, at)
}

#[track_caller]
fn found_with(kind: RemoteFrameType, flags: u8, payload: &[u8], at: usize) -> Fault {
    let bytes = raw(kind, flags, fitting(kind), payload);
    let end = HEADER + at;
    assert!(matches!(parse(&bytes[..end]), Parsed::Partial { .. }), "before byte {at}");
    assert!(matches!(parse(&bytes[..=end]), Parsed::Bad(_)), "with byte {at}");
    fault(&bytes)
}

/// A payload from its parts.
fn parts(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// The beginning of some payloads, and two addresses.
const WINDOW: &[u8] = &[0, 0, 16, 0];
const V4: &[u8] = &[4, 192, 0, 2, 1, 0, 80];
const NONE: &[u8] = &[0];

#[test]
fn every_frame_is_read_as_it_was_written() {
    let mut seen = Vec::new();
    samples(|channel, frame| {
        let bytes = written(channel, frame);
        let expected = Parsed::Whole { channel, frame: frame.clone(), len: bytes.len() };
        assert_eq!(judged(&bytes), expected);
        assert_eq!(bytes[2], frame.frame_type().number());
        seen.push(frame.frame_type());
    });
    for kind in RemoteFrameType::ALL {
        assert!(seen.contains(kind), "{kind:?}");
    }
}

#[test]
fn what_follows_a_frame_is_not_looked_at() {
    samples(|channel, frame| {
        let bytes = written(channel, frame);
        for behind in [&[0xff; 9][..], &bytes] {
            let all = [&bytes, behind].concat();
            let expected = Parsed::Whole { channel, frame: frame.clone(), len: bytes.len() };
            assert_eq!(parse(&all), expected);
        }
    });
}

#[test]
fn every_frame_with_a_byte_changed_is_judged_the_same_however_it_is_cut() {
    samples(|channel, frame| {
        let bytes = written(channel, frame);
        // The longest frames would take long, and their ends are all alike.
        for at in 0..bytes.len().min(300) {
            for changed in [0, 1, 0x40, 0x80, 0xff, bytes[at] ^ 1, bytes[at].wrapping_add(1)] {
                let mut other = bytes.clone();
                other[at] = changed;
                other.truncate(600);
                judged(&other);
            }
        }
    });
}

#[test]
fn numbers_and_names_lead_back_to_their_types() {
    for number in 0..=u8::MAX {
        let kind = RemoteFrameType::from_number(number);
        assert!(kind.is_none_or(|kind| kind.number() == number));
        let reason = GoawayReason::from_number(number);
        assert!(reason.is_none_or(|reason| reason.number() == number));
    }
    for kind in RemoteFrameType::ALL {
        assert_eq!(RemoteFrameType::from_number(kind.number()), Some(*kind));
    }
    let names: Vec<_> = GoawayReason::ALL.iter().map(|reason| reason.name()).collect();
    assert_eq!(names, ["restart", "version", "malformed", "credit", "limit", "denied", "timeout"]);
    for (number, reason) in GoawayReason::ALL.iter().enumerate() {
        assert_eq!(usize::from(reason.number()), number);
    }
}
