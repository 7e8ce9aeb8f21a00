"""The numbers of the library: operations, reasons, kinds of events and so on.

Made from include/vestibule.h by tools/declarations.py: change nothing here. A number that a newer library
reports, and that stands in none of these, becomes a member with the name UNKNOWN and the number.
"""

from __future__ import annotations

import enum
from typing import Optional, Type, TypeVar

N = TypeVar("N", bound="Number")


class Number(enum.IntEnum):
    """A number that newer libraries may have more of."""

    @classmethod
    def _missing_(cls: Type[N], value: object) -> Optional[N]:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member


class Status(Number):
    """What a function returns."""

    #: It is done.
    OK = 0

    #: Not now. VST_EVENT_READABLE or VST_EVENT_WRITABLE says when to try again; a handler answers
    #: VST_NEXT_WRITE instead. From vst_loop_run: the round is over. From vst_metrics_text: VST_EVENT_WOKEN
    #: says when.
    WAIT = 1

    #: The peer has ended its sending side in order, and every byte before that has been read.
    END = 2

    #: There is nothing: no further event, no such TLV, no TLS.
    NONE = 3

    #: A pointer that must not be NULL is NULL.
    E_NULL = -1

    #: An argument makes no sense: an unknown number or flag, a text that cannot be read, an empty buffer, a
    #: reserved byte that is not 0.
    E_ARGUMENT = -2

    #: The id is of something that is gone.
    E_STALE = -3

    #: The id is of another kind of thing: a stream's id where a connection's id is needed.
    E_KIND = -4

    #: The id belongs to another engine.
    E_ENGINE = -5

    #: The engine belongs to another thread.
    E_THREAD = -6

    #: Not possible in the present state: a read before there is a session, a read of a connection that is
    #: part of a stream, a second close.
    E_STATE = -7

    #: The function must not be called from this callback.
    E_REENTRANT = -8

    #: The engine was made with options with which this function, or this time, does not work.
    E_MODE = -9

    #: The caller's buffer is too small; the length that is needed is written.
    E_SPACE = -10

    #: This build of the library, or this kind of connection, does not have it.
    E_UNSUPPORTED = -11

    #: The size of a struct is smaller than its first version or larger than 65,536, or no multiple of its
    #: alignment, or bytes beyond those that this library knows are not 0.
    E_SIZE = -12

    #: The engine of this waker is freed.
    E_GONE = -13

    #: A system call failed; why or sys_errno of the function, where it has them, says which and how.
    E_SYSTEM = -20

    #: A file or text of configuration could not be used; the text says which, where and why.
    E_CONFIG = -21

    #: The connection was reset, by the peer or by something between.
    E_RESET = -30

    #: The connection ended without a TLS close_notify: bytes may be missing.
    E_TRUNCATED = -31

    #: The connection failed for another reason; the end of VST_EVENT_CLOSED says which.
    E_FAILED = -32

    #: The configuration does not admit the peer.
    E_DENIED = -33

    #: A configured or built-in limit is reached.
    E_LIMIT = -40

    #: An internal failure of the library. From now on only vst_engine_free works on the engine.
    E_PANIC = -50

    #: A call on this engine has returned VST_E_PANIC before: only vst_engine_free works.
    E_POISONED = -51


class Op(Number):
    """Where a connection failed: an operation of opening or closing it."""

    #: Where a connection failed: an operation, in the order they run. A monitor (vst_monitor_options) is
    #: recognised by its source, is answered, and its connection ends.
    MONITOR_IN = 1

    #: tcp-request accept rules: on the socket's addresses, before anything is read.
    ACCEPT_RULES = 2

    #: The PROXY header is read, before any other byte.
    ACCEPT_PROXY = 3

    #: The header of a NetScaler is read, after the PROXY header.
    ACCEPT_CIP = 4

    #: tcp-request connection rules: on the announced addresses.
    TCP_RULES = 5

    #: The host's own handlers, before TLS.
    CUSTOM_RAW = 6

    #: The TLS handshake with a client.
    TLS_ACCEPT = 7

    #: tcp-request session rules: on what the TLS handshake agreed on.
    SESSION_RULES = 8

    #: tcp-request content rules: on the first bytes, as TLS decrypted them; they stay unread.
    INSPECT = 9

    #: The host's own handlers, after TLS.
    CUSTOM_CLEAR = 10

    #: The answer to a monitor is sent, instead of a session.
    SEND_LAST_CHUNK = 11

    #: The host is given the session.
    ACCEPT_SESSION = 12

    #: The socket is connected to the server.
    CTRL_CONNECT = 13

    #: A PROXY header is sent, before any other byte.
    SEND_PROXY = 14

    #: The request is sent to a SOCKS server.
    SOCKS_SEND = 15

    #: The answer of the SOCKS server is read; bytes after it are the destination's.
    SOCKS_RECV = 16

    #: The host's own handlers towards a server, before TLS.
    CUSTOM_RAW_OUT = 17

    #: The TLS handshake with a server.
    TLS_CONNECT = 18

    #: The host's own handlers towards a server, after TLS.
    CUSTOM_CLEAR_OUT = 19

    #: The data layer ends its outgoing side: unsent bytes, then close_notify.
    DSHW = 20

    #: The data layer delivers no byte any more.
    DSHR = 21

    #: The data layer is released.
    DCLOSE = 22

    #: The control layer ends its outgoing side: the FIN.
    CSHW = 23

    #: The control layer delivers no byte any more.
    CSHR = 24

    #: The control layer waits for the peer's end, so that no reset destroys what was sent.
    CCLOSE = 25

    #: The descriptor is released by the host's poller and then closed.
    FCLOSE = 26


class Why(Number):
    """Why a connection or a stream failed."""

    #: Why a connection failed. The peer ended its side before the first expected byte.
    EMPTY = 1

    #: The peer ended its side before everything that was expected had arrived.
    TRUNCATED = 2

    #: The host aborted the connection.
    ABORTED = 3

    #: The deadline of the operation passed.
    TIMED_OUT = 4

    #: What the peer sent breaks the protocol.
    MALFORMED = 5

    #: The peer, or its system, refused.
    REFUSED = 6

    #: The connection was reset by the peer or by the network in between.
    RESET = 7

    #: Our configuration does not accept the peer.
    DENIED = 8

    #: There is no route to the peer.
    UNREACHABLE = 9

    #: A resource of this process or machine is used up.
    LOCAL_LIMIT = 10

    #: What the peer sent is larger than we accept.
    TOO_LARGE = 11

    #: The system refused a call for another reason.
    SYSTEM = 12

    #: The keys of the connection have protected as many records as they may.
    KEY_LIMIT = 13

    #: No byte was read or written for the time that the host allows a session.
    IDLE = 14


class Family(Number):
    """Kinds of addresses."""

    #: No address is known.
    NONE = 0

    #: IPv4: 4 bytes.
    IPV4 = 4

    #: IPv6: 16 bytes.
    IPV6 = 6

    #: A unix socket: its path without a final NUL; a leading NUL for an abstract name; no bytes for an
    #: unnamed socket.
    UNIX = 1


class EventKind(Number):
    """What an event says."""

    #: An incoming connection has finished its handshakes: id is the session, which may be read, written,
    #: forwarded or closed, now or later.
    SESSION = 1

    #: An outgoing connection is open, its handshakes included.
    CONNECTED = 2

    #: A read that returned VST_WAIT may be tried again; of a new session, the first read may be tried.
    #: Reported once per VST_WAIT.
    READABLE = 3

    #: A write that returned VST_WAIT may be tried again. Reported once per VST_WAIT.
    WRITABLE = 4

    #: An incoming connection ended before it was a session; end says how. id is stale. At most
    #: refused_per_second of vst_listener_options are reported per second, operation and reason.
    REFUSED = 5

    #: A connection has ended, whatever ended it; end says how. id is stale from now on, and no event about it
    #: follows. Reported for every session, and for every connection that the host asked for or handed in,
    #: whatever ends_per_second is; without a VST_EVENT_SESSION before it where the host ended the session
    #: before that was reported. Not reported for a connection of a stream.
    CLOSED = 6

    #: A stream has ended, and its two connections with it; stream says how, end is the client's own end,
    #: end_server the server's. Reported for every stream; quiet and suppressed of end are about the stream as
    #: a whole.
    STREAM_END = 7

    #: A listener has stopped accepting because the system ran out of something (sys_errno) or because a limit
    #: is reached (sys_errno is 0). It resumes by itself: VST_EVENT_RESUMED.
    PAUSED = 8

    #: A listener accepts connections again.
    RESUMED = 9

    #: A listener is closed; id is stale from here on.
    LISTENER_CLOSED = 10

    #: From vst_engine_next, of an engine without interest callbacks: watch fd for new_mask instead of
    #: old_mask, as in vst_interest_fn. id is the token to hand back with its readiness.
    INTEREST = 11

    #: The engine is draining (vst_engine_drain): the host ends this session, at the latest before grace_ns
    #: have passed, when it is aborted.
    DRAINING = 12

    #: A server of the backend id is up again; reason is VST_REASON_CHECKS or VST_REASON_TRIAL.
    SERVER_UP = 13

    #: A server of the backend id is down, and streams go to the others; reason is VST_REASON_CHECKS or
    #: VST_REASON_CONNECT_ERRORS.
    SERVER_DOWN = 14

    #: A server of the backend id has no address: look its name up, and hand in what was found with
    #: vst_server_set_addresses. Reported once, when the server was added.
    SERVER_RESOLVE = 15

    #: The TLS handshake that vst_conn_start_tls began is done: reads and writes are possible again.
    TLS_DONE = 16

    #: The agent that a link leads to answers: id is the link.
    LINK_UP = 17

    #: No agent answers any more at the end of a link; text says why. It is connected to again by itself.
    LINK_DOWN = 18

    #: A link is closed; id is stale from here on.
    LINK_CLOSED = 19

    #: A client of the agent id asks for a connection to the host named text, at port: look its address up,
    #: and hand in what was found with vst_agent_resolved and ticket.
    AGENT_RESOLVE = 20

    #: Another thread has called vst_waker_wake, or the text is there for which vst_metrics_text has returned
    #: VST_WAIT. id is 0. Reported once for all calls since the last.
    WOKEN = 21

    #: What vst_engine_drain began is done: no connection and no stream is left, and after VST_DRAIN_CLOSE no
    #: listener. id is 0.
    DRAINED = 22


class Reason(Number):
    """Why a server went up or down."""

    #: check_rise checks in a row have passed, or check_fall in a row have failed.
    CHECKS = 1

    #: connect_errors attempts in a row to connect have failed, or the first one of a server on trial.
    CONNECT_ERRORS = 2

    #: The server is tried again: it was down for trial_ns, or is back from maintenance.
    TRIAL = 3


class Trace(enum.IntFlag):
    """Categories of the trace."""

    #: Calls of the host: one line for each, with the id it was given and the status it returns.
    CALLS = 1

    #: What the host is told: events, interest, deadlines, asks of fed connections, steps of handlers, and
    #: that other threads have woken the engine.
    EVENTS = 2

    #: What becomes of each operation of a connection, and why it fails.
    OPERATIONS = 4

    #: Every read and write that moved bytes, with their number. The bytes themselves are in no line.
    BYTES = 8

    #: What TLS agreed on, alerts, changes of keys, close_notify.
    TLS = 16

    #: How connections and streams end: shutdowns, the operations that close, the record of the end, drains.
    CLOSING = 32

    #: All categories.
    ALL = 63


class Io(enum.IntFlag):
    """What a descriptor is watched for, and is ready for."""

    #: Bytes, incoming connections or the end of the stream can be read (EPOLLIN, POLLIN).
    IN = 1

    #: Bytes can be written, or a connect has ended (EPOLLOUT, POLLOUT).
    OUT = 2

    #: The peer has ended its sending side: EPOLLRDHUP, POLLRDHUP. A poller that has no such event watches
    #: nothing for it and never hands it in.
    HANGUP = 4

    #: An error, or the end of both directions: EPOLLERR, EPOLLHUP, POLLERR, POLLHUP. Not POLLNVAL, which says
    #: that the number is not an open descriptor: hand nothing in for that. The host hands this bit in; no
    #: mask of the library has it, since pollers report it without being asked.
    ERROR = 8

    #: In a mask from the library: this mask does not change until the descriptor is released, so the
    #: descriptor may be registered edge-triggered. Only an engine made with VST_TRIGGER_EDGE sets it, and
    #: only for connections: listeners and the descriptor of the wakers are level-triggered always.
    EDGE = 16

    #: In a mask or dir from the library: the host stops watching the descriptor and forgets its token. The
    #: library says nothing about this descriptor afterwards.
    RELEASED = 32

    #: Comes with VST_IO_RELEASED: the library closes the descriptor next, so a host that uses epoll may leave
    #: out EPOLL_CTL_DEL. VST_IO_RELEASED without VST_IO_CLOSING comes only from vst_conn_take_fd, where the
    #: descriptor stays open and belongs to the host, and for a descriptor that an agent passes to a client,
    #: where it stays open in another process: the host removes it from its poller.
    CLOSING = 64


class Drain(Number):
    """Stages of a drain."""

    #: Connections are still accepted, but monitors (vst_monitor_options) are answered with a failure, so that
    #: load balancers send no more clients to this program.
    LAME_DUCK = 1

    #: Listeners accept no more connections. Connections that wait in the kernel's queue stay there, for
    #: another process that has the same sockets open.
    PAUSE = 2

    #: Listeners accept the connections that wait in the kernel's queue, since closing would reset these, and
    #: then are closed.
    CLOSE = 3


class Nodelay(Number):
    """Whether small writes leave at once."""

    #: Small writes leave at once (TCP_NODELAY).
    ON = 0

    #: Small writes are held back until those before are acknowledged (Nagle's algorithm, RFC 896).
    OFF = 1


class Shut(Number):
    """Directions of a connection."""

    #: The direction from the peer to us.
    READ = 1

    #: The direction from us to the peer.
    WRITE = 2

    #: Both.
    BOTH = 3


class State(Number):
    """States of a connection."""

    #: It is closing, without a failure.
    CLOSED = 0

    #: An incoming connection whose handshakes are not done.
    ACCEPTED = 1

    #: An outgoing connection whose handshakes are not done.
    CONNECTING = 2

    #: The handshakes are done: bytes may be read and written.
    ESTABLISHED = 3

    #: It failed or was aborted.
    ERROR = 4


class Origin(Number):
    """How a connection began."""

    #: The connection was accepted, by a listener or by the host.
    INCOMING = 1

    #: The connection was requested.
    OUTGOING = 2

    #: The connection was open when the host handed it over (vst_conn_adopt).
    ADOPTED = 3


class Mover(Number):
    """Who moves the bytes of a connection."""

    #: The host moves the bytes, or will: a session, or one that is opening or closing.
    HOST = 1

    #: A stream moves the bytes.
    STREAM = 2

    #: The engine does: for a health check or a monitor, or until a failed attempt is closed.
    ENGINE = 3

    #: A link or an agent does.
    LINK = 4


class ProxyCommand(Number):
    """Commands of a PROXY header."""

    #: LOCAL: the proxy connected for itself, and announces no client.
    LOCAL = 0

    #: PROXY: the proxy connected for a client.
    RELAYED = 1


class ProxyTransport(Number):
    """Transports of a PROXY header."""

    #: The header announced no addresses: LOCAL, UNKNOWN, UNSPEC.
    NONE = 0

    #: TCP over IPv4 or IPv6.
    TCP = 1

    #: UDP over IPv4 or IPv6.
    UDP = 2

    #: A unix stream socket.
    UNIX_STREAM = 3

    #: A unix datagram socket.
    UNIX_DATAGRAM = 4


class Verified(Number):
    """What became of the peer's certificate."""

    #: The peer was not asked for a certificate.
    NOT_ASKED = 0

    #: The peer was asked for a certificate and sent none.
    ABSENT = 1

    #: The peer's certificate was verified, now or when the resumed session began.
    VALID = 2

    #: The peer's certificate was not looked at: verification is switched off.
    SKIPPED = 3


class TlsText(Number):
    """Texts about TLS."""

    #: The protocol version, such as TLSv1.3.
    VERSION = 1

    #: The cipher suite by its IANA name, such as TLS_AES_256_GCM_SHA384.
    CIPHER = 2

    #: The group of the key exchange, such as X25519.
    GROUP = 3

    #: The application protocol (ALPN), as bytes, such as h2.
    ALPN = 4

    #: The server name the client asked for.
    SNI = 5

    #: The common name in the peer's certificate, as bytes.
    PEER_CN = 6

    #: The subject of the peer's certificate.
    PEER_SUBJECT = 7

    #: The issuer of the peer's certificate.
    PEER_ISSUER = 8


class ConnFlag(enum.IntFlag):
    """Which directions of a connection are shut."""

    #: The incoming direction is shut, by either side: no further byte is delivered.
    SHR = 1024

    #: The outgoing direction is shut: no further byte is taken.
    SHW = 2048

    #: The connection failed or was aborted: its state is VST_STATE_ERROR until it is gone.
    ERR = 4096


class ClientAuth(Number):
    """Whether clients are asked for a certificate."""

    #: Clients are not asked for a certificate.
    NONE = 0

    #: Clients are asked for a certificate and may send none; a certificate that is sent must verify.
    OPTIONAL = 1

    #: Clients are asked for a certificate; those without one that verifies are refused.
    REQUIRED = 2


class TlsVersion(Number):
    """Versions of TLS."""

    #: TLS 1.2, for min_version and max_version.
    V1_2 = 771

    #: TLS 1.3, for min_version and max_version.
    V1_3 = 772


class Socks(Number):
    """Versions of SOCKS."""

    #: No SOCKS: the address of the connection is the destination itself.
    NONE = 0

    #: The address of the connection is that of a SOCKS server of version 4: destinations are IPv4 addresses.
    V4 = 1

    #: As VST_SOCKS_4, with version 4a: destinations are IPv4 addresses, and names that the server resolves.
    V4A = 2

    #: As VST_SOCKS_4, with version 5 (RFC 1928): destinations are IPv4 and IPv6 addresses, and names that the
    #: server resolves.
    V5 = 3


class SendProxy(Number):
    """Which PROXY header is sent."""

    #: No PROXY header is sent.
    NONE = 0

    #: The PROXY header of version 1: a line of text.
    V1 = 1

    #: The PROXY header of version 2: binary, with TLVs.
    V2 = 2


class ProxyTlv(enum.IntFlag):
    """What a PROXY header of version 2 carries."""

    #: A version 2 header carries the application protocol of the client's TLS (PP2_TYPE_ALPN).
    ALPN = 536870912

    #: A version 2 header carries the server name that the client's TLS asked for (PP2_TYPE_AUTHORITY).
    AUTHORITY = 1073741824

    #: A version 2 header carries facts of the client's TLS (PP2_TYPE_SSL): version, certificate name, cipher,
    #: algorithms.
    SSL = 2147483648

    #: A version 2 header carries a checksum of itself (PP2_TYPE_CRC32C).
    CRC32C = 4294967296

    #: A version 2 header carries an identifier of this one connection (PP2_TYPE_UNIQUE_ID), made by the
    #: engine.
    UNIQUE_ID = 8589934592


class Balance(Number):
    """How a backend chooses a server."""

    #: Round robin: one server after the other, those with more weight more often.
    ROUND_ROBIN = 0

    #: Least connections: the server with the fewest streams in proportion to its weight.
    LEAST_CONNECTIONS = 1

    #: By a hash of the client's address, without its port: a client gets the same server each time, and when
    #: servers are added, go down or come up, only those clients get another server that must. The address is
    #: the one announced by a header, where one came. Clients without an address, those of unix sockets, are
    #: spread round robin.
    SOURCE = 2

    #: Two servers are chosen at random, and of these the one with fewer streams in proportion to its weight
    #: is taken. Nearly as even as VST_BALANCE_LEAST_CONNECTIONS, also where several engines use the same
    #: servers without knowing each other's streams.
    RANDOM = 3


class Admin(Number):
    """Administrative states of a server."""

    #: The server is in normal use.
    READY = 1

    #: The server gets no new streams. Those it has go on, and those that wait in its own queue are served.
    DRAIN = 2

    #: The server gets no streams and is not checked. Streams it has go on.
    MAINTENANCE = 3


class Data(Number):
    """What a stick table keeps of a key."""

    #: The server that streams of the key go to: its number from vst_backend_add_server plus 1; 0 is none.
    #: server_id in a definition.
    SERVER_ID = 0

    #: A number for any purpose. gpt0 in a definition.
    GPT0 = 1

    #: How often the counter with index 0 was increased in the last period. gpc0_rate in a definition; the
    #: period is the time in brackets there, as for every rate.
    GPC0_RATE = 2

    #: Connections so far, refused ones among them. conn_cnt in a definition.
    CONN_CNT = 3

    #: Connections in the last period. conn_rate in a definition.
    CONN_RATE = 4

    #: Connections that exist now. conn_cur in a definition.
    CONN_CUR = 5

    #: Sessions so far: connections that passed all rules. sess_cnt in a definition.
    SESS_CNT = 6

    #: Sessions in the last period. sess_rate in a definition.
    SESS_RATE = 7

    #: Bytes from clients so far. bytes_in_cnt in a definition.
    BYTES_IN_CNT = 8

    #: Bytes from clients in the last period. bytes_in_rate in a definition.
    BYTES_IN_RATE = 9

    #: Bytes to clients so far. bytes_out_cnt in a definition.
    BYTES_OUT_CNT = 10

    #: Bytes to clients in the last period. bytes_out_rate in a definition.
    BYTES_OUT_RATE = 11

    #: Counters for any purpose: VST_DATA_GPC + n is the one with index n, 0 to 99. gpc0 or gpc(N) in a
    #: definition.
    GPC = 256


class Next(Number):
    """Answers of a handler."""

    #: The handler is done: the connection goes on. (0 is no answer: a callback that returns without one lets
    #: nobody through.) Bytes that it has not consumed go to the next handler, or to TLS, or to the session.
    DONE = 1

    #: Call step again when more bytes, or the end of the peer's side, have come.
    READ = 2

    #: Call step again when vst_handler_send can take bytes.
    WRITE = 3

    #: The handler answers later, by vst_conn_handler_done or vst_waker_post, with the ticket of this step.
    #: Nothing is read meanwhile: a reset ends the connection, but the end of the peer's side is noticed only
    #: after the answer.
    LATER = 4

    #: The handler refuses the connection, with code and text of vst_step.
    FAIL = 5


class MonitorAnswer(Number):
    """What monitors are answered."""

    #: Plain text: OK, or FAIL.
    TEXT = 1

    #: An HTTP/1.0 response: 200, or 503.
    HTTP = 2

    #: An HTTP/1.0 response with the text of vst_metrics_text: always 200, also while a failure is reported.
    #: The text is made for each connection and kept in memory until the peer has taken it; max_conns of the
    #: listener bounds how many there are. In a group it comes when all members have told their numbers, after
    #: one second at the latest.
    METRICS = 3

    #: Bytes that the host chooses: well, or failing.
    BYTES = 4


class Feature(enum.IntFlag):
    """What a build of the library has."""

    #: The library has the built-in loop, vst_loop_*.
    LOOP = 1

    #: The library has vst_tls_server_self_signed.
    SELF_SIGNED = 2

    #: TLS uses aws-lc.
    AWS_LC = 4

    #: TLS uses ring.
    RING = 8

    #: The library has vst_set_allocator.
    ALLOCATOR = 16

    #: The library has TLS. Without it, agents may still run TLS for its connections (vst_link_open).
    TLS = 32
