//! What an agent allows its clients, and the agent itself.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use crate::agenda::Listed;
use crate::config::{ConnectConfig, Trust};
use crate::slab::Key;
use crate::sys::{Addr, Shown};
use crate::time::SECOND;
use crate::tls::ClientTls;

/// One destination of an [`AllowList`].
#[derive(Clone, Debug, PartialEq, Eq)]
enum Destinations {
    /// Addresses of these networks.
    Networks(Trust),
    /// The unix socket at this path, or, where it ends with a slash, all below it.
    Unix(Box<[u8]>),
    /// A name in lower case; with a leading dot, all names that end with it.
    Name(Box<str>),
}

/// Where connections may go to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList(Vec<(Destinations, Option<u16>)>);

/// A word that is no destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowListError {
    word: Box<str>,
    sentence: &'static str,
}

impl fmt::Display for AllowListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\": {}", Shown(&self.word), self.sentence)
    }
}

impl std::error::Error for AllowListError {}

const NO_DESTINATION: &str = "a destination is 192.0.2.1:80, 10.0.0.0/8:443, [2001:db8::]/32:443, \
    example.net:443, *.example.net:443 or unix:/path; the port * is any";

impl AllowList {
    /// Reads a list separated by commas. Each word is an IP address, a network, a name or, with a
    /// leading `*.`, all names below one, each with `:PORT` or `:*`; or `unix:` and a path, which
    /// stands for all sockets below it where it ends with a slash. An allowed name may have any
    /// address.
    ///
    /// # Errors
    /// The first word that is none of these.
    pub fn parse(text: &str) -> Result<Self, AllowListError> {
        let words = text.split(',').map(str::trim);
        words
            .map(|word| {
                destination(word)
                    .ok_or_else(|| AllowListError { word: word.into(), sentence: NO_DESTINATION })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether this address may be connected to.
    #[must_use]
    pub fn allows(&self, addr: &Addr) -> bool {
        self.0.iter().any(|(to, port)| match (to, addr) {
            (Destinations::Networks(networks), Addr::Ip(ip)) => {
                networks.covers(addr) && port.is_none_or(|port| port == ip.port())
            }
            (Destinations::Unix(path), Addr::Unix(name)) => match path.last() {
                // A path that climbs up leads elsewhere.
                Some(b'/') => name.starts_with(path) && !climbs(&name[path.len()..]),
                _ => name == path,
            },
            _ => false,
        })
    }

    /// Whether this name and port may be looked up and connected to.
    #[must_use]
    pub fn allows_name(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.0.iter().any(|(to, allowed)| {
            let Destinations::Name(name) = to else { return false };
            let is_it =
                if name.starts_with('.') { host.ends_with(&**name) } else { host == **name };
            is_it && allowed.is_none_or(|allowed| allowed == port)
        })
    }
}

/// Whether a path leads out of its directory, or holds a NUL.
fn climbs(path: &[u8]) -> bool {
    path.contains(&0) || path.split(|byte| *byte == b'/').any(|part| part == b"..")
}

fn destination(word: &str) -> Option<(Destinations, Option<u16>)> {
    if let Some(path) = word.strip_prefix("unix:") {
        let path: Box<[u8]> = match path.strip_prefix('@') {
            Some(name) => [b"\0", name.as_bytes()].concat().into(),
            None => path.as_bytes().into(),
        };
        return (!path.is_empty()).then_some((Destinations::Unix(path), None));
    }
    let (host, port) = word.rsplit_once(':')?;
    let port = match port {
        "*" => None,
        port if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse().ok().filter(|port| *port != 0)?)
        }
        _ => return None,
    };
    // An IPv6 address is in brackets; its length is behind them.
    let network = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, bits) = rest.split_once(']')?;
            if !address.contains(':') {
                return None;
            }
            Some(format!("{address}{bits}"))
        }
        None if host.contains(':') => return None,
        None => host
            .bytes()
            .all(|b| b.is_ascii_digit() || b".".contains(&b) || b == b'/')
            .then(|| host.to_owned()),
    };
    if let Some(network) = network {
        return Some((Destinations::Networks(Trust::parse(&network).ok()?), port));
    }
    let name = host.strip_prefix("*.").map_or_else(|| host.to_owned(), |rest| format!(".{rest}"));
    let letters = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let is_name = !host.is_empty() && name.trim_start_matches('.').bytes().all(letters);
    let dotless = !name.trim_start_matches('.').is_empty();
    (is_name && dotless).then(|| (Destinations::Name(name.to_ascii_lowercase().into()), port))
}

/// The options of an agent.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    /// Where clients may have connections opened to.
    pub allow: AllowList,
    /// The user ids whose processes may be clients; empty: any, also where the id is not known.
    pub uids: Vec<u32>,
    /// The group ids whose processes may be clients, beside those of `uids`.
    pub gids: Vec<u32>,
    /// How many channels one client may have at once.
    pub channels_max: u32,
    /// How many bytes of all channels of one client may be held.
    pub window_bytes: u64,
    /// How many bytes of one channel may be held at most.
    pub channel_window_bytes: u32,
    /// How many connections a client may have opened in a second.
    pub opens_per_second: u32,
    /// After so many nanoseconds without a frame the client is asked for a sign of life.
    pub keepalive: u64,
    /// Whether descriptors may be passed to clients that take them.
    pub passes_descriptors: bool,
    /// Whether clients may choose a source address.
    pub allows_source: bool,
    /// How connections are opened: source address, timeouts, closing.
    pub connect: Arc<ConnectConfig>,
    /// The host's user data for the agent and for the connections that it opens.
    pub user: u64,
}

impl Default for AgentOptions {
    fn default() -> Self {
        Self {
            allow: AllowList::default(),
            uids: Vec::new(),
            gids: Vec::new(),
            channels_max: 10_000,
            window_bytes: 64 << 20,
            channel_window_bytes: 64 * 1024,
            opens_per_second: u32::MAX,
            keepalive: 10 * SECOND,
            passes_descriptors: true,
            allows_source: false,
            connect: Arc::default(),
            user: 0,
        }
    }
}

impl AgentOptions {
    /// Whether a process with these ids may be a client.
    pub(crate) fn admits(&self, ids: Option<(u32, u32)>) -> bool {
        let free = self.uids.is_empty() && self.gids.is_empty();
        free || ids.is_some_and(|(uid, gid)| self.uids.contains(&uid) || self.gids.contains(&gid))
    }
}

/// A name that the host is to look up.
#[derive(Clone, Debug)]
pub(crate) struct Resolution {
    /// By it the host answers.
    pub(crate) ticket: u64,
    pub(crate) channel: Key,
    pub(crate) host: Box<str>,
    pub(crate) port: u16,
    /// The source address that the client has chosen.
    pub(crate) source: Option<Addr>,
    /// Whether the host was asked.
    pub(crate) is_asked: bool,
}

/// An agent.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) options: AgentOptions,
    /// The configurations of TLS that clients may name.
    pub(crate) profiles: HashMap<Box<str>, Arc<ClientTls>>,
    /// The sessions of its clients.
    pub(crate) sessions: Vec<Key>,
    /// Names that are looked up.
    pub(crate) resolutions: VecDeque<Resolution>,
    /// The ticket of the last of them.
    pub(crate) last_ticket: u64,
    /// Whether no new channels begin.
    pub(crate) is_draining: bool,
    /// Whether it is to end with its last session.
    pub(crate) is_closing: bool,
    pub(crate) listed: Listed,
}

impl Agent {
    pub(crate) fn new(options: AgentOptions) -> Self {
        Self {
            options,
            profiles: HashMap::new(),
            sessions: Vec::new(),
            resolutions: VecDeque::new(),
            last_ticket: 0,
            is_draining: false,
            is_closing: false,
            listed: Listed::empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_is_allowed_and_nothing_else() {
        let list = "10.0.0.0/8:443, 192.0.2.1:80, [2001:db8::]/32:*, example.net:443, \
                    *.Example.org:*, unix:/run/app/, unix:/run/one.sock, unix:@abstract";
        let list = AllowList::parse(list).expect("a list");
        for (addr, allowed) in [
            ("10.1.2.3:443", true),
            ("10.1.2.3:80", false),
            ("11.0.0.1:443", false),
            ("192.0.2.1:80", true),
            ("192.0.2.2:80", false),
            ("[2001:db8:1::1]:1", true),
            ("[2001:db9::1]:1", false),
            ("[::ffff:192.0.2.1]:80", true),
            ("unix:/run/app/a/b", true),
            ("unix:/run/app/../secret", false),
            ("unix:/run/apple", false),
            ("unix:/run/one.sock", true),
            ("unix:/run/one.sock2", false),
            ("unix:@abstract", true),
            ("unix:@abstract2", false),
        ] {
            let parsed = Addr::parse(addr).expect("an address");
            assert_eq!(list.allows(&parsed), allowed, "{addr}");
        }
        for (host, port, allowed) in [
            ("example.net", 443, true),
            ("EXAMPLE.net.", 443, true),
            ("example.net", 80, false),
            ("www.example.net", 443, false),
            ("a.b.example.org", 1, true),
            ("example.org", 1, false),
            ("badexample.org", 1, false),
            ("10.0.0.1", 443, false),
        ] {
            assert_eq!(list.allows_name(host, port), allowed, "{host}:{port}");
        }
    }

    #[test]
    fn what_is_no_destination_is_refused_in_words() {
        for word in [
            "",
            "10.0.0.1",
            "10.0.0.1:",
            "10.0.0.1:0",
            "10.0.0.1:65536",
            "10.0.0.0/33:1",
            "a b:1",
            "::1:80",
            "[10.0.0.1]:80",
            "[::1]80",
            "unix:",
            ":80",
            "*.:80",
            "*:80",
            "any:80x",
        ] {
            let error = AllowList::parse(word).expect_err(word).to_string();
            assert!(error.starts_with(&format!("\"{word}\": a destination is ")), "{error}");
        }
    }

    #[test]
    fn nobody_is_a_client_whose_ids_are_not_listed_where_some_are() {
        let any = AgentOptions::default();
        assert!(any.admits(None) && any.admits(Some((1, 1))));
        let some = AgentOptions { uids: vec![7], gids: vec![8], ..AgentOptions::default() };
        assert!(some.admits(Some((7, 1))) && some.admits(Some((1, 8))));
        assert!(!some.admits(Some((8, 7))) && !some.admits(None));
    }
}
