//! Monitors: which sources get an answer instead of a session, and what answer.

use super::Trust;
use crate::buffer::BUFFER_SIZE;

/// The longest answer that the host can set, in bytes: it fits one pooled buffer.
pub const ANSWER_MAX_BYTES: usize = 16 * 1024;
const _: () = assert!(ANSWER_MAX_BYTES <= BUFFER_SIZE);

/// Which sources are monitors, and their answer.
#[derive(Clone, Debug)]
pub struct Monitor {
    /// The sources, by the socket's own address: no PROXY header is read from them.
    pub sources: Trust,
    /// Their answer.
    pub answer: MonitorAnswer,
}

/// The answer to a monitor. All but the metrics depend on whether it is to report a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MonitorAnswer {
    /// `OK`, or `FAIL`, and nothing else.
    Text,
    /// A response of HTTP/1.0: 200 or 503.
    Http,
    /// A response of HTTP/1.0: 200, with the metrics of the engine.
    Metrics,
    /// Bytes that the host sets.
    Bytes {
        /// The answer while there is no failure.
        well: Box<[u8]>,
        /// The answer during a failure.
        failing: Box<[u8]>,
    },
}

impl MonitorAnswer {
    /// The bytes of an answer that depends only on `fails`; `None` for the metrics.
    #[must_use]
    pub fn fixed(&self, fails: bool) -> Option<&[u8]> {
        match (self, fails) {
            (Self::Text, false) => Some(b"OK"),
            (Self::Text, true) => Some(b"FAIL"),
            (Self::Http, false) => Some(WELL),
            (Self::Http, true) => Some(FAILING),
            (Self::Metrics, _) => None,
            (Self::Bytes { well, .. }, false) => Some(well),
            (Self::Bytes { failing, .. }, true) => Some(failing),
        }
    }

    /// Whether it answers a request, and so is sent only after the request has begun.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        matches!(self, Self::Http | Self::Metrics)
    }
}

const WELL: &[u8] = b"HTTP/1.0 200 OK\r\n\
    Cache-Control: no-store\r\n\
    Connection: close\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 3\r\n\
    \r\n\
    OK\n";

const FAILING: &[u8] = b"HTTP/1.0 503 Service Unavailable\r\n\
    Cache-Control: no-store\r\n\
    Connection: close\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 5\r\n\
    \r\n\
    FAIL\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_http_tells_its_own_length() {
        for fails in [false, true] {
            let answer = MonitorAnswer::Http.fixed(fails).expect("it depends on nothing else");
            let text = std::str::from_utf8(answer).expect("text");
            let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
            assert!(head.ends_with(&format!("\r\nContent-Length: {}", body.len())), "{head}");
        }
    }
}
