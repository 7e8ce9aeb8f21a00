//! How a stream ended: by whom and in which phase, as the two letters of HAProxy's termination state.

use std::fmt;

use crate::cause::Cause;

/// What ended a stream first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum By {
    /// Nothing: both sides ended in order.
    #[default]
    Nobody,
    /// The client ended it early or failed.
    Client,
    /// The server ended it early or failed, or could not be reached.
    Server,
    /// The silence timeout of the client.
    ClientTimeout,
    /// The silence timeout of the server, or a timeout before it was reached.
    ServerTimeout,
    /// A limit of the configuration.
    Limit,
    /// A resource of this machine was used up.
    Resources,
    /// The host.
    Host,
}

/// The phase of a stream when it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EndPhase {
    /// None: nothing ended it early.
    #[default]
    Over,
    /// It waited in a queue for a slot.
    Queue,
    /// The server was being reached.
    Connect,
    /// Bytes moved both ways.
    Data,
    /// The server had ended, and its last bytes were being sent to the client.
    Last,
}

/// What ended a stream, and in which phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Termination {
    /// What ended it.
    pub by: By,
    /// The phase it was in.
    pub phase: EndPhase,
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
            EndPhase::Over => b'-',
            EndPhase::Queue => b'Q',
            EndPhase::Connect => b'C',
            EndPhase::Data => b'D',
            EndPhase::Last => b'L',
        };
        [by, phase]
    }

    /// A cause for the record of a side that did not end the stream, made from what did.
    pub(crate) fn in_record(self, cause: &Cause) -> Cause {
        let text = format!("{self}: {}", cause.text);
        Cause { remote: cause.remote, ..Cause::new(None, cause.why).because(text) }
    }
}

impl fmt::Display for Termination {
    /// The termination in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match (self.by, self.phase) {
            (By::Nobody, _) => return f.write_str("ended in order"),
            // Before a server is reached it can neither be silent nor end anything.
            (By::ServerTimeout, EndPhase::Queue) => {
                return f.write_str("no server had a place free in time");
            }
            (By::ServerTimeout, EndPhase::Connect) => {
                return f.write_str("no server was reached in time");
            }
            (By::Server, EndPhase::Queue | EndPhase::Connect) => {
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
            EndPhase::Over => "",
            EndPhase::Queue => " in the queue for a server",
            EndPhase::Connect => " while a server was being reached",
            EndPhase::Data => " while data moved",
            EndPhase::Last => " while the last data moved",
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
            (By::Nobody, EndPhase::Over, "--", "ended in order"),
            (By::Client, EndPhase::Queue, "CQ", "ended by the client in the queue for a server"),
            (
                By::Client,
                EndPhase::Connect,
                "CC",
                "ended by the client while a server was being reached",
            ),
            (By::Client, EndPhase::Data, "CD", "ended by the client while data moved"),
            (By::Client, EndPhase::Last, "CL", "ended by the client while the last data moved"),
            (By::Server, EndPhase::Queue, "SQ", "no server was reached"),
            (By::Server, EndPhase::Connect, "SC", "no server was reached"),
            (By::Server, EndPhase::Data, "SD", "ended by the server while data moved"),
            (By::Server, EndPhase::Last, "SL", "ended by the server while the last data moved"),
            (
                By::ClientTimeout,
                EndPhase::Queue,
                "cQ",
                "the client was silent for too long in the queue for a server",
            ),
            (
                By::ClientTimeout,
                EndPhase::Connect,
                "cC",
                "the client was silent for too long while a server was being reached",
            ),
            (
                By::ClientTimeout,
                EndPhase::Data,
                "cD",
                "the client was silent for too long while data moved",
            ),
            (
                By::ClientTimeout,
                EndPhase::Last,
                "cL",
                "the client was silent for too long while the last data moved",
            ),
            (By::ServerTimeout, EndPhase::Queue, "sQ", "no server had a place free in time"),
            (By::ServerTimeout, EndPhase::Connect, "sC", "no server was reached in time"),
            (
                By::ServerTimeout,
                EndPhase::Data,
                "sD",
                "the server was silent for too long while data moved",
            ),
            (
                By::ServerTimeout,
                EndPhase::Last,
                "sL",
                "the server was silent for too long while the last data moved",
            ),
            (
                By::Limit,
                EndPhase::Queue,
                "PQ",
                "ended by a configured limit in the queue for a server",
            ),
            (
                By::Limit,
                EndPhase::Connect,
                "PC",
                "ended by a configured limit while a server was being reached",
            ),
            (
                By::Resources,
                EndPhase::Connect,
                "RC",
                "ended for want of resources while a server was being reached",
            ),
            (By::Resources, EndPhase::Data, "RD", "ended for want of resources while data moved"),
            (By::Host, EndPhase::Queue, "KQ", "ended by the host in the queue for a server"),
            (
                By::Host,
                EndPhase::Connect,
                "KC",
                "ended by the host while a server was being reached",
            ),
            (By::Host, EndPhase::Data, "KD", "ended by the host while data moved"),
            (By::Host, EndPhase::Last, "KL", "ended by the host while the last data moved"),
        ];
        for (by, phase, letters, words) in plain {
            let termination = Termination { by, phase };
            assert_eq!(termination.letters(), *letters.as_bytes());
            assert_eq!(termination.to_string(), words, "{letters}");
        }
    }
}
