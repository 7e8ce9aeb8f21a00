//! Which code runs an operation.

use crate::conn::{Clock, Conn, News, Op, OpSet, Progress, closing, is_first_step};
use crate::cx::Cx;
use crate::sys::Net;
use crate::time::FOREVER;

/// One step of `op`.
pub(crate) fn step<N: Net>(conn: &mut Conn, cx: &mut Cx<'_, N>, op: Op) -> Progress {
    if OpSet::OPENING.has(op) && is_first_step(conn.word, op) {
        open_clock(conn, cx, op);
    }
    match op {
        Op::MonitorIn => super::monitor_in(conn, cx),
        Op::AcceptProxy => super::accept_proxy(conn, cx),
        Op::AcceptCip => super::accept_cip(conn, cx),
        Op::CustomRaw | Op::CustomClear | Op::CustomRawOut | Op::CustomClearOut => {
            super::custom(conn, cx, op)
        }
        Op::AcceptRules | Op::TcpRules | Op::Inspect | Op::SessionRules => {
            super::rules::step(conn, cx, op)
        }
        Op::TlsAccept => super::tls_accept(conn, cx),
        Op::SendLastChunk => super::last_chunk(conn, cx),
        Op::AcceptSession => accept_session(conn),
        Op::CtrlConnect => super::connect(conn, cx),
        Op::SendProxy => super::send_proxy(conn, cx),
        Op::SocksSend => super::socks_send(conn, cx),
        Op::SocksRecv => super::socks_recv(conn, cx),
        Op::TlsConnect => super::tls_connect(conn, cx),
        Op::Dshw => closing::data_shut_write(conn, cx),
        Op::Dshr => closing::data_shut_read(conn, cx),
        Op::Dclose => closing::data_close(conn, cx),
        Op::Cshw => closing::ctrl_shut_write(conn, cx),
        Op::Cshr => Progress::Done,
        Op::Cclose => closing::ctrl_close(conn, cx),
        Op::Fclose => closing::fd_close(conn, cx),
    }
}

/// The deadline of an opening operation counts from its start, and all of them together are bounded
/// from the connection's beginning. No byte restarts it.
fn open_clock<N>(conn: &mut Conn, cx: &Cx<'_, N>, op: Op) {
    let spans = conn.facts.spans();
    let span = match op.clock() {
        Clock::Proxy => spans.proxy,
        Clock::Connect => spans.connect,
        Clock::Tls => spans.tls,
        Clock::Linger => conn.facts.farewell().linger,
        Clock::Custom => conn.facts.customs(op).next().map_or(FOREVER, |custom| custom.span),
        Clock::Unbounded | Clock::Drain => FOREVER,
    };
    conn.facts.op_since = cx.now;
    // What belongs to a connect goes on within its span.
    let goes_on = op.clock() == Clock::Connect && op != Op::CtrlConnect;
    if !goes_on {
        conn.arm_opening(cx.now, span);
    }
}

/// The handlers are done: the host gets the session.
fn accept_session(conn: &mut Conn) -> Progress {
    conn.news.insert(News::SESSION);
    Progress::Done
}
