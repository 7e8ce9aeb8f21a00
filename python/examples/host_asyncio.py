"""A host over asyncio. See server.py."""

from __future__ import annotations

import asyncio
import signal
import sys

from server import Server, greeting
from vestibule import Event, EventKind, aio


async def main(server: Server) -> None:
    async def echo(conn: aio.Conn) -> None:
        conn.core.set_timeout(server.idle)
        await conn.send(greeting(conn.core))
        while data := await conn.recv():
            await conn.send(data)

    def log(event: Event) -> None:
        if event.kind is EventKind.REFUSED and event.end:
            print("refused:", event.end.text, file=sys.stderr)

    async with aio.Engine(server.options, log) as engine:
        listener = engine.listen(server.address, server.config)
        terminated = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.set)
        print("ready", listener.address, flush=True)
        serving = asyncio.create_task(listener.serve(echo))
        await terminated.wait()
        await engine.drain(grace=server.grace)
        await serving


asyncio.run(main(Server()))
