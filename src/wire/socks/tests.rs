//! Both sides of every dialogue, byte by byte.

use super::*;
use crate::random::Random;

fn dialogue(
    version: SocksVersion,
    to: &str,
    user: Option<&str>,
    password: Option<&str>,
) -> Dialogue {
    let destination = Destination::parse(to).expect("a destination");
    Dialogue::new(version, &destination, Login { user, password }).expect("it can be asked")
}

fn unaskable(
    version: SocksVersion,
    to: &str,
    user: Option<&str>,
    password: Option<&str>,
) -> Option<Unaskable> {
    let destination = Destination::parse(to).expect("a destination");
    Dialogue::new(version, &destination, Login { user, password }).err()
}

/// The verdict on an answer, after a check that it is the same for every way its bytes can arrive.
#[track_caller]
fn heard<'a>(dialogue: &'a Dialogue, turn: Turn, bytes: &[u8]) -> Heard<'a> {
    let verdict = dialogue.hear(turn, bytes);
    let mut decided = false;
    for cut in 0..bytes.len() {
        match dialogue.hear(turn, &bytes[..cut]) {
            Heard::Partial => {
                assert!(!decided, "{cut} bytes are undecided, fewer were not");
                assert!(cut < ANSWER_LONGEST, "{cut} bytes do not suffice");
            }
            early => {
                assert_eq!(early, verdict, "{cut} bytes");
                decided = true;
            }
        }
    }
    verdict
}

#[test]
fn version_4_asks_in_one_piece() {
    let plain = dialogue(SocksVersion::V4, "192.0.2.1:80", None, None);
    assert_eq!(plain.opening(), [4, 1, 0, 80, 192, 0, 2, 1, 0]);
    let user = dialogue(SocksVersion::V4, "192.0.2.1:443", Some("fred"), None);
    assert_eq!(user.opening(), [&[4, 1, 1, 187, 192, 0, 2, 1][..], b"fred\0"].concat());
    assert_eq!(user.first(), Turn::Request);
}

#[test]
fn version_4a_leaves_names_to_the_server_and_says_addresses_as_4_does() {
    let name = dialogue(SocksVersion::V4a, "example.net:80", Some("fred"), None);
    let expected = [&[4, 1, 0, 80, 0, 0, 0, 1][..], b"fred\0example.net\0"].concat();
    assert_eq!(name.opening(), expected);
    let address = dialogue(SocksVersion::V4a, "192.0.2.1:80", None, None);
    assert_eq!(address.opening(), dialogue(SocksVersion::V4, "192.0.2.1:80", None, None).opening());
}

#[test]
fn version_5_greets_logs_in_where_asked_and_asks() {
    for (to, said) in [
        ("192.0.2.1:80", vec![5, 1, 0, 1, 192, 0, 2, 1, 0, 80]),
        ("[::1]:80", [&[5, 1, 0, 4][..], &[0; 15], &[1, 0, 80]].concat()),
        ("[::ffff:192.0.2.1]:80", vec![5, 1, 0, 1, 192, 0, 2, 1, 0, 80]),
        ("example.net:65535", [&[5, 1, 0, 3, 11][..], b"example.net", &[255, 255]].concat()),
    ] {
        let open = dialogue(SocksVersion::V5, to, None, None);
        assert_eq!((open.opening(), open.first()), (&[5, 1, 0][..], Turn::Method));
        let next = Heard::Next { len: 2, say: &said[..], turn: Turn::Request };
        assert_eq!(heard(&open, Turn::Method, &[5, 0]), next);

        let login = dialogue(SocksVersion::V5, to, Some("fred"), Some("secret"));
        assert_eq!(login.opening(), [5, 2, 0, 2]);
        let pair = [&[1, 4][..], b"fred", &[6], b"secret"].concat();
        let asked = Heard::Next { len: 2, say: &pair[..], turn: Turn::Login };
        assert_eq!(heard(&login, Turn::Method, &[5, 2, 9]), asked);
        assert_eq!(heard(&login, Turn::Method, &[5, 0]), next, "it is not asked for");
        assert_eq!(heard(&login, Turn::Login, &[1, 0]), next);
    }
}

#[test]
fn what_a_version_cannot_say_is_refused_before_anything_is_said() {
    use Unaskable::{HalfALogin, Ipv6In4, NameIn4, NameMarker, PasswordIn4};
    let (v4, v4a, v5) = (SocksVersion::V4, SocksVersion::V4a, SocksVersion::V5);
    let (user, password) = (Some("u"), Some("p"));
    assert_eq!(unaskable(v4, "example.net:80", None, None), Some(NameIn4));
    for version in [v4, v4a] {
        assert_eq!(unaskable(version, "[::1]:80", None, None), Some(Ipv6In4));
        assert_eq!(unaskable(version, "0.0.0.9:80", None, None), Some(NameMarker));
        assert_eq!(unaskable(version, "192.0.2.1:80", user, password), Some(PasswordIn4));
        assert_eq!(unaskable(version, "192.0.2.1:80", Some("a\0b"), None), Some(Unaskable::Login));
        assert_eq!(unaskable(version, "192.0.2.1:80", Some(""), None), None);
    }
    assert_eq!(unaskable(v5, "192.0.2.1:80", user, None), Some(HalfALogin));
    assert_eq!(unaskable(v5, "192.0.2.1:80", None, password), Some(HalfALogin));
    let long = "x".repeat(256);
    for (user, password) in [("", "p"), ("u", ""), (&long, "p"), ("u", &long)] {
        let fault = unaskable(v5, "192.0.2.1:80", Some(user), Some(password));
        assert_eq!(fault, Some(Unaskable::Login));
    }
    assert_eq!(unaskable(v5, "192.0.2.1:80", Some(&long[1..]), Some(&long[1..])), None);
}

#[test]
fn a_destination_is_an_address_or_a_name_with_a_port() {
    let long = format!("{}:1", "x".repeat(255));
    for text in ["example.net:80", "x:0", "a_b-c.d:65535", &long] {
        assert!(matches!(Destination::parse(text), Some(Destination::Name(..))), "{text}");
    }
    for text in ["127.0.0.1:1", "[::1]:1"] {
        assert!(matches!(Destination::parse(text), Some(Destination::Ip(_))), "{text}");
    }
    let long = format!("{}:1", "x".repeat(256));
    for text in [
        "", ":", "x", "x:", ":80", "x:65536", "x:-1", "x:+1", "::1:80", "[::1]", "[x]:80", "a b:1",
        "a\0b:1", &long,
    ] {
        assert_eq!(Destination::parse(text), None, "{text}");
    }
}

/// The answers that mean "connected", and a dialogue that waits for each.
fn connected() -> Vec<(Dialogue, Vec<u8>)> {
    let v4 = dialogue(SocksVersion::V4, "192.0.2.1:80", None, None);
    let v5 = dialogue(SocksVersion::V5, "192.0.2.1:80", None, None);
    let name = |len: u8| [&[5, 0, 0, 3, len][..], &vec![b'x'; len.into()], &[0, 80]].concat();
    vec![
        (v4.clone(), vec![0, 90, 0, 80, 192, 0, 2, 1]),
        (v4, vec![0, 90, 0, 0, 0, 0, 0, 0]),
        (v5.clone(), vec![5, 0, 0, 1, 192, 0, 2, 1, 0, 80]),
        (v5.clone(), [&[5, 0, 0, 4][..], &[7; 18]].concat()),
        (v5.clone(), name(0)),
        (v5.clone(), name(3)),
        (v5, name(255)),
    ]
}

#[test]
fn an_answer_is_whole_at_its_last_byte_and_what_follows_is_left() {
    for (dialogue, answer) in connected() {
        let len = answer.len();
        assert!(len <= ANSWER_LONGEST);
        for cut in 0..len {
            assert_eq!(dialogue.hear(Turn::Request, &answer[..cut]), Heard::Partial, "at {cut}");
        }
        assert_eq!(heard(&dialogue, Turn::Request, &answer), Heard::Connected { len });
        let more = [&answer[..], b"220 hello\r\n"].concat();
        assert_eq!(heard(&dialogue, Turn::Request, &more), Heard::Connected { len });
    }
    assert_eq!(connected().iter().map(|(_, answer)| answer.len()).max(), Some(ANSWER_LONGEST));
}

#[test]
fn every_refusal_has_words_of_its_own_and_is_known_at_its_code() {
    let v4 = dialogue(SocksVersion::V4, "192.0.2.1:80", None, None);
    let v5 = dialogue(SocksVersion::V5, "192.0.2.1:80", None, None);
    let mut words = Vec::new();
    for code in 0..=255 {
        let verdict = v4.hear(Turn::Request, &[0, code]);
        match (code, verdict) {
            (90, Heard::Partial) => {}
            (91..=93, Heard::Refused(text)) => words.push(text),
            (_, Heard::Malformed(_)) => {}
            other => panic!("{other:?}"),
        }
        match (code, v5.hear(Turn::Request, &[5, code])) {
            (0, Heard::Partial) => {}
            (1..=8, Heard::Refused(text)) => words.push(text),
            (9.., Heard::Malformed(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(words.len(), 3 + 8);
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), 3 + 8);
}

#[test]
fn a_login_that_is_wanted_not_offered_or_refused_is_told_apart() {
    let open = dialogue(SocksVersion::V5, "192.0.2.1:80", None, None);
    let login = dialogue(SocksVersion::V5, "192.0.2.1:80", Some("fred"), Some("secret"));
    let refused = |dialogue: &Dialogue, turn, bytes: &[u8]| match heard(dialogue, turn, bytes) {
        Heard::Refused(text) => text,
        other => panic!("{other:?}"),
    };
    assert!(refused(&open, Turn::Method, &[5, 0xff]).contains("none is configured"));
    assert!(refused(&login, Turn::Method, &[5, 0xff]).contains("no login by password"));
    for status in 1..=255 {
        assert!(refused(&login, Turn::Login, &[1, status]).contains("the password"));
    }
    for method in (1..=254).filter(|method| *method != 2) {
        assert!(matches!(heard(&login, Turn::Method, &[5, method]), Heard::Malformed(_)));
    }
    assert!(matches!(heard(&open, Turn::Method, &[5, 2]), Heard::Malformed(_)));
}

#[test]
fn a_wrong_version_a_reserved_byte_and_an_unknown_address_are_malformed_at_once() {
    let v4 = dialogue(SocksVersion::V4, "192.0.2.1:80", None, None);
    let login = dialogue(SocksVersion::V5, "192.0.2.1:80", Some("fred"), Some("secret"));
    let bad = |dialogue: &Dialogue, turn, bytes: &[u8]| {
        matches!(heard(dialogue, turn, bytes), Heard::Malformed(_))
    };
    for version in 0..=255 {
        assert_eq!(bad(&v4, Turn::Request, &[version]), version != 0);
        assert_eq!(bad(&login, Turn::Method, &[version]), version != 5);
        assert_eq!(bad(&login, Turn::Login, &[version]), version != 1);
        assert_eq!(bad(&login, Turn::Request, &[version]), version != 5);
        assert_eq!(bad(&login, Turn::Request, &[5, 0, version]), version != 0);
        let known = [1, 3, 4].contains(&version);
        assert_eq!(bad(&login, Turn::Request, &[5, 0, 0, version]), !known);
    }
}

#[test]
fn garbage_is_judged_the_same_however_it_is_cut() {
    let mut random = Random::new(3);
    let login = dialogue(SocksVersion::V5, "example.net:80", Some("fred"), Some("secret"));
    let v4 = dialogue(SocksVersion::V4, "192.0.2.1:80", None, None);
    for _ in 0..2_000 {
        // Small numbers are what the protocols have.
        let most = [6, 256][random.below(2) as usize];
        let bytes: Vec<u8> = (0..300).map(|_| random.below(most) as u8).collect();
        for turn in [Turn::Method, Turn::Login, Turn::Request] {
            assert_ne!(heard(&login, turn, &bytes), Heard::Partial);
        }
        assert_ne!(heard(&v4, Turn::Request, &bytes), Heard::Partial);
    }
}

#[test]
fn a_password_is_not_shown() {
    let login = dialogue(SocksVersion::V5, "192.0.2.1:80", Some("fred"), Some("secret"));
    let shown = format!("{login:?}");
    assert!(!shown.contains("secret") && !shown.contains("115"), "{shown}");
}
