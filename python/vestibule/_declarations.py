"""The types and functions of include/vestibule.h for ctypes.

Made from the header by tools/declarations.py: change nothing here. Names are those of the header, which says
what they mean.
"""

from __future__ import annotations

from ctypes import (
    CDLL,
    CFUNCTYPE,
    POINTER,
    Array,
    Structure,
    c_char,
    c_char_p,
    c_int32,
    c_size_t,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Generic, Optional, TypeVar, Union

T = TypeVar("T")
F = TypeVar("F")

if TYPE_CHECKING:

    class Pointer(Generic[T]):
        """What POINTER, pointer and byref make, with the type of what it points to."""

        contents: T

        def __bool__(self) -> bool: ...

    class Callback(Generic[F]):
        """What CFUNCTYPE makes: it must be kept as long as C may call it."""

        def __init__(self, function: F) -> None: ...


#: A text in memory of the library's: reading it copies it.
Text = Optional[bytes]

#: Memory that a function reads or writes: bytes, an array of them, or where they are.
Memory = Union[bytes, "Array[c_char]", int, None]

VST_OK = 0
VST_WAIT = 1
VST_END = 2
VST_NONE = 3
VST_E_NULL = -1
VST_E_ARGUMENT = -2
VST_E_STALE = -3
VST_E_KIND = -4
VST_E_ENGINE = -5
VST_E_THREAD = -6
VST_E_STATE = -7
VST_E_REENTRANT = -8
VST_E_MODE = -9
VST_E_SPACE = -10
VST_E_UNSUPPORTED = -11
VST_E_SIZE = -12
VST_E_GONE = -13
VST_E_SYSTEM = -20
VST_E_CONFIG = -21
VST_E_RESET = -30
VST_E_TRUNCATED = -31
VST_E_FAILED = -32
VST_E_DENIED = -33
VST_E_LIMIT = -40
VST_E_PANIC = -50
VST_E_POISONED = -51
VST_OP_MONITOR_IN = 1
VST_OP_ACCEPT_RULES = 2
VST_OP_ACCEPT_PROXY = 3
VST_OP_ACCEPT_CIP = 4
VST_OP_TCP_RULES = 5
VST_OP_CUSTOM_RAW = 6
VST_OP_TLS_ACCEPT = 7
VST_OP_SESSION_RULES = 8
VST_OP_INSPECT = 9
VST_OP_CUSTOM_CLEAR = 10
VST_OP_SEND_LAST_CHUNK = 11
VST_OP_ACCEPT_SESSION = 12
VST_OP_CTRL_CONNECT = 13
VST_OP_SEND_PROXY = 14
VST_OP_SOCKS_SEND = 15
VST_OP_SOCKS_RECV = 16
VST_OP_CUSTOM_RAW_OUT = 17
VST_OP_TLS_CONNECT = 18
VST_OP_CUSTOM_CLEAR_OUT = 19
VST_OP_DSHW = 20
VST_OP_DSHR = 21
VST_OP_DCLOSE = 22
VST_OP_CSHW = 23
VST_OP_CSHR = 24
VST_OP_CCLOSE = 25
VST_OP_FCLOSE = 26
VST_WHY_EMPTY = 1
VST_WHY_TRUNCATED = 2
VST_WHY_ABORTED = 3
VST_WHY_TIMED_OUT = 4
VST_WHY_MALFORMED = 5
VST_WHY_REFUSED = 6
VST_WHY_RESET = 7
VST_WHY_DENIED = 8
VST_WHY_UNREACHABLE = 9
VST_WHY_LOCAL_LIMIT = 10
VST_WHY_TOO_LARGE = 11
VST_WHY_SYSTEM = 12
VST_WHY_KEY_LIMIT = 13
VST_WHY_IDLE = 14
VST_WAIT_RUNNABLE = 128
VST_WAIT_NESTED = 256
VST_NEVER = 18446744073709551615
VST_NO_SERVER = 4294967295
VST_ADDR_NONE = 0
VST_ADDR_IPV4 = 4
VST_ADDR_IPV6 = 6
VST_ADDR_UNIX = 1
VST_EVENT_SESSION = 1
VST_EVENT_CONNECTED = 2
VST_EVENT_READABLE = 3
VST_EVENT_WRITABLE = 4
VST_EVENT_REFUSED = 5
VST_EVENT_CLOSED = 6
VST_EVENT_STREAM_END = 7
VST_EVENT_PAUSED = 8
VST_EVENT_RESUMED = 9
VST_EVENT_LISTENER_CLOSED = 10
VST_EVENT_INTEREST = 11
VST_EVENT_DRAINING = 12
VST_EVENT_SERVER_UP = 13
VST_EVENT_SERVER_DOWN = 14
VST_EVENT_SERVER_RESOLVE = 15
VST_EVENT_TLS_DONE = 16
VST_EVENT_LINK_UP = 17
VST_EVENT_LINK_DOWN = 18
VST_EVENT_LINK_CLOSED = 19
VST_EVENT_AGENT_RESOLVE = 20
VST_EVENT_WOKEN = 21
VST_EVENT_DRAINED = 22
VST_REASON_CHECKS = 1
VST_REASON_CONNECT_ERRORS = 2
VST_REASON_TRIAL = 3
VST_TRACE_CALLS = 1
VST_TRACE_EVENTS = 2
VST_TRACE_OPERATIONS = 4
VST_TRACE_BYTES = 8
VST_TRACE_TLS = 16
VST_TRACE_CLOSING = 32
VST_TRACE_ALL = 63
VST_IO_IN = 1
VST_IO_OUT = 2
VST_IO_HANGUP = 4
VST_IO_ERROR = 8
VST_IO_EDGE = 16
VST_IO_RELEASED = 32
VST_IO_CLOSING = 64
VST_TRIGGER_LEVEL = 0
VST_TRIGGER_EDGE = 1
VST_ENGINE_BY_FD = 65536
VST_ENGINE_NO_PIPES = 131072
VST_ENGINE_CHECKED = 1152921504606846976
VST_DRAIN_LAME_DUCK = 1
VST_DRAIN_PAUSE = 2
VST_DRAIN_CLOSE = 3
VST_LISTENER_REUSEPORT = 262144
VST_LISTENER_V6ONLY = 524288
VST_LISTENER_MODE = 1048576
VST_LISTENER_OWNER = 2097152
VST_LISTENER_UNIX_EXCLUSIVE = 4194304
VST_LISTENER_NO_REFUSED = 8388608
VST_NODELAY_ON = 0
VST_NODELAY_OFF = 1
VST_ACCEPT_UNTRUSTED_DIRECT = 16777216
VST_ACCEPT_TLS12_HALF_CLOSE_HOLD = 33554432
VST_ACCEPT_TLS_TRUNCATION_ABORT = 67108864
VST_SHUT_READ = 1
VST_SHUT_WRITE = 2
VST_SHUT_BOTH = 3
VST_STATE_CLOSED = 0
VST_STATE_ACCEPTED = 1
VST_STATE_CONNECTING = 2
VST_STATE_ESTABLISHED = 3
VST_STATE_ERROR = 4
VST_ORIGIN_INCOMING = 1
VST_ORIGIN_OUTGOING = 2
VST_ORIGIN_ADOPTED = 3
VST_MOVER_HOST = 1
VST_MOVER_STREAM = 2
VST_MOVER_ENGINE = 3
VST_MOVER_LINK = 4
VST_PROXY_COMMAND_LOCAL = 0
VST_PROXY_COMMAND_RELAYED = 1
VST_PROXY_TRANSPORT_NONE = 0
VST_PROXY_TRANSPORT_TCP = 1
VST_PROXY_TRANSPORT_UDP = 2
VST_PROXY_TRANSPORT_UNIX_STREAM = 3
VST_PROXY_TRANSPORT_UNIX_DATAGRAM = 4
VST_VERIFIED_NOT_ASKED = 0
VST_VERIFIED_ABSENT = 1
VST_VERIFIED_VALID = 2
VST_VERIFIED_SKIPPED = 3
VST_TLS_TEXT_VERSION = 1
VST_TLS_TEXT_CIPHER = 2
VST_TLS_TEXT_GROUP = 3
VST_TLS_TEXT_ALPN = 4
VST_TLS_TEXT_SNI = 5
VST_TLS_TEXT_PEER_CN = 6
VST_TLS_TEXT_PEER_SUBJECT = 7
VST_TLS_TEXT_PEER_ISSUER = 8
VST_CONN_SHR = 1024
VST_CONN_SHW = 2048
VST_CONN_ERR = 4096
VST_CLIENT_AUTH_NONE = 0
VST_CLIENT_AUTH_OPTIONAL = 1
VST_CLIENT_AUTH_REQUIRED = 2
VST_TLS_SERVER_STRICT_SNI = 137438953472
VST_TLS_SERVER_NO_TICKETS = 274877906944
VST_TLS_SERVER_KEY_LOG = 549755813888
VST_TLS_SERVER_NO_SESSION_CACHE = 1099511627776
VST_TLS_SESSIONS_MAX = 1048576
VST_TLS_1_2 = 771
VST_TLS_1_3 = 772
VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION = 2199023255552
VST_TLS_CLIENT_NO_POST_QUANTUM = 4398046511104
VST_TLS_CLIENT_KEY_LOG = 8796093022208
VST_TLS_CLIENT_NO_SESSION_CACHE = 17592186044416
VST_SOCKS_NONE = 0
VST_SOCKS_4 = 1
VST_SOCKS_4A = 2
VST_SOCKS_5 = 3
VST_CONNECT_TLS12_HALF_CLOSE_SEND = 134217728
VST_CONNECT_TLS_TRUNCATION_ABORT = 268435456
VST_CONNECT_FED = 36028797018963968
VST_CONNECT_NO_DESCRIPTOR = 72057594037927936
VST_SEND_PROXY_NONE = 0
VST_SEND_PROXY_V1 = 1
VST_SEND_PROXY_V2 = 2
VST_PROXY_TLV_ALPN = 536870912
VST_PROXY_TLV_AUTHORITY = 1073741824
VST_PROXY_TLV_SSL = 2147483648
VST_PROXY_TLV_CRC32C = 4294967296
VST_PROXY_TLV_UNIQUE_ID = 8589934592
VST_FED_OPEN = 1
VST_FED_RECEIVE = 2
VST_FED_SEND = 4
VST_FED_SHUT_WRITE = 8
VST_FED_CLOSE = 16
VST_FED_RESET = 32
VST_FEED_PEER_CREDENTIALS = 18014398509481984
VST_LINK_NO_DESCRIPTORS = 144115188075855872
VST_AGENT_NO_DESCRIPTORS = 288230376151711744
VST_AGENT_ALLOW_SOURCE = 576460752303423488
VST_STREAM_ABORT_ON_CLOSE = 35184372088832
VST_BALANCE_ROUND_ROBIN = 0
VST_BALANCE_LEAST_CONNECTIONS = 1
VST_BALANCE_SOURCE = 2
VST_BALANCE_RANDOM = 3
VST_BACKEND_NO_REDISPATCH = 70368744177664
VST_BACKEND_NO_RETRIES = 140737488355328
VST_BACKEND_NO_QUEUE = 281474976710656
VST_SERVER_BACKUP = 562949953421312
VST_SERVER_CHECK = 1125899906842624
VST_SERVER_NO_WEIGHT = 2251799813685248
VST_SERVER_NO_QUEUE = 4503599627370496
VST_SERVER_NO_JITTER = 9007199254740992
VST_ADMIN_READY = 1
VST_ADMIN_DRAIN = 2
VST_ADMIN_MAINTENANCE = 3
VST_KEY_IP = 0
VST_KEY_INTEGER = 1
VST_KEY_BYTES = 2
VST_DATA_SERVER_ID = 0
VST_DATA_GPT0 = 1
VST_DATA_GPC0_RATE = 2
VST_DATA_CONN_CNT = 3
VST_DATA_CONN_RATE = 4
VST_DATA_CONN_CUR = 5
VST_DATA_SESS_CNT = 6
VST_DATA_SESS_RATE = 7
VST_DATA_BYTES_IN_CNT = 8
VST_DATA_BYTES_IN_RATE = 9
VST_DATA_BYTES_OUT_CNT = 10
VST_DATA_BYTES_OUT_RATE = 11
VST_DATA_GPC = 256
VST_NEXT_DONE = 1
VST_NEXT_READ = 2
VST_NEXT_WRITE = 3
VST_NEXT_LATER = 4
VST_NEXT_FAIL = 5
VST_STEP_ENDED = 512
VST_HANDLER_AFTER_TLS = 68719476736
VST_MONITOR_ANSWER_TEXT = 1
VST_MONITOR_ANSWER_HTTP = 2
VST_MONITOR_ANSWER_METRICS = 3
VST_MONITOR_ANSWER_BYTES = 4
VST_MONITOR_ANSWER_MAX_BYTES = 16384
VST_MONITOR_EVERYONE = 17179869184
VST_MONITOR_TRUSTED = 34359738368
VST_ABI_VERSION = 1
VST_FEATURE_LOOP = 1
VST_FEATURE_SELF_SIGNED = 2
VST_FEATURE_AWS_LC = 4
VST_FEATURE_RING = 8
VST_FEATURE_ALLOCATOR = 16
VST_FEATURE_TLS = 32


class vst_engine(c_void_p):
    """
    The connections, listeners, streams, backends and timers of one thread. Made by vst_engine_new, freed by
    vst_engine_free; from its first drive call on used only by the thread of that call.
    """


class vst_accept_config(c_void_p):
    """
    An accept configuration: what is done with incoming connections. Any number of listeners and engines, also
    in several threads, may use it. It never changes.
    """


class vst_tls_client(c_void_p):
    """
    The TLS of outgoing connections. Any number of configurations, engines and threads may use it. It never
    changes. Kept sessions are not shared with any other vst_tls_client.
    """


class vst_tls_server(c_void_p):
    """
    The TLS of incoming connections. Any number of configurations, engines and threads may use it. It never
    changes. Ticket keys and kept sessions are not shared with any other vst_tls_server.
    """


class vst_connect_config(c_void_p):
    """
    A connect configuration: what is done with outgoing connections. Any number of engines, also in several
    threads, may use it. It never changes.
    """


class vst_stream_config(c_void_p):
    """
    The timeouts and flags of streams. Any number of streams and engines, also in several threads, may use it.
    It never changes.
    """


class vst_rules(c_void_p):
    """
    A set of tcp-request rules. Any number of configurations, engines and threads may use it. A connection
    keeps the rules with which it began, also after vst_rules_replace.
    """


class vst_table(c_void_p):
    """
    A stick table: what is remembered about keys, such as the addresses of clients, from one connection to the
    next. Engines in any threads may use it, and every function on it may be called from any thread.
    """


class vst_table_snapshot(c_void_p):
    """A walk through the entries of a table. Used by one thread at a time."""


class vst_group(c_void_p):
    """
    Engines that serve the same purpose with the same backends, mostly one for each thread. See vst_group_new.
    """


class vst_waker(c_void_p):
    """
    Wakes an engine's thread from other threads, and brings answers of handlers to it. It does not keep the
    engine: after vst_engine_free, vst_waker_post returns VST_E_GONE.
    """


class vst_loop(c_void_p):
    """
    A loop with an engine in it. It belongs to the thread that runs it; only vst_loop_stop may be called from
    anywhere.
    """


class vst_addr(Structure):
    """Where one end of a connection is."""

    family: int
    port: int
    len: int
    scope: int
    bytes: "Array[c_uint8]"

    _fields_: ClassVar[Any] = [
        ("family", c_uint16),
        ("port", c_uint16),
        ("len", c_uint32),
        ("scope", c_uint32),
        ("bytes", c_uint8 * 108),
    ]


class vst_end(Structure):
    """How a connection ended."""

    size: int
    at: int
    why: int
    sys_errno: int
    alert: int
    quiet: int
    conn: int
    listener: int
    bytes_in: int
    bytes_out: int
    discarded: int
    lost: int
    lasted_ns: int
    in_op_ns: int
    suppressed: int
    text: Text
    text_len: int
    peer: vst_addr
    local: vst_addr
    announced_source: vst_addr
    announced_destination: vst_addr
    host_code: int
    remote: int
    captures: Text
    captures_len: int
    log_level: int
    _reserved: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("at", c_uint32),
        ("why", c_uint32),
        ("sys_errno", c_int32),
        ("alert", c_int32),
        ("quiet", c_uint32),
        ("conn", c_uint64),
        ("listener", c_uint64),
        ("bytes_in", c_uint64),
        ("bytes_out", c_uint64),
        ("discarded", c_uint64),
        ("lost", c_uint64),
        ("lasted_ns", c_uint64),
        ("in_op_ns", c_uint64),
        ("suppressed", c_uint64),
        ("text", c_char_p),
        ("text_len", c_uint64),
        ("peer", vst_addr),
        ("local", vst_addr),
        ("announced_source", vst_addr),
        ("announced_destination", vst_addr),
        ("host_code", c_int32),
        ("remote", c_uint32),
        ("captures", c_char_p),
        ("captures_len", c_uint64),
        ("log_level", c_int32),
        ("_reserved", c_uint32),
    ]


class vst_stream_end(Structure):
    """How a stream ended."""

    size: int
    why: int
    termination: bytes
    server: int
    backend: int
    bytes_up: int
    bytes_down: int
    lasted_ns: int
    reached_ns: int
    last_up_ns: int
    last_down_ns: int
    queued_ns: int
    text: Text
    text_len: int
    attempts: int
    _reserved: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("why", c_uint32),
        ("termination", c_char * 4),
        ("server", c_uint32),
        ("backend", c_uint64),
        ("bytes_up", c_uint64),
        ("bytes_down", c_uint64),
        ("lasted_ns", c_uint64),
        ("reached_ns", c_uint64),
        ("last_up_ns", c_uint64),
        ("last_down_ns", c_uint64),
        ("queued_ns", c_uint64),
        ("text", c_char_p),
        ("text_len", c_uint64),
        ("attempts", c_uint32),
        ("_reserved", c_uint32),
    ]


class vst_wait(Structure):
    """Until when the host may wait, and what exists. Every drive call writes it."""

    size: int
    flags: int
    deadline_ns: int
    conns: int
    streams: int
    listeners: int
    _reserved: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("deadline_ns", c_uint64),
        ("conns", c_uint32),
        ("streams", c_uint32),
        ("listeners", c_uint32),
        ("_reserved", c_uint32),
    ]


class vst_event(Structure):
    """
    An event. What it points to is the library's memory: valid until the callback returns, or, when
    vst_engine_next wrote the event, until the next call on the engine.
    """

    size: int
    kind: int
    id: int
    user: Optional[int]
    end: "Pointer[vst_end]"
    end_server: "Pointer[vst_end]"
    stream: "Pointer[vst_stream_end]"
    sys_errno: int
    fd: int
    old_mask: int
    new_mask: int
    server: int
    reason: int
    text: Text
    ticket: int
    port: int
    _reserved: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("kind", c_uint32),
        ("id", c_uint64),
        ("user", c_void_p),
        ("end", POINTER(vst_end)),
        ("end_server", POINTER(vst_end)),
        ("stream", POINTER(vst_stream_end)),
        ("sys_errno", c_int32),
        ("fd", c_int32),
        ("old_mask", c_uint32),
        ("new_mask", c_uint32),
        ("server", c_uint32),
        ("reason", c_uint32),
        ("text", c_char_p),
        ("ticket", c_uint64),
        ("port", c_uint32),
        ("_reserved", c_uint32),
    ]


if TYPE_CHECKING:

    class vst_fdset_fn(Callback[Callable[[Optional[int], int, int, int, Optional[int]], int]]): ...

else:
    vst_fdset_fn = CFUNCTYPE(c_int32, c_void_p, c_int32, c_uint32, c_uint64, c_void_p)


if TYPE_CHECKING:

    class vst_fdclr_fn(Callback[Callable[[Optional[int], int, int, int, Optional[int]], None]]): ...

else:
    vst_fdclr_fn = CFUNCTYPE(None, c_void_p, c_int32, c_uint32, c_uint64, c_void_p)


if TYPE_CHECKING:

    class vst_interest_fn(Callback[Callable[[Optional[int], int, int, int, int, Optional[int]], int]]): ...

else:
    vst_interest_fn = CFUNCTYPE(c_int32, c_void_p, c_int32, c_uint64, c_uint32, c_uint32, c_void_p)


if TYPE_CHECKING:

    class vst_timer_fn(Callback[Callable[[Optional[int], int], None]]): ...

else:
    vst_timer_fn = CFUNCTYPE(None, c_void_p, c_uint64)


if TYPE_CHECKING:

    class vst_event_fn(Callback[Callable[[Optional[int], vst_engine, "Pointer[vst_event]"], None]]): ...

else:
    vst_event_fn = CFUNCTYPE(None, c_void_p, vst_engine, POINTER(vst_event))


if TYPE_CHECKING:

    class vst_log_fn(Callback[Callable[[Optional[int], Optional[int], int], None]]): ...

else:
    vst_log_fn = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)


if TYPE_CHECKING:

    class vst_wake_fn(Callback[Callable[[Optional[int]], None]]): ...

else:
    vst_wake_fn = CFUNCTYPE(None, c_void_p)


class vst_fed_ask(Structure):
    """What one fed connection asks of the host."""

    size: int
    asks: int
    conn: int
    data: Optional[int]
    unsent: int
    room: int
    to: vst_addr
    from_: vst_addr

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("asks", c_uint32),
        ("conn", c_uint64),
        ("data", c_void_p),
        ("unsent", c_uint64),
        ("room", c_uint64),
        ("to", vst_addr),
        ("from_", vst_addr),
    ]


if TYPE_CHECKING:

    class vst_fed_fn(Callback[Callable[[Optional[int], vst_engine, "Pointer[vst_fed_ask]"], None]]): ...

else:
    vst_fed_fn = CFUNCTYPE(None, c_void_p, vst_engine, POINTER(vst_fed_ask))


if TYPE_CHECKING:

    class vst_trace_fn(Callback[Callable[[Optional[int], int, Optional[int], int], None]]): ...

else:
    vst_trace_fn = CFUNCTYPE(None, c_void_p, c_uint32, c_void_p, c_size_t)


class vst_engine_options(Structure):
    """
    The options of an engine. A field that is 0 stands for its default, so that all zero but size is the
    defaults; vst_engine_options_init writes them.
    """

    size: int
    _reserved: int
    flags: int
    trigger: int
    max_conns: int
    max_opening: int
    heavy_per_drive: int
    events_per_drive: int
    reserve_fds: int
    max_proxy_header_bytes: int
    max_pipes: int
    data: Optional[int]
    fdset: vst_fdset_fn
    fdclr: vst_fdclr_fn
    interest: vst_interest_fn
    timer: vst_timer_fn
    event: vst_event_fn
    log: vst_log_fn
    wake: vst_wake_fn
    now_ns: int
    fed: vst_fed_fn
    fed_inbox_bytes: int
    fed_outbox_bytes: int
    trace: vst_trace_fn
    trace_categories: int
    _reserved2: int
    group: vst_group

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("_reserved", c_uint32),
        ("flags", c_uint64),
        ("trigger", c_uint32),
        ("max_conns", c_uint32),
        ("max_opening", c_uint32),
        ("heavy_per_drive", c_uint32),
        ("events_per_drive", c_uint32),
        ("reserve_fds", c_uint32),
        ("max_proxy_header_bytes", c_uint32),
        ("max_pipes", c_uint32),
        ("data", c_void_p),
        ("fdset", vst_fdset_fn),
        ("fdclr", vst_fdclr_fn),
        ("interest", vst_interest_fn),
        ("timer", vst_timer_fn),
        ("event", vst_event_fn),
        ("log", vst_log_fn),
        ("wake", vst_wake_fn),
        ("now_ns", c_uint64),
        ("fed", vst_fed_fn),
        ("fed_inbox_bytes", c_uint32),
        ("fed_outbox_bytes", c_uint32),
        ("trace", vst_trace_fn),
        ("trace_categories", c_uint32),
        ("_reserved2", c_uint32),
        ("group", vst_group),
    ]


class vst_drain(Structure):
    """The state of a drain."""

    size: int
    how: int
    deadline_ns: int
    aborted: int
    conns: int
    streams: int
    listeners: int
    _reserved: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("how", c_uint32),
        ("deadline_ns", c_uint64),
        ("aborted", c_uint64),
        ("conns", c_uint32),
        ("streams", c_uint32),
        ("listeners", c_uint32),
        ("_reserved", c_uint32),
    ]


class vst_engine_counters(Structure):
    """
    What an engine has counted since it was made. Here and in all counters, a field that ends in _total only
    grows, one that ends in _most is the highest value there was, and the others are present values.
    """

    size: int
    buffers_in_use: int
    accepted_total: int
    sessions_total: int
    refused_total: int
    suppressed_total: int
    accept_errors_total: int
    starved_total: int
    limited_total: int
    connects_total: int
    connect_failures_total: int
    discarded_total: int
    monitored_total: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("buffers_in_use", c_uint32),
        ("accepted_total", c_uint64),
        ("sessions_total", c_uint64),
        ("refused_total", c_uint64),
        ("suppressed_total", c_uint64),
        ("accept_errors_total", c_uint64),
        ("starved_total", c_uint64),
        ("limited_total", c_uint64),
        ("connects_total", c_uint64),
        ("connect_failures_total", c_uint64),
        ("discarded_total", c_uint64),
        ("monitored_total", c_uint64),
    ]


class vst_ready(Structure):
    """Readiness of one descriptor."""

    token: int
    events: int
    _reserved: int

    _fields_: ClassVar[Any] = [("token", c_uint64), ("events", c_uint32), ("_reserved", c_uint32)]


class vst_listener_options(Structure):
    """
    How a listener is opened. A field that is 0 stands for its default, so that all zero but size is the
    defaults; vst_listener_options_init writes them.
    """

    size: int
    _reserved: int
    flags: int
    backlog: int
    defer_accept_s: int
    max_conns: int
    refused_per_second: int
    mode: int
    uid: int
    gid: int
    ends_per_second: int
    user: Optional[int]

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("_reserved", c_uint32),
        ("flags", c_uint64),
        ("backlog", c_uint32),
        ("defer_accept_s", c_uint32),
        ("max_conns", c_uint32),
        ("refused_per_second", c_uint32),
        ("mode", c_uint32),
        ("uid", c_uint32),
        ("gid", c_uint32),
        ("ends_per_second", c_uint32),
        ("user", c_void_p),
    ]


class vst_monitor_options(Structure):
    """
    Which sources are monitors, such as health checks of load balancers, and what is sent to them before their
    connections are closed. Zero it, then set size and the fields that are wanted. A monitor is recognised by
    the socket's own source address, before anything it sends is read: it needs no PROXY header and gets no
    TLS, and never becomes a session. Its end is no event, unless the host accepted the descriptor itself; it
    is counted in vst_engine_counters.monitored_total.
    """

    size: int
    answer: int
    flags: int
    monitor_net: Text
    well: Optional[int]
    well_len: int
    failing: Optional[int]
    failing_len: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("answer", c_uint32),
        ("flags", c_uint64),
        ("monitor_net", c_char_p),
        ("well", c_void_p),
        ("well_len", c_size_t),
        ("failing", c_void_p),
        ("failing_len", c_size_t),
    ]


class vst_step(Structure):
    """
    What a step callback is given, and what it answers besides VST_NEXT_*. The library's memory, valid until
    the callback returns.
    """

    size: int
    flags: int
    conn: int
    user: Optional[int]
    state: Optional[int]
    ticket: int
    code: int
    text: Text

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("conn", c_uint64),
        ("user", c_void_p),
        ("state", c_void_p),
        ("ticket", c_uint32),
        ("code", c_int32),
        ("text", c_char_p),
    ]


if TYPE_CHECKING:

    class vst_step_fn(Callback[Callable[[Optional[int], vst_engine, "Pointer[vst_step]"], int]]): ...

else:
    vst_step_fn = CFUNCTYPE(c_int32, c_void_p, vst_engine, POINTER(vst_step))


if TYPE_CHECKING:

    class vst_discard_fn(Callback[Callable[[Optional[int], Optional[int]], None]]): ...

else:
    vst_discard_fn = CFUNCTYPE(None, c_void_p, c_void_p)


class vst_handler(Structure):
    """A handler of the host's own: a step in opening a connection, besides the library's own."""

    size: int
    _reserved: int
    flags: int
    step: vst_step_fn
    discard: vst_discard_fn
    data: Optional[int]
    timeout_ns: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("_reserved", c_uint32),
        ("flags", c_uint64),
        ("step", vst_step_fn),
        ("discard", vst_discard_fn),
        ("data", c_void_p),
        ("timeout_ns", c_uint64),
    ]


class vst_accept_options(Structure):
    """
    The options of an accept configuration. A field that is 0 stands for its default, so that all zero but
    size is the defaults; vst_accept_options_init writes them. In spans of time VST_NEVER is no bound.
    """

    size: int
    cip_magic: int
    flags: int
    accept_proxy: Text
    tls: vst_tls_server
    timeout_proxy_ns: int
    timeout_tls_ns: int
    timeout_opening_ns: int
    linger_ns: int
    drain_ns: int
    drain_bytes: int
    monitor: "Pointer[vst_monitor_options]"
    handlers: "Pointer[vst_handler]"
    handler_count: int
    rules: vst_rules
    accept_cip: Text
    tls12_half_close_hold_ns: int
    keepalive_ns: int
    user_timeout_ns: int
    dscp: int
    nodelay: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("cip_magic", c_uint32),
        ("flags", c_uint64),
        ("accept_proxy", c_char_p),
        ("tls", vst_tls_server),
        ("timeout_proxy_ns", c_uint64),
        ("timeout_tls_ns", c_uint64),
        ("timeout_opening_ns", c_uint64),
        ("linger_ns", c_uint64),
        ("drain_ns", c_uint64),
        ("drain_bytes", c_uint64),
        ("monitor", POINTER(vst_monitor_options)),
        ("handlers", POINTER(vst_handler)),
        ("handler_count", c_uint64),
        ("rules", vst_rules),
        ("accept_cip", c_char_p),
        ("tls12_half_close_hold_ns", c_uint64),
        ("keepalive_ns", c_uint64),
        ("user_timeout_ns", c_uint64),
        ("dscp", c_uint32),
        ("nodelay", c_uint32),
    ]


class vst_tlv(Structure):
    """A TLV of a PROXY version 2 header."""

    kind: int
    len: int
    value: Optional[int]

    _fields_: ClassVar[Any] = [("kind", c_uint32), ("len", c_uint32), ("value", c_void_p)]


class vst_connect_args(Structure):
    """
    What one outgoing connection needs besides its configuration. Zero it, then set size and the fields that
    are wanted.
    """

    size: int
    tlv_count: int
    client: int
    tlvs: "Pointer[vst_tlv]"
    user: Optional[int]

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("tlv_count", c_uint32),
        ("client", c_uint64),
        ("tlvs", POINTER(vst_tlv)),
        ("user", c_void_p),
    ]


class vst_iovec(Structure):
    """
    A piece of memory, laid out as POSIX's struct iovec: a pointer to one of the two may be cast to a pointer
    to the other.
    """

    base: Optional[int]
    len: int

    _fields_: ClassVar[Any] = [("base", c_void_p), ("len", c_size_t)]


class vst_start_tls(Structure):
    """The TLS to begin in the middle of a session. Zero it, then set size and either server or client."""

    size: int
    _reserved: int
    flags: int
    server: vst_tls_server
    client: vst_tls_client
    server_name: Text
    early: Optional[int]
    early_len: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("_reserved", c_uint32),
        ("flags", c_uint64),
        ("server", vst_tls_server),
        ("client", vst_tls_client),
        ("server_name", c_char_p),
        ("early", c_void_p),
        ("early_len", c_uint64),
    ]


class vst_conn_info(Structure):
    """What is known of a connection."""

    size: int
    origin: int
    mover: int
    state: int
    op: int
    fd: int
    server: int
    _reserved: int
    id: int
    user: Optional[int]
    listener: int
    stream: int
    backend: int
    bytes_in: int
    bytes_out: int
    unsent: int
    age_ns: int
    peer: vst_addr
    source: vst_addr

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("origin", c_uint32),
        ("mover", c_uint32),
        ("state", c_uint32),
        ("op", c_uint32),
        ("fd", c_int32),
        ("server", c_uint32),
        ("_reserved", c_uint32),
        ("id", c_uint64),
        ("user", c_void_p),
        ("listener", c_uint64),
        ("stream", c_uint64),
        ("backend", c_uint64),
        ("bytes_in", c_uint64),
        ("bytes_out", c_uint64),
        ("unsent", c_uint64),
        ("age_ns", c_uint64),
        ("peer", vst_addr),
        ("source", vst_addr),
    ]


class vst_proxy_header(Structure):
    """The PROXY header that a connection came with."""

    size: int
    version: int
    command: int
    transport: int
    tlv_count: int
    _reserved: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("version", c_uint32),
        ("command", c_uint32),
        ("transport", c_uint32),
        ("tlv_count", c_uint32),
        ("_reserved", c_uint32),
    ]


class vst_tls_info(Structure):
    """What TLS agreed on."""

    size: int
    version: int
    cipher: int
    group: int
    resumed: int
    verified: int
    certificate_count: int
    _reserved: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("version", c_uint32),
        ("cipher", c_uint32),
        ("group", c_uint32),
        ("resumed", c_uint32),
        ("verified", c_uint32),
        ("certificate_count", c_uint32),
        ("_reserved", c_uint32),
    ]


class vst_layer(Structure):
    """How far one layer of a connection is; each field is 0 or 1."""

    initialized: int
    connected: int
    handlers_done: int
    failed: int
    shutr: int
    shutw: int

    _fields_: ClassVar[Any] = [
        ("initialized", c_uint32),
        ("connected", c_uint32),
        ("handlers_done", c_uint32),
        ("failed", c_uint32),
        ("shutr", c_uint32),
        ("shutw", c_uint32),
    ]


class vst_layers(Structure):
    """The state of the descriptor and of the two layers of a connection."""

    size: int
    fd_allocated: int
    ctrl: vst_layer
    data: vst_layer

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("fd_allocated", c_uint32),
        ("ctrl", vst_layer),
        ("data", vst_layer),
    ]


class vst_pem(Structure):
    """PEM text, from a file or from memory. Set file, or bytes and len; both is VST_E_ARGUMENT."""

    file: Text
    bytes: Optional[int]
    len: int

    _fields_: ClassVar[Any] = [("file", c_char_p), ("bytes", c_void_p), ("len", c_uint64)]


class vst_identity(Structure):
    """A certificate chain and its key."""

    chain: vst_pem
    key: vst_pem

    _fields_: ClassVar[Any] = [("chain", vst_pem), ("key", vst_pem)]


class vst_tls_server_options(Structure):
    """
    The TLS of incoming connections. A field that is 0 stands for its default, so that all zero but size and
    the certificates is the defaults; vst_tls_server_options_init writes them.
    """

    size: int
    _reserved: int
    flags: int
    identity_count: int
    client_auth: int
    min_version: int
    max_version: int
    ticket_lifetime_s: int
    client_ticket_lifetime_s: int
    identities: "Pointer[vst_identity]"
    client_ca: vst_pem
    client_crl: vst_pem
    alpn: Text
    session_cache: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("_reserved", c_uint32),
        ("flags", c_uint64),
        ("identity_count", c_uint32),
        ("client_auth", c_uint32),
        ("min_version", c_uint32),
        ("max_version", c_uint32),
        ("ticket_lifetime_s", c_uint32),
        ("client_ticket_lifetime_s", c_uint32),
        ("identities", POINTER(vst_identity)),
        ("client_ca", vst_pem),
        ("client_crl", vst_pem),
        ("alpn", c_char_p),
        ("session_cache", c_uint64),
    ]


class vst_tls_client_options(Structure):
    """
    The TLS of outgoing connections. A field that is 0 stands for its default, so that all zero but size is
    the defaults; vst_tls_client_options_init writes them.
    """

    size: int
    session_lifetime_s: int
    flags: int
    min_version: int
    max_version: int
    ca: vst_pem
    crl: vst_pem
    identity: "Pointer[vst_identity]"
    alpn: Text
    session_cache: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("session_lifetime_s", c_uint32),
        ("flags", c_uint64),
        ("min_version", c_uint32),
        ("max_version", c_uint32),
        ("ca", vst_pem),
        ("crl", vst_pem),
        ("identity", POINTER(vst_identity)),
        ("alpn", c_char_p),
        ("session_cache", c_uint64),
    ]


class vst_connect_options(Structure):
    """
    The options of a connect configuration. A field that is 0 stands for its default, so that all zero but
    size is the defaults; vst_connect_options_init writes them. In spans of time VST_NEVER is no bound.
    """

    size: int
    send_proxy: int
    flags: int
    proxy_tlvs: int
    tls: vst_tls_client
    server_name: Text
    source: Text
    timeout_connect_ns: int
    timeout_tls_ns: int
    timeout_opening_ns: int
    linger_ns: int
    drain_ns: int
    drain_bytes: int
    handlers: "Pointer[vst_handler]"
    handler_count: int
    socks: int
    source_port_first: int
    source_port_last: int
    socks_destination: Text
    socks_user: Text
    socks_password: Text
    tls12_half_close_hold_ns: int
    link: int
    link_destination: Text
    link_tls: Text
    keepalive_ns: int
    user_timeout_ns: int
    dscp: int
    nodelay: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("send_proxy", c_uint32),
        ("flags", c_uint64),
        ("proxy_tlvs", c_uint64),
        ("tls", vst_tls_client),
        ("server_name", c_char_p),
        ("source", c_char_p),
        ("timeout_connect_ns", c_uint64),
        ("timeout_tls_ns", c_uint64),
        ("timeout_opening_ns", c_uint64),
        ("linger_ns", c_uint64),
        ("drain_ns", c_uint64),
        ("drain_bytes", c_uint64),
        ("handlers", POINTER(vst_handler)),
        ("handler_count", c_uint64),
        ("socks", c_uint32),
        ("source_port_first", c_uint16),
        ("source_port_last", c_uint16),
        ("socks_destination", c_char_p),
        ("socks_user", c_char_p),
        ("socks_password", c_char_p),
        ("tls12_half_close_hold_ns", c_uint64),
        ("link", c_uint64),
        ("link_destination", c_char_p),
        ("link_tls", c_char_p),
        ("keepalive_ns", c_uint64),
        ("user_timeout_ns", c_uint64),
        ("dscp", c_uint32),
        ("nodelay", c_uint32),
    ]


class vst_feed_args(Structure):
    """What is known of a connection that the host hands over to be fed."""

    size: int
    _reserved: int
    flags: int
    peer_uid: int
    peer_gid: int
    peer: "Pointer[vst_addr]"
    local: "Pointer[vst_addr]"
    user: Optional[int]
    data: Optional[int]

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("_reserved", c_uint32),
        ("flags", c_uint64),
        ("peer_uid", c_uint32),
        ("peer_gid", c_uint32),
        ("peer", POINTER(vst_addr)),
        ("local", POINTER(vst_addr)),
        ("user", c_void_p),
        ("data", c_void_p),
    ]


class vst_link_options(Structure):
    """
    The options of a link. A field that is 0 stands for its default, so that all zero but size is the
    defaults; vst_link_options_init writes them.
    """

    size: int
    channels_per_conn: int
    flags: int
    window_bytes: int
    keepalive_ns: int
    user: Optional[int]

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("channels_per_conn", c_uint32),
        ("flags", c_uint64),
        ("window_bytes", c_uint64),
        ("keepalive_ns", c_uint64),
        ("user", c_void_p),
    ]


class vst_agent_options(Structure):
    """
    The options of an agent. A field that is 0 stands for its default, so that all zero but size is the
    defaults; vst_agent_options_init writes them.
    """

    size: int
    channels_max: int
    flags: int
    allow: Text
    uids: "Pointer[c_uint32]"
    uid_count: int
    gids: "Pointer[c_uint32]"
    gid_count: int
    window_bytes: int
    keepalive_ns: int
    connect: vst_connect_config
    user: Optional[int]
    channel_window_bytes: int
    opens_per_second: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("channels_max", c_uint32),
        ("flags", c_uint64),
        ("allow", c_char_p),
        ("uids", POINTER(c_uint32)),
        ("uid_count", c_uint64),
        ("gids", POINTER(c_uint32)),
        ("gid_count", c_uint64),
        ("window_bytes", c_uint64),
        ("keepalive_ns", c_uint64),
        ("connect", vst_connect_config),
        ("user", c_void_p),
        ("channel_window_bytes", c_uint32),
        ("opens_per_second", c_uint32),
    ]


class vst_stream_options(Structure):
    """
    The options of streams. A field that is 0 stands for its default, so that all zero but size is the
    defaults; vst_stream_options_init writes them. In spans of time VST_NEVER is no bound.
    """

    size: int
    _reserved: int
    flags: int
    timeout_client_ns: int
    timeout_server_ns: int
    timeout_tunnel_ns: int
    timeout_client_fin_ns: int
    timeout_server_fin_ns: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("_reserved", c_uint32),
        ("flags", c_uint64),
        ("timeout_client_ns", c_uint64),
        ("timeout_server_ns", c_uint64),
        ("timeout_tunnel_ns", c_uint64),
        ("timeout_client_fin_ns", c_uint64),
        ("timeout_server_fin_ns", c_uint64),
    ]


class vst_backend_options(Structure):
    """
    The options of a backend. A field that is 0 stands for its default, so that all zero but size is the
    defaults; vst_backend_options_init writes them.
    """

    size: int
    _reserved: int
    flags: int
    balance: int
    maxconn: int
    maxqueue: int
    retries: int
    queue_timeout_ns: int
    turn_around_ns: int
    seed: int
    user: Optional[int]

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("_reserved", c_uint32),
        ("flags", c_uint64),
        ("balance", c_uint32),
        ("maxconn", c_uint32),
        ("maxqueue", c_uint32),
        ("retries", c_uint32),
        ("queue_timeout_ns", c_uint64),
        ("turn_around_ns", c_uint64),
        ("seed", c_uint64),
        ("user", c_void_p),
    ]


class vst_backend_counters(Structure):
    """The counters of a backend, or of one of its servers."""

    size: int
    _reserved: int
    streams: int
    streams_most: int
    streams_total: int
    queued: int
    queued_most: int
    queued_total: int
    connect_errors_total: int
    retries_total: int
    redispatches_total: int
    queue_full_total: int
    queue_timeouts_total: int
    checks_passed_total: int
    checks_failed_total: int
    downs_total: int
    last_change_ns: int
    bytes_in_total: int
    bytes_out_total: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("_reserved", c_uint32),
        ("streams", c_uint32),
        ("streams_most", c_uint32),
        ("streams_total", c_uint64),
        ("queued", c_uint32),
        ("queued_most", c_uint32),
        ("queued_total", c_uint64),
        ("connect_errors_total", c_uint64),
        ("retries_total", c_uint64),
        ("redispatches_total", c_uint64),
        ("queue_full_total", c_uint64),
        ("queue_timeouts_total", c_uint64),
        ("checks_passed_total", c_uint64),
        ("checks_failed_total", c_uint64),
        ("downs_total", c_uint64),
        ("last_change_ns", c_uint64),
        ("bytes_in_total", c_uint64),
        ("bytes_out_total", c_uint64),
    ]


class vst_server_options(Structure):
    """
    The options of a server of a backend. A field that is 0 stands for its default, so that all zero but size
    and name is the defaults; vst_server_options_init writes them.
    """

    size: int
    weight: int
    flags: int
    name: Text
    addresses: Text
    connect: vst_connect_config
    maxconn: int
    maxqueue: int
    trial_ns: int
    check_connect: vst_connect_config
    check_address: Text
    check_send: Optional[int]
    check_send_len: int
    check_expect: Optional[int]
    check_expect_len: int
    check_interval_ns: int
    check_down_interval_ns: int
    check_timeout_ns: int
    check_jitter: int
    check_rise: int
    check_fall: int
    connect_errors: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("weight", c_uint32),
        ("flags", c_uint64),
        ("name", c_char_p),
        ("addresses", c_char_p),
        ("connect", vst_connect_config),
        ("maxconn", c_uint32),
        ("maxqueue", c_uint32),
        ("trial_ns", c_uint64),
        ("check_connect", vst_connect_config),
        ("check_address", c_char_p),
        ("check_send", c_void_p),
        ("check_send_len", c_size_t),
        ("check_expect", c_void_p),
        ("check_expect_len", c_size_t),
        ("check_interval_ns", c_uint64),
        ("check_down_interval_ns", c_uint64),
        ("check_timeout_ns", c_uint64),
        ("check_jitter", c_uint32),
        ("check_rise", c_uint32),
        ("check_fall", c_uint32),
        ("connect_errors", c_uint32),
    ]


class vst_server_status(Structure):
    """The state of a server."""

    size: int
    state: int
    up: int
    weight: int
    addresses: int
    usable: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("state", c_uint32),
        ("up", c_uint32),
        ("weight", c_uint32),
        ("addresses", c_uint32),
        ("usable", c_uint32),
    ]


class vst_table_key(Structure):
    """A key of a table. form must be the one for the type of the table."""

    form: int
    integer: int
    bytes: Optional[int]
    len: int

    _fields_: ClassVar[Any] = [
        ("form", c_uint32),
        ("integer", c_uint32),
        ("bytes", c_void_p),
        ("len", c_size_t),
    ]


class vst_table_counters(Structure):
    """How full a table is."""

    size: int
    _reserved: int
    entries: int
    entries_max: int
    refused_total: int
    purged_total: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("_reserved", c_uint32),
        ("entries", c_uint64),
        ("entries_max", c_uint64),
        ("refused_total", c_uint64),
        ("purged_total", c_uint64),
    ]


class vst_table_row(Structure):
    """One entry of a snapshot."""

    size: int
    holders: int
    number: int
    expires_in_ns: int
    key: vst_table_key

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("holders", c_uint32),
        ("number", c_uint64),
        ("expires_in_ns", c_uint64),
        ("key", vst_table_key),
    ]


class vst_listener_counters(Structure):
    """The counters of a listener."""

    size: int
    conns: int
    accepted_total: int
    sessions_total: int
    refused_total: int
    monitored_total: int
    bytes_in_total: int
    bytes_out_total: int

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("conns", c_uint32),
        ("accepted_total", c_uint64),
        ("sessions_total", c_uint64),
        ("refused_total", c_uint64),
        ("monitored_total", c_uint64),
        ("bytes_in_total", c_uint64),
        ("bytes_out_total", c_uint64),
    ]


if TYPE_CHECKING:

    class vst_alloc_fn(Callback[Callable[[Optional[int], int, int], Optional[int]]]): ...

else:
    vst_alloc_fn = CFUNCTYPE(c_void_p, c_void_p, c_size_t, c_size_t)


if TYPE_CHECKING:

    class vst_dealloc_fn(Callback[Callable[[Optional[int], Optional[int], int, int], None]]): ...

else:
    vst_dealloc_fn = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t, c_size_t)


class vst_allocator(Structure):
    """An allocator."""

    size: int
    _reserved: int
    data: Optional[int]
    alloc: vst_alloc_fn
    dealloc: vst_dealloc_fn

    _fields_: ClassVar[Any] = [
        ("size", c_uint32),
        ("_reserved", c_uint32),
        ("data", c_void_p),
        ("alloc", vst_alloc_fn),
        ("dealloc", vst_dealloc_fn),
    ]


class Functions:
    """The functions of a loaded library. A negative status that one returns is raised by check."""

    vst_strerror: Callable[[int], bytes]
    vst_status_name: Callable[[int], bytes]
    vst_addr_text: Callable[[
        Optional["Pointer[vst_addr]"],
        Optional["Array[c_char]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_addr_parse: Callable[[Text, Optional["Pointer[vst_addr]"], Optional["Array[c_char]"], int], int]
    vst_event_name: Callable[[int], bytes]
    vst_engine_options_init: Callable[[Optional["Pointer[vst_engine_options]"], int], int]
    vst_engine_new: Callable[[
        Optional["Pointer[vst_engine_options]"],
        Optional["Pointer[vst_engine]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_engine_free: Callable[[Optional[vst_engine]], int]
    vst_engine_trace: Callable[[Optional[vst_engine], int], int]
    vst_engine_next: Callable[[Optional[vst_engine], Optional["Pointer[vst_event]"]], int]
    vst_engine_drain: Callable[[Optional[vst_engine], int, int], int]
    vst_engine_drain_state: Callable[[Optional[vst_engine], Optional["Pointer[vst_drain]"]], int]
    vst_engine_get_counters: Callable[[Optional[vst_engine], Optional["Pointer[vst_engine_counters]"]], int]
    vst_engine_ready: Callable[[Optional[vst_engine], int, int, int, Optional["Pointer[vst_wait]"]], int]
    vst_engine_ready_batch: Callable[[
        Optional[vst_engine],
        Optional["Pointer[vst_ready]"],
        int,
        int,
        Optional["Pointer[vst_wait]"],
    ], int]
    vst_engine_ready_fd: Callable[[Optional[vst_engine], int, int, int, Optional["Pointer[vst_wait]"]], int]
    vst_engine_run: Callable[[Optional[vst_engine], int, Optional["Pointer[vst_wait]"]], int]
    vst_engine_wait: Callable[[Optional[vst_engine], Optional["Pointer[vst_wait]"]], int]
    vst_engine_batch_begin: Callable[[Optional[vst_engine]], int]
    vst_engine_batch_end: Callable[[Optional[vst_engine], Optional["Pointer[vst_wait]"]], int]
    vst_token_conn: Callable[[Optional[vst_engine], int, Optional["Pointer[c_uint64]"]], int]
    vst_token_set_user: Callable[[Optional[vst_engine], int, Memory], int]
    vst_listener_options_init: Callable[[Optional["Pointer[vst_listener_options]"], int], int]
    vst_listener_open: Callable[[
        Optional[vst_engine],
        Text,
        Optional[vst_accept_config],
        Optional["Pointer[vst_listener_options]"],
        Optional["Pointer[c_uint64]"],
        Optional["Pointer[c_int32]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_listener_adopt: Callable[[
        Optional[vst_engine],
        int,
        Optional[vst_accept_config],
        Optional["Pointer[vst_listener_options]"],
        Optional["Pointer[c_uint64]"],
        Optional["Pointer[c_int32]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_listener_addr: Callable[[Optional[vst_engine], int, Optional["Pointer[vst_addr]"]], int]
    vst_listener_pause: Callable[[Optional[vst_engine], int], int]
    vst_listener_resume: Callable[[Optional[vst_engine], int], int]
    vst_listener_close: Callable[[Optional[vst_engine], int], int]
    vst_listener_set_name: Callable[[Optional[vst_engine], int, Text], int]
    vst_accept_options_init: Callable[[Optional["Pointer[vst_accept_options]"], int], int]
    vst_accept_config_new: Callable[[
        Optional["Pointer[vst_accept_options]"],
        Optional["Pointer[vst_accept_config]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_accept_config_free: Callable[[Optional[vst_accept_config]], None]
    vst_conn_accept_fd: Callable[[
        Optional[vst_engine],
        Optional[vst_accept_config],
        int,
        Memory,
        Optional["Pointer[c_uint64]"],
        Optional["Pointer[c_int32]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_conn_adopt: Callable[[
        Optional[vst_engine],
        int,
        Memory,
        Optional["Pointer[c_uint64]"],
        Optional["Pointer[c_int32]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_conn_connect: Callable[[
        Optional[vst_engine],
        Text,
        Optional[vst_connect_config],
        Optional["Pointer[vst_connect_args]"],
        Optional["Pointer[c_uint64]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_conn_recv: Callable[[Optional[vst_engine], int, Memory, int, Optional["Pointer[c_size_t]"]], int]
    vst_conn_send: Callable[[Optional[vst_engine], int, Memory, int, Optional["Pointer[c_size_t]"]], int]
    vst_conn_shutdown: Callable[[Optional[vst_engine], int, int], int]
    vst_conn_close: Callable[[Optional[vst_engine], int], int]
    vst_conn_abort: Callable[[Optional[vst_engine], int], int]
    vst_conn_take_fd: Callable[[
        Optional[vst_engine],
        int,
        Optional["Pointer[c_int32]"],
        Memory,
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_conn_user: Callable[[Optional[vst_engine], int, Optional["Pointer[c_void_p]"]], int]
    vst_conn_set_user: Callable[[Optional[vst_engine], int, Memory], int]
    vst_conn_recvv: Callable[[
        Optional[vst_engine],
        int,
        Optional["Pointer[vst_iovec]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_conn_sendv: Callable[[
        Optional[vst_engine],
        int,
        Optional["Pointer[vst_iovec]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_conn_peek: Callable[[Optional[vst_engine], int, Memory, int, Optional["Pointer[c_size_t]"]], int]
    vst_conn_set_timeout: Callable[[Optional[vst_engine], int, int], int]
    vst_conn_limit_rate: Callable[[Optional[vst_engine], int, int, int, int], int]
    vst_conn_fd: Callable[[Optional[vst_engine], int, Optional["Pointer[c_int32]"]], int]
    vst_conn_bytes: Callable[[
        Optional[vst_engine],
        int,
        Optional["Pointer[c_uint64]"],
        Optional["Pointer[c_uint64]"],
    ], int]
    vst_conn_start_tls: Callable[[
        Optional[vst_engine],
        int,
        Optional["Pointer[vst_start_tls]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_conn_state: Callable[[Optional[vst_engine], int, Optional["Pointer[c_uint32]"]], int]
    vst_conn_peer_credentials: Callable[[
        Optional[vst_engine],
        int,
        Optional["Pointer[c_uint32]"],
        Optional["Pointer[c_uint32]"],
    ], int]
    vst_conn_addrs: Callable[[
        Optional[vst_engine],
        int,
        Optional["Pointer[vst_addr]"],
        Optional["Pointer[vst_addr]"],
    ], int]
    vst_conn_socket_addrs: Callable[[
        Optional[vst_engine],
        int,
        Optional["Pointer[vst_addr]"],
        Optional["Pointer[vst_addr]"],
    ], int]
    vst_engine_next_conn: Callable[[Optional[vst_engine], int, Optional["Pointer[vst_conn_info]"]], int]
    vst_conn_proxy_header: Callable[[Optional[vst_engine], int, Optional["Pointer[vst_proxy_header]"]], int]
    vst_conn_proxy_tlv: Callable[[
        Optional[vst_engine],
        int,
        int,
        Optional["Pointer[c_uint32]"],
        Memory,
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_conn_tls_info: Callable[[Optional[vst_engine], int, Optional["Pointer[vst_tls_info]"]], int]
    vst_conn_tls_text: Callable[[
        Optional[vst_engine],
        int,
        int,
        Optional["Array[c_char]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_conn_tls_certificate: Callable[[
        Optional[vst_engine],
        int,
        int,
        Memory,
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_conn_shut: Callable[[Optional[vst_engine], int, Optional["Pointer[c_uint32]"]], int]
    vst_conn_layers: Callable[[Optional[vst_engine], int, Optional["Pointer[vst_layers]"]], int]
    vst_conn_describe: Callable[[
        Optional[vst_engine],
        int,
        Optional["Array[c_char]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_listener_describe: Callable[[
        Optional[vst_engine],
        int,
        Optional["Array[c_char]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_backend_describe: Callable[[
        Optional[vst_engine],
        int,
        Optional["Array[c_char]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_tls_server_options_init: Callable[[Optional["Pointer[vst_tls_server_options]"], int], int]
    vst_tls_server_new: Callable[[
        Optional["Pointer[vst_tls_server_options]"],
        Optional["Pointer[vst_tls_server]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_tls_server_self_signed: Callable[[
        Text,
        Optional["Pointer[vst_tls_server]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_tls_server_not_after: Callable[[Optional[vst_tls_server], int, Optional["Pointer[c_uint64]"]], int]
    vst_tls_server_take_key_log: Callable[[
        Optional[vst_tls_server],
        Optional["Array[c_char]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_tls_server_free: Callable[[Optional[vst_tls_server]], None]
    vst_tls_client_options_init: Callable[[Optional["Pointer[vst_tls_client_options]"], int], int]
    vst_tls_client_new: Callable[[
        Optional["Pointer[vst_tls_client_options]"],
        Optional["Pointer[vst_tls_client]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_tls_client_not_after: Callable[[Optional[vst_tls_client], Optional["Pointer[c_uint64]"]], int]
    vst_tls_client_take_key_log: Callable[[
        Optional[vst_tls_client],
        Optional["Array[c_char]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_tls_client_free: Callable[[Optional[vst_tls_client]], None]
    vst_connect_options_init: Callable[[Optional["Pointer[vst_connect_options]"], int], int]
    vst_connect_config_new: Callable[[
        Optional["Pointer[vst_connect_options]"],
        Optional["Pointer[vst_connect_config]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_connect_config_free: Callable[[Optional[vst_connect_config]], None]
    vst_conn_feed: Callable[[
        Optional[vst_engine],
        Optional[vst_accept_config],
        Optional["Pointer[vst_feed_args]"],
        Optional["Pointer[c_uint64]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_fed_next: Callable[[Optional[vst_engine], Optional["Pointer[vst_fed_ask]"]], int]
    vst_fed_set_data: Callable[[Optional[vst_engine], int, Memory], int]
    vst_fed_copy_unsent: Callable[[
        Optional[vst_engine],
        int,
        int,
        Memory,
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_fed_opened: Callable[[Optional[vst_engine], int, Optional["Pointer[vst_addr]"]], int]
    vst_fed_failed: Callable[[Optional[vst_engine], int, int], int]
    vst_fed_received: Callable[[Optional[vst_engine], int, Memory, int, Optional["Pointer[c_size_t]"]], int]
    vst_fed_sent: Callable[[Optional[vst_engine], int, int], int]
    vst_fed_ended: Callable[[Optional[vst_engine], int], int]
    vst_fed_hung_up: Callable[[Optional[vst_engine], int, int], int]
    vst_fed_closed: Callable[[Optional[vst_engine], int], int]
    vst_link_options_init: Callable[[Optional["Pointer[vst_link_options]"], int], int]
    vst_link_open: Callable[[
        Optional[vst_engine],
        Text,
        Optional[vst_connect_config],
        Optional["Pointer[vst_link_options]"],
        Optional["Pointer[c_uint64]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_link_close: Callable[[Optional[vst_engine], int], int]
    vst_link_accept: Callable[[
        Optional[vst_engine],
        int,
        Text,
        Optional[vst_accept_config],
        Memory,
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_link_stop_accepting: Callable[[Optional[vst_engine], int, Text], int]
    vst_link_describe: Callable[[
        Optional[vst_engine],
        int,
        Optional["Array[c_char]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_agent_options_init: Callable[[Optional["Pointer[vst_agent_options]"], int], int]
    vst_agent_new: Callable[[
        Optional[vst_engine],
        Optional["Pointer[vst_agent_options]"],
        Optional["Pointer[c_uint64]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_agent_add_tls: Callable[[Optional[vst_engine], int, Text, Optional[vst_tls_client]], int]
    vst_agent_serve: Callable[[Optional[vst_engine], int, int], int]
    vst_agent_offer: Callable[[Optional[vst_engine], int, int, Text], int]
    vst_agent_resolved: Callable[[Optional[vst_engine], int, int, Optional["Pointer[vst_addr]"], int], int]
    vst_agent_drain: Callable[[Optional[vst_engine], int], int]
    vst_agent_close: Callable[[Optional[vst_engine], int], int]
    vst_agent_load: Callable[[
        Optional[vst_engine],
        int,
        Optional["Pointer[c_uint32]"],
        Optional["Pointer[c_uint32]"],
    ], int]
    vst_agent_describe: Callable[[
        Optional[vst_engine],
        int,
        Optional["Array[c_char]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_stream_options_init: Callable[[Optional["Pointer[vst_stream_options]"], int], int]
    vst_stream_config_new: Callable[[
        Optional["Pointer[vst_stream_options]"],
        Optional["Pointer[vst_stream_config]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_stream_config_free: Callable[[Optional[vst_stream_config]], None]
    vst_conn_forward: Callable[[
        Optional[vst_engine],
        int,
        int,
        Optional[vst_stream_config],
        Memory,
        Optional["Pointer[c_uint64]"],
    ], int]
    vst_conn_forward_to: Callable[[
        Optional[vst_engine],
        int,
        int,
        Optional[vst_stream_config],
        Memory,
        Optional["Pointer[c_uint64]"],
    ], int]
    vst_stream_abort: Callable[[Optional[vst_engine], int], int]
    vst_stream_describe: Callable[[
        Optional[vst_engine],
        int,
        Optional["Array[c_char]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_backend_options_init: Callable[[Optional["Pointer[vst_backend_options]"], int], int]
    vst_backend_new: Callable[[
        Optional[vst_engine],
        Optional["Pointer[vst_backend_options]"],
        Optional["Pointer[c_uint64]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_backend_set_name: Callable[[Optional[vst_engine], int, Text], int]
    vst_backend_get_counters: Callable[[
        Optional[vst_engine],
        int,
        Optional["Pointer[vst_backend_counters]"],
    ], int]
    vst_server_get_counters: Callable[[
        Optional[vst_engine],
        int,
        int,
        Optional["Pointer[vst_backend_counters]"],
    ], int]
    vst_server_options_init: Callable[[Optional["Pointer[vst_server_options]"], int], int]
    vst_backend_add_server: Callable[[
        Optional[vst_engine],
        int,
        Optional["Pointer[vst_server_options]"],
        Optional["Pointer[c_uint32]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_server_set_weight: Callable[[Optional[vst_engine], int, int, int], int]
    vst_server_set_state: Callable[[Optional[vst_engine], int, int, int], int]
    vst_server_set_addresses: Callable[[
        Optional[vst_engine],
        int,
        int,
        Text,
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_server_state: Callable[[Optional[vst_engine], int, int, Optional["Pointer[vst_server_status]"]], int]
    vst_rules_new: Callable[[
        Memory,
        int,
        Optional["Pointer[vst_table]"],
        int,
        Optional[vst_rules],
        Optional["Pointer[vst_rules]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_rules_replace: Callable[[Optional[vst_rules], Optional[vst_rules]], int]
    vst_rules_check: Callable[[
        Optional[vst_engine],
        Optional[vst_rules],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_rules_notes: Callable[[
        Optional[vst_rules],
        int,
        Optional["Array[c_char]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_rules_backends: Callable[[
        Optional[vst_rules],
        int,
        Optional["Array[c_char]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_rules_unknown_backends: Callable[[Optional[vst_rules], Optional["Pointer[c_uint64]"]], int]
    vst_conn_chosen_backend: Callable[[Optional[vst_engine], int, Optional["Pointer[c_uint64]"]], int]
    vst_conn_variable: Callable[[
        Optional[vst_engine],
        int,
        Text,
        Memory,
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_conn_capture: Callable[[
        Optional[vst_engine],
        int,
        int,
        Memory,
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_rules_free: Callable[[Optional[vst_rules]], None]
    vst_table_new: Callable[[Text, Text, Optional["Pointer[vst_table]"], Optional["Array[c_char]"], int], int]
    vst_table_get: Callable[[
        Optional[vst_table],
        Optional["Pointer[vst_table_key]"],
        int,
        int,
        Optional["Pointer[c_uint64]"],
    ], int]
    vst_table_set: Callable[[Optional[vst_table], Optional["Pointer[vst_table_key]"], int, int, int], int]
    vst_table_remove: Callable[[Optional[vst_table], Optional["Pointer[vst_table_key]"], int], int]
    vst_table_clear: Callable[[Optional[vst_table], Optional["Pointer[c_uint64]"]], int]
    vst_table_get_counters: Callable[[Optional[vst_table], Optional["Pointer[vst_table_counters]"]], int]
    vst_table_dump: Callable[[
        Optional[vst_table],
        int,
        Optional["Array[c_char]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_table_free: Callable[[Optional[vst_table]], None]
    vst_table_snapshot_new: Callable[[Optional[vst_table], int, Optional["Pointer[vst_table_snapshot]"]], int]
    vst_table_snapshot_next: Callable[[Optional[vst_table_snapshot], Optional["Pointer[vst_table_row]"]], int]
    vst_table_snapshot_value: Callable[[
        Optional[vst_table_snapshot],
        int,
        Optional["Pointer[c_uint64]"],
    ], int]
    vst_table_snapshot_free: Callable[[Optional[vst_table_snapshot]], None]
    vst_conn_handler_done: Callable[[Optional[vst_engine], int, int, int, int, Text], int]
    vst_handler_peek: Callable[[Optional[vst_engine], int, Memory, int, Optional["Pointer[c_size_t]"]], int]
    vst_handler_consume: Callable[[Optional[vst_engine], int, int], int]
    vst_handler_send: Callable[[Optional[vst_engine], int, Memory, int, Optional["Pointer[c_size_t]"]], int]
    vst_listener_set_monitor_fail: Callable[[Optional[vst_engine], int, int], int]
    vst_listener_get_counters: Callable[[
        Optional[vst_engine],
        int,
        Optional["Pointer[vst_listener_counters]"],
    ], int]
    vst_metrics_text: Callable[[
        Optional[vst_engine],
        Optional["Array[c_char]"],
        int,
        Optional["Pointer[c_size_t]"],
    ], int]
    vst_engine_waker: Callable[[Optional[vst_engine], Optional["Pointer[vst_waker]"]], int]
    vst_waker_post: Callable[[Optional[vst_waker], int, int, int, int], int]
    vst_waker_wake: Callable[[Optional[vst_waker]], int]
    vst_waker_free: Callable[[Optional[vst_waker]], None]
    vst_group_new: Callable[[Optional["Pointer[vst_group]"]], int]
    vst_group_free: Callable[[Optional[vst_group]], None]
    vst_loop_new: Callable[[
        Optional["Pointer[vst_engine_options]"],
        Optional["Pointer[vst_loop]"],
        Optional["Pointer[c_int32]"],
        Optional["Array[c_char]"],
        int,
    ], int]
    vst_loop_engine: Callable[[Optional[vst_loop], Optional["Pointer[vst_engine]"]], int]
    vst_loop_run: Callable[[Optional[vst_loop], int], int]
    vst_loop_stop: Callable[[Optional[vst_loop]], int]
    vst_loop_free: Callable[[Optional[vst_loop]], int]
    vst_set_allocator: Callable[[Optional["Pointer[vst_allocator]"]], int]
    vst_abi_version: Callable[[], int]
    vst_version: Callable[[], bytes]
    vst_features: Callable[[Optional["Pointer[c_uint64]"]], int]
    vst_op_name: Callable[[int], bytes]
    vst_why_name: Callable[[int], bytes]

    def __init__(self, library: CDLL, check: Callable[[int, Any, Any], int]) -> None:
        for name, returns, parameters in SIGNATURES:
            function = getattr(library, name, None)
            if function is not None:
                function.restype = returns
                function.argtypes = parameters
                if returns is c_int32:
                    function.errcheck = check
                setattr(self, name, function)

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            raise AttributeError(f"the library that is loaded is older and has no {name}")


#: By name what a function returns and takes.
SIGNATURES: list[tuple[str, Any, list[Any]]] = [
    ("vst_strerror", c_char_p, [c_int32]),
    ("vst_status_name", c_char_p, [c_int32]),
    ("vst_addr_text", c_int32, [POINTER(vst_addr), c_char_p, c_size_t, POINTER(c_size_t)]),
    ("vst_addr_parse", c_int32, [c_char_p, POINTER(vst_addr), c_char_p, c_size_t]),
    ("vst_event_name", c_char_p, [c_uint32]),
    ("vst_engine_options_init", c_int32, [POINTER(vst_engine_options), c_uint32]),
    ("vst_engine_new", c_int32, [POINTER(vst_engine_options), POINTER(vst_engine), c_char_p, c_size_t]),
    ("vst_engine_free", c_int32, [vst_engine]),
    ("vst_engine_trace", c_int32, [vst_engine, c_uint32]),
    ("vst_engine_next", c_int32, [vst_engine, POINTER(vst_event)]),
    ("vst_engine_drain", c_int32, [vst_engine, c_uint32, c_uint64]),
    ("vst_engine_drain_state", c_int32, [vst_engine, POINTER(vst_drain)]),
    ("vst_engine_get_counters", c_int32, [vst_engine, POINTER(vst_engine_counters)]),
    ("vst_engine_ready", c_int32, [vst_engine, c_uint64, c_uint32, c_uint64, POINTER(vst_wait)]),
    (
        "vst_engine_ready_batch",
        c_int32,
        [vst_engine, POINTER(vst_ready), c_size_t, c_uint64, POINTER(vst_wait)],
    ),
    ("vst_engine_ready_fd", c_int32, [vst_engine, c_int32, c_uint32, c_uint64, POINTER(vst_wait)]),
    ("vst_engine_run", c_int32, [vst_engine, c_uint64, POINTER(vst_wait)]),
    ("vst_engine_wait", c_int32, [vst_engine, POINTER(vst_wait)]),
    ("vst_engine_batch_begin", c_int32, [vst_engine]),
    ("vst_engine_batch_end", c_int32, [vst_engine, POINTER(vst_wait)]),
    ("vst_token_conn", c_int32, [vst_engine, c_uint64, POINTER(c_uint64)]),
    ("vst_token_set_user", c_int32, [vst_engine, c_uint64, c_void_p]),
    ("vst_listener_options_init", c_int32, [POINTER(vst_listener_options), c_uint32]),
    (
        "vst_listener_open",
        c_int32,
        [ vst_engine, c_char_p, vst_accept_config, POINTER(vst_listener_options), POINTER(c_uint64), POINTER(c_int32), c_char_p, c_size_t, ],
    ),
    (
        "vst_listener_adopt",
        c_int32,
        [ vst_engine, c_int32, vst_accept_config, POINTER(vst_listener_options), POINTER(c_uint64), POINTER(c_int32), c_char_p, c_size_t, ],
    ),
    ("vst_listener_addr", c_int32, [vst_engine, c_uint64, POINTER(vst_addr)]),
    ("vst_listener_pause", c_int32, [vst_engine, c_uint64]),
    ("vst_listener_resume", c_int32, [vst_engine, c_uint64]),
    ("vst_listener_close", c_int32, [vst_engine, c_uint64]),
    ("vst_listener_set_name", c_int32, [vst_engine, c_uint64, c_char_p]),
    ("vst_accept_options_init", c_int32, [POINTER(vst_accept_options), c_uint32]),
    (
        "vst_accept_config_new",
        c_int32,
        [POINTER(vst_accept_options), POINTER(vst_accept_config), c_char_p, c_size_t],
    ),
    ("vst_accept_config_free", None, [vst_accept_config]),
    (
        "vst_conn_accept_fd",
        c_int32,
        [vst_engine, vst_accept_config, c_int32, c_void_p, POINTER(c_uint64), POINTER(c_int32), c_char_p, c_size_t],
    ),
    (
        "vst_conn_adopt",
        c_int32,
        [vst_engine, c_int32, c_void_p, POINTER(c_uint64), POINTER(c_int32), c_char_p, c_size_t],
    ),
    (
        "vst_conn_connect",
        c_int32,
        [vst_engine, c_char_p, vst_connect_config, POINTER(vst_connect_args), POINTER(c_uint64), c_char_p, c_size_t],
    ),
    ("vst_conn_recv", c_int32, [vst_engine, c_uint64, c_void_p, c_size_t, POINTER(c_size_t)]),
    ("vst_conn_send", c_int32, [vst_engine, c_uint64, c_void_p, c_size_t, POINTER(c_size_t)]),
    ("vst_conn_shutdown", c_int32, [vst_engine, c_uint64, c_uint32]),
    ("vst_conn_close", c_int32, [vst_engine, c_uint64]),
    ("vst_conn_abort", c_int32, [vst_engine, c_uint64]),
    (
        "vst_conn_take_fd",
        c_int32,
        [vst_engine, c_uint64, POINTER(c_int32), c_void_p, c_size_t, POINTER(c_size_t)],
    ),
    ("vst_conn_user", c_int32, [vst_engine, c_uint64, POINTER(c_void_p)]),
    ("vst_conn_set_user", c_int32, [vst_engine, c_uint64, c_void_p]),
    ("vst_conn_recvv", c_int32, [vst_engine, c_uint64, POINTER(vst_iovec), c_size_t, POINTER(c_size_t)]),
    ("vst_conn_sendv", c_int32, [vst_engine, c_uint64, POINTER(vst_iovec), c_size_t, POINTER(c_size_t)]),
    ("vst_conn_peek", c_int32, [vst_engine, c_uint64, c_void_p, c_size_t, POINTER(c_size_t)]),
    ("vst_conn_set_timeout", c_int32, [vst_engine, c_uint64, c_uint64]),
    ("vst_conn_limit_rate", c_int32, [vst_engine, c_uint64, c_uint32, c_uint64, c_uint64]),
    ("vst_conn_fd", c_int32, [vst_engine, c_uint64, POINTER(c_int32)]),
    ("vst_conn_bytes", c_int32, [vst_engine, c_uint64, POINTER(c_uint64), POINTER(c_uint64)]),
    ("vst_conn_start_tls", c_int32, [vst_engine, c_uint64, POINTER(vst_start_tls), c_char_p, c_size_t]),
    ("vst_conn_state", c_int32, [vst_engine, c_uint64, POINTER(c_uint32)]),
    ("vst_conn_peer_credentials", c_int32, [vst_engine, c_uint64, POINTER(c_uint32), POINTER(c_uint32)]),
    ("vst_conn_addrs", c_int32, [vst_engine, c_uint64, POINTER(vst_addr), POINTER(vst_addr)]),
    ("vst_conn_socket_addrs", c_int32, [vst_engine, c_uint64, POINTER(vst_addr), POINTER(vst_addr)]),
    ("vst_engine_next_conn", c_int32, [vst_engine, c_uint64, POINTER(vst_conn_info)]),
    ("vst_conn_proxy_header", c_int32, [vst_engine, c_uint64, POINTER(vst_proxy_header)]),
    (
        "vst_conn_proxy_tlv",
        c_int32,
        [vst_engine, c_uint64, c_uint32, POINTER(c_uint32), c_void_p, c_size_t, POINTER(c_size_t)],
    ),
    ("vst_conn_tls_info", c_int32, [vst_engine, c_uint64, POINTER(vst_tls_info)]),
    ("vst_conn_tls_text", c_int32, [vst_engine, c_uint64, c_uint32, c_char_p, c_size_t, POINTER(c_size_t)]),
    (
        "vst_conn_tls_certificate",
        c_int32,
        [vst_engine, c_uint64, c_uint32, c_void_p, c_size_t, POINTER(c_size_t)],
    ),
    ("vst_conn_shut", c_int32, [vst_engine, c_uint64, POINTER(c_uint32)]),
    ("vst_conn_layers", c_int32, [vst_engine, c_uint64, POINTER(vst_layers)]),
    ("vst_conn_describe", c_int32, [vst_engine, c_uint64, c_char_p, c_size_t, POINTER(c_size_t)]),
    ("vst_listener_describe", c_int32, [vst_engine, c_uint64, c_char_p, c_size_t, POINTER(c_size_t)]),
    ("vst_backend_describe", c_int32, [vst_engine, c_uint64, c_char_p, c_size_t, POINTER(c_size_t)]),
    ("vst_tls_server_options_init", c_int32, [POINTER(vst_tls_server_options), c_uint32]),
    (
        "vst_tls_server_new",
        c_int32,
        [POINTER(vst_tls_server_options), POINTER(vst_tls_server), c_char_p, c_size_t],
    ),
    ("vst_tls_server_self_signed", c_int32, [c_char_p, POINTER(vst_tls_server), c_char_p, c_size_t]),
    ("vst_tls_server_not_after", c_int32, [vst_tls_server, c_uint32, POINTER(c_uint64)]),
    ("vst_tls_server_take_key_log", c_int32, [vst_tls_server, c_char_p, c_size_t, POINTER(c_size_t)]),
    ("vst_tls_server_free", None, [vst_tls_server]),
    ("vst_tls_client_options_init", c_int32, [POINTER(vst_tls_client_options), c_uint32]),
    (
        "vst_tls_client_new",
        c_int32,
        [POINTER(vst_tls_client_options), POINTER(vst_tls_client), c_char_p, c_size_t],
    ),
    ("vst_tls_client_not_after", c_int32, [vst_tls_client, POINTER(c_uint64)]),
    ("vst_tls_client_take_key_log", c_int32, [vst_tls_client, c_char_p, c_size_t, POINTER(c_size_t)]),
    ("vst_tls_client_free", None, [vst_tls_client]),
    ("vst_connect_options_init", c_int32, [POINTER(vst_connect_options), c_uint32]),
    (
        "vst_connect_config_new",
        c_int32,
        [POINTER(vst_connect_options), POINTER(vst_connect_config), c_char_p, c_size_t],
    ),
    ("vst_connect_config_free", None, [vst_connect_config]),
    (
        "vst_conn_feed",
        c_int32,
        [vst_engine, vst_accept_config, POINTER(vst_feed_args), POINTER(c_uint64), c_char_p, c_size_t],
    ),
    ("vst_fed_next", c_int32, [vst_engine, POINTER(vst_fed_ask)]),
    ("vst_fed_set_data", c_int32, [vst_engine, c_uint64, c_void_p]),
    ("vst_fed_copy_unsent", c_int32, [vst_engine, c_uint64, c_size_t, c_void_p, c_size_t, POINTER(c_size_t)]),
    ("vst_fed_opened", c_int32, [vst_engine, c_uint64, POINTER(vst_addr)]),
    ("vst_fed_failed", c_int32, [vst_engine, c_uint64, c_int32]),
    ("vst_fed_received", c_int32, [vst_engine, c_uint64, c_void_p, c_size_t, POINTER(c_size_t)]),
    ("vst_fed_sent", c_int32, [vst_engine, c_uint64, c_size_t]),
    ("vst_fed_ended", c_int32, [vst_engine, c_uint64]),
    ("vst_fed_hung_up", c_int32, [vst_engine, c_uint64, c_int32]),
    ("vst_fed_closed", c_int32, [vst_engine, c_uint64]),
    ("vst_link_options_init", c_int32, [POINTER(vst_link_options), c_uint32]),
    (
        "vst_link_open",
        c_int32,
        [vst_engine, c_char_p, vst_connect_config, POINTER(vst_link_options), POINTER(c_uint64), c_char_p, c_size_t],
    ),
    ("vst_link_close", c_int32, [vst_engine, c_uint64]),
    (
        "vst_link_accept",
        c_int32,
        [vst_engine, c_uint64, c_char_p, vst_accept_config, c_void_p, c_char_p, c_size_t],
    ),
    ("vst_link_stop_accepting", c_int32, [vst_engine, c_uint64, c_char_p]),
    ("vst_link_describe", c_int32, [vst_engine, c_uint64, c_char_p, c_size_t, POINTER(c_size_t)]),
    ("vst_agent_options_init", c_int32, [POINTER(vst_agent_options), c_uint32]),
    (
        "vst_agent_new",
        c_int32,
        [vst_engine, POINTER(vst_agent_options), POINTER(c_uint64), c_char_p, c_size_t],
    ),
    ("vst_agent_add_tls", c_int32, [vst_engine, c_uint64, c_char_p, vst_tls_client]),
    ("vst_agent_serve", c_int32, [vst_engine, c_uint64, c_uint64]),
    ("vst_agent_offer", c_int32, [vst_engine, c_uint64, c_uint64, c_char_p]),
    ("vst_agent_resolved", c_int32, [vst_engine, c_uint64, c_uint64, POINTER(vst_addr), c_int32]),
    ("vst_agent_drain", c_int32, [vst_engine, c_uint64]),
    ("vst_agent_close", c_int32, [vst_engine, c_uint64]),
    ("vst_agent_load", c_int32, [vst_engine, c_uint64, POINTER(c_uint32), POINTER(c_uint32)]),
    ("vst_agent_describe", c_int32, [vst_engine, c_uint64, c_char_p, c_size_t, POINTER(c_size_t)]),
    ("vst_stream_options_init", c_int32, [POINTER(vst_stream_options), c_uint32]),
    (
        "vst_stream_config_new",
        c_int32,
        [POINTER(vst_stream_options), POINTER(vst_stream_config), c_char_p, c_size_t],
    ),
    ("vst_stream_config_free", None, [vst_stream_config]),
    (
        "vst_conn_forward",
        c_int32,
        [vst_engine, c_uint64, c_uint64, vst_stream_config, c_void_p, POINTER(c_uint64)],
    ),
    (
        "vst_conn_forward_to",
        c_int32,
        [vst_engine, c_uint64, c_uint64, vst_stream_config, c_void_p, POINTER(c_uint64)],
    ),
    ("vst_stream_abort", c_int32, [vst_engine, c_uint64]),
    ("vst_stream_describe", c_int32, [vst_engine, c_uint64, c_char_p, c_size_t, POINTER(c_size_t)]),
    ("vst_backend_options_init", c_int32, [POINTER(vst_backend_options), c_uint32]),
    (
        "vst_backend_new",
        c_int32,
        [vst_engine, POINTER(vst_backend_options), POINTER(c_uint64), c_char_p, c_size_t],
    ),
    ("vst_backend_set_name", c_int32, [vst_engine, c_uint64, c_char_p]),
    ("vst_backend_get_counters", c_int32, [vst_engine, c_uint64, POINTER(vst_backend_counters)]),
    ("vst_server_get_counters", c_int32, [vst_engine, c_uint64, c_uint32, POINTER(vst_backend_counters)]),
    ("vst_server_options_init", c_int32, [POINTER(vst_server_options), c_uint32]),
    (
        "vst_backend_add_server",
        c_int32,
        [vst_engine, c_uint64, POINTER(vst_server_options), POINTER(c_uint32), c_char_p, c_size_t],
    ),
    ("vst_server_set_weight", c_int32, [vst_engine, c_uint64, c_uint32, c_uint32]),
    ("vst_server_set_state", c_int32, [vst_engine, c_uint64, c_uint32, c_uint32]),
    ("vst_server_set_addresses", c_int32, [vst_engine, c_uint64, c_uint32, c_char_p, c_char_p, c_size_t]),
    ("vst_server_state", c_int32, [vst_engine, c_uint64, c_uint32, POINTER(vst_server_status)]),
    (
        "vst_rules_new",
        c_int32,
        [c_void_p, c_size_t, POINTER(vst_table), c_size_t, vst_rules, POINTER(vst_rules), c_char_p, c_size_t],
    ),
    ("vst_rules_replace", c_int32, [vst_rules, vst_rules]),
    ("vst_rules_check", c_int32, [vst_engine, vst_rules, c_char_p, c_size_t]),
    ("vst_rules_notes", c_int32, [vst_rules, c_size_t, c_char_p, c_size_t, POINTER(c_size_t)]),
    ("vst_rules_backends", c_int32, [vst_rules, c_size_t, c_char_p, c_size_t, POINTER(c_size_t)]),
    ("vst_rules_unknown_backends", c_int32, [vst_rules, POINTER(c_uint64)]),
    ("vst_conn_chosen_backend", c_int32, [vst_engine, c_uint64, POINTER(c_uint64)]),
    ("vst_conn_variable", c_int32, [vst_engine, c_uint64, c_char_p, c_void_p, c_size_t, POINTER(c_size_t)]),
    ("vst_conn_capture", c_int32, [vst_engine, c_uint64, c_size_t, c_void_p, c_size_t, POINTER(c_size_t)]),
    ("vst_rules_free", None, [vst_rules]),
    ("vst_table_new", c_int32, [c_char_p, c_char_p, POINTER(vst_table), c_char_p, c_size_t]),
    ("vst_table_get", c_int32, [vst_table, POINTER(vst_table_key), c_uint32, c_uint64, POINTER(c_uint64)]),
    ("vst_table_set", c_int32, [vst_table, POINTER(vst_table_key), c_uint32, c_uint64, c_uint64]),
    ("vst_table_remove", c_int32, [vst_table, POINTER(vst_table_key), c_uint64]),
    ("vst_table_clear", c_int32, [vst_table, POINTER(c_uint64)]),
    ("vst_table_get_counters", c_int32, [vst_table, POINTER(vst_table_counters)]),
    ("vst_table_dump", c_int32, [vst_table, c_uint64, c_char_p, c_size_t, POINTER(c_size_t)]),
    ("vst_table_free", None, [vst_table]),
    ("vst_table_snapshot_new", c_int32, [vst_table, c_uint64, POINTER(vst_table_snapshot)]),
    ("vst_table_snapshot_next", c_int32, [vst_table_snapshot, POINTER(vst_table_row)]),
    ("vst_table_snapshot_value", c_int32, [vst_table_snapshot, c_uint32, POINTER(c_uint64)]),
    ("vst_table_snapshot_free", None, [vst_table_snapshot]),
    ("vst_conn_handler_done", c_int32, [vst_engine, c_uint64, c_uint32, c_int32, c_int32, c_char_p]),
    ("vst_handler_peek", c_int32, [vst_engine, c_uint64, c_void_p, c_size_t, POINTER(c_size_t)]),
    ("vst_handler_consume", c_int32, [vst_engine, c_uint64, c_size_t]),
    ("vst_handler_send", c_int32, [vst_engine, c_uint64, c_void_p, c_size_t, POINTER(c_size_t)]),
    ("vst_listener_set_monitor_fail", c_int32, [vst_engine, c_uint64, c_uint32]),
    ("vst_listener_get_counters", c_int32, [vst_engine, c_uint64, POINTER(vst_listener_counters)]),
    ("vst_metrics_text", c_int32, [vst_engine, c_char_p, c_size_t, POINTER(c_size_t)]),
    ("vst_engine_waker", c_int32, [vst_engine, POINTER(vst_waker)]),
    ("vst_waker_post", c_int32, [vst_waker, c_uint64, c_uint32, c_int32, c_int32]),
    ("vst_waker_wake", c_int32, [vst_waker]),
    ("vst_waker_free", None, [vst_waker]),
    ("vst_group_new", c_int32, [POINTER(vst_group)]),
    ("vst_group_free", None, [vst_group]),
    (
        "vst_loop_new",
        c_int32,
        [POINTER(vst_engine_options), POINTER(vst_loop), POINTER(c_int32), c_char_p, c_size_t],
    ),
    ("vst_loop_engine", c_int32, [vst_loop, POINTER(vst_engine)]),
    ("vst_loop_run", c_int32, [vst_loop, c_uint64]),
    ("vst_loop_stop", c_int32, [vst_loop]),
    ("vst_loop_free", c_int32, [vst_loop]),
    ("vst_set_allocator", c_int32, [POINTER(vst_allocator)]),
    ("vst_abi_version", c_uint32, []),
    ("vst_version", c_char_p, []),
    ("vst_features", c_int32, [POINTER(c_uint64)]),
    ("vst_op_name", c_char_p, [c_uint32]),
    ("vst_why_name", c_char_p, [c_uint32]),
]

#: By function which parameter gets the sentence about a failure.
WHY_AT = {
    "vst_addr_parse": 2,
    "vst_engine_new": 2,
    "vst_listener_open": 6,
    "vst_listener_adopt": 6,
    "vst_accept_config_new": 2,
    "vst_conn_accept_fd": 6,
    "vst_conn_adopt": 5,
    "vst_conn_connect": 5,
    "vst_conn_start_tls": 3,
    "vst_tls_server_new": 2,
    "vst_tls_server_self_signed": 2,
    "vst_tls_client_new": 2,
    "vst_connect_config_new": 2,
    "vst_conn_feed": 4,
    "vst_link_open": 5,
    "vst_link_accept": 5,
    "vst_agent_new": 3,
    "vst_stream_config_new": 2,
    "vst_backend_new": 3,
    "vst_backend_add_server": 4,
    "vst_server_set_addresses": 4,
    "vst_rules_new": 6,
    "vst_rules_check": 2,
    "vst_table_new": 3,
    "vst_loop_new": 3,
}

#: By function which parameter gets the errno of a failure.
SYS_ERRNO_AT = {
    "vst_listener_open": 5,
    "vst_listener_adopt": 5,
    "vst_conn_accept_fd": 5,
    "vst_conn_adopt": 4,
    "vst_loop_new": 2,
}
