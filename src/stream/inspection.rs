//! Rules about the first bytes of a server: nothing of it is passed on before they have said yes.

use super::drive::{Pair, ends};
use super::{By, EndPhase, SERVER, Stream};
use crate::conn::{Cause, CloseMode, Conn, Ending, Wait};
use crate::cx::Cx;
use crate::data::{Ahead, Read};
use crate::handshake::rules::{ask_about_response, denial, remember_server};
use crate::rules::Verdict;
use crate::sys::Net;

/// What there is to say of bytes that were read ahead.
enum Come {
    /// More may come.
    More,
    /// No more come, or no more are held.
    All,
    /// The server has failed, behind the bytes that are held.
    Failed(Box<Cause>),
}

impl Stream {
    /// Asks the rules about the first bytes of the server. Returns whether bytes of it may be passed on.
    pub(super) fn inspect<N: Net>(&mut self, pair: &mut Pair<'_>, cx: &mut Cx<'_, N>) -> bool {
        let Some(mut inspection) = self.inspection.take() else { return true };
        let (Some(server), Some(client)) = ends(pair, SERVER) else {
            // No server is reached yet, so there is nothing to pass on, or none is there any more.
            self.inspection = Some(inspection);
            return true;
        };
        if server.word.is_opening() {
            self.inspection = Some(inspection);
            return false;
        }
        if server.word.is_closing() || client.word.is_closing() {
            return true;
        }
        let now = cx.now;
        let until = *inspection.until.get_or_insert(now + inspection.delay);
        let come = read_ahead(server, cx);
        let may_grow = matches!(come, Come::More) && now < until;
        let has_none = server.data.ahead.as_ref().is_none_or(|ahead| ahead.bytes().is_empty());
        if inspection.stores && has_none && matches!(come, Come::More) {
            server.flow |= Wait::READ;
            self.inspection = Some(inspection);
            return false;
        }
        let backend = inspection.backend.as_deref();
        let verdict = match come {
            Come::Failed(_) if has_none => Verdict::Accept,
            _ => ask_about_response(client, server, cx, backend, may_grow),
        };
        let (line, ending) = match verdict {
            Verdict::Accept => {
                if let Come::Failed(cause) = come {
                    // What came in front of the failure is passed on; a connection that has failed would
                    // drop it.
                    self.lanes[usize::from(SERVER)].buffer = server.data.ahead.take();
                    server.fail_session(cause);
                } else if inspection.stores
                    && let Some(number) = self.selection.as_ref().and_then(|it| it.number())
                {
                    remember_server(client, server, cx, backend, number);
                }
                return true;
            }
            Verdict::Wait => {
                server.flow |= Wait::READ;
                server.hold_until(until);
                self.inspection = Some(inspection);
                return false;
            }
            Verdict::Reject { line } => {
                // close_notify would vouch that the server has said no more.
                client.closes(CloseMode::Curt);
                (line, Ending::Orderly)
            }
            Verdict::SilentDrop { line } => {
                client.closes(CloseMode::Vanish);
                (line, Ending::Abort)
            }
        };
        let cause = denial(line);
        self.ended_by(By::Limit, EndPhase::Data, Some((*cause).clone()));
        let (Some(server), Some(client)) = ends(pair, SERVER) else { return false };
        server.end(Ending::Abort, None);
        client.end(ending, Some(cause));
        false
    }
}

/// Reads what has come of the server, as much as is held at once.
fn read_ahead<N: Net>(server: &mut Conn, cx: &mut Cx<'_, N>) -> Come {
    loop {
        match server.data.read_ahead(&mut server.ctrl, cx) {
            Ok(Ahead::Read(Read::Bytes(_))) => server.heard(cx.now),
            Ok(Ahead::Read(Read::Wait)) => return Come::More,
            Ok(Ahead::Full | Ahead::Read(Read::End | Read::Truncated)) => return Come::All,
            Err(cause) => return Come::Failed(cause),
        }
    }
}
