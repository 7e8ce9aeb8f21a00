//! A SOCKS server on the way, as C says it.

use std::ffi::c_char;

use super::config_error::ConfigError;
use super::words::text;
use crate::wire::socks::{Destination, Dialogue, Login, SocksVersion};

/// No SOCKS: the address of the connection is the destination itself.
pub const VST_SOCKS_NONE: u32 = 0;
/// The address of the connection is that of a SOCKS server of version 4: destinations are IPv4
/// addresses.
pub const VST_SOCKS_4: u32 = 1;
/// As VST_SOCKS_4, with version 4a: destinations are IPv4 addresses, and names that the server
/// resolves.
pub const VST_SOCKS_4A: u32 = 2;
/// As VST_SOCKS_4, with version 5 (RFC 1928): destinations are IPv4 and IPv6 addresses, and names
/// that the server resolves.
pub const VST_SOCKS_5: u32 = 3;

/// What the options of a connection say of a SOCKS server, or a status with a sentence.
///
/// # Safety
/// The texts are NULL or NUL-terminated strings.
pub(super) unsafe fn read(
    version: u32,
    destination: *const c_char,
    user: *const c_char,
    password: *const c_char,
) -> Result<Option<Dialogue>, ConfigError> {
    // SAFETY: the caller's contract.
    let destination = unsafe { text("socks_destination", destination) }?;
    // SAFETY: the caller's contract.
    let user = unsafe { text("socks_user", user) }?;
    // SAFETY: the caller's contract.
    let password = unsafe { text("socks_password", password) }?;
    let version = match version {
        VST_SOCKS_NONE if destination.or(user).or(password).is_none() => return Ok(None),
        VST_SOCKS_4 => SocksVersion::V4,
        VST_SOCKS_4A => SocksVersion::V4a,
        VST_SOCKS_5 => SocksVersion::V5,
        VST_SOCKS_NONE => return Err(ConfigError::argument("socks: texts for it, and no version")),
        _ => return Err(ConfigError::argument("socks: an unknown version")),
    };
    let written =
        destination.ok_or_else(|| ConfigError::config("socks_destination: it is missing"))?;
    let destination = Destination::parse(written).ok_or_else(|| {
        let shown = written.escape_debug();
        ConfigError::config(format!(
            "socks_destination: \"{shown}\" is no address and no name with a port"
        ))
    })?;
    let dialogue = Dialogue::new(version, &destination, Login { user, password });
    dialogue.map(Some).map_err(|fault| ConfigError::config(format!("socks: {}", fault.why())))
}
