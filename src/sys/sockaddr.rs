//! Addresses in the kernel's layout. Conversion only: no system call.
#![allow(unsafe_code)]

use std::mem::offset_of;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::addr::{Addr, Family, UNIX_PATH_MAX};
use super::errno::Errno;

const STORAGE_SIZE: usize = size_of::<libc::sockaddr_storage>();
const PATH_OFFSET: usize = offset_of!(libc::sockaddr_un, sun_path);

/// The families over one piece of memory. `any` gives it size and alignment; all the others are
/// integers and arrays of integers, so that whatever bytes are there are a value of each.
#[derive(Clone, Copy)]
#[repr(C)]
union Storage {
    any: libc::sockaddr_storage,
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
    unix: libc::sockaddr_un,
    bytes: [u8; STORAGE_SIZE],
}

/// An address as the kernel reads and writes it, with its length.
#[derive(Clone, Copy)]
pub(super) struct RawAddr {
    storage: Storage,
    len: libc::socklen_t,
}

impl Family {
    /// The `AF_` number.
    pub(super) const fn number(self) -> libc::c_int {
        match self {
            Self::V4 => libc::AF_INET,
            Self::V6 => libc::AF_INET6,
            Self::Unix => libc::AF_UNIX,
        }
    }

    /// The family of an `AF_` number, where it is one of ours.
    pub(super) const fn from_number(number: libc::c_int) -> Option<Self> {
        match number {
            libc::AF_INET => Some(Self::V4),
            libc::AF_INET6 => Some(Self::V6),
            libc::AF_UNIX => Some(Self::Unix),
            _ => None,
        }
    }
}

impl RawAddr {
    /// Room for an address the kernel is to write.
    pub(super) const fn room() -> Self {
        Self { storage: Storage { bytes: [0; STORAGE_SIZE] }, len: STORAGE_SIZE as libc::socklen_t }
    }

    /// `addr` for the kernel to read.
    ///
    /// # Errors
    /// ENAMETOOLONG for a unix name over [`UNIX_PATH_MAX`]; EINVAL for a path with a NUL inside,
    /// which the kernel would take for a shorter path.
    pub(super) fn of(addr: &Addr) -> Result<Self, Errno> {
        match addr {
            Addr::Ip(SocketAddr::V4(v4)) => Ok(Self::of_v4(v4)),
            Addr::Ip(SocketAddr::V6(v6)) => Ok(Self::of_v6(v6)),
            Addr::Unix(name) => Self::of_unix(name),
        }
    }

    fn of_v4(addr: &SocketAddrV4) -> Self {
        let mut raw = Self::room();
        raw.storage.v4 = libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: addr.port().to_be(),
            sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(addr.ip().octets()) },
            sin_zero: [0; 8],
        };
        raw.with_len(size_of::<libc::sockaddr_in>())
    }

    fn of_v6(addr: &SocketAddrV6) -> Self {
        let mut raw = Self::room();
        raw.storage.v6 = libc::sockaddr_in6 {
            sin6_family: libc::AF_INET6 as libc::sa_family_t,
            sin6_port: addr.port().to_be(),
            sin6_flowinfo: addr.flowinfo(),
            sin6_addr: libc::in6_addr { s6_addr: addr.ip().octets() },
            sin6_scope_id: addr.scope_id(),
        };
        raw.with_len(size_of::<libc::sockaddr_in6>())
    }

    fn of_unix(name: &[u8]) -> Result<Self, Errno> {
        if name.len() > UNIX_PATH_MAX {
            return Err(Errno(libc::ENAMETOOLONG));
        }
        let is_path = name.first().is_some_and(|&first| first != 0);
        if is_path && name.contains(&0) {
            return Err(Errno(libc::EINVAL));
        }
        let mut sun_path = [0; UNIX_PATH_MAX];
        for (to, &from) in sun_path.iter_mut().zip(name) {
            // Whether a char has a sign depends on the architecture.
            *to = from as _;
        }
        let mut raw = Self::room();
        raw.storage.unix =
            libc::sockaddr_un { sun_family: libc::AF_UNIX as libc::sa_family_t, sun_path };
        // A path counts its final NUL, unless it fills the field; other names have none (unix(7)).
        let nul = usize::from(is_path && name.len() < UNIX_PATH_MAX);
        Ok(raw.with_len(PATH_OFFSET + name.len() + nul))
    }

    const fn with_len(mut self, len: usize) -> Self {
        self.len = len as libc::socklen_t;
        self
    }

    /// What the kernel wrote.
    ///
    /// # Errors
    /// EAFNOSUPPORT for a family that is none of ours, and for no address at all.
    pub(super) fn to_addr(self) -> Result<Addr, Errno> {
        let unsupported = Errno(libc::EAFNOSUPPORT);
        let len = usize::try_from(self.len).map_or(STORAGE_SIZE, |len| len.min(STORAGE_SIZE));
        if len < PATH_OFFSET {
            return Err(unsupported);
        }
        // SAFETY: all bytes of the union are initialised, and any bytes are a `sockaddr_storage`.
        let any = unsafe { self.storage.any };
        match Family::from_number(libc::c_int::from(any.ss_family)).ok_or(unsupported)? {
            Family::V4 if len >= size_of::<libc::sockaddr_in>() => Ok(self.to_v4()),
            Family::V6 if len >= size_of::<libc::sockaddr_in6>() => Ok(self.to_v6()),
            Family::Unix => Ok(self.to_unix(len)),
            Family::V4 | Family::V6 => Err(unsupported),
        }
    }

    fn to_v4(self) -> Addr {
        // SAFETY: all bytes of the union are initialised, and any bytes are a `sockaddr_in`.
        let raw = unsafe { self.storage.v4 };
        let ip = Ipv4Addr::from(raw.sin_addr.s_addr.to_ne_bytes());
        Addr::ip(SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(raw.sin_port))))
    }

    fn to_v6(self) -> Addr {
        // SAFETY: all bytes of the union are initialised, and any bytes are a `sockaddr_in6`.
        let raw = unsafe { self.storage.v6 };
        let ip = Ipv6Addr::from(raw.sin6_addr.s6_addr);
        let port = u16::from_be(raw.sin6_port);
        Addr::ip(SocketAddr::V6(SocketAddrV6::new(ip, port, 0, raw.sin6_scope_id)))
    }

    /// Reads the bytes and not `sun_path`: to a path that fills the field Linux adds a NUL, one
    /// byte behind the struct, and counts it (unix(7), BUGS).
    fn to_unix(self, len: usize) -> Addr {
        // SAFETY: all bytes of the union are initialised, and any bytes are an array of bytes.
        let bytes = unsafe { self.storage.bytes };
        let name = &bytes[PATH_OFFSET..len];
        let end = match name.first() {
            Some(0) | None => name.len(),
            Some(_) => name.iter().position(|&byte| byte == 0).unwrap_or(name.len()),
        };
        Addr::Unix(name[..end.min(UNIX_PATH_MAX)].into())
    }

    /// For the kernel to read: the address and its length.
    pub(super) fn for_reading(&self) -> (*const libc::sockaddr, libc::socklen_t) {
        ((&raw const self.storage).cast(), self.len)
    }

    /// For the kernel to write: the address and its length.
    pub(super) fn for_writing(&mut self) -> (*mut libc::sockaddr, *mut libc::socklen_t) {
        ((&raw mut self.storage).cast(), &raw mut self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(addr: &Addr) -> Addr {
        RawAddr::of(addr).and_then(RawAddr::to_addr).expect("an address of ours")
    }

    fn unix(name: &[u8]) -> Addr {
        Addr::Unix(name.into())
    }

    #[test]
    fn every_kind_of_address_survives_the_kernels_layout() {
        for text in ["192.0.2.1:80", "[2001:db8::1]:65535", "unix:/run/a", "unix:@name"] {
            let addr = Addr::parse(text).expect("it is an address");
            assert_eq!(round_trip(&addr), addr);
        }
        let scoped = Addr::ip(SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 1, 0, 7)));
        assert_eq!(round_trip(&scoped), scoped);
    }

    #[test]
    fn unix_names_of_every_length_survive() {
        for len in 0..=UNIX_PATH_MAX {
            let path = unix(&vec![b'p'; len]);
            assert_eq!(round_trip(&path), path);
            let mut name = vec![0xff; len];
            name.iter_mut().step_by(3).for_each(|byte| *byte = 0);
            assert_eq!(round_trip(&unix(&name)), unix(&name), "abstract names may hold any byte");
        }
    }

    #[test]
    fn a_name_that_the_kernel_would_cut_is_refused() {
        let long = RawAddr::of(&unix(&[b'p'; UNIX_PATH_MAX + 1]));
        assert_eq!(long.err(), Some(Errno(libc::ENAMETOOLONG)));
        assert_eq!(RawAddr::of(&unix(b"a\0b")).err(), Some(Errno(libc::EINVAL)));
    }

    #[test]
    fn a_full_path_is_read_with_the_nul_the_kernel_adds_behind_it() {
        let full = unix(&[b'p'; UNIX_PATH_MAX]);
        let raw = RawAddr::of(&full).expect("it fits").with_len(PATH_OFFSET + UNIX_PATH_MAX + 1);
        assert_eq!(raw.to_addr(), Ok(full));
    }

    #[test]
    fn a_mapped_address_comes_out_as_ipv4() {
        let mapped = SocketAddrV6::new(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped(), 80, 5, 0);
        let addr = RawAddr::of_v6(&mapped).to_addr();
        assert_eq!(addr, Ok(Addr::parse("192.0.2.1:80").expect("it is an address")));
    }

    #[test]
    fn a_strange_or_short_answer_is_an_error_whatever_its_length() {
        let addrs = ["192.0.2.1:80", "[::1]:80"].map(|text| Addr::parse(text).expect("an address"));
        for addr in addrs {
            let raw = RawAddr::of(&addr).expect("an IP address fits");
            for len in 0..raw.len {
                let short = raw.with_len(len as usize);
                assert_eq!(short.to_addr(), Err(Errno(libc::EAFNOSUPPORT)));
            }
            assert_eq!(raw.with_len(10_000).to_addr(), Ok(addr), "a length past the storage");
        }
        assert_eq!(RawAddr::room().to_addr(), Err(Errno(libc::EAFNOSUPPORT)));
    }
}
