//! The fields of a payload of which perhaps only the beginning is there.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::str;

use super::facts::CertificateList;
use super::fault::Fault;
use super::frame::RemoteTarget;
use super::header::RemoteFrameType;
use super::numbers::form;
use super::sizes::{CERTIFICATES, HOST_MAX, PORT, Sizes, V4, V6};
use crate::sys::{Addr, UNIX_PATH_MAX};

/// What has been read, or why it has not: what is wrong or, without a fault, that bytes are still to
/// come.
pub(super) type ReadResult<T> = Result<T, Option<Fault>>;

/// The first 12 bytes of an IPv6 address that stands for one of IPv4 (RFC 4291 section 2.5.5.2).
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/// The part of a payload that has not been read. Every field is checked as far as it is there, from
/// front to back, so that a fault found in few bytes is found in more. `rest` is always the sizes of
/// what follows the field.
pub(super) struct Fields<'a> {
    kind: RemoteFrameType,
    /// The bytes that are there.
    here: &'a [u8],
    /// How many there will be.
    left: usize,
}

impl<'a> Fields<'a> {
    /// A payload of `length` bytes, of which those at the front of `behind` are there.
    pub(super) fn new(kind: RemoteFrameType, length: usize, behind: &'a [u8]) -> Self {
        Self { kind, here: behind.get(..length).unwrap_or(behind), left: length }
    }

    pub(super) fn u8(&mut self) -> ReadResult<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> ReadResult<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> ReadResult<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> ReadResult<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> ReadResult<i32> {
        self.array().map(i32::from_be_bytes)
    }

    /// One of these numbers.
    pub(super) fn one_of(&mut self, numbers: &[u16], fault: Fault) -> ReadResult<u16> {
        let can_be = |number: &u16| number.to_be_bytes().starts_with(self.first(size_of::<u16>()));
        if numbers.iter().any(can_be) { self.u16() } else { Err(Some(fault)) }
    }

    /// These very bytes.
    pub(super) fn constant(&mut self, bytes: &[u8], fault: Fault) -> ReadResult<()> {
        if !bytes.starts_with(self.first(bytes.len())) {
            return Err(Some(fault));
        }
        self.slice(bytes.len()).map(drop)
    }

    /// A text, which may be empty.
    pub(super) fn text(&mut self, rest: Sizes) -> ReadResult<&'a str> {
        let length = self.short_length(rest)?;
        self.utf8(length)
    }

    /// A text that is not empty.
    pub(super) fn name(&mut self, rest: Sizes) -> ReadResult<&'a str> {
        let length = self.u8()?;
        if length == 0 {
            return Err(Some(Fault::Empty(self.kind)));
        }
        self.leaves(length.into(), rest)?;
        self.utf8(length.into())
    }

    /// Bytes behind a length of one byte.
    pub(super) fn short_bytes(&mut self, rest: Sizes) -> ReadResult<&'a [u8]> {
        let length = self.short_length(rest)?;
        self.slice(length)
    }

    /// Bytes behind a length of two bytes.
    pub(super) fn long_bytes(&mut self, rest: Sizes) -> ReadResult<&'a [u8]> {
        let length = self.long_length(rest)?;
        self.slice(length)
    }

    /// All that is left.
    pub(super) fn remainder(&mut self) -> ReadResult<&'a [u8]> {
        self.slice(self.left)
    }

    pub(super) fn address(&mut self, rest: Sizes) -> ReadResult<Option<Addr>> {
        match self.u8()? {
            form::NONE => self.leaves(0, rest).map(|()| None),
            form => self.address_of(form, rest).map(Some),
        }
    }

    pub(super) fn target(&mut self, rest: Sizes) -> ReadResult<RemoteTarget<'a>> {
        match self.u8()? {
            form::NAME => {
                self.fits(Sizes::range(1 + 1, 1 + HOST_MAX).then(Sizes::exactly(PORT)).then(rest))?;
                let length = self.u8()?;
                if !(1..=HOST_MAX).contains(&length.into()) {
                    return Err(Some(Fault::HostLength(length)));
                }
                self.leaves(length.into(), Sizes::exactly(PORT).then(rest))?;
                let host = self.utf8(length.into())?;
                match self.u16()? {
                    0 => Err(Some(Fault::HostPort)),
                    port => Ok(RemoteTarget::Name { host, port }),
                }
            }
            form => self.address_of(form, rest).map(RemoteTarget::Addr),
        }
    }

    /// The address of a form that has one.
    fn address_of(&mut self, form: u8, rest: Sizes) -> ReadResult<Addr> {
        match form {
            form::V4 => {
                self.leaves(V4, rest)?;
                let ip = Ipv4Addr::from(self.array::<4>()?);
                Ok(Addr::Ip(SocketAddr::new(ip.into(), self.u16()?)))
            }
            form::V6 => {
                self.leaves(V6, rest)?;
                if self.here.starts_with(&MAPPED) {
                    return Err(Some(Fault::Mapped(self.kind)));
                }
                let ip = Ipv6Addr::from(self.array::<16>()?);
                let (scope, port) = (self.u32()?, self.u16()?);
                Ok(Addr::Ip(SocketAddrV6::new(ip, port, 0, scope).into()))
            }
            form::UNIX => {
                self.fits(Sizes::range(1, 1 + UNIX_PATH_MAX).then(rest))?;
                let length = self.u8()?;
                if usize::from(length) > UNIX_PATH_MAX {
                    return Err(Some(Fault::UnixName(self.kind, length)));
                }
                self.leaves(length.into(), rest)?;
                Ok(Addr::Unix(self.slice(length.into())?.into()))
            }
            _ => Err(Some(Fault::AddressForm(self.kind, form))),
        }
    }

    /// Certificates to the end of the payload.
    pub(super) fn certificates(&mut self) -> ReadResult<CertificateList<'a>> {
        let all = self.here;
        while self.left > 0 {
            if self.long_bytes(CERTIFICATES)?.is_empty() {
                return Err(Some(Fault::EmptyCertificate));
            }
        }
        Ok(CertificateList::in_frame(all))
    }

    /// That what is left has one of these sizes.
    pub(super) const fn fits(&self, sizes: Sizes) -> ReadResult<()> {
        self.leaves(0, sizes)
    }

    /// That what is left has one of the sizes of `rest`, behind `size` bytes.
    const fn leaves(&self, size: usize, rest: Sizes) -> ReadResult<()> {
        match self.left.checked_sub(size) {
            Some(left) if rest.has(left) => Ok(()),
            Some(left) if left > rest.most => Err(Some(Fault::Long(self.kind))),
            _ => Err(Some(Fault::Short(self.kind))),
        }
    }

    /// A length of one byte.
    fn short_length(&mut self, rest: Sizes) -> ReadResult<usize> {
        let length = self.u8()?.into();
        self.leaves(length, rest)?;
        Ok(length)
    }

    /// A length of two bytes, of which the first may already rule out every valid one.
    fn long_length(&mut self, rest: Sizes) -> ReadResult<usize> {
        let behind = self.left.saturating_sub(size_of::<u16>());
        if let Some(high) = self.here.first() {
            let [least, most] = [u8::MIN, u8::MAX].map(|low| u16::from_be_bytes([*high, low]));
            if usize::from(least) + rest.alone > behind {
                return Err(Some(Fault::Short(self.kind)));
            }
            if usize::from(most) + rest.most < behind {
                return Err(Some(Fault::Long(self.kind)));
            }
        }
        let length = self.u16()?.into();
        self.leaves(length, rest)?;
        Ok(length)
    }

    /// The next `length` bytes, or those of them that are there.
    fn first(&self, length: usize) -> &'a [u8] {
        self.here.get(..length).unwrap_or(self.here)
    }

    fn array<const N: usize>(&mut self) -> ReadResult<[u8; N]> {
        let (array, here) = self.here.split_first_chunk().ok_or_else(|| self.missing(N))?;
        self.here = here;
        self.left -= N;
        Ok(*array)
    }

    fn slice(&mut self, length: usize) -> ReadResult<&'a [u8]> {
        let (slice, here) =
            self.here.split_at_checked(length).ok_or_else(|| self.missing(length))?;
        self.here = here;
        self.left -= length;
        Ok(slice)
    }

    /// Why `length` bytes cannot be read. Sizes are checked before, so that they are still to come.
    fn missing(&self, length: usize) -> Option<Fault> {
        (self.left < length).then_some(Fault::Short(self.kind))
    }

    /// A text of `length` bytes.
    fn utf8(&mut self, length: usize) -> ReadResult<&'a str> {
        let here = self.first(length);
        let (valid, can_go_on) = match str::from_utf8(here) {
            Ok(text) => (text, true),
            Err(error) => {
                let (valid, broken) = here.split_at(error.valid_up_to());
                // The first byte of a character says how many there are.
                let whole = broken.first().map_or(0, |byte| byte.leading_ones() as usize);
                let fits = error.error_len().is_none() && valid.len() + whole <= length;
                (str::from_utf8(valid).unwrap_or_default(), fits)
            }
        };
        if valid.contains('\0') {
            return Err(Some(Fault::Nul(self.kind)));
        }
        if !can_go_on {
            return Err(Some(Fault::Utf8(self.kind)));
        }
        // All that is there may be valid and the rest missing.
        self.slice(length).map(|_| valid)
    }
}
