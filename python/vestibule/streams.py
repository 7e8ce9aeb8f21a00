"""Streams: two connections, between which the library moves the bytes."""

from __future__ import annotations

from ._library import functions
from .ids import Id


class Stream(Id):
    """A stream. EventKind.STREAM_END is the one event about it."""

    __slots__ = ()

    def abort(self) -> None:
        """Ends it at once: both peers get a reset."""
        functions().vst_stream_abort(self.engine.handle, self.id)

    def describe(self) -> str:
        """Its state as one line of name=value, for a log."""
        return self._text(functions().vst_stream_describe)
