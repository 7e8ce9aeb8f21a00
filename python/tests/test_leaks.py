"""What a connection takes is given back when it is gone."""

from __future__ import annotations

import asyncio
import gc
import sys
import tracemalloc
import unittest
from typing import List

from support import connected, turn_until, Echo
from test_asyncio import Case, connect, echo
from vestibule import AcceptConfig, Dialogue, Handler, Next, SelectorHost, Step, aio

CROWD = 200
ROUNDS = 3
#: What the interpreter keeps for itself from one round to the next, in bytes and objects.
SLACK_BYTES = 20_000
SLACK_OBJECTS = 100


class Leaks(Case):
    def assert_steady(self, objects: List[int], sizes: List[int]) -> None:
        # The first rounds fill caches.
        self.assertLess(abs(objects[-1] - objects[-2]), SLACK_OBJECTS, objects)
        self.assertLess(abs(sizes[-1] - sizes[-2]), SLACK_BYTES, sizes)

    @staticmethod
    def measure(objects: List[int], sizes: List[int]) -> None:
        gc.collect()
        objects.append(len(gc.get_objects()))
        sizes.append(tracemalloc.get_traced_memory()[0])

    def test_on_a_selector(self) -> None:
        def pass_on(step: Step) -> Next:
            step.state = bytearray(100)
            return Next.DONE

        echo_ = Echo()
        objects: List[int] = []
        sizes: List[int] = []
        tracemalloc.start()
        try:
            with SelectorHost(echo_) as host:
                listener = host.engine.listen("127.0.0.1:0", AcceptConfig(handlers=[Handler(pass_on)]))
                before = sys.getrefcount(host.engine)
                for _ in range(ROUNDS + 1):
                    clients = [connected(listener.address) for _ in range(CROWD)]
                    for client in clients:
                        client.sendall(b"hello")
                    turn_until(host, lambda: len(echo_.pending) == CROWD)
                    for client in clients:
                        client.close()
                    turn_until(host, lambda: not echo_.pending and host.engine.wait().conns == 0)
                    echo_.events.clear()
                    del clients, client
                    self.measure(objects, sizes)
                self.assertEqual(sys.getrefcount(host.engine), before)
        finally:
            tracemalloc.stop()
        self.assert_steady(objects, sizes)

    async def test_on_asyncio(self) -> None:
        async def pass_on(step: Dialogue) -> None:
            await step.read()

        objects: List[int] = []
        sizes: List[int] = []
        tracemalloc.start()
        try:
            async with aio.Engine() as engine:
                config = AcceptConfig(handlers=[Handler(pass_on)])
                listener = engine.listen("127.0.0.1:0", config)
                serving = asyncio.create_task(listener.serve(echo))
                for _ in range(ROUNDS + 1):
                    streams = [await connect(listener) for _ in range(CROWD)]
                    for reader, writer in streams:
                        writer.write(b"hello")
                        await reader.readexactly(5)
                        writer.close()
                        await writer.wait_closed()
                    while engine.core.wait().conns:
                        await asyncio.sleep(0)
                    del streams, reader, writer
                    await asyncio.sleep(0)
                    self.measure(objects, sizes)
                listener.close()
                await serving
                del serving, listener
        finally:
            tracemalloc.stop()
        self.assert_steady(objects, sizes)

    def test_an_engine_goes_with_its_last_reference_and_says_that_it_was_not_closed(self) -> None:
        with self.assertWarnsRegex(ResourceWarning, "was not closed"):
            host = SelectorHost(lambda event: None)
            selector = host.selector
            host.engine.listen("127.0.0.1:0")
            host.engine.wait()
            self.assertEqual(len(selector.get_map()), 1)
            del host
            gc.collect()
        # Its poller was told of the release.
        self.assertEqual(len(selector.get_map()), 0)
        selector.close()
