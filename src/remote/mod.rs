//! Remote connections: what a client and an agent know of a link between them, without any I/O.
//!
//! A *link* leads to an agent. Each of its connections is a *session* of frames (`wire::remote`), and
//! every connection that the agent makes or accepts is a *channel* of a session. `credit` bounds what
//! either side holds for a channel, `budget` what it holds for all channels of a session. `policy` is
//! what an agent allows its clients. `report` turns causes and TLS facts into those of frames and back.
//! The engine moves the bytes.

mod budget;
mod channel;
mod credit;
mod link;
mod policy;
mod report;
mod session;

pub(crate) use budget::WindowBudget;
pub(crate) use channel::{Channel, ChannelStage, DueFrames};
pub(crate) use credit::ReceiveCredit;
pub use link::LinkOptions;
pub(crate) use link::{Link, LinkEvents, Subscription};
pub(crate) use policy::{Agent, Resolution};
pub use policy::{AgentOptions, AllowList, AllowListError};
pub(crate) use report::{cause_of, errno_of, failure_of, tls_facts, tls_of};
pub(crate) use session::{
    GREETING_CHANNELS, LinkFault, LinkSession, OutgoingDescriptor, SILENT_INTERVALS, SessionRole,
    SessionStage, is_of_client,
};
