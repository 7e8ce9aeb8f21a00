"""An engine on a selector: for programs with a loop of their own, or with none."""

from __future__ import annotations

import math
import selectors
import time
from typing import Callable, Optional

from ._declarations import VST_NEVER
from ._memory import NS_PER_S
from .constants import EventKind, Io
from .engine import Engine
from .events import Event
from .options import EngineOptions


class SelectorHost:
    """
    An engine and the loop that drives it.

    Other descriptors may be registered with selector as well, with a function as their data: it is called with the
    key and the events when one is ready.
    """

    def __init__(
        self,
        on_event: Callable[[Event], None],
        options: EngineOptions = EngineOptions(),
        selector: Optional[selectors.BaseSelector] = None,
    ) -> None:
        """on_event gets each event of the engine. Raises as Engine."""
        self.selector = selector or selectors.DefaultSelector()
        self.on_event = on_event
        self._deadline_ns = VST_NEVER
        self._is_over = False
        #: The engine.
        self.engine = Engine(self, self._event, options)

    def run(self) -> None:
        """Serves until stop is called or a drain is done. What callbacks raised that is no Exception is raised here."""
        self._is_over = False
        while not self._is_over:
            self.turn()

    def stop(self) -> None:
        """Has run return. Called from a callback, or by a handler of EventKind.WOKEN."""
        self._is_over = True

    def turn(self, most: float = math.inf) -> None:
        """Waits for something to happen, for at most so many seconds, and lets it happen."""
        until = (self._deadline_ns - time.monotonic_ns()) / NS_PER_S if self._deadline_ns != VST_NEVER else math.inf
        least = max(0.0, min(most, until))
        for key, events in self.selector.select(None if least == math.inf else least):
            if isinstance(key.data, int):
                # A token of one that was closed meanwhile does no harm, whoever has its number now.
                self.engine.ready(key.data, _mask_of(events))
            else:
                key.data(key, events)
        if self._deadline_ns <= time.monotonic_ns():
            # It is set anew by run.
            self._deadline_ns = VST_NEVER
            self.engine.run()

    def close(self) -> None:
        """Frees the engine, whose connections are reset, and closes the selector. Raises as Engine.close."""
        self.engine.close()
        self.selector.close()

    def __enter__(self) -> SelectorHost:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _event(self, event: Event) -> None:
        if event.kind is EventKind.DRAINED:
            self._is_over = True
        self.on_event(event)

    # What the engine calls.

    def watch(self, fd: int, token: int, old: Io, new: Io) -> None:
        """Watches a descriptor of the engine."""
        if new and old:
            self.selector.modify(fd, _events_of(new), token)
        elif new:
            self.selector.register(fd, _events_of(new), token)
        elif old:
            # Not an empty mask: errors would be reported for it without end.
            self.selector.unregister(fd)

    def wake_at(self, deadline_ns: int) -> None:
        """Remembers when the engine is to be run."""
        self._deadline_ns = deadline_ns


def _events_of(mask: Io) -> int:
    return selectors.EVENT_READ * bool(mask & Io.IN) | selectors.EVENT_WRITE * bool(mask & Io.OUT)


def _mask_of(events: int) -> int:
    return Io.IN * bool(events & selectors.EVENT_READ) | Io.OUT * bool(events & selectors.EVENT_WRITE)
