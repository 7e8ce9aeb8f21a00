"""Engines on a selector: sessions, configurations, events, errors."""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import ssl
import sys
import threading
import unittest
from typing import Any, Callable, List, Optional

import support
from support import RESET, Echo, connected, folder, identity, read_all, serving, turn_until
from vestibule import (
    AcceptConfig,
    Address,
    Conn,
    ConnectConfig,
    Data,
    Drain,
    EngineOptions,
    Event,
    EventKind,
    Family,
    Identity,
    Monitor,
    MonitorAnswer,
    Op,
    ProxyCommand,
    ProxyHeader,
    ProxyTransport,
    Rules,
    SelectorHost,
    SendProxy,
    Shut,
    State,
    Table,
    TlsClient,
    TlsServer,
    TlsText,
    Trace,
    Verified,
    Why,
    errors,
)

CROWD = 1000
PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n"


class Sessions(unittest.TestCase):
    def test_what_clients_send_comes_back_until_they_end(self) -> None:
        with serving(Echo()) as address, connected(address) as client:
            client.sendall(b"x" * 1000000)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(read_all(client), b"x" * 1000000)

    def test_a_thousand_connections_are_served_at_once(self) -> None:
        options = EngineOptions(checked=True, log=lambda sentence: self.fail(sentence))
        with serving(Echo(), options=options) as address:
            clients = [connected(address) for _ in range(CROWD)]
            for number, client in enumerate(clients):
                client.sendall(b"%d" % number)
                client.shutdown(socket.SHUT_WR)
            for number, client in enumerate(clients):
                with client:
                    self.assertEqual(read_all(client), b"%d" % number)

    def test_a_peek_leaves_the_bytes_to_the_next_read(self) -> None:
        seen: List[object] = []

        def look(event: Event) -> None:
            if event.kind is EventKind.READABLE:
                seen.extend((event.conn.peek(), event.conn.peek(2), event.conn.recv()))
                event.conn.close()

        with SelectorHost(look) as host, connected(host.engine.listen("127.0.0.1:0").address) as client:
            # The first read of a session may be tried without an event; here it is waited for.
            turn_until(host, lambda: any(info.state is State.ESTABLISHED for info in host.engine.conns()))
            conn = Conn(host.engine, next(host.engine.conns()).id)
            self.assertIsNone(conn.recv())
            client.sendall(b"hello")
            turn_until(host, lambda: seen)
            self.assertEqual(seen, [b"hello", b"he", b"hello"])

    def test_a_descriptor_is_taken_with_the_bytes_that_were_read(self) -> None:
        taken: List[object] = []

        def take(event: Event) -> None:
            if event.kind is EventKind.SESSION:
                taken.extend(event.conn.take_fd())

        with SelectorHost(take) as host:
            listener = host.engine.listen("127.0.0.1:0", AcceptConfig(accept_proxy="any"))
            with connected(listener.address) as client:
                client.sendall(b"PROXY UNKNOWN\r\nahead")
                turn_until(host, lambda: taken)
                fd, ahead = taken
                assert isinstance(fd, int)
                with socket.socket(fileno=fd) as ours:
                    self.assertEqual(ahead, b"ahead")
                    client.sendall(b"more")
                    ours.setblocking(True)
                    self.assertEqual(ours.recv(16), b"more")

    def test_other_descriptors_of_the_selector_are_served_too(self) -> None:
        came: List[object] = []
        ours, theirs = socket.socketpair()
        with ours, theirs, SelectorHost(lambda event: None) as host:
            host.selector.register(ours, selectors.EVENT_READ, lambda key, events: came.append(ours.recv(9)))
            theirs.sendall(b"here")
            turn_until(host, lambda: came)
        self.assertEqual(came, [b"here"])

    def test_a_reset_is_told_with_its_whole_cause(self) -> None:
        echo = Echo()
        with SelectorHost(echo) as host:
            client = connected(host.engine.listen("127.0.0.1:0").address)
            turn_until(host, lambda: echo.pending)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
            turn_until(host, lambda: echo.events)
            end = echo.events[0].end
            assert end is not None
            self.assertEqual((end.why, end.errno, end.at), (Why.RESET, errno.ECONNRESET, None))
            self.assertFalse(end.is_in_order)
            self.assertIn("reset", end.text)
            self.assertGreater(end.lasted, 0)

    def test_a_half_close_leaves_the_other_direction_open(self) -> None:
        got: List[bytes] = []

        def answer(event: Event) -> None:
            if event.kind is EventKind.SESSION:
                event.conn.send(b"all of it")
                event.conn.shutdown(Shut.WRITE)
            if event.kind in (EventKind.SESSION, EventKind.READABLE):
                while (data := event.conn.recv()) is not None and not got[-1:] == [b""]:
                    got.append(data)

        with serving(answer) as address, connected(address) as client:
            self.assertEqual(read_all(client), b"all of it")
            client.sendall(b"still heard")
            client.shutdown(socket.SHUT_WR)
        self.assertEqual(b"".join(got), b"still heard")


class Facts(unittest.TestCase):
    def test_a_proxy_header_says_who_the_client_is_and_what_else_it_carries(self) -> None:
        seen: List[object] = []

        def look(event: Event) -> None:
            if event.kind is EventKind.SESSION:
                source, destination = event.conn.addresses()
                seen.extend((str(source), str(destination), event.conn.proxy_header()))

        with SelectorHost(look) as host:
            listener = host.engine.listen("127.0.0.1:0", AcceptConfig(accept_proxy="127.0.0.0/8"))
            with connected(listener.address) as client:
                addresses = socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2") + bytes([4, 0, 0, 80])
                client.sendall(PROXY_V2 + b"\x21\x11\0\x12" + addresses + b"\xe0\0\3a\0b")
                turn_until(host, lambda: seen)
        tlvs = ((0xE0, b"a\0b"),)
        header = ProxyHeader(2, ProxyCommand.RELAYED, ProxyTransport.TCP, tlvs)
        self.assertEqual(seen, ["192.0.2.1:1024", "192.0.2.2:80", header])

    def test_a_proxy_header_is_sent_with_the_values_that_are_given(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server, SelectorHost(lambda event: None) as host:
            tlvs = [(0xE0, b"a\0b"), (0xE1, b"")]
            port = server.getsockname()[1]
            host.engine.connect(f"127.0.0.1:{port}", ConnectConfig(send_proxy=SendProxy.V2), tlvs=tlvs)
            with server.accept()[0] as accepted:
                accepted.settimeout(support.PATIENCE)
                self.assertEqual(accepted.recv(99), PROXY_V2 + b"\x20\0\0\t\xe0\0\3a\0b\xe1\0\0")

    def test_addresses_are_read_and_written_as_text(self) -> None:
        for text in ("192.0.2.1:80", "[2001:db8::1]:443", "unix:/run/x", "unix:@name"):
            self.assertEqual(str(Address.parse(text)), text)
        self.assertEqual(Address.parse("unix:@name").path, b"\0name")
        self.assertEqual(Address.parse("192.0.2.1:80"), Address.parse("192.0.2.1:80"))
        self.assertEqual(str(Address(Family.NONE)), "-")
        with self.assertRaises(errors.ArgumentError) as raised:
            Address.parse("nonsense")
        self.assertIn("nonsense", raised.exception.why)
        self.assertIsInstance(raised.exception, ValueError)

    def test_an_engine_lists_describes_and_counts_its_connections(self) -> None:
        echo = Echo(lambda conn: b"hello")
        with SelectorHost(echo) as host:
            listener = host.engine.listen("127.0.0.1:0")
            listener.set_name("front")
            with connected(listener.address) as client:
                turn_until(host, lambda: echo.pending)
                self.assertEqual(client.recv(9), b"hello")
                conn = next(iter(echo.pending))
                (info,) = host.engine.conns()
                self.assertEqual((info.id, info.listener_id, info.state), (conn.id, listener.id, State.ESTABLISHED))
                self.assertEqual(conn.wire_bytes, (0, 5))
                self.assertEqual(str(conn.socket_addresses()[1]), str(listener.address))
                self.assertIn("state=", conn.describe())
                self.assertIn("front", listener.describe())
                self.assertEqual(listener.counters()["sessions_total"], 1)
                self.assertEqual(host.engine.counters()["accepted_total"], 1)
                self.assertIn("front", host.engine.metrics() or "")
                self.assertIsNone(conn.peer_credentials)
                self.assertIsNone(conn.tls_info())
                self.assertGreater(conn.fd, 2)

    def test_the_trace_has_a_line_for_every_call(self) -> None:
        lines: List[str] = []
        options = EngineOptions(trace=lambda category, line: lines.append(line), trace_categories=Trace.CALLS)
        with SelectorHost(lambda event: None, options) as host:
            host.engine.listen("127.0.0.1:0")
            self.assertTrue(any("listener_open" in line for line in lines), lines)
            host.engine.trace(Trace(0))
            lines.clear()
            host.engine.listen("127.0.0.1:0")
            self.assertEqual(lines, [])


class Tls(unittest.TestCase):
    def test_a_certificate_of_files_serves_and_is_verified_by_its_name(self) -> None:
        pem = identity(folder(self))
        server = TlsServer(Identity(pem), alpn=["h2", "http/1.1"])
        self.assertGreater(server.not_after().year, 2000)
        seen: List[object] = []

        def look(event: Event) -> None:
            if event.kind is EventKind.SESSION:
                texts = [event.conn.tls_text(what) for what in (TlsText.ALPN, TlsText.SNI, TlsText.PEER_CN)]
                seen.extend((event.conn.tls_info(), texts))
                event.conn.close()

        with serving(look, AcceptConfig(tls=server)) as address:
            context = ssl.create_default_context(cafile=str(pem))
            context.set_alpn_protocols(["h2"])
            with connected(address) as raw, context.wrap_socket(raw, server_hostname="localhost") as client:
                self.assertEqual(client.selected_alpn_protocol(), "h2")
                self.assertEqual(client.recv(1), b"")
        info, texts = seen
        self.assertEqual((getattr(info, "version"), getattr(info, "verified")), (0x0304, Verified.NOT_ASKED))
        self.assertEqual(texts, [b"h2", b"localhost", None])

    def test_a_client_verifies_its_server_and_says_why_it_does_not_trust_it(self) -> None:
        pem = identity(folder(self)).read_bytes()
        config = AcceptConfig(tls=TlsServer([Identity(pem, pem)]))
        for name, why in (("localhost", None), ("elsewhere.test", Why.DENIED)):
            events: List[Event] = []
            with serving(Echo(), config) as address, SelectorHost(events.append) as host:
                tls = ConnectConfig(tls=TlsClient(ca=pem), server_name=name)
                conn = host.engine.connect(str(address), tls)
                turn_until(host, lambda: events)
                if why is None:
                    self.assertEqual(events[0].kind, EventKind.CONNECTED)
                    info = conn.tls_info()
                    assert info is not None
                    self.assertEqual((info.verified, len(info.certificates)), (Verified.VALID, 1))
                else:
                    end = events[0].end
                    assert end is not None
                    self.assertEqual((end.at, end.why), (Op.TLS_CONNECT, why))
                    self.assertIsNotNone(end.alert)
                    self.assertIn("elsewhere.test", end.text)

    def test_what_is_wrong_with_a_certificate_is_said(self) -> None:
        with self.assertRaisesRegex(errors.ConfigError, "/nowhere/cert.pem"):
            TlsServer(Identity("/nowhere/cert.pem"))
        with self.assertRaises(errors.ConfigError):
            TlsServer(Identity(b"no certificate"))
        with self.assertRaises(errors.ConfigError):
            AcceptConfig(accept_proxy="nonsense")
        with self.assertRaises(ValueError):
            AcceptConfig(timeout_tls=-1)


class RulesAndTables(unittest.TestCase):
    def test_a_mistake_is_shown_with_a_caret(self) -> None:
        with self.assertRaises(errors.ConfigError) as raised:
            Rules("tcp-request connection reject if { sr 192.0.2.1 }\n")
        line, text, caret = raised.exception.why.splitlines()
        self.assertIn("line 1, column 36", line)
        self.assertEqual(text[caret.index("^") :][:2], "sr")

    def test_rules_tell_their_backends_and_what_should_be_known(self) -> None:
        rules = Rules("use_backend a if { dst_port 1 }\nuse_backend b\nuse_backend a\n")
        self.assertEqual(rules.backends, ["a", "b"])
        self.assertEqual(rules.unknown_backends, 0)
        (note,) = rules.notes
        self.assertIn("line 3, column 1", note)
        self.assertEqual(Rules("").notes, [])

    def test_what_rules_capture_is_read_and_told_at_the_end(self) -> None:
        rules = Rules("tcp-request session capture src len 20\ntcp-request session set-log-level debug\n")
        seen: List[Optional[bytes]] = []
        ended: List[Event] = []

        def look(event: Event) -> None:
            if event.kind is EventKind.SESSION:
                seen.extend([event.conn.capture(0), event.conn.capture(1)])
                event.conn.close()
            elif event.end:
                ended.append(event)

        with serving(look, AcceptConfig(rules=rules)) as address:
            with connected(address) as client:
                self.assertEqual(client.recv(1), b"")
        self.assertEqual(seen, [b"127.0.0.1", None])
        assert ended[0].end is not None
        self.assertEqual((ended[0].end.captures, ended[0].end.log_level), ("127.0.0.1", 7))

    def test_rules_decide_count_and_are_replaced(self) -> None:
        table = Table("clients", "type ip size 100 store conn_cnt,gpc0")
        rules = Rules("tcp-request connection track-sc0 src table clients\n", tables=[table])
        ended: List[Event] = []

        def close(event: Event) -> None:
            if event.kind is EventKind.SESSION:
                event.conn.close()
            elif event.end:
                ended.append(event)

        with serving(close, AcceptConfig(rules=rules)) as address:
            for _ in range(3):
                with connected(address) as client:
                    self.assertEqual(client.recv(1), b"")
            me = Address.parse("127.0.0.1:0").ip
            assert me is not None
            self.assertEqual(table.get(me, Data.CONN_CNT), 3)
            rules.replace(Rules("tcp-request connection reject\n"))
            with connected(address) as client, contextlib.suppress(ConnectionError):
                self.assertEqual(client.recv(1), b"")
        refused = [event.end for event in ended if event.kind is EventKind.REFUSED]
        assert refused[0] is not None
        self.assertEqual((refused[0].at, refused[0].why), (Op.TCP_RULES, Why.DENIED))

    def test_entries_are_set_listed_and_removed(self) -> None:
        table = Table("numbers", "type integer size 10 expire 1h store gpc0,gpt0")
        for key in (1, 2, 3):
            table.set(key, Data.GPC, 10 * key)
        self.assertEqual(table.get(2, Data.GPC), 20)
        self.assertIsNone(table.get(4, Data.GPC))
        rows = {row.key: row.values[Data.GPC] for row in table.rows(Data.GPC)}
        self.assertEqual(rows, {1: 10, 2: 20, 3: 30})
        self.assertTrue(all(3500 < row.expires_in <= 3600 for row in table.rows()))
        self.assertEqual((table.remove(2), table.remove(2), table.clear()), (True, False, 2))
        self.assertEqual(table.counters()["entries"], 0)
        texts = Table("texts", "type string len 16 size 10 store gpt0")
        texts.set("one\0two", Data.GPT0, 7)
        self.assertEqual([row.key for row in texts.rows()], [b"one\0two"])
        self.assertIn("texts", texts.dump())
        with self.assertRaises(errors.ArgumentError):
            texts.get(1, Data.GPT0)
        with self.assertRaisesRegex(errors.ConfigError, "nonsense"):
            Table("wrong", "type nonsense")

    def test_monitors_are_answered_and_let_go(self) -> None:
        monitor = Monitor(everyone=True, answer=MonitorAnswer.BYTES, well=b"well", failing=b"failing")
        with SelectorHost(lambda event: None) as host:
            listener = host.engine.listen("127.0.0.1:0", AcceptConfig(monitor=monitor))
            sent = 0
            for fails, expected in ((False, b"well"), (True, b"failing")):
                listener.set_monitor_fail(fails)
                sent += len(expected)
                with connected(listener.address) as client:
                    turn_until(host, lambda: listener.counters()["bytes_out_total"] == sent)
                    self.assertEqual(client.recv(16), expected)


class Mistakes(unittest.TestCase):
    def test_a_stale_id_raises_and_does_nothing(self) -> None:
        closed: List[Conn] = []

        def close(event: Event) -> None:
            if event.kind is EventKind.SESSION:
                event.conn.close()
                with self.assertRaises(errors.StateError):
                    event.conn.close()
            elif event.kind is EventKind.CLOSED:
                closed.append(event.conn)

        with SelectorHost(close) as host:
            listener = host.engine.listen("127.0.0.1:0")
            connected(listener.address).close()
            turn_until(host, lambda: closed)
            for use in (closed[0].close, closed[0].recv, closed[0].describe, closed[0].addresses):
                with self.assertRaises(errors.StaleError) as raised:
                    use()
            self.assertEqual(raised.exception.status.name, "E_STALE")
            self.assertEqual(raised.exception.function, "vst_conn_addrs")
            self.assertIn("VST_E_STALE", str(raised.exception))
            with self.assertRaises(errors.KindError):
                Conn(host.engine, listener.id).close()
        with self.assertRaisesRegex(errors.StaleError, "the engine is closed"):
            closed[0].close()
        self.assertEqual(len({closed[0], Conn(host.engine, closed[0].id), listener}), 2)

    def test_an_address_in_use_has_its_errno(self) -> None:
        with SelectorHost(lambda event: None) as host:
            address = host.engine.listen("127.0.0.1:0").address
            with self.assertRaises(errors.SystemCallError) as raised:
                host.engine.listen(str(address))
            self.assertEqual(raised.exception.errno, errno.EADDRINUSE)
            self.assertIn(str(address), raised.exception.why)

    def test_an_engine_is_freed_only_outside_and_on_its_thread(self) -> None:
        raised: List[Exception] = []
        host: SelectorHost = SelectorHost(lambda event: self.try_to_close(host, raised))
        host.engine.listen("127.0.0.1:0").close()
        host.turn(0)
        self.assertIsInstance(raised.pop(), errors.ReentrantError)
        host.engine.wait()  # a drive call, which makes it this thread's
        thread = threading.Thread(target=self.try_to_close, args=(host, raised))
        thread.start()
        thread.join()
        self.assertIsInstance(raised.pop(), errors.ThreadError)
        host.close()
        host.close()

    @staticmethod
    def try_to_close(host: SelectorHost, raised: List[Exception]) -> None:
        try:
            host.engine.close()
        except errors.CallerError as error:
            raised.append(error)

    def test_a_text_with_a_nul_is_refused_and_not_cut(self) -> None:
        with self.assertRaises(ValueError):
            Address.parse("127.0.0.1:80\0 and more")


class Callbacks(unittest.TestCase):
    def test_an_exception_is_reported_and_the_engine_goes_on(self) -> None:
        reported: List[Exception] = []
        echo = Echo(lambda conn: b"hello")

        def fail(event: Event) -> None:
            echo(event)
            raise ValueError(event.kind.name)

        with serving(fail, options=EngineOptions(on_error=reported.append)) as address:
            with connected(address) as client:
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(read_all(client), b"hello")
        self.assertIn("SESSION", [str(error) for error in reported])

    def test_without_a_hook_the_interpreter_s_is_called(self) -> None:
        reported: List[object] = []
        before, sys.unraisablehook = sys.unraisablehook, lambda args: reported.append(args.exc_value)
        try:
            with SelectorHost(self.fail_with(ValueError("in a callback"))) as host:
                host.engine.listen("127.0.0.1:0").close()
                host.turn(0)
        finally:
            sys.unraisablehook = before
        self.assertEqual(list(map(str, reported)), ["in a callback"])

    def test_a_hook_that_fails_itself_does_no_harm(self) -> None:
        reported: List[object] = []
        before, sys.unraisablehook = sys.unraisablehook, lambda args: reported.append(args.exc_value)
        try:
            options = EngineOptions(on_error=self.fail_with(ValueError("the hook")))
            with SelectorHost(self.fail_with(ValueError("the callback")), options) as host:
                host.engine.listen("127.0.0.1:0").close()
                host.turn(0)
        finally:
            sys.unraisablehook = before
        self.assertEqual(list(map(str, reported)), ["the hook"])

    def test_an_interrupt_leaves_the_loop(self) -> None:
        with SelectorHost(self.fail_with(KeyboardInterrupt())) as host:
            host.engine.listen("127.0.0.1:0").close()
            with self.assertRaises(KeyboardInterrupt):
                host.run()

    @staticmethod
    def fail_with(error: BaseException) -> Callable[[object], None]:
        def fail(_: object) -> None:
            raise error

        return fail

    def test_a_poller_that_cannot_watch_ends_the_connection_with_its_errno(self) -> None:
        class Full(selectors.PollSelector):
            is_full = False

            def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
                if self.is_full:
                    raise OSError(errno.ENOSPC, "full")
                return super().register(fileobj, events, data)

        events: List[Event] = []
        selector = Full()
        with SelectorHost(events.append, selector=selector) as host:
            address = host.engine.listen("127.0.0.1:0").address
            host.engine.wait()
            selector.is_full = True
            host.engine.connect(str(address))
            turn_until(host, lambda: events)
            end = events[0].end
            assert end is not None
            self.assertEqual(end.errno, errno.ENOSPC)


class Forks(unittest.TestCase):
    def test_what_is_collected_in_a_child_does_not_reset_the_parent_s_connections(self) -> None:
        done = support.python(FORKS)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "b'hello'\n", ""))


FORKS = """
import gc, os, socket
from vestibule import EventKind, SelectorHost

conns = []
host = SelectorHost(lambda event: event.kind is EventKind.SESSION and conns.append(event.conn))
client = socket.create_connection(("127.0.0.1", host.engine.listen("127.0.0.1:0").address.port))
while not conns:
    host.turn()
child = os.fork()
if child == 0:
    conns.clear()
    del host
    gc.collect()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
conns[0].send(b"hello")
print(client.recv(16))
client.close()
host.close()
"""


class Drains(unittest.TestCase):
    def test_a_drain_lets_sessions_end_and_ends_the_loop(self) -> None:
        echo = Echo(lambda conn: b"hello")
        with SelectorHost(echo) as host:
            listener = host.engine.listen("127.0.0.1:0")
            with connected(listener.address) as client:
                turn_until(host, lambda: echo.pending)
                host.engine.drain(Drain.CLOSE, grace=support.PATIENCE)
                self.assertEqual(host.engine.drain_state().conns, 1)
                turn_until(host, lambda: any(one.kind is EventKind.DRAINING for one in echo.events))
                client.shutdown(socket.SHUT_WR)
                host.run()
            state = host.engine.drain_state()
            self.assertEqual((state.stage, state.conns, state.listeners, state.aborted), (Drain.CLOSE, 0, 0, 0))
            with self.assertRaises(errors.StateError):
                host.engine.drain(Drain.PAUSE)

    def test_what_is_left_after_the_grace_is_aborted_and_counted(self) -> None:
        echo = Echo(lambda conn: b"hello")
        with SelectorHost(echo) as host:
            with connected(host.engine.listen("127.0.0.1:0").address):
                turn_until(host, lambda: echo.pending)
                host.engine.drain(grace=0.05)
                host.run()
            self.assertEqual(host.engine.drain_state().aborted, 1)
