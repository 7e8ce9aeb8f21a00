//! Addresses as people write them, and what is wrong with a text that is none.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::addr::{Addr, UNIX_PATH_MAX};

/// The most characters of a text that are shown in a message about it.
const SHOWN_MAX: usize = 80;

/// A text that is no address, or not one that is of use here, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddrError {
    text: Box<str>,
    fault: AddrFault,
}

/// What is wrong with a text that should be an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AddrFault {
    Empty,
    Space,
    List,
    Url,
    Slash,
    NoUnix,
    UnixEmpty,
    UnixLong(usize),
    UnixNul,
    NoPort,
    PortAlone,
    PortWord,
    PortRange,
    NoBrackets,
    Colons,
    NotClosed,
    BehindBrackets,
    Brackets4,
    NotIpv6,
    Zone,
    NotIpv4,
    Name,
    TargetPort,
    TargetAny,
}

impl AddrFault {
    const fn sentence(self) -> &'static str {
        match self {
            Self::Empty => "it is empty",
            Self::Space => "it has a space in it",
            Self::List => "it is a list, and one address is wanted",
            Self::Url => "it is a URL: an address has no scheme and no path, as in 192.0.2.1:80",
            Self::Slash => {
                "it has a slash: a network is no address, and a path is written unix:/path"
            }
            Self::NoUnix => {
                "a unix socket is written unix:/path, or unix:@name for an abstract one"
            }
            Self::UnixEmpty => "it names no path, as unix:/path does, or unix:@name",
            Self::UnixLong(_) => "its path is longer than a unix socket's can be",
            Self::UnixNul => "its path has a NUL in it",
            Self::NoPort => "it has no port at its end, as in 192.0.2.1:80 or [2001:db8::1]:80",
            Self::PortAlone => "a port alone has a colon in front of it, as in :80",
            Self::PortWord => "its port, behind the last colon, is no number",
            Self::PortRange => "its port is more than 65535",
            Self::NoBrackets => {
                "an IPv6 address stands in brackets, with the port behind: [2001:db8::1]:80"
            }
            Self::Colons => "it has more than one colon, and is no IPv6 address in brackets",
            Self::NotClosed => "its bracket is not closed",
            Self::BehindBrackets => "behind the brackets stands nothing but :PORT",
            Self::Brackets4 => {
                "brackets are for IPv6: an IPv4 address has none, as in 192.0.2.1:80"
            }
            Self::NotIpv6 => "what is in its brackets is no IPv6 address",
            Self::Zone => {
                "the zone behind % is the number of an interface (if_nametoindex), not its name"
            }
            Self::NotIpv4 => "an IPv4 address is four numbers from 0 to 255, without leading zeros",
            Self::Name => {
                "it is a name: the host resolves names, and passes the address that it found"
            }
            Self::TargetPort => "port 0 is none that can be connected to",
            Self::TargetAny => {
                "it stands for any address: that can be listened on, and not connected to"
            }
        }
    }
}

impl fmt::Display for AddrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\": {}", Shown(&self.text), self.fault.sentence())?;
        if let AddrFault::UnixLong(len) = self.fault {
            // The last byte of the field is for a NUL.
            write!(f, ", {len} bytes instead of {}", UNIX_PATH_MAX - 1)?;
        }
        Ok(())
    }
}

impl std::error::Error for AddrError {}

/// A text from outside, in a message: escaped, and cut when it is long.
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN_MAX) {
            Some((end, _)) => write!(f, "{}...", self.0[..end].escape_debug()),
            None => write!(f, "{}", self.0.escape_debug()),
        }
    }
}

impl Addr {
    /// Reads `192.0.2.1:80`, `[2001:db8::1]:80`, `unix:/path` or `unix:@abstract`. `:80` and `*:80`
    /// are any IPv4 address, `[::]:80` is any address. A zone is a number: `[fe80::1%2]:80`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, AddrError> {
        read(text).map_err(|fault| AddrError { text: text.into(), fault })
    }

    /// Reads an address that can be connected to: [`Addr::parse`], but port 0 and an unspecified
    /// address are refused (RFC 1122 section 3.2.1.3: 0.0.0.0 is no destination).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_target(text: &str) -> Result<Self, AddrError> {
        let target = Self::parse(text)?;
        let fault = match target.as_ip() {
            Some(ip) if ip.ip().is_unspecified() => AddrFault::TargetAny,
            Some(ip) if ip.port() == 0 => AddrFault::TargetPort,
            _ => return Ok(target),
        };
        Err(AddrError { text: text.into(), fault })
    }
}

fn read(text: &str) -> Result<Addr, AddrFault> {
    if let Some(name) = text.strip_prefix("unix:") {
        return unix(name.as_bytes());
    }
    if let Some(fault) = strange(text) {
        return Err(fault);
    }
    if let Some(inside) = text.strip_prefix('[') {
        return bracketed(inside);
    }
    let Some((host, port_text)) = text.rsplit_once(':') else { return Err(portless(text)) };
    let ip = match host {
        "" | "*" => Ipv4Addr::UNSPECIFIED,
        _ => host.parse().map_err(|_| no_ipv4(text, host))?,
    };
    Ok(Addr::ip((ip, port(port_text)?).into()))
}

fn unix(name: &[u8]) -> Result<Addr, AddrFault> {
    if name.is_empty() {
        return Err(AddrFault::UnixEmpty);
    }
    if name.len() >= UNIX_PATH_MAX {
        return Err(AddrFault::UnixLong(name.len()));
    }
    if name.contains(&0) {
        return Err(AddrFault::UnixNul);
    }
    let mut bytes = name.to_vec();
    if bytes[0] == b'@' {
        bytes[0] = 0;
    }
    Ok(Addr::Unix(bytes.into()))
}

/// The fault of a text that at first sight is no IP address with a port.
fn strange(text: &str) -> Option<AddrFault> {
    match text {
        "" => Some(AddrFault::Empty),
        _ if text.starts_with(['/', '@', '.']) => Some(AddrFault::NoUnix),
        _ if text.contains(char::is_whitespace) => Some(AddrFault::Space),
        _ if text.contains("://") => Some(AddrFault::Url),
        _ if text.contains(',') => Some(AddrFault::List),
        _ if text.contains('/') => Some(AddrFault::Slash),
        _ => None,
    }
}

/// An IPv6 address, from behind its opening bracket on.
fn bracketed(text: &str) -> Result<Addr, AddrFault> {
    let (inside, behind) = text.split_once(']').ok_or(AddrFault::NotClosed)?;
    let (host, zone) = match inside.split_once('%') {
        Some((host, zone)) => (host, Some(zone)),
        None => (inside, None),
    };
    let ip: Ipv6Addr = host.parse().map_err(|_| match host.parse::<Ipv4Addr>() {
        Ok(_) => AddrFault::Brackets4,
        Err(_) => AddrFault::NotIpv6,
    })?;
    let zone = zone.map_or(Some(0), number).ok_or(AddrFault::Zone)?;
    if behind.is_empty() {
        return Err(AddrFault::NoPort);
    }
    let port = port(behind.strip_prefix(':').ok_or(AddrFault::BehindBrackets)?)?;
    Ok(Addr::ip(SocketAddr::V6(SocketAddrV6::new(ip, port, 0, zone))))
}

/// What a text without a colon lacks.
fn portless(text: &str) -> AddrFault {
    match text {
        "*" => AddrFault::NoPort,
        _ if is_digits(text) => AddrFault::PortAlone,
        _ if text.parse::<IpAddr>().is_ok() => AddrFault::NoPort,
        _ => no_ipv4(text, text),
    }
}

/// Why `host`, which stands before the last colon of `text`, is no IPv4 address.
fn no_ipv4(text: &str, host: &str) -> AddrFault {
    let is_ipv6 =
        |text: &str| text.split('%').next().is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok());
    if is_ipv6(text) || is_ipv6(host) {
        AddrFault::NoBrackets
    } else if host.contains(':') {
        AddrFault::Colons
    } else if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        AddrFault::NotIpv4
    } else {
        AddrFault::Name
    }
}

fn port(text: &str) -> Result<u16, AddrFault> {
    if text.is_empty() {
        return Err(AddrFault::NoPort);
    }
    if !is_digits(text) {
        return Err(AddrFault::PortWord);
    }
    text.parse().map_err(|_| AddrFault::PortRange)
}

/// A number without a sign, which the standard library would allow.
fn number(text: &str) -> Option<u32> {
    if is_digits(text) { text.parse().ok() } else { None }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> Addr {
        Addr::parse(text).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn an_address_is_read_in_every_way_that_it_is_written() {
        for text in [
            "192.0.2.1:80",
            "192.0.2.1:0",
            "[2001:db8::1]:65535",
            "[fe80::1%7]:80",
            "unix:/run/with a space",
            "unix:run/relative",
            "unix:@name",
        ] {
            assert_eq!(addr(text).to_string(), text);
        }
        for (text, due) in [
            (":8443", "0.0.0.0:8443"),
            ("*:8443", "0.0.0.0:8443"),
            ("[::]:8443", "[::]:8443"),
            ("[::ffff:192.0.2.1]:80", "192.0.2.1:80"),
            ("[2001:DB8:0::1]:00080", "[2001:db8::1]:80"),
        ] {
            assert_eq!(addr(text).to_string(), due);
        }
        let longest = format!("unix:/{}", "p".repeat(UNIX_PATH_MAX - 2));
        assert_eq!(addr(&longest).to_string(), longest);
    }

    #[test]
    fn a_text_that_is_no_address_says_what_is_wrong_with_it() {
        for (text, due) in [
            ("", "it is empty"),
            ("192.0.2.1", "it has no port"),
            ("192.0.2.1:", "it has no port"),
            ("[::1]", "it has no port"),
            ("*", "it has no port"),
            (":", "it has no port"),
            ("8443", "a port alone has a colon"),
            ("192.0.2.1:http", "is no number"),
            ("192.0.2.1:80x", "is no number"),
            ("192.0.2.1:+80", "is no number"),
            ("192.0.2.1:-1", "is no number"),
            ("[::1]:80x", "is no number"),
            ("192.0.2.1:65536", "more than 65535"),
            (":99999999999999999999", "more than 65535"),
            ("2001:db8::1", "an IPv6 address stands in brackets"),
            ("2001:db8::1:80", "an IPv6 address stands in brackets"),
            ("::1", "an IPv6 address stands in brackets"),
            ("::", "an IPv6 address stands in brackets"),
            ("fe80::1%2:80", "an IPv6 address stands in brackets"),
            ("192.0.2.1:80:81", "more than one colon"),
            ("[::1:80", "is not closed"),
            ("[::1]80", "behind the brackets"),
            ("[::1] :80", "it has a space"),
            ("[192.0.2.1]:80", "brackets are for IPv6"),
            ("[a.test]:80", "no IPv6 address"),
            ("[::1::]:80", "no IPv6 address"),
            ("[]:80", "no IPv6 address"),
            ("[fe80::1%eth0]:80", "the number of an interface"),
            ("[fe80::1%]:80", "the number of an interface"),
            ("[fe80::1%4294967296]:80", "the number of an interface"),
            ("256.0.2.1:80", "four numbers from 0 to 255"),
            ("192.0.2:80", "four numbers from 0 to 255"),
            ("192.0.02.1:80", "four numbers from 0 to 255"),
            ("192.0.2.1.5", "four numbers from 0 to 255"),
            ("a.test:80", "the host resolves names"),
            ("localhost", "the host resolves names"),
            (" 192.0.2.1:80", "it has a space"),
            ("192.0.2.1:80\n", "it has a space"),
            ("192.0.2.1:80,192.0.2.2:80", "it is a list"),
            ("tcp://192.0.2.1:80", "it is a URL"),
            ("192.0.2.0/24:80", "a network is no address"),
            ("/run/a", "a unix socket is written unix:/path"),
            ("@name", "a unix socket is written unix:/path"),
            ("unix:", "it names no path"),
            ("unix:/a\0b", "a NUL"),
        ] {
            let error = Addr::parse(text).expect_err(text).to_string();
            assert!(error.starts_with(&format!("\"{}\": ", text.escape_debug())), "{error}");
            assert!(error.contains(due), "{error}");
        }
    }

    #[test]
    fn a_path_that_is_too_long_is_told_with_its_length_and_shown_cut() {
        let text = format!("unix:/{}", "p".repeat(UNIX_PATH_MAX - 1));
        let error = Addr::parse(&text).expect_err("a byte too many").to_string();
        assert!(error.ends_with("108 bytes instead of 107"), "{error}");
        assert!(error.starts_with(&format!("\"{}...\"", &text[..SHOWN_MAX])), "{error}");
    }

    #[test]
    fn a_target_is_somebody_and_has_a_port() {
        for (text, due) in [
            ("192.0.2.1:0", "port 0"),
            ("[::1]:0", "port 0"),
            (":80", "stands for any address"),
            ("*:0", "stands for any address"),
            ("0.0.0.0:80", "stands for any address"),
            ("[::]:80", "stands for any address"),
            ("192.0.2.1", "it has no port"),
        ] {
            let error = Addr::parse_target(text).expect_err(text).to_string();
            assert!(error.contains(due), "{error}");
        }
        for text in ["192.0.2.1:80", "[::1]:80", "unix:/run/a", "unix:@name"] {
            assert_eq!(Addr::parse_target(text).expect("a target").to_string(), text);
        }
    }
}
