"""An engine on a loop of asyncio."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Sequence, Tuple, TypeVar

from .. import engine
from .._memory import NS_PER_S
from ..backends import BackendOptions
from ..config import ListenerOptions
from ..constants import Drain, EventKind, Io
from ..ids import Id
from ..options import EngineOptions
from .conns import Conn
from .listeners import Listener
from .streams import Stream

if TYPE_CHECKING:
    from .. import conns, listeners, streams
    from ..backends import Backend
    from ..config import AcceptConfig, ConnectConfig
    from ..events import Event

I = TypeVar("I", bound=Id)

#: How long Engine.close waits for what is left, in seconds.
CLOSE_GRACE = 5.0


class Engine:
    """
    An engine on the loop that runs. async with closes it at the end.

    on_event gets every event, for a log and for those about refusals and servers; none has to be handled there.
    """

    def __init__(
        self, options: EngineOptions = EngineOptions(), on_event: Optional[Callable[[Event], None]] = None
    ) -> None:
        """Raises as Engine, and RuntimeError when no loop runs."""
        self._loop = asyncio.get_running_loop()
        self._timer: Optional[asyncio.Handle] = None
        self._on_event = on_event
        self._numbers = itertools.count(1)
        self._conns: Dict[int, Conn] = {}
        self._streams: Dict[int, Stream] = {}
        self._listeners: Dict[int, Listener] = {}
        self._early: Optional[List[Event]] = None
        self._drained = asyncio.Event()
        #: The engine, for what needs no waiting: rules, metrics, trace, wakers and so on.
        self.core = engine.Engine(self, self._take, options)

    def listen(
        self, address: str, config: Optional[AcceptConfig] = None, options: ListenerOptions = ListenerOptions()
    ) -> Listener:
        """Opens a listener. Raises as Engine.listen."""
        return self._listener(lambda user: self.core.listen(address, config, options, user=user))

    def adopt_listener(
        self, fd: int, config: Optional[AcceptConfig] = None, options: ListenerOptions = ListenerOptions()
    ) -> Listener:
        """Takes over a listening descriptor. Raises as Engine.adopt_listener."""
        return self._listener(lambda user: self.core.adopt_listener(fd, config, options, user=user))

    def _listener(self, make: Callable[[int], listeners.Listener]) -> Listener:
        listener, number = Listener(self), next(self._numbers)
        listener.core = make(number)
        self._listeners[number] = listener
        return listener

    async def connect(
        self,
        address: str,
        config: Optional[ConnectConfig] = None,
        *,
        client: Optional[Conn] = None,
        tlvs: Sequence[Tuple[int, bytes]] = (),
    ) -> Conn:
        """Opens a connection, and waits until it is open. Raises EndedError, and as Engine.connect."""
        of = client.core if client is not None else None
        conn = self._conn(lambda: self.core.connect(address, config, client=of, tlvs=tlvs))
        return await self._opened(conn)

    async def accept_fd(self, fd: int, config: Optional[AcceptConfig] = None) -> Conn:
        """Takes over a connection that was accepted elsewhere, and waits until it is a session. Raises EndedError."""
        return await self._opened(self._conn(lambda: self.core.accept_fd(fd, config)))

    def adopt(self, fd: int) -> Conn:
        """Takes over a connected socket as a session. Raises SystemCallError."""
        return self._conn(lambda: self.core.adopt(fd))

    def backend(self, name: Optional[str] = None, options: BackendOptions = BackendOptions()) -> Backend:
        """Makes a backend, which has no servers yet. Raises as Engine.backend."""
        return self.core.backend(name, options)

    async def drain(self, stage: Drain = Drain.CLOSE, grace: float = math.inf) -> None:
        """
        Begins to drain, or goes on to a later stage, and waits until nothing is left; not with Drain.LAME_DUCK, which
        changes only what monitors are answered. What is left after grace seconds is aborted. Raises StateError.
        """
        self._drained.clear()
        self.core.drain(stage, grace)
        left = self.core.drain_state()
        listeners_left = left.listeners if stage is Drain.CLOSE else 0
        if stage is not Drain.LAME_DUCK and left.conns + left.streams + listeners_left > 0:
            await self._drained.wait()

    async def close(self, grace: float = CLOSE_GRACE) -> None:
        """Closes listeners and sessions in order, waits for at most grace seconds, and frees the engine."""
        try:
            if not self.core.is_closed and not self._drained.is_set():
                for conn in list(self._conns.values()):
                    conn.close()
                await self.drain(Drain.CLOSE, grace)
        finally:
            self._free()

    def _free(self) -> None:
        self.core.close()
        if self._timer is not None:
            self._timer.cancel()
        self._drained.set()
        for listener in self._listeners.values():
            listener.end()
        for conn in self._conns.values():
            conn.wake()
        for stream in self._streams.values():
            stream.wake()

    async def __aenter__(self) -> Engine:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # What has happened

    def forget(self, listener: Listener) -> None:
        """Nothing will come of a listener any more."""
        for number in [number for number, one in self._listeners.items() if one is listener]:
            del self._listeners[number]

    def has(self, conn: Conn) -> bool:
        """Whether a connection exists and is no part of a stream."""
        return self._conns.get(conn.core.id) is conn

    def _conn(self, make: Callable[[], conns.Conn]) -> Conn:
        core, early = self._make(make)
        conn = self._conns[core.id] = Conn(self, core)
        for event in early:
            self._route(event)
        return conn

    def join(self, joined: Sequence[Conn], make: Callable[[], streams.Stream]) -> Stream:
        """Makes a stream of connections, about which nothing more is said."""
        core, early = self._make(make)
        for conn in joined:
            self._conns.pop(conn.core.id, None)
        stream = self._streams[core.id] = Stream(core)
        for event in early:
            self._route(event)
        return stream

    def _make(self, make: Callable[[], I]) -> Tuple[I, List[Event]]:
        """Events may be reported before the call has returned the id that they are about: they are kept."""
        before, self._early = self._early, []
        try:
            return make(), self._early
        finally:
            self._early = before

    async def _opened(self, conn: Conn) -> Conn:
        try:
            await conn.wait_opened()
        except asyncio.CancelledError:
            conn.abort()
            raise
        return conn

    def _take(self, event: Event) -> None:
        self._route(event)
        if self._on_event is not None:
            self._on_event(event)

    def _route(self, event: Event) -> None:
        kind, id = event.kind, event.id
        if kind is EventKind.SESSION and event.user in self._listeners:
            conn = self._conns[id] = Conn(self, event.conn)
            self._listeners[event.user].put(conn)
        elif kind is EventKind.LISTENER_CLOSED and event.user in self._listeners:
            self._listeners[event.user].end()
        elif kind is EventKind.DRAINED:
            self._drained.set()
        elif id in self._streams:
            self._streams.pop(id).take(event)
        elif id in self._conns:
            conn = self._conns.pop(id) if kind is EventKind.CLOSED else self._conns[id]
            conn.take(event)
        elif self._early is not None:
            self._early.append(event)

    # What the engine calls

    def watch(self, fd: int, token: int, old: Io, new: Io) -> None:
        """Watches a descriptor of the engine."""
        if self._loop.is_closed():
            return
        if new & ~old & Io.IN:
            self._loop.add_reader(fd, self.core.ready, token, Io.IN)
        elif old & ~new & Io.IN:
            self._loop.remove_reader(fd)
        if new & ~old & Io.OUT:
            try:
                self._loop.add_writer(fd, self.core.ready, token, Io.OUT)
            except OSError:
                # It counts as watched for old.
                if new & ~old & Io.IN:
                    self._loop.remove_reader(fd)
                raise
        elif old & ~new & Io.OUT:
            self._loop.remove_writer(fd)

    def wake_at(self, deadline_ns: int) -> None:
        """Has the engine run at this time. Not at once: others of the loop get their turn before."""
        if self._timer is not None:
            self._timer.cancel()
        delay = (deadline_ns - time.monotonic_ns()) / NS_PER_S
        self._timer = self._loop.call_later(max(0.0, delay), self._run)

    def _run(self) -> None:
        self._timer = None
        self.core.run()
