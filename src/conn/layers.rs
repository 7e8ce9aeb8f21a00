//! The state of each layer of a connection, and the summary that others see. Everything is computed
//! from the word of operations, the latched cause and the descriptor.

use super::{Conn, Detail, Op, OpSet, Plan, Why};

/// What others see of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnSummary {
    /// No byte is delivered any more.
    pub shr: bool,
    /// No byte is taken any more.
    pub shw: bool,
    /// It failed, or was given up: [`super::State::Error`] until its descriptor is closed.
    pub err: bool,
}

/// The state of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerState {
    /// It exists and is not torn down.
    pub initialized: bool,
    /// It has reached its counterpart at the peer.
    pub connected: bool,
    /// Its opening operations have completed, and those of the layers below.
    pub handlers_done: bool,
    /// It failed.
    pub failed: bool,
    /// Its incoming direction has ended.
    pub shutr: bool,
    /// Its outgoing direction has ended.
    pub shutw: bool,
}

/// The state of both layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerStates {
    /// There is a descriptor.
    pub fd_allocated: bool,
    /// What carries bytes: the socket, and the protocols on it ahead of TLS.
    pub ctrl: LayerState,
    /// What the session reads and writes: raw or TLS.
    pub data: LayerState,
}

/// A layer that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Ctrl,
    Data,
}

const CONNECT: OpSet = OpSet::EMPTY.with(Op::CtrlConnect);
const TLS: OpSet = OpSet::EMPTY.with(Op::TlsAccept).with(Op::TlsConnect);
/// The operations that open the control layer: all ahead of TLS.
const CTRL_OPENING: OpSet = Op::TlsAccept.after().and(Op::TlsConnect.after());
const CTRL: OpSet = CTRL_OPENING.with(Op::Cshw).with(Op::Cshr).with(Op::Cclose).with(Op::Fclose);

impl Conn {
    /// The summary that others see.
    pub(crate) const fn summary(&self) -> ConnSummary {
        ConnSummary {
            shr: self.word.is_wanted(Op::Dshr),
            shw: self.word.is_wanted(Op::Dshw),
            err: self.cause.is_some(),
        }
    }

    /// The state of each layer.
    pub(crate) fn layers(&self) -> LayerStates {
        let word = self.word;
        let fd_allocated = self.ctrl.is_open();
        let ctrl_initialized = fd_allocated && !word.is_complete(Op::Cclose);
        let reached =
            !matches!(self.facts.plan, Plan::Outgoing(_)) || word.is_complete(Op::CtrlConnect);
        let data_initialized = !word.is_complete(Op::Dclose);
        let failed = self.failed_part();
        let ctrl = LayerState {
            initialized: ctrl_initialized,
            connected: ctrl_initialized && reached && self.is_through(CONNECT),
            handlers_done: self.is_through(CTRL_OPENING),
            failed: self.ctrl.is_broken() || failed == Some(Part::Ctrl),
            shutr: word.is_complete(Op::Cshr),
            shutw: word.is_complete(Op::Cshw),
        };
        let data = LayerState {
            initialized: data_initialized,
            connected: data_initialized && ctrl.connected && self.is_through(CTRL_OPENING.and(TLS)),
            handlers_done: self.is_through(OpSet::OPENING),
            failed: failed == Some(Part::Data),
            shutr: word.is_complete(Op::Dshr),
            shutw: word.is_complete(Op::Dshw),
        };
        LayerStates { fd_allocated, ctrl, data }
    }

    /// Whether none of these is incomplete or was given up. The word does not show which were given up;
    /// the cause names the operation that ended the connection.
    fn is_through(&self, ops: OpSet) -> bool {
        let ended_in = self.cause.as_ref().and_then(|cause| cause.at);
        self.word.incomplete().both(ops).is_empty() && !ended_in.is_some_and(|op| ops.has(op))
    }

    /// The layer that failed. Neither has failed when the host gave the connection up or a timeout or
    /// limit of the stream cut it off.
    fn failed_part(&self) -> Option<Part> {
        let cause = self.cause.as_deref()?;
        match (cause.why, cause.detail, cause.at) {
            (Why::Aborted, ..) => None,
            // A socket error is the control layer's, whichever layer made the call.
            (_, Detail::Errno(_), _) => Some(Part::Ctrl),
            (_, _, Some(op)) if CTRL.has(op) => Some(Part::Ctrl),
            (Why::TimedOut | Why::LocalLimit | Why::Empty, _, None) => None,
            _ => Some(Part::Data),
        }
    }

    /// The opening operation that is under way.
    pub(crate) fn stands_at(&self) -> Option<Op> {
        if self.word.is_opening() { self.word.runnable().first() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::tests::conn;
    use super::*;
    use crate::config::{AcceptConfig, ConnectConfig};
    use crate::conn::{Cause, Direction, Ending, OpWord};
    use crate::ctrl::Ctrl;
    use crate::sys::{Errno, Fd};

    fn wanting(ops: &[Op]) -> Conn {
        let plan = match ops {
            [Op::CtrlConnect, ..] => Plan::Outgoing(Arc::new(ConnectConfig::default())),
            _ => Plan::Incoming(Arc::new(AcceptConfig::default())),
        };
        let mut word = OpWord::default();
        ops.iter().for_each(|op| word.want(*op));
        conn(&plan, word, false)
    }

    fn with_fd(ops: &[Op]) -> Conn {
        let mut conn = wanting(ops);
        conn.ctrl = Ctrl::new(Fd(7), false);
        conn
    }

    /// The names of the flags that are set.
    fn holding(conn: &Conn) -> Vec<String> {
        let layers = conn.layers();
        let of = |name: &str, layer: LayerState| {
            let LayerState { initialized, connected, handlers_done, failed, shutr, shutw } = layer;
            [
                ("initialized", initialized),
                ("connected", connected),
                ("handlers", handlers_done),
                ("failed", failed),
                ("shutr", shutr),
                ("shutw", shutw),
            ]
            .map(|(state, holds)| holds.then(|| format!("{name} {state}")))
        };
        let fd = layers.fd_allocated.then(|| "fd".to_owned());
        let rest = of("ctrl", layers.ctrl).into_iter().chain(of("data", layers.data));
        [fd].into_iter().chain(rest).flatten().collect()
    }

    /// Checks which flags `change` sets, and which it clears.
    #[track_caller]
    fn moves(conn: &mut Conn, change: impl FnOnce(&mut Conn), comes: &[&str], goes: &[&str]) {
        let before = holding(conn);
        change(conn);
        let after = holding(conn);
        let came = after.iter().filter(|name| !before.contains(name));
        let went = before.iter().filter(|name| !after.contains(name));
        assert_eq!(came.collect::<Vec<_>>(), comes, "what came");
        assert_eq!(went.collect::<Vec<_>>(), goes, "what went");
    }

    fn done(op: Op) -> impl FnOnce(&mut Conn) {
        move |conn| conn.word.finish(op)
    }

    #[test]
    fn a_connection_that_goes_out_passes_every_state_of_its_layers_and_back() {
        let mut conn =
            wanting(&[Op::CtrlConnect, Op::SendProxy, Op::TlsConnect, Op::CustomClearOut]);
        let conn = &mut conn;
        assert_eq!(holding(conn), ["data initialized"]);
        let open = |conn: &mut Conn| conn.ctrl = Ctrl::new(Fd(7), false);
        moves(conn, open, &["fd", "ctrl initialized"], &[]);
        moves(conn, done(Op::CtrlConnect), &["ctrl connected"], &[]);
        moves(conn, done(Op::SendProxy), &["ctrl handlers"], &[]);
        moves(conn, done(Op::TlsConnect), &["data connected"], &[]);
        moves(conn, done(Op::CustomClearOut), &["data handlers"], &[]);
        moves(conn, |conn| conn.word.shut(Direction::Read), &[], &[]);
        moves(conn, done(Op::Dshr), &["data shutr"], &[]);
        moves(conn, done(Op::Cshr), &["ctrl shutr"], &[]);
        moves(conn, |conn| conn.word.shut(Direction::Write), &[], &[]);
        moves(conn, done(Op::Dshw), &["data shutw"], &[]);
        moves(conn, done(Op::Cshw), &["ctrl shutw"], &[]);
        moves(conn, |conn| conn.word.undo(Op::TlsConnect), &[], &[]);
        moves(conn, done(Op::Dclose), &[], &["data initialized", "data connected"]);
        moves(conn, done(Op::Cclose), &[], &["ctrl initialized", "ctrl connected"]);
        moves(conn, |conn| _ = conn.ctrl.take_over(), &[], &["fd"]);
    }

    #[test]
    fn a_connection_that_comes_in_is_connected_from_the_beginning() {
        let mut conn = with_fd(&[Op::AcceptProxy, Op::TlsAccept, Op::AcceptSession]);
        let begun = ["fd", "ctrl initialized", "ctrl connected", "data initialized"];
        assert_eq!(holding(&conn), begun);
        moves(&mut conn, done(Op::AcceptProxy), &["ctrl handlers"], &[]);
        moves(&mut conn, done(Op::TlsAccept), &["data connected"], &[]);
        moves(&mut conn, done(Op::AcceptSession), &["data handlers"], &[]);
    }

    #[test]
    fn what_is_given_up_is_not_through() {
        let abort = |conn: &mut Conn| {
            let cause = Cause::new(None, Why::Aborted);
            conn.end(Ending::Refused, Some(Box::new(cause)));
        };
        let mut out = with_fd(&[Op::CtrlConnect, Op::TlsConnect]);
        out.word.start(Op::CtrlConnect);
        moves(&mut out, abort, &[], &[]);
        let mut conn = with_fd(&[Op::AcceptProxy, Op::TlsAccept, Op::AcceptSession]);
        moves(&mut conn, abort, &[], &[]);
        let mut conn = with_fd(&[Op::AcceptProxy, Op::TlsAccept, Op::AcceptSession]);
        conn.word.finish(Op::AcceptProxy);
        conn.word.start(Op::TlsAccept);
        moves(&mut conn, abort, &[], &[]);
        assert_eq!(conn.cause.as_ref().and_then(|cause| cause.at), Some(Op::TlsAccept));
        moves(&mut conn, |conn| conn.word.undo(Op::TlsAccept), &[], &[]);
    }

    #[test]
    fn a_layer_has_failed_when_the_cause_is_its_own() {
        const CTRL: (bool, bool) = (true, false);
        const DATA: (bool, bool) = (false, true);
        const NEITHER: (bool, bool) = (false, false);
        let errno = Detail::Errno(Errno(libc::ECONNRESET));
        let (none, alert, host) = (Detail::None, Detail::Alert(50), Detail::Host(3));
        let failed = |conn: &Conn| (conn.layers().ctrl.failed, conn.layers().data.failed);
        for (at, why, detail, due) in [
            (Some(Op::CtrlConnect), Why::Refused, errno, CTRL),
            (Some(Op::CtrlConnect), Why::TimedOut, none, CTRL),
            (Some(Op::SendProxy), Why::TimedOut, none, CTRL),
            (Some(Op::SocksRecv), Why::Refused, none, CTRL),
            (Some(Op::AcceptProxy), Why::Malformed, none, CTRL),
            (Some(Op::TcpRules), Why::Denied, none, CTRL),
            (Some(Op::CustomRaw), Why::Denied, host, CTRL),
            (Some(Op::Inspect), Why::TooLarge, none, DATA),
            (Some(Op::TlsAccept), Why::Malformed, alert, DATA),
            (Some(Op::TlsConnect), Why::TimedOut, none, DATA),
            (Some(Op::TlsConnect), Why::Reset, errno, CTRL),
            (Some(Op::SessionRules), Why::Denied, none, DATA),
            (Some(Op::CustomClear), Why::Denied, host, DATA),
            (None, Why::Truncated, none, DATA),
            (None, Why::Malformed, alert, DATA),
            (None, Why::Reset, errno, CTRL),
            (Some(Op::Dshw), Why::TimedOut, none, DATA),
            (Some(Op::Dshw), Why::Reset, errno, CTRL),
            (Some(Op::Cclose), Why::TimedOut, none, CTRL),
            (None, Why::TimedOut, none, NEITHER),
            (None, Why::LocalLimit, none, NEITHER),
            (None, Why::Aborted, none, NEITHER),
            (Some(Op::CtrlConnect), Why::Aborted, none, NEITHER),
            (Some(Op::TlsAccept), Why::Aborted, none, NEITHER),
        ] {
            let mut conn = with_fd(&[]);
            assert_eq!(failed(&conn), NEITHER);
            conn.cause = Some(Box::new(Cause::new(at, why).with(detail)));
            assert_eq!(failed(&conn), due, "{at:?} {why:?} {detail:?}");
        }
        let mut conn = with_fd(&[]);
        conn.ctrl.break_off();
        assert_eq!(failed(&conn), CTRL);
    }

    #[test]
    fn outside_there_are_two_directions_and_an_error() {
        let mut conn = with_fd(&[]);
        let mut summary = ConnSummary { shr: false, shw: false, err: false };
        assert_eq!(conn.summary(), summary);
        conn.word.shut(Direction::Write);
        summary.shw = true;
        assert_eq!(conn.summary(), summary);
        conn.word.shut(Direction::Read);
        summary.shr = true;
        assert_eq!(conn.summary(), summary);
        conn.cause = Some(Box::new(Cause::new(None, Why::Aborted)));
        summary.err = true;
        assert_eq!(conn.summary(), summary);
        let mut conn = with_fd(&[]);
        conn.word.shut(Direction::Read);
        assert_eq!(conn.summary(), ConnSummary { shr: true, shw: false, err: false });
    }
}
