"""Handlers: steps of a program's own in opening a connection, before or after TLS."""

from __future__ import annotations

import asyncio
import ctypes
import inspect
from ctypes import c_size_t
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Dict, NamedTuple, Optional, Union

from . import _registry
from ._declarations import (
    VST_HANDLER_AFTER_TLS,
    VST_STEP_ENDED,
    vst_discard_fn,
    vst_engine,
    vst_handler,
    vst_step,
    vst_step_fn,
)
from ._library import functions
from ._memory import nanoseconds, ref, sized
from .conns import Conn
from .constants import Next
from .errors import Refusal, StaleError

if TYPE_CHECKING:
    from ._declarations import Pointer
    from .engine import Engine

#: The library holds no more for a handler.
PEEK_BYTES = 16384


class Ticket(NamedTuple):
    """What an answer that comes later names: one step of one connection."""

    conn_id: int
    number: int


class Step:
    """A handler's view of one connection. The same object comes with every call for the connection."""

    def __init__(self, engine: Engine, conn_id: int) -> None:
        #: The connection, for what may only be read, and to abort it.
        self.conn = Conn(engine, conn_id)
        #: Anything that the handler wants to keep for the connection.
        self.state: Any = None
        #: Whether the peer has ended its side: no further byte comes.
        self.is_ended = False
        #: What an answer that comes later names.
        self.ticket = Ticket(conn_id, 0)
        self._refusal = b""

    def peek(self, most: int = PEEK_BYTES) -> bytes:
        """The bytes that have come and are not consumed. Raises StateError after the answer."""
        room, length = ctypes.create_string_buffer(most), c_size_t()
        functions().vst_handler_peek(self.conn.engine.handle, self.conn.id, room, most, ref(length))
        return ctypes.string_at(room, min(most, length.value))

    def consume(self, count: int) -> None:
        """Drops the first bytes: nobody else gets them. Raises ArgumentError if there are fewer."""
        functions().vst_handler_consume(self.conn.engine.handle, self.conn.id, count)

    def offer(self, data: bytes) -> int:
        """Sends a part of the bytes: how many; 0 means that the answer is Next.WRITE. Raises PeerError."""
        taken = c_size_t()
        functions().vst_handler_send(self.conn.engine.handle, self.conn.id, data, len(data), ref(taken))
        return taken.value

    def called(self, c: vst_step, function: Callable[[Any], Any]) -> int:
        """One call of C: the answer."""
        self._begin(c)
        try:
            return int(Next(function(self)))
        except Refusal as refusal:
            # It is copied after the callback has returned, and this object is kept until then.
            self._refusal = refusal.text.encode()
            c.code, c.text = refusal.code, self._refusal
            return Next.FAIL

    def discarded(self) -> None:
        """The library has finished with the connection here, or it has ended."""

    def _begin(self, c: vst_step) -> None:
        self.is_ended = bool(c.flags & VST_STEP_ENDED)
        self.ticket = Ticket(self.conn.id, c.ticket)


class Dialogue(Step):
    """A step of a handler that is a coroutine function: one call for the connection, which waits for what it needs."""

    def __init__(self, engine: Engine, conn_id: int) -> None:
        super().__init__(engine, conn_id)
        self._task: Optional[asyncio.Task[None]] = None
        self._called: Optional[asyncio.Future[None]] = None
        self._is_over = False

    async def read(self) -> bytes:
        """
        Waits for more bytes than there were, or for the end of the peer's side: all that have come. Raises StateError
        if it has ended already: is_ended says so.
        """
        await self._again(Next.READ)
        return self.peek()

    async def send(self, data: bytes) -> None:
        """Sends all of it. Raises PeerError."""
        sent = self.offer(data)
        while sent < len(data):
            await self._again(Next.WRITE)
            sent += self.offer(data[sent:])

    async def _again(self, answer: Next) -> None:
        """Answers, and waits until the handler is called again."""
        # Before the answer, which may have it called at once.
        self._called = asyncio.get_running_loop().create_future()
        self.conn.engine.answer(self.ticket, answer)
        await self._called

    def called(self, c: vst_step, function: Callable[[Any], Any]) -> int:
        """One call of C, of which the first begins the task, and further ones have it go on."""
        self._begin(c)
        if self._task is None:
            # A loop may run it at once, and it may then have answered.
            self._task = asyncio.get_running_loop().create_task(self._run(function))
        elif self._called is not None and not self._called.done():
            self._called.set_result(None)
        return Next.LATER

    def discarded(self) -> None:
        """The library has finished with the connection here, or it has ended: the task is cancelled."""
        if not self._is_over and self._task is not None:
            self._is_over = True
            self._task.cancel()

    async def _run(self, function: Callable[[Dialogue], Awaitable[None]]) -> None:
        engine, code, text, answer = self.conn.engine, 0, "", Next.DONE
        try:
            await function(self)
        except Refusal as refusal:
            answer, code, text = Next.FAIL, refusal.code, refusal.text
        except asyncio.CancelledError:
            if self._is_over:
                raise
            answer = Next.FAIL
        except Exception as error:
            engine.report(error)
            answer = Next.FAIL
        self._is_over = True
        try:
            engine.answer(self.ticket, answer, code, text or None)
        except StaleError:
            pass  # its connection has ended, or its timeout has passed


#: Called for each step; it returns a member of Next, and raises Refusal to refuse.
StepFunction = Callable[[Step], Next]
#: Called once for a connection, which goes on when it returns; it raises Refusal to refuse.
DialogueFunction = Callable[[Dialogue], Awaitable[None]]


class Handler:
    """
    A step of a program's own. Make it once and name it in configurations; engines keep those that they use.

    A function is called whenever there is something new, with a Step. It returns Next.DONE when the connection may go
    on, Next.READ for more bytes, Next.WRITE when the peer must take some first, and Next.LATER when the answer comes
    later, by Engine.answer or Waker.post with the ticket of the step.

    A coroutine function is called once, with a Dialogue, in the asyncio loop that drives the engine; the connection
    goes on when it returns. It is cancelled when its connection ends.

    Both refuse the connection by raising Refusal. Another exception is reported to the engine's on_error, and refuses
    the connection too.
    """

    def __init__(
        self, function: Union[StepFunction, DialogueFunction], *, after_tls: bool = False, timeout: float = 0
    ) -> None:
        """timeout is in seconds from the first call; 0 is no bound but that of the opening."""
        self.function: Callable[[Any], Any] = function
        self.is_async = inspect.iscoroutinefunction(function)
        self.after_tls = after_tls
        self.timeout_ns = nanoseconds(timeout)
        self.steps: Dict[int, Step] = {}
        self._number = next(_registry.numbers)
        _registry.handlers[self._number] = self

    def to_c(self) -> vst_handler:
        """For C, which names it by its number."""
        handler = sized(vst_handler)
        handler.flags = VST_HANDLER_AFTER_TLS * self.after_tls
        handler.step, handler.discard = _step, _discard
        handler.data, handler.timeout_ns = self._number, self.timeout_ns
        return handler

    def step(self, engine: Engine, c: vst_step) -> int:
        """One call of C: the answer."""
        step = self.steps.get(c.state or 0)
        if step is None:
            step = (Dialogue if self.is_async else Step)(engine, c.conn)
            c.state = next(_registry.numbers)
            self.steps[c.state] = step
        return step.called(c, self.function)

    def discard(self, state: int) -> None:
        """C has finished with a connection."""
        step = self.steps.pop(state, None)
        if step is not None:
            step.discarded()


def _on_step(data: Optional[int], engine: vst_engine, step: Pointer[vst_step]) -> int:
    owner, handler = _registry.handles.get(engine.value or 0), _registry.handlers.get(data or 0)
    if owner is None or handler is None:
        return Next.FAIL
    try:
        return handler.step(owner, step.contents)
    except BaseException as error:
        owner.report(error)
        return Next.FAIL


def _on_discard(data: Optional[int], state: Optional[int]) -> None:
    handler = _registry.handlers.get(data or 0)
    if handler is not None:
        try:
            handler.discard(state or 0)
        except Exception as error:
            _registry.unraisable(error)


_step = vst_step_fn(_on_step)
_discard = vst_discard_fn(_on_discard)
