"""Backends: groups of servers, of which each stream gets one."""

from __future__ import annotations

from ctypes import c_uint32
from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, NamedTuple, Optional, Sequence, Union

from ._declarations import (
    VST_BACKEND_NO_QUEUE,
    VST_BACKEND_NO_REDISPATCH,
    VST_BACKEND_NO_RETRIES,
    VST_SERVER_BACKUP,
    VST_SERVER_CHECK,
    VST_SERVER_NO_JITTER,
    VST_SERVER_NO_QUEUE,
    VST_SERVER_NO_WEIGHT,
    vst_backend_counters,
    vst_backend_options,
    vst_server_options,
    vst_server_status,
)
from ._library import functions
from ._memory import address_of, encoded, fields_of, nanoseconds, new_why, ref, sized
from .constants import Admin, Balance
from .facts import ServerStatus
from .ids import Id

if TYPE_CHECKING:
    from .config import ConnectConfig


@dataclass(frozen=True)
class BackendOptions:
    """How a backend chooses: vst_backend_options. Spans of time are in seconds; a 0 is the default."""

    balance: Balance = Balance.ROUND_ROBIN
    maxconn: int = 0
    maxqueue: int = 0
    retries: int = 0
    queue_timeout: float = 0
    turn_around: float = 0
    seed: int = 0
    no_redispatch: bool = False
    no_retries: bool = False
    no_queue: bool = False

    def to_c(self) -> vst_backend_options:
        """For C."""
        options = sized(vst_backend_options)
        options.balance, options.maxconn, options.maxqueue = self.balance, self.maxconn, self.maxqueue
        options.retries, options.seed = self.retries, self.seed
        options.queue_timeout_ns = nanoseconds(self.queue_timeout)
        options.turn_around_ns = nanoseconds(self.turn_around)
        options.flags = (
            VST_BACKEND_NO_REDISPATCH * self.no_redispatch
            | VST_BACKEND_NO_RETRIES * self.no_retries
            | VST_BACKEND_NO_QUEUE * self.no_queue
        )
        return options


@dataclass(frozen=True)
class Check:
    """Health checks of a server. Spans of time are in seconds; a 0 is the default."""

    #: The configuration of the connections of checks; None: TCP without headers or TLS.
    connect: Optional[ConnectConfig] = None
    #: The address to check; None: the server's first.
    address: Optional[str] = None
    #: What is sent once the connection is open.
    send: bytes = b""
    #: What the response must begin with.
    expect: bytes = b""
    interval: float = 0
    down_interval: float = 0
    timeout: float = 0
    #: In percent.
    jitter: int = 0
    no_jitter: bool = False
    rise: int = 0
    fall: int = 0

    def fill(self, options: vst_server_options) -> None:
        """For C, as long as this object exists."""
        options.flags |= VST_SERVER_CHECK | VST_SERVER_NO_JITTER * self.no_jitter
        if self.connect is not None:
            options.check_connect = self.connect.handle
        options.check_address = encoded(self.address)
        options.check_send, options.check_send_len = address_of(self.send), len(self.send)
        options.check_expect, options.check_expect_len = address_of(self.expect), len(self.expect)
        options.check_interval_ns = nanoseconds(self.interval)
        options.check_down_interval_ns = nanoseconds(self.down_interval)
        options.check_timeout_ns = nanoseconds(self.timeout)
        options.check_jitter, options.check_rise, options.check_fall = self.jitter, self.rise, self.fall


class Backend(Id):
    """A backend, which belongs to its engine."""

    __slots__ = ()

    def add_server(
        self,
        name: str,
        addresses: Union[str, Sequence[str], None],
        *,
        connect: Optional[ConnectConfig] = None,
        check: Optional[Check] = None,
        weight: int = 0,
        maxconn: int = 0,
        maxqueue: int = 0,
        trial: float = 0,
        connect_errors: int = 0,
        backup: bool = False,
        no_weight: bool = False,
        no_queue: bool = False,
    ) -> Server:
        """
        Adds a server. With addresses None, EventKind.SERVER_RESOLVE asks for them. Options are those of
        vst_server_options; trial is in seconds. Raises ConfigError (a name, an address) and ArgumentError.
        """
        options, out, why = sized(vst_server_options), c_uint32(), new_why()
        listed = addresses if addresses is None or isinstance(addresses, str) else ",".join(addresses)
        options.name, options.addresses = encoded(name), encoded(listed)
        if connect is not None:
            options.connect = connect.handle
        options.weight, options.maxconn, options.maxqueue = weight, maxconn, maxqueue
        options.trial_ns, options.connect_errors = nanoseconds(trial), connect_errors
        options.flags = (
            VST_SERVER_BACKUP * backup | VST_SERVER_NO_WEIGHT * no_weight | VST_SERVER_NO_QUEUE * no_queue
        )
        if check is not None:
            check.fill(options)
        for config in (connect, check.connect if check is not None else None):
            self.engine.keep(config)
        functions().vst_backend_add_server(self.engine.handle, self.id, ref(options), ref(out), why, len(why))
        return Server(self, out.value)

    def set_name(self, name: str) -> None:
        """Its name in rules (use_backend, be_conn) and metrics."""
        functions().vst_backend_set_name(self.engine.handle, self.id, encoded(name))

    def counters(self) -> Dict[str, int]:
        """What it has counted: the fields of vst_backend_counters."""
        counters = sized(vst_backend_counters)
        functions().vst_backend_get_counters(self.engine.handle, self.id, ref(counters))
        return fields_of(counters)

    def describe(self) -> str:
        """Its state as one line of name=value, for a log."""
        return self._text(functions().vst_backend_describe)


class Server(NamedTuple):
    """A server of a backend. Methods are called on the engine's thread."""

    backend: Backend
    #: From 0, in the order in which servers were added.
    number: int

    def set_weight(self, weight: int) -> None:
        """0 to 256; with 0 it gets no new streams. Raises ArgumentError."""
        functions().vst_server_set_weight(self.backend.engine.handle, self.backend.id, self.number, weight)

    def set_state(self, state: Admin) -> None:
        """Sets its administrative state; no stream is ended by that."""
        functions().vst_server_set_state(self.backend.engine.handle, self.backend.id, self.number, state)

    def set_addresses(self, addresses: Union[str, Sequence[str], None]) -> None:
        """Replaces its addresses; None: it has none. Raises ArgumentError."""
        listed = addresses if addresses is None or isinstance(addresses, str) else ",".join(addresses)
        engine, why = self.backend.engine.handle, new_why()
        functions().vst_server_set_addresses(
            engine, self.backend.id, self.number, encoded(listed), why, len(why)
        )

    def status(self) -> ServerStatus:
        """Whether it is up, and more."""
        status = sized(vst_server_status)
        functions().vst_server_state(self.backend.engine.handle, self.backend.id, self.number, ref(status))
        return ServerStatus.of(status)

    def counters(self) -> Dict[str, int]:
        """What it has counted: the fields of vst_backend_counters."""
        counters = sized(vst_backend_counters)
        functions().vst_server_get_counters(
            self.backend.engine.handle, self.backend.id, self.number, ref(counters)
        )
        return fields_of(counters)
