//! From bytes to a frame.

use super::facts::TlsFacts;
use super::fault::Fault;
use super::fields::{Fields, ReadResult};
use super::frame::{
    GoawayReason, RemoteClosed, RemoteDetail, RemoteFailure, RemoteFrame, RemoteHello,
    RemoteIncoming, RemoteOpen, RemoteOpened,
};
use super::header::{
    CHANNEL, FLAGS, HEADER, RemoteFrameType, TYPE, incoming_behind_name, incoming_tls,
};
use super::numbers::{MAGIC, failure, flag, tls};
use super::sizes::{
    ADDRESS, CERTIFICATES, FACTS_BEHIND_ALPN, FAILURE, LONG_BYTES, NAME, NOTHING, PAYLOAD_MAX,
    Sizes, TEXT,
};

/// What the bytes at the front of what a link has received are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is made, and never kept")]
pub enum Parsed<'a> {
    /// A whole, valid frame.
    Whole {
        /// The channel it is about; 0 for the link itself.
        channel: u32,
        /// What it says.
        frame: RemoteFrame<'a>,
        /// How many bytes it has, the header among them. What follows was not looked at.
        len: usize,
    },
    /// The beginning of a valid frame.
    Partial {
        /// The bytes of the whole frame, as far as they are known: those of a header until the length
        /// is there. Always more than there are. For sizing memory only: fewer bytes may already make
        /// it [`Parsed::Bad`].
        need: usize,
    },
    /// No frame, and no further byte can make it one.
    Bad(Fault),
}

/// Reads the frame at the front of `bytes`; what follows it may be there already. It costs at most
/// linear time in the frame, and allocates only for addresses of unix sockets.
///
/// Whether the frame may stand where it does (its sender, its channel, its order) is not looked at.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed<'_> {
    let mut need = HEADER;
    match read(bytes, &mut need) {
        Ok((channel, frame)) => Parsed::Whole { channel, frame, len: need },
        Err(None) => Parsed::Partial { need },
        Err(Some(fault)) => Parsed::Bad(fault),
    }
}

/// The channel and the frame. `need` becomes the bytes of the whole frame, once they are known.
fn read<'a>(bytes: &'a [u8], need: &mut usize) -> ReadResult<(u32, RemoteFrame<'a>)> {
    let length = length(bytes)?;
    *need = HEADER + length;
    let number = *bytes.get(TYPE).ok_or(None)?;
    let kind = RemoteFrameType::from_number(number).ok_or(Fault::Type(number))?;
    let mut fields = Fields::new(kind, length, bytes.get(HEADER..).unwrap_or_default());
    fields.fits(kind.sizes(0))?;
    let flags = *bytes.get(FLAGS).ok_or(None)?;
    if flags & !kind.flags() != 0 {
        return Err(Some(Fault::Flags(kind, flags)));
    }
    fields.fits(kind.sizes(flags))?;
    let channel = channel(kind, bytes.get(CHANNEL..).unwrap_or_default())?;
    Ok((channel, frame(kind, flags, &mut fields)?))
}

/// The bytes of the payload, as the header says.
fn length(bytes: &[u8]) -> ReadResult<usize> {
    let high = *bytes.first().ok_or(None)?;
    let low = bytes.get(1).copied();
    if usize::from(u16::from_be_bytes([high, low.unwrap_or(0)])) > PAYLOAD_MAX {
        return Err(Some(Fault::TooLong));
    }
    low.map(|low| u16::from_be_bytes([high, low]).into()).ok_or(None)
}

/// The channel, whose number is at the front of `bytes`.
fn channel(kind: RemoteFrameType, bytes: &[u8]) -> ReadResult<u32> {
    let here = bytes.get(..HEADER - CHANNEL).unwrap_or(bytes);
    if kind.is_of_link() && here.iter().any(|byte| *byte != 0) {
        return Err(Some(Fault::OnChannel(kind)));
    }
    let number = u32::from_be_bytes(here.try_into().map_err(|_| None)?);
    let is_odd = number % 2 == 1;
    match kind {
        _ if kind.is_of_link() => Ok(number),
        _ if number == 0 => Err(Some(Fault::OnLink(kind))),
        RemoteFrameType::Open if !is_odd => Err(Some(Fault::Number(kind, number))),
        RemoteFrameType::Incoming if is_odd => Err(Some(Fault::Number(kind, number))),
        _ => Ok(number),
    }
}

fn frame<'a>(
    kind: RemoteFrameType,
    flags: u8,
    fields: &mut Fields<'a>,
) -> ReadResult<RemoteFrame<'a>> {
    let has = |flag| flags & flag != 0;
    Ok(match kind {
        RemoteFrameType::Hello => {
            fields.constant(&MAGIC, Fault::Magic)?;
            RemoteFrame::Hello(RemoteHello {
                lowest: fields.u16()?,
                highest: fields.u16()?,
                channels: fields.u32()?,
                passes: has(flag::HELLO_PASSES),
            })
        }
        RemoteFrameType::Ping => RemoteFrame::Ping(fields.u64()?),
        RemoteFrameType::Pong => RemoteFrame::Pong(fields.u64()?),
        RemoteFrameType::Goaway => {
            let number = fields.u8()?;
            let reason = GoawayReason::from_number(number).ok_or(Fault::Reason(number))?;
            RemoteFrame::Goaway { reason, text: fields.text(NOTHING)? }
        }
        RemoteFrameType::Listen => {
            RemoteFrame::Listen { name: fields.name(NOTHING)?, stop: has(flag::LISTEN_STOP) }
        }
        RemoteFrameType::Open => RemoteFrame::Open(RemoteOpen {
            window: fields.u32()?,
            target: fields.target(ADDRESS)?,
            source: fields.address(NOTHING)?,
            takes_descriptor: has(flag::OPEN_DESCRIPTOR),
        }),
        RemoteFrameType::Opened => RemoteFrame::Opened(RemoteOpened {
            window: fields.u32()?,
            local: fields.address(ADDRESS)?,
            peer: fields.address(NOTHING)?,
            descriptor: has(flag::OPENED_DESCRIPTOR),
        }),
        RemoteFrameType::Secure => {
            RemoteFrame::Secure { profile: fields.name(NAME)?, server_name: fields.name(NOTHING)? }
        }
        RemoteFrameType::Secured => RemoteFrame::Secured(facts(fields)?),
        RemoteFrameType::Incoming => RemoteFrame::Incoming(incoming(flags, fields)?),
        RemoteFrameType::Data => RemoteFrame::Data(fields.remainder()?),
        RemoteFrameType::Credit => RemoteFrame::Credit(fields.u64()?),
        RemoteFrameType::End => RemoteFrame::End { truncated: has(flag::END_TRUNCATED) },
        RemoteFrameType::Close => RemoteFrame::Close,
        RemoteFrameType::Reset => RemoteFrame::Reset,
        RemoteFrameType::Closed => RemoteFrame::Closed(RemoteClosed {
            begun: !has(flag::CLOSED_NOT_BEGUN),
            failure: failure(fields)?,
        }),
    })
}

fn incoming<'a>(flags: u8, fields: &mut Fields<'a>) -> ReadResult<RemoteIncoming<'a>> {
    let window = fields.u32()?;
    let name = fields.text(incoming_behind_name(flags))?;
    let tls = incoming_tls(flags);
    let peer = fields.address(ADDRESS.then(LONG_BYTES).then(tls))?;
    let local = fields.address(LONG_BYTES.then(tls))?;
    let proxy_header = fields.long_bytes(tls)?;
    let tls = if flags & flag::INCOMING_TLS != 0 { Some(facts(fields)?) } else { None };
    let descriptor = flags & flag::INCOMING_DESCRIPTOR != 0;
    Ok(RemoteIncoming { window, name, peer, local, proxy_header, tls, descriptor })
}

/// TLS facts to the end of the payload.
fn facts<'a>(fields: &mut Fields<'a>) -> ReadResult<TlsFacts<'a>> {
    let version = fields.one_of(&tls::VERSIONS, Fault::TlsVersion)?;
    let (suite, group) = (fields.u16()?, fields.u16()?);
    let flags = fields.u8()?;
    if flags & !tls::RESUMED != 0 {
        return Err(Some(Fault::TlsFlags(flags)));
    }
    let verified = fields.u8()?;
    if verified > tls::VERIFIED_MAX {
        return Err(Some(Fault::Verified(verified)));
    }
    Ok(TlsFacts {
        version,
        suite,
        group,
        resumed: flags & tls::RESUMED != 0,
        verified,
        alpn: fields.short_bytes(FACTS_BEHIND_ALPN)?,
        server_name: fields.text(TEXT.then(TEXT).then(CERTIFICATES))?,
        signature_algorithm: fields.text(TEXT.then(CERTIFICATES))?,
        key_algorithm: fields.text(CERTIFICATES)?,
        certificates: fields.certificates()?,
    })
}

/// The failure of CLOSED, to the end of the payload.
fn failure<'a>(fields: &mut Fields<'a>) -> ReadResult<Option<RemoteFailure<'a>>> {
    match fields.u8()? {
        failure::ABSENT => return fields.fits(NOTHING).map(|()| None),
        failure::PRESENT => fields.fits(FAILURE)?,
        other => return Err(Some(Fault::Failure(other))),
    }
    let (op, why) = (fields.u8()?, fields.u8()?);
    let detail = match fields.u8()? {
        failure::NO_DETAIL => {
            fields.fits(TEXT)?;
            RemoteDetail::None
        }
        failure::ERRNO => {
            fields.fits(Sizes::exactly(size_of::<i32>()).then(TEXT))?;
            RemoteDetail::Errno(fields.i32()?)
        }
        failure::ALERT => {
            fields.fits(Sizes::exactly(size_of::<u8>()).then(TEXT))?;
            RemoteDetail::Alert(fields.u8()?)
        }
        failure::HANDLER => {
            fields.fits(Sizes::exactly(size_of::<i32>()).then(TEXT))?;
            RemoteDetail::Handler(fields.i32()?)
        }
        other => return Err(Some(Fault::Detail(other))),
    };
    Ok(Some(RemoteFailure { op, why, detail, text: fields.text(NOTHING)? }))
}
