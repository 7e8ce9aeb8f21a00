"""What C calls, for every engine: each looks up whose call it is, and lets no exception through."""

from __future__ import annotations

import ctypes
import errno
from typing import TYPE_CHECKING, Optional

from . import _registry
from ._declarations import (
    VST_IO_RELEASED,
    vst_engine,
    vst_event,
    vst_event_fn,
    vst_interest_fn,
    vst_log_fn,
    vst_timer_fn,
    vst_trace_fn,
)
from .constants import Io, Trace
from .events import Event

if TYPE_CHECKING:
    from ._declarations import Pointer

#: What a poller of Python can watch. The end of a peer is noticed by the next read or write.
WATCHED = Io.IN | Io.OUT


def _on_interest(
    data: Optional[int], fd: int, token: int, old_mask: int, new_mask: int, _user: Optional[int]
) -> int:
    engine = _registry.engines.get(data or 0)
    if engine is None:
        return errno.EIO
    try:
        # A poller without a record of its own need not know more of a release.
        new = 0 if new_mask & VST_IO_RELEASED else new_mask
        engine.poller.watch(fd, token, Io(old_mask) & WATCHED, Io(new) & WATCHED)
        return 0
    except OSError as error:
        return error.errno or errno.EIO
    except BaseException as error:
        engine.report(error)
        return errno.EIO


def _on_timer(data: Optional[int], deadline_ns: int) -> None:
    engine = _registry.engines.get(data or 0)
    if engine is not None:
        try:
            engine.poller.wake_at(deadline_ns)
        except BaseException as error:
            engine.report(error)


def _on_event(data: Optional[int], _handle: vst_engine, event: Pointer[vst_event]) -> None:
    engine = _registry.engines.get(data or 0)
    if engine is not None:
        try:
            engine.on_event(Event(engine, event.contents))
        except BaseException as error:
            engine.report(error)


def _on_log(data: Optional[int], text: Optional[int], length: int) -> None:
    engine = _registry.engines.get(data or 0)
    if engine is not None:
        try:
            engine.options.log(ctypes.string_at(text or 0, length).decode(errors="replace"))
        except BaseException as error:
            engine.report(error)


def _on_trace(data: Optional[int], category: int, line: Optional[int], length: int) -> None:
    engine = _registry.engines.get(data or 0)
    if engine is not None and engine.options.trace is not None:
        try:
            engine.options.trace(Trace(category), ctypes.string_at(line or 0, length).decode(errors="replace"))
        except BaseException as error:
            engine.report(error)


interest = vst_interest_fn(_on_interest)
timer = vst_timer_fn(_on_timer)
event = vst_event_fn(_on_event)
log = vst_log_fn(_on_log)
trace = vst_trace_fn(_on_trace)
