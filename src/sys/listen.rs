//! Opening listening sockets: all of it, or nothing left behind.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_int};

use super::addr::{Addr, Family};
use super::call::{repeat_int, set_option};
use super::errno::Errno;
use super::fd::{Fd, ListenSpec};
use super::path::{kind, path_of, unlink};
use super::socket::{bind, close, connect, socket};

/// The temporary name of a unix socket is this and a number in place of the last component. Short,
/// because it has to fit where the final name fits.
const TEMPORARY: &str = ".vst";
/// Temporary names that are tried: others open listeners in the same directory at the same time,
/// and may have died doing so.
const TEMPORARY_NAMES: u32 = 256;

/// A socket that is not yet listening: closed and its path removed when dropped.
struct Draft {
    fd: Fd,
    path: Option<CString>,
}

impl Draft {
    fn into_fd(mut self) -> Fd {
        self.path = None;
        let fd = self.fd;
        std::mem::forget(self);
        fd
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            unlink(&path);
        }
        close(self.fd);
    }
}

pub(super) fn open(spec: &ListenSpec) -> Result<Fd, Errno> {
    match &spec.addr {
        Addr::Ip(_) => open_ip(spec),
        Addr::Unix(name) => match path_of(name) {
            Some(path) => open_path(spec, name, &path?),
            None => open_abstract(spec),
        },
    }
}

fn open_ip(spec: &ListenSpec) -> Result<Fd, Errno> {
    let family = spec.addr.family();
    let draft = Draft { fd: socket(family)?, path: None };
    let on: c_int = 1;
    set_option(draft.fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, on)?;
    if spec.reuse_port {
        set_option(draft.fd, libc::SOL_SOCKET, libc::SO_REUSEPORT, on)?;
    }
    if family == Family::V6 {
        // Set to either value, since the default depends on a sysctl.
        let only = c_int::from(spec.v6_only);
        set_option(draft.fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, only)?;
    }
    set_option(draft.fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, on)?;
    if spec.defer_accept > 0 {
        let seconds = c_int::try_from(spec.defer_accept).unwrap_or(c_int::MAX);
        set_option(draft.fd, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, seconds)?;
    }
    bind(draft.fd, &spec.addr)?;
    listen(draft.fd, spec.backlog)?;
    Ok(draft.into_fd())
}

fn open_abstract(spec: &ListenSpec) -> Result<Fd, Errno> {
    let draft = Draft { fd: socket(Family::Unix)?, path: None };
    bind(draft.fd, &spec.addr)?;
    listen(draft.fd, spec.backlog)?;
    Ok(draft.into_fd())
}

fn open_path(spec: &ListenSpec, name: &[u8], path: &CStr) -> Result<Fd, Errno> {
    // `rename` would silently replace a file or a link that is not ours.
    if kind(path).is_some_and(|kind| kind != libc::S_IFSOCK) {
        return Err(Errno(libc::EADDRINUSE));
    }
    if spec.exclusive && is_listened_at(&spec.addr)? {
        return Err(Errno(libc::EADDRINUSE));
    }
    let mut draft = Draft { fd: socket(Family::Unix)?, path: None };
    let temporary = bind_temporary(&mut draft, name)?;
    if let Some((user, group)) = spec.owner {
        repeat_int(|| {
            // SAFETY: the path is a C string that outlives the call.
            unsafe { libc::lchown(temporary.as_ptr(), user, group) }
        })?;
    }
    if let Some(mode) = spec.mode {
        repeat_int(|| {
            // SAFETY: the path is a C string that outlives the call.
            unsafe { libc::chmod(temporary.as_ptr(), mode) }
        })?;
    }
    listen(draft.fd, spec.backlog)?;
    repeat_int(|| {
        // SAFETY: both paths are C strings that outlive the call.
        unsafe { libc::rename(temporary.as_ptr(), path.as_ptr()) }
    })?;
    Ok(draft.into_fd())
}

/// Whether a socket listens at a unix path: tried by a connection, which is closed at once.
fn is_listened_at(addr: &Addr) -> Result<bool, Errno> {
    let probe = Draft { fd: socket(Family::Unix)?, path: None };
    match connect(probe.fd, addr) {
        // A queue that is full, or a socket of another type, is listened at as well.
        Ok(()) | Err(Errno(libc::EAGAIN | libc::EINPROGRESS | libc::EPROTOTYPE)) => Ok(true),
        Err(Errno(libc::ECONNREFUSED | libc::ENOENT)) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Binds the first temporary name that is free. The kernel decides which is: nobody else can get
/// the same one.
fn bind_temporary(draft: &mut Draft, name: &[u8]) -> Result<CString, Errno> {
    let directory = name.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    for number in 0..TEMPORARY_NAMES {
        let mut temporary = name[..directory].to_vec();
        temporary.extend_from_slice(format!("{TEMPORARY}{number:x}").as_bytes());
        let path = CString::new(temporary.as_slice()).map_err(|_| Errno(libc::EINVAL))?;
        match bind(draft.fd, &Addr::Unix(temporary.into())) {
            Ok(()) => {
                draft.path = Some(path.clone());
                return Ok(path);
            }
            Err(Errno(libc::EADDRINUSE)) => {}
            Err(errno) => return Err(errno),
        }
    }
    Err(Errno(libc::EADDRINUSE))
}

fn listen(fd: Fd, backlog: c_int) -> Result<(), Errno> {
    repeat_int(|| {
        // SAFETY: it takes no pointer.
        unsafe { libc::listen(fd.0, backlog) }
    })
    .map(drop)
}
