//! How a stream ended, in the two letters that operators of HAProxy know: who ended it, and in
//! which phase.

use std::fmt;

/// Who or what ended a stream first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum By {
    /// Nobody: both sides came to their end in order.
    #[default]
    Nobody,
    /// The client broke off.
    Client,
    /// The server broke off, or could not be reached.
    Server,
    /// The client was silent for too long.
    ClientTimeout,
    /// The server was silent for too long, or none was to be had in time.
    ServerTimeout,
    /// A limit of the configuration.
    Limit,
    /// This machine has run out of something.
    Resources,
    /// The host.
    Host,
}

/// What a stream was about when it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing any more.
    #[default]
    Over,
    /// It waited for a server with a place free.
    Queue,
    /// The server was being reached.
    Connect,
    /// Bytes moved both ways.
    Data,
    /// The server had ended, and its last bytes were on their way to the client.
    Last,
}

/// Who ended a stream, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Termination {
    /// Who.
    pub by: By,
    /// When.
    pub phase: Phase,
}

impl Termination {
    /// The two letters.
    #[must_use]
    pub const fn letters(self) -> [u8; 2] {
        let by = match self.by {
            By::Nobody => b'-',
            By::Client => b'C',
            By::Server => b'S',
            By::ClientTimeout => b'c',
            By::ServerTimeout => b's',
            By::Limit => b'P',
            By::Resources => b'R',
            By::Host => b'K',
        };
        let phase = match self.phase {
            Phase::Over => b'-',
            Phase::Queue => b'Q',
            Phase::Connect => b'C',
            Phase::Data => b'D',
            Phase::Last => b'L',
        };
        [by, phase]
    }
}

impl fmt::Display for Termination {
    /// The same in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.by {
            By::Nobody => return f.write_str("ended in order"),
            By::Client => "ended by the client",
            By::Server => "ended by the server",
            By::ClientTimeout => "the client was silent for too long",
            By::ServerTimeout => "the server was silent for too long",
            By::Limit => "ended by a configured limit",
            By::Resources => "ended for want of resources",
            By::Host => "ended by the host",
        };
        let phase = match self.phase {
            Phase::Over => "",
            Phase::Queue => " while it waited for a server",
            Phase::Connect => " while the server was being reached",
            Phase::Data => " while data moved",
            Phase::Last => " while the last data moved",
        };
        write!(f, "{by}{phase}")
    }
}
