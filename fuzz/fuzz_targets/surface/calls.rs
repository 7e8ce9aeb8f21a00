//! Every function of the header, with arguments from the scene, and what its success means.

use std::ptr::null_mut;
use std::sync::LazyLock;

use vestibule::ffi::surface::*;

use super::block::Block;
use super::header::{Contract, statuses, structs_with_a_size};
use super::host::Kind;
use super::make;
use super::outcome::{Answer, OK, written};
use super::scene::Scene;
use super::words;

/// A call, and the status that it answered if it has one.
type Call = fn(&Scene) -> Option<vst_status>;

/// A row for each function: what lives as long as the call, the arguments, and what follows.
macro_rules! calls {
    ($s:ident, $status:ident; $(
        $([$($before:tt)*])? $name:ident($($argument:expr),*) $(=> $after:expr)?;
    )*) => {
        #[allow(unused_unsafe, unused_variables, reason = "not every row needs both")]
        pub const CALLS: &[(&str, Call)] = &[$((stringify!($name), |$s| {
            $($($before)*)?
            let $status = unsafe { $name($($argument),*) }.status();
            $($after;)?
            $status
        })),*];
    };
}

static CONTRACTS: LazyLock<Vec<Contract>> = LazyLock::new(|| {
    let (numbers, sized) = (statuses(), structs_with_a_size());
    CALLS.iter().map(|(name, _)| Contract::of(name, &numbers, &sized)).collect()
});

pub fn contract(index: usize) -> &'static Contract {
    &CONTRACTS[index]
}

pub fn index_of(name: &str) -> usize {
    CALLS.iter().position(|call| call.0 == name).unwrap_or_else(|| panic!("no {name}"))
}

calls! { s, status;
    // 1. Statuses
    vst_strerror(s.input.number() as i32);
    vst_status_name(s.input.number() as i32);
    // 2. Addresses
    [let addr = s.address(); let to = s.room();]
        vst_addr_text(addr.at(), to.at(), to.len(), s.out());
    [let addr = s.address();]
        vst_addr_parse(s.text(words::ADDRESSES), addr.at(), s.why(), s.why_size());
    // 3. The engine
    [let o = s.room();] vst_engine_options_init(o.at(), o.len() as u32);
    [let o = s.engine_options(); let mut out = null_mut();]
        vst_engine_new(o.at(), &mut out, s.why(), s.why_size()) => s.begin(out);
    [let unlikely = !s.input.one_in(8); let engine = s.engine();
     let engine = if unlikely { null_mut() } else { engine };
     let vst_engine_free = |engine| s.free(engine);] vst_engine_free(engine);
    [let o = s.blank::<vst_event>();] vst_engine_next(s.engine(), o.at()) => {
        if status == OK { s.judge(&written(o.at::<vst_event>())) }
    };
    vst_engine_drain(
        s.engine(), if s.input.one_in(4) { s.one_of(&[1, 2, 3]) } else { 1 }, s.span()
    );
    [let o = s.blank::<vst_drain>();] vst_engine_drain_state(s.engine(), o.at());
    [let o = s.blank::<vst_engine_counters>();] vst_engine_get_counters(s.engine(), o.at());
    vst_engine_trace(s.engine(), s.flags(words::TRACED) as u32);
    vst_event_name(s.input.number() as u32);
    // 4. The poller
    [let o = s.blank::<vst_wait>();]
        vst_engine_ready(s.engine(), s.token(), s.events(), s.now(), s.maybe(o.at()));
    [let o = s.blank::<vst_wait>(); let engine = s.engine(); let (list, count) = s.readiness();]
        vst_engine_ready_batch(engine, list.at(), count, s.now(), s.maybe(o.at()));
    [let o = s.blank::<vst_wait>();]
        vst_engine_ready_fd(s.engine(), s.input.below(20) as i32, s.events(), s.now(), o.at());
    [let o = s.blank::<vst_wait>();] vst_engine_run(s.engine(), s.now(), s.maybe(o.at()));
    [let o = s.blank::<vst_wait>();] vst_engine_wait(s.engine(), o.at());
    vst_engine_batch_begin(s.engine());
    [let o = s.blank::<vst_wait>();] vst_engine_batch_end(s.engine(), s.maybe(o.at()));
    vst_token_conn(s.engine(), s.token(), s.out());
    vst_token_set_user(s.engine(), s.token(), s.user());
    // 5. Listeners
    [let o = s.room();] vst_listener_options_init(o.at(), o.len() as u32);
    [let o = s.listener_options(); let mut out = 0;]
        vst_listener_open(
            s.engine(), s.text(words::ADDRESSES), s.accepts.some(&s.input), s.maybe(o.at()),
            &mut out, s.out(), s.why(), s.why_size()
        )
        => s.know(Kind::Listener, out);
    [let o = s.listener_options(); let mut out = 0; let engine = s.engine(); let fd = s.fd();]
        vst_listener_adopt(
            engine, fd, s.accepts.some(&s.input), s.maybe(o.at()), &mut out, s.out(), s.why(),
            s.why_size()
        )
        => s.given(status, fd, Kind::Listener, out);
    vst_listener_addr(s.engine(), s.id(Kind::Listener), s.out());
    vst_listener_pause(s.engine(), s.id(Kind::Listener));
    vst_listener_resume(s.engine(), s.id(Kind::Listener));
    vst_listener_close(s.engine(), s.id(Kind::Listener));
    vst_listener_set_name(s.engine(), s.id(Kind::Listener), s.text(words::NAMES));
    // 6. Accept configurations
    [let o = s.room();] vst_accept_options_init(o.at(), o.len() as u32);
    [let (o, _structs) = s.accept_options(); let mut out = null_mut();]
        vst_accept_config_new(o.at(), &mut out, s.why(), s.why_size()) => s.accepts.keep(out);
    vst_accept_config_free(s.accepts.take(&s.input));
    // 7. Connections
    [let mut out = 0; let engine = s.engine(); let fd = s.fd();]
        vst_conn_accept_fd(
            engine, s.accepts.some(&s.input), fd, s.user(), &mut out, s.out(), s.why(),
            s.why_size()
        )
        => s.given(status, fd, Kind::Conn, out);
    [let mut out = 0; let engine = s.engine(); let fd = s.fd();]
        vst_conn_adopt(engine, fd, s.user(), &mut out, s.out(), s.why(), s.why_size())
        => s.given(status, fd, Kind::Conn, out);
    [let engine = s.engine(); let (o, to) = (s.connect_args(), s.target()); let mut out = 0;]
        vst_conn_connect(
            engine, to.as_ptr(), s.connects.some(&s.input), s.maybe(o.at()), &mut out, s.why(),
            s.why_size()
        )
        => s.know(Kind::Conn, out);
    [let to = s.room();] vst_conn_recv(s.engine(), s.conn(), to.at(), to.len(), s.out());
    [let from = s.bytes();] vst_conn_send(s.engine(), s.conn(), from.at(), from.len(), s.out());
    [let (list, _pieces, count) = s.pieces();]
        vst_conn_recvv(s.engine(), s.conn(), list.at(), count, s.out());
    [let (list, _pieces, count) = s.pieces();]
        vst_conn_sendv(s.engine(), s.conn(), list.at(), count, s.out());
    [let to = s.room();] vst_conn_peek(s.engine(), s.conn(), to.at(), to.len(), s.out());
    vst_conn_set_timeout(s.engine(), s.conn(), s.span());
    vst_conn_limit_rate(
        s.engine(), s.conn(), s.one_of(&[VST_SHUT_READ, VST_SHUT_WRITE, VST_SHUT_BOTH]),
        s.span(), s.span()
    );
    vst_conn_shutdown(
        s.engine(), s.conn(), s.one_of(&[VST_SHUT_READ, VST_SHUT_WRITE, VST_SHUT_BOTH])
    );
    vst_conn_close(s.engine(), s.conn());
    vst_conn_abort(s.engine(), s.conn());
    [let to = s.room(); let mut fd = -1; let (engine, conn) = (s.engine(), s.conn());]
        vst_conn_take_fd(engine, conn, &mut fd, to.at(), to.len(), s.out()) => {
            if status == OK { s.forget(&[conn]); s.fds.borrow_mut().push(fd) }
        };
    vst_conn_user(s.engine(), s.conn(), s.out());
    vst_conn_set_user(s.engine(), s.conn(), s.user());
    [let o = s.start_tls();]
        vst_conn_start_tls(s.engine(), s.conn(), o.at(), s.why(), s.why_size());
    // 8. What is known of a connection
    vst_conn_state(s.engine(), s.conn(), s.out());
    vst_conn_peer_credentials(s.engine(), s.conn(), s.out(), null_mut());
    [let two = [s.address(), s.address()];]
        vst_conn_addrs(s.engine(), s.conn(), two[0].at(), two[1].at());
    [let two = [s.address(), s.address()];]
        vst_conn_socket_addrs(s.engine(), s.conn(), two[0].at(), two[1].at());
    [let o = s.blank::<vst_proxy_header>();] vst_conn_proxy_header(s.engine(), s.conn(), o.at());
    [let to = s.room();]
        vst_conn_proxy_tlv(
            s.engine(), s.conn(), s.one_of(&[0, 1]), s.out(), to.at(), to.len(), s.out()
        );
    [let o = s.blank::<vst_tls_info>();] vst_conn_tls_info(s.engine(), s.conn(), o.at());
    [let to = s.room();]
        vst_conn_tls_text(
            s.engine(), s.conn(), s.one_of(&[1, 2, 3, 4, 5, 6, 7, 8]), to.at(), to.len(), s.out()
        );
    [let to = s.room();]
        vst_conn_tls_certificate(
            s.engine(), s.conn(), s.one_of(&[0, 1]), to.at(), to.len(), s.out()
        );
    vst_conn_shut(s.engine(), s.conn(), s.out());
    vst_conn_fd(s.engine(), s.conn(), s.out());
    vst_conn_bytes(s.engine(), s.conn(), s.out(), s.out());
    [let o = s.blank::<vst_conn_info>();] vst_engine_next_conn(s.engine(), s.conn(), o.at());
    [let o = s.blank::<vst_layers>();] vst_conn_layers(s.engine(), s.conn(), o.at());
    [let to = s.room();] vst_conn_describe(s.engine(), s.conn(), to.at(), to.len(), s.out());
    [let to = s.room();]
        vst_listener_describe(s.engine(), s.id(Kind::Listener), to.at(), to.len(), s.out());
    [let to = s.room();]
        vst_backend_describe(s.engine(), s.id(Kind::Backend), to.at(), to.len(), s.out());
    // 9. Certificates and TLS
    [let o = s.room();] vst_tls_server_options_init(o.at(), o.len() as u32);
    [let o = s.tls_server_options(); let mut out = null_mut();]
        vst_tls_server_new(o.at(), &mut out, s.why(), s.why_size()) => s.servers.keep(out);
    // Making keys is slow.
    [let mut out = null_mut();
     let name = if s.input.one_in(16) { s.text(words::NAMES) } else { c"".as_ptr() };]
        vst_tls_server_self_signed(name, &mut out, s.why(), s.why_size()) => s.servers.keep(out);
    vst_tls_server_not_after(s.servers.some(&s.input), s.one_of(&[0, 1]), s.out());
    [let to = s.room();]
        vst_tls_server_take_key_log(s.servers.some(&s.input), to.at(), to.len(), s.out());
    vst_tls_server_free(s.servers.take(&s.input));
    [let o = s.room();] vst_tls_client_options_init(o.at(), o.len() as u32);
    [let o = s.tls_client_options(); let mut out = null_mut();]
        vst_tls_client_new(o.at(), &mut out, s.why(), s.why_size()) => s.clients.keep(out);
    vst_tls_client_not_after(s.clients.some(&s.input), s.out());
    [let to = s.room();]
        vst_tls_client_take_key_log(s.clients.some(&s.input), to.at(), to.len(), s.out());
    vst_tls_client_free(s.clients.take(&s.input));
    // 10. Connect configurations
    [let o = s.room();] vst_connect_options_init(o.at(), o.len() as u32);
    [s.engine(); let o = s.connect_options(); let mut out = null_mut();]
        vst_connect_config_new(o.at(), &mut out, s.why(), s.why_size()) => s.connects.keep(out);
    vst_connect_config_free(s.connects.take(&s.input));
    // 11. Fed connections
    [let o = s.feed_args(); let mut out = 0;]
        vst_conn_feed(
            s.engine(), s.accepts.some(&s.input), s.maybe(o.at()), &mut out, s.why(), s.why_size()
        ) => {
            if out != 0 { s.feed(out) }
        };
    [let o = s.blank::<vst_fed_ask>();] vst_fed_next(s.engine(), o.at()) => {
        if status == OK { s.judge_ask(&written(o.at::<vst_fed_ask>())) }
    };
    vst_fed_set_data(s.engine(), s.fed(), s.user());
    [let to = s.room();]
        vst_fed_copy_unsent(
            s.engine(), s.fed(), s.input.pick(&[0, 0, 1, 500]), to.at(), to.len(), s.out()
        );
    [let addr = s.address();] vst_fed_opened(s.engine(), s.fed(), s.maybe(addr.at()));
    [let (engine, conn) = (s.engine(), s.fed());
     let failed = |errno| unsafe { vst_fed_failed(engine, conn, errno) };
     let vst_fed_failed = |_, _, errno| s.cut(conn, || failed(errno));]
        vst_fed_failed(
            engine, conn,
            s.errno(&[libc::ECONNREFUSED, libc::EMFILE, libc::ETIMEDOUT])
        );
    [let from = s.bytes();] vst_fed_received(s.engine(), s.fed(), from.at(), from.len(), s.out());
    vst_fed_sent(s.engine(), s.fed(), s.input.pick(&[0, 1, 5, 107, 700]));
    vst_fed_ended(s.engine(), s.fed());
    vst_fed_hung_up(
        s.engine(), s.fed(), s.errno(&[libc::ECONNRESET, libc::EPIPE])
    );
    [let vst_fed_closed = |engine, conn| s.cut(conn, || unsafe { vst_fed_closed(engine, conn) });]
        vst_fed_closed(s.engine(), s.fed());
    // 12. Links and agents
    [let o = s.room();] vst_link_options_init(o.at(), o.len() as u32);
    [let (o, to) = (s.link_options(), s.target()); let mut out = 0;]
        vst_link_open(
            s.engine(), to.as_ptr(), s.maybe(s.connects.some(&s.input)), s.maybe(o.at()), &mut out,
            s.why(), s.why_size()
        )
        => s.know(Kind::Link, out);
    vst_link_close(s.engine(), s.id(Kind::Link));
    vst_link_accept(
        s.engine(), s.id(Kind::Link), s.text(words::NAMES), s.accepts.some(&s.input), s.user(),
        s.why(), s.why_size()
    );
    vst_link_stop_accepting(s.engine(), s.id(Kind::Link), s.text(words::NAMES));
    [let to = s.room();]
        vst_link_describe(s.engine(), s.id(Kind::Link), to.at(), to.len(), s.out());
    [let o = s.room();] vst_agent_options_init(o.at(), o.len() as u32);
    [let o = s.agent_options(); let mut out = 0;]
        vst_agent_new(s.engine(), o.at(), &mut out, s.why(), s.why_size())
        => s.know(Kind::Agent, out);
    vst_agent_add_tls(
        s.engine(), s.id(Kind::Agent), s.text(words::NAMES), s.clients.some(&s.input)
    );
    vst_agent_serve(s.engine(), s.id(Kind::Agent), s.conn());
    vst_agent_offer(s.engine(), s.id(Kind::Agent), s.conn(), s.text(words::NAMES));
    [let addr = s.address();]
        vst_agent_resolved(
            s.engine(), s.id(Kind::Agent), s.ticket(), s.maybe(addr.at()), s.one_of(&[0, 2]) as i32
        );
    vst_agent_drain(s.engine(), s.id(Kind::Agent));
    [let (engine, agent) = (s.engine(), s.id(Kind::Agent));] vst_agent_close(engine, agent) => {
        if status == OK { s.forget(&[agent]) }
    };
    [let (mut clients, mut channels) = (0, 0);]
        vst_agent_load(s.engine(), s.id(Kind::Agent), &mut clients, &mut channels);
    [let to = s.room();]
        vst_agent_describe(s.engine(), s.id(Kind::Agent), to.at(), to.len(), s.out());
    // 13. Streams
    [let o = s.room();] vst_stream_options_init(o.at(), o.len() as u32);
    [let o = s.stream_options(); let mut out = null_mut();]
        vst_stream_config_new(o.at(), &mut out, s.why(), s.why_size()) => s.streams.keep(out);
    vst_stream_config_free(s.streams.take(&s.input));
    [let (engine, client, server) = (s.engine(), s.conn(), s.conn()); let mut out = 0;]
        vst_conn_forward(
            engine, client, server, s.maybe(s.streams.some(&s.input)), s.user(), &mut out
        ) => {
            if status == OK { s.join(&[client, server]); s.know(Kind::Stream, out) }
        };
    [let (engine, client) = (s.engine(), s.conn()); let mut out = 0;]
        vst_conn_forward_to(
            engine, client, s.id(Kind::Backend), s.maybe(s.streams.some(&s.input)), s.user(),
            &mut out
        ) => {
            if status == OK { s.join(&[client]); s.know(Kind::Stream, out) }
        };
    vst_stream_abort(s.engine(), s.id(Kind::Stream));
    [let to = s.room();]
        vst_stream_describe(s.engine(), s.id(Kind::Stream), to.at(), to.len(), s.out());
    // 14. Backends
    [let o = s.room();] vst_backend_options_init(o.at(), o.len() as u32);
    [let o = s.backend_options(); let mut out = 0;]
        vst_backend_new(s.engine(), o.at(), &mut out, s.why(), s.why_size())
        => s.know(Kind::Backend, out);
    vst_backend_set_name(s.engine(), s.id(Kind::Backend), s.text(words::NAMES));
    [let o = s.blank::<vst_backend_counters>();]
        vst_backend_get_counters(s.engine(), s.id(Kind::Backend), o.at());
    [let o = s.blank::<vst_backend_counters>();]
        vst_server_get_counters(s.engine(), s.id(Kind::Backend), s.one_of(&[0, 1]), o.at());
    [let o = s.room();] vst_server_options_init(o.at(), o.len() as u32);
    [let o = s.server_options();]
        vst_backend_add_server(
            s.engine(), s.id(Kind::Backend), o.at(), s.out(), s.why(), s.why_size()
        );
    vst_server_set_weight(
        s.engine(), s.id(Kind::Backend), s.one_of(&[0, 1]), s.one_of(&[0, 1, 256])
    );
    vst_server_set_state(
        s.engine(), s.id(Kind::Backend), s.one_of(&[0, 1]),
        s.one_of(&[VST_ADMIN_READY, VST_ADMIN_DRAIN, VST_ADMIN_MAINTENANCE])
    );
    vst_server_set_addresses(
        s.engine(), s.id(Kind::Backend), s.one_of(&[0, 1]), s.text(words::SERVERS), s.why(),
        s.why_size()
    );
    [let o = s.blank::<vst_server_status>();]
        vst_server_state(s.engine(), s.id(Kind::Backend), s.one_of(&[0, 1]), o.at());
    // 15. Rules
    [let text = Block::filled(s.input.pick(words::RULES).as_bytes());
     let tables = [s.tables.some(&s.input).cast_const()];
     let count = usize::from(!tables[0].is_null()); let mut out = null_mut();]
        vst_rules_new(
            text.at(), text.len(), tables.as_ptr(), count, s.maybe(s.rules.some(&s.input)),
            &mut out, s.why(), s.why_size()
        )
        => s.rules.keep(out);
    vst_rules_replace(s.rules.some(&s.input), s.rules.some(&s.input));
    vst_rules_check(s.engine(), s.rules.some(&s.input), s.why(), s.why_size());
    [let to = s.room();]
        vst_rules_notes(
            s.rules.some(&s.input), s.input.number() as usize, to.at(), to.len(), s.out()
        );
    [let to = s.room();]
        vst_rules_backends(
            s.rules.some(&s.input), s.input.number() as usize, to.at(), to.len(), s.out()
        );
    vst_rules_unknown_backends(s.rules.some(&s.input), s.out());
    vst_conn_chosen_backend(s.engine(), s.conn(), s.out());
    [let to = s.room();]
        vst_conn_capture(
            s.engine(), s.conn(), s.input.number() as usize, to.at(), to.len(), s.out()
        );
    [let to = s.room();]
        vst_conn_variable(
            s.engine(), s.conn(), s.text(words::VARIABLES), to.at(), to.len(), s.out()
        );
    vst_rules_free(s.rules.take(&s.input));
    // 16. Stick tables
    [let mut out = null_mut();]
        vst_table_new(s.text(words::NAMES), s.text(words::TABLES), &mut out, s.why(), s.why_size())
        => s.tables.keep(out);
    [let (key, _bytes) = s.key();]
        vst_table_get(s.tables.some(&s.input), &key, s.data(), s.world.now().0, s.out());
    [let (key, _bytes) = s.key();]
        vst_table_set(s.tables.some(&s.input), &key, s.data(), s.input.number(), s.world.now().0);
    [let (key, _bytes) = s.key();] vst_table_remove(s.tables.some(&s.input), &key, s.world.now().0);
    vst_table_clear(s.tables.some(&s.input), s.out());
    [let o = s.blank::<vst_table_counters>();]
        vst_table_get_counters(s.tables.some(&s.input), o.at());
    [let to = s.room();]
        vst_table_dump(s.tables.some(&s.input), s.world.now().0, to.at(), to.len(), s.out());
    vst_table_free(s.tables.take(&s.input));
    [let mut out = null_mut();]
        vst_table_snapshot_new(s.tables.some(&s.input), s.world.now().0, &mut out)
        => s.snapshots.keep(out);
    [let o = s.blank::<vst_table_row>();]
        vst_table_snapshot_next(s.snapshots.some(&s.input), o.at());
    vst_table_snapshot_value(s.snapshots.some(&s.input), s.data(), s.out());
    vst_table_snapshot_free(s.snapshots.take(&s.input));
    // 17. Handlers of the host's own
    vst_conn_handler_done(
        s.engine(), s.conn(), s.ticket() as u32, s.one_of(&[0, 0, 1, 2, 4]) as i32, 7,
        s.text(words::NAMES)
    );
    [let to = s.room();] vst_handler_peek(s.engine(), s.conn(), to.at(), to.len(), s.out());
    vst_handler_consume(s.engine(), s.conn(), s.input.pick(&[0, 1, 5, 300]));
    [let from = s.bytes();] vst_handler_send(s.engine(), s.conn(), from.at(), from.len(), s.out());
    // 18. Monitors and metrics
    vst_listener_set_monitor_fail(s.engine(), s.id(Kind::Listener), s.one_of(&[0, 1]));
    [let o = s.blank::<vst_listener_counters>();]
        vst_listener_get_counters(s.engine(), s.id(Kind::Listener), o.at());
    [let to = s.room();] vst_metrics_text(s.engine(), to.at(), to.len(), s.out());
    // 19. Wakers and groups
    [let mut out = null_mut();] vst_engine_waker(s.engine(), &mut out) => s.wakers.keep(out);
    [let waker = s.wakers.some(&s.input); s.engine();]
        vst_waker_post(waker, s.conn(), s.ticket() as u32, s.one_of(&[0, 0, 1, 2, 4]) as i32, 7);
    vst_waker_wake(s.wakers.some(&s.input));
    vst_waker_free(s.wakers.take(&s.input));
    [let mut out = null_mut();] vst_group_new(&mut out) => s.groups.keep(out);
    vst_group_free(s.groups.take(&s.input));
    // 20. The built-in loop, which this build does not have
    [let o = make::loop_options(s); let mut out = null_mut();]
        vst_loop_new(o.at(), &mut out, s.out(), s.why(), s.why_size())
        => assert!(out.is_null());
    [let mut out = null_mut();] vst_loop_engine(null_mut(), &mut out);
    vst_loop_run(null_mut(), 0);
    vst_loop_stop(null_mut());
    vst_loop_free(null_mut());
    // 21. Versions
    vst_abi_version();
    vst_version();
    vst_features(s.out());
    // Only the first call of a process could set one.
    [let o = s.blank::<vst_allocator>();] vst_set_allocator(o.at()) => assert_ne!(status, OK);
    vst_op_name(s.input.number() as u32);
    vst_why_name(s.input.number() as u32);
}
