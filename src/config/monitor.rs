//! Who is answered instead of let in, and with what.

use super::Trust;
use crate::buffer::BUFFER_SIZE;

/// The longest answer of the host's own, in bytes: it fits one pooled buffer.
pub const ANSWER_MOST: usize = 16 * 1024;
const _: () = assert!(ANSWER_MOST <= BUFFER_SIZE);

/// Who is a monitor, and what it is answered.
#[derive(Clone, Debug)]
pub struct Monitor {
    /// The sources, by the socket's own address: no PROXY header is read of them.
    pub sources: Trust,
    /// What they get.
    pub answer: MonitorAnswer,
}

/// What a monitor gets. All but the metrics depend on how things stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MonitorAnswer {
    /// `OK`, or `FAIL`, and nothing else.
    Text,
    /// A response of HTTP/1.0: 200 or 503.
    Http,
    /// A response of HTTP/1.0: 200, with the metrics of the engine.
    Metrics,
    /// Bytes of the host's own.
    Bytes {
        /// While all is well.
        well: Box<[u8]>,
        /// While it is not.
        failing: Box<[u8]>,
    },
}

impl MonitorAnswer {
    /// The bytes that do not depend on anything but how things stand; `None` for the metrics.
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

    /// Whether it answers a request, and so comes after its beginning.
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
