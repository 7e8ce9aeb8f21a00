"""
vestibule: connections with PROXY headers, rules and TLS, for a program with a loop of its own.

SelectorHost drives an engine by the module selectors; vestibule.aio is for asyncio. docs/python.md is the manual, and
include/vestibule.h says what every function does.

Times are in seconds, as int or float; where one is an option, 0 is the default and math.inf is no bound. An engine and
what belongs to it are used on one thread; configurations, rules, tables and wakers by all.
"""

from __future__ import annotations

from ._library import Library, load
from .addresses import Address
from .backends import Backend, BackendOptions, Check, Server
from .config import AcceptConfig, ConnectConfig, ListenerOptions, Monitor, StreamConfig
from .conns import Conn
from .constants import (
    Admin,
    Balance,
    ClientAuth,
    ConnFlag,
    Data,
    Drain,
    EventKind,
    Family,
    Feature,
    Io,
    MonitorAnswer,
    Mover,
    Next,
    Nodelay,
    Op,
    Origin,
    ProxyCommand,
    ProxyTlv,
    ProxyTransport,
    Reason,
    SendProxy,
    Shut,
    Socks,
    State,
    Status,
    TlsText,
    TlsVersion,
    Trace,
    Verified,
    Why,
)
from .ends import End, StreamEnd
from .engine import Engine
from .errors import (
    ArgumentError,
    CallerError,
    ConfigError,
    DeniedError,
    EndedError,
    FailedError,
    GoneError,
    InternalError,
    KindError,
    LimitError,
    LoadError,
    ModeError,
    OtherEngineError,
    PeerError,
    ReentrantError,
    Refusal,
    ResetError,
    StaleError,
    StateError,
    StatusError,
    SystemCallError,
    ThreadError,
    TruncatedError,
    UnsupportedError,
    VestibuleError,
)
from .events import Event
from .facts import ConnInfo, DrainState, ProxyHeader, ServerStatus, TlsInfo, Wait
from .groups import Group
from .handlers import Dialogue, Handler, Step, Ticket
from .listeners import Listener
from .options import EngineOptions
from .rules import Rules
from .selector import SelectorHost
from .streams import Stream
from .tables import Table, TableRow
from .tls import Identity, TlsClient, TlsServer
from .wakers import Waker

__all__ = [
    "AcceptConfig",
    "Address",
    "Admin",
    "ArgumentError",
    "Backend",
    "BackendOptions",
    "Balance",
    "CallerError",
    "Check",
    "ClientAuth",
    "ConfigError",
    "Conn",
    "ConnFlag",
    "ConnInfo",
    "ConnectConfig",
    "Data",
    "DeniedError",
    "Dialogue",
    "Drain",
    "DrainState",
    "End",
    "EndedError",
    "Engine",
    "EngineOptions",
    "Event",
    "EventKind",
    "FailedError",
    "Family",
    "Feature",
    "GoneError",
    "Group",
    "Handler",
    "Identity",
    "InternalError",
    "Io",
    "KindError",
    "Library",
    "LimitError",
    "Listener",
    "ListenerOptions",
    "LoadError",
    "ModeError",
    "Monitor",
    "MonitorAnswer",
    "Mover",
    "Next",
    "Nodelay",
    "Op",
    "Origin",
    "OtherEngineError",
    "PeerError",
    "ProxyCommand",
    "ProxyHeader",
    "ProxyTlv",
    "ProxyTransport",
    "Reason",
    "ReentrantError",
    "Refusal",
    "ResetError",
    "Rules",
    "SelectorHost",
    "SendProxy",
    "Server",
    "ServerStatus",
    "Shut",
    "Socks",
    "StaleError",
    "State",
    "StateError",
    "Status",
    "StatusError",
    "Step",
    "Stream",
    "StreamConfig",
    "StreamEnd",
    "SystemCallError",
    "Table",
    "TableRow",
    "ThreadError",
    "Ticket",
    "TlsClient",
    "TlsInfo",
    "TlsServer",
    "TlsText",
    "TlsVersion",
    "Trace",
    "TruncatedError",
    "UnsupportedError",
    "Verified",
    "VestibuleError",
    "Wait",
    "Waker",
    "Why",
    "load",
]
