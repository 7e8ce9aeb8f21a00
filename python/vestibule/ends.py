"""How connections and streams ended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

from ._declarations import VST_NO_SERVER, vst_end, vst_stream_end
from ._memory import seconds
from .addresses import Address
from .constants import Op, Why


def _text(data: Optional[bytes]) -> str:
    return (data or b"").decode(errors="replace")


@dataclass(frozen=True)
class End:
    """How a connection ended. Spans of time are in seconds."""

    #: The operation that failed; None when it ended as it should, and when it failed while its bytes moved.
    at: Optional[Op]
    #: Why; None when it ended as it should.
    why: Optional[Why]
    #: The errno of the system, or 0.
    errno: int
    #: The TLS alert that was sent or received (RFC 8446 section 6), or None.
    alert: Optional[int]
    #: The operation, the reason and a sentence. Bytes that came from a peer are escaped.
    text: str
    #: The id that the connection had.
    conn_id: int
    #: The listener that it came from, or 0.
    listener_id: int
    #: Bytes read from the wire.
    bytes_in: int
    #: Bytes that the kernel took for the wire.
    bytes_out: int
    #: Of bytes_in: how many were thrown away while closing.
    discarded: int
    #: Bytes written that did not reach the peer as far as is known.
    lost: int
    #: From its beginning to its end.
    lasted: float
    #: From the beginning of the operation that failed, or 0.
    in_op: float
    #: How many such ends before were only counted, or were quiet.
    suppressed: int
    #: Whether a log may leave it out: it is above ends_per_second of its listener, or a rule has made it silent.
    is_quiet: bool
    #: What rules have captured, `-` for what they have not, with `|` between.
    captures: str
    #: The severity of syslog that a rule has set for it, 0 to 7, or None.
    log_level: Optional[int]
    #: The other end of the socket.
    peer: Address
    #: Our end of the socket, if it was asked for while the connection was open.
    local: Address
    #: The source announced by a header.
    announced_source: Address
    #: The destination announced by a header.
    announced_destination: Address
    #: The code of the handler that refused it, or 0.
    host_code: int
    #: Whether it failed at the agent behind its link.
    is_remote: bool

    @property
    def is_in_order(self) -> bool:
        """Whether it ended as it should."""
        return self.why is None

    @classmethod
    def of(cls, end: vst_end) -> End:
        """Copies it from C."""
        return cls(
            at=Op(end.at) if end.at else None,
            why=Why(end.why) if end.why else None,
            errno=end.sys_errno,
            alert=end.alert if end.alert >= 0 else None,
            text=_text(end.text),
            conn_id=end.conn,
            listener_id=end.listener,
            bytes_in=end.bytes_in,
            bytes_out=end.bytes_out,
            discarded=end.discarded,
            lost=end.lost,
            lasted=seconds(end.lasted_ns),
            in_op=seconds(end.in_op_ns),
            suppressed=end.suppressed,
            is_quiet=bool(end.quiet),
            captures=_text(end.captures),
            log_level=end.log_level if end.log_level >= 0 else None,
            peer=Address.of(end.peer),
            local=Address.of(end.local),
            announced_source=Address.of(end.announced_source),
            announced_destination=Address.of(end.announced_destination),
            host_code=end.host_code,
            is_remote=bool(end.remote),
        )


@dataclass(frozen=True)
class StreamEnd:
    """How a stream ended. Spans of time are in seconds."""

    #: What failed first; None when both sides ended in order.
    why: Optional[Why]
    #: Two letters as in HAProxy's log: what ended it, and when.
    termination: str
    #: The same in words.
    text: str
    #: How the client's connection ended.
    client: End
    #: How the server's connection ended; None when there was none.
    server: Optional[End]
    #: The number of the server that it was given last, or None.
    server_number: Optional[int]
    #: The backend that chose the server, or 0.
    backend_id: int
    #: Bytes of the client that the server's connection took.
    bytes_up: int
    #: Bytes of the server that the client's connection took.
    bytes_down: int
    #: From its beginning to its end.
    lasted: float
    #: From its beginning until a server was reached, or None.
    reached: Optional[float]
    #: How long it waited in queues.
    queued: float
    #: How many times it was given a server.
    attempts: int

    @classmethod
    def of(cls, stream: vst_stream_end, client: End, server: Optional[End]) -> StreamEnd:
        """Copies it from C."""
        reached = seconds(stream.reached_ns)
        return cls(
            why=Why(stream.why) if stream.why else None,
            termination=stream.termination.decode(),
            text=_text(stream.text),
            client=client,
            server=server,
            server_number=stream.server if stream.server != VST_NO_SERVER else None,
            backend_id=stream.backend,
            bytes_up=stream.bytes_up,
            bytes_down=stream.bytes_down,
            lasted=seconds(stream.lasted_ns),
            reached=reached if reached != math.inf else None,
            queued=seconds(stream.queued_ns),
            attempts=stream.attempts,
        )
