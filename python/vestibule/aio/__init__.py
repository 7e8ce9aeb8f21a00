"""Engines on asyncio: connections that are awaited.

    async with vestibule.aio.Engine() as engine:
        async for conn in engine.listen("127.0.0.1:7000"):
            ...

An engine belongs to the loop in which it was made. Objects of this module have what needs no waiting in core, which is
the object of the package with the same name.
"""

from __future__ import annotations

from .conns import Conn
from .engine import Engine
from .listeners import Listener
from .streams import Stream

__all__ = ["Conn", "Engine", "Listener", "Stream"]
