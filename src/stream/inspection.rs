//! Rules about the first bytes of a server: nothing of it is passed on before they have accepted it.

use super::drive::{Pair, ends};
use super::{By, EndPhase, InspectionStage, ResponseInspection, SERVER, Stream};
use crate::conn::{Cause, CloseMode, Conn, Ending, Wait};
use crate::cx::Cx;
use crate::data::{Ahead, Read};
use crate::handshake::rules::{ask_about_response, denial, remember_server};
use crate::rules::Verdict;
use crate::sys::Net;

/// What came of reading ahead.
enum ReadAhead {
    /// More may come.
    More,
    /// No more come, or no more are held.
    All,
    /// The server has failed, behind the bytes that are held.
    Failed(Box<Cause>),
}

/// What an inspection has come to.
enum Inspected {
    Waits,
    Passes(ReadAhead),
    /// The rule of a line refuses the server, and the client ends like this.
    Denied {
        line: u32,
        mode: CloseMode,
        ending: Ending,
    },
}

impl Stream {
    /// Inspects the first bytes of the server. Returns whether bytes of it may be passed on.
    pub(super) fn inspect<N: Net>(&mut self, pair: &mut Pair<'_>, cx: &mut Cx<'_, N>) -> bool {
        let (Some(server), Some(client)) = ends(pair, SERVER) else {
            // No server is reached yet, so there is nothing to pass on, or none is there any more.
            return true;
        };
        if server.word.is_opening() {
            return false;
        }
        let Some(inspection) = self.inspection.as_deref_mut() else { return true };
        if server.word.is_closing() || client.word.is_closing() {
            self.inspection = None;
            return true;
        }
        match inspection.proceed(client, server, cx) {
            Inspected::Waits => {
                server.flow |= Wait::READ;
                false
            }
            Inspected::Passes(ReadAhead::Failed(cause)) => {
                // What came in front of the failure is passed on; a connection that has failed would drop
                // it.
                self.lanes[usize::from(SERVER)].buffer = server.data.ahead.take();
                server.fail_session(cause);
                self.inspection = None;
                true
            }
            Inspected::Passes(_) => {
                let number = self.selection.as_ref().and_then(|it| it.number());
                if let Some(number) = number.filter(|_| inspection.stores) {
                    let backend = inspection.backend.as_deref();
                    remember_server(client, server, cx, backend, number);
                }
                self.inspection = None;
                true
            }
            Inspected::Denied { line, mode, ending } => {
                let cause = denial(None, line);
                server.end(Ending::Abort, None);
                client.closes(mode);
                client.end(ending, Some(cause.clone()));
                self.ended_by(By::Limit, EndPhase::Data, Some(*cause));
                self.inspection = None;
                false
            }
        }
    }
}

impl ResponseInspection {
    /// Goes on with what has come of the server.
    fn proceed<N: Net>(
        &mut self,
        client: &mut Conn,
        server: &mut Conn,
        cx: &mut Cx<'_, N>,
    ) -> Inspected {
        if matches!(self.stage, InspectionStage::Connect) {
            self.stage = InspectionStage::Rules { until: cx.now + self.delay };
        }
        let read = read_ahead(server, cx);
        let has_none = server.data.ahead.as_ref().is_none_or(|ahead| ahead.bytes().is_empty());
        let is_silent = has_none && matches!(read, ReadAhead::More);
        let has_failed = has_none && matches!(read, ReadAhead::Failed(_));
        if let InspectionStage::Rules { until } = self.stage
            && !has_failed
        {
            let may_grow = matches!(read, ReadAhead::More) && cx.now < until;
            let backend = self.backend.as_deref();
            match ask_about_response(client, server, cx, backend, may_grow) {
                Verdict::Accept => {}
                Verdict::Wait => {
                    server.hold_until(until);
                    return Inspected::Waits;
                }
                Verdict::Reject { line } => {
                    // close_notify would vouch that the server has said no more.
                    let (mode, ending) = (CloseMode::Curt, Ending::Orderly);
                    return Inspected::Denied { line, mode, ending };
                }
                Verdict::SilentDrop { line } => {
                    let (mode, ending) = (CloseMode::Vanish, Ending::Abort);
                    return Inspected::Denied { line, mode, ending };
                }
            }
        }
        if self.stores && is_silent {
            self.stage = InspectionStage::FirstBytes;
            return Inspected::Waits;
        }
        Inspected::Passes(read)
    }
}

/// Reads what has come of the server, as much as is held at once.
fn read_ahead<N: Net>(server: &mut Conn, cx: &mut Cx<'_, N>) -> ReadAhead {
    loop {
        match server.data.read_ahead(&mut server.ctrl, cx) {
            Ok(Ahead::Read(Read::Bytes(_))) => server.heard(cx.now),
            Ok(Ahead::Read(Read::Wait)) => return ReadAhead::More,
            Ok(Ahead::Full | Ahead::Read(Read::End | Read::Truncated)) => return ReadAhead::All,
            Err(cause) => return ReadAhead::Failed(cause),
        }
    }
}
