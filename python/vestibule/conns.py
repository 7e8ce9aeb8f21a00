"""Connections."""

from __future__ import annotations

from ctypes import c_int32, c_size_t, c_uint32, c_uint64, string_at
from typing import TYPE_CHECKING, Callable, Iterator, Optional, Tuple, Union

from ._declarations import (
    VST_END,
    VST_NONE,
    VST_OK,
    vst_addr,
    vst_proxy_header,
    vst_start_tls,
    vst_tls_info,
)
from ._library import functions
from ._memory import address_of, bytes_of, encoded, nanoseconds, new_why, ref, sized
from .addresses import Address
from .backends import Backend
from .constants import ConnFlag, ProxyCommand, ProxyTransport, Shut, State, TlsText, Verified
from .errors import SpaceError
from .facts import ProxyHeader, TlsInfo
from .ids import Id
from .streams import Stream

if TYPE_CHECKING:
    from ._declarations import Memory, Pointer, vst_engine
    from .config import StreamConfig
    from .tls import TlsClient, TlsServer

#: What one read asks for, if nothing else is said.
RECV_BYTES = 65536
#: How much of an array or a view is copied for one write.
SEND_BYTES = 262144

Bytes = Union[bytes, bytearray, memoryview]


class Conn(Id):
    """
    A connection. Once an event has reported that it is a session, it may be read and written, until it is closed
    or becomes part of a stream. EventKind.CLOSED is the last event about it, and says how it ended.
    """

    __slots__ = ()

    def recv(self, size: int = RECV_BYTES) -> Optional[bytes]:
        """
        Reads at most size bytes: b"" at the peer's end, None when there are none now. After None, EventKind.READABLE
        is reported once when some have come; else no event is: read until None.

        Raises ResetError and FailedError (EventKind.CLOSED follows), TruncatedError and StateError.
        """
        return self._read(functions().vst_conn_recv, size)

    def peek(self, size: int = RECV_BYTES) -> Optional[bytes]:
        """
        Copies the next bytes and leaves them to the next read: b"" when no more will come, None when there are none
        now. Where there are fewer than size, EventKind.READABLE is reported once when there are more. Raises as recv.
        """
        return self._read(functions().vst_conn_peek, size)

    def _read(
        self, function: Callable[[vst_engine, int, Memory, int, Pointer[c_size_t]], int], size: int
    ) -> Optional[bytes]:
        # Events may be reported before the call returns, and read as well: each call has a buffer of its own.
        engine, got = self.engine, c_size_t()
        room = engine.take_room(size)
        try:
            status = function(engine.handle, self.id, room, size, ref(got))
            if got.value > 0:
                return string_at(room, got.value)
            return b"" if status == VST_END else None
        finally:
            engine.give_room(room)

    def send(self, data: Bytes) -> int:
        """
        Writes bytes: how many were taken, which are copied. 0: none now, and EventKind.WRITABLE is reported once when
        some can be.

        Raises ResetError and FailedError (what came before can still be read, and no event follows by itself), and
        StateError.
        """
        taken = c_size_t()
        part = data if isinstance(data, bytes) else bytes(data[:SEND_BYTES])
        functions().vst_conn_send(self.engine.handle, self.id, part, len(part), ref(taken))
        return taken.value

    def shutdown(self, direction: Shut = Shut.WRITE) -> None:
        """Ends one direction in order, or both. Raises StateError."""
        functions().vst_conn_shutdown(self.engine.handle, self.id, direction)

    def close(self) -> None:
        """Closes it in order: what was written is sent, then TLS's end and the FIN. Raises StateError the second time."""
        functions().vst_conn_close(self.engine.handle, self.id)

    def abort(self) -> None:
        """Ends it by a reset; unsent bytes are thrown away. Raises StateError for a part of a stream."""
        functions().vst_conn_abort(self.engine.handle, self.id)

    def set_timeout(self, seconds: float) -> None:
        """Ends the session in order when no byte is read or written for so long; 0 ends this bound. Raises StateError."""
        functions().vst_conn_set_timeout(self.engine.handle, self.id, nanoseconds(seconds))

    def limit_rate(self, direction: Shut, limit: int, period: float = 1.0) -> None:
        """
        Limits how many bytes move in one direction, or in each of both, in a period in seconds; 0 ends the limit.
        Also for a connection of a stream.
        """
        functions().vst_conn_limit_rate(self.engine.handle, self.id, direction, limit, nanoseconds(period))

    def start_tls(
        self,
        *,
        server: Optional[TlsServer] = None,
        client: Optional[TlsClient] = None,
        server_name: Optional[str] = None,
        early: bytes = b"",
    ) -> None:
        """
        Begins TLS on a session, as the server or as the client; EventKind.TLS_DONE reports that it is done. early are
        bytes of TLS that were read already.

        Raises StateError (it has TLS, unsent bytes, or bytes that were not read) and ArgumentError.
        """
        start, why = sized(vst_start_tls), new_why()
        if server is not None:
            start.server = server.handle
        if client is not None:
            start.client = client.handle
        start.server_name = encoded(server_name)
        start.early, start.early_len = address_of(early), len(early)
        functions().vst_conn_start_tls(self.engine.handle, self.id, ref(start), why, len(why))

    def take_fd(self) -> Tuple[int, bytes]:
        """
        Takes the descriptor of a session without TLS out of the library: it is the caller's, who closes it. With it
        come the bytes that the library has read already. Raises StateError.
        """
        fd, length, capacity = c_int32(-1), c_size_t(), 0
        while True:
            room = self.engine.take_room(capacity)
            try:
                functions().vst_conn_take_fd(self.engine.handle, self.id, ref(fd), room, capacity, ref(length))
                return fd.value, string_at(room, length.value)
            except SpaceError:
                capacity = length.value
            finally:
                self.engine.give_room(room)

    def forward(self, server: Conn, config: Optional[StreamConfig] = None) -> Stream:
        """
        Joins this session with a connection to a server, open or not yet: from here on the library moves the bytes,
        and EventKind.STREAM_END is the one event that follows. Raises StateError and LimitError.
        """
        out = c_uint64()
        handle = config.handle if config is not None else None
        functions().vst_conn_forward(self.engine.handle, self.id, server.id, handle, None, ref(out))
        return Stream(self.engine, out.value)

    def forward_to(self, backend: Backend, config: Optional[StreamConfig] = None) -> Stream:
        """Joins this session with a server of the backend, which chooses it. Raises StateError and LimitError."""
        out = c_uint64()
        handle = config.handle if config is not None else None
        functions().vst_conn_forward_to(self.engine.handle, self.id, backend.id, handle, None, ref(out))
        return Stream(self.engine, out.value)

    def chosen_backend(self) -> Optional[Backend]:
        """The backend that the rules choose, if they choose one. Raises ConfigError where they name none."""
        out = c_uint64()
        functions().vst_conn_chosen_backend(self.engine.handle, self.id, ref(out))
        return Backend(self.engine, out.value) if out.value else None

    def variable(self, name: str) -> Optional[bytes]:
        """What a rule has set by set-var(name), with the scope in front of the name; numbers and addresses as text."""
        named = encoded(name)
        return bytes_of(
            lambda text, room, got: functions().vst_conn_variable(self.engine.handle, self.id, named, text, room, got)
        )

    def capture(self, number: int) -> Optional[bytes]:
        """What the capture line of this number, from 0, has kept."""
        return bytes_of(
            lambda text, room, got: functions().vst_conn_capture(self.engine.handle, self.id, number, text, room, got)
        )

    @property
    def state(self) -> State:
        """Whether its handshakes are done, and whether it closes."""
        state = c_uint32()
        functions().vst_conn_state(self.engine.handle, self.id, ref(state))
        return State(state.value)

    @property
    def shut(self) -> ConnFlag:
        """Which directions are shut, and whether it failed."""
        flags = c_uint32()
        functions().vst_conn_shut(self.engine.handle, self.id, ref(flags))
        return ConnFlag(flags.value)

    @property
    def fd(self) -> int:
        """Its descriptor, for socket options only. Raises UnsupportedError and StateError."""
        fd = c_int32(-1)
        functions().vst_conn_fd(self.engine.handle, self.id, ref(fd))
        return fd.value

    @property
    def wire_bytes(self) -> Tuple[int, int]:
        """How many bytes it has read and written on the wire."""
        read, written = c_uint64(), c_uint64()
        functions().vst_conn_bytes(self.engine.handle, self.id, ref(read), ref(written))
        return read.value, written.value

    @property
    def peer_credentials(self) -> Optional[Tuple[int, int]]:
        """The user id and the group id of the process at the other end; None where they are not known."""
        uid, gid = c_uint32(), c_uint32()
        status = functions().vst_conn_peer_credentials(self.engine.handle, self.id, ref(uid), ref(gid))
        return (uid.value, gid.value) if status == VST_OK else None

    def addresses(self) -> Tuple[Address, Address]:
        """Source and destination: those announced by a header, else the socket's. Raises StateError."""
        source, destination = vst_addr(), vst_addr()
        functions().vst_conn_addrs(self.engine.handle, self.id, ref(source), ref(destination))
        return Address.of(source), Address.of(destination)

    def socket_addresses(self) -> Tuple[Address, Address]:
        """The peer's address and ours, whatever was announced. Raises StateError."""
        peer, local = vst_addr(), vst_addr()
        functions().vst_conn_socket_addrs(self.engine.handle, self.id, ref(peer), ref(local))
        return Address.of(peer), Address.of(local)

    def proxy_header(self) -> Optional[ProxyHeader]:
        """The PROXY header that it came with, if there was one."""
        header = sized(vst_proxy_header)
        if functions().vst_conn_proxy_header(self.engine.handle, self.id, ref(header)) == VST_NONE:
            return None
        return ProxyHeader(
            header.version,
            ProxyCommand(header.command),
            ProxyTransport(header.transport),
            tuple(self._tlvs(header.tlv_count)),
        )

    def _tlvs(self, count: int) -> Iterator[Tuple[int, bytes]]:
        kind = c_uint32()
        for index in range(count):
            value = bytes_of(
                lambda text, room, got: functions().vst_conn_proxy_tlv(
                    self.engine.handle, self.id, index, ref(kind), text, room, got
                )
            )
            yield kind.value, value or b""

    def tls_info(self) -> Optional[TlsInfo]:
        """What TLS agreed on; None without TLS, or before its handshake is done."""
        info = sized(vst_tls_info)
        if functions().vst_conn_tls_info(self.engine.handle, self.id, ref(info)) == VST_NONE:
            return None
        certificates = tuple(self._certificate(index) for index in range(info.certificate_count))
        return TlsInfo(
            info.version, info.cipher, info.group, bool(info.resumed), Verified(info.verified), certificates
        )

    def _certificate(self, index: int) -> bytes:
        handle = self.engine.handle
        return bytes_of(lambda text, room, got: functions().vst_conn_tls_certificate(handle, self.id, index, text, room, got)) or b""

    def tls_text(self, what: TlsText) -> Optional[bytes]:
        """A name of what TLS agreed on, as bytes, since some come from the peer."""
        handle = self.engine.handle
        return bytes_of(lambda text, room, got: functions().vst_conn_tls_text(handle, self.id, what, text, room, got))

    def describe(self) -> str:
        """Its state as one line of name=value, for a log."""
        return self._text(functions().vst_conn_describe)
