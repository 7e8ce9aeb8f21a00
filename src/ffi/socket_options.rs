//! Options of sockets, as C writes them into the configurations of connections.

use super::config_error::ConfigError;
use crate::config::SocketOptions;

/// Small writes leave at once (TCP_NODELAY).
pub const VST_NODELAY_ON: u32 = 0;
/// Small writes are held back until those before are acknowledged (Nagle's algorithm, RFC 896).
pub const VST_NODELAY_OFF: u32 = 1;

/// The highest class there is (RFC 2474: six bits).
const DSCP_MAX: u32 = 63;

/// What four fields of a configuration say.
pub(super) fn socket_options(
    keepalive_ns: u64,
    user_timeout_ns: u64,
    dscp: u32,
    nodelay: u32,
) -> Result<SocketOptions, ConfigError> {
    if dscp > DSCP_MAX {
        return Err(ConfigError::argument(format!("dscp: {dscp} is above {DSCP_MAX}")));
    }
    let delays = match nodelay {
        VST_NODELAY_ON => false,
        VST_NODELAY_OFF => true,
        other => return Err(ConfigError::argument(format!("nodelay: {other} is none"))),
    };
    Ok(SocketOptions {
        keepalive: keepalive_ns,
        user_timeout: user_timeout_ns,
        dscp: dscp as u8,
        delays,
    })
}
