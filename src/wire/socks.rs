//! SOCKS as a client speaks it: what is sent to a server to ask for a connection, and what its
//! answers mean.
//!
//! Sources: RFC 1928 (version 5), RFC 1929 (user name and password), and for versions 4 and 4a the
//! papers `SOCKS4.protocol.txt` and "SOCKS 4A: A Simple Extension to SOCKS 4 Protocol". All that is
//! said depends on the destination alone, so it is composed once. The verdict on an answer is the same
//! whether its bytes come at once or one by one, and nothing is taken of what follows it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

#[cfg(test)]
mod tests;

/// The longest answer in bytes: a version 5 reply with the longest name.
pub const ANSWER_LONGEST: usize = V5_FRONT + 1 + TEXT_MAX + 2;

const V4: u8 = 4;
const V5: u8 = 5;
const CONNECT: u8 = 1;
/// RFC 1929 section 2: the version of the negotiation.
const LOGIN: u8 = 1;
const NO_LOGIN: u8 = 0;
const BY_PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
/// Version 4a: an address that no destination has announces that a name follows.
const NAME_FOLLOWS: Ipv4Addr = Ipv4Addr::new(0, 0, 0, 1);
/// The most that a length of one byte can say.
const TEXT_MAX: usize = 255;
const V4_ANSWER: usize = 8;
/// Version, reply, reserved, type of address.
const V5_FRONT: usize = 4;

/// Which protocol is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocksVersion {
    /// Version 4: IPv4 addresses only.
    V4,
    /// Version 4a: IPv4 addresses and names.
    V4a,
    /// Version 5.
    V5,
}

/// Where a server is to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// An address.
    Ip(SocketAddr),
    /// A name that the server is to resolve, with a port.
    Name(Box<str>, u16),
}

impl Destination {
    /// Reads `192.0.2.1:80`, `[2001:db8::1]:80` or `example.net:80`. A name has 1 to 255 bytes, none of
    /// which is a colon, a blank or a control character.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            // A server that knows IPv4 alone can reach this form too.
            return Some(Self::Ip(SocketAddr::new(address.ip().to_canonical(), address.port())));
        }
        let (name, port) = text.rsplit_once(':')?;
        let is_name =
            |c: char| !c.is_control() && !c.is_whitespace() && !matches!(c, ':' | '[' | ']');
        let fits = (1..=TEXT_MAX).contains(&name.len()) && name.chars().all(is_name);
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        if !fits || !digits {
            return None;
        }
        Some(Self::Name(name.into(), port.parse().ok()?))
    }
}

/// The credentials that are given to a server.
#[derive(Clone, Copy, Default)]
pub struct Login<'a> {
    /// The user: optional in version 4, where nothing proves it; in version 5 with a password.
    pub user: Option<&'a str>,
    /// The password, in version 5 only.
    pub password: Option<&'a str>,
}

/// Why something cannot be asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unaskable {
    /// Version 4 with a name.
    NameIn4,
    /// Version 4 or 4a with an IPv6 address.
    Ipv6In4,
    /// Version 4a with an address that says that a name follows.
    NameMarker,
    /// Version 4 or 4a with a password.
    PasswordIn4,
    /// Version 5 with one of user and password alone.
    HalfALogin,
    /// A user or password that is empty, longer than 255 bytes, or in version 4 with a NUL.
    Login,
}

impl Unaskable {
    /// What is wrong, as a clause.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::NameIn4 => "SOCKS4 has no names; SOCKS4a has",
            Self::Ipv6In4 => "SOCKS4 and SOCKS4a have no IPv6; SOCKS5 has",
            Self::NameMarker => "SOCKS4 and SOCKS4a cannot reach 0.0.0.0/24",
            Self::PasswordIn4 => "SOCKS4 and SOCKS4a have no passwords; SOCKS5 has",
            Self::HalfALogin => "SOCKS5 needs both a user and a password, or neither",
            Self::Login => "a user or password has 1 to 255 bytes",
        }
    }
}

/// What is sent to a server to reach one destination.
#[derive(Clone, PartialEq, Eq)]
pub struct Dialogue {
    version: SocksVersion,
    greeting: Box<[u8]>,
    login: Box<[u8]>,
    request: Box<[u8]>,
}

impl fmt::Debug for Dialogue {
    /// The bytes to be sent are left out: a password may be among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialogue").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Which answer is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Version 5: which method the server takes.
    Method,
    /// Version 5: whether it takes the user and the password.
    Login,
    /// Whether it is connected to the destination.
    Request,
}

/// What the first bytes of a server's answer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// The beginning of an answer.
    Partial,
    /// An answer of `len` bytes: `say` is to be sent, and then another answer is awaited.
    Next {
        /// The bytes of the answer.
        len: usize,
        /// What is to be sent.
        say: &'a [u8],
        /// Which answer is awaited then.
        turn: Turn,
    },
    /// It is connected: everything behind the `len` bytes of the answer is the destination's.
    Connected {
        /// The bytes of the answer.
        len: usize,
    },
    /// The server refuses, for this reason.
    Refused(&'static str),
    /// No answer, and no further byte can make it one.
    Malformed(&'static str),
}

impl Dialogue {
    /// Composes what is to be sent.
    ///
    /// # Errors
    /// What the version cannot express.
    pub fn new(
        version: SocksVersion,
        destination: &Destination,
        login: Login<'_>,
    ) -> Result<Self, Unaskable> {
        match version {
            SocksVersion::V4 | SocksVersion::V4a => Self::v4(version, destination, login),
            SocksVersion::V5 => Self::v5(destination, login),
        }
    }

    fn v4(
        version: SocksVersion,
        destination: &Destination,
        login: Login<'_>,
    ) -> Result<Self, Unaskable> {
        if login.password.is_some() {
            return Err(Unaskable::PasswordIn4);
        }
        let user = login.user.unwrap_or_default();
        if user.len() > TEXT_MAX || user.contains('\0') {
            return Err(Unaskable::Login);
        }
        let (ip, port, name) = match (destination, version) {
            (Destination::Ip(address), _) => match address.ip() {
                IpAddr::V4(ip) if ip.octets().starts_with(&[0; 3]) => {
                    return Err(Unaskable::NameMarker);
                }
                IpAddr::V4(ip) => (ip, address.port(), None),
                IpAddr::V6(_) => return Err(Unaskable::Ipv6In4),
            },
            (Destination::Name(name, port), SocksVersion::V4a) => (NAME_FOLLOWS, *port, Some(name)),
            (Destination::Name(..), _) => return Err(Unaskable::NameIn4),
        };
        let mut request = vec![V4, CONNECT];
        request.extend(port.to_be_bytes());
        request.extend(ip.octets());
        request.extend(user.bytes().chain([0]));
        if let Some(name) = name {
            request.extend(name.bytes().chain([0]));
        }
        Ok(Self { version, greeting: [].into(), login: [].into(), request: request.into() })
    }

    fn v5(destination: &Destination, login: Login<'_>) -> Result<Self, Unaskable> {
        let (greeting, login) = match (login.user, login.password) {
            (None, None) => (vec![V5, 1, NO_LOGIN], Vec::new()),
            (Some(user), Some(password)) => {
                let mut said = vec![LOGIN];
                for text in [user, password] {
                    if !(1..=TEXT_MAX).contains(&text.len()) {
                        return Err(Unaskable::Login);
                    }
                    put_text(&mut said, text);
                }
                (vec![V5, 2, NO_LOGIN, BY_PASSWORD], said)
            }
            _ => return Err(Unaskable::HalfALogin),
        };
        let mut request = vec![V5, CONNECT, 0];
        let port = match destination {
            Destination::Ip(address) => {
                match address.ip() {
                    IpAddr::V4(ip) => request.extend([IPV4].into_iter().chain(ip.octets())),
                    IpAddr::V6(ip) => request.extend([IPV6].into_iter().chain(ip.octets())),
                }
                address.port()
            }
            Destination::Name(name, port) => {
                request.push(NAME);
                put_text(&mut request, name);
                *port
            }
        };
        request.extend(port.to_be_bytes());
        let (greeting, login, request) = (greeting.into(), login.into(), request.into());
        Ok(Self { version: SocksVersion::V5, greeting, login, request })
    }

    /// What is sent first, before the server has sent anything.
    #[must_use]
    pub fn opening(&self) -> &[u8] {
        match self.version {
            SocksVersion::V4 | SocksVersion::V4a => &self.request,
            SocksVersion::V5 => &self.greeting,
        }
    }

    /// The answer that is awaited first.
    #[must_use]
    pub const fn first(&self) -> Turn {
        match self.version {
            SocksVersion::V4 | SocksVersion::V4a => Turn::Request,
            SocksVersion::V5 => Turn::Method,
        }
    }

    /// Reads the answer at the front of `bytes`; what follows it may be there already. At most
    /// [`ANSWER_LONGEST`] bytes are looked at, and nothing is allocated.
    #[must_use]
    pub fn hear(&self, turn: Turn, bytes: &[u8]) -> Heard<'_> {
        match (turn, self.version) {
            (Turn::Request, SocksVersion::V4 | SocksVersion::V4a) => hear_v4(bytes),
            (Turn::Request, SocksVersion::V5) => hear_v5(bytes),
            (Turn::Method, _) => self.hear_method(bytes),
            (Turn::Login, _) => self.hear_login(bytes),
        }
    }

    /// RFC 1928 section 3.
    fn hear_method(&self, bytes: &[u8]) -> Heard<'_> {
        match *bytes {
            [version, ..] if version != V5 => Heard::Malformed(NOT_V5),
            [_, NO_LOGIN, ..] => Heard::Next { len: 2, say: &self.request, turn: Turn::Request },
            [_, BY_PASSWORD, ..] if !self.login.is_empty() => {
                Heard::Next { len: 2, say: &self.login, turn: Turn::Login }
            }
            [_, NO_METHOD, ..] if self.login.is_empty() => {
                Heard::Refused("the SOCKS server wants a login, and none is configured")
            }
            [_, NO_METHOD, ..] => Heard::Refused("the SOCKS server takes no login by password"),
            [_, _, ..] => Heard::Malformed("the SOCKS server chose a method it was not offered"),
            _ => Heard::Partial,
        }
    }

    /// RFC 1929 section 2.
    fn hear_login(&self, bytes: &[u8]) -> Heard<'_> {
        match *bytes {
            [version, ..] if version != LOGIN => Heard::Malformed(
                "the SOCKS server's answer to the login has another version than 1",
            ),
            [_, 0, ..] => Heard::Next { len: 2, say: &self.request, turn: Turn::Request },
            [_, _, ..] => Heard::Refused("the SOCKS server refuses the user or the password"),
            _ => Heard::Partial,
        }
    }
}

const NOT_V5: &str = "the SOCKS server's answer has another version than 5";

fn put_text(to: &mut Vec<u8>, text: &str) {
    // The length was checked when the destination was read or the login was taken: at most 255
    // bytes.
    to.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    to.extend(text.bytes());
}

/// The answer of version 4: a null byte, the result, and six bytes that mean nothing to a CONNECT.
fn hear_v4(bytes: &[u8]) -> Heard<'static> {
    match *bytes {
        [version, ..] if version != 0 => {
            Heard::Malformed("the SOCKS server's answer does not begin with a null byte")
        }
        [_, 90, ..] if bytes.len() >= V4_ANSWER => Heard::Connected { len: V4_ANSWER },
        [_, 90, ..] => Heard::Partial,
        [_, result, ..] => match result {
            91 => Heard::Refused("the SOCKS server refused the request, or it failed"),
            92 => Heard::Refused("the SOCKS server cannot reach our identd"),
            93 => Heard::Refused("the SOCKS server was told another user by our identd"),
            _ => Heard::Malformed("the SOCKS server's answer has a result that does not exist"),
        },
        _ => Heard::Partial,
    }
}

/// RFC 1928 section 6.
fn hear_v5(bytes: &[u8]) -> Heard<'static> {
    match *bytes {
        [version, ..] if version != V5 => Heard::Malformed(NOT_V5),
        [_, reply, ..] if reply != 0 => refusal(reply),
        [_, _, reserved, ..] if reserved != 0 => {
            Heard::Malformed("the SOCKS server's answer has a reserved byte that is not 0")
        }
        [_, _, _, IPV4, ..] => whole(bytes, V5_FRONT + 4 + 2),
        [_, _, _, IPV6, ..] => whole(bytes, V5_FRONT + 16 + 2),
        [_, _, _, NAME, len, ..] => whole(bytes, V5_FRONT + 1 + usize::from(len) + 2),
        [_, _, _, NAME] => Heard::Partial,
        [_, _, _, _, ..] => {
            Heard::Malformed("the SOCKS server's answer has an address of no known type")
        }
        _ => Heard::Partial,
    }
}

const fn whole(bytes: &[u8], len: usize) -> Heard<'static> {
    if bytes.len() < len { Heard::Partial } else { Heard::Connected { len } }
}

const fn refusal(reply: u8) -> Heard<'static> {
    Heard::Refused(match reply {
        1 => "the SOCKS server failed",
        2 => "the SOCKS server's rules do not allow the connection",
        3 => "the SOCKS server cannot reach the network of the destination",
        4 => "the SOCKS server cannot reach the destination",
        5 => "the destination refused the SOCKS server's connection",
        6 => "the SOCKS server's packets did not live to reach the destination",
        7 => "the SOCKS server does not know CONNECT",
        8 => "the SOCKS server does not take this type of address",
        _ => return Heard::Malformed("the SOCKS server's answer has a reply that does not exist"),
    })
}
