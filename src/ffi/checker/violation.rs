//! The ways in which a host can break its contract that are noticed, each with its sentence, which
//! docs/host-contract.md repeats.

use std::fmt::{Display, Write};

/// Every violation, with the sentence that names it. What stands in braces is filled in.
macro_rules! violations {
    ($($name:ident: $sentence:literal,)*) => {
        /// A way to break the contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Violation {
            $($name,)*
        }

        impl Violation {
            pub(super) const COUNT: usize = [$(stringify!($name)),*].len();

            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$name),*];

            /// The sentence, before it is filled in.
            pub(super) const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)*
                }
            }
        }
    };
}

violations! {
    NeverWatched: "{descriptor} has been {ready} for {span} and its readiness was never handed in: \
        watch it for the mask of the interest callback",
    ReadinessLost: "{descriptor} has been {ready} for {span} since its last readiness, and none was \
        handed in: hand in all that the poller reports, and register edge-triggered only where the \
        mask has VST_IO_EDGE",
    NotEdge: "{descriptor} was handed in {count} times in a row with {mask}, and nothing moved in \
        between: its mask has VST_IO_EDGE, so register it edge-triggered",
    NotInMask: "{descriptor} was handed in {count} times in a row with {mask}, and its mask is \
        {announced}: watch it for the mask of the last interest callback and for nothing else",
    ReleaseIgnored: "{descriptor} was handed in {span} after its release: stop watching it and forget \
        its token when VST_IO_RELEASED comes",
    UnknownToken: "readiness was handed in for {token}, which was not announced: hand in the token \
        that came with the interest in the descriptor, not another id or a pointer",
    PollerBits: "{descriptor} was handed in with {bits}, in which {names} is none of VST_IO_IN, \
        VST_IO_OUT, VST_IO_HANGUP and VST_IO_ERROR: translate the poller's bits one by one",
    FalseHangup: "{descriptor} was handed in with VST_IO_HANGUP, and its peer has not ended its side: \
        VST_IO_HANGUP is 4, which is EPOLLOUT in epoll, so translate the poller's bits one by one",
    DescriptorClosed: "{descriptor} was closed by somebody else: it belongs to the library until \
        VST_IO_RELEASED, so end its connection by vst_conn_close, or take it by vst_conn_take_fd",
    NumberReused: "{descriptor} is another file than the one that was announced: its number was \
        closed and used again, and it belongs to the library until VST_IO_RELEASED",
    DeadlineMissed: "a deadline had passed {span} before the next drive call: wait until deadline_ns \
        of vst_wait at most, then call vst_engine_run",
    NeverRun: "the engine has been RUNNABLE for {span} and {count} drive calls, none of which was \
        vst_engine_run: call it before waiting while vst_wait has VST_WAIT_RUNNABLE",
    OtherClock: "a drive call was given a time {span} {side} CLOCK_MONOTONIC: give the time of that \
        clock, read after the poll, or 0",
    ClockBack: "a drive call was given a time {span} before that of the last one: read one clock, \
        after each poll",
    NoTime: "a drive call was given the time 0, and the engine was made with now_ns: give the time of \
        the host's own clock",
    NotPulled: "events have waited for {span} and {count} drive calls, and vst_engine_next was not \
        called: call it until it returns VST_NONE before waiting",
    AsksNotTaken: "asks of fed connections have waited for {span} and {count} drive calls, and \
        vst_fed_next was not called: call it until it returns VST_NONE before waiting",
    BatchNotEnded: "a batch has been open for {span} and {count} drive calls, so that no interest is \
        reported and no descriptor closed: call vst_engine_batch_end after the results of each poll",
    NobodyReads: "{connection} has had something to read since VST_EVENT_READABLE {span} ago, and \
        nothing was read: if that is not meant to slow the peer down, call vst_conn_recv until it \
        returns VST_WAIT, or vst_conn_close",
    NobodyWrites: "{connection} has had room since VST_EVENT_WRITABLE {span} ago, and nothing was \
        written: if that is not meant, write the bytes for which vst_conn_send returned VST_WAIT",
    NeverAnswered: "a handler of {connection} returned VST_NEXT_LATER {span} ago, and its answer has \
        not come: call vst_conn_handler_done or vst_waker_post with the ticket {count}",
    SlowCallback: "the callback {callback} took {span}, in which no other connection of the engine \
        was served: do such work on another thread, or in parts",
    StatusIgnored: "{count} drive calls in a row returned {status} ({meaning}): look at what drive \
        calls return",
    Forked: "a call was made in a child process on an engine of its parent, and returned \
        VST_E_THREAD: a child that does not exec makes an engine of its own",
}

/// The sentence of a violation with its values: each replaces the braces with its name.
pub(super) fn fill(violation: Violation, values: &[(&str, &dyn Display)]) -> String {
    let mut text = String::new();
    let mut rest = violation.sentence();
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(before);
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            // Writing into a string does not fail.
            let _ = write!(text, "{value}");
        }
        rest = after;
    }
    text.push_str(rest);
    text
}
