//! What is at a path of the file system: the sockets of unix listeners, and files that a configuration
//! names.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;

use super::addr::Addr;
use super::errno::Errno;

/// Which file a path leads to: device and number. A process that listens at a path anew puts a new
/// file there, which is not ours to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathId {
    /// The device.
    pub device: u64,
    /// The number on it.
    pub number: u64,
}

/// Removes the path of `addr` where it has one and a socket is there: other files are left alone.
pub(super) fn remove(addr: &Addr) {
    let Addr::Unix(name) = addr else { return };
    if let Some(Ok(path)) = path_of(name)
        && kind(&path) == Some(libc::S_IFSOCK)
    {
        unlink(&path);
    }
}

/// The path of a unix name; `None` for abstract and unnamed ones, an error for a NUL inside.
pub(super) fn path_of(name: &[u8]) -> Option<Result<CString, Errno>> {
    let first = *name.first()?;
    (first != 0).then(|| CString::new(name).map_err(|_| Errno(libc::EINVAL)))
}

pub(super) fn unlink(path: &CStr) {
    // SAFETY: the path is a C string that outlives the call.
    let _ignored = unsafe { libc::unlink(path.as_ptr()) };
}

/// Which socket the path of `addr` leads to.
pub(super) fn id(addr: &Addr) -> Option<PathId> {
    let Addr::Unix(name) = addr else { return None };
    let found = status(&path_of(name)?.ok()?)?;
    let socket = found.st_mode & libc::S_IFMT == libc::S_IFSOCK;
    socket.then_some(PathId { device: found.st_dev, number: found.st_ino })
}

/// The file type bits of what is at `path`.
pub(super) fn kind(path: &CStr) -> Option<libc::mode_t> {
    Some(status(path)?.st_mode & libc::S_IFMT)
}

/// What is at `path`, links not followed.
fn status(path: &CStr) -> Option<libc::stat> {
    let mut found = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the path is a C string, and `found` is room for what is written.
    let answer = unsafe { libc::lstat(path.as_ptr(), found.as_mut_ptr()) };
    if answer != 0 {
        return None;
    }
    // SAFETY: zeroed and then filled: all fields are integers.
    Some(unsafe { found.assume_init() })
}

/// The content of a regular file, or why there is none. What a pipe or a device holds may never end.
///
/// # Errors
/// A sentence, as the system says it.
pub fn read_file(path: &str) -> Result<Vec<u8>, String> {
    let file = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !file.is_file() {
        return Err("not a regular file".to_owned());
    }
    std::fs::read(path).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::read_file;

    #[test]
    fn what_is_no_regular_file_is_not_read() {
        for path in ["/", "/dev/zero"] {
            assert_eq!(read_file(path), Err("not a regular file".to_owned()), "{path}");
        }
        let missing = read_file(concat!(env!("CARGO_MANIFEST_DIR"), "/no/such/file"));
        assert!(missing.is_err_and(|why| why.contains("No such file")));
        let own = read_file(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        assert!(own.is_ok_and(|text| text.starts_with(b"[package]")));
    }
}
