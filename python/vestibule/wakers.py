"""Wakers: how other threads reach an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._declarations import vst_waker
from ._library import functions
from ._memory import Handle, ref
from .constants import Next

if TYPE_CHECKING:
    from .engine import Engine
    from .handlers import Ticket


class Waker(Handle):
    """Wakes an engine's thread, and brings answers of handlers to it. Every method may be called by any thread."""

    def __init__(self, engine: Engine) -> None:
        """Made on the engine's thread. Raises SystemCallError."""
        out = vst_waker()
        functions().vst_engine_waker(engine.handle, ref(out))
        #: The handle, for functions that are not wrapped.
        self.handle = self._own(out, functions().vst_waker_free)

    def wake(self) -> None:
        """Has EventKind.WOKEN reported, once for all calls since the last. Raises GoneError: the engine is closed."""
        functions().vst_waker_wake(self.handle)

    def post(self, ticket: Ticket, answer: Next = Next.DONE, code: int = 0) -> None:
        """
        Answers for a handler that returned Next.LATER. Raises GoneError, and LimitError while 4,096 answers wait: let
        the engine's thread run, and try again.
        """
        functions().vst_waker_post(self.handle, ticket.conn_id, ticket.number, answer, code)
