"""Engines on asyncio: sessions, cancellation, streams, drains."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import unittest
from typing import AsyncIterator, Awaitable, Callable, List, Optional, Tuple

from support import PATIENCE, RESET
from vestibule import (
    AcceptConfig,
    Admin,
    BackendOptions,
    Check,
    ConnectConfig,
    Drain,
    EngineOptions,
    Event,
    EventKind,
    Op,
    Rules,
    SendProxy,
    StreamConfig,
    TlsClient,
    TlsServer,
    Why,
    aio,
    errors,
)

CROWD = 1000
Streams = Tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(conn: aio.Conn) -> None:
    while data := await conn.recv():
        await conn.send(data)


async def connect(listener: aio.Listener, **options: object) -> Streams:
    address = listener.address
    return await asyncio.open_connection(str(address.ip), address.port, **options)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def serving(
    handler: Callable[[aio.Conn], Awaitable[None]], config: Optional[AcceptConfig] = None
) -> AsyncIterator[Tuple[aio.Engine, aio.Listener]]:
    sentences: List[str] = []
    async with aio.Engine(EngineOptions(checked=True, log=sentences.append)) as engine:
        listener = engine.listen("127.0.0.1:0", config)
        task = asyncio.create_task(listener.serve(handler))
        yield engine, listener
        listener.close()
        await task
    if sentences:
        raise AssertionError(f"the contract of a host is broken: {sentences}")


class Case(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        # It would tell of every turn that is slow on a busy machine.
        asyncio.get_running_loop().set_debug(False)

    async def within(self, what: Awaitable[object]) -> object:
        return await asyncio.wait_for(what, PATIENCE)


class Sessions(Case):
    async def test_a_thousand_connections_are_served_at_once(self) -> None:
        async with serving(echo) as (_, listener):
            clients = [await connect(listener) for _ in range(CROWD)]
            for number, (_, writer) in enumerate(clients):
                writer.write(b"%d" % number)
                writer.write_eof()
            for number, (reader, writer) in enumerate(clients):
                self.assertEqual(await self.within(reader.read()), b"%d" % number)
                writer.close()
                await writer.wait_closed()

    async def test_a_slow_reader_holds_its_writer_back(self) -> None:
        sent = 0

        async def flood(conn: aio.Conn) -> None:
            nonlocal sent
            for _ in range(1000):
                await conn.send(bytearray(100000))
                sent += 1

        async with serving(flood) as (_, listener):
            address = listener.address
            with socket.create_connection((str(address.ip), address.port)) as client:
                client.setblocking(False)
                before = -1
                # Until a whole turn of the loop has moved nothing: it waits.
                while sent != before or sent == 0:
                    before = sent
                    for _ in range(100):
                        await asyncio.sleep(0)
                self.assertLess(sent, 1000)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    async def test_one_that_always_has_something_to_read_does_not_starve_others(self) -> None:
        other = asyncio.Event()

        async def read(conn: aio.Conn) -> None:
            while not other.is_set() and await conn.recv(1):
                pass

        async with serving(read) as (_, listener):
            reader, writer = await connect(listener)
            writer.write(b"x" * 1000000)
            asyncio.get_running_loop().call_later(0.01, other.set)
            self.assertEqual(await self.within(reader.read()), b"")
            writer.close()

    async def test_sessions_come_by_async_for_until_the_listener_is_closed(self) -> None:
        seen: List[aio.Conn] = []
        async with aio.Engine() as engine:
            listener = engine.listen("127.0.0.1:0")
            writers = [(await connect(listener))[1] for _ in range(3)]
            async for conn in listener:
                seen.append(conn)
                if len(seen) == 3:
                    listener.close()
            for conn, writer in zip(seen, writers):
                async with conn:
                    writer.close()
                end = await conn.wait_closed()
                self.assertTrue(end.is_in_order, end)

    async def test_a_session_that_is_still_opening_when_its_listener_is_closed_is_served(self) -> None:
        config = AcceptConfig(accept_proxy="any")
        async with aio.Engine() as engine:
            listener = engine.listen("127.0.0.1:0", config)
            task = asyncio.create_task(listener.serve(echo))
            reader, writer = await connect(listener)
            while engine.core.wait().conns == 0:
                await asyncio.sleep(0)
            listener.close()
            writer.write(b"PROXY UNKNOWN\r\nhello")
            writer.write_eof()
            self.assertEqual(await self.within(reader.read()), b"hello")
            writer.close()
            await self.within(task)

    async def test_a_peer_that_resets_raises_the_whole_cause(self) -> None:
        caught: List[errors.EndedError] = []

        async def wait(conn: aio.Conn) -> None:
            try:
                await conn.recv()
            except errors.EndedError as error:
                caught.append(error)
                raise

        async with serving(wait) as (_, listener):
            address = listener.address
            client = socket.create_connection((str(address.ip), address.port))
            while not listener.core.counters()["sessions_total"]:
                await asyncio.sleep(0)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
        end = caught[0].end
        self.assertEqual((end.why, end.errno != 0), (Why.RESET, True))
        self.assertEqual(str(caught[0]), end.text)

    async def test_a_silent_session_ends_at_its_timeout(self) -> None:
        caught: List[errors.EndedError] = []

        async def wait(conn: aio.Conn) -> None:
            conn.core.set_timeout(0.05)
            try:
                await conn.recv()
            except errors.EndedError as error:
                caught.append(error)

        async with serving(wait) as (_, listener):
            reader, writer = await connect(listener)
            self.assertEqual(await self.within(reader.read()), b"")
            writer.close()
        self.assertEqual(caught[0].end.why, Why.IDLE)

    async def test_a_close_wakes_who_reads(self) -> None:
        async with aio.Engine() as engine:
            listener = engine.listen("127.0.0.1:0")
            conn = await engine.connect(str(listener.address))
            reading = asyncio.create_task(conn.recv())
            await asyncio.sleep(0)
            conn.close()
            with self.assertRaises(errors.StateError):
                await self.within(reading)
            conn.close()
            conn.abort()


class Outgoing(Case):
    async def test_a_connection_is_opened_read_and_written(self) -> None:
        async with serving(echo) as (engine, listener):
            async with await engine.connect(str(listener.address)) as conn:
                await conn.send(b"hello")
                conn.shutdown()
                self.assertEqual(await self.within(conn.recv()), b"hello")
                self.assertEqual(await self.within(conn.recv()), b"")
            assert conn.end is not None
            self.assertTrue(conn.end.is_in_order)

    async def test_one_that_is_refused_says_why(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        async with aio.Engine() as engine:
            with self.assertRaises(errors.EndedError) as raised:
                await self.within(engine.connect(f"127.0.0.1:{port}"))
            end = raised.exception.end
            self.assertEqual((end.at, end.why), (Op.CTRL_CONNECT, Why.REFUSED))

    async def test_one_that_is_cancelled_is_gone(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            # The server accepts and says nothing: the TLS handshake never ends.
            tls = ConnectConfig(tls=TlsClient(dangerously_skip_verification=True), server_name="localhost")
            async with aio.Engine() as engine:
                task = asyncio.create_task(engine.connect(f"127.0.0.1:{server.getsockname()[1]}", tls))
                while engine.core.wait().conns == 0:
                    await asyncio.sleep(0)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                while engine.core.wait().conns:
                    await asyncio.sleep(0)

    async def test_sockets_that_were_made_elsewhere_are_taken_over(self) -> None:
        async with aio.Engine() as engine:
            ours, theirs = socket.socketpair()
            accepted, peer = socket.socketpair()
            with theirs, peer:
                theirs.sendall(b"adopted")
                async with engine.adopt(ours.detach()) as conn:
                    self.assertEqual(await self.within(conn.recv()), b"adopted")
                peer.sendall(b"PROXY UNKNOWN\r\naccepted")
                config = AcceptConfig(accept_proxy="unix")
                conn = await engine.accept_fd(accepted.detach(), config)
                self.assertEqual(await self.within(conn.recv()), b"accepted")

    async def test_tls_begins_in_the_middle_of_a_session(self) -> None:
        server = TlsServer.self_signed("localhost")

        async def start(conn: aio.Conn) -> None:
            self.assertEqual(await conn.recv(), b"STARTTLS\n")
            await conn.send(b"go on\n")
            await conn.start_tls(server=server)
            await echo(conn)

        async with serving(start) as (engine, listener):
            async with await engine.connect(str(listener.address)) as conn:
                await conn.send(b"STARTTLS\n")
                self.assertEqual(await conn.recv(), b"go on\n")
                await self.within(
                    conn.start_tls(
                        client=TlsClient(dangerously_skip_verification=True), server_name="localhost"
                    )
                )
                await conn.send(b"secret")
                self.assertEqual(await conn.recv(), b"secret")
                self.assertIsNotNone(conn.core.tls_info())

    async def test_python_s_own_tls_is_served(self) -> None:
        config = AcceptConfig(tls=TlsServer.self_signed("localhost"))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        async with serving(echo, config) as (_, listener):
            reader, writer = await connect(listener, ssl=context, server_hostname="localhost")
            writer.write(b"x" * 500000)
            self.assertEqual(await self.within(reader.readexactly(500000)), b"x" * 500000)
            writer.close()
            await writer.wait_closed()


class Cancellation(Case):
    async def test_a_cancelled_task_closes_its_connection_in_order(self) -> None:
        begun = asyncio.Event()

        async def wait(conn: aio.Conn) -> None:
            await conn.send(b"x" * 100000)
            begun.set()
            await asyncio.Event().wait()

        async with aio.Engine() as engine:
            listener = engine.listen("127.0.0.1:0")
            task = asyncio.create_task(listener.serve(wait))
            reader, writer = await connect(listener)
            await self.within(begun.wait())
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            # In order: all that was sent comes, and then the end and not a reset.
            self.assertEqual(await self.within(reader.read()), b"x" * 100000)
            writer.close()

    async def test_an_engine_closes_what_it_has_in_order(self) -> None:
        async with aio.Engine() as engine:
            listener = engine.listen("127.0.0.1:0")
            reader, writer = await connect(listener)
            conn = await self.within(listener.__anext__())
            assert isinstance(conn, aio.Conn)
            await conn.send(b"x" * 100000)
            reading = asyncio.ensure_future(reader.read())
            reading.add_done_callback(lambda _: writer.close())
        self.assertEqual(await self.within(reading), b"x" * 100000)
        with self.assertRaises(errors.VestibuleError):
            await conn.send(b"more")

    async def test_those_who_wait_are_told_that_the_engine_is_closed(self) -> None:
        engine = aio.Engine()
        listener = engine.listen("127.0.0.1:0")
        conn = await engine.connect(str(listener.address))
        waiting = [asyncio.ensure_future(one) for one in (conn.recv(), conn.wait_closed(), listener.__anext__())]
        await listener.__anext__()
        await asyncio.sleep(0)
        engine.core.close()
        await engine.close()
        for one, kind in zip(waiting, (errors.StaleError, errors.StaleError, StopAsyncIteration)):
            with self.assertRaises(kind):
                await self.within(one)

    async def test_what_a_task_raises_is_reported(self) -> None:
        reported: List[Exception] = []

        async def fail(conn: aio.Conn) -> None:
            raise ValueError("in a task")

        async with aio.Engine(EngineOptions(on_error=reported.append)) as engine:
            listener = engine.listen("127.0.0.1:0")
            serving = asyncio.create_task(listener.serve(fail))
            reader, writer = await connect(listener)
            self.assertEqual(await self.within(reader.read()), b"")
            writer.close()
            listener.close()
            await self.within(serving)
        self.assertEqual(list(map(str, reported)), ["in a task"])


class Drains(Case):
    async def test_a_drain_waits_for_sessions(self) -> None:
        async with serving(echo) as (engine, listener):
            reader, writer = await connect(listener)
            writer.write(b"one")
            self.assertEqual(await self.within(reader.read(3)), b"one")
            draining = asyncio.create_task(engine.drain())
            await asyncio.sleep(0)
            writer.write(b"two")
            self.assertEqual(await self.within(reader.read(3)), b"two")
            self.assertFalse(draining.done())
            writer.write_eof()
            await self.within(draining)
            writer.close()
            await self.within(engine.drain())

    async def test_stages_follow_each_other(self) -> None:
        async with serving(echo) as (engine, listener):
            await self.within(engine.drain(Drain.LAME_DUCK))
            _, writer = await connect(listener)
            writer.close()
            await self.within(engine.drain(Drain.PAUSE))
            self.assertEqual(engine.core.drain_state().listeners, 1)
            await self.within(engine.drain(Drain.CLOSE))
            self.assertEqual(engine.core.drain_state().listeners, 0)

    async def test_the_grace_bounds_it(self) -> None:
        async with serving(echo) as (engine, listener):
            reader, writer = await connect(listener)
            writer.write(b"one")
            await self.within(reader.read(3))
            await self.within(engine.drain(grace=0.05))
            self.assertEqual(engine.core.drain_state().aborted, 1)
            writer.close()


class Joined(Case):
    async def test_a_backend_s_server_gets_the_client_and_its_address(self) -> None:
        async def greet(conn: aio.Conn) -> None:
            await conn.send(f"{conn.core.addresses()[0]}\n".encode())
            await echo(conn)

        ends: List[object] = []

        async with serving(greet, AcceptConfig(accept_proxy="any")) as (engine, server):
            backend = engine.backend("servers", BackendOptions(no_retries=True))
            one = backend.add_server("one", str(server.address), connect=ConnectConfig(send_proxy=SendProxy.V1))

            async def forward(conn: aio.Conn) -> None:
                stream = conn.forward_to(backend, StreamConfig(timeout_client=PATIENCE))
                self.assertIn("=", stream.core.describe())
                ends.append(await stream.wait())

            front = engine.listen("127.0.0.1:0")
            task = asyncio.create_task(front.serve(forward))
            reader, writer = await connect(front)
            host, port = writer.get_extra_info("sockname")
            self.assertEqual(await self.within(reader.readline()), f"{host}:{port}\n".encode())
            writer.write(b"hello")
            writer.write_eof()
            self.assertEqual(await self.within(reader.read()), b"hello")
            writer.close()
            front.close()
            await self.within(task)
            end = ends[0]
            self.assertEqual((getattr(end, "termination"), getattr(end, "bytes_up")), ("--", 5))
            self.assertEqual((getattr(end, "server_number"), getattr(end, "attempts")), (one.number, 1))
            self.assertEqual(backend.counters()["streams_total"], 1)
            self.assertTrue(one.status().is_usable)
            one.set_state(Admin.DRAIN)
            one.set_weight(7)
            self.assertEqual((one.status().admin, one.status().weight), (Admin.DRAIN, 7))
            self.assertIn("one", backend.describe())
            with self.assertRaises(errors.ConfigError):
                backend.add_server("one", None)
            with self.assertRaises(errors.ArgumentError):
                one.set_addresses("nonsense")

    async def test_two_connections_are_joined(self) -> None:
        async with serving(echo) as (engine, server):
            front = engine.listen("127.0.0.1:0")
            reader, writer = await connect(front)
            client = await self.within(front.__anext__())
            assert isinstance(client, aio.Conn)
            async with client:
                stream = client.forward(await engine.connect(str(server.address)))
            writer.write(b"hello")
            writer.write_eof()
            self.assertEqual(await self.within(reader.read()), b"hello")
            self.assertIsNone(getattr(await self.within(stream.wait()), "why"))
            writer.close()

    async def test_rules_choose_the_backend(self) -> None:
        rules = Rules("use_backend echo if { dst_port gt 0 }\n")
        async with serving(echo) as (engine, server):
            with self.assertRaisesRegex(errors.ConfigError, "echo"):
                engine.core.check_rules(rules)
            engine.backend("echo").add_server("one", str(server.address))
            engine.core.check_rules(rules)
            front = engine.listen("127.0.0.1:0", AcceptConfig(rules=rules))
            reader, writer = await connect(front)
            client = await self.within(front.__anext__())
            assert isinstance(client, aio.Conn)
            backend = client.core.chosen_backend()
            assert backend is not None
            stream = client.forward_to(backend)
            writer.write(b"hello")
            writer.write_eof()
            self.assertEqual(await self.within(reader.read()), b"hello")
            await self.within(stream.wait())
            writer.close()

    async def test_servers_are_checked_and_looked_up(self) -> None:
        events: List[Event] = []
        changed = asyncio.Event()

        def note(event: Event) -> None:
            events.append(event)
            changed.set()

        async def until(kind: EventKind) -> Event:
            while not any(event.kind is kind for event in events):
                changed.clear()
                await self.within(changed.wait())
            return next(event for event in events if event.kind is kind)

        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        async with aio.Engine(on_event=note) as engine:
            backend = engine.backend()
            check = Check(interval=0.01, down_interval=0.01, fall=1, rise=1, no_jitter=True)
            server = backend.add_server("down", None, check=check)
            self.assertEqual((await until(EventKind.SERVER_RESOLVE)).server, server)
            server.set_addresses(f"127.0.0.1:{port}")
            down = await until(EventKind.SERVER_DOWN)
            self.assertEqual(down.reason and down.reason.name, "CHECKS")
            self.assertFalse(server.status().is_up)
            with socket.create_server(("127.0.0.1", port)):
                await until(EventKind.SERVER_UP)
