//! The PROXY protocol, versions 1 and 2: the header a proxy puts before the bytes it relays, to say
//! whose bytes they are.
//!
//! The published specification (`proxy-protocol.txt`) is authoritative; "section" means a section
//! of it. [`parse`] reads, [`write_v1`] and [`OutgoingHeader`] write. Two guarantees hold for every
//! input:
//!
//! - the verdict on a header is the same whether its bytes come at once or one by one, and nothing
//!   is accepted before its last byte;
//! - what no further byte can make valid is [`Parsed::Bad`] at once ("abort the connection as soon
//!   as possible", section 2.1). One exception: a checksum is compared when the header is whole.

mod build;
mod fault;
mod header;
#[cfg(test)]
mod tests;
pub mod tlv;
mod v1;
mod v2;

pub use build::{Origin, OutgoingHeader, TooLong, write_v1};
pub use fault::{Fault, Malformed};
pub use header::{Addresses, Command, Header, Parsed, Version};
pub use tlv::{Ssl, Tlv, Tlvs};

/// The longest version 1 header, its CR LF included, in bytes (section 2.1).
pub const V1_MAX: usize = v1::LINE_MAX;
/// What every version 2 header begins with (section 2.2).
pub const SIGNATURE: &[u8] = ppp::v2::PROTOCOL_PREFIX;
/// The longest version 2 header in bytes: the fixed part and the longest block (section 2.2).
pub const V2_MAX: usize = tlv::FIXED + u16::MAX as usize;

/// Reads the header at the front of `bytes`; what follows it may be there already.
///
/// A parse costs at most linear time in the header, and allocates only for a whole header that
/// has TLVs or unix addresses.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed {
    match bytes.first() {
        None => Parsed::Partial { need: v1::SHORTEST },
        Some(b'P') => v1::parse(bytes),
        Some(b'\r') => v2::parse(bytes),
        Some(_) => Parsed::Bad(Malformed { fault: Fault::NotProxy, at: 0 }),
    }
}
