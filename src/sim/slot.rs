//! What descriptors stand for, those that have a number and those on their way.

/// The index of an endpoint in the network; never reused.
pub(super) type EndpointId = usize;

/// What a descriptor number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DescriptorSlot {
    Free,
    Socket(EndpointId),
    /// A file: no socket call works on it.
    File,
    /// Either end of a pipe.
    Pipe(usize),
}

/// A message that carries a descriptor: the offsets of its first byte and of what follows it, in all bytes
/// of its direction.
#[derive(Debug)]
pub(super) struct Passing {
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) what: DescriptorSlot,
}
