//! The example of docs/remote-protocol.md, as whoever reads the page would send it.

use super::*;
use crate::cause::Why;
use crate::op::{Op, OpKind};
use crate::sys::Addr;

const PAGE: &str = include_str!("../../../../docs/remote-protocol.md");
const FENCE: &str = "```";

/// The bytes of the code blocks in `hex`: one for each thing that a side sends. Behind `#` is a remark.
fn examples() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut lines = PAGE.lines();
    while lines.any(|line| line == "```hex") {
        let block = lines.by_ref().take_while(|line| *line != FENCE);
        let bytes = block.flat_map(|line| {
            let (code, _) = line.split_once('#').unwrap_or((line, ""));
            code.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("a byte"))
        });
        found.push(bytes.collect());
    }
    found
}

/// The frames of one block, each with its channel.
fn frames(mut bytes: &[u8]) -> Vec<(u32, RemoteFrame<'_>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        match parse(bytes) {
            Parsed::Whole { channel, frame, len } => {
                found.push((channel, frame));
                bytes = &bytes[len..];
            }
            other => panic!("{other:?}"),
        }
    }
    found
}

#[test]
fn the_example_of_the_page_is_what_it_says() {
    let ip = |text: &str| Some(Addr::ip(text.parse().expect("an address")));
    let hello = |highest, channels| {
        let hello = RemoteHello { lowest: VERSION, highest, channels, passes: false };
        (0, RemoteFrame::Hello(hello))
    };
    let open = RemoteOpen {
        window: 65_536,
        target: RemoteTarget::Name { host: "example.net", port: 7 },
        source: None,
        takes_descriptor: false,
    };
    let opened = RemoteOpened {
        window: 32_768,
        local: ip("192.0.2.10:40000"),
        peer: ip("[2001:db8::7]:7"),
        descriptor: false,
    };
    let end = (1, RemoteFrame::End { truncated: false });
    let expected = [
        vec![hello(1, 16), (1, RemoteFrame::Open(open))],
        vec![hello(1, 1_000), (1, RemoteFrame::Opened(opened))],
        vec![(1, RemoteFrame::Data(b"hello")), end.clone()],
        vec![(1, RemoteFrame::Credit(32_773)), (1, RemoteFrame::Data(b"hello")), end],
        vec![(1, RemoteFrame::Close)],
        vec![(1, RemoteFrame::Closed(RemoteClosed { begun: true, failure: None }))],
        vec![refused()],
    ];
    let examples = examples();
    assert_eq!(examples.len(), expected.len());
    for (bytes, expected) in examples.iter().zip(expected) {
        assert_eq!(frames(bytes), expected);
        let mut again = Vec::new();
        for (channel, frame) in &expected {
            write(&mut again, *channel, frame);
        }
        assert_eq!(again, *bytes);
    }
}

/// The answer to an OPEN that nobody took.
fn refused() -> (u32, RemoteFrame<'static>) {
    let failure = RemoteFailure {
        op: 13,
        why: 6,
        detail: RemoteDetail::Errno(111),
        text: "connection refused",
    };
    (3, RemoteFrame::Closed(RemoteClosed { begun: true, failure: Some(failure) }))
}

#[test]
fn the_page_names_every_type_and_every_reason_with_its_number() {
    for kind in RemoteFrameType::ALL {
        let row = format!("| {} | {} |", kind.number(), kind.name());
        assert!(PAGE.contains(&row), "{row}");
    }
    for reason in GoawayReason::ALL {
        let row = format!("| {} | {} |", reason.number(), reason.name().to_uppercase());
        assert!(PAGE.contains(&row), "{row}");
    }
}

#[test]
fn the_page_names_every_reason_of_a_failure_and_every_operation_of_a_channel() {
    let whys = Why::ALL.iter().map(|why| (why.number(), why.name()));
    // What comes before a session is done when INCOMING is sent.
    let ops = Op::ALL.iter().filter(|op| op.kind() != OpKind::Incoming);
    for (number, name) in whys.chain(ops.map(|op| (op.number(), op.name()))) {
        let row = format!("| {number} | {name} |");
        assert!(PAGE.contains(&row), "{row}");
    }
}
