"""Streams that are awaited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Optional

from ..constants import Status
from ..errors import StaleError

if TYPE_CHECKING:
    from .. import streams
    from ..ends import StreamEnd
    from ..events import Event


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
            raise StaleError(Status.E_STALE, "Stream", "the engine is closed")
        return self.end

    def take(self, event: Event) -> None:
        """What the engine has said about it."""
        self.end = event.stream_end
        self.wake()

    def wake(self) -> None:
        """Has all who wait look again."""
        self._ended.set()
