//! Evaluating rules: what they see of a connection, and what their verdict does.

use std::cell::{OnceCell, RefCell};
use std::net::{IpAddr, SocketAddr};

use crate::conn::{Cause, CloseMode, Conn, Op, Progress, RuleState, Wait, Why, is_first_step};
use crate::cx::{Cx, Directory};
use crate::data::{AHEAD_MAX, Ahead, Read};
use crate::rules::{
    ConnView, Effects, Load, Prefix, RulePhase, RuleProgress, RuleSet, Tls, Value, Verdict,
};
use crate::sys::{Addr, Net, SockOpt};
use crate::time::FOREVER;
use crate::tls::sha1;
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
        // Without a delay the rules do not wait, so there is nothing to bound.
        let delay =
            conn.facts.rule_state().map_or(0, |rule_state| rule_state.rules.inspect_delay());
        conn.arm_opening(cx.now, if delay == 0 { FOREVER } else { delay });
    }
    loop {
        let verdict = ask(conn, cx, phase);
        match verdict {
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

fn denied(op: Op, line: u32) -> Progress {
    Progress::Failed(cause(op, line))
}

fn cause(op: Op, line: u32) -> Box<Cause> {
    Box::new(Cause::new(Some(op), Why::Denied).because(format!("the rule of line {line} says no")))
}

fn ask<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, phase: RulePhase) -> Verdict {
    let now = cx.now;
    let verdict =
        look(conn, cx, |rules, progress, view| rules.evaluate(phase, progress, view, now));
    verdict.unwrap_or(Verdict::Accept)
}

/// Calls `ask` with the rules of a connection and a view of it; `None` where it has no rules.
fn look<N: Net, R>(
    conn: &mut Conn,
    cx: &mut Cx<'_, N>,
    ask: impl FnOnce(&RuleSet, &mut RuleProgress, &mut RuleView<'_, '_, N>) -> R,
) -> Option<R> {
    let mut rule_state = conn.facts.take_rule_state()?;
    let RuleState { rules, progress, variables, source, settled, .. } = &mut *rule_state;
    let mut view = RuleView {
        conn,
        net: RefCell::new(cx.net),
        directory: cx.directory,
        found: OnceCell::new(),
        local: OnceCell::new(),
        variables,
        source,
        settled: *settled,
    };
    let answer = ask(rules, progress, &mut view);
    conn.facts.rare_mut().rule_state = Some(rule_state);
    Some(answer)
}

/// A connection as rules see it.
struct RuleView<'a, 'n, N> {
    conn: &'a Conn,
    net: RefCell<&'n mut N>,
    directory: &'a dyn Directory,
    /// The source before rules, kept since nearly every rule needs it.
    found: OnceCell<Option<SocketAddr>>,
    /// Our end of the socket, asked of the system once.
    local: OnceCell<Option<Addr>>,
    variables: &'a mut Vec<(Box<str>, Value<'static>)>,
    source: &'a mut Option<IpAddr>,
    settled: bool,
}

impl<N: Net> RuleView<'_, '_, N> {
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

fn ip(addr: &Addr) -> Option<SocketAddr> {
    match addr {
        Addr::Ip(ip) => Some(*ip),
        Addr::Unix(_) => None,
    }
}

impl<N: Net> ConnView for RuleView<'_, '_, N> {
    fn source(&self) -> Option<SocketAddr> {
        let found = *self.found.get_or_init(|| ip(&self.conn.facts.found_source()));
        match *self.source {
            Some(set) => Some(SocketAddr::new(set, found.map_or(0, |found| found.port()))),
            None => found,
        }
    }

    fn destination(&self) -> Option<SocketAddr> {
        match self.conn.facts.announced() {
            Some((_, destination)) => ip(&destination),
            None => self.socket_destination(),
        }
    }

    fn socket_source(&self) -> Option<SocketAddr> {
        ip(&self.conn.facts.peer)
    }

    fn socket_destination(&self) -> Option<SocketAddr> {
        self.local().and_then(ip)
    }

    fn source_is_local(&self) -> Option<bool> {
        // A client of a unix socket is local, whatever source a rule has set.
        Some(match *self.conn.facts.found_source() {
            Addr::Unix(_) => true,
            Addr::Ip(_) => {
                let source = self.source()?.ip();
                source.is_loopback() || self.net.borrow_mut().is_own(source)
            }
        })
    }

    fn listener(&self) -> Option<&[u8]> {
        self.directory.listener_name(self.conn.facts.listener?).map(str::as_bytes)
    }

    fn proxy(&self) -> Option<&proxy::Header> {
        self.conn.facts.header()
    }

    fn prefix(&self) -> Prefix<'_> {
        let bytes = self.conn.data.ahead.as_ref().map_or(&[][..], |ahead| ahead.bytes());
        // One read may bring more than the rules may wait for. The verdict must not depend on how the
        // bytes arrived.
        let bytes = &bytes[..bytes.len().min(AHEAD_MAX)];
        let ended = self.conn.ctrl.at_eof() || self.settled || bytes.len() == AHEAD_MAX;
        Prefix { bytes, may_grow: !ended }
    }

    fn tls(&self) -> Option<Tls<'_>> {
        let agreed = self.conn.data.negotiated()?;
        Some(Tls {
            version: agreed.version.name(),
            cipher: agreed.suite_name,
            server_name: agreed.server_name.map(str::as_bytes),
            alpn: agreed.alpn,
            // The verification has succeeded: a certificate that fails it ends the handshake.
            verify: 0,
            certificate: agreed.peer_chain().next(),
        })
    }

    fn certificate_sha1(&self) -> Option<[u8; 20]> {
        self.tls()?.certificate.and_then(sha1)
    }

    fn backend(&self, name: &str) -> Option<Load> {
        self.directory.load(name)
    }
}

impl<N: Net> Effects for RuleView<'_, '_, N> {
    fn set_source(&mut self, address: IpAddr) {
        *self.source = Some(address);
    }

    fn set_mark(&mut self, mark: u32) {
        self.option(SockOpt::Mark(mark));
    }

    fn set_tos(&mut self, tos: u8) {
        self.option(SockOpt::Tos(tos));
    }

    fn set_variable(&mut self, name: &str, value: Value<'static>) {
        match self.variables.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, held)) => *held = value,
            None => self.variables.push((name.into(), value)),
        }
    }
}

/// The name of the backend that the rules of a connection choose for it, if they choose one.
pub(crate) fn chosen_backend<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>) -> Option<String> {
    let now = cx.now;
    let chosen = look(conn, cx, |rules, progress, view| {
        rules.backend(progress, view, now).map(str::to_owned)
    });
    chosen.flatten()
}
