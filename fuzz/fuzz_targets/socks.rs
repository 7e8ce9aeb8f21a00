//! The verdict on a SOCKS server's answer is the same wherever it is cut, and no request has a field
//! that is longer than its length of one byte can state.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vestibule::wire::socks::{ANSWER_LONGEST, Destination, Dialogue, Heard, Login, Turn, SocksVersion};

fn judge(dialogue: &Dialogue, turn: Turn, bytes: &[u8]) {
    let verdict = dialogue.hear(turn, bytes);
    let mut decided = false;
    for cut in 0..bytes.len().min(ANSWER_LONGEST + 1) {
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
    if let Heard::Next { len, .. } | Heard::Connected { len } = verdict {
        assert!(len <= bytes.len() && len <= ANSWER_LONGEST);
    }
}

fuzz_target!(|input: (&str, &str, &[u8])| {
    let (destination, user, answer) = input;
    let parsed = Destination::parse(destination);
    let fallback = Destination::Name("example.net".into(), 80);
    let login = Login { user: Some(user), password: Some("secret") };
    let claim = Login { user: Some(user), password: None };
    for (version, login) in
        [(SocksVersion::V4, claim), (SocksVersion::V4a, claim), (SocksVersion::V5, login), (SocksVersion::V5, Login::default())]
    {
        let to = parsed.as_ref().unwrap_or(&fallback);
        let Ok(dialogue) = Dialogue::new(version, to, login) else { continue };
        assert!(dialogue.opening().len() <= 8 + 2 * 256);
        for turn in [Turn::Method, Turn::Login, Turn::Request] {
            judge(&dialogue, turn, answer);
        }
    }
});
