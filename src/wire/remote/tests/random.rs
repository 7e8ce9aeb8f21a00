//! What holds for every input.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::random::Random;

/// What is accepted and written again has the same bytes.
#[track_caller]
fn written_again(bytes: &[u8]) {
    if let Parsed::Whole { channel, frame, len } = judged(bytes) {
        assert_eq!(written(channel, &frame), bytes[..len], "{frame:?}");
    }
}

/// A header that is probably valid.
fn header_of(kind: RemoteFrameType, flags: u8, length: usize, channel: u32) -> Vec<u8> {
    header::header(length, kind, flags, channel).to_vec()
}

proptest! {
    #[test]
    fn any_bytes_get_one_verdict(bytes in vec(any::<u8>(), 0..64)) {
        written_again(&bytes);
    }

    #[test]
    fn any_payload_gets_one_verdict(
        kind in prop::sample::select(RemoteFrameType::ALL.to_vec()),
        flags in 0..4_u8,
        channel in 0..4_u32,
        // Most fields have small numbers.
        payload in vec(prop_oneof![0..8_u8, any::<u8>()], 0..64),
    ) {
        let channel = if kind.is_of_link() { 0 } else { channel };
        let mut bytes = header_of(kind, flags & kind.flags(), payload.len(), channel);
        bytes.extend(payload);
        bytes.extend(b"behind");
        written_again(&bytes);
    }
}

/// A byte behind `bytes` that is not refused, found from a random one on.
#[track_caller]
fn continued(bytes: &mut Vec<u8>, first: u8) {
    for step in 0..=u8::MAX {
        bytes.push(first.wrapping_add(step));
        if !matches!(parse(bytes), Parsed::Bad(_)) {
            return;
        }
        bytes.pop();
    }
    panic!("undecided, and no byte can follow: {}", bytes.escape_ascii());
}

/// Takes a random way from no byte to a whole frame through everything that is undecided.
fn walk(random: &mut Random, mut bytes: Vec<u8>) -> Vec<u8> {
    while let Parsed::Partial { need } = parse(&bytes) {
        assert!(need > bytes.len());
        let small = random.one_in(2);
        let first = random.below(if small { 8 } else { 256 }) as u8;
        continued(&mut bytes, first);
    }
    bytes
}

/// The beginnings of frames of one type, with every length that such a frame can have.
fn fronts(kind: RemoteFrameType) -> Vec<[u8; 3]> {
    let all = (0..=PAYLOAD_MAX).map(|length| {
        let [high, low] = u16::try_from(length).expect("a length").to_be_bytes();
        [high, low, kind.number()]
    });
    all.filter(|front| !matches!(parse(front), Parsed::Bad(_))).collect()
}

/// Were something undecided that no byte makes valid, a way would end there.
#[test]
fn whatever_is_not_refused_has_bytes_that_make_it_whole() {
    const ROUNDS: usize = 300;
    const LONG_IN: u64 = 100;
    const SHORT: u64 = 300;
    let mut random = Random::new(7);
    for kind in RemoteFrameType::ALL {
        let fronts = fronts(*kind);
        for _ in 0..ROUNDS {
            let all = fronts.len() as u64;
            // Long frames take long, and the ends of short ones are as different.
            let most = if random.one_in(LONG_IN) { all } else { all.min(SHORT) };
            let front = fronts[random.below(most) as usize];
            let bytes = walk(&mut random, front.to_vec());
            match parse(&bytes) {
                Parsed::Whole { channel, frame, len } => {
                    assert_eq!(len, bytes.len());
                    assert_eq!(written(channel, &frame), bytes, "{frame:?}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn random_changes_to_frames_get_one_verdict() {
    let mut random = Random::new(11);
    samples(|channel, frame| {
        let mut bytes = written(channel, frame);
        bytes.truncate(700);
        for _ in 0..3 {
            let mut other = bytes.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(other.len() as u64) as usize;
                other[at] = random.below(256) as u8;
            }
            written_again(&other);
        }
    });
}
