"""A TLS echo server on asyncio: python3 echo_asyncio.py ADDR:PORT [CERT KEY]"""

from __future__ import annotations

import asyncio
import sys

from vestibule import AcceptConfig, Identity, TlsServer, aio


async def echo(conn: aio.Conn) -> None:
    source, _ = conn.core.addresses()
    await conn.send(f"hello {source}\n".encode())
    while data := await conn.recv():
        await conn.send(data)


async def main(address: str, *identity: str) -> None:
    tls = TlsServer(Identity(*identity)) if identity else TlsServer.self_signed("localhost")
    async with aio.Engine() as engine:
        listener = engine.listen(address, AcceptConfig(tls=tls))
        print("ready", listener.address, flush=True)
        await listener.serve(echo)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
