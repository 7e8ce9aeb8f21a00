"""Rules and their tables: who may come in. A mistake in the file is shown with a caret, and changes nothing.

    python3 rules.py ADDR:PORT FILE
"""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import sys
from pathlib import Path

from vestibule import AcceptConfig, ConfigError, Data, Rules, Table, aio

table = Table("clients", "type ip size 10k expire 10m store conn_cnt,conn_cur")


async def tell(conn: aio.Conn) -> None:
    source, _ = conn.core.addresses()
    count = table.get(source.ip or ipaddress.IPv4Address(0), Data.CONN_CNT)
    await conn.send(f"this is connection {count}\n".encode())


async def main(address: str, path: Path) -> None:
    rules = Rules(path.read_text(), tables=[table])

    def reload() -> None:
        try:
            rules.replace(Rules(path.read_text(), tables=[table], before=rules))
            print("replaced", flush=True)
        except ConfigError as error:
            print(error.why, flush=True)

    async with aio.Engine() as engine:
        listener = engine.listen(address, AcceptConfig(rules=rules))
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
        print("ready", listener.address, flush=True)
        await listener.serve(tell)


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
