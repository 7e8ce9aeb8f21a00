"""Listeners whose sessions are awaited."""

from __future__ import annotations

import asyncio
import collections
from typing import TYPE_CHECKING, Awaitable, Callable, Deque, Optional, Set

from ..constants import State
from ..errors import EndedError, PeerError, StaleError

if TYPE_CHECKING:
    from .. import listeners
    from ..addresses import Address
    from .conns import Conn
    from .engine import Engine

#: How often a closed listener looks whether its last connections are sessions, in seconds.
LOOK_AGAIN = 0.25


class Listener:
    """Sessions that come in, by async for, which ends when the listener is closed. How many wait is unbounded."""

    def __init__(self, owner: Engine) -> None:
        #: The listener, to pause it and so on.
        self.core: listeners.Listener
        self._owner = owner
        self._waiting: Deque[Conn] = collections.deque()
        self._news = asyncio.Event()
        self._is_closed = False

    @property
    def address(self) -> Address:
        """Where it listens, with the port that the kernel chose."""
        return self.core.address

    def close(self) -> None:
        """Accepts who waits already, and closes. Its connections go on."""
        try:
            self.core.close()
        except StaleError:
            pass  # it is closed already

    async def serve(self, handler: Callable[[Conn], Awaitable[None]]) -> None:
        """
        Runs handler in a task for each session, within async with, until the listener is closed and all have ended.
        When it is cancelled, it cancels them. What a handler raises because of its peer (EndedError, PeerError) is no
        error; any other exception goes to on_error.
        """
        tasks: Set[asyncio.Task[None]] = set()
        try:
            async for conn in self:
                task = asyncio.get_running_loop().create_task(self._handle(conn, handler))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            while tasks:
                await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _handle(self, conn: Conn, handler: Callable[[Conn], Awaitable[None]]) -> None:
        try:
            async with conn:
                await handler(conn)
        except (EndedError, PeerError):
            pass
        except Exception as error:
            self._owner.core.report(error)

    def __aiter__(self) -> Listener:
        return self

    async def __anext__(self) -> Conn:
        while not self._waiting:
            if self._is_closed and not self._is_opening():
                self._owner.forget(self)
                raise StopAsyncIteration
            self._news.clear()
            # Not every refusal is an event: a listener that is closed looks again.
            await _within(LOOK_AGAIN if self._is_closed else None, self._news)
        return self._waiting.popleft()

    def _is_opening(self) -> bool:
        """Whether the handshakes of a connection go on, which is a session later."""
        if self._owner.core.is_closed:
            return False
        infos = self._owner.core.conns()
        return any(one.listener_id == self.core.id and one.state is State.ACCEPTED for one in infos)

    def put(self, conn: Conn) -> None:
        """A session has come."""
        self._waiting.append(conn)
        self._news.set()

    def end(self) -> None:
        """None will come any more."""
        self._is_closed = True
        self._news.set()


async def _within(seconds: Optional[float], event: asyncio.Event) -> None:
    """Waits for an event, but no longer."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        pass
