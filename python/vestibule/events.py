"""Events: what an engine says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from ._declarations import vst_event
from .backends import Backend, Server
from .conns import Conn
from .constants import EventKind, Reason
from .ends import End, StreamEnd
from .listeners import Listener
from .streams import Stream

if TYPE_CHECKING:
    from .engine import Engine


class Event:
    """What has happened. All of it is copied, and may be kept."""

    __slots__ = ("end", "engine", "errno", "id", "kind", "reason", "server_number", "stream_end", "text", "user")

    def __init__(self, engine: Engine, event: vst_event) -> None:
        self.engine = engine
        #: What.
        self.kind = EventKind(event.kind)
        #: What it is about.
        self.id = event.id
        #: What Engine.listen was given for the listener that it is about, or whose connection it is about; else 0.
        self.user = event.user or 0
        #: How a connection ended, with REFUSED, CLOSED and STREAM_END (the client's); else None.
        self.end: Optional[End] = End.of(event.end.contents) if event.end else None
        #: How a stream ended, with STREAM_END; else None.
        self.stream_end: Optional[StreamEnd] = None
        if event.stream and self.end is not None:
            server = End.of(event.end_server.contents) if event.end_server else None
            self.stream_end = StreamEnd.of(event.stream.contents, self.end, server)
        #: With PAUSED the errno of the system, or 0 when a limit is reached.
        self.errno = event.sys_errno
        #: With SERVER_*: the number of the server.
        self.server_number = event.server
        #: With SERVER_UP and SERVER_DOWN: why; else None.
        self.reason = Reason(event.reason) if event.reason else None
        #: A text that comes with the event, or empty.
        self.text = (event.text or b"").decode(errors="replace")

    def __repr__(self) -> str:
        return f"<Event {self.kind.name} {self.id:#x}>"

    @property
    def conn(self) -> Conn:
        """The connection, with SESSION, CONNECTED, READABLE, WRITABLE, REFUSED, CLOSED, DRAINING and TLS_DONE."""
        return Conn(self.engine, self.id)

    @property
    def listener(self) -> Listener:
        """The listener, with PAUSED, RESUMED and LISTENER_CLOSED."""
        return Listener(self.engine, self.id)

    @property
    def stream(self) -> Stream:
        """The stream, with STREAM_END."""
        return Stream(self.engine, self.id)

    @property
    def server(self) -> Server:
        """The server, with SERVER_UP, SERVER_DOWN and SERVER_RESOLVE."""
        return Server(Backend(self.engine, self.id), self.server_number)
