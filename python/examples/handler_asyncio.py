"""A handler of one's own ahead of the session: the client's first line is a password, which is looked up elsewhere.

    python3 handler_asyncio.py ADDR:PORT
"""

from __future__ import annotations

import asyncio
import sys

from vestibule import AcceptConfig, Dialogue, Handler, Refusal, aio

WRONG = 3


async def is_right(password: bytes) -> bool:
    await asyncio.sleep(0)  # where a database would be asked
    return password == b"open sesame"


async def ask(step: Dialogue) -> None:
    await step.send(b"password: ")
    while b"\n" not in (data := step.peek()):
        if step.is_ended:
            raise Refusal("the client ended before its password", WRONG)
        await step.read()
    line = data[: data.index(b"\n")]
    if not await is_right(line.strip()):
        raise Refusal("the password is wrong", WRONG)
    step.consume(len(line) + 1)  # what follows is the session's


async def echo(conn: aio.Conn) -> None:
    while data := await conn.recv():
        await conn.send(data)


async def main(address: str) -> None:
    async with aio.Engine() as engine:
        listener = engine.listen(address, AcceptConfig(handlers=[Handler(ask, timeout=10)]))
        print("ready", listener.address, flush=True)
        await listener.serve(echo)


asyncio.run(main(sys.argv[1]))
