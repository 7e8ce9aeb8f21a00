//! The socket calls, behind one trait, and the only place besides `ffi` where `unsafe` is allowed.
//!
//! [`Net`] is the kernel in production ([`Kernel`]) and a simulated network under virtual time in
//! tests (`crate::sim`). It holds neither readiness nor time: readiness is only ever a hint that
//! the host passes in, and truth comes from the call.

mod addr;
mod addr_text;
#[cfg(feature = "allocator")]
pub mod allocator;
mod call;
mod clock;
mod errno;
mod fd;
mod inspection;
mod kernel;
mod listen;
mod message;
mod net;
mod path;
mod pipe;
#[cfg(all(test, not(miri)))]
pub(crate) mod poll;
mod random;
mod sigpipe;
mod sockaddr;
mod socket;
mod syn_filter;
mod tcp_info;
mod thread;
pub mod wake_fd;

pub use addr::{Addr, Family, UNIX_PATH_MAX};
pub use addr_text::{AddrError, Shown};
pub use clock::{WallClock, WallTime, monotonic};
pub use errno::Errno;
pub use fd::{Credentials, Fd, ListenSpec, Nature, Passed, SockOpt};
pub use inspection::{FdCondition, FileId, Inspection, KernelInspection, process_id};
pub use kernel::{Kernel, has_port_ranges};
pub use net::{MAX_IOVECS, Net};
pub use path::{PathId, read_file};
pub use pipe::Pipe;
pub use random::random;
pub use tcp_info::TcpInfo;
pub use thread::{ErrnoGuard, errno_saved, thread_token};
