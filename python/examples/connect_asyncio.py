"""A client: sends what comes on the standard input, and prints what comes back.

    python3 connect_asyncio.py ADDR:PORT [NAME [CA]]      with NAME by TLS
"""

from __future__ import annotations

import asyncio
import sys
from typing import Optional

from vestibule import ConnectConfig, EndedError, TlsClient, aio


async def main(address: str, name: Optional[str] = None, ca: Optional[str] = None) -> None:
    tls = TlsClient(ca=ca) if name else None
    async with aio.Engine() as engine:
        try:
            conn = await engine.connect(address, ConnectConfig(tls=tls, server_name=name))
        except EndedError as error:
            sys.exit(f"{error.end.at and error.end.at.name}: {error.end.text}")
        async with conn:
            await conn.send(sys.stdin.buffer.read())
            conn.shutdown()
            while data := await conn.recv():
                sys.stdout.buffer.write(data)


asyncio.run(main(*sys.argv[1:]))
