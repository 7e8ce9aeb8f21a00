//! Client and server of ours against each other in memory, and against a peer that breaks the protocol.

mod close;
mod data;
mod handshake;
mod lifetime;
mod load;
mod peek;
mod peers;
mod pem;
mod pinned;
mod records;
mod resumption;
pub(crate) mod rig;
mod selection;
mod stranger;
mod traffic;
mod violations;
