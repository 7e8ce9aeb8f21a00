//! The frames of a link: what a proxy and the agent that owns its outside connections say to each
//! other.
//!
//! `docs/remote-protocol.md` is the specification, and the behaviour is there as well. [`parse`] reads,
//! [`write()`] and [`data_header`] write. For every input:
//!
//! - the verdict on a frame is the same whether its bytes come at once or one by one, and nothing is
//!   accepted before its last byte;
//! - what no further byte can make valid is [`Parsed::Bad`] at once;
//! - each value has one form: what is accepted and written again has the same bytes.

mod facts;
mod fault;
mod fields;
mod frame;
mod header;
mod numbers;
mod read;
mod sizes;
#[cfg(test)]
mod tests;
mod write;

pub use facts::{CertificateList, TlsFacts};
pub use fault::Fault;
pub use frame::{
    GoawayReason, RemoteClosed, RemoteDetail, RemoteFailure, RemoteFrame, RemoteHello,
    RemoteIncoming, RemoteOpen, RemoteOpened, RemoteTarget,
};
pub use header::{HEADER, RemoteFrameType, VERSION, data_header};
pub use read::{Parsed, parse};
pub use sizes::PAYLOAD_MAX;
pub use write::write;
