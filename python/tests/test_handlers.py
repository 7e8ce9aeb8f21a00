"""Handlers of one's own: functions and coroutines, answers at once and later, from other threads."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import socket
import threading
import unittest
from typing import Any, List

from support import PATIENCE, Echo, connected, read_all, serving, turn_until
from test_asyncio import Case, connect, echo
from test_asyncio import serving as serving_async
from vestibule import (
    AcceptConfig,
    Dialogue,
    EngineOptions,
    Event,
    EventKind,
    Handler,
    Next,
    Op,
    Refusal,
    SelectorHost,
    Step,
    Ticket,
    TlsServer,
    Why,
    aio,
    errors,
)


def line_of(step: Step) -> bytes:
    data = step.peek()
    return data[: data.index(b"\n") + 1] if b"\n" in data else b""


class Functions(unittest.TestCase):
    def test_a_handler_reads_answers_and_leaves_the_rest_to_the_session(self) -> None:
        calls: List[Any] = []

        def ask(step: Step) -> Next:
            calls.append(step.state)
            step.state = len(calls)
            line = line_of(step)
            if not line:
                return Next.READ
            step.consume(len(line))
            self.assertEqual(step.offer(b"thanks\n"), 7)
            return Next.DONE

        handler = Handler(ask)
        with serving(Echo(), AcceptConfig(handlers=[handler])) as address, connected(address) as client:
            client.sendall(b"na")
            client.sendall(b"me\nrest")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(read_all(client), b"thanks\nrest")
        # The state is the connection's, and is None in the first call.
        self.assertEqual(calls[:1], [None])
        self.assertEqual(calls[1:], list(range(1, len(calls))))
        self.assertEqual(handler.steps, {})

    def refused(self, handler: Handler, options: EngineOptions = EngineOptions(), tls: bool = False) -> Event:
        events: List[Event] = []
        config = AcceptConfig(handlers=[handler], tls=TlsServer.self_signed("localhost") if tls else None)
        with SelectorHost(events.append, options) as host:
            with connected(host.engine.listen("127.0.0.1:0", config).address):
                turn_until(host, lambda: events)
        self.assertEqual(events[0].kind, EventKind.REFUSED)
        return events[0]

    def test_a_refusal_is_in_the_end_of_the_connection(self) -> None:
        def refuse(step: Step) -> Next:
            raise Refusal("not on the list", 7)

        end = self.refused(Handler(refuse)).end
        assert end is not None
        self.assertEqual((end.at, end.why, end.host_code), (Op.CUSTOM_RAW, Why.DENIED, 7))
        self.assertIn("not on the list", end.text)

    def test_an_exception_and_a_missing_answer_refuse_and_are_reported(self) -> None:
        def fail(step: Step) -> Next:
            raise ValueError("in a handler")

        def forget(step: Step) -> Any:
            return None

        for function, error in ((fail, "in a handler"), (forget, "None is not a valid Next")):
            reported: List[Exception] = []
            end = self.refused(Handler(function), EngineOptions(on_error=reported.append)).end
            assert end is not None
            self.assertEqual(end.at, Op.CUSTOM_RAW)
            self.assertEqual(list(map(str, reported)), [error])

    def test_a_handler_that_never_answers_is_timed_out(self) -> None:
        end = self.refused(Handler(lambda step: Next.LATER, timeout=0.05)).end
        assert end is not None
        self.assertEqual((end.at, end.why), (Op.CUSTOM_RAW, Why.TIMED_OUT))

    def test_another_thread_answers_by_a_waker(self) -> None:
        tickets: queue.Queue[Ticket] = queue.Queue()

        def later(step: Step) -> Next:
            tickets.put(step.ticket)
            return Next.LATER

        echo = Echo(lambda conn: b"welcome")
        with SelectorHost(echo) as host:
            listener = host.engine.listen("127.0.0.1:0", AcceptConfig(handlers=[Handler(later)]))
            waker = host.engine.waker()
            thread = threading.Thread(target=lambda: waker.post(tickets.get(timeout=PATIENCE)))
            thread.start()
            with connected(listener.address) as client:
                turn_until(host, lambda: echo.pending)
                self.assertEqual(client.recv(16), b"welcome")
            thread.join()
            with self.assertRaises(errors.StaleError):
                host.engine.answer(Ticket(next(iter(echo.pending)).id, 1))
        with self.assertRaises(errors.GoneError):
            waker.wake()

    def test_a_coroutine_without_a_loop_refuses(self) -> None:
        async def never(step: Dialogue) -> None:
            raise AssertionError("it has no loop")

        reported: List[Exception] = []
        self.refused(Handler(never), EngineOptions(on_error=reported.append))
        self.assertIn("no running event loop", str(reported[0]))


class Coroutines(Case):
    async def test_a_dialogue_is_one_coroutine(self) -> None:
        async def ask(step: Dialogue) -> None:
            await step.send(b"who? ")
            while not (line := line_of(step)):
                await step.read()
            step.consume(len(line))
            await asyncio.sleep(0)
            await step.send(b"hello " + line)

        handler = Handler(ask)
        async with serving_async(echo, AcceptConfig(handlers=[handler])) as (_, listener):
            reader, writer = await connect(listener)
            self.assertEqual(await self.within(reader.readexactly(5)), b"who? ")
            for part in (b"so", b"me", b"body\nrest"):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
            writer.write_eof()
            self.assertEqual(await self.within(reader.read()), b"hello somebody\nrest")
            writer.close()
        self.assertEqual(handler.steps, {})

    async def test_more_than_the_peer_takes_is_sent_in_parts(self) -> None:
        async def flood(step: Dialogue) -> None:
            await step.send(b"x" * 10_000_000)

        async with serving_async(echo, AcceptConfig(handlers=[Handler(flood)])) as (_, listener):
            reader, writer = await connect(listener)
            self.assertEqual(len(await self.within(reader.readexactly(10_000_000))), 10_000_000)  # type: ignore[arg-type]
            writer.close()

    async def test_the_end_of_the_peer_is_seen_and_refused(self) -> None:
        async def ask(step: Dialogue) -> None:
            while not step.is_ended:
                await step.read()
            raise Refusal("it has said nothing", 5)

        events: List[Event] = []
        async with serving_async(echo, AcceptConfig(handlers=[Handler(ask)])) as (engine, listener):
            engine._on_event = events.append
            reader, writer = await connect(listener)
            writer.write_eof()
            with self.subTest("the peer gets an end"):
                try:
                    self.assertEqual(await self.within(reader.read()), b"")
                except ConnectionResetError:
                    pass
            writer.close()
        end = next(event.end for event in events if event.end)
        self.assertEqual(end.host_code, 5)
        self.assertIn("it has said nothing", end.text)

    async def test_it_is_cancelled_when_its_connection_ends(self) -> None:
        begun, cancelled = asyncio.Event(), asyncio.Event()

        async def wait(step: Dialogue) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

        handler = Handler(wait, timeout=0.05)
        async with serving_async(echo, AcceptConfig(handlers=[handler])) as (_, listener):
            _, writer = await connect(listener)
            await self.within(begun.wait())
            await self.within(cancelled.wait())
            writer.close()
        self.assertEqual(handler.steps, {})

    async def test_an_exception_is_reported_and_refuses(self) -> None:
        async def fail(step: Dialogue) -> None:
            await asyncio.sleep(0)
            raise ValueError("in a coroutine")

        reported: List[Exception] = []
        async with aio.Engine(EngineOptions(on_error=reported.append)) as engine:
            listener = engine.listen("127.0.0.1:0", AcceptConfig(handlers=[Handler(fail)]))
            reader, writer = await connect(listener)
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(await self.within(reader.read()), b"")
            writer.close()
        self.assertEqual(list(map(str, reported)), ["in a coroutine"])
