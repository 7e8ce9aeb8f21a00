//! What operations wait for.

use bitflags::bitflags;

bitflags! {
    /// What an operation, or the session behind it, waits for.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Wait: u8 {
        /// Bytes from the peer, or its end.
        const READ = 1;
        /// Room for bytes to the peer.
        const WRITE = 2;
        /// A deadline.
        const TIMER = 4;
        /// The next drive call: this one's share is used up.
        const TURN = 8;
        /// The host's poller releasing the descriptor.
        const RELEASE = 16;
        /// The bytes that it is to send, which the engine composes.
        const ANSWER = 32;
        /// A custom handler.
        const HOST = 64;
        /// A resource that this machine has run out of: a descriptor, memory, a port.
        const ROOM = 128;
        /// Anything from the peer.
        const PEER = Self::READ.bits() | Self::WRITE.bits();
    }
}

impl Wait {
    /// The names, as they are printed; `host` for none, since what comes next is the host's.
    #[must_use]
    pub fn names(self) -> String {
        let names = [
            (Self::READ, "read"),
            (Self::WRITE, "write"),
            (Self::TIMER, "timer"),
            (Self::TURN, "turn"),
            (Self::RELEASE, "release"),
            (Self::ANSWER, "answer"),
            (Self::HOST, "handler"),
            (Self::ROOM, "room"),
        ];
        let words: Vec<_> =
            names.iter().filter(|(wait, _)| self.contains(*wait)).map(|(_, name)| *name).collect();
        if words.is_empty() { "host".to_owned() } else { words.join("+") }
    }
}
