"""Sessions that are awaited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Callable, Optional

from ..conns import RECV_BYTES, Bytes
from ..constants import EventKind, Shut, Status
from ..errors import EndedError, FailedError, ResetError, StaleError, StateError

if TYPE_CHECKING:
    from .. import conns
    from ..backends import Backend
    from ..config import StreamConfig
    from ..ends import End
    from ..events import Event
    from ..tls import TlsClient, TlsServer
    from .engine import Engine
    from .streams import Stream

#: After so many reads or writes that had to wait for nothing, others get their turn.
TURNS = 16


class Conn:
    """
    A session. One task at a time reads it, and one writes it.

    async with closes it in order at the end, also when the task is cancelled.
    """

    def __init__(self, owner: Engine, core: conns.Conn) -> None:
        #: The connection, for what needs no waiting: addresses, TLS, PROXY header, timeout and so on.
        self.core = core
        #: How it ended, once it has.
        self.end: Optional[End] = None
        #: Whether the engine drains: the session should end soon.
        self.is_draining = False
        self._owner = owner
        self._turns = 0
        self._readable, self._writable = asyncio.Event(), asyncio.Event()
        self._opened, self._closed = asyncio.Event(), asyncio.Event()

    async def recv(self, size: int = RECV_BYTES) -> bytes:
        """
        Reads at least one byte and at most size; b"" at the peer's end in order.

        Raises EndedError, which has the whole cause, when the connection has failed; TruncatedError when the peer has
        ended TLS without a close_notify; StateError when it is closed here.
        """
        while True:
            self._readable.clear()
            try:
                data = self.core.recv(size)
            except (ResetError, FailedError):
                raise EndedError(await self.wait_closed()) from None
            except StaleError:
                if self.end is not None and self.end.is_in_order:
                    return b""
                raise self._gone() from None
            if data is not None:
                await self._give_way()
                return data
            await self._readable.wait()

    async def send(self, data: Bytes) -> None:
        """
        Writes all of it, as fast as the peer takes it: when this returns, the library has copied it.

        Raises ResetError and FailedError when the peer takes no more, EndedError when the connection has ended, and
        StateError when it is closed here.
        """
        view, sent = memoryview(data).cast("B"), 0
        while sent < len(view):
            self._writable.clear()
            try:
                taken = self.core.send(data if sent == 0 else view[sent:])
            except StaleError:
                raise self._gone() from None
            sent += taken
            if taken == 0:
                await self._writable.wait()
        await self._give_way()

    def shutdown(self, direction: Shut = Shut.WRITE) -> None:
        """Ends one direction in order. Raises StateError."""
        self.core.shutdown(direction)

    def close(self) -> None:
        """Closes it in order, which goes on by itself; wait_closed waits for the end. A second call does nothing."""
        self._finish(self.core.close)

    def abort(self) -> None:
        """Ends it by a reset."""
        self._finish(self.core.abort)

    async def wait_closed(self) -> End:
        """Waits for its end, and returns how it was. It does not close it."""
        await self._closed.wait()
        if self.end is None:
            raise self._gone()
        return self.end

    async def start_tls(
        self,
        *,
        server: Optional[TlsServer] = None,
        client: Optional[TlsClient] = None,
        server_name: Optional[str] = None,
        early: bytes = b"",
    ) -> None:
        """Begins TLS in the middle of a session, and waits until it is done. Raises as Conn.start_tls, and EndedError."""
        self._opened.clear()
        self.core.start_tls(server=server, client=client, server_name=server_name, early=early)
        await self.wait_opened()

    async def wait_opened(self) -> None:
        """Waits until it is open, or its TLS is done. Raises EndedError when it could not be opened."""
        await self._opened.wait()
        if self.end is not None:
            raise EndedError(self.end)
        if self._owner.core.is_closed:
            raise self._gone()

    def forward(self, server: Conn, config: Optional[StreamConfig] = None) -> Stream:
        """Joins it with a connection to a server: from here on the library moves the bytes. Raises StateError."""
        return self._owner.join((self, server), lambda: self.core.forward(server.core, config))

    def forward_to(self, backend: Backend, config: Optional[StreamConfig] = None) -> Stream:
        """Joins it with a server that backend chooses. Raises StateError."""
        return self._owner.join((self,), lambda: self.core.forward_to(backend, config))

    async def __aenter__(self) -> Conn:
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        if not self._owner.has(self):
            return  # it has ended, or is part of a stream
        self.close()
        if kind is None:
            await self.wait_closed()

    def _finish(self, by: Callable[[], None]) -> None:
        try:
            by()
        except (StaleError, StateError):
            pass  # it has ended, or is closed already
        # Who waits to read or write is told.
        self._readable.set()
        self._writable.set()

    def _gone(self) -> Exception:
        if self.end is not None:
            return EndedError(self.end)
        return StaleError(Status.E_STALE, "Conn", "the engine is closed, or the connection is part of a stream")

    async def _give_way(self) -> None:
        self._turns += 1
        if self._turns % TURNS == 0:
            await asyncio.sleep(0)

    def take(self, event: Event) -> None:
        """What the engine has said about it."""
        if event.kind is EventKind.READABLE:
            self._readable.set()
        elif event.kind is EventKind.WRITABLE:
            self._writable.set()
        elif event.kind is EventKind.DRAINING:
            self.is_draining = True
        elif event.kind in (EventKind.SESSION, EventKind.CONNECTED, EventKind.TLS_DONE):
            self._opened.set()
        elif event.end is not None:
            self.end = event.end
            self.wake()

    def wake(self) -> None:
        """Has all who wait look again."""
        for one in (self._readable, self._writable, self._opened, self._closed):
            one.set()
