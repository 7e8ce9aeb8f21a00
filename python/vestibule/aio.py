"""Engines on asyncio: connections that are awaited.

    async with vestibule.aio.Engine() as engine:
        async for conn in engine.listen("127.0.0.1:7000"):
            ...

An engine belongs to the loop in which it was made. Objects of this module have what needs no waiting in core, which is
the object of the package with the same name.
"""

from __future__ import annotations

import asyncio
import collections
import itertools
import math
import time
from typing import Awaitable, Callable, Deque, Dict, List, Optional, Sequence, Set, Tuple, TypeVar

from . import conns, engine, listeners, streams
from ._memory import NS_PER_S
from .addresses import Address
from .backends import Backend, BackendOptions
from .config import AcceptConfig, ConnectConfig, ListenerOptions, StreamConfig
from .conns import RECV_BYTES, Bytes
from .constants import Drain, EventKind, Io, Shut, State
from .ends import End, StreamEnd
from .errors import EndedError, FailedError, PeerError, ResetError, StaleError, StateError
from .events import Event
from .ids import Id
from .options import EngineOptions
from .tls import TlsClient, TlsServer

I = TypeVar("I", bound=Id)

#: After so many reads or writes that had to wait for nothing, others get their turn.
TURNS = 16
#: How often a closed listener looks whether its last connections are sessions, in seconds.
LOOK_AGAIN = 0.25
#: How long Engine.close waits for what is left, in seconds.
CLOSE_GRACE = 5.0


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
        return StaleError(-3, "Conn", "the engine is closed, or the connection is part of a stream")

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


class Stream:
    """Two connections between which the library moves the bytes."""

    def __init__(self, core: streams.Stream) -> None:
        #: The stream, to abort and to describe it.
        self.core = core
        #: How it ended, once it has.
        self.end: Optional[StreamEnd] = None
        self._ended = asyncio.Event()

    async def wait(self) -> StreamEnd:
        """Waits for its end, and returns how it was. Raises StaleError when the engine is closed before."""
        await self._ended.wait()
        if self.end is None:
            raise StaleError(-3, "Stream", "the engine is closed")
        return self.end

    def take(self, event: Event) -> None:
        """What the engine has said about it."""
        self.end = event.stream_end
        self.wake()

    def wake(self) -> None:
        """Has all who wait look again."""
        self._ended.set()


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
            self._loop.add_writer(fd, self.core.ready, token, Io.OUT)
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
