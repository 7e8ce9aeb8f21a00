//! What the system measures of a TCP connection.

/// What the system measures of a TCP connection (`TCP_INFO`, tcp(7)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// The smoothed round trip time in microseconds.
    pub rtt: u32,
    /// Its variation in microseconds.
    pub rtt_variance: u32,
    /// Segments sent and not acknowledged.
    pub unacked: u32,
    /// Segments acknowledged selectively.
    pub sacked: u32,
    /// Segments that count as lost.
    pub lost: u32,
    /// Segments sent again and not acknowledged.
    pub retransmitted: u32,
    /// Segments acknowledged forward.
    pub forward_acked: u32,
    /// How many segments may come out of order before that counts as loss.
    pub reordering: u32,
}
