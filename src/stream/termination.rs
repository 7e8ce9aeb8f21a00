//! How a stream ended, in the two letters that operators of HAProxy know: who ended it, and in
//! which phase.

use std::fmt;

use crate::cause::Cause;

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

    /// What ended a stream because of `cause`, as the record of a side has it that did not.
    pub(crate) fn in_record(self, cause: &Cause) -> Cause {
        Cause::new(None, cause.why).because(format!("{self}: {}", cause.text))
    }
}

impl fmt::Display for Termination {
    /// The same in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match (self.by, self.phase) {
            (By::Nobody, _) => return f.write_str("ended in order"),
            // Before there is a server nobody can be silent, or end anything.
            (By::ServerTimeout, Phase::Queue) => {
                return f.write_str("no server had a place free in time");
            }
            (By::ServerTimeout, Phase::Connect) => {
                return f.write_str("no server was reached in time");
            }
            (By::Server, Phase::Queue | Phase::Connect) => {
                return f.write_str("no server was reached");
            }
            (By::Client, _) => "ended by the client",
            (By::Server, _) => "ended by the server",
            (By::ClientTimeout, _) => "the client was silent for too long",
            (By::ServerTimeout, _) => "the server was silent for too long",
            (By::Limit, _) => "ended by a configured limit",
            (By::Resources, _) => "ended for want of resources",
            (By::Host, _) => "ended by the host",
        };
        let phase = match self.phase {
            Phase::Over => "",
            Phase::Queue => " in the queue for a server",
            Phase::Connect => " while a server was being reached",
            Phase::Data => " while data moved",
            Phase::Last => " while the last data moved",
        };
        write!(f, "{by}{phase}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_letters_reads_as_what_happened() {
        let plain = [
            (By::Nobody, Phase::Over, "--", "ended in order"),
            (By::Client, Phase::Queue, "CQ", "ended by the client in the queue for a server"),
            (
                By::Client,
                Phase::Connect,
                "CC",
                "ended by the client while a server was being reached",
            ),
            (By::Client, Phase::Data, "CD", "ended by the client while data moved"),
            (By::Client, Phase::Last, "CL", "ended by the client while the last data moved"),
            (By::Server, Phase::Queue, "SQ", "no server was reached"),
            (By::Server, Phase::Connect, "SC", "no server was reached"),
            (By::Server, Phase::Data, "SD", "ended by the server while data moved"),
            (By::Server, Phase::Last, "SL", "ended by the server while the last data moved"),
            (
                By::ClientTimeout,
                Phase::Queue,
                "cQ",
                "the client was silent for too long in the queue for a server",
            ),
            (
                By::ClientTimeout,
                Phase::Connect,
                "cC",
                "the client was silent for too long while a server was being reached",
            ),
            (
                By::ClientTimeout,
                Phase::Data,
                "cD",
                "the client was silent for too long while data moved",
            ),
            (
                By::ClientTimeout,
                Phase::Last,
                "cL",
                "the client was silent for too long while the last data moved",
            ),
            (By::ServerTimeout, Phase::Queue, "sQ", "no server had a place free in time"),
            (By::ServerTimeout, Phase::Connect, "sC", "no server was reached in time"),
            (
                By::ServerTimeout,
                Phase::Data,
                "sD",
                "the server was silent for too long while data moved",
            ),
            (
                By::ServerTimeout,
                Phase::Last,
                "sL",
                "the server was silent for too long while the last data moved",
            ),
            (
                By::Limit,
                Phase::Queue,
                "PQ",
                "ended by a configured limit in the queue for a server",
            ),
            (
                By::Limit,
                Phase::Connect,
                "PC",
                "ended by a configured limit while a server was being reached",
            ),
            (
                By::Resources,
                Phase::Connect,
                "RC",
                "ended for want of resources while a server was being reached",
            ),
            (By::Resources, Phase::Data, "RD", "ended for want of resources while data moved"),
            (By::Host, Phase::Queue, "KQ", "ended by the host in the queue for a server"),
            (By::Host, Phase::Connect, "KC", "ended by the host while a server was being reached"),
            (By::Host, Phase::Data, "KD", "ended by the host while data moved"),
            (By::Host, Phase::Last, "KL", "ended by the host while the last data moved"),
        ];
        for (by, phase, letters, words) in plain {
            let termination = Termination { by, phase };
            assert_eq!(termination.letters(), *letters.as_bytes());
            assert_eq!(termination.to_string(), words, "{letters}");
        }
    }
}
