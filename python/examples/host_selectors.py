"""A host over the module selectors. See server.py."""

from __future__ import annotations

import signal
import sys
from typing import Dict

from server import Server, greeting
from vestibule import Conn, Event, EventKind, SelectorHost, VestibuleError

server = Server()
#: Bytes that were read, or made, and that the peer has not taken yet.
pending: Dict[Conn, bytes] = {}


def echo(conn: Conn) -> None:
    """Writes what is pending, then reads more, until one of both has to wait: so a slow reader is not read from."""
    while True:
        while pending[conn]:
            taken = conn.send(pending[conn])
            if taken == 0:
                return
            pending[conn] = pending[conn][taken:]
        data = conn.recv()
        if data is None:
            return
        if data == b"":
            conn.close()
            return
        pending[conn] = data


def on_event(event: Event) -> None:
    if event.kind is EventKind.SESSION:
        event.conn.set_timeout(server.idle)
        pending[event.conn] = greeting(event.conn)
    if event.kind in (EventKind.SESSION, EventKind.READABLE, EventKind.WRITABLE):
        try:
            echo(event.conn)
        except VestibuleError:
            event.conn.abort()  # the peer does not read any more, or has torn it down
    elif event.kind is EventKind.CLOSED:
        del pending[event.conn]
    elif event.kind is EventKind.REFUSED and event.end:
        print("refused:", event.end.text, file=sys.stderr)
    elif event.kind is EventKind.WOKEN:
        event.engine.drain(grace=server.grace)


with SelectorHost(on_event, server.options) as host:
    listener = host.engine.listen(server.address, server.config)
    waker = host.engine.waker()
    # The signal interrupts no wait: the waker's descriptor does.
    signal.signal(signal.SIGTERM, lambda number, frame: waker.wake())
    print("ready", listener.address, flush=True)
    host.run()
