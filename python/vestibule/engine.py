"""Engines: the connections of one thread."""

from __future__ import annotations

import ctypes
import math
import os
import sys
import warnings
from ctypes import c_int32, c_uint64
from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple, Union

from . import _callbacks, _registry
from ._declarations import (
    VST_NONE,
    VST_OK,
    VST_WAIT,
    vst_conn_info,
    vst_connect_args,
    vst_drain,
    vst_engine,
    vst_engine_counters,
    vst_tlv,
    vst_wait,
)
from ._library import functions
from ._memory import address_of, bytes_of, encoded, fields_of, first, nanoseconds, new_why, ref, sized
from .backends import Backend, BackendOptions
from .config import AcceptConfig, ConnectConfig, ListenerOptions
from .conns import RECV_BYTES, Conn
from .constants import Drain, Io, Next, Status, Trace
from .errors import StaleError
from .events import Event
from .facts import ConnInfo, DrainState, Wait
from .handlers import Handler, Ticket
from .listeners import Listener
from .options import EngineOptions
from .rules import Rules
from .wakers import Waker

if TYPE_CHECKING:
    from ctypes import Array, c_char, c_size_t
    from typing import Protocol

    from ._declarations import Pointer

    class Poller(Protocol):
        """What an engine needs of the loop around it."""

        def watch(self, fd: int, token: int, old: Io, new: Io) -> None:
            """
            Watches a descriptor for new (Io.IN, Io.OUT) instead of old, and calls Engine.ready with token and what it
            is ready for. With none in new, it may be closed next. Raises OSError if it cannot be watched.
            """

        def wake_at(self, deadline_ns: int) -> None:
            """Has Engine.run called at this time of CLOCK_MONOTONIC, which may have passed, instead of the last."""


METRICS_BYTES = 16384


class Engine:
    """
    An engine, on a poller of the program's own. SelectorHost and aio.Engine have one, and a poller.

    It belongs to the thread that drives it first, and is of no use in a child of fork. Every method may have on_event
    called before it returns, unless it is itself called from there.
    """

    def __init__(
        self, poller: Poller, on_event: Callable[[Event], None], options: EngineOptions = EngineOptions()
    ) -> None:
        """Raises ArgumentError and LimitError."""
        self.poller = poller
        self.on_event = on_event
        self.options = options
        self._handle: Optional[vst_engine] = None
        self._pid = os.getpid()
        self._rooms: List[Array[c_char]] = []
        self._handlers: Set[Handler] = set()
        self._interrupt: Optional[BaseException] = None
        self._number = next(_registry.numbers)
        _registry.engines[self._number] = self
        made, out, why = options.to_c(), vst_engine(), new_why()
        made.data = self._number
        made.interest, made.timer = _callbacks.interest, _callbacks.timer
        made.event, made.log = _callbacks.event, _callbacks.log
        if options.trace is not None:
            made.trace = _callbacks.trace
        functions().vst_engine_new(ref(made), ref(out), why, len(why))
        self._handle = out
        _registry.handles[out.value or 0] = self

    @property
    def handle(self) -> vst_engine:
        """The handle, for functions that are not wrapped. Raises StaleError when the engine is closed."""
        if self._handle is None:
            raise StaleError(Status.E_STALE, "Engine", "the engine is closed")
        return self._handle

    @property
    def is_closed(self) -> bool:
        """Whether close was called."""
        return self._handle is None

    def close(self) -> None:
        """
        Frees the engine: what is left is reset, and no event is reported. To end it in order, drain it first. Not
        from its callbacks (ReentrantError) and not from another thread (ThreadError).
        """
        if self._handle is None:
            return
        # While it is collected, the registry has forgotten it already, and the poller is still to be told.
        _registry.engines[self._number] = _registry.handles[self._handle.value or 0] = self
        functions().vst_engine_free(self._handle)
        del _registry.handles[self._handle.value or 0], _registry.engines[self._number]
        self._handle = None
        self._handlers.clear()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # A child of fork has the parent's sockets: to free an engine there would reset them.
        if getattr(self, "_handle", None) is None or sys.is_finalizing() or os.getpid() != self._pid:
            return
        warnings.warn(f"{self!r} was not closed", ResourceWarning, stacklevel=2, source=self)
        self.close()

    # Driving it

    def ready(self, token: int, mask: int) -> None:
        """Hands in that the descriptor of a token is ready: Io.IN, Io.OUT, Io.HANGUP, Io.ERROR."""
        try:
            functions().vst_engine_ready(self.handle, token, mask, 0, None)
        except StaleError:
            pass  # late readiness does no harm
        self._raise()

    def run(self) -> None:
        """Handles what is due: called at the time that Poller.wake_at was given."""
        functions().vst_engine_run(self.handle, 0, None)
        self._raise()

    def wait(self) -> Wait:
        """What exists, and until when the host may wait."""
        wait = sized(vst_wait)
        functions().vst_engine_wait(self.handle, ref(wait))
        self._raise()
        return Wait.of(wait)

    def _raise(self) -> None:
        if self._interrupt is not None:
            interrupt, self._interrupt = self._interrupt, None
            raise interrupt

    def report(self, error: BaseException) -> None:
        """
        Takes what a callback has raised, since nothing can be raised through C: an Exception goes to on_error,
        anything else, such as KeyboardInterrupt, is raised by the next drive call.
        """
        if not isinstance(error, Exception):
            self._interrupt = error
            # Whatever call this happens in, a drive call follows at once.
            self.poller.wake_at(0)
            return
        try:
            (self.options.on_error or _registry.unraisable)(error)
        except Exception as another:
            _registry.unraisable(another)

    # What is in it

    def keep(self, config: Union[AcceptConfig, ConnectConfig, None]) -> None:
        """Keeps the handlers of a configuration as long as the engine may call them."""
        if config is not None:
            self._handlers.update(config.handlers)

    def listen(
        self,
        address: str,
        config: Optional[AcceptConfig] = None,
        options: ListenerOptions = ListenerOptions(),
        *,
        user: int = 0,
    ) -> Listener:
        """
        Opens a listener: 192.0.2.1:80, [2001:db8::1]:80, :80 (any), unix:/path, unix:@abstract. With port 0 the
        kernel chooses one, and Listener.address has it. user comes with the events of the listener and of its
        connections.

        Raises ArgumentError, SystemCallError (its errno says why), StateError (in a drain) and LimitError.
        """
        config, made = config or AcceptConfig(), options.to_c()
        made.user = user
        out, error, why = c_uint64(), c_int32(), new_why()
        self.keep(config)
        functions().vst_listener_open(
            self.handle, encoded(address), config.handle, ref(made), ref(out), ref(error), why, len(why)
        )
        return Listener(self, out.value)

    def adopt_listener(
        self,
        fd: int,
        config: Optional[AcceptConfig] = None,
        options: ListenerOptions = ListenerOptions(),
        *,
        user: int = 0,
    ) -> Listener:
        """Takes over a listening descriptor, which then is the library's. Raises as listen."""
        config, made = config or AcceptConfig(), options.to_c()
        made.user = user
        out, error, why = c_uint64(), c_int32(), new_why()
        self.keep(config)
        functions().vst_listener_adopt(
            self.handle, fd, config.handle, ref(made), ref(out), ref(error), why, len(why)
        )
        return Listener(self, out.value)

    def accept_fd(self, fd: int, config: Optional[AcceptConfig] = None) -> Conn:
        """Takes over a connection that was accepted elsewhere, and does what config says. Raises SystemCallError."""
        config = config or AcceptConfig()
        out, error, why = c_uint64(), c_int32(), new_why()
        self.keep(config)
        functions().vst_conn_accept_fd(
            self.handle, config.handle, fd, None, ref(out), ref(error), why, len(why)
        )
        return Conn(self, out.value)

    def adopt(self, fd: int) -> Conn:
        """Takes over a connected socket as a session, without TLS or rules. Raises SystemCallError."""
        out, error, why = c_uint64(), c_int32(), new_why()
        functions().vst_conn_adopt(self.handle, fd, None, ref(out), ref(error), why, len(why))
        return Conn(self, out.value)

    def connect(
        self,
        address: str,
        config: Optional[ConnectConfig] = None,
        *,
        client: Optional[Conn] = None,
        tlvs: Sequence[Tuple[int, bytes]] = (),
    ) -> Conn:
        """
        Opens a connection; names of hosts are not resolved. client is whose addresses a PROXY header has; tlvs are
        types and values for one of version 2. EventKind.CONNECTED reports that it is open, CLOSED that it is not.

        Raises ArgumentError and LimitError.
        """
        config, args = config or ConnectConfig(), sized(vst_connect_args)
        made = (vst_tlv * len(tlvs))(*(vst_tlv(kind, len(value), address_of(value)) for kind, value in tlvs))
        if client is not None:
            args.client = client.id
        if tlvs:
            args.tlvs, args.tlv_count = first(made), len(tlvs)
        out, why = c_uint64(), new_why()
        self.keep(config)
        functions().vst_conn_connect(
            self.handle, encoded(address), config.handle, ref(args), ref(out), why, len(why)
        )
        return Conn(self, out.value)

    def backend(self, name: Optional[str] = None, options: BackendOptions = BackendOptions()) -> Backend:
        """Makes a backend, which has no servers yet. Raises ArgumentError and LimitError."""
        made, out, why = options.to_c(), c_uint64(), new_why()
        functions().vst_backend_new(self.handle, ref(made), ref(out), why, len(why))
        backend = Backend(self, out.value)
        if name is not None:
            backend.set_name(name)
        return backend

    def waker(self) -> Waker:
        """Makes a waker, by which other threads reach this engine. Raises SystemCallError."""
        return Waker(self)

    def check_rules(self, rules: Rules) -> None:
        """Raises ConfigError where a line names a backend or a server that this engine has not."""
        why = new_why()
        functions().vst_rules_check(self.handle, rules.handle, why, len(why))

    def answer(
        self, ticket: Ticket, answer: Next = Next.DONE, code: int = 0, text: Optional[str] = None
    ) -> None:
        """Answers for a handler that returned Next.LATER. Raises StaleError when nobody waits for it any more."""
        functions().vst_conn_handler_done(
            self.handle, ticket.conn_id, ticket.number, answer, code, encoded(text)
        )

    def drain(self, stage: Drain = Drain.CLOSE, grace: float = math.inf) -> None:
        """
        Begins to drain, or goes on to a later stage; what is left after grace seconds is aborted. EventKind.DRAINING
        is reported for each session, and DRAINED when nothing is left. Raises StateError for an earlier stage.
        """
        functions().vst_engine_drain(self.handle, stage, nanoseconds(grace))

    def drain_state(self) -> DrainState:
        """How far a drain is."""
        state = sized(vst_drain)
        functions().vst_engine_drain_state(self.handle, ref(state))
        return DrainState.of(state)

    def conns(self) -> Iterator[ConnInfo]:
        """What is known of every connection. Those that begin or end meanwhile may be left out."""
        info = sized(vst_conn_info)
        while functions().vst_engine_next_conn(self.handle, info.id, ref(info)) == VST_OK:
            yield ConnInfo.of(info)

    def counters(self) -> Dict[str, int]:
        """What it has counted: the fields of vst_engine_counters."""
        counters = sized(vst_engine_counters)
        functions().vst_engine_get_counters(self.handle, ref(counters))
        return fields_of(counters)

    def metrics(self) -> Optional[str]:
        """
        Everything that it counts, in the text format of Prometheus: in a group, what all members count. None while
        these are asked, which happens in no other engine: EventKind.WOKEN is reported when the text is there.
        """

        def ask(text: Array[c_char], room: int, got: Pointer[c_size_t]) -> int:
            status = functions().vst_metrics_text(self.handle, text, room, got)
            return VST_NONE if status == VST_WAIT else status

        found = bytes_of(ask, METRICS_BYTES)
        return None if found is None else found.decode(errors="replace")

    def trace(self, categories: Trace) -> None:
        """Traces these categories from now on. Raises ModeError if the options have no trace."""
        functions().vst_engine_trace(self.handle, categories)

    # Memory for reads

    def take_room(self, size: int) -> Array[c_char]:
        """A buffer for one call, to be given back."""
        if size > RECV_BYTES:
            return ctypes.create_string_buffer(size)
        return self._rooms.pop() if self._rooms else ctypes.create_string_buffer(RECV_BYTES)

    def give_room(self, room: Array[c_char]) -> None:
        """Keeps a buffer for the next call."""
        if len(room) == RECV_BYTES:
            self._rooms.append(room)
