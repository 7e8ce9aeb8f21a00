//! A filter on a listening socket that drops the segments by which connections begin.
#![allow(unsafe_code)]

use super::call::set_option;
use super::errno::Errno;
use super::fd::Fd;

/// The offset of the flags in a TCP header, where the packets of a socket filter begin.
const FLAGS: u32 = 13;
const SYN: u32 = 0x02;
const ACK: u32 = 0x10;
/// How much of a packet is kept: all of it, or nothing.
const KEEP: u32 = u32::MAX;
const DROP: u32 = 0;

const LOAD_BYTE: u32 = libc::BPF_LD | libc::BPF_B | libc::BPF_ABS;
const AND: u32 = libc::BPF_ALU | libc::BPF_AND | libc::BPF_K;
const IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

const fn step(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt, jf, k }
}

/// A first SYN has no ACK; what belongs to a handshake under way has one.
static PROGRAM: [libc::sock_filter; 5] = [
    step(LOAD_BYTE, 0, 0, FLAGS),
    step(AND, 0, 0, SYN | ACK),
    step(IF_EQUAL, 0, 1, SYN),
    step(RETURN, 0, 0, DROP),
    step(RETURN, 0, 0, KEEP),
];

/// Attaches the filter, in place of any other.
pub(super) fn attach(fd: Fd) -> Result<(), Errno> {
    let filter = PROGRAM.as_ptr().cast_mut();
    let program = libc::sock_fprog { len: PROGRAM.len() as u16, filter };
    // The system only reads the program, and copies it.
    set_option(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, program)
}
