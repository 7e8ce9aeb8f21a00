//! Our client and our server connected in memory, and each against a peer that breaks the protocol.

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
