//! Version 2, the binary block of section 2.2: a fixed part of 16 bytes, addresses, TLVs.
//!
//! LOCAL: "the receiver must accept this connection as valid [...] and discard the protocol block
//! including the family which is ignored". The block is discarded unread, a checksum in it too:
//! "the receiver must verify" is of a checksum that is "part of the PROXY header", and a sender that
//! fills the block of its own health checks carelessly is not to be taken for down.
//!
//! PROXY with the family or the protocol left unspecified (0x00, and also 0x10 or 0x01): "free to
//! accept the connection anyway and use the real endpoint addresses", which we do. No shape of the
//! block refuses the header; but where what follows the addresses that the family stands for (none
//! for `AF_UNSPEC`) is a faultless chain of TLVs, it is taken for that, and its checksum is compared;
//! where it is not, there are no TLVs.

use std::net::SocketAddr;

use ppp::v2;

use super::fault::{Fault, Malformed};
use super::header::{Addresses, Command, Header, Parsed, Version};
use super::tlv::{self, FIXED};
use crate::sys::UNIX_PATH_MAX;

/// The size of the addresses of `AF_INET`: two of 4 bytes and two ports.
pub(super) const INET_SIZE: usize = 2 * 4 + 2 * 2;
/// The size of the addresses of `AF_INET6`: two of 16 bytes and two ports.
pub(super) const INET6_SIZE: usize = 2 * 16 + 2 * 2;
/// The size of the addresses of `AF_UNIX`: two socket names.
pub(super) const UNIX_SIZE: usize = 2 * UNIX_PATH_MAX;

const VERSION_COMMAND: usize = 12;
const FAMILY_PROTOCOL: usize = 13;
const LENGTH: usize = 14;
const HIGH_NIBBLE: u8 = 0xf0;
const LOW_NIBBLE: u8 = 0x0f;
const VERSION_2: u8 = v2::Version::Two as u8;
const LOCAL: u8 = v2::Command::Local as u8;
const PROXY: u8 = v2::Command::Proxy as u8;
const INET: u8 = v2::AddressFamily::IPv4 as u8;
const INET6: u8 = v2::AddressFamily::IPv6 as u8;
const UNIX: u8 = v2::AddressFamily::Unix as u8;
const UNSPEC: u8 = v2::Protocol::Unspecified as u8;
const DGRAM: u8 = v2::Protocol::Datagram as u8;

pub(super) fn parse(bytes: &[u8]) -> Parsed {
    match read(bytes) {
        Ok(parsed) => parsed,
        Err((fault, at)) => Parsed::Bad(Malformed { fault, at }),
    }
}

/// The verdict; a fault comes with the offset of its byte.
fn read(bytes: &[u8]) -> Result<Parsed, (Fault, usize)> {
    if let Some(at) = bytes.iter().zip(v2::PROTOCOL_PREFIX).position(|(got, want)| got != want) {
        return Err((Fault::NotProxy, at));
    }
    let command = bytes.get(VERSION_COMMAND).map(|byte| command(*byte)).transpose()?;
    let family = bytes.get(FAMILY_PROTOCOL).copied().unwrap_or_default();
    if command == Some(Command::Proxy) {
        assigned(family)?;
    }
    let (Some(command), Some(fixed)) = (command, bytes.first_chunk::<FIXED>()) else {
        return Ok(Parsed::Partial { need: FIXED });
    };
    let len = FIXED + usize::from(u16::from_be_bytes([fixed[LENGTH], fixed[LENGTH + 1]]));
    let header = &bytes[..bytes.len().min(len)];
    let reported = command == Command::Proxy
        && family & HIGH_NIBBLE != UNSPEC
        && family & LOW_NIBBLE != UNSPEC;
    let start = FIXED + addresses_size(family);
    if reported && len < start {
        return Err((Fault::ShortBlock, FIXED - 1));
    }
    if !reported && header.len() < len {
        return Ok(Parsed::Partial { need: len });
    }
    let nothing = tlv::TlvChain { start: len, checksum: None };
    let chain = match command {
        Command::Local => nothing,
        Command::Proxy => match tlv::check(header, start.min(len), len) {
            Ok(chain) => chain,
            Err(fault) if reported => return Err(fault),
            Err(_) => nothing,
        },
    };
    if header.len() < len {
        return Ok(Parsed::Partial { need: len });
    }
    if let Some(at) = chain.checksum {
        compare_checksum(header, at)?;
    }
    let addresses = if reported { addresses(header)? } else { Addresses::None };
    let tlvs = header[chain.start..].into();
    let header = Header { version: Version::V2, command, addresses, tlvs };
    Ok(Parsed::Whole { header, len })
}

const fn command(byte: u8) -> Result<Command, (Fault, usize)> {
    match (byte & HIGH_NIBBLE, byte & LOW_NIBBLE) {
        (VERSION_2, LOCAL) => Ok(Command::Local),
        (VERSION_2, PROXY) => Ok(Command::Proxy),
        (VERSION_2, _) => Err((Fault::Command, VERSION_COMMAND)),
        _ => Err((Fault::Version, VERSION_COMMAND)),
    }
}

/// Section 2.2: "Other values are unspecified [...] and must be rejected as invalid by receivers."
const fn assigned(family: u8) -> Result<(), (Fault, usize)> {
    if family & HIGH_NIBBLE > UNIX {
        Err((Fault::Family, FAMILY_PROTOCOL))
    } else if family & LOW_NIBBLE > DGRAM {
        Err((Fault::Protocol, FAMILY_PROTOCOL))
    } else {
        Ok(())
    }
}

/// How many bytes of addresses the family byte stands for.
const fn addresses_size(family: u8) -> usize {
    match family & HIGH_NIBBLE {
        INET => INET_SIZE,
        INET6 => INET6_SIZE,
        UNIX => UNIX_SIZE,
        _ => 0,
    }
}

/// Compares the CRC32C at `at` with that of the whole header, its own four bytes taken as zero. It
/// is in network order, as every number of the header.
fn compare_checksum(header: &[u8], at: usize) -> Result<(), (Fault, usize)> {
    let (before, rest) = header.split_at(at);
    let (reported, after) = rest.split_at(tlv::CHECKSUM_SIZE);
    let sum = crc32c::crc32c_append(crc32c::crc32c(before), &[0; tlv::CHECKSUM_SIZE]);
    let sum = crc32c::crc32c_append(sum, after);
    if sum.to_be_bytes() == *reported { Ok(()) } else { Err((Fault::Checksum, at)) }
}

/// The addresses of a whole PROXY header whose family and protocol are assigned and specified.
fn addresses(header: &[u8]) -> Result<Addresses, (Fault, usize)> {
    // `ppp` refuses nothing that is still here: all that it compares was compared above.
    let Ok(header) = v2::Header::try_from(header) else {
        return Err((Fault::ShortBlock, FIXED - 1));
    };
    let stream = header.protocol == v2::Protocol::Stream;
    let (source, destination) = match header.addresses {
        v2::Addresses::IPv4(ends) => (
            SocketAddr::from((ends.source_address, ends.source_port)),
            SocketAddr::from((ends.destination_address, ends.destination_port)),
        ),
        v2::Addresses::IPv6(ends) => (
            SocketAddr::from((ends.source_address, ends.source_port)),
            SocketAddr::from((ends.destination_address, ends.destination_port)),
        ),
        v2::Addresses::Unix(ends) => {
            let (source, destination) = (name(&ends.source).into(), name(&ends.destination).into());
            return Ok(Addresses::Unix { stream, source, destination });
        }
        v2::Addresses::Unspecified => return Ok(Addresses::None),
    };
    Ok(if stream {
        Addresses::Tcp { source, destination }
    } else {
        Addresses::Udp { source, destination }
    })
}

/// The name in a field of fixed size that is filled up with NUL, since its length is not told. A
/// path ends at its first NUL. An abstract name begins with NUL and may hold more: it ends at its
/// last other byte. A field of zeroes is the empty name, that of an unnamed socket.
fn name(field: &[u8; UNIX_PATH_MAX]) -> &[u8] {
    let len = if field[0] == 0 {
        field.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
    } else {
        field.iter().position(|byte| *byte == 0).unwrap_or(field.len())
    };
    &field[..len]
}
