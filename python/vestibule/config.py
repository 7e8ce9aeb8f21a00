"""What is done with connections before they are sessions, and how streams behave.

Everywhere a span of time is in seconds, 0 stands for the default, and math.inf is no bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

from ._declarations import (
    VST_ACCEPT_TLS12_HALF_CLOSE_HOLD,
    VST_ACCEPT_TLS_TRUNCATION_ABORT,
    VST_ACCEPT_UNTRUSTED_DIRECT,
    VST_CONNECT_TLS12_HALF_CLOSE_SEND,
    VST_CONNECT_TLS_TRUNCATION_ABORT,
    VST_LISTENER_MODE,
    VST_LISTENER_NO_REFUSED,
    VST_LISTENER_OWNER,
    VST_LISTENER_REUSEPORT,
    VST_LISTENER_UNIX_EXCLUSIVE,
    VST_LISTENER_V6ONLY,
    VST_MONITOR_EVERYONE,
    VST_MONITOR_TRUSTED,
    VST_STREAM_ABORT_ON_CLOSE,
    vst_accept_config,
    vst_accept_options,
    vst_connect_config,
    vst_connect_options,
    vst_handler,
    vst_listener_options,
    vst_monitor_options,
    vst_stream_config,
    vst_stream_options,
)
from ._library import functions
from ._memory import Handle, address_of, encoded, first, nanoseconds, new_why, ref, sized
from .constants import MonitorAnswer, Nodelay, ProxyTlv, SendProxy, Socks
from .handlers import Handler
from .rules import Rules
from .tls import TlsClient, TlsServer


@dataclass(frozen=True)
class Monitor:
    """Sources, such as health checks of load balancers, that are answered and let go."""

    #: Networks and addresses, separated by commas; None with everyone.
    net: Optional[str] = None
    answer: MonitorAnswer = MonitorAnswer.TEXT
    #: Every source is a monitor.
    everyone: bool = False
    #: Sources of net may be among those of accept_proxy or accept_cip.
    trusted: bool = False
    #: With MonitorAnswer.BYTES: what is sent while there is no failure.
    well: bytes = b""
    #: With MonitorAnswer.BYTES: what is sent while there is one.
    failing: bytes = b""

    def to_c(self) -> vst_monitor_options:
        """For C, as long as this object exists."""
        options = sized(vst_monitor_options)
        options.answer = self.answer
        options.flags = VST_MONITOR_EVERYONE * self.everyone | VST_MONITOR_TRUSTED * self.trusted
        options.monitor_net = encoded(self.net)
        options.well, options.well_len = address_of(self.well), len(self.well)
        options.failing, options.failing_len = address_of(self.failing), len(self.failing)
        return options


class AcceptConfig(Handle):
    """What is done with incoming connections. Any number of listeners and engines may use it; it never changes."""

    def __init__(
        self,
        *,
        accept_proxy: Optional[str] = None,
        accept_cip: Optional[str] = None,
        cip_magic: int = 0,
        untrusted_direct: bool = False,
        tls: Optional[TlsServer] = None,
        monitor: Optional[Monitor] = None,
        handlers: Sequence[Handler] = (),
        rules: Optional[Rules] = None,
        timeout_proxy: float = 0,
        timeout_tls: float = 0,
        timeout_opening: float = 0,
        linger: float = 0,
        drain: float = 0,
        drain_bytes: int = 0,
        tls12_half_close_hold: bool = False,
        tls12_half_close_hold_time: float = 0,
        tls_truncation_abort: bool = False,
        keepalive: float = 0,
        user_timeout: float = 0,
        dscp: int = 0,
        nodelay: Nodelay = Nodelay.ON,
    ) -> None:
        """
        accept_proxy names the sources, separated by commas, whose connections begin with a PROXY header: networks
        (10.0.0.0/8), addresses, any and unix. Others are refused, or with untrusted_direct go on without one.
        Options are those of vst_accept_options.

        Raises ConfigError for a list that cannot be read, and ArgumentError.
        """
        #: They must exist as long as the configuration is used: an engine that uses it keeps them.
        self.handlers: Tuple[Handler, ...] = tuple(handlers)
        made = (vst_handler * len(self.handlers))(*(handler.to_c() for handler in self.handlers))
        options = sized(vst_accept_options)
        options.accept_proxy, options.accept_cip = encoded(accept_proxy), encoded(accept_cip)
        options.cip_magic = cip_magic
        options.flags = (
            VST_ACCEPT_UNTRUSTED_DIRECT * untrusted_direct
            | VST_ACCEPT_TLS12_HALF_CLOSE_HOLD * tls12_half_close_hold
            | VST_ACCEPT_TLS_TRUNCATION_ABORT * tls_truncation_abort
        )
        if tls is not None:
            options.tls = tls.handle
        if monitor is not None:
            watched = (vst_monitor_options * 1)(monitor.to_c())
            options.monitor = first(watched)
        if rules is not None:
            options.rules = rules.handle
        if self.handlers:
            options.handlers, options.handler_count = first(made), len(self.handlers)
        options.timeout_proxy_ns = nanoseconds(timeout_proxy)
        options.timeout_tls_ns = nanoseconds(timeout_tls)
        options.timeout_opening_ns = nanoseconds(timeout_opening)
        options.linger_ns, options.drain_ns = nanoseconds(linger), nanoseconds(drain)
        options.drain_bytes = drain_bytes
        options.tls12_half_close_hold_ns = nanoseconds(tls12_half_close_hold_time)
        options.keepalive_ns, options.user_timeout_ns = nanoseconds(keepalive), nanoseconds(user_timeout)
        options.dscp, options.nodelay = dscp, nodelay
        out, why = vst_accept_config(), new_why()
        functions().vst_accept_config_new(ref(options), ref(out), why, len(why))
        #: The handle, for functions that are not wrapped.
        self.handle = self._own(out, functions().vst_accept_config_free)


class ConnectConfig(Handle):
    """What is done with outgoing connections. Any number of engines may use it; it never changes."""

    def __init__(
        self,
        *,
        tls: Optional[TlsClient] = None,
        server_name: Optional[str] = None,
        source: Optional[str] = None,
        send_proxy: SendProxy = SendProxy.NONE,
        proxy_tlvs: ProxyTlv = ProxyTlv(0),
        handlers: Sequence[Handler] = (),
        socks: Socks = Socks.NONE,
        socks_destination: Optional[str] = None,
        socks_user: Optional[str] = None,
        socks_password: Optional[str] = None,
        timeout_connect: float = 0,
        timeout_tls: float = 0,
        timeout_opening: float = 0,
        linger: float = 0,
        drain: float = 0,
        drain_bytes: int = 0,
        tls12_half_close_send: bool = False,
        tls12_half_close_hold_time: float = 0,
        tls_truncation_abort: bool = False,
        keepalive: float = 0,
        user_timeout: float = 0,
        dscp: int = 0,
        nodelay: Nodelay = Nodelay.ON,
    ) -> None:
        """
        With tls, server_name is the name that the server's certificate must be valid for. Options are those of
        vst_connect_options.

        Raises ConfigError for a name, source or destination that cannot be used, and ArgumentError.
        """
        #: They must exist as long as the configuration is used: an engine that uses it keeps them.
        self.handlers: Tuple[Handler, ...] = tuple(handlers)
        made = (vst_handler * len(self.handlers))(*(handler.to_c() for handler in self.handlers))
        options = sized(vst_connect_options)
        options.send_proxy, options.proxy_tlvs = send_proxy, proxy_tlvs
        options.flags = (
            VST_CONNECT_TLS12_HALF_CLOSE_SEND * tls12_half_close_send
            | VST_CONNECT_TLS_TRUNCATION_ABORT * tls_truncation_abort
        )
        if tls is not None:
            options.tls = tls.handle
        options.server_name, options.source = encoded(server_name), encoded(source)
        if self.handlers:
            options.handlers, options.handler_count = first(made), len(self.handlers)
        options.socks, options.socks_destination = socks, encoded(socks_destination)
        options.socks_user, options.socks_password = encoded(socks_user), encoded(socks_password)
        options.timeout_connect_ns = nanoseconds(timeout_connect)
        options.timeout_tls_ns = nanoseconds(timeout_tls)
        options.timeout_opening_ns = nanoseconds(timeout_opening)
        options.linger_ns, options.drain_ns = nanoseconds(linger), nanoseconds(drain)
        options.drain_bytes = drain_bytes
        options.tls12_half_close_hold_ns = nanoseconds(tls12_half_close_hold_time)
        options.keepalive_ns, options.user_timeout_ns = nanoseconds(keepalive), nanoseconds(user_timeout)
        options.dscp, options.nodelay = dscp, nodelay
        out, why = vst_connect_config(), new_why()
        functions().vst_connect_config_new(ref(options), ref(out), why, len(why))
        #: The handle, for functions that are not wrapped.
        self.handle = self._own(out, functions().vst_connect_config_free)


class StreamConfig(Handle):
    """The timeouts of streams. Any number of streams and engines may use it; it never changes."""

    def __init__(
        self,
        *,
        timeout_client: float = 0,
        timeout_server: float = 0,
        timeout_tunnel: float = 0,
        timeout_client_fin: float = 0,
        timeout_server_fin: float = 0,
        abort_on_close: bool = False,
    ) -> None:
        """Options are those of vst_stream_options."""
        options = sized(vst_stream_options)
        options.flags = VST_STREAM_ABORT_ON_CLOSE * abort_on_close
        options.timeout_client_ns = nanoseconds(timeout_client)
        options.timeout_server_ns = nanoseconds(timeout_server)
        options.timeout_tunnel_ns = nanoseconds(timeout_tunnel)
        options.timeout_client_fin_ns = nanoseconds(timeout_client_fin)
        options.timeout_server_fin_ns = nanoseconds(timeout_server_fin)
        out, why = vst_stream_config(), new_why()
        functions().vst_stream_config_new(ref(options), ref(out), why, len(why))
        #: The handle, for functions that are not wrapped.
        self.handle = self._own(out, functions().vst_stream_config_free)


@dataclass(frozen=True)
class ListenerOptions:
    """How a listener is opened: vst_listener_options. A 0 is the default."""

    backlog: int = 0
    defer_accept_s: int = 0
    max_conns: int = 0
    refused_per_second: int = 0
    ends_per_second: int = 0
    reuseport: bool = False
    v6only: bool = False
    unix_exclusive: bool = False
    no_refused: bool = False
    #: Permission bits of a unix socket's path.
    mode: Optional[int] = None
    #: User and group of a unix socket's path.
    owner: Optional[Tuple[int, int]] = None

    def to_c(self) -> vst_listener_options:
        """For C."""
        options = sized(vst_listener_options)
        options.backlog, options.defer_accept_s = self.backlog, self.defer_accept_s
        options.max_conns = self.max_conns
        options.refused_per_second, options.ends_per_second = self.refused_per_second, self.ends_per_second
        options.flags = (
            VST_LISTENER_REUSEPORT * self.reuseport
            | VST_LISTENER_V6ONLY * self.v6only
            | VST_LISTENER_UNIX_EXCLUSIVE * self.unix_exclusive
            | VST_LISTENER_NO_REFUSED * self.no_refused
            | VST_LISTENER_MODE * (self.mode is not None)
            | VST_LISTENER_OWNER * (self.owner is not None)
        )
        options.mode = self.mode or 0
        options.uid, options.gid = self.owner or (0, 0)
        return options
