//! The data layer: what the session reads and writes. Raw passes the bytes of the wire on; TLS protects
//! them.

mod notices;

use std::io::IoSlice;

use crate::buffer::{BULK_SIZE, Buffer};
use crate::cause::{Cause, Detail, Why};
use crate::ctrl::{Ctrl, Input, Output};
use crate::cx::Cx;
use crate::sys::{Errno, Net};
use crate::tls::{self, Negotiated, PLAINTEXT_MAX, RECORD_MAX, Reading, RemoteTls, Session};
use notices::noticing;

/// How much of a stream is read at a time: the payload of one TLS record, so that none is sent half
/// full; in bulk, that of four.
pub(crate) const UNIT: usize = PLAINTEXT_MAX;
pub(crate) const BULK_UNIT: usize = 4 * UNIT;
const _: () = assert!(BULK_UNIT + RECORD_MAX - PLAINTEXT_MAX <= BULK_SIZE);

/// Reading ahead stops once so many bytes, or more, are held.
pub(crate) const AHEAD_MAX: usize = 16 * 1024;

/// After so many receives without plaintext the drive's share is used up. An honest peer needs two for
/// a record.
const RECEIVES_WITHOUT_DATA: u32 = 4;

/// The protocol that protects the bytes.
#[derive(Debug)]
enum Layer {
    Raw,
    Tls(Box<Session>),
    /// The agent behind the link protects the bytes; here they are as the session reads and writes them.
    Remote(Box<RemoteTls>),
    /// What remains of TLS after it is torn down.
    WasTls {
        /// How many of the last bytes sent the peer need not read.
        needless: usize,
    },
}

/// The data layer of one connection.
#[derive(Debug)]
pub(crate) struct DataLayer {
    layer: Layer,
    /// Bytes for the layer above that were read before it asked: payload behind a header, and the rest
    /// of the bytes in a record.
    pub(crate) ahead: Option<Buffer>,
}

type Result<T> = std::result::Result<T, Box<Cause>>;

impl DataLayer {
    /// A layer that passes bytes on.
    pub(crate) const fn raw() -> Self {
        Self { layer: Layer::Raw, ahead: None }
    }

    /// Installs TLS. Bytes read ahead become its first input.
    pub(crate) fn put_tls<N>(
        &mut self,
        mut session: Box<Session>,
        cx: &mut Cx<'_, N>,
    ) -> Result<()> {
        if let Some(ahead) = self.ahead.take() {
            let input = session.input(cx.pool).map_err(tls_cause)?;
            input.extend(ahead.bytes());
            cx.pool.give(ahead);
        }
        self.layer = Layer::Tls(session);
        Ok(())
    }

    /// The TLS session, where there is one.
    pub(crate) const fn tls(&self) -> Option<&Session> {
        match &self.layer {
            Layer::Raw | Layer::Remote(_) | Layer::WasTls { .. } => None,
            Layer::Tls(session) => Some(session),
        }
    }

    /// The TLS session, mutably, where there is one.
    pub(crate) const fn tls_mut(&mut self) -> Option<&mut Session> {
        match &mut self.layer {
            Layer::Raw | Layer::Remote(_) | Layer::WasTls { .. } => None,
            Layer::Tls(session) => Some(session),
        }
    }

    /// Has the agent's TLS, which is established, protect the bytes.
    pub(crate) fn put_remote(&mut self, tls: Box<RemoteTls>) {
        self.layer = Layer::Remote(tls);
    }

    /// What TLS agreed on, here or at the agent; `None` without TLS and while its handshake lasts.
    pub(crate) fn negotiated(&self) -> Option<Negotiated<'_>> {
        match &self.layer {
            Layer::Tls(session) => session.negotiated(),
            Layer::Remote(tls) => Some(tls.negotiated()),
            Layer::Raw | Layer::WasTls { .. } => None,
        }
    }

    /// The name of the layer, as it is printed.
    pub(crate) const fn name(&self) -> &'static str {
        match &self.layer {
            Layer::Raw | Layer::WasTls { .. } => "raw",
            Layer::Tls(_) => "tls",
            Layer::Remote(_) => "remote-tls",
        }
    }

    /// Whether TLS protects the bytes, or did until it was torn down.
    pub(crate) const fn is_protected(&self) -> bool {
        !matches!(self.layer, Layer::Raw)
    }

    /// How many of the last bytes sent the peer need not read; known once the layer is torn down.
    pub(crate) const fn needless(&self) -> usize {
        match self.layer {
            Layer::WasTls { needless } => needless,
            Layer::Raw | Layer::Remote(_) | Layer::Tls(_) => 0,
        }
    }

    /// Whether bytes for the layer above are buffered.
    pub(crate) fn has_ahead(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| !ahead.is_empty())
    }

    /// How many bytes for the layer above are buffered.
    pub(crate) fn ahead_len(&self) -> usize {
        self.ahead.as_ref().map_or(0, Buffer::len)
    }

    /// Copies buffered bytes for the layer above, as many as there is room for.
    pub(crate) fn copy_ahead(&self, to: &mut [u8]) -> usize {
        let ahead = self.ahead.as_ref().map_or(&[][..], Buffer::bytes);
        let n = ahead.len().min(to.len());
        to[..n].copy_from_slice(&ahead[..n]);
        n
    }

    /// Whether more can be buffered for the layer above without the socket.
    pub(crate) fn has_more(&self) -> bool {
        self.tls().is_some_and(Session::has_input)
    }

    /// Whether a read returns something without the socket.
    pub(crate) fn has_input(&self) -> bool {
        self.has_ahead() || self.has_more()
    }

    /// What `input` of the layer below is without the records of TLS here.
    fn read_of(&self, input: Input, ctrl: &Ctrl) -> Read {
        match input {
            Input::End if matches!(self.layer, Layer::Remote(_)) && ctrl.is_truncated() => {
                Read::Truncated
            }
            input => input.into(),
        }
    }

    /// Reads into the caller's memory, which must not be empty.
    pub(crate) fn recv<N: Net>(
        &mut self,
        ctrl: &mut Ctrl,
        cx: &mut Cx<'_, N>,
        to: &mut [u8],
    ) -> Result<Read> {
        loop {
            if let Some(ahead) = &mut self.ahead {
                let n = ahead.drain_into(to);
                cx.pool.give_empty(&mut self.ahead);
                if n > 0 {
                    return Ok(Read::Bytes(n));
                }
            }
            match &mut self.layer {
                Layer::Raw | Layer::Remote(_) | Layer::WasTls { .. } => {
                    let input = ctrl.recv(cx, to);
                    return input.map(|input| self.read_of(input, ctrl)).map_err(system);
                }
                Layer::Tls(session) => {
                    let mut plain = cx.pool.take();
                    let read = tls_recv(session, ctrl, cx, &mut plain);
                    if !matches!(read, Ok(Read::Bytes(_))) {
                        cx.pool.give(plain);
                        return read;
                    }
                    self.ahead = Some(plain);
                }
            }
        }
    }

    /// Reads about `limit` bytes into a pooled buffer, and hands the buffer over.
    pub(crate) fn recv_buffer<N: Net>(
        &mut self,
        ctrl: &mut Ctrl,
        cx: &mut Cx<'_, N>,
        to: &mut Option<Buffer>,
        limit: usize,
    ) -> Result<Read> {
        debug_assert!(to.is_none(), "a buffer is in the way");
        if let Some(ahead) = self.ahead.take_if(|ahead| !ahead.is_empty()) {
            let n = ahead.len();
            *to = Some(ahead);
            return Ok(Read::Bytes(n));
        }
        // A session of TLS has a buffer of its own to give back first.
        if self.tls().is_none() && ctrl.would_wait() {
            return Ok(Read::Wait);
        }
        let mut buffer = cx.pool.take_for(limit);
        let read = match &mut self.layer {
            Layer::Raw | Layer::Remote(_) | Layer::WasTls { .. } => {
                let input = ctrl.recv(cx, &mut buffer.space()[..limit]);
                let read = input.map(|input| self.read_of(input, ctrl)).map_err(system);
                if let Ok(Read::Bytes(n)) = read {
                    buffer.commit(n);
                }
                read
            }
            Layer::Tls(session) => tls_recv(session, ctrl, cx, &mut buffer),
        };
        if matches!(read, Ok(Read::Bytes(_))) {
            *to = Some(buffer);
        } else {
            cx.pool.give(buffer);
        }
        read
    }

    /// Reads the end of which the lower layer is known to have one, or at most `most` bytes before it into
    /// `buffer` behind those that it holds; `None` if no end is known, or the buffer may take no more.
    pub(crate) fn recv_end<N: Net>(
        &mut self,
        ctrl: &mut Ctrl,
        cx: &mut Cx<'_, N>,
        buffer: &mut Buffer,
        most: usize,
    ) -> Option<Result<Read>> {
        match &self.layer {
            Layer::Tls(session) => return session.is_peer_closed().then_some(Ok(Read::End)),
            Layer::Remote(_) => return None,
            Layer::Raw | Layer::WasTls { .. } => {}
        }
        let space = buffer.space();
        if !ctrl.hung_up() || space.is_empty() || most == 0 || self.ahead.is_some() {
            return None;
        }
        let most = space.len().min(most);
        let read = ctrl.recv(cx, &mut space[..most]).map(Read::from).map_err(system);
        if let Ok(Read::Bytes(n)) = read {
            buffer.commit(n);
        }
        Some(read)
    }

    /// Reads more bytes ahead, behind those that are held already.
    pub(crate) fn read_ahead<N: Net>(
        &mut self,
        ctrl: &mut Ctrl,
        cx: &mut Cx<'_, N>,
    ) -> Result<Ahead> {
        if self.ahead.as_ref().is_some_and(|ahead| ahead.len() >= AHEAD_MAX) {
            return Ok(Ahead::Full);
        }
        let mut more = cx.pool.take();
        let read = match &mut self.layer {
            Layer::Raw | Layer::Remote(_) | Layer::WasTls { .. } => {
                let input = ctrl.recv(cx, more.space());
                let read = input.map(|input| self.read_of(input, ctrl)).map_err(system);
                if let Ok(Read::Bytes(n)) = read {
                    more.commit(n);
                }
                read
            }
            Layer::Tls(session) => tls_recv(session, ctrl, cx, &mut more),
        };
        match &mut self.ahead {
            Some(ahead) => {
                ahead.extend(more.bytes());
                cx.pool.give(more);
            }
            None if more.is_empty() => cx.pool.give(more),
            None => self.ahead = Some(more),
        }
        read.map(Ahead::Read)
    }

    /// Takes bytes of the session, all or a part. Raw keeps nothing; TLS keeps at most four records
    /// that the kernel had no room for.
    pub(crate) fn send<N: Net>(
        &mut self,
        ctrl: &mut Ctrl,
        cx: &mut Cx<'_, N>,
        payload: &[u8],
    ) -> Result<Output> {
        self.send_leaving(ctrl, cx, payload, Leaving::AtOnce)
    }

    /// [`Self::send`] of the last bytes before [`Self::shut_write`], which has to follow at once: what the
    /// layer says at its end leaves with them.
    pub(crate) fn send_last<N: Net>(
        &mut self,
        ctrl: &mut Ctrl,
        cx: &mut Cx<'_, N>,
        payload: &[u8],
    ) -> Result<Output> {
        self.send_leaving(ctrl, cx, payload, Leaving::WithTheEnd)
    }

    fn send_leaving<N: Net>(
        &mut self,
        ctrl: &mut Ctrl,
        cx: &mut Cx<'_, N>,
        payload: &[u8],
        leaving: Leaving,
    ) -> Result<Output> {
        let sent = match (&mut self.layer, leaving) {
            (Layer::Tls(session), _) => return tls_send(session, ctrl, cx, payload, leaving),
            (_, Leaving::AtOnce) => ctrl.send(cx, payload),
            (_, Leaving::WithTheEnd) => ctrl.send_last(cx, payload),
        };
        sent.map_err(system)
    }

    /// [`Self::send`] of several pieces: raw in one call, TLS in as few records as they fit.
    pub(crate) fn send_vectored<N: Net>(
        &mut self,
        ctrl: &mut Ctrl,
        cx: &mut Cx<'_, N>,
        pieces: &[IoSlice<'_>],
    ) -> Result<Output> {
        let Layer::Tls(session) = &mut self.layer else {
            return ctrl.send_vectored(cx, pieces).map_err(system);
        };
        let mut joined = cx.pool.take();
        for piece in pieces {
            let room = UNIT - joined.len();
            joined.extend(&piece[..piece.len().min(room)]);
        }
        let sent = tls_send(session, ctrl, cx, joined.bytes(), Leaving::AtOnce);
        cx.pool.give(joined);
        sent
    }

    /// Puts all bytes of the session behind those that wait to be sent.
    pub(crate) fn queue<N: Net>(
        &mut self,
        ctrl: &mut Ctrl,
        cx: &mut Cx<'_, N>,
        payload: &[u8],
    ) -> Result<()> {
        let mut rest = payload;
        while !rest.is_empty() {
            let n = match &self.layer {
                Layer::Tls(_) => rest.len().min(PLAINTEXT_MAX),
                Layer::Raw | Layer::Remote(_) | Layer::WasTls { .. } => rest.len(),
            };
            let size = n + RECORD_MAX - PLAINTEXT_MAX;
            let mut out = ctrl.take_out(cx, size);
            cx.pool.make_room(&mut out, size);
            let taken = match &mut self.layer {
                Layer::Tls(session) => {
                    noticing(session, cx, |session, _| session.encrypt(&rest[..n], &mut out))
                        .map_err(tls_cause)
                }
                Layer::Raw | Layer::Remote(_) | Layer::WasTls { .. } => {
                    out.extend(&rest[..n]);
                    Ok(n)
                }
            };
            ctrl.begin_with(out);
            rest = &rest[taken?..];
        }
        Ok(())
    }

    /// Whether one direction can end alone. TLS 1.2 has no half-close (RFC 5246 section 7.2.1).
    pub(crate) fn half_closes(&self) -> bool {
        let version = match &self.layer {
            Layer::Tls(session) => session.version(),
            Layer::Remote(tls) => Some(tls.version),
            Layer::Raw | Layer::WasTls { .. } => None,
        };
        version != Some(tls::TlsVersion::Tls12)
    }

    /// Ends the outgoing direction. Returns whether that was sent.
    pub(crate) fn shut_write<N: Net>(
        &mut self,
        ctrl: &mut Ctrl,
        cx: &mut Cx<'_, N>,
        parting: Parting,
    ) -> std::result::Result<bool, Errno> {
        match (&mut self.layer, parting) {
            (Layer::Tls(session), Parting::Vouched) => {
                noticing(session, cx, |session, cx| session.close_notify(ctrl.out(cx)));
            }
            // The agent ends TLS together with the direction.
            (Layer::Remote(_), Parting::Curt) => ctrl.end_curtly(),
            _ => {}
        }
        ctrl.flush_last(cx)
    }

    /// Tears the layer down. Bytes read ahead are dropped.
    pub(crate) fn close<N>(&mut self, cx: &mut Cx<'_, N>) {
        if let Layer::Tls(session) = &mut self.layer {
            let needless = session.needless();
            session.give_back(cx.pool);
            self.layer = Layer::WasTls { needless };
        }
        self.drop_ahead(cx);
    }

    /// Drops bytes read ahead: the layer above does not read any more.
    pub(crate) fn drop_ahead<N>(&mut self, cx: &mut Cx<'_, N>) {
        if let Some(ahead) = self.ahead.take() {
            cx.pool.give(ahead);
        }
    }
}

/// The result of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// So many bytes, at least one.
    Bytes(usize),
    /// None now: readiness will be reported.
    Wait,
    /// An end in order by the protocol of the layer.
    End,
    /// The layer below ended before this layer's own end.
    Truncated,
}

impl From<Input> for Read {
    fn from(input: Input) -> Self {
        match input {
            Input::Bytes(n) => Self::Bytes(n),
            Input::Wait => Self::Wait,
            Input::End => Self::End,
        }
    }
}

/// The result of reading ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ahead {
    /// The result of the read.
    Read(Read),
    /// No more bytes can be held.
    Full,
}

/// When bytes are to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// Now.
    AtOnce,
    /// Together with the layer's end, which is sent next.
    WithTheEnd,
}

/// How the outgoing direction is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parting {
    /// With the layer's own end (close_notify), which vouches that no bytes are missing.
    Vouched,
    /// Without it, since bytes may be missing.
    Curt,
}

/// Reads into `plain`, which is empty. If the socket is expected to have more, [`Read::Wait`] means
/// that the drive's share is used up.
fn tls_recv<N: Net>(
    session: &mut Session,
    ctrl: &mut Ctrl,
    cx: &mut Cx<'_, N>,
    plain: &mut Buffer,
) -> Result<Read> {
    let mut receives = 0;
    loop {
        if session.has_input() {
            match decrypt(session, ctrl, cx, plain)? {
                Reading { got: 0, closed: true, .. } => return Ok(Read::End),
                Reading { got: 0, .. } => {}
                Reading { got, .. } => return Ok(Read::Bytes(got)),
            }
        }
        if receives == RECEIVES_WITHOUT_DATA {
            session.rest(cx.pool);
            return Ok(Read::Wait);
        }
        receives += 1;
        // The space for a record is as large as the buffer that it is decrypted to.
        session.expect(plain.capacity(), cx.pool);
        let input = session.input(cx.pool).map_err(tls_cause)?;
        let read = ctrl.recv(cx, input.space());
        match read {
            Ok(Input::Bytes(n)) => input.commit(n),
            Ok(Input::Wait) => {
                session.rest(cx.pool);
                return Ok(Read::Wait);
            }
            Ok(Input::End) => {
                session.rest(cx.pool);
                return match session.eof() {
                    tls::InputEnd::Clean => Ok(Read::End),
                    tls::InputEnd::Truncated => Ok(Read::Truncated),
                    tls::InputEnd::Failed(failure) => Err(tls_cause(failure)),
                };
            }
            Err(errno) => {
                session.rest(cx.pool);
                return Err(system(errno));
            }
        }
    }
}

/// Decrypts what was received. A failure behind plaintext is latched, and returned by the next call.
fn decrypt<N>(
    session: &mut Session,
    ctrl: &mut Ctrl,
    cx: &mut Cx<'_, N>,
    plain: &mut Buffer,
) -> Result<Reading> {
    let reading =
        noticing(session, cx, |session, cx| session.decrypt(plain, ctrl.out(cx), cx.pool));
    ctrl.trim(cx);
    reading.or_else(|failure| match plain.len() {
        0 => Err(tls_cause(failure)),
        got => Ok(Reading { got, closed: false, no_room: false }),
    })
}

fn tls_send<N: Net>(
    session: &mut Session,
    ctrl: &mut Ctrl,
    cx: &mut Cx<'_, N>,
    payload: &[u8],
    leaving: Leaving,
) -> Result<Output> {
    let mut rest = payload;
    'records: while !rest.is_empty() {
        // Small records of the protocol itself (tickets, a KeyUpdate) are sent with the payload. Larger
        // ones, or ones that leave no room for the next record, are sent first.
        let in_the_way =
            |out: &Buffer| out.len() > RECORD_MAX / 2 || out.room() < record_size(rest.len());
        if ctrl.queued().is_some_and(in_the_way) && !ctrl.flush(cx).map_err(system)? {
            break;
        }
        // An empty buffer has room for a record.
        let out = ctrl.out_for(cx, rest.len());
        while !rest.is_empty() && out.room() >= record_size(rest.len()) {
            match noticing(session, cx, |session, _| session.encrypt(rest, out)) {
                Ok(taken) => rest = &rest[taken..],
                // Records encrypted before are still sent; the next call meets the failure again.
                Err(_) if rest.len() < payload.len() => break 'records,
                Err(failure) => return Err(tls_cause(failure)),
            }
        }
    }
    if leaving == Leaving::AtOnce || !rest.is_empty() {
        ctrl.flush(cx).map_err(system)?;
    }
    let taken = payload.len() - rest.len();
    Ok(if taken == 0 && !payload.is_empty() { Output::Wait } else { Output::Bytes(taken) })
}

/// The most bytes that the next record can take on the wire, when so many remain to be sent.
fn record_size(rest: usize) -> usize {
    RECORD_MAX - PLAINTEXT_MAX + rest.min(PLAINTEXT_MAX)
}

/// The cause for an errno while the session's bytes move.
pub(crate) fn system(errno: Errno) -> Box<Cause> {
    Box::new(Cause::system(None, errno))
}

/// The cause for a failure of TLS.
pub(crate) fn tls_cause(failure: tls::Failure) -> Box<Cause> {
    let why = match failure.why {
        tls::FailureKind::Truncated => Why::Truncated,
        tls::FailureKind::TooLarge => Why::TooLarge,
        tls::FailureKind::KeyLimit => Why::KeyLimit,
        tls::FailureKind::AlertReceived(_) => Why::Refused,
        tls::FailureKind::Certificate | tls::FailureKind::NoCommonParameters => Why::Denied,
        tls::FailureKind::PeerMisbehaved => Why::Malformed,
        tls::FailureKind::Internal => Why::System,
    };
    let detail = failure.alert.map_or(Detail::None, Detail::Alert);
    Box::new(Cause::new(None, why).with(detail).because(failure.text))
}
