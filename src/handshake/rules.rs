//! Evaluating rules: what they see of a connection, and what their verdict does.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use crate::conn::{
    Cause, CloseMode, Conn, Direction, Op, Progress, RuleState, SetEnds, Wait, Why, is_first_step,
};
use crate::cx::{Cx, Directory};
use crate::data::{AHEAD_MAX, Ahead, Read};
use crate::rules::{
    ConnView, Effects, LimitedDirection, ListenerView, Load, LogLevel, Prefix, RulePhase,
    RuleProgress, RuleSet, ServerLoad, StickEntry, TcpInfo, Tls, Value, Verdict,
};
use crate::sys::{Addr, Net, SockOpt};
use crate::time::{FOREVER, Time};
use crate::tls::sha1;
use crate::token_bucket::RateLimit;
use crate::wire::proxy;

/// The phase of the rules that `op` evaluates.
const fn phase(op: Op) -> Option<RulePhase> {
    match op {
        Op::AcceptRules => Some(RulePhase::Accept),
        Op::TcpRules => Some(RulePhase::Connection),
        Op::Inspect => Some(RulePhase::Content),
        Op::SessionRules => Some(RulePhase::Session),
        _ => None,
    }
}

/// One step of an operation that evaluates rules.
pub(super) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    let Some(phase) = phase(op) else { return Progress::Done };
    if op == Op::Inspect && is_first_step(conn.word, op) {
        begin_session(conn, cx);
        begin_inspection(conn, cx.now);
    }
    loop {
        let verdict = ask(conn, cx, phase);
        match verdict {
            Verdict::Accept if op == Op::Inspect && enter_backend(conn, cx) => {
                begin_inspection(conn, cx.now);
            }
            Verdict::Accept => return Progress::Done,
            Verdict::Reject { line } => return denied(op, line),
            Verdict::SilentDrop { line } => {
                conn.closes(CloseMode::Vanish);
                return denied(op, line);
            }
            Verdict::Wait => match conn.data.read_ahead(&mut conn.ctrl, cx) {
                Ok(Ahead::Read(Read::Bytes(_))) => {}
                Ok(Ahead::Read(Read::Wait)) => return Progress::Wait(Wait::READ | Wait::TIMER),
                Ok(Ahead::Full | Ahead::Read(Read::End | Read::Truncated)) => conn.settle_rules(),
                Err(mut cause) => {
                    cause.at = Some(op);
                    return Progress::Failed(cause);
                }
            },
        }
    }
}

/// The wait of content rules for bytes begins: of those of the listener, or of the backend.
fn begin_inspection(conn: &mut Conn, now: Time) {
    let Some(rule_state) = conn.facts.rule_state_mut() else { return };
    rule_state.settled = false;
    // Without a delay the rules do not wait, so there is nothing to bound.
    let delay = match rule_state.rules.inspect_delay(&rule_state.progress) {
        0 => FOREVER,
        delay => delay,
    };
    conn.arm_opening(now, delay);
}

/// The connection has passed the session rules: it counts as a session, in the listener and in the
/// entries that track it.
pub(super) fn begin_session<N>(conn: &mut Conn, cx: &Cx<'_, N>) {
    if let Some(listener) = conn.facts.listener {
        cx.directory.count_session(listener, cx.now);
    }
    if let Some(rule_state) = conn.facts.rule_state_mut() {
        rule_state.count_session(cx.now);
    }
}

fn denied(op: Op, line: u32) -> Progress {
    Progress::Failed(denial(Some(op), line))
}

fn ask<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, phase: RulePhase) -> Verdict {
    let now = cx.now;
    let verdict =
        look(conn, cx, |rules, progress, view| rules.evaluate(phase, progress, view, now));
    verdict.unwrap_or(Verdict::Accept)
}

/// Whether rules of the backend come next.
fn enter_backend<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> bool {
    let now = cx.now;
    let entered = look(conn, cx, |rules, progress, view| rules.enter_backend(progress, view, now));
    entered.unwrap_or(false)
}

/// The verdict of the rules of a client about the first bytes of a server of this backend, as they were
/// read ahead; `may_grow` says whether more bytes are waited for.
pub(crate) fn ask_about_response<N: Net>(
    client: &mut Conn,
    server: &Conn,
    cx: &mut Cx<'_, N>,
    backend: Option<&str>,
    may_grow: bool,
) -> Verdict {
    let now = cx.now;
    let verdict = look(client, cx, |rules, progress, view| {
        view.response = Some(ResponseView { server, may_grow });
        rules.evaluate_response(backend, progress, view, now)
    });
    verdict.unwrap_or(Verdict::Accept)
}

/// Remembers a server by this number in the entries that `stick` lines find in its first bytes.
pub(crate) fn remember_server<N: Net>(
    client: &mut Conn,
    server: &Conn,
    cx: &mut Cx<'_, N>,
    backend: Option<&str>,
    number: NonZeroU32,
) {
    let now = cx.now;
    let entries = look(client, cx, |rules, progress, view| {
        view.response = Some(ResponseView { server, may_grow: false });
        rules.response_entries(backend, progress, view, now)
    });
    for entry in entries.into_iter().flatten() {
        // A table that is full remembers nothing more, which it counts.
        let _ = entry.table.set_server(entry.key.borrow(), number, now);
    }
}

/// The failure of a connection to which the rule of a line says no.
pub(crate) fn denial(at: Option<Op>, line: u32) -> Box<Cause> {
    Box::new(Cause::new(at, Why::Denied).because(format!("the rule of line {line} says no")))
}

/// Calls `ask` with the rules of a connection and a view of it; `None` where it has no rules.
fn look<'r, N: Net, R>(
    conn: &mut Conn,
    cx: &mut Cx<'_, N>,
    ask: impl FnOnce(&RuleSet, &mut RuleProgress, &mut RuleView<'_, '_, 'r, N>) -> R,
) -> Option<R> {
    let mut rule_state = conn.facts.take_rule_state()?;
    let RuleState { rules, progress, variables, ends, captures, log_level, settled, .. } =
        &mut *rule_state;
    let mut view = RuleView {
        conn,
        net: RefCell::new(cx.net),
        directory: cx.directory,
        now: cx.now,
        found: OnceCell::new(),
        local: OnceCell::new(),
        variables,
        ends,
        captures,
        log_level,
        settled: *settled,
        response: None,
    };
    let answer = ask(rules, progress, &mut view);
    conn.facts.rare_mut().rule_state = Some(rule_state);
    Some(answer)
}

/// A connection as rules see it.
struct RuleView<'a, 'n, 'r, N> {
    conn: &'a mut Conn,
    net: RefCell<&'n mut N>,
    directory: &'a dyn Directory,
    now: Time,
    /// The source before rules, kept since nearly every rule needs it.
    found: OnceCell<Option<SocketAddr>>,
    /// Our end of the socket, asked of the system once.
    local: OnceCell<Option<Addr>>,
    variables: &'a mut Vec<(Box<str>, Value<'static>)>,
    ends: &'a mut SetEnds,
    captures: &'a mut Vec<(usize, Vec<u8>)>,
    log_level: &'a mut Option<LogLevel>,
    settled: bool,
    /// The server, for rules about its first bytes.
    response: Option<ResponseView<'r>>,
}

/// A server whose first bytes rules look at.
#[derive(Clone, Copy)]
struct ResponseView<'r> {
    server: &'r Conn,
    /// Whether more bytes are waited for.
    may_grow: bool,
}

/// The first bytes of a connection, of which one read may bring more than rules wait for: the verdict must
/// not depend on how the bytes arrived.
fn prefix(conn: &Conn, may_grow: bool) -> Prefix<'_> {
    let bytes = conn.data.ahead.as_ref().map_or(&[][..], |ahead| ahead.bytes());
    let bytes = &bytes[..bytes.len().min(AHEAD_MAX)];
    Prefix { bytes, may_grow: may_grow && bytes.len() < AHEAD_MAX }
}

/// What a connection's handshake agreed on.
fn tls_of(conn: &Conn) -> Option<Tls<'_>> {
    let agreed = conn.data.negotiated()?;
    Some(Tls {
        version: agreed.version.name(),
        cipher: agreed.suite_name,
        server_name: agreed.server_name.map(str::as_bytes),
        alpn: agreed.alpn,
        is_resumed: agreed.resumed,
        // The verification has succeeded: a certificate that fails it ends the handshake.
        verify: 0,
        certificate: agreed.peer_chain().next(),
    })
}

impl<N: Net> RuleView<'_, '_, '_, N> {
    fn local(&self) -> Option<&Addr> {
        let ask = || {
            let known = self.conn.facts.local().cloned();
            known.or_else(|| self.conn.ctrl.local(*self.net.borrow_mut()))
        };
        self.local.get_or_init(ask).as_ref()
    }

    fn option(&mut self, option: SockOpt) {
        self.conn.ctrl.set(*self.net.get_mut(), option);
    }
}

impl<N: Net> ConnView for RuleView<'_, '_, '_, N> {
    fn source(&self) -> Option<SocketAddr> {
        let found = || self.conn.facts.found_source().as_ip().copied();
        self.ends.source(*self.found.get_or_init(found))
    }

    fn destination(&self) -> Option<SocketAddr> {
        self.ends.destination(match self.conn.facts.announced() {
            Some((_, destination)) => destination.as_ip().copied(),
            None => self.socket_destination(),
        })
    }

    fn socket_source(&self) -> Option<SocketAddr> {
        self.conn.facts.peer.as_ip().copied()
    }

    fn socket_destination(&self) -> Option<SocketAddr> {
        self.local().and_then(Addr::as_ip).copied()
    }

    fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.net.borrow_mut().is_own(address)
    }

    fn is_unix(&self) -> bool {
        // A client of a unix socket is local, whatever source a rule has set.
        matches!(*self.conn.facts.found_source(), Addr::Unix(_))
    }

    fn listener(&self) -> Option<ListenerView<'_>> {
        self.directory.listener(self.conn.facts.listener?, self.now)
    }

    fn proxy(&self) -> Option<&proxy::Header> {
        self.conn.facts.header()
    }

    fn prefix(&self) -> Prefix<'_> {
        match self.response {
            Some(ResponseView { server, may_grow }) => prefix(server, may_grow),
            None => prefix(self.conn, !self.conn.ctrl.at_eof() && !self.settled),
        }
    }

    fn tls(&self) -> Option<Tls<'_>> {
        tls_of(self.conn)
    }

    fn certificate_chain(&self) -> Option<Vec<u8>> {
        let chain = self.conn.data.negotiated()?.peer_chain();
        (chain.len() > 0).then(|| chain.flatten().copied().collect())
    }

    fn server_source(&self) -> Option<SocketAddr> {
        let server = self.response?.server;
        let known = server.facts.local().cloned();
        known.or_else(|| server.ctrl.local(*self.net.borrow_mut()))?.as_ip().copied()
    }

    fn server_destination(&self) -> Option<SocketAddr> {
        self.response?.server.facts.peer.as_ip().copied()
    }

    fn server_tls(&self) -> Option<Tls<'_>> {
        tls_of(self.response?.server)
    }

    fn certificate_sha1(&self) -> Option<[u8; 20]> {
        self.tls()?.certificate.and_then(sha1)
    }

    fn tcp(&self) -> Option<TcpInfo> {
        self.conn.ctrl.tcp_info(*self.net.borrow_mut())
    }

    fn backend(&self, name: &str) -> Option<Load> {
        self.directory.load(name, self.now)
    }

    fn server(&self, name: &str) -> Option<ServerLoad> {
        self.directory.server_load(name)
    }

    fn variable(&self, name: &str) -> Option<&Value<'static>> {
        self.variables.iter().find(|(known, _)| **known == *name).map(|(_, value)| value)
    }
}

impl<N: Net> Effects for RuleView<'_, '_, '_, N> {
    fn set_source(&mut self, address: IpAddr) {
        self.ends.source = Some(address);
    }

    fn set_source_port(&mut self, port: u16) {
        self.ends.source_port = Some(port);
    }

    fn set_destination(&mut self, address: IpAddr) {
        self.ends.destination = Some(address);
    }

    fn set_destination_port(&mut self, port: u16) {
        self.ends.destination_port = Some(port);
    }

    fn set_mark(&mut self, mark: u32) {
        self.option(SockOpt::Mark(mark));
    }

    fn set_tos(&mut self, tos: u8) {
        self.option(SockOpt::Tos(tos));
    }

    fn set_variable(&mut self, name: &str, value: Option<Value<'static>>) {
        let held = self.variables.iter().position(|(known, _)| **known == *name);
        match (held, value) {
            (Some(at), Some(value)) => self.variables[at].1 = value,
            (None, Some(value)) => self.variables.push((name.into(), value)),
            (Some(at), None) => drop(self.variables.swap_remove(at)),
            (None, None) => {}
        }
    }

    fn capture(&mut self, number: usize, value: Vec<u8>) {
        self.captures.retain(|(held, _)| *held != number);
        self.captures.push((number, value));
    }

    fn set_log_level(&mut self, level: LogLevel) {
        *self.log_level = Some(level);
    }

    fn expect_proxy(&mut self) {
        // One that the listener expects has been read already.
        if !self.conn.word.is_complete(Op::AcceptProxy) {
            self.conn.word.want(Op::AcceptProxy);
        }
    }

    fn limit(&mut self, direction: LimitedDirection, bytes: u64, period: u64) {
        let direction = match direction {
            LimitedDirection::Incoming => Direction::Read,
            LimitedDirection::Outgoing => Direction::Write,
        };
        self.conn.limit_rate(direction, RateLimit::new(bytes, period), self.now);
    }
}

/// The name of the backend that the rules of a connection choose for it, if they choose one.
pub(crate) fn chosen_backend<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Option<String> {
    let now = cx.now;
    let chosen = look(conn, cx, |rules, progress, view| {
        rules.backend(progress, view, now).map(Cow::into_owned)
    });
    chosen.flatten()
}

/// The entries in which the server of a connection for this backend is remembered or looked for.
pub(crate) fn stick_entries<N: Net>(
    conn: &mut Conn,
    cx: &mut Cx<'_, N>,
    backend: Option<&str>,
) -> Vec<StickEntry> {
    let sticks = conn.facts.rule_state().is_some_and(|it| it.rules.remembers_servers());
    if !sticks {
        return Vec::new();
    }
    let now = cx.now;
    let found =
        look(conn, cx, |rules, progress, view| rules.stick_entries(backend, progress, view, now));
    found.unwrap_or_default()
}
