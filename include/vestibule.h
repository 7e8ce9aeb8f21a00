// vestibule: an embeddable connection layer.
//
// A program with a poller (epoll, libevent, libuv, its own) hands descriptors and readiness in and
// gets sessions, checked and authenticated, or whole proxied streams out. The library owns no
// thread, no loop and no signal of its host, and calls the host only through the callbacks that
// the host gave it.
//
// The main path, in code; every call may fail, and says why:
//
//     vst_engine_options options = {.size = sizeof options, .event = hear};
//     options.fdset = watch, options.fdclr = forget;
//     vst_engine_new(&options, &engine, why, sizeof why);
//     vst_accept_options opening = {.size = sizeof opening, .tls = certificates};
//     vst_accept_config_new(&opening, &config, why, sizeof why);
//     vst_listener_open(engine, "[::]:443", config, NULL, &listener, NULL, why, sizeof why);
//     vst_engine_wait(engine, &wait);
//     while (!done) {
//         poll(...);                                          // until wait.deadline_ns at most
//         vst_engine_ready(engine, token, events, 0, &wait);  // for each descriptor that is ready
//         vst_engine_run(engine, 0, &wait);                   // if that time has come, or if RUNNABLE
//     }
//
// hear is told VST_EVENT_SESSION with an id, on which it calls vst_conn_recv, vst_conn_send and
// vst_conn_close, or joins it to a server's with vst_conn_forward.
//
// Terms. A drive call is vst_engine_ready, vst_engine_ready_batch, vst_engine_ready_fd, vst_engine_run
// or vst_engine_wait. An outermost call is one that is not made from a callback of the engine. An
// engine is RUNNABLE while vst_wait has VST_WAIT_RUNNABLE. A token is the id that the library gives a
// descriptor: it comes with its interest and goes back with its readiness. A session is a connection,
// incoming or outgoing, whose handshakes are done and that is neither closed nor part of a stream. A
// stream is two connections between which the library moves the bytes.
//
// Conventions.
// - Statuses: vst_status is 0 or more when the call did what was asked, negative when it did not.
//   Outputs go through pointers and are always written: with zeros, or what the function says, where
//   there is nothing. An unknown number, flag or reserved byte is an error; a flag is named after its
//   struct, and unknown in every other. Every function that takes an engine may answer VST_E_PANIC,
//   every one that takes a struct with a size VST_E_SIZE.
// - Structs that begin with a size: set it to sizeof. The library takes any size from that of
//   the first version of the struct, which the comment of the field says ("not less than"), to
//   65,536 bytes; another is VST_E_SIZE, before anything is done. The fields that a shorter
//   struct does not have are 0 when the library reads it, and are left out when it writes. In a
//   longer one, bytes beyond what the library knows must be 0 when it reads, and are set to 0
//   when it writes. In options a field that is 0 is its default, so that {.size = sizeof x} is
//   the defaults; the _init function writes them. VST_NEVER is no bound for spans of time,
//   UINT32_MAX or UINT64_MAX for numbers; that there is none of something is a flag.
// - Ownership: the library takes over nothing but descriptors, and those only when the call succeeds.
//   Texts and structs are read during the call. _free(NULL) is fine.
// - Ids are 64 bits and may be kept after what they name is gone: using one is an error, VST_E_STALE,
//   and nothing else.
// - Threads: an engine belongs to the thread of its first drive call, vst_engine_wait among these;
//   another gets VST_E_THREAD. Until then it may be used by one thread at a time: made and given
//   listeners in one, driven in another. Configurations, rules and tables may be used by all, and so
//   may wakers, by which other threads reach an engine.
// - Callbacks, and from where a function may be called. The comment of each function says one of these:
//   "Legal from any thread and any callback": from everywhere, also from log, wake and discard, but not
//   from signal handlers. "Legal on the engine's thread": outside callbacks, and also from fdset,
//   fdclr, interest, timer, event and step. "Legal on the engine's thread, outside callbacks": from a
//   callback of the same engine it answers VST_E_REENTRANT. From log, wake and discard, and from every
//   callback that vst_engine_free calls, all functions that take an engine, a loop or a waker answer
//   VST_E_REENTRANT, whatever engine it is, except vst_loop_stop and vst_waker_free. A function whose
//   comment says "Otherwise as" another is legal where that one is.
//   A call made in a callback acts and answers at once; the events it causes are told when the
//   callback has returned. No lock of the library is held in a callback. A callback must not throw or
//   longjmp.
// - Outside a callback, every call on an engine may run callbacks before it returns: the connection it
//   was made for may have been told CLOSED by then, and an id that it wrote may be stale.
// - Without callbacks: an engine made with neither event nor interest callbacks tells both through
//   vst_engine_next. One with event needs interest callbacks (fdset and fdclr, or interest) as well:
//   without them it has no way to report interest.
// - The engine's clock: CLOCK_MONOTONIC in nanoseconds, which drive calls tell, and 0 has read; or a
//   clock of the host's own, where the engine was made with now_ns. A time of another clock is
//   VST_E_MODE. A jump of an own clock by more than an hour is told to log.
// - A failure inside the library is answered with VST_E_PANIC, and everything on that engine after it
//   with VST_E_POISONED, except vst_engine_free, which then does not call discard.
// - fork: in a child that does not exec, no function may be called on engines of the parent.
// - errno is as it was when a call returns. No SIGPIPE reaches the host.
//
// Contents
//   1  Statuses
//   2  Ids, waiting, addresses and ends
//   3  The engine
//   4  The poller
//   5  Listeners
//   6  Accept configurations
//   7  Connections
//   8  What is known of a connection
//   9  Certificates and TLS
//  10  Connect configurations
//  11  Streams
//  12  Backends
//  13  Rules
//  14  Stick tables
//  15  Handlers of the host's own
//  16  Monitors and metrics
//  17  Wakers
//  18  The built-in loop
//  19  Versions

#ifndef VESTIBULE_H
#define VESTIBULE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Every struct has a name of its own. Those that no section defines are opaque.
typedef struct vst_accept_config vst_accept_config;
typedef struct vst_connect_config vst_connect_config;
typedef struct vst_engine vst_engine;
typedef struct vst_loop vst_loop;
typedef struct vst_rules vst_rules;
typedef struct vst_stream_config vst_stream_config;
typedef struct vst_table vst_table;
typedef struct vst_table_snapshot vst_table_snapshot;
typedef struct vst_tls_client vst_tls_client;
typedef struct vst_tls_server vst_tls_server;
typedef struct vst_waker vst_waker;
typedef struct vst_addr vst_addr;
typedef struct vst_end vst_end;
typedef struct vst_stream_end vst_stream_end;
typedef struct vst_event vst_event;
typedef struct vst_engine_options vst_engine_options;
typedef struct vst_drain vst_drain;
typedef struct vst_engine_counters vst_engine_counters;
typedef struct vst_wait vst_wait;
typedef struct vst_ready vst_ready;
typedef struct vst_listener_options vst_listener_options;
typedef struct vst_monitor_options vst_monitor_options;
typedef struct vst_step vst_step;
typedef struct vst_handler vst_handler;
typedef struct vst_accept_options vst_accept_options;
typedef struct vst_tlv vst_tlv;
typedef struct vst_connect_args vst_connect_args;
typedef struct vst_start_tls vst_start_tls;
typedef struct vst_proxy_header vst_proxy_header;
typedef struct vst_tls_info vst_tls_info;
typedef struct vst_layer vst_layer;
typedef struct vst_layers vst_layers;
typedef struct vst_pem vst_pem;
typedef struct vst_identity vst_identity;
typedef struct vst_tls_server_options vst_tls_server_options;
typedef struct vst_tls_client_options vst_tls_client_options;
typedef struct vst_connect_options vst_connect_options;
typedef struct vst_stream_options vst_stream_options;
typedef struct vst_backend_options vst_backend_options;
typedef struct vst_backend_counters vst_backend_counters;
typedef struct vst_server_options vst_server_options;
typedef struct vst_server vst_server;
typedef struct vst_table_key vst_table_key;
typedef struct vst_table_counters vst_table_counters;
typedef struct vst_table_row vst_table_row;
typedef struct vst_listener_counters vst_listener_counters;

// =================================================================================================
// 1. Statuses
//
// What every function answers, and texts for it. Why a connection or a stream ended is in its event
// instead: an operation (VST_OP_*) and a reason (VST_WHY_*).
// =================================================================================================

// It is done.
#define VST_OK (0)

// Not now: an event tells when to try again. Of vst_loop_run: its time is over.
#define VST_WAIT (1)

// The peer has ended its side in order, and everything before that has been read.
#define VST_END (2)

// There is nothing: no further event, no such TLV, no TLS.
#define VST_NONE (3)

// A pointer that must not be NULL is NULL.
#define VST_E_NULL (-1)

// An argument makes no sense: an unknown number or flag, a text that cannot be read, an empty
// buffer, a reserved byte that is not 0.
#define VST_E_ARGUMENT (-2)

// The id is of something that is gone.
#define VST_E_STALE (-3)

// The id is of another kind of thing: a stream's where a connection's is due.
#define VST_E_KIND (-4)

// The id is another engine's.
#define VST_E_ENGINE (-5)

// The engine belongs to another thread.
#define VST_E_THREAD (-6)

// Not in this state: reading before there is a session, a connection of a stream, a second close.
#define VST_E_STATE (-7)

// The function must not be called from inside this callback.
#define VST_E_REENTRANT (-8)

// The engine was made with options with which this function, or this time, does not work.
#define VST_E_MODE (-9)

// The caller's buffer is too small; the length that is needed is written.
#define VST_E_SPACE (-10)

// This build of the library does not have it.
#define VST_E_UNSUPPORTED (-11)

// The size of a struct is smaller than any version of it, or bytes beyond what this library
// knows are not 0.
#define VST_E_SIZE (-12)

// The engine that is meant is freed.
#define VST_E_GONE (-13)

// The system refused; the text or the errno out-parameter of the function says why.
#define VST_E_SYSTEM (-20)

// A file or text of configuration could not be used; the text says which, where and why.
#define VST_E_CONFIG (-21)

// The peer or something on the way tore the connection down.
#define VST_E_RESET (-30)

// The connection ended below TLS before TLS did: bytes may be missing.
#define VST_E_TRUNCATED (-31)

// The connection failed for another reason; the CLOSED event has it.
#define VST_E_FAILED (-32)

// A configured or built-in limit is reached.
#define VST_E_LIMIT (-40)

// The library failed inside. The engine accepts nothing but vst_engine_free from now on.
#define VST_E_PANIC (-50)

// The engine has answered VST_E_PANIC before: only vst_engine_free works.
#define VST_E_POISONED (-51)

// What a function answers: 0 or more when it did what was asked, negative when it did not.
//
// The negative ones are grouped by fault: -1 to -19 the caller's, -20 to -29 the system's, -30 to
// -39 the peer's, -40 to -49 a limit's, -50 and below the library's own.
typedef int32_t vst_status;

// What a status means, as a sentence in English, NUL-terminated, valid for ever.
//
// Legal from any thread and any callback. An unknown number gets a sentence too.
const char *vst_strerror(vst_status status);

// Where a connection failed: an operation, in the order they run.
// A monitor is known by its source, before anything it sends: it is answered, and its connection ends.
#define VST_OP_MONITOR_IN (1)
// Rules that need the socket's addresses alone, before anything is read.
#define VST_OP_ACCEPT_RULES (2)
// The PROXY header comes first: no byte is read for anyone else until it is done.
#define VST_OP_ACCEPT_PROXY (3)
// The NetScaler's header comes next, where one stands between the clients and whoever relays them.
#define VST_OP_ACCEPT_CIP (4)
// Rules on the addresses that were announced.
#define VST_OP_TCP_RULES (5)
// Handlers of the host's own, ahead of TLS.
#define VST_OP_CUSTOM_RAW (6)
// Rules on the first bytes, which stay where they are.
#define VST_OP_INSPECT (7)
// The handshake with a client.
#define VST_OP_TLS_ACCEPT (8)
// Rules on what the handshake agreed on.
#define VST_OP_SESSION_RULES (9)
// Handlers of the host's own, behind TLS.
#define VST_OP_CUSTOM_CLEAR (10)
// The last bytes leave, instead of a session.
#define VST_OP_SEND_LAST_CHUNK (11)
// The host is given the session.
#define VST_OP_ACCEPT_SESSION (12)
// The socket reaches the server.
#define VST_OP_CTRL_CONNECT (13)
// A PROXY header goes ahead of any other byte.
#define VST_OP_SEND_PROXY (14)
// A SOCKS server is told what is wanted of it.
#define VST_OP_SOCKS_SEND (15)
// The SOCKS server connects: what follows its answer is the destination's.
#define VST_OP_SOCKS_RECV (16)
// Handlers of the host's own towards a server, ahead of TLS.
#define VST_OP_CUSTOM_RAW_OUT (17)
// The handshake with a server.
#define VST_OP_TLS_CONNECT (18)
// Handlers of the host's own towards a server, behind TLS.
#define VST_OP_CUSTOM_CLEAR_OUT (19)
// The data layer ends its outgoing side: unsent bytes, then close_notify.
#define VST_OP_DSHW (20)
// The data layer delivers no byte any more.
#define VST_OP_DSHR (21)
// The data layer is torn down.
#define VST_OP_DCLOSE (22)
// The control layer ends its outgoing side: the FIN.
#define VST_OP_CSHW (23)
// The control layer delivers no byte any more.
#define VST_OP_CSHR (24)
// The control layer waits for the peer's end, so that no reset destroys what was sent.
#define VST_OP_CCLOSE (25)
// The descriptor goes back: first to the host's poller, then to the system.
#define VST_OP_FCLOSE (26)

// Why a connection failed.
// The peer ended its side before the first byte that was due.
#define VST_WHY_EMPTY (1)
// The peer ended its side in the middle of something.
#define VST_WHY_TRUNCATED (2)
// The host gave the connection up.
#define VST_WHY_ABORTED (3)
// The deadline of the operation passed.
#define VST_WHY_TIMED_OUT (4)
// What the peer sent breaks the protocol.
#define VST_WHY_MALFORMED (5)
// The peer, or its system, refused.
#define VST_WHY_REFUSED (6)
// The connection was torn down by the peer or on the way to it.
#define VST_WHY_RESET (7)
// Our configuration does not let the peer in.
#define VST_WHY_DENIED (8)
// No way leads to the peer.
#define VST_WHY_UNREACHABLE (9)
// This process or machine has run out of something.
#define VST_WHY_LOCAL_LIMIT (10)
// What the peer sent is larger than we take.
#define VST_WHY_TOO_LARGE (11)
// The system refused a call for another reason.
#define VST_WHY_SYSTEM (12)
// The keys of the connection have protected as many records as they may.
#define VST_WHY_KEYS_WORN (13)

// =================================================================================================
// 2. Ids, waiting, addresses and ends
//
// What the other sections speak of: the 64-bit ids of connections, listeners, streams and backends,
// what a host must know to wait well, addresses, and the record of how a connection or a stream
// ended.
// =================================================================================================

// There is work that needs no readiness: call vst_engine_run before waiting, and poll without
// waiting in between.
#define VST_WAIT_RUNNABLE (128)

// The call was made from a callback. The host waits by what the outermost call writes, not by
// this.
#define VST_WAIT_NESTED (256)

// No deadline.
#define VST_NEVER (UINT64_MAX)

// Of a stream: it was given no server.
#define VST_NO_SERVER (UINT32_MAX)

// No address is known.
#define VST_ADDR_NONE (0)

// IPv4: 4 bytes.
#define VST_ADDR_IPV4 (4)

// IPv6: 16 bytes.
#define VST_ADDR_IPV6 (6)

// A unix socket: its path without a final NUL; a leading NUL for an abstract name; no bytes for an
// unnamed socket.
#define VST_ADDR_UNIX (1)

// Where one end of a connection is.
struct vst_addr {
    // VST_ADDR_*.
    uint16_t family;
    // The port, in the host's byte order; 0 for a unix socket.
    uint16_t port;
    // How many of bytes count.
    uint32_t len;
    // The zone of a link-local IPv6 address, or 0.
    uint32_t scope;
    // The address in network order, or the name of a unix socket.
    uint8_t bytes[108];
};

// A 64-bit id of a connection, listener or stream, or the token of a descriptor. 0 is never one.
// It may be stored anywhere 64 bits fit: epoll_data.u64, io_uring user data, an integer of
// Python. An id of something that is gone is answered with VST_E_STALE, never with harm.
typedef uint64_t vst_id;

// How a connection ended.
struct vst_end {
    // sizeof(vst_end) of the library.
    uint32_t size;
    // Where: VST_OP_*, or 0 while the session's own bytes moved, or when it ended as it should.
    uint32_t at;
    // Why: VST_WHY_*, or 0 when it ended as it should.
    uint32_t why;
    // The errno of the system, or 0.
    int32_t sys_errno;
    // The TLS alert that was sent or received (RFC 8446 section 6), or -1.
    int32_t alert;
    // 1 when this end, of a session or a stream, is above ends_per_second of its listener, and a
    // host may leave it out of its log. Else 0.
    uint32_t quiet;
    // The connection. Stale.
    vst_id conn;
    // The listener it came from, or 0.
    vst_id listener;
    // Bytes read from the wire.
    uint64_t bytes_in;
    // Bytes the kernel took for the wire.
    uint64_t bytes_out;
    // Of those read, how many were thrown away while closing.
    uint64_t discarded;
    // Bytes written that never reached the peer as far as can be told, where the end was cut (at is
    // VST_OP_DSHW or VST_OP_CCLOSE then): those that waited here, and those that the system held and
    // the peer had not acknowledged. A peer may have had some that it did not acknowledge before it
    // reset the connection.
    uint64_t lost;
    // From its beginning to its end, in nanoseconds.
    uint64_t lasted_ns;
    // From the beginning of the operation that failed, in nanoseconds, or 0.
    uint64_t in_op_ns;
    // Of refusals: how many of the same listener, operation and reason were counted and not told
    // since the last one that was told. Of ends: how many were quiet since the last one that was
    // not.
    uint64_t suppressed;
    // The operation, the reason and a sentence for people, in English, NUL-terminated. What a peer
    // said in it is escaped.
    const char *text;
    // The length of text, without the NUL.
    uint64_t text_len;
    // The other end of the socket.
    vst_addr peer;
    // Our end of the socket, if it was asked for while the connection was open; otherwise
    // VST_ADDR_NONE.
    vst_addr local;
    // The source announced by a header, as vst_conn_addrs says.
    vst_addr announced_source;
    // The destination announced by a header, as vst_conn_addrs says.
    vst_addr announced_destination;
    // The code that a handler of the host's own failed with, or 0.
    int32_t host_code;
    // 0.
    uint32_t _reserved;
};

// How a stream ended.
struct vst_stream_end {
    // sizeof(vst_stream_end) of the library.
    uint32_t size;
    // Why it was cut, or what failed first: VST_WHY_*, or 0 when both sides ended in order.
    uint32_t why;
    // Two letters as in HAProxy's log, NUL-terminated. Who ended it: - nobody (both sides ended
    // in order), C the client, S the server, c the client by silence, s the server by
    // silence, P a limit, R want of resources, K the host. And when: - at the end, Q in
    // a queue, C while the server was being reached, D while data moved, L while the
    // server's last data moved.
    char termination[4];
    // The server it was given last, as vst_backend_add_server numbered it, or VST_NO_SERVER.
    uint32_t server;
    // The backend that chose the server, or 0.
    vst_id backend;
    // Bytes that the server took of the client's.
    uint64_t bytes_up;
    // Bytes that the client took of the server's.
    uint64_t bytes_down;
    // From its beginning to its end, in nanoseconds.
    uint64_t lasted_ns;
    // From its beginning until its server was reached, in nanoseconds; VST_NEVER when it never
    // was.
    uint64_t reached_ns;
    // From its beginning until the server took the last byte of the client's, in nanoseconds, or 0.
    uint64_t last_up_ns;
    // From its beginning until the client took the last byte of the server's, in nanoseconds, or 0.
    uint64_t last_down_ns;
    // How much of that it waited in queues for a server with room, in nanoseconds.
    uint64_t queued_ns;
    // The same as termination and why in words, NUL-terminated. What a peer said in it is
    // escaped.
    const char *text;
    // The length of text, without the NUL.
    uint64_t text_len;
    // How many times it was given a server by its backend.
    uint32_t attempts;
    // 0.
    uint32_t _reserved;
};

// Until when the host may wait, and what exists. Every drive call writes it.
struct vst_wait {
    // In: sizeof(vst_wait). Not less than 32 bytes.
    uint32_t size;
    // VST_WAIT_*.
    uint32_t flags;
    // When to call vst_engine_run if nothing happens before: a point of the engine's clock, in
    // nanoseconds, or VST_NEVER. It may be earlier than necessary, never later.
    uint64_t deadline_ns;
    // Connections that exist, those that are closing among them.
    uint32_t conns;
    // Streams that exist.
    uint32_t streams;
    // Listeners that exist.
    uint32_t listeners;
    // 0.
    uint32_t _reserved;
};

// Writes an address as text: 192.0.2.1:80, [2001:db8::1]:80, unix:/path, unix:@abstract,
// with bytes that are not printable ASCII escaped, and - for no address.
//
// The text has no NUL; *len is its length, also when capacity does not suffice. 512 bytes
// always do. Legal from any thread and any callback.
// Returns VST_OK; VST_E_SPACE; VST_E_ARGUMENT (no such address); VST_E_NULL.
//
// Needs:
// addr points to an address; text to capacity writable bytes; len to a size.
vst_status vst_addr_text(const vst_addr *addr,
                         char *text,
                         size_t capacity,
                         size_t *len);

// =================================================================================================
// 3. The engine
//
// An engine holds the connections of one thread. vst_engine_new makes it, with the callbacks that
// it calls; events say what happened; vst_engine_drain ends what there is in order, and
// vst_engine_free ends the rest at once, without any event. A host that would rather fetch than be
// called makes the engine without event and without interest callbacks (fdset and fdclr, or
// interest), and calls vst_engine_next; with interest callbacks it may fetch the events alone.
// =================================================================================================

// An incoming connection has finished its handshakes: id is the session, which may be read,
// written, forwarded or closed, now or later.
#define VST_EVENT_SESSION (1)

// An outgoing connection is open, its handshakes included.
#define VST_EVENT_CONNECTED (2)

// A read that answered VST_WAIT may be tried again; of a new session, the first read may be
// tried. Told once per VST_WAIT.
#define VST_EVENT_READABLE (3)

// A write that answered VST_WAIT may be tried again. Told once per VST_WAIT.
#define VST_EVENT_WRITABLE (4)

// An incoming connection ended before it was a session; end says how. id is stale. Limited per
// listener and kind, see refused_per_second.
#define VST_EVENT_REFUSED (5)

// A connection has ended, whatever ended it; end says how. id is stale from now on, and no
// event about it follows. Told of every connection, whatever ends_per_second is.
#define VST_EVENT_CLOSED (6)

// A stream has ended, and its two connections with it; stream says how, end is the client's own
// end, end_server the server's. Told of every stream; quiet and suppressed of end are the
// stream's.
#define VST_EVENT_STREAM_END (7)

// A listener has stopped accepting because the system ran out of something (sys_errno) or
// because a limit is reached (sys_errno is 0). It resumes by itself: VST_EVENT_RESUMED.
#define VST_EVENT_PAUSED (8)

// A listener accepts connections again.
#define VST_EVENT_RESUMED (9)

// A listener is closed; id is stale from here on.
#define VST_EVENT_LISTENER_CLOSED (10)

// Only from vst_engine_next, of an engine without interest callbacks: watch fd for new_mask
// instead of old_mask, and hand id, its token, back with its readiness. As for
// vst_interest_fn.
#define VST_EVENT_INTEREST (11)

// The engine is draining (vst_engine_drain): the host ends this session, at the latest before
// the grace period is over.
#define VST_EVENT_DRAINING (12)

// A server of the backend id is up again; reason says by what.
#define VST_EVENT_SERVER_UP (13)

// A server of the backend id is down: streams go to the others; reason says by what.
#define VST_EVENT_SERVER_DOWN (14)

// A server of the backend id has no address: look its name up, and tell what was found with
// vst_server_set_addresses. Told once, when the server was added.
#define VST_EVENT_SERVER_RESOLVE (15)

// The TLS handshake that vst_conn_start_tls began is done: reads and writes are possible again.
#define VST_EVENT_TLS_DONE (16)

// Enough checks in a row have passed, or failed.
#define VST_REASON_CHECKS (1)

// Enough attempts in a row to connect have failed.
#define VST_REASON_CONNECT_ERRORS (2)

// The server gets another chance: it was down for long enough, or is back from maintenance.
#define VST_REASON_TRIAL (3)

// Bytes, incoming connections or the end of the stream can be read (EPOLLIN, POLLIN).
#define VST_IO_IN (1)

// Bytes can be written, or a connect has ended (EPOLLOUT, POLLOUT).
#define VST_IO_OUT (2)

// The peer has ended its sending side: EPOLLRDHUP, POLLRDHUP. A poller that has no such event
// never tells it, and watches nothing for it.
#define VST_IO_HANGUP (4)

// An error, or the end of both directions: told for EPOLLERR and for EPOLLHUP, with poll for
// POLLERR and for POLLHUP. POLLNVAL is neither: it says that the number is not an open descriptor,
// and is not told. This bit is only told to the library: no mask of the library asks for it, since
// pollers tell it unasked.
#define VST_IO_ERROR (8)

// In a mask that the library tells: the mask does not change until the descriptor is released, so
// it may be registered edge-triggered. Only an engine made with VST_TRIGGER_EDGE sets it, and
// only for connections: listeners and the descriptor of the wakers are level-triggered always.
#define VST_IO_EDGE (16)

// The host stops watching the descriptor and forgets its token: nothing is told about this
// descriptor afterwards.
#define VST_IO_RELEASED (32)

// Comes with VST_IO_RELEASED: the library closes the descriptor next, so a host that uses epoll
// may leave out EPOLL_CTL_DEL. VST_IO_RELEASED without VST_IO_CLOSING comes of
// vst_conn_take_fd alone: the descriptor stays open and is the host's, which removes it from its
// poller.
#define VST_IO_CLOSING (64)

// The host's poller tells readiness again and again while it lasts (epoll without EPOLLET, poll,
// select, kqueue, libevent, libuv).
#define VST_TRIGGER_LEVEL (0)

// The host's poller tells each change once, for descriptors whose mask has VST_IO_EDGE. Then
// every event must be handed in.
#define VST_TRIGGER_EDGE (1)

// Readiness may be told by descriptor number, with vst_engine_ready_fd, as well as by token.
#define VST_ENGINE_BY_FD (UINT64_C(1) << 16)

// Streams move all bytes by copying them, whatever max_pipes says.
#define VST_ENGINE_NO_PIPES (UINT64_C(1) << 17)

// Connections are still accepted, but monitors (vst_monitor_options) are answered with a
// failure, so that no more clients are sent here.
#define VST_DRAIN_LAME_DUCK (1)

// Listeners accept no more connections. Those that wait in the kernel's queue are left to another
// process that has the same sockets open.
#define VST_DRAIN_PAUSE (2)

// Listeners accept the connections that wait in the kernel's queue, since closing would reset
// these, and are closed.
#define VST_DRAIN_CLOSE (3)

// The connections, listeners, streams, backends and timers of one thread. Made by
// vst_engine_new, freed by vst_engine_free, used only by the thread of its first drive call.
struct vst_engine;

// Starts watching one direction of a descriptor: dir is one of VST_IO_IN, VST_IO_OUT,
// VST_IO_HANGUP. token is handed back with the readiness (vst_engine_ready). data is that
// of the options.
typedef void (*vst_fdset_fn)(void *data,
                             int32_t fd,
                             uint32_t dir,
                             vst_id token);

// Stops watching. dir is one direction, VST_IO_IN, VST_IO_OUT or VST_IO_HANGUP; or it has
// VST_IO_RELEASED, alone or with VST_IO_CLOSING.
//
// VST_IO_RELEASED comes once for a descriptor, in one call for all directions: those that are
// still watched are not cleared one by one before, and there may be none. The host then stops
// watching the descriptor in every direction, and forgets the token.
typedef void (*vst_fdclr_fn)(void *data,
                             int32_t fd,
                             uint32_t dir,
                             vst_id token);

// Watches a descriptor for new_mask instead of old_mask, both masks of VST_IO_*. token is
// handed back with the readiness (vst_engine_ready). data is that of the options.
//
// A new_mask of 0 means that nothing is to be watched now; it may change again. A host that uses
// epoll removes the descriptor then, since epoll reports errors and resets also for an empty mask,
// again and again. VST_IO_RELEASED is told once for every descriptor that was announced before,
// and nothing about it afterwards; old_mask may be 0 then.
typedef void (*vst_interest_fn)(void *data,
                                int32_t fd,
                                vst_id token,
                                uint32_t old_mask,
                                uint32_t new_mask);

// The next deadline is deadline_ns, a point of the engine's clock in nanoseconds: call
// vst_engine_run then. Told when the deadline is earlier than the one told last, and again after
// each vst_engine_run; that a deadline moved later is not told, since a call too early does no
// harm.
//
// deadline_ns may be a time that has passed, and then is due at once. 0 is such a time as well,
// of a clock of the host's own that began there, and never means that there is no deadline. A
// timerfd reads a time of 0 as disarmed: set it to 1 ns instead. VST_WAIT_RUNNABLE is not told
// here, only in vst_wait.
typedef void (*vst_timer_fn)(void *data,
                             uint64_t deadline_ns);

// An event. What it points to is the library's memory: valid until the callback returns, or, when
// vst_engine_next wrote the event, until the next call on the engine.
struct vst_event {
    // In, for vst_engine_next: sizeof(vst_event). Not less than 72 bytes.
    uint32_t size;
    // VST_EVENT_*.
    uint32_t kind;
    // The id of the connection, listener, stream or backend that the event is about; with
    // VST_EVENT_INTEREST, the token.
    vst_id id;
    // The host's user data for id; NULL with VST_EVENT_INTEREST.
    void *user;
    // How it ended; NULL unless the kind says so.
    const vst_end *end;
    // How the server's side of a stream ended, with VST_EVENT_STREAM_END; NULL when there was
    // none, and with all other events.
    const vst_end *end_server;
    // How a stream ended as a whole, with VST_EVENT_STREAM_END; otherwise NULL.
    const vst_stream_end *stream;
    // The errno behind VST_EVENT_PAUSED, or 0.
    int32_t sys_errno;
    // The descriptor of VST_EVENT_INTEREST, else -1.
    int32_t fd;
    // What the descriptor was watched for.
    uint32_t old_mask;
    // What it is to be watched for.
    uint32_t new_mask;
    // The server of a backend that VST_EVENT_SERVER_* is about, as vst_backend_add_server numbered it.
    uint32_t server;
    // VST_REASON_* of VST_EVENT_SERVER_UP and VST_EVENT_SERVER_DOWN, else 0.
    uint32_t reason;
};

// An event. event and what it points to are valid until the callback returns. Which functions
// may be called from here: see Callbacks at the top of this header.
typedef void (*vst_event_fn)(void *data,
                             vst_engine *engine,
                             const vst_event *event);

// A sentence for the host's log: len bytes at text in UTF-8, without a NUL at the end, valid
// until the callback returns. No function on an engine, a loop or a waker may be called from here:
// it answers VST_E_REENTRANT.
typedef void (*vst_log_fn)(void *data,
                           const char *text,
                           size_t len);

// An answer of a handler waits: the host has the engine's thread call vst_engine_run,
// vst_engine_ready, vst_engine_ready_batch or vst_engine_ready_fd soon, each of which takes
// it. vst_engine_wait does not take it. data is that of the engine's options.
//
// Called on the thread that calls vst_waker_post, when an answer waits and none did before; no
// lock of the library is held. It must not wait for the engine's thread, since vst_engine_free
// waits for this callback to return. No function on an engine, a loop or a waker may be called
// from here: it answers VST_E_REENTRANT.
typedef void (*vst_wake_fn)(void *data);

// What a host decides when it makes an engine. A field that is 0 stands for its default, so that
// all zero but size is the defaults; vst_engine_options_init writes them.
struct vst_engine_options {
    // sizeof(vst_engine_options). Not less than 104 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // VST_ENGINE_*.
    uint64_t flags;
    // VST_TRIGGER_*.
    uint32_t trigger;
    // The most connections of all kinds. Listeners accept nothing while it is reached. Default
    // UINT32_MAX: no bound.
    uint32_t max_conns;
    // The most incoming connections that are not sessions yet. Listeners accept nothing while it
    // is reached. Default UINT32_MAX: no bound.
    uint32_t max_opening;
    // TLS handshake steps with asymmetric cryptography per drive call; the others wait for the
    // next vst_engine_run, and the engine is RUNNABLE. Default 4; UINT32_MAX is no bound.
    uint32_t heavy_per_drive;
    // The most events that one outermost call tells; those that are left make the engine RUNNABLE.
    // Default UINT32_MAX: no bound.
    uint32_t events_per_drive;
    // Descriptors of the process (below RLIMIT_NOFILE) that are kept for clients and the servers
    // of their streams. A listener takes a client only while so many are left, as far as the
    // engine can tell, and is paused otherwise (VST_EVENT_PAUSED, EMFILE). Pipes, and connections
    // that are not part of a stream when they begin, take none of them: such a connect ends with
    // VST_WHY_LOCAL_LIMIT. Default 2, which is a client and its server; UINT32_MAX keeps none.
    uint32_t reserve_fds;
    // The longest PROXY header that is taken, in bytes: 107, the longest line of version 1, or more.
    // A longer one is refused with VST_WHY_TOO_LARGE. Default UINT32_MAX: all that the protocol
    // allows.
    uint32_t max_prefix_bytes;
    // The most pipes through which streams without TLS move bytes in bulk (splice), two
    // descriptors each. Default 64. VST_ENGINE_NO_PIPES has all bytes copied.
    uint32_t max_pipes;
    // Handed to every callback below. The library neither reads nor frees it.
    void *data;
    // Interest callback, one direction per call. Needs fdclr, and excludes interest and
    // VST_TRIGGER_EDGE.
    vst_fdset_fn fdset;
    // Interest callback for the end of watching. Needs fdset.
    vst_fdclr_fn fdclr;
    // Interest callback, one call per change of a descriptor. Excludes fdset and fdclr. An
    // engine that has none of the three is asked with vst_engine_next and tells
    // VST_EVENT_INTEREST there. That works only without event: an engine with event and
    // without interest callbacks can be made, but has no way to report interest, and its
    // connections do not move.
    vst_interest_fn interest;
    // Optional: a host that reads vst_wait after every drive call does without.
    vst_timer_fn timer;
    // Event callback. An engine without it tells its events through vst_engine_next.
    vst_event_fn event;
    // Optional: told of failures inside the library, and of jumps of a clock of the host's own.
    vst_log_fn log;
    // Optional: called by vst_waker_post so that the host wakes the engine's thread. Without it
    // the library opens a descriptor for that, which the host's poller watches like any other.
    vst_wake_fn wake;
    // 0: the clock is CLOCK_MONOTONIC. Else the present time of a clock of the host's own, in
    // nanoseconds; every drive call then tells the time of that clock, which is never 0. When the
    // clock goes back, the engine's time stands still until the clock has caught up; a jump by
    // more than an hour is told to log.
    uint64_t now_ns;
};

// The state of a drain.
struct vst_drain {
    // In: sizeof(vst_drain). Not less than 40 bytes.
    uint32_t size;
    // VST_DRAIN_*, or 0: none was asked for.
    uint32_t how;
    // When what is left is aborted: a point of the clock that drive calls are told, in nanoseconds,
    // or VST_NEVER.
    uint64_t deadline_ns;
    // Connections and streams that were aborted because the time was over.
    uint64_t aborted;
    // Connections that are left, those that are closing among them.
    uint32_t conns;
    // Streams that are left.
    uint32_t streams;
    // Listeners that are left.
    uint32_t listeners;
    // 0.
    uint32_t _reserved;
};

// What an engine has counted since it was made. Here and in all counters, a number that ends in
// _total only grows, one that ends in _most is the highest there was, and the others are as
// things stand now.
struct vst_engine_counters {
    // In: sizeof(vst_engine_counters). Not less than 88 bytes.
    uint32_t size;
    // Pooled buffers that hold bytes in flight now.
    uint32_t buffers_in_use;
    // Connections accepted.
    uint64_t accepted_total;
    // Connections that became sessions.
    uint64_t sessions_total;
    // Connections that ended before that.
    uint64_t refused_total;
    // Refusals that were counted and not told.
    uint64_t suppressed_total;
    // accept calls that failed for one connection.
    uint64_t accept_errors_total;
    // Times a listener was paused because the system ran out of something.
    uint64_t starved_total;
    // Times a limit turned a connection away or paused a listener.
    uint64_t limited_total;
    // Outgoing connections asked for.
    uint64_t connects_total;
    // Outgoing connections that failed before they were open.
    uint64_t connect_failures_total;
    // Bytes read and thrown away while closing.
    uint64_t discarded_total;
    // Connections of monitors, which neither became sessions nor are counted as refused.
    uint64_t monitored_total;
};

// Fills options with the defaults. size is sizeof(vst_engine_options).
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
//
// Needs:
// options points to size writable bytes.
vst_status vst_engine_options_init(vst_engine_options *options,
                                   uint32_t size);

// Makes an engine: the descriptors, connections and timers of one thread.
//
// options is read and not kept; its callbacks and what its data points to must stay valid
// until the engine is freed. *out is the engine, or NULL on failure; free it with
// vst_engine_free. It belongs to the thread of its first drive call. Engines share nothing but
// configurations, rules and tables. On failure why, unless NULL, gets a sentence, cut to
// why_size bytes with its NUL.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag or trigger, one of fdset
// and fdclr without the other or with interest, VST_TRIGGER_EDGE with fdset,
// max_prefix_bytes below 107); VST_E_LIMIT (4,096 engines live).
//
// Needs:
// options points to as many bytes as its size says; out to a pointer; why to why_size
// writable bytes.
vst_status vst_engine_new(const vst_engine_options *options,
                          vst_engine **out,
                          char *why,
                          size_t why_size);

// Frees an engine: connections are reset, and all descriptors are released and closed. For an end
// in order call vst_engine_drain first. NULL is fine.
//
// No event is told, neither VST_EVENT_CLOSED nor any other. A host that has objects of its own for
// connections, listeners or streams, as their user data, must keep a list of these objects, and
// frees them itself after this call.
// The interest callbacks are told VST_IO_RELEASED with VST_IO_CLOSING for every descriptor that
// was announced; an engine whose interest comes from vst_engine_next tells nothing and closes
// its descriptors. discard gets what handlers have kept, except after VST_E_PANIC: then
// discard is not called. From these callbacks no function on any engine, loop or waker may be
// called: it answers VST_E_REENTRANT.
// Every id and token of the engine is stale afterwards. Configurations, rules, tables and wakers
// stay, and are freed on their own, before or after.
// Legal on the engine's thread, outside callbacks; also after VST_E_PANIC.
// Returns VST_OK; VST_E_REENTRANT and VST_E_THREAD (then nothing happens).
//
// Needs:
// engine is NULL or an engine that is not freed.
vst_status vst_engine_free(vst_engine *engine);

// Writes the next event of an engine that was made without an event callback. Where it was made
// without interest callbacks too, VST_EVENT_INTEREST comes the same way, ahead of all other
// events. A host calls it until it answers VST_NONE, after every other call on the engine and
// before it waits.
//
// What event points to is valid until the next call on the engine. All bytes of event but its
// size are 0 unless VST_OK.
// A descriptor of a VST_EVENT_INTEREST with VST_IO_RELEASED in new_mask stays open until that
// event has been written, and is closed by the next call on the engine (after
// vst_engine_batch_begin: by the first call after vst_engine_batch_end). So a host that does
// not call this keeps descriptors open.
// Legal on the engine's thread, outside callbacks.
// Returns VST_OK; VST_NONE (there is no event); VST_E_MODE (the engine has an event callback, also
// where it has no interest callbacks); VST_E_REENTRANT; VST_E_NULL; VST_E_SIZE; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; event points to as many bytes as its size says.
vst_status vst_engine_next(vst_engine *engine,
                           vst_event *event);

// Begins to drain an engine, or goes on to a later stage: how is VST_DRAIN_*. A stage includes
// what the stages before it do.
//
// From VST_DRAIN_PAUSE on, VST_EVENT_DRAINING is told of every session that the host itself reads
// and writes, also of those that still come; streams go on, and health checks of servers end.
// grace_ns nanoseconds later what is left is aborted and counted; VST_NEVER, or 0, is no bound.
// The drain is done when conns and streams of vst_drain are 0, and after VST_DRAIN_CLOSE
// listeners as well.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_ARGUMENT (no such stage); VST_E_STATE (an earlier stage than the present
// one); VST_E_NULL; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_engine_drain(vst_engine *engine,
                            uint32_t how,
                            uint64_t grace_ns);

// Writes the state of a drain.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; state points to as many bytes as its size says.
vst_status vst_engine_drain_state(vst_engine *engine,
                                  vst_drain *state);

// Writes what the engine has counted.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; counters points to as many bytes as its size says.
vst_status vst_engine_get_counters(vst_engine *engine,
                                   vst_engine_counters *counters);

// =================================================================================================
// 4. The poller
//
// How the engine and the poller of the host work together. The engine says what to watch (fdset and
// fdclr, interest, or VST_EVENT_INTEREST); the host hands every readiness in with vst_engine_ready,
// waits until the deadline of vst_wait at most, and calls vst_engine_run when it has passed or when
// VST_WAIT_RUNNABLE is set. Readiness is a hint: told too often, too late or for nothing it does no
// harm. A descriptor that was announced is closed only after the host was told VST_IO_RELEASED.
// =================================================================================================

// Readiness of one descriptor.
struct vst_ready {
    // The token that came with the interest of the descriptor.
    vst_id token;
    // A mask of VST_IO_IN, VST_IO_OUT, VST_IO_HANGUP and VST_IO_ERROR.
    uint32_t events;
    // 0.
    uint32_t _reserved;
};

// Tells that one descriptor is ready.
//
// token came with its interest; events is a mask of VST_IO_IN, VST_IO_OUT, VST_IO_HANGUP and
// VST_IO_ERROR; 0 tells no readiness. now_ns is CLOCK_MONOTONIC in nanoseconds, or 0 to have it
// read; with an engine made with now_ns it is the time of the host's own clock, and never 0.
// Deadlines that have passed by then are handled first: a handshake whose deadline has passed
// fails, even where its last bytes have come. wait, unless NULL, is written. Callbacks run
// before this returns.
// Legal on the engine's thread; from a callback, wait has VST_WAIT_NESTED.
// Returns VST_OK; VST_E_STALE, VST_E_KIND and VST_E_ENGINE (the token; no readiness is told, and a
// late one does no harm); VST_E_SIZE, VST_E_ARGUMENT, VST_E_NULL and VST_E_MODE (a time of another
// clock), and then nothing happens; VST_E_THREAD; VST_E_PANIC; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; wait is NULL or points to as many bytes as its size.
vst_status vst_engine_ready(vst_engine *engine,
                            vst_id token,
                            uint32_t events,
                            uint64_t now_ns,
                            vst_wait *wait);

// Tells that descriptors are ready, in the order of list: count entries, read only during the
// call. now_ns and wait are as for vst_engine_ready.
//
// The event callback is called after each entry, for what that entry caused. Interest changes are
// told, and handlers asked (step, discard), only after the last entry. An entry with a stale
// token is skipped. A token of another kind or of another engine ends the batch: the entries
// before it are done, those after it are not told. An unknown bit, a reserved field that is not 0
// or a token of 0 anywhere in the list is VST_E_ARGUMENT, and no entry is told.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_KIND and VST_E_ENGINE (a token, as above); VST_E_SIZE, VST_E_ARGUMENT,
// VST_E_NULL and VST_E_MODE (a time of another clock), and then nothing happens; VST_E_THREAD;
// VST_E_PANIC; VST_E_POISONED.
//
// Needs:
// As vst_engine_ready; list points to count entries.
vst_status vst_engine_ready_batch(vst_engine *engine,
                                  const vst_ready *list,
                                  size_t count,
                                  uint64_t now_ns,
                                  vst_wait *wait);

// Tells that one descriptor is ready, by its number instead of its token. Only for an engine made
// with VST_ENGINE_BY_FD. A host calls vst_engine_batch_begin before it goes through the results
// of one poll, and vst_engine_batch_end after: in between no descriptor is closed, so that no
// number is used again and a result cannot be taken for a newer descriptor's.
//
// events, now_ns and wait are as for vst_engine_ready.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_STALE (no descriptor of this engine has this number: no readiness is
// told); VST_E_MODE (the engine was made without VST_ENGINE_BY_FD, or a time of another clock);
// VST_E_ARGUMENT (an unknown bit, a negative number); VST_E_SIZE; VST_E_NULL; VST_E_THREAD;
// VST_E_PANIC; VST_E_POISONED.
//
// Needs:
// As vst_engine_ready.
vst_status vst_engine_ready_fd(vst_engine *engine,
                               int32_t fd,
                               uint32_t events,
                               uint64_t now_ns,
                               vst_wait *wait);

// Handles deadlines that have passed, and does the work that VST_WAIT_RUNNABLE tells of, up to a
// bound. Call it when deadline_ns of vst_wait has come, and, before waiting, whenever
// VST_WAIT_RUNNABLE is set. At other times it does no harm.
//
// now_ns and wait are as for vst_engine_ready. Callbacks run before this returns.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_SIZE, VST_E_NULL and VST_E_MODE (a time of another clock), and then
// nothing happens; VST_E_THREAD; VST_E_PANIC; VST_E_POISONED.
//
// Needs:
// As vst_engine_ready.
vst_status vst_engine_run(vst_engine *engine,
                          uint64_t now_ns,
                          vst_wait *wait);

// Writes until when the host may wait, and what exists: wait, as every drive call does.
//
// It is a drive call as far as threads go: the first one binds the engine to its thread. It tells
// no time, handles no deadlines, and does not take the answers that vst_waker_post has brought;
// vst_engine_run, vst_engine_ready, vst_engine_ready_batch and vst_engine_ready_fd do. Like
// any call outside a callback it may run callbacks for what an earlier call left.
// Legal on the engine's thread; from a callback, wait has VST_WAIT_NESTED.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// As vst_engine_ready.
vst_status vst_engine_wait(vst_engine *engine,
                           vst_wait *wait);

// Begins a batch: until vst_engine_batch_end, interest callbacks are not called, and released
// descriptors are not closed. For hosts that tell readiness by number, see vst_engine_ready_fd.
//
// Two things are not held back: VST_EVENT_INTEREST, which vst_engine_next writes all the same,
// and the release of a descriptor by vst_conn_take_fd, which is told at once. Events are told as
// usual.
// Legal on the engine's thread, outside callbacks.
// Returns VST_OK; VST_E_STATE (begun already); VST_E_REENTRANT; VST_E_NULL; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_engine_batch_begin(vst_engine *engine);

// Ends a batch that vst_engine_batch_begin began: interest changes are told and released
// descriptors closed before this returns. Where interest comes from vst_engine_next, the
// descriptors whose release has been written there are closed by the next call on the engine.
//
// Legal on the engine's thread, outside callbacks.
// Returns VST_OK; VST_E_STATE (none begun); VST_E_REENTRANT; VST_E_NULL; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_engine_batch_end(vst_engine *engine);

// =================================================================================================
// 5. Listeners
//
// Where connections come in: opened here, or taken over from another program that opened the
// descriptor. A listener that the system or a limit keeps from taking connections says so with
// VST_EVENT_PAUSED and goes on by itself.
// =================================================================================================

// Several sockets, of this and other processes, share the port (SO_REUSEPORT).
#define VST_LISTENER_REUSEPORT (UINT64_C(1) << 18)

// An IPv6 listener takes no IPv4 connections (IPV6_V6ONLY).
#define VST_LISTENER_V6ONLY (UINT64_C(1) << 19)

// mode is used.
#define VST_LISTENER_MODE (UINT64_C(1) << 20)

// uid and gid are used.
#define VST_LISTENER_OWNER (UINT64_C(1) << 21)

// A unix path at which a process listens is not taken over: VST_E_SYSTEM with EADDRINUSE instead.
// This is found out by a connection that is closed at once, so that two processes that open the
// path at the same moment may both succeed.
#define VST_LISTENER_UNIX_EXCLUSIVE (UINT64_C(1) << 22)

// No VST_EVENT_REFUSED is told, whatever refused_per_second says: refusals are counted alone.
#define VST_LISTENER_NO_REFUSED (UINT64_C(1) << 23)

// How a listener is opened. A field that is 0 stands for its default, so that all zero but size
// is the defaults; vst_listener_options_init writes them.
struct vst_listener_options {
    // sizeof(vst_listener_options). Not less than 56 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // VST_LISTENER_*.
    uint64_t flags;
    // Connections the kernel keeps waiting. Default 1024, and never more than the kernel's own
    // bound.
    uint32_t backlog;
    // TCP_DEFER_ACCEPT in seconds: connections are told when their first bytes are there. 0, the
    // default: off.
    uint32_t defer_accept_s;
    // The most connections of this listener that exist at once. Default UINT32_MAX: no bound.
    uint32_t max_conns;
    // VST_EVENT_REFUSED told per second, listener, operation and reason; the rest is counted.
    // Default 10; UINT32_MAX is no bound, and VST_LISTENER_NO_REFUSED tells none.
    uint32_t refused_per_second;
    // Permission bits of a unix socket's path.
    uint32_t mode;
    // Owner of a unix socket's path.
    uint32_t uid;
    // Group of a unix socket's path.
    uint32_t gid;
    // Ends of sessions and streams that are for a log per second, listener, operation and reason.
    // VST_EVENT_CLOSED and VST_EVENT_STREAM_END are told all the same: those above it have quiet
    // set in their end, and the next that has not counts them in suppressed. Default UINT32_MAX:
    // no bound.
    uint32_t ends_per_second;
    // The host's user data for the listener and, until it is changed, for its connections. The
    // library neither reads nor frees it.
    void *user;
};

// Fills options with the defaults. size is sizeof(vst_listener_options).
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
//
// Needs:
// options points to size writable bytes.
vst_status vst_listener_options_init(vst_listener_options *options,
                                     uint32_t size);

// Opens a listener.
//
// address is 192.0.2.1:80, [2001:db8::1]:80, unix:/path or unix:@abstract; :80 and
// *:80 are any IPv4 address, [::]:80 any at all. A zone is the number of an interface,
// [fe80::1%2]:80, and a name is the host's to resolve. Port 0 lets the kernel choose, and
// vst_listener_addr tells. A unix path is taken over from the socket that is there, also from a
// process that still listens at it, which then gets no more connections: so a new one takes the
// place of an old one (VST_LISTENER_UNIX_EXCLUSIVE refuses that). It is removed when the
// listener closes, unless another socket has taken its place.
//
// config may be freed at once. options may be NULL. *out is the id, or 0 on failure;
// sys_errno, unless NULL, gets the errno behind VST_E_SYSTEM, else 0. On failure why, unless
// NULL, gets a sentence, cut to why_size bytes with its NUL. Connections come as
// VST_EVENT_SESSION.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (address, flag); VST_E_STATE (after
// VST_DRAIN_PAUSE or VST_DRAIN_CLOSE); VST_E_SYSTEM; VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// Handles are not freed; address is a NUL-terminated string; options is NULL or points to as
// many bytes as its size says; out points to an id; sys_errno is NULL or points to an int;
// why to why_size writable bytes.
vst_status vst_listener_open(vst_engine *engine,
                             const char *address,
                             const vst_accept_config *config,
                             const vst_listener_options *options,
                             vst_id *out,
                             int32_t *sys_errno,
                             char *why,
                             size_t why_size);

// Takes over a listening descriptor that another program opened, as in socket activation or after
// an exec.
//
// On success the descriptor belongs to the library, which makes it non-blocking and closes it; on
// failure it stays the host's. A unix path stays where it is. Otherwise as vst_listener_open.
// Returns as vst_listener_open; VST_E_ARGUMENT when it does not listen.
//
// Needs:
// As vst_listener_open.
vst_status vst_listener_adopt(vst_engine *engine,
                              int32_t fd,
                              const vst_accept_config *config,
                              const vst_listener_options *options,
                              vst_id *out,
                              int32_t *sys_errno,
                              char *why,
                              size_t why_size);

// Writes where a listener listens, with the port that the kernel chose.
//
// Legal on the engine's thread. On failure *addr is VST_ADDR_NONE.
// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id);
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; addr points to an address.
vst_status vst_listener_addr(vst_engine *engine,
                             vst_id listener,
                             vst_addr *addr);

// Stops accepting connections. Those that wait stay in the kernel's queue, for
// vst_listener_resume or for another process that holds the socket.
//
// Legal on the engine's thread; twice changes nothing.
// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id);
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_listener_pause(vst_engine *engine,
                              vst_id listener);

// Accepts connections again. Otherwise as vst_listener_pause; VST_E_STATE after VST_DRAIN_PAUSE
// or VST_DRAIN_CLOSE.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_listener_resume(vst_engine *engine,
                               vst_id listener);

// Closes a listener, after taking the connections that wait already, since closing would reset
// them. Its connections go on. The id accepts nothing more; VST_EVENT_LISTENER_CLOSED is the last
// event about it.
//
// Otherwise as vst_listener_pause.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_listener_close(vst_engine *engine,
                              vst_id listener);

// Gives a listener the name by which rules (so_name) and metrics know it, UTF-8, NUL-terminated.
// Copied.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (no UTF-8); VST_E_STALE, VST_E_KIND, VST_E_ENGINE;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; name is a NUL-terminated string.
vst_status vst_listener_set_name(vst_engine *engine,
                                 vst_id listener,
                                 const char *name);

// =================================================================================================
// 6. Accept configurations
//
// What incoming connections go through before they are sessions: a PROXY header or a NetScaler's,
// monitors, rules, handlers, TLS, and the bounds of each in time. Many listeners and engines may
// share one.
// =================================================================================================

// Sources outside accept_proxy or accept_cip are not refused: they go on without that header,
// which then announces nothing, and what they send is payload.
#define VST_ACCEPT_UNTRUSTED_DIRECT (UINT64_C(1) << 24)

// On TLS 1.2, where the end of one side ends both, a half-close is held back until the peer has
// ended its own side, or, once bytes of the peer are waited for, has sent none for
// tls12_half_close_hold_ns. Without it a half-close is sent at once, since a client that reads
// until the end would otherwise wait for ever.
#define VST_ACCEPT_TLS12_HALF_CLOSE_HOLD (UINT64_C(1) << 25)

// In a stream, the end of a TLS connection without close_notify resets both sides, and so does its
// failure, also while it closes. Without it the other side gets what came, and then the end of its
// connection: where it speaks TLS, without close_notify, which would vouch that this was all. Either
// way the records of the stream and of its sides have VST_WHY_TRUNCATED, or the failure's reason.
#define VST_ACCEPT_TLS_TRUNCATION_ABORT (UINT64_C(1) << 26)

// What incoming connections go through. Shared: any number of listeners and engines may use it.
struct vst_accept_config;

// What incoming connections go through. A field that is 0 stands for its default, so that all zero
// but size is the defaults; vst_accept_options_init writes them. In spans of time VST_NEVER is
// no bound.
struct vst_accept_options {
    // sizeof(vst_accept_options). Not less than 80 bytes.
    uint32_t size;
    // The magic number that the header of accept_cip begins with. Default 0xCAFEBABE.
    uint32_t cip_magic;
    // VST_ACCEPT_*.
    uint64_t flags;
    // Where set, a PROXY header (version 1 or 2) must come first, and only from these sources: a
    // list separated by commas of networks (10.0.0.0/8), addresses, any (all of IP) and unix
    // (all unix sockets). Other sources are refused. NULL: no header, and one that comes is payload.
    const char *accept_proxy;
    // Where set, TLS comes next. The configuration keeps its own reference: the handle may be
    // freed at once.
    const vst_tls_server *tls;
    // For the PROXY header, in nanoseconds from accept, and again for the NetScaler's header behind it.
    // Default 5 s.
    uint64_t timeout_proxy_ns;
    // For the TLS handshake, in nanoseconds from its beginning. Default 10 s.
    uint64_t timeout_tls_ns;
    // For everything before the session, in nanoseconds from accept. Default 30 s.
    uint64_t timeout_opening_ns;
    // While closing: how long unsent bytes may wait without progress, in nanoseconds. It starts
    // anew whenever bytes are taken by the kernel, and after that whenever the peer acknowledges
    // some (TCP). Then the connection is reset and those bytes are lost: vst_end has
    // VST_WHY_TIMED_OUT at VST_OP_DSHW or VST_OP_CCLOSE, and their number in lost. Default 30 s.
    uint64_t linger_ns;
    // While closing: how long the peer's FIN is waited for once the peer has all our bytes, in
    // nanoseconds. A peer that was silent meanwhile has ended as it should; one that went on
    // sending is cut off, with VST_WHY_TIMED_OUT at VST_OP_CCLOSE. Default 2 s.
    uint64_t drain_ns;
    // While closing: how many bytes of the peer are read and thrown away until its FIN. A peer
    // that sends more is cut off, with VST_WHY_TOO_LARGE at VST_OP_CCLOSE. Default 1 MiB; more
    // than 4 GiB is taken as that.
    uint64_t drain_bytes;
    // Where set, the sources of monitors (health checks by load balancers and the like), which are
    // answered and closed before any of the above. Read and not kept.
    const vst_monitor_options *monitor;
    // Handlers of the host's own, on either side of TLS, asked in this order. Copied.
    const vst_handler *handlers;
    // How many there are.
    uint64_t handler_count;
    // Where set, the rules that are asked on the way. The configuration keeps its own reference:
    // the handle may be freed at once, and is needed to replace the rules.
    const vst_rules *rules;
    // Where set, the header that a NetScaler inserts ("client IP insertion", legacy or standard) must
    // come next, behind the PROXY header if there is one, and only from these sources: a list as in
    // accept_proxy, of the socket's own addresses. The client's addresses are those in it. NULL: no
    // header, and one that comes is payload.
    const char *accept_cip;
    // On TLS 1.2, how long a peer may be silent before a half-close that is held back
    // (VST_ACCEPT_TLS12_HALF_CLOSE_HOLD) is sent, in nanoseconds. VST_NEVER: it waits for the peer's
    // own end. Default 1 s.
    uint64_t tls12_half_close_hold_ns;
};

// Fills options with the defaults. size is sizeof(vst_accept_options).
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
//
// Needs:
// options points to size writable bytes.
vst_status vst_accept_options_init(vst_accept_options *options,
                                   uint32_t size);

// Makes an accept configuration: what incoming connections go through.
//
// options is read and not kept. *out is the configuration, or NULL on failure; free it with
// vst_accept_config_free. On failure why, unless NULL, gets a sentence, cut to why_size bytes
// with its NUL.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag or answer, bytes that are
// missing, too long or not asked for); VST_E_CONFIG (accept_proxy, accept_cip or monitor_net
// cannot be read, or the last overlaps one of the others).
//
// Needs:
// options points to as many bytes as its size says, its texts to NUL-terminated strings, its
// handles to handles that are not freed; out to a pointer; why to why_size writable bytes.
vst_status vst_accept_config_new(const vst_accept_options *options,
                                 vst_accept_config **out,
                                 char *why,
                                 size_t why_size);

// Frees a handle. Listeners and connections that use the configuration keep it. NULL is fine.
//
// Legal from any thread and any callback.
//
// Needs:
// config is NULL or a handle that is not freed.
void vst_accept_config_free(vst_accept_config *config);

// =================================================================================================
// 7. Connections
//
// How one begins other than by a listener (vst_conn_connect, or a descriptor that is handed over),
// and the life of a session: it is told with VST_EVENT_SESSION or VST_EVENT_CONNECTED, read and
// written until it is closed, and VST_EVENT_CLOSED is the last event about it. A read or write that
// answers VST_WAIT is tried again when VST_EVENT_READABLE or VST_EVENT_WRITABLE is told.
// =================================================================================================

// The direction from the peer to us.
#define VST_SHUT_READ (1)

// The direction from us to the peer.
#define VST_SHUT_WRITE (2)

// Both.
#define VST_SHUT_BOTH (3)

// A TLV of a PROXY version 2 header.
struct vst_tlv {
    // The type, 0 to 255.
    uint32_t kind;
    // The length of value in bytes.
    uint32_t len;
    // The bytes.
    const uint8_t *value;
};

// What one outgoing connection needs beside its configuration.
struct vst_connect_args {
    // sizeof(vst_connect_args). Not less than 32 bytes.
    uint32_t size;
    // How many TLVs tlvs points to.
    uint32_t tlv_count;
    // The connection on whose behalf it is made: the PROXY header tells its addresses and its TLS.
    // 0: it is made on our own behalf, and a version 2 header says LOCAL.
    vst_id client;
    // Further TLVs for a version 2 header, read during the call.
    const vst_tlv *tlvs;
    // The host's user data for the connection. The library neither reads nor frees it.
    void *user;
};

// Which TLS begins in the middle of a session. Zero it, then set size and either server or
// client.
struct vst_start_tls {
    // sizeof(vst_start_tls). Not less than 56 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // 0: there are none yet.
    uint64_t flags;
    // The accepting side. The connection keeps its own reference: the handle may be freed at once.
    const vst_tls_server *server;
    // The connecting side; needs server_name.
    const vst_tls_client *client;
    // As in vst_connect_options. Copied.
    const char *server_name;
    // Bytes that the host has read already and that are TLS's: what a peer sent right behind the
    // command is plaintext, and a host that passes it here must be sure that it is not. Copied.
    const void *early;
    // The length of early in bytes.
    uint64_t early_len;
};

// Takes over a connection that the host accepted itself, and runs what config says: headers,
// rules, handlers, TLS.
//
// On success the descriptor belongs to the library; on failure it stays the host's. *out is the
// id, or 0. VST_EVENT_SESSION tells that it is a session; VST_EVENT_CLOSED tells its end, also if
// it never was a session (there is no VST_EVENT_REFUSED). sys_errno, unless NULL, gets the errno
// behind VST_E_SYSTEM, else 0. On failure why, unless NULL, gets a sentence, cut to why_size
// bytes with its NUL.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (it listens); VST_E_SYSTEM (no connected stream
// socket); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// Handles are not freed; out points to an id; sys_errno is NULL or points to an int; why
// to why_size writable bytes.
vst_status vst_conn_accept_fd(vst_engine *engine,
                              const vst_accept_config *config,
                              int32_t fd,
                              void *user,
                              vst_id *out,
                              int32_t *sys_errno,
                              char *why,
                              size_t why_size);

// Takes over a connected socket as a session without TLS: no rules, handlers or handshakes run,
// and VST_EVENT_READABLE is the first event.
//
// Otherwise as vst_conn_accept_fd.
//
// Needs:
// As vst_conn_accept_fd.
vst_status vst_conn_adopt(vst_engine *engine,
                          int32_t fd,
                          void *user,
                          vst_id *out,
                          int32_t *sys_errno,
                          char *why,
                          size_t why_size);

// Asks for a connection to address (as in vst_listener_open, but with a port, and not any address).
//
// It is begun when the outermost call ends, or when vst_conn_forward makes it part of a stream,
// whose first bytes then leave with the PROXY header. VST_EVENT_CONNECTED tells that it is open,
// VST_EVENT_CLOSED its end, a failure among them. connect may be NULL. *out is the id, or 0.
// On failure why, unless NULL, gets a sentence, cut to why_size bytes with its NUL.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (address; TLVs that do not fit a header);
// VST_E_STALE, VST_E_KIND, VST_E_ENGINE (the client); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// Handles are not freed; address is a NUL-terminated string; connect is NULL or points to as
// many bytes as its size says, and its TLVs to theirs; out points to an id; why to why_size
// writable bytes.
vst_status vst_conn_connect(vst_engine *engine,
                            const char *address,
                            const vst_connect_config *config,
                            const vst_connect_args *connect,
                            vst_id *out,
                            char *why,
                            size_t why_size);

// Reads bytes of a session into buffer, at least one, at most size.
//
// *got is how many, 0 unless VST_OK. VST_WAIT: there are none now, and VST_EVENT_READABLE is
// told once when some have come. No event is told while reads answer VST_OK: read until VST_WAIT.
// The library reads nothing ahead of the host, so a host that does not read slows its peer down
// (backpressure).
// Legal on the engine's thread, for a session: in the callback that tells of it, or at any time
// later.
// Returns VST_OK; VST_WAIT; VST_END; VST_E_TRUNCATED (the connection ended without TLS
// close_notify: bytes may be missing); VST_E_RESET and VST_E_FAILED (VST_EVENT_CLOSED follows);
// VST_E_STATE (no session yet, closed by the host, inside a stream); VST_E_ARGUMENT (size 0);
// VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; buffer points to size writable bytes; got to a
// size.
vst_status vst_conn_recv(vst_engine *engine,
                         vst_id conn,
                         void *buffer,
                         size_t size,
                         size_t *got);

// Writes bytes of a session: all or a part, at least one.
//
// *taken is how many, 0 unless VST_OK; those bytes are copied. VST_WAIT: none can be taken now,
// and VST_EVENT_WRITABLE is told once when some can. A size of 0 takes none and answers VST_OK.
// Legal on the engine's thread, for a session.
// Returns VST_OK; VST_WAIT; VST_E_RESET and VST_E_FAILED (the peer takes no more; what it sent
// before can still be read: read on while it answers VST_OK, or close, since no event asks for it);
// VST_E_STATE (no session yet, its write side shut, closed by the host, inside a stream); VST_E_NULL;
// VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; bytes points to size readable bytes; taken to a
// size.
vst_status vst_conn_send(vst_engine *engine,
                         vst_id conn,
                         const void *bytes,
                         size_t size,
                         size_t *taken);

// Ends one direction of a session, VST_SHUT_*. Writing (half-close): the bytes written so far are
// sent, then TLS close_notify, then the FIN. Reading: no further byte is delivered, and bytes that
// still come are thrown away. When both are ended, by whichever side, the connection closes and
// VST_EVENT_CLOSED follows.
//
// Legal on the engine's thread, for a session; twice changes nothing.
// Returns VST_OK; VST_E_STATE; VST_E_ARGUMENT; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_conn_shutdown(vst_engine *engine,
                             vst_id conn,
                             uint32_t direction);

// Closes a connection in order: the bytes written so far are sent, then TLS close_notify and the
// FIN, and the peer's end is waited for within linger_ns and drain_ns. A connection that is
// still opening is aborted. From now on the id is good for vst_conn_abort and for functions that
// only read, such as vst_conn_describe. One event follows, VST_EVENT_CLOSED; for a connection of
// a listener that was no session yet it is VST_EVENT_REFUSED.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED.
// Returns VST_OK; VST_E_STATE (closed before, inside a stream); VST_E_NULL; VST_E_STALE, VST_E_KIND,
// VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_conn_close(vst_engine *engine,
                          vst_id conn);

// Aborts a connection: unsent bytes are thrown away, and the peer gets a reset.
//
// Otherwise as vst_conn_close; it may also be called after that.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_conn_abort(vst_engine *engine,
                          vst_id conn);

// Takes the descriptor of a session without TLS out of the library: it belongs to the host from
// then on, which closes it. The id is stale, and no event tells of that. Bytes that the library
// has already read from it, such as those after a PROXY header, are copied to ahead: they come
// before whatever the host reads from the descriptor.
//
// *fd is the descriptor, or -1 on failure; *ahead_len is the number of bytes. If the
// descriptor was announced to the interest callbacks before, they are told VST_IO_RELEASED without
// VST_IO_CLOSING, before this returns and also within a batch (vst_engine_batch_begin): the host
// removes it from its poller. If it was not, nothing is told.
// Legal on the engine's thread, for a session without TLS that has no unsent bytes and no
// direction shut.
// Returns VST_OK; VST_E_SPACE (*ahead_len is the capacity that is needed; nothing happened);
// VST_E_STATE (TLS, unsent bytes, a direction shut, no session); VST_E_NULL; VST_E_STALE,
// VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id); VST_E_MODE (the engine has no interest
// callbacks); VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; fd points to an int; ahead to capacity writable
// bytes; ahead_len to a size.
vst_status vst_conn_take_fd(vst_engine *engine,
                            vst_id conn,
                            int32_t *fd,
                            void *ahead,
                            size_t capacity,
                            size_t *ahead_len);

// Writes the host's user data for a connection.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED. On failure *user is NULL.
// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; user points to a pointer.
vst_status vst_conn_user(vst_engine *engine,
                         vst_id conn,
                         void **user);

// Changes the host's user data for a connection, which events about it carry.
//
// Otherwise as vst_conn_user.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_conn_set_user(vst_engine *engine,
                             vst_id conn,
                             void *user);

// Begins TLS on a session without TLS (STARTTLS), once vst_conn_send has taken the answer to the
// peer's command.
//
// Nothing can be read or written until VST_EVENT_TLS_DONE tells that the handshake is done; a
// handshake that fails ends the connection with VST_EVENT_CLOSED. The timeout of the handshake is
// timeout_tls_ns of the configuration that the connection was made with. Plaintext that came
// after the command must not be treated as if it had come through TLS (CVE-2011-0411): a host that
// has read any refuses the client. On failure why, unless NULL, gets a sentence, cut to
// why_size bytes with its NUL.
// Legal on the engine's thread, for a session.
// Returns VST_OK; VST_E_STATE (no session; it has TLS; unsent bytes; bytes came that the host has
// not read; inside a stream); VST_E_ARGUMENT (not one of server and client; no name);
// VST_E_NULL; VST_E_SIZE; VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// Handles are not freed; start points to as many bytes as its size says, early to early_len;
// why to why_size writable bytes.
vst_status vst_conn_start_tls(vst_engine *engine,
                              vst_id conn,
                              const vst_start_tls *start,
                              char *why,
                              size_t why_size);

// =================================================================================================
// 8. What is known of a connection
//
// Its state and layers, addresses, the PROXY header that came first, what TLS agreed on, and a line
// of text for debugging. All of it is copied out.
// =================================================================================================

// On its way out with nothing to report.
#define VST_STATE_CLOSED (0)

// It came in and its handshakes are not done.
#define VST_STATE_ACCEPTED (1)

// It goes out and its handshakes are not done.
#define VST_STATE_CONNECTING (2)

// The session's bytes may move.
#define VST_STATE_ESTABLISHED (3)

// It failed.
#define VST_STATE_ERROR (4)

// The header stands for no relayed connection: it announces nothing.
#define VST_PROXY_COMMAND_LOCAL (0)

// The header stands for a relayed connection.
#define VST_PROXY_COMMAND_RELAYED (1)

// The header announced no addresses: LOCAL, UNKNOWN, UNSPEC.
#define VST_PROXY_TRANSPORT_NONE (0)

// TCP over IPv4 or IPv6.
#define VST_PROXY_TRANSPORT_TCP (1)

// UDP over IPv4 or IPv6.
#define VST_PROXY_TRANSPORT_UDP (2)

// A unix stream socket.
#define VST_PROXY_TRANSPORT_UNIX_STREAM (3)

// A unix datagram socket.
#define VST_PROXY_TRANSPORT_UNIX_DATAGRAM (4)

// The peer was not asked for a certificate.
#define VST_VERIFIED_NOT_ASKED (0)

// The peer was asked for a certificate and has none.
#define VST_VERIFIED_ABSENT (1)

// The peer's certificate was verified, now or when the resumed session began.
#define VST_VERIFIED_VALID (2)

// The peer's certificate was not looked at: verification is switched off.
#define VST_VERIFIED_SKIPPED (3)

// The protocol version: TLSv1.3.
#define VST_TLS_TEXT_VERSION (1)

// The cipher suite: TLS_AES_256_GCM_SHA384.
#define VST_TLS_TEXT_CIPHER (2)

// The group of the key exchange: X25519.
#define VST_TLS_TEXT_GROUP (3)

// The application protocol, as bytes: h2.
#define VST_TLS_TEXT_ALPN (4)

// The server name the client asked for.
#define VST_TLS_TEXT_SNI (5)

// The common name in the peer's certificate, as bytes.
#define VST_TLS_TEXT_PEER_CN (6)

// The subject of the peer's certificate.
#define VST_TLS_TEXT_PEER_SUBJECT (7)

// The issuer of the peer's certificate.
#define VST_TLS_TEXT_PEER_ISSUER (8)

// No byte of the connection is delivered any more: its incoming direction was shut, by whichever side.
#define VST_CONN_SHR (1024)

// No byte is taken for the connection any more: its outgoing direction was shut.
#define VST_CONN_SHW (2048)

// The connection failed or was aborted: its state is VST_STATE_ERROR until it is gone.
#define VST_CONN_ERR (4096)

// The PROXY header that a connection came with.
struct vst_proxy_header {
    // In: sizeof(vst_proxy_header). Not less than 24 bytes.
    uint32_t size;
    // 1 or 2.
    uint32_t version;
    // VST_PROXY_COMMAND_LOCAL or VST_PROXY_COMMAND_RELAYED.
    uint32_t command;
    // VST_PROXY_TRANSPORT_TCP and so on.
    uint32_t transport;
    // How many TLVs it had.
    uint32_t tlv_count;
    // 0.
    uint32_t _reserved;
};

// What TLS agreed on.
struct vst_tls_info {
    // In: sizeof(vst_tls_info). Not less than 32 bytes.
    uint32_t size;
    // The protocol version: 0x0303 for TLS 1.2, 0x0304 for TLS 1.3.
    uint32_t version;
    // The number of the cipher suite (IANA, "TLS Cipher Suites").
    uint32_t cipher;
    // The number of the key exchange's group (IANA, "TLS Supported Groups"), or 0 when a resumed
    // session needed none.
    uint32_t group;
    // 1 when an earlier session went on.
    uint32_t resumed;
    // VST_VERIFIED_VALID and so on.
    uint32_t verified;
    // How many certificates the peer showed.
    uint32_t certificate_count;
    // 0.
    uint32_t _reserved;
};

// What one layer of a connection has behind it; each field is 0 or 1.
struct vst_layer {
    // The layer exists: it was set up and is not torn down.
    uint32_t initialized;
    // It reaches its counterpart at the peer: the socket is connected, and where there is TLS its
    // handshake is done.
    uint32_t connected;
    // Its opening operations are through, and those of the layers below.
    uint32_t handlers_done;
    // It could not go on. A connection that the host gave up, or that a bound of its stream cut, has
    // not failed in any layer.
    uint32_t failed;
    // Its incoming direction has ended.
    uint32_t shutr;
    // Its outgoing direction has ended.
    uint32_t shutw;
};

// The thirteen states inside a connection, from the descriptor up.
struct vst_layers {
    // In: sizeof(vst_layers). Not less than 56 bytes.
    uint32_t size;
    // 1 while there is a descriptor, else 0.
    uint32_t fd_allocated;
    // What carries bytes: the socket, and what goes over it ahead of TLS.
    vst_layer ctrl;
    // What the session reads and writes: raw, or TLS and what comes behind it.
    vst_layer data;
};

// Writes the state of a connection, VST_STATE_*.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED. On failure *state is VST_STATE_CLOSED.
// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; state points to an integer.
vst_status vst_conn_state(vst_engine *engine,
                          vst_id conn,
                          uint32_t *state);

// Writes the source and destination that a connection stands for: those announced by a header, else
// the socket's own.
//
// Where several headers came, the NetScaler's announces. A PROXY header that says LOCAL, UNKNOWN or
// UNSPEC announces nothing.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED. On failure both are VST_ADDR_NONE.
// Returns VST_OK; VST_E_STATE (the system does not know them any longer); VST_E_NULL; VST_E_STALE,
// VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; source and destination point to addresses.
vst_status vst_conn_addrs(vst_engine *engine,
                          vst_id conn,
                          vst_addr *source,
                          vst_addr *destination);

// Writes both ends of the socket itself, whatever was announced by a header: the peer's and ours.
//
// Otherwise as vst_conn_addrs.
//
// Needs:
// As vst_conn_addrs.
vst_status vst_conn_socket_addrs(vst_engine *engine,
                                 vst_id conn,
                                 vst_addr *peer,
                                 vst_addr *local);

// Writes what the PROXY header of a connection said.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED.
// Returns VST_OK; VST_NONE (it came without one); VST_E_NULL; VST_E_SIZE; VST_E_STALE, VST_E_KIND,
// VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; header points to as many bytes as its size says.
vst_status vst_conn_proxy_header(vst_engine *engine,
                                 vst_id conn,
                                 vst_proxy_header *header);

// Copies the TLV at index, from 0, of the PROXY header of a connection, as it came: its type to
// *kind, its value as bytes and length, which may hold anything, a NUL among it.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED. *len is the length of the value, also
// when capacity does not suffice, and 0 when there is none.
// Returns VST_OK; VST_NONE (no header, or fewer TLVs); VST_E_SPACE; VST_E_NULL; VST_E_STALE,
// VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; kind points to an integer, value to capacity
// writable bytes, len to a size.
vst_status vst_conn_proxy_tlv(vst_engine *engine,
                              vst_id conn,
                              uint32_t index,
                              uint32_t *kind,
                              uint8_t *value,
                              size_t capacity,
                              size_t *len);

// Writes what TLS agreed on.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED.
// Returns VST_OK; VST_NONE (no TLS, or its handshake is not done); VST_E_NULL; VST_E_SIZE;
// VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; info points to as many bytes as its size says.
vst_status vst_conn_tls_info(vst_engine *engine,
                             vst_id conn,
                             vst_tls_info *info);

// Copies one text of what TLS agreed on, VST_TLS_TEXT_*, as bytes and length: names come from a
// peer's certificate and may hold anything, a NUL among it.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED. *len is its length, also when
// capacity does not suffice, and 0 when there is none.
// Returns VST_OK; VST_NONE (no TLS, or it has none); VST_E_SPACE; VST_E_NULL; VST_E_ARGUMENT;
// VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; text points to capacity writable bytes; len to a
// size.
vst_status vst_conn_tls_text(vst_engine *engine,
                             vst_id conn,
                             uint32_t what,
                             char *text,
                             size_t capacity,
                             size_t *len);

// Copies the certificate at index, from 0, that the peer showed, its own first, in DER.
//
// Otherwise as vst_conn_tls_text.
//
// Needs:
// As vst_conn_tls_text.
vst_status vst_conn_tls_certificate(vst_engine *engine,
                                    vst_id conn,
                                    uint32_t index,
                                    uint8_t *der,
                                    size_t capacity,
                                    size_t *len);

// Writes what is over of a connection: *flags has VST_CONN_SHR, VST_CONN_SHW and VST_CONN_ERR,
// each where it holds, and nothing else.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED. On failure *flags is 0.
// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; flags points to an integer.
vst_status vst_conn_shut(vst_engine *engine,
                         vst_id conn,
                         uint32_t *flags);

// Writes how far each layer of a connection is, for debugging: vst_conn_describe has the same in
// words.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; layers points to as many bytes as its size says.
vst_status vst_conn_layers(vst_engine *engine,
                           vst_id conn,
                           vst_layers *layers);

// Copies the state of a listener as one line of name=value, for a log or a person: its name,
// address, descriptor, why it is paused, and what became of its connections.
//
// The text has no NUL; *len is its length, also when capacity does not suffice. 1,024 bytes
// mostly do. Legal on the engine's thread, before VST_EVENT_LISTENER_CLOSED.
// Returns VST_OK; VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; text points to capacity writable bytes; len to a
// size.
vst_status vst_listener_describe(vst_engine *engine,
                                 vst_id listener,
                                 char *text,
                                 size_t capacity,
                                 size_t *len);

// Copies the state of a backend as one line of name=value, for a log or a person: its streams
// and queue, and of each server (server.NUMBER.name and so on) its name, state, health, share,
// streams and queue.
//
// The text grows with the servers, by some 200 bytes each. Legal on the engine's thread. Otherwise
// as vst_listener_describe.
//
// Needs:
// As vst_listener_describe.
vst_status vst_backend_describe(vst_engine *engine,
                                vst_id backend,
                                char *text,
                                size_t capacity,
                                size_t *len);

// Copies the state of a connection as one line of name=value, for a log or a person: state,
// descriptor, layers, operations, bytes, deadline, what it waits for, why it failed.
//
// The text has no NUL; *len is its length, also when capacity does not suffice. 2,048 bytes
// mostly do. Legal on the engine's thread, before VST_EVENT_CLOSED.
// Returns VST_OK; VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; text points to capacity writable bytes; len to a
// size.
vst_status vst_conn_describe(vst_engine *engine,
                             vst_id conn,
                             char *text,
                             size_t capacity,
                             size_t *len);

// =================================================================================================
// 9. Certificates and TLS
//
// How incoming and outgoing connections speak TLS: made once, named by an accept or a connect
// configuration, shared by any number of connections and engines, and freed when the host likes,
// since whatever still uses it keeps it.
// =================================================================================================

// Clients are not asked for a certificate.
#define VST_CLIENT_AUTH_NONE (0)

// Clients are asked and may decline; a certificate that is shown must verify.
#define VST_CLIENT_AUTH_OPTIONAL (1)

// Clients are refused without a certificate that verifies.
#define VST_CLIENT_AUTH_REQUIRED (2)

// Clients that ask for no name, or for one that no certificate has, are refused (RFC 6066 section
// 3) instead of shown the first certificate.
#define VST_TLS_SERVER_STRICT_SNI (UINT64_C(1) << 37)

// No ticket holds a session: those kept here (session_cache) alone are resumed. In TLS 1.3 a client
// is still handed the number of its own, as a ticket (RFC 8446 section 4.6.1).
#define VST_TLS_SERVER_NO_TICKETS (UINT64_C(1) << 38)

// The secrets of every connection are kept for vst_tls_server_take_key_log: with them everything
// can be decrypted.
#define VST_TLS_SERVER_KEY_LOG (UINT64_C(1) << 39)

// No sessions are kept, whatever session_cache says.
#define VST_TLS_SERVER_NO_SESSION_CACHE (UINT64_C(1) << 40)

// The most sessions that one configuration keeps: room for them is made at once.
#define VST_TLS_SESSIONS_MOST (1048576)

// Bounds of the protocol version: 0 is the library's own, TLS 1.2 to 1.3.
#define VST_TLS_1_2 (771)

// See VST_TLS_1_2.
#define VST_TLS_1_3 (772)

// **Dangerous**: any certificate of any server is taken, so that anybody in between can read and
// change everything.
#define VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION (UINT64_C(1) << 41)

// X25519MLKEM768 is not offered to servers. It is offered first otherwise, so that what somebody
// records today stays secret from a quantum computer; the ClientHello is then about 1,450 bytes instead
// of 230, which some old middleboxes do not let through.
#define VST_TLS_CLIENT_NO_POST_QUANTUM (UINT64_C(1) << 42)

// The secrets of every connection are kept for vst_tls_client_take_key_log: with them everything
// can be decrypted.
#define VST_TLS_CLIENT_KEY_LOG (UINT64_C(1) << 43)

// No sessions are kept, whatever session_cache says.
#define VST_TLS_CLIENT_NO_SESSION_CACHE (UINT64_C(1) << 44)

// How outgoing connections speak TLS. Shared and never changed; kept sessions belong to it alone.
struct vst_tls_client;

// How incoming connections speak TLS. Shared and never changed; ticket keys and kept sessions
// belong to it alone.
struct vst_tls_server;

// PEM text, from a file or from memory: one of the two.
struct vst_pem {
    // A file, read during the call and not again; NULL for memory, or for none at all.
    const char *file;
    // The text, read during the call.
    const uint8_t *bytes;
    // The length of bytes.
    uint64_t len;
};

// A certificate chain and its key.
struct vst_identity {
    // The chain, our own certificate first.
    vst_pem chain;
    // The private key (PKCS #8, PKCS #1 or SEC 1), without a passphrase; none: it is in chain.
    vst_pem key;
};

// How incoming connections speak TLS. A field that is 0 stands for its default, so that all zero
// but size and the certificates is the defaults; vst_tls_server_options_init writes them.
//
// The key exchange takes the first of the client's groups that is known here: X25519MLKEM768 where it
// prefers that (not with ring), else X25519, P-256 or P-384.
//
// TLS 1.2 cannot change its keys, and those of AES-GCM may protect 2^24 records: a connection that has
// sent so many (256 GiB in full ones) says close_notify and ends, with VST_WHY_KEYS_WORN. TLS 1.3
// changes them in passing.
struct vst_tls_server_options {
    // sizeof(vst_tls_server_options). Not less than 112 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // VST_TLS_SERVER_*.
    uint64_t flags;
    // How many certificates identities points to, from 1 to 65,536.
    uint32_t identity_count;
    // VST_CLIENT_AUTH_*.
    uint32_t client_auth;
    // VST_TLS_1_2, VST_TLS_1_3 or 0.
    uint32_t min_version;
    // VST_TLS_1_2, VST_TLS_1_3 or 0.
    uint32_t max_version;
    // How long a session can be resumed, in seconds; each resumption begins it anew. Default 43,200,
    // at most 604,800, seven days (RFC 8446 section 4.6.1).
    uint32_t ticket_lifetime_s;
    // How long a client's certificate holds after it was verified, in seconds: no resumption takes a
    // session beyond that, nor beyond the end of the certificate's validity. Then the client makes a
    // full handshake. The shorter of the two times holds where clients are asked. Default 3,600.
    uint32_t client_ticket_lifetime_s;
    // Our certificates, which are presented and not verified: chosen by the name a client asks for,
    // exact, then wildcard; the first is the default. Read during the call.
    const vst_identity *identities;
    // The authorities that client certificates are verified against. One of these certificates that
    // a client shows itself, as what openssl req -x509 makes, is taken while it is valid.
    vst_pem client_ca;
    // Their revocation lists, or none.
    vst_pem client_crl;
    // Application protocols, the preferred first, separated by commas: h2,http/1.1. A client that
    // offers some and none of these is refused (RFC 7301 section 3.2). NULL: none.
    const char *alpn;
    // Sessions kept for clients that take no ticket. Default 256, at most
    // VST_TLS_SESSIONS_MOST; VST_TLS_SERVER_NO_SESSION_CACHE keeps none.
    uint64_t session_cache;
};

// How outgoing connections speak TLS. A field that is 0 stands for its default, so that all zero
// but size is the defaults; vst_tls_client_options_init writes them.
//
// X25519MLKEM768 is offered first (not with ring), then X25519, P-256 and P-384; see
// VST_TLS_CLIENT_NO_POST_QUANTUM. A connection of TLS 1.2 ends when its keys are worn, as in
// vst_tls_server_options.
struct vst_tls_client_options {
    // sizeof(vst_tls_client_options). Not less than 96 bytes.
    uint32_t size;
    // How long a server's certificate holds after it was verified, in seconds: no resumption takes a
    // session beyond that, nor beyond the end of the certificate's validity. Default and most:
    // 604,800, seven days (RFC 8446 section 4.6.1).
    uint32_t session_lifetime_s;
    // VST_TLS_CLIENT_*.
    uint64_t flags;
    // VST_TLS_1_2, VST_TLS_1_3 or 0.
    uint32_t min_version;
    // VST_TLS_1_2, VST_TLS_1_3 or 0.
    uint32_t max_version;
    // The authorities that servers are verified against; none: those that the system trusts, from
    // where distributions keep them. No environment variable changes the place. One of these
    // certificates that a server shows itself, as what openssl req -x509 makes, is taken for the
    // names in its subjectAltName and while it is valid.
    vst_pem ca;
    // Their revocation lists, or none.
    vst_pem crl;
    // Our certificate, for servers that ask for one, or NULL. Read during the call.
    const vst_identity *identity;
    // Application protocols to offer, as in vst_tls_server_options.
    const char *alpn;
    // Sessions kept for resumption. Default 256, at most VST_TLS_SESSIONS_MOST;
    // VST_TLS_CLIENT_NO_SESSION_CACHE keeps none.
    uint64_t session_cache;
};

// Fills options with the defaults. size is sizeof(vst_tls_server_options).
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
//
// Needs:
// options points to size writable bytes.
vst_status vst_tls_server_options_init(vst_tls_server_options *options,
                                       uint32_t size);

// Makes the TLS configuration of incoming connections: reads every file and checks everything that
// can be checked before a client comes.
//
// options is read and not kept. *out is the configuration, or NULL on failure; free it with
// vst_tls_server_free. On failure why, unless NULL, gets a sentence that names the file, the
// line, what is wrong and what to do about it, cut to why_size bytes with its NUL. On success it is
// empty, or a note: that a certificate has expired, or is not valid yet.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag or number); VST_E_CONFIG.
//
// Needs:
// options points to as many bytes as its size says, and its texts, files and memory to what
// their fields say; out to a pointer; why to why_size writable bytes.
vst_status vst_tls_server_new(const vst_tls_server_options *options,
                              vst_tls_server **out,
                              char *why,
                              size_t why_size);

// Makes the TLS configuration of incoming connections with a throw-away, self-signed certificate
// for names (separated by commas: DNS names, addresses): no client trusts it, and its key exists
// only in memory. For development.
//
// Otherwise as vst_tls_server_new.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT; VST_E_CONFIG; VST_E_UNSUPPORTED (built without it).
//
// Needs:
// names is a NUL-terminated string; out points to a pointer; why to why_size writable bytes.
vst_status vst_tls_server_self_signed(const char *names,
                                      vst_tls_server **out,
                                      char *why,
                                      size_t why_size);

// Tells when a certificate of ours ends: that of identities[index]. *not_after is the last second
// at which it is valid, since 1970 in UTC.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (no certificate has this index: *not_after is 0).
//
// Needs:
// tls is a handle that is not freed; not_after points to a number.
vst_status vst_tls_server_not_after(const vst_tls_server *tls,
                                    uint32_t index,
                                    uint64_t *not_after);

// Frees a handle. Configurations and connections that use it keep what it stands for. NULL is
// fine.
//
// Legal from any thread and any callback.
//
// Needs:
// tls is NULL or a handle that is not freed.
void vst_tls_server_free(vst_tls_server *tls);

// Takes the secrets of the connections since the last call, as lines of the NSS key log format
// that a protocol analyser reads. Only with VST_TLS_SERVER_KEY_LOG.
//
// The text has no NUL; *len is its length. When capacity does not suffice nothing is taken,
// and *len says what is needed. Legal from any thread and any callback.
// Returns VST_OK; VST_E_SPACE; VST_E_NULL.
//
// Needs:
// tls is a handle that is not freed; text points to capacity writable bytes; len to a size.
vst_status vst_tls_server_take_key_log(const vst_tls_server *tls,
                                       char *text,
                                       size_t capacity,
                                       size_t *len);

// Fills options with the defaults. size is sizeof(vst_tls_client_options).
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
//
// Needs:
// options points to size writable bytes.
vst_status vst_tls_client_options_init(vst_tls_client_options *options,
                                       uint32_t size);

// Makes the TLS configuration of outgoing connections.
//
// Otherwise as vst_tls_server_new; free it with vst_tls_client_free.
//
// Needs:
// As vst_tls_server_new.
vst_status vst_tls_client_new(const vst_tls_client_options *options,
                              vst_tls_client **out,
                              char *why,
                              size_t why_size);

// Tells when the certificate that we show to servers ends, as vst_tls_server_not_after does.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_STATE (there is no such certificate: *not_after is 0).
//
// Needs:
// tls is a handle that is not freed; not_after points to a number.
vst_status vst_tls_client_not_after(const vst_tls_client *tls,
                                    uint64_t *not_after);

// Frees a handle, as vst_tls_server_free does.
//
// Needs:
// tls is NULL or a handle that is not freed.
void vst_tls_client_free(vst_tls_client *tls);

// Takes the secrets of outgoing connections, as vst_tls_server_take_key_log does.
//
// Needs:
// As vst_tls_server_take_key_log.
vst_status vst_tls_client_take_key_log(const vst_tls_client *tls,
                                       char *text,
                                       size_t capacity,
                                       size_t *len);

// =================================================================================================
// 10. Connect configurations
//
// What outgoing connections go through before they are open: the source address, a PROXY header, a
// SOCKS server, handlers, TLS, and the bounds of each in time.
// =================================================================================================

// The target is connected to directly.
#define VST_SOCKS_NONE (0)

// The target is a SOCKS server of version 4: IPv4 addresses only.
#define VST_SOCKS_4 (1)

// The target is a SOCKS server of version 4a: IPv4 addresses, and names that the server resolves.
#define VST_SOCKS_4A (2)

// The target is a SOCKS server of version 5 (RFC 1928): addresses of both families and names.
#define VST_SOCKS_5 (3)

// On TLS 1.2, where the end of one side ends both, a half-close is sent at once. Without it a
// half-close is held back until the peer has ended its own side, or, once bytes of the peer are
// waited for, has sent none for tls12_half_close_hold_ns, since a server that is told of an end
// may stop answering.
#define VST_CONNECT_TLS12_HALF_CLOSE_SEND (UINT64_C(1) << 27)

// As VST_ACCEPT_TLS_TRUNCATION_ABORT.
#define VST_CONNECT_TLS_TRUNCATION_ABORT (UINT64_C(1) << 28)

// No PROXY header goes out.
#define VST_SEND_PROXY_NONE (0)

// The PROXY header of version 1: a line of text.
#define VST_SEND_PROXY_V1 (1)

// The PROXY header of version 2: binary, with TLVs.
#define VST_SEND_PROXY_V2 (2)

// A version 2 header carries the application protocol that the client negotiated.
#define VST_PROXY_TLV_ALPN (UINT64_C(1) << 29)

// A version 2 header carries the server name that the client asked for.
#define VST_PROXY_TLV_AUTHORITY (UINT64_C(1) << 30)

// A version 2 header carries the client's TLS: version, certificate name, cipher, algorithms.
#define VST_PROXY_TLV_SSL (UINT64_C(1) << 31)

// A version 2 header carries a checksum over itself.
#define VST_PROXY_TLV_CRC32C (UINT64_C(1) << 32)

// A version 2 header carries a name for this one connection, made by the engine.
#define VST_PROXY_TLV_UNIQUE_ID (UINT64_C(1) << 33)

// What outgoing connections go through. Shared: any number of engines may use it.
struct vst_connect_config;

// What outgoing connections go through. A field that is 0 stands for its default, so that all zero
// but size is the defaults; vst_connect_options_init writes them. In spans of time VST_NEVER
// is no bound.
struct vst_connect_options {
    // sizeof(vst_connect_options). Not less than 96 bytes.
    uint32_t size;
    // VST_SEND_PROXY_*.
    uint32_t send_proxy;
    // VST_CONNECT_*.
    uint64_t flags;
    // VST_PROXY_TLV_*, for version 2.
    uint64_t proxy_tlvs;
    // Where set, TLS. The configuration keeps its own reference: the handle may be freed at once.
    // Needs server_name.
    const vst_tls_client *tls;
    // The name that TLS asks for and that the server's certificate must be valid for: a DNS name or
    // an IP address. Copied.
    const char *server_name;
    // The source address, 192.0.2.1:0, or NULL. Copied.
    const char *source;
    // For the connection and the PROXY header, in nanoseconds. Default 5 s.
    uint64_t timeout_connect_ns;
    // For the TLS handshake, in nanoseconds from its beginning. Default 10 s.
    uint64_t timeout_tls_ns;
    // For everything before the connection is open, in nanoseconds. Default 30 s.
    uint64_t timeout_opening_ns;
    // As in vst_accept_options.
    uint64_t linger_ns;
    // As in vst_accept_options.
    uint64_t drain_ns;
    // As in vst_accept_options.
    uint64_t drain_bytes;
    // As in vst_accept_options.
    const vst_handler *handlers;
    // As in vst_accept_options.
    uint64_t handler_count;
    // VST_SOCKS_*: where not NONE, the target of the connection is a SOCKS server, and is asked to
    // connect to socks_destination before TLS and the session. Its answer counts towards
    // timeout_connect_ns; a refusal ends the connection with VST_WHY_REFUSED and its reason in words.
    uint32_t socks;
    // Must be 0.
    uint32_t _reserved;
    // 192.0.2.1:80, [2001:db8::1]:80 or example.net:80, as far as the version has it. A name is
    // resolved by the server. Copied.
    const char *socks_destination;
    // The user: in versions 4 and 4a a claim of at most 255 bytes; in version 5, with a password, 1 to
    // 255 bytes (RFC 1929), sent if the server asks for them. Or NULL. Copied.
    const char *socks_user;
    // The password, in version 5 only: 1 to 255 bytes, or NULL. It is sent in the clear. Copied.
    const char *socks_password;
    // As in vst_accept_options; here a half-close is held back unless
    // VST_CONNECT_TLS12_HALF_CLOSE_SEND says otherwise.
    uint64_t tls12_half_close_hold_ns;
};

// Fills options with the defaults. size is sizeof(vst_connect_options).
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
//
// Needs:
// options points to size writable bytes.
vst_status vst_connect_options_init(vst_connect_options *options,
                                    uint32_t size);

// Makes a connect configuration: what outgoing connections go through.
//
// Otherwise as vst_accept_config_new; free it with vst_connect_config_free.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag or number, TLVs without
// version 2, SOCKS texts without a version); VST_E_CONFIG (source or socks_destination cannot be
// read, server_name or socks_destination is missing, or the version of SOCKS cannot say what is
// asked).
//
// Needs:
// As vst_accept_config_new.
vst_status vst_connect_config_new(const vst_connect_options *options,
                                  vst_connect_config **out,
                                  char *why,
                                  size_t why_size);

// Frees a handle, as vst_accept_config_free does.
//
// Needs:
// config is NULL or a handle that is not freed.
void vst_connect_config_free(vst_connect_config *config);

// =================================================================================================
// 11. Streams
//
// Two connections joined: from vst_conn_forward or vst_conn_forward_to on the engine moves the
// bytes between them, and the host is told nothing of either until VST_EVENT_STREAM_END.
// =================================================================================================

// A client that ends its side before a server is reached withdraws its request, even when it has
// sent some bytes. Without it such a client is taken to wait for an answer.
#define VST_STREAM_ABORT_ON_CLOSE (UINT64_C(1) << 45)

// Timeouts of streams. Shared: any number of streams and engines may use it.
struct vst_stream_config;

// Timeouts of streams. A field that is 0 stands for its default, so that all zero but size is
// the defaults; vst_stream_options_init writes them. In spans of time VST_NEVER is no bound.
//
// The timeout of a side runs only while something is expected of it: that it sends, or that it
// takes the bytes that are there for it. A side that cannot send or receive because of the other
// (backpressure) is not timed. Of two that could both send, the timeout is that of the side that
// received bytes last, since the next bytes are expected of it; where that side has no timeout,
// that of the other.
struct vst_stream_options {
    // sizeof(vst_stream_options). Not less than 56 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // VST_STREAM_*.
    uint64_t flags;
    // The longest silence of the client, in nanoseconds. Default 300 s.
    uint64_t timeout_client_ns;
    // The longest silence of the server, in nanoseconds. Default 300 s.
    uint64_t timeout_server_ns;
    // The longest silence of either once bytes have gone both ways, in nanoseconds; 0, the default,
    // leaves the two above in force.
    uint64_t timeout_tunnel_ns;
    // The longest silence of a client once the server has ended, in nanoseconds; 0, the default, leaves
    // the others in force.
    uint64_t timeout_client_fin_ns;
    // The longest silence of a server once the client has ended, also where TLS 1.2 holds the end back,
    // in nanoseconds; 0, the default, leaves the others in force.
    uint64_t timeout_server_fin_ns;
};

// Fills options with the defaults. size is sizeof(vst_stream_options).
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
//
// Needs:
// options points to size writable bytes.
vst_status vst_stream_options_init(vst_stream_options *options,
                                   uint32_t size);

// Makes the configuration of streams.
//
// options is read and not kept. *out is the configuration, or NULL on failure; free it with
// vst_stream_config_free. On failure why, unless NULL, gets a sentence, cut to why_size bytes
// with its NUL.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag).
//
// Needs:
// options points to as many bytes as its size says; out to a pointer; why to why_size
// writable bytes.
vst_status vst_stream_config_new(const vst_stream_options *options,
                                 vst_stream_config **out,
                                 char *why,
                                 size_t why_size);

// Frees a handle. Streams that use the configuration keep it. NULL is fine.
//
// Legal from any thread and any callback.
//
// Needs:
// config is NULL or a handle that is not freed.
void vst_stream_config_free(vst_stream_config *config);

// Joins two connections into a stream: from here on the library moves the bytes between them, with
// backpressure, and passes the half-close of each side on to the other.
//
// client is a session; server may be open or still connecting. From then on both ids are good
// only for functions that read, such as vst_conn_describe, and VST_EVENT_STREAM_END is the one
// event that follows. The stream keeps its own reference to config: the handle may be freed at
// once; NULL takes the defaults. *out is the stream's id, or 0.
// Legal on the engine's thread; best in the callback of VST_EVENT_SESSION, right after
// vst_conn_connect: then the client's first bytes leave with the PROXY header.
// Returns VST_OK; VST_E_STATE (one is closing, in a stream, or client is no session yet);
// VST_E_ARGUMENT (they are the same); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_LIMIT;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; config is NULL or a handle that is not freed; out
// points to an id.
vst_status vst_conn_forward(vst_engine *engine,
                            vst_id client,
                            vst_id server,
                            const vst_stream_config *config,
                            void *user,
                            vst_id *out);

// Makes a session the client's side of a stream whose other side is a server of backend, one that
// the backend chooses, with queues and further attempts as it was made with.
//
// The server that a table remembers for the client is asked for first, and the one that was reached is
// remembered: server_id in docs/tables.md.
//
// Each attempt goes through the server's own configuration, on behalf of the client: a PROXY
// header tells its addresses. The client's bytes are kept until a server has taken the first of
// them, so that every attempt sends the same. VST_EVENT_STREAM_END is the one event that follows,
// also when no server can be reached; vst_stream_end says which server it was and how long it
// took. From then on client is good only for functions that read, such as vst_conn_describe.
// The stream keeps its own reference to config: the handle may be freed at once; NULL takes the
// defaults. user comes with the event. *out is the stream's id, or 0.
// Legal on the engine's thread; best in the callback of VST_EVENT_SESSION.
// Returns VST_OK; VST_E_STATE (client is closing, in a stream, or no session yet); VST_E_NULL;
// VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (an id); VST_E_LIMIT; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; config is NULL or a handle that is not freed; out
// points to an id.
vst_status vst_conn_forward_to(vst_engine *engine,
                               vst_id client,
                               vst_id backend,
                               const vst_stream_config *config,
                               void *user,
                               vst_id *out);

// Ends a stream at once: both peers see a reset. VST_EVENT_STREAM_END follows.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_stream_abort(vst_engine *engine,
                            vst_id stream);

// Copies everything about a stream as one line of name=value, for a log or a person: the states of
// both sides, bytes, the search for a server, what it waits for, and how it ends.
//
// The text has no NUL; *len is its length, also when capacity does not suffice. 1,024 bytes
// mostly do. Legal on the engine's thread, before VST_EVENT_STREAM_END.
// Returns VST_OK; VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; text points to capacity writable bytes; len to a
// size.
vst_status vst_stream_describe(vst_engine *engine,
                               vst_id stream,
                               char *text,
                               size_t capacity,
                               size_t *len);

// =================================================================================================
// 12. Backends
//
// A backend is a group of servers, of which each stream gets one: by weight and load, with queues,
// retries and health checks. A backend is made, given servers, and named by vst_conn_forward_to.
// =================================================================================================

// One server after the other, heavier ones more often.
#define VST_BALANCE_ROUND_ROBIN (0)

// The server with the fewest streams for its weight.
#define VST_BALANCE_LEAST_CONNECTIONS (1)

// By the client's address, without its port: a client keeps its server, and when servers come or go
// only the clients move that must. It is the one announced by a header, where one came.
// Clients without an address, those of unix sockets, go round robin.
#define VST_BALANCE_SOURCE (2)

// Two servers are drawn, and the one with fewer streams for its weight is taken: nearly as even as
// the fewest streams, also where several engines share the servers and know nothing of each other.
#define VST_BALANCE_RANDOM (3)

// A stream goes to no other server than the one it was given first. Without it the last attempt is
// made on another one, and so is any when the server is taken to be down.
#define VST_BACKEND_NO_REDISPATCH (UINT64_C(1) << 46)

// No attempt is repeated, whatever retries says.
#define VST_BACKEND_NO_RETRIES (UINT64_C(1) << 47)

// No stream waits for any server, whatever maxqueue says: it is ended where there is no room.
#define VST_BACKEND_NO_QUEUE (UINT64_C(1) << 48)

// The server is used only while no other can be.
#define VST_SERVER_BACKUP (UINT64_C(1) << 49)

// The server has health checks: the check_* fields are used.
#define VST_SERVER_CHECK (UINT64_C(1) << 50)

// The server has no share, whatever weight says: it takes no new streams until
// vst_server_set_weight gives it one.
#define VST_SERVER_NO_WEIGHT (UINT64_C(1) << 51)

// No stream waits for this very server, whatever maxqueue says.
#define VST_SERVER_NO_QUEUE (UINT64_C(1) << 52)

// Checks follow one another exactly, whatever check_jitter says.
#define VST_SERVER_NO_JITTER (UINT64_C(1) << 53)

// The server serves.
#define VST_ADMIN_READY (1)

// The server takes no new streams. Those it has go on, and those that wait for it alone are served.
#define VST_ADMIN_DRAIN (2)

// The server takes nothing and is not checked. Streams it has go on.
#define VST_ADMIN_MAINTENANCE (3)

// How a backend works. A field that is 0 stands for its default, so that all zero but size is
// the defaults; vst_backend_options_init writes them.
//
// Limits and queues are of this one backend of this one engine: a program with several engines
// divides what its servers can bear by their number.
struct vst_backend_options {
    // sizeof(vst_backend_options). Not less than 64 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // VST_BACKEND_*.
    uint64_t flags;
    // VST_BALANCE_*. Default VST_BALANCE_ROUND_ROBIN.
    uint32_t balance;
    // The most streams over all servers at once; others wait. Default UINT32_MAX: no bound.
    uint32_t maxconn;
    // The most streams that may wait for any server; one more is ended. Default 1024; UINT32_MAX is no
    // bound, and VST_BACKEND_NO_QUEUE lets none wait.
    uint32_t maxqueue;
    // Attempts beside the first. Only attempts whose server took no byte are repeated. Default 3;
    // UINT32_MAX is no bound, and VST_BACKEND_NO_RETRIES repeats none.
    uint32_t retries;
    // How long a stream waits for a server with room, in nanoseconds; VST_NEVER is no bound. Default
    // 5 s.
    uint64_t queue_timeout_ns;
    // How long after a failed attempt the same server is left alone, in nanoseconds. Default 1 s; a
    // connect timeout that is shorter is the better choice.
    uint64_t turn_around_ns;
    // Where all chance comes from: the spread of checks over time, what is drawn for
    // VST_BALANCE_RANDOM, and which address belongs to which server for VST_BALANCE_SOURCE.
    // Engines and processes that are to send a client to the same server have the same one here, and
    // the same names of servers. 0, the default, takes a random number.
    uint64_t seed;
    // The host's user data for the backend: it comes with VST_EVENT_SERVER_*. The library neither
    // reads nor frees it.
    void *user;
};

// What was counted of a backend, or of one of its servers.
//
// A backend's counters are the sums of its servers', with what concerns none of them. Its queue is
// that in which streams wait for any server; a server has one for the streams that want it alone.
struct vst_backend_counters {
    // In: sizeof(vst_backend_counters). Not less than 112 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // Streams that have a place at a server now: from the beginning of an attempt to its failure or
    // to the end of the server's connection.
    uint32_t streams;
    // The most there were at once.
    uint32_t streams_most;
    // How many there were in all: every attempt is one.
    uint64_t streams_total;
    // Streams that wait in the queue now.
    uint32_t queued;
    // The most that waited at once.
    uint32_t queued_most;
    // How many waited in all. One whose server went away waited in two queues.
    uint64_t queued_total;
    // Attempts that failed, but for those that failed on our side.
    uint64_t connect_errors_total;
    // Streams that asked again for the same server.
    uint64_t retries_total;
    // Streams that asked for another server than this one.
    uint64_t redispatches_total;
    // Streams that were ended because the queue was full.
    uint64_t queue_full_total;
    // Streams that were ended because they waited too long.
    uint64_t queue_timeouts_total;
    // Health checks that passed.
    uint64_t checks_passed_total;
    // Health checks that failed, but for those that failed on our side.
    uint64_t checks_failed_total;
    // How often a server went down.
    uint64_t downs_total;
    // When a server last went up or down or was given another state, of the clock that drive calls
    // are told, in nanoseconds; 0: never.
    uint64_t last_change_ns;
};

// A server of a backend. A field that is 0 stands for its default, so that all zero but size and
// name is the defaults; vst_server_options_init writes them.
struct vst_server_options {
    // sizeof(vst_server_options). Not less than 144 bytes.
    uint32_t size;
    // Its share beside the others', 1 to 256. Default 1; VST_SERVER_NO_WEIGHT gives it none.
    uint32_t weight;
    // VST_SERVER_*.
    uint64_t flags;
    // Its name, which no other server of the backend has. Copied.
    const char *name;
    // Where it is, one address or several separated by commas, which attempts try in turn:
    // 192.0.2.1:80, [2001:db8::1]:80, unix:/path, unix:@abstract. Copied. NULL: the host
    // looks its name up, VST_EVENT_SERVER_RESOLVE asks for that.
    const char *addresses;
    // What its connections go through; NULL: nothing but TCP, with the defaults of
    // vst_connect_options. The server keeps its own reference: the handle may be freed at once.
    const vst_connect_config *connect;
    // The most streams it carries at once; others wait. Default UINT32_MAX: no bound.
    uint32_t maxconn;
    // The most streams that may wait for this very server. Default 1024; UINT32_MAX is no bound, and
    // VST_SERVER_NO_QUEUE lets none wait.
    uint32_t maxqueue;
    // How long a server without checks stays down, in nanoseconds: then it is tried with real
    // streams, and the first failure brings it down again. Default 10 s; with VST_NEVER it stays down
    // until it is given a state.
    uint64_t trial_ns;
    // What a check goes through; NULL: a TCP connection alone. As for connect, the handle may be
    // freed at once.
    const vst_connect_config *check_connect;
    // Where the check goes; NULL: the server's first address. Copied.
    const char *check_address;
    // What is sent once the connection of a check is open. Copied. May be NULL with a length of 0.
    const uint8_t *check_send;
    // The length of check_send.
    size_t check_send_len;
    // What the answer must begin with. Copied. NULL with a length of 0: none is waited for.
    const uint8_t *check_expect;
    // The length of check_expect.
    size_t check_expect_len;
    // From the beginning of one check to that of the next, in nanoseconds; less than a millisecond is
    // taken as one. Default 2 s.
    uint64_t check_interval_ns;
    // The same while the server is down, in nanoseconds; 0, the default: the same.
    uint64_t check_down_interval_ns;
    // How long a check may take, in nanoseconds; VST_NEVER is no bound. Default 2 s.
    uint64_t check_timeout_ns;
    // By how many percent an interval may be longer or shorter, by chance, so that not all checks
    // are made at the same moment; 1 to 100. Default 10; VST_SERVER_NO_JITTER is none.
    uint32_t check_jitter;
    // How many checks in a row must pass for a server that is down to be up. Default 2.
    uint32_t check_rise;
    // How many checks in a row must fail for a server that is up to be down. Default 3.
    uint32_t check_fall;
    // How many attempts in a row must fail for it to be taken to be down. Default UINT32_MAX: no number
    // of them does that.
    uint32_t connect_errors;
};

// The state of a server.
struct vst_server {
    // In: sizeof(vst_server). Not less than 24 bytes.
    uint32_t size;
    // Its administrative state: VST_ADMIN_READY, VST_ADMIN_DRAIN, VST_ADMIN_MAINTENANCE.
    uint32_t state;
    // 1 while it is up, whatever its administrative state; else 0.
    uint32_t up;
    // Its share.
    uint32_t weight;
    // How many addresses it has.
    uint32_t addresses;
    // 1 while new streams may go to it: ready, up, with a share and an address; else 0.
    uint32_t usable;
};

// Fills options with the defaults. size is sizeof(vst_backend_options).
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
//
// Needs:
// options points to size writable bytes.
vst_status vst_backend_options_init(vst_backend_options *options,
                                    uint32_t size);

// Makes a backend: servers that stand for each other, among which vst_conn_forward_to chooses.
//
// options is read and not kept. It has no servers yet: vst_backend_add_server. *out is its id,
// or 0. It belongs to the engine and is freed with it. On failure why, unless NULL, gets a sentence,
// cut to why_size bytes with its NUL.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag or balance); VST_E_SYSTEM
// (no random number for seed); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; options points to as many bytes as its size says;
// out to an id; why to why_size writable bytes.
vst_status vst_backend_new(vst_engine *engine,
                           const vst_backend_options *options,
                           vst_id *out,
                           char *why,
                           size_t why_size);

// Gives a backend the name by which rules (use_backend, be_conn) and metrics know it.
//
// Otherwise as vst_listener_set_name.
//
// Needs:
// As vst_listener_set_name.
vst_status vst_backend_set_name(vst_engine *engine,
                                vst_id backend,
                                const char *name);

// Writes what a backend has counted.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the
// id); VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; counters points to as many bytes as its size says.
vst_status vst_backend_get_counters(vst_engine *engine,
                                    vst_id backend,
                                    vst_backend_counters *counters);

// Writes what one server has counted: server is its number, from vst_backend_add_server.
//
// Otherwise as vst_backend_get_counters; VST_E_ARGUMENT also for a number that no server has.
//
// Needs:
// As vst_backend_get_counters.
vst_status vst_server_get_counters(vst_engine *engine,
                                   vst_id backend,
                                   uint32_t server,
                                   vst_backend_counters *counters);

// Fills options with the defaults. size is sizeof(vst_server_options).
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
//
// Needs:
// options points to size writable bytes.
vst_status vst_server_options_init(vst_server_options *options,
                                   uint32_t size);

// Adds a server to a backend: it is VST_ADMIN_READY, and up until health checks or failed connects
// say otherwise.
//
// options is read and not kept. *out is its number, from 0 in the order of calls, or
// VST_NO_SERVER on failure. On failure why, unless NULL, gets a sentence, cut to why_size
// bytes with its NUL. Servers are not taken away again: VST_ADMIN_MAINTENANCE puts one out of use.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL (also for name); VST_E_SIZE; VST_E_ARGUMENT (unknown flag, a number
// out of its bounds, the id); VST_E_CONFIG (the name is empty or taken, an address cannot be read);
// VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; options points to as many bytes as its size says, its
// texts to NUL-terminated strings, its bytes to as many as their lengths say, its handles to handles
// that are not freed; out to a number; why to why_size writable bytes.
vst_status vst_backend_add_server(vst_engine *engine,
                                  vst_id backend,
                                  const vst_server_options *options,
                                  uint32_t *out,
                                  char *why,
                                  size_t why_size);

// Changes the share of a server, 0 to 256. With 0 it takes no new streams.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_ARGUMENT (the weight, the id, a number that no server has); VST_E_NULL;
// VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_server_set_weight(vst_engine *engine,
                                 vst_id backend,
                                 uint32_t server,
                                 uint32_t weight);

// Sets the administrative state of a server: state is VST_ADMIN_READY, VST_ADMIN_DRAIN or
// VST_ADMIN_MAINTENANCE. No stream is ended by it.
//
// A server back from maintenance is taken to be up, and on trial: the first failure of any kind
// brings it down. Otherwise as vst_server_set_weight.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_server_set_state(vst_engine *engine,
                                vst_id backend,
                                uint32_t server,
                                uint32_t state);

// Says where a server is, as addresses of vst_server_options: the answer to
// VST_EVENT_SERVER_RESOLVE, and whenever its name leads elsewhere. NULL: nowhere, and it gets no
// streams until it has an address again. Streams that it has go on.
//
// Otherwise as vst_server_set_weight; VST_E_ARGUMENT also for a text that is no address. On
// failure why, unless NULL, gets a sentence, cut to why_size bytes with its NUL.
//
// Needs:
// engine is an engine that is not freed; addresses is NULL or a NUL-terminated string;
// why points to why_size writable bytes.
vst_status vst_server_set_addresses(vst_engine *engine,
                                    vst_id backend,
                                    uint32_t server,
                                    const char *addresses,
                                    char *why,
                                    size_t why_size);

// Writes the state of a server.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (the id, a number that no server has);
// VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; state points to as many bytes as its size says.
vst_status vst_server_state(vst_engine *engine,
                            vst_id backend,
                            uint32_t server,
                            vst_server *state);

// =================================================================================================
// 13. Rules
//
// The tcp-request rules of HAProxy: a text becomes a set of rules, an accept configuration names
// it, and it may be replaced while connections come. A backend that rules choose is asked for with
// vst_conn_chosen_backend.
// =================================================================================================

// tcp-request rules. Shared; connections that began with a set end with it, whatever takes its
// place.
struct vst_rules;

// Makes rules from text, len bytes without a NUL at their end, in the language of
// docs/rules.md. Files that it names with -f are read during the call.
//
// Lines may name the table_count tables of tables beside those that the text defines; the set
// keeps them. Tables that the text defines, and that before has by the same name and definition,
// are those of before, with their entries: pass the set that this one takes the place of, or NULL.
// before is read and not kept.
//
// *out is the set, or NULL on failure; free it with vst_rules_free. On failure why, unless
// NULL, gets what is wrong: line, column, the word and what was expected, then the line itself with a
// caret below, lines parted by LF, cut to why_size bytes with its NUL.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (two tables of one name); VST_E_CONFIG.
//
// Needs:
// text points to len bytes; tables to table_count tables that are not freed; before is NULL
// or a set that is not freed; out points to a pointer; why to why_size writable bytes.
vst_status vst_rules_new(const uint8_t *text,
                         size_t len,
                         const vst_table *const *tables,
                         size_t table_count,
                         const vst_rules *before,
                         vst_rules **out,
                         char *why,
                         size_t why_size);

// Replaces a set of rules: whatever uses rules uses the lines of by from now on. Connections
// that have begun end with what they began with. by is not kept and may be freed.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL.
//
// Needs:
// Both are sets that are not freed.
vst_status vst_rules_replace(vst_rules *rules,
                             const vst_rules *by);

// Checks that every backend that use_backend lines of rules name is one of this engine's: to
// be called when they have their names, before a listener is opened with the rules or others are
// replaced by them. On failure why, unless NULL, gets the first line that names another, and
// what it names, cut to why_size bytes with its NUL.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_CONFIG; VST_E_NULL; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine and rules a set that are not freed; why is NULL or points to why_size
// writable bytes.
vst_status vst_rules_check(vst_engine *engine,
                           const vst_rules *rules,
                           char *why,
                           size_t why_size);

// The backend that a use_backend line of the rules chooses for a session, as things stand now:
// *backend is its id, or 0.
//
// Where a line applies that names no backend of this engine, the session is closed in order:
// VST_EVENT_CLOSED follows, with VST_WHY_DENIED and a text that has the name. vst_rules_check
// finds such lines before a client does.
// Legal on the engine's thread, for a session.
// Returns VST_OK; VST_NONE (no line applies, or there are no rules); VST_E_CONFIG (a line applies that
// names no backend of this engine); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE,
// VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; backend points to an id.
vst_status vst_conn_chosen_backend(vst_engine *engine,
                                   vst_id conn,
                                   vst_id *backend);

// Copies a variable that a rule has set for a connection (set-var(name)): a number or a boolean
// in decimal, an address as text, bytes as they are. *len is its length, also when capacity
// does not suffice.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED.
// Returns VST_OK; VST_NONE (no variable of this name is set); VST_E_SPACE; VST_E_NULL;
// VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; name is a NUL-terminated string; value points to
// capacity writable bytes; len to a size.
vst_status vst_conn_variable(vst_engine *engine,
                             vst_id conn,
                             const char *name,
                             void *value,
                             size_t capacity,
                             size_t *len);

// Frees a handle. Configurations and connections that use it keep what it stands for. NULL is
// fine.
//
// Legal from any thread and any callback.
//
// Needs:
// rules is NULL or a handle that is not freed.
void vst_rules_free(vst_rules *rules);

// =================================================================================================
// 14. Stick tables
//
// What is remembered of a key, an address mostly, from one connection to the next, by all engines
// and threads that share the table. Rules track and ask; a host may read, set and list the entries.
// =================================================================================================

// The key is an address: bytes are the 4 of IPv4 or the 16 of IPv6, in network order.
#define VST_KEY_IP (0)

// The key is integer.
#define VST_KEY_INTEGER (1)

// The key is bytes, of a table of strings or of blocks.
#define VST_KEY_BYTES (2)

// The number of the server that streams of the key go to; 0 is none.
#define VST_DATA_SERVER_ID (0)

// The tag of the host's own.
#define VST_DATA_GPT0 (1)

// How often the first counter was counted in the last period.
#define VST_DATA_GPC0_RATE (2)

// Connections, refused ones among them.
#define VST_DATA_CONN_CNT (3)

// Connections in the last period.
#define VST_DATA_CONN_RATE (4)

// Connections that exist.
#define VST_DATA_CONN_CUR (5)

// Sessions.
#define VST_DATA_SESS_CNT (6)

// Sessions in the last period.
#define VST_DATA_SESS_RATE (7)

// Bytes from the clients.
#define VST_DATA_BYTES_IN_CNT (8)

// Bytes from the clients in the last period.
#define VST_DATA_BYTES_IN_RATE (9)

// Bytes to the clients.
#define VST_DATA_BYTES_OUT_CNT (10)

// Bytes to the clients in the last period.
#define VST_DATA_BYTES_OUT_RATE (11)

// The first counter of the host's own; VST_DATA_GPC + n is the one with index n, up to 99.
#define VST_DATA_GPC (256)

// What is remembered about a key, such as the address of a client, from one connection to the next.
// Shared by engines in any threads; every function on it may be called from any thread.
struct vst_table;

// The entries of a table as they are, one after the other. Used by one thread at a time.
struct vst_table_snapshot;

// A key. Tables of addresses take VST_KEY_IP, those of integers VST_KEY_INTEGER, those of strings
// and of blocks VST_KEY_BYTES.
struct vst_table_key {
    // VST_KEY_*.
    uint32_t form;
    // The number of VST_KEY_INTEGER, else 0.
    uint32_t integer;
    // The bytes of the others, read during the call; NULL for none. Any bytes, NUL as well.
    const uint8_t *bytes;
    // How many.
    size_t len;
};

// How full a table is.
struct vst_table_counters {
    // In: sizeof(vst_table_counters). Not less than 40 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // Entries, with those that have expired and are not gone yet.
    uint64_t entries;
    // The most there can be.
    uint64_t entries_max;
    // How often a key was not tracked or set because the table was full.
    uint64_t refused_total;
    // Entries that made room for others before they expired.
    uint64_t purged_total;
};

// One entry of a snapshot.
struct vst_table_row {
    // In: sizeof(vst_table_row). Not less than 48 bytes.
    uint32_t size;
    // How many connections hold the entry.
    uint32_t holders;
    // Which entry it is: no other of the table has the number as long as the entry exists.
    uint64_t number;
    // How long until it expires if it is not used, in nanoseconds; VST_NEVER if it does not.
    uint64_t expires_in_ns;
    // The key. Its bytes belong to the snapshot and are valid until the next call on it.
    vst_table_key key;
};

// Makes a table from its definition, which is what follows stick-table in a configuration of
// HAProxy: type ip size 100k expire 10m store conn_cur,conn_rate(10s). docs/tables.md has all
// words.
//
// name is what it is called in dumps and rules. *out is the table, or NULL on failure; free it
// with vst_table_free. On failure why, unless NULL, gets a sentence that names the column, the
// word and what belongs there, cut to why_size bytes with its NUL.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (not UTF-8); VST_E_CONFIG.
//
// Needs:
// name and definition are NUL-terminated strings; out points to a pointer; why to why_size
// writable bytes.
vst_status vst_table_new(const char *name,
                         const char *definition,
                         vst_table **out,
                         char *why,
                         size_t why_size);

// Frees a handle. Connections, rules and snapshots that use the table keep what it stands for.
// NULL is fine.
//
// Legal from any thread and any callback.
//
// Needs:
// table is NULL or a handle that is not freed.
void vst_table_free(vst_table *table);

// Looks up what is known of a key. This does not count as a use: the entry expires when it would
// have without it.
//
// data is VST_DATA_*. now_ns is the time, or 0 to have the clock read. *value is 0 unless it
// is found.
// Legal from any thread and any callback.
// Returns VST_OK; VST_NONE (no such entry); VST_E_NULL; VST_E_ARGUMENT (the table does not store it,
// or has no such keys; an address of another length than 4 or 16).
//
// Needs:
// table is a handle that is not freed; key points to a key, and its bytes to len bytes;
// value to a u64.
vst_status vst_table_get(const vst_table *table,
                         const vst_table_key *key,
                         uint32_t data,
                         uint64_t now_ns,
                         uint64_t *value);

// Sets what is known of a key, whose entry is made if there is none, and used. A rate begins a period
// with the value. Connections that exist are counted and cannot be set.
//
// data is VST_DATA_*. now_ns is the time, or 0 to have the clock read.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (as vst_table_get); VST_E_STATE
// (VST_DATA_CONN_CUR); VST_E_LIMIT (the table is full and nothing may make room).
//
// Needs:
// As vst_table_get.
vst_status vst_table_set(const vst_table *table,
                         const vst_table_key *key,
                         uint32_t data,
                         uint64_t value,
                         uint64_t now_ns);

// Forgets a key, unless a connection holds its entry.
//
// now_ns is the time, or 0 to have the clock read.
// Legal from any thread and any callback.
// Returns VST_OK; VST_NONE (no such entry); VST_E_STATE (a connection holds it); VST_E_NULL;
// VST_E_ARGUMENT (the table has no such keys).
//
// Needs:
// As vst_table_get.
vst_status vst_table_remove(const vst_table *table,
                            const vst_table_key *key,
                            uint64_t now_ns);

// Forgets every key whose entry no connection holds; *cleared, unless NULL, is how many.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL.
//
// Needs:
// table is a handle that is not freed; cleared is NULL or points to a u64.
vst_status vst_table_clear(const vst_table *table,
                           uint64_t *cleared);

// Tells how full a table is.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
//
// Needs:
// table is a handle that is not freed; counters points to as many bytes as its size says.
vst_status vst_table_get_counters(const vst_table *table,
                                  vst_table_counters *counters);

// Writes the table as text, in the form of HAProxy's show table: a line about the table, then one
// about each entry. What is no printable character in a key is escaped.
//
// The text has no NUL; *len is its length. When capacity does not suffice nothing is written, and
// *len says what was needed; others may have added entries until the next call. A table of any size
// is better read through a snapshot.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_SPACE; VST_E_NULL.
//
// Needs:
// table is a handle that is not freed; text points to capacity writable bytes; len to a size.
vst_status vst_table_dump(const vst_table *table,
                          uint64_t now_ns,
                          char *text,
                          size_t capacity,
                          size_t *len);

// Makes a snapshot: the entries of a table, to be read one by one. The table is copied a part at a
// time, so that other threads do not wait for the reader. An entry that is there all the time is
// seen once; one that comes or goes meanwhile may be or not, and of a key that goes and comes
// again both may be.
//
// now_ns is the time for all of it, or 0 to have the clock read. *out is the snapshot, or NULL;
// free it with vst_table_snapshot_free.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL.
//
// Needs:
// table is a handle that is not freed; out points to a pointer.
vst_status vst_table_snapshot_new(const vst_table *table,
                                  uint64_t now_ns,
                                  vst_table_snapshot **out);

// Goes on to the next entry of a snapshot and writes it.
//
// Legal from any thread and any callback, one thread at a time.
// Returns VST_OK; VST_NONE (there is no further entry); VST_E_NULL; VST_E_SIZE.
//
// Needs:
// snapshot is a handle that is not freed and that nobody else uses; row points to as many bytes as
// its size says.
vst_status vst_table_snapshot_next(vst_table_snapshot *snapshot,
                                   vst_table_row *row);

// Reads what the entry holds that vst_table_snapshot_next has written last.
//
// data is VST_DATA_*. *value is 0 unless it is stored.
// Legal from any thread and any callback, one thread at a time.
// Returns VST_OK; VST_NONE (there is no entry); VST_E_NULL; VST_E_ARGUMENT (the table does not store
// it).
//
// Needs:
// snapshot is a handle that is not freed; value points to a u64.
vst_status vst_table_snapshot_value(const vst_table_snapshot *snapshot,
                                    uint32_t data,
                                    uint64_t *value);

// Frees a snapshot. NULL is fine.
//
// Legal from any thread and any callback.
//
// Needs:
// snapshot is NULL or a handle that is not freed.
void vst_table_snapshot_free(vst_table_snapshot *snapshot);

// =================================================================================================
// 15. Handlers of the host's own
//
// A step of the host's between the others, before or behind TLS: it looks at bytes, answers,
// refuses, or says that its answer comes later. It is asked through the step callback;
// vst_handler_peek, _consume and _send serve it meanwhile, and vst_conn_handler_done, or a waker,
// brings an answer that came later.
// =================================================================================================

// The handler is done: the connection goes on. Bytes that it has not consumed go to the next
// handler, or to TLS, or to the session.
#define VST_NEXT_DONE (0)

// The handler is to be asked again when bytes, or the end, have come.
#define VST_NEXT_READ (1)

// The handler is to be asked again when there is room to send.
#define VST_NEXT_WRITE (2)

// The handler answers later, by vst_conn_handler_done or vst_waker_post, with the ticket.
// Nothing is read meanwhile: a reset ends the connection, the end of the peer's side is noticed
// afterwards.
#define VST_NEXT_LATER (3)

// The handler refuses the connection, with code and text.
#define VST_NEXT_FAIL (4)

// The peer has ended its side: no further byte comes.
#define VST_STEP_ENDED (512)

// The handler runs after the TLS handshake and sees decrypted bytes. Without this flag it runs
// before TLS and sees the bytes on the wire.
#define VST_HANDLER_BEHIND_TLS (UINT64_C(1) << 36)

// A question to a handler, and what goes with its answer. The library's memory, valid until the
// callback returns.
struct vst_step {
    // In: sizeof(vst_step) of the library.
    uint32_t size;
    // In: VST_STEP_ENDED.
    uint32_t flags;
    // In: the connection. Legal for it are vst_handler_peek, vst_handler_consume,
    // vst_handler_send, vst_conn_abort, and functions that only read, such as
    // vst_conn_describe.
    vst_id conn;
    // In: the host's user data for the connection.
    void *user;
    // In and out: the host's user data for the connection in this handler; NULL at first. When the
    // handler is through with the connection, in whatever way, discard gets it once, unless it
    // is NULL or the engine has answered VST_E_PANIC.
    void *state;
    // In: what an answer that comes later brings back. No two questions of a connection have the
    // same.
    uint32_t ticket;
    // Out, with VST_NEXT_FAIL: a code of the host's own, which the end report has.
    int32_t code;
    // Out, with VST_NEXT_FAIL: a sentence in UTF-8, NUL-terminated, which the end report has. Copied
    // when the callback returns. NULL: a general one.
    const char *text;
};

// Asks a handler about a connection. data is that of the vst_handler. It answers VST_NEXT_*;
// any other number fails the connection. Which functions may be called from here: see Callbacks at
// the top of this header.
typedef int32_t (*vst_step_fn)(void *data,
                               vst_engine *engine,
                               vst_step *step);

// A handler is through with a connection: frees state, which is not NULL. Called on the engine's
// thread; also by vst_engine_free, but not for an engine that has answered VST_E_PANIC. No
// function on an engine, a loop or a waker may be called from here: it answers VST_E_REENTRANT.
typedef void (*vst_discard_fn)(void *data,
                               void *state);

// A handler of the host's own: a step between what the library does itself.
struct vst_handler {
    // sizeof(vst_handler), the same in all of a list. Not less than 48 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // VST_HANDLER_BEHIND_TLS.
    uint64_t flags;
    // Asked on the engine's thread, from within a call on the engine.
    vst_step_fn step;
    // Optional.
    vst_discard_fn discard;
    // Handed to both. The library neither reads nor frees it; it stays valid until the engines that
    // use the configuration are freed.
    void *data;
    // How long it may take, in nanoseconds from when it is first asked. Default VST_NEVER: only
    // timeout_opening_ns bounds it.
    uint64_t timeout_ns;
};

// Gives the answer that a handler announced with VST_NEXT_LATER: any other VST_NEXT_*. code and
// text (UTF-8, NUL-terminated, or NULL) go with VST_NEXT_FAIL.
//
// Legal on the engine's thread, also from the handler's own step.
// Returns VST_OK; VST_E_STALE (the connection is gone, or waits for no such ticket: it has been
// answered, or its time was over); VST_E_ARGUMENT; VST_E_KIND, VST_E_ENGINE; VST_E_NULL;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; text is NULL or a NUL-terminated string.
vst_status vst_conn_handler_done(vst_engine *engine,
                                 vst_id conn,
                                 uint32_t ticket,
                                 int32_t answer,
                                 int32_t code,
                                 const char *text);

// Copies the first bytes that came for a handler into buffer, at most capacity.
//
// *len is how many there are in all. They stay: vst_handler_consume drops them. The library
// reads on only when a step answers VST_NEXT_READ, until 16 KiB are held; then such an answer
// refuses the connection.
// Legal on the engine's thread, from the call of the handler's step until the handler has
// answered; after VST_NEXT_LATER, until the answer that comes later.
// Returns VST_OK; VST_E_STATE (no handler is asked); VST_E_NULL; VST_E_STALE, VST_E_KIND,
// VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; buffer points to capacity writable bytes; len to a
// size.
vst_status vst_handler_peek(vst_engine *engine,
                            vst_id conn,
                            void *buffer,
                            size_t capacity,
                            size_t *len);

// Drops the first count bytes that came for a handler: the next handler, TLS and the session do
// not get them.
//
// Legal on the engine's thread, from the call of the handler's step until the handler has
// answered; after VST_NEXT_LATER, until the answer that comes later.
// Returns VST_OK; VST_E_ARGUMENT (there are not so many); VST_E_STATE (no handler is asked);
// VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_handler_consume(vst_engine *engine,
                               vst_id conn,
                               size_t count);

// Sends bytes of a handler: all or a part.
//
// *taken is how many, 0 unless VST_OK; those bytes are copied. VST_WAIT: none can be taken now;
// a step that answers VST_NEXT_WRITE is asked again when some can.
// Legal on the engine's thread, from the call of the handler's step until the handler has
// answered; after VST_NEXT_LATER, until the answer that comes later.
// Returns VST_OK; VST_WAIT; VST_E_RESET and VST_E_FAILED (the connection is over); VST_E_STATE (no
// handler is asked); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; bytes points to size readable bytes; taken to a
// size.
vst_status vst_handler_send(vst_engine *engine,
                            vst_id conn,
                            const void *bytes,
                            size_t size,
                            size_t *taken);

// =================================================================================================
// 16. Monitors and metrics
//
// Monitors are sources, such as the health checks of a load balancer, that are answered by the
// library instead of becoming sessions, so that they need not speak the protocol of the service.
// Metrics are what has been counted, as text for Prometheus or as numbers.
// =================================================================================================

// The text alone: OK, or FAIL.
#define VST_ANSWER_TEXT (1)

// A response of HTTP/1.0: 200, or 503.
#define VST_ANSWER_HTTP (2)

// A response of HTTP/1.0: 200, also while a failure is told of, with the text of
// vst_metrics_text, made anew for each connection. A connection holds it until the peer has taken
// it: max_conns of the listener bounds how many do.
#define VST_ANSWER_METRICS (3)

// Bytes of the host's own.
#define VST_ANSWER_BYTES (4)

// The longest answer of the host's own, in bytes.
#define VST_ANSWER_MOST (16384)

// Every source is a monitor: the listener serves monitors alone.
#define VST_MONITOR_EVERYONE (UINT64_C(1) << 34)

// Sources of monitor_net may be in accept_proxy or accept_cip too: it is meant that no header is
// read of them.
#define VST_MONITOR_TRUSTED (UINT64_C(1) << 35)

// Which sources are monitors (health checks of load balancers, and the like), and what they are
// answered before they are closed. Zero it, then set size and the fields that are wanted. A
// monitor is recognised by the socket's own source address, before anything it sends is read: it
// needs no PROXY header and gets no TLS, and never becomes a session. Its end is no event, unless
// the host accepted the descriptor itself; it is counted in vst_engine_counters.monitored_total.
//
// The answer tells of a failure while vst_listener_set_monitor_fail says so of the listener that
// the connection came from, and from the first stage of vst_engine_drain on. TEXT and BYTES are
// sent at once. HTTP and METRICS follow the first byte of the request, or the end of the peer's side,
// within timeout_proxy_ns; nothing more of the request is looked at. The answer is to leave within
// linger_ns. What the peer still sends is then read and thrown away, as drain_ns and
// drain_bytes allow, so that no reset destroys the answer.
struct vst_monitor_options {
    // sizeof(vst_monitor_options). Not less than 56 bytes.
    uint32_t size;
    // VST_ANSWER_*. Default VST_ANSWER_TEXT.
    uint32_t answer;
    // VST_MONITOR_*.
    uint64_t flags;
    // The sources, as in vst_accept_options.accept_proxy; NULL with VST_MONITOR_EVERYONE.
    const char *monitor_net;
    // With VST_ANSWER_BYTES: what is sent while all is well, 1 to VST_ANSWER_MOST bytes. Copied.
    const void *well;
    // Length of well in bytes.
    size_t well_len;
    // With VST_ANSWER_BYTES: what is sent while it is not, 1 to VST_ANSWER_MOST bytes. Copied.
    const void *failing;
    // Length of failing in bytes.
    size_t failing_len;
};

// What became of the connections of a listener.
struct vst_listener_counters {
    // In: sizeof(vst_listener_counters). Not less than 40 bytes.
    uint32_t size;
    // Connections that exist.
    uint32_t conns;
    // Connections accepted.
    uint64_t accepted_total;
    // Connections that became sessions.
    uint64_t sessions_total;
    // Connections that ended before that.
    uint64_t refused_total;
    // Connections of monitors, which are neither.
    uint64_t monitored_total;
};

// Says whether the monitors of a listener are told of a failure: fail is 0 or 1. It holds for
// answers that are not made yet, and changes nothing else.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (neither 0 nor 1, the id); VST_E_STALE, VST_E_KIND,
// VST_E_ENGINE (the id); VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_listener_set_monitor_fail(vst_engine *engine,
                                         vst_id listener,
                                         uint32_t fail);

// Writes what became of the connections of a listener.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the
// id); VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; counters points to as many bytes as its size says.
vst_status vst_listener_get_counters(vst_engine *engine,
                                     vst_id listener,
                                     vst_listener_counters *counters);

// Copies everything the engine counts as text, in the exposition format that Prometheus reads
// (version 0.0.4): engine, listeners, backends and servers, operations, TLS, and the tables that rules
// of its listeners can name. Listeners and backends are labelled with the name that they were given
// (vst_listener_set_name, vst_backend_set_name), without one with the address that was asked for
// (port 0 stays 0) or number, and with a number: that of a freed one is given again. Tables are labelled
// with their name, and a number that counts those of one name.
//
// The text has no NUL; *len is its length, and the length that is needed with VST_E_SPACE. It
// grows with the listeners, servers and tables, not with the connections. Legal on the engine's
// thread.
// Returns VST_OK; VST_E_SPACE; VST_E_NULL; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; text points to capacity writable bytes; len to a
// size.
vst_status vst_metrics_text(vst_engine *engine,
                            char *text,
                            size_t capacity,
                            size_t *len);

// =================================================================================================
// 17. Wakers
//
// The one object by which other threads reach an engine: it brings an answer of a handler to the
// engine's thread, and wakes that thread.
// =================================================================================================

// Brings answers of handlers from other threads to an engine, and wakes its thread. It does not
// keep the engine alive: after vst_engine_free it answers VST_E_GONE.
struct vst_waker;

// Gives a waker of the engine. *out is one, or NULL; free it with vst_waker_free, before or
// after the engine. An engine may have any number of them.
//
// With the first waker of an engine the host's poller is told to watch one more descriptor, unless
// the engine was made with wake.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SYSTEM (no descriptor can be had); VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; out points to a pointer.
vst_status vst_engine_waker(vst_engine *engine,
                            vst_waker **out);

// Brings the answer of a handler whose step answered VST_NEXT_LATER: answer is VST_NEXT_DONE,
// VST_NEXT_READ, VST_NEXT_WRITE or VST_NEXT_FAIL (with code, and a general sentence); ticket
// is that of the vst_step. The engine takes it in its next vst_engine_run, vst_engine_ready,
// vst_engine_ready_batch or vst_engine_ready_fd, not in vst_engine_wait; its thread is woken
// for that. An answer to a connection that is gone by then is dropped.
//
// Legal from any thread, from several at once, and from the callbacks event, step, fdset,
// fdclr, interest and timer; not from a signal handler.
// Returns VST_OK; VST_E_GONE (the engine is freed); VST_E_LIMIT (4,096 answers wait: drive the
// engine, and try again); VST_E_ARGUMENT; VST_E_NULL; VST_E_REENTRANT.
//
// Needs:
// waker is a waker that is not freed.
vst_status vst_waker_post(vst_waker *waker,
                          vst_id conn,
                          uint32_t ticket,
                          int32_t answer,
                          int32_t code);

// Frees a waker. NULL is fine.
//
// Legal from any thread and any callback, before or after the engine is freed.
//
// Needs:
// waker is NULL or a waker that is not freed.
void vst_waker_free(vst_waker *waker);

// =================================================================================================
// 18. The built-in loop
//
// For programs that have no poller. It is a host like any other, and uses nothing of the library
// that another could not.
// =================================================================================================

// A loop with an engine in it. It belongs to the thread that runs it; vst_loop_stop alone may be
// called from anywhere.
struct vst_loop;

// Makes a loop and the engine that it hosts.
//
// options is as for vst_engine_new, with event, and without fdset, fdclr, interest,
// timer, wake and now_ns, which are the loop's own; trigger is ignored. *out is the loop, or
// NULL on failure; free it with vst_loop_free. sys_errno, unless NULL, gets the errno behind
// VST_E_SYSTEM, else 0. On failure why, unless NULL, gets a sentence, cut to why_size bytes with
// its NUL.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT; VST_E_LIMIT; VST_E_SYSTEM;
// VST_E_UNSUPPORTED (built without it).
//
// Needs:
// options points to as many bytes as its size says; out to a pointer; sys_errno is NULL or
// points to an int; why points to why_size writable bytes.
vst_status vst_loop_new(const vst_engine_options *options,
                        vst_loop **out,
                        int32_t *sys_errno,
                        char *why,
                        size_t why_size);

// Writes the engine of a loop, for every other function. It is the loop's: never free it.
//
// Legal from any thread; from log, wake and discard it answers VST_E_REENTRANT.
// Returns VST_OK; VST_E_NULL; VST_E_REENTRANT; VST_E_UNSUPPORTED.
//
// Needs:
// loop is a loop that is not freed; engine points to a pointer.
vst_status vst_loop_engine(vst_loop *loop,
                           vst_engine **engine);

// Runs the loop: until vst_loop_stop is called, or for one round of waiting and handling.
//
// most_ns is the longest wait of one round, in nanoseconds: with 0 it does what is ready and
// returns; with VST_NEVER it runs until vst_loop_stop. If vst_loop_stop was called before, it
// returns after one round.
// Legal on the loop's thread, outside callbacks.
// Returns VST_OK (stopped); VST_WAIT (the round is over); VST_E_SYSTEM; VST_E_NULL; VST_E_THREAD;
// VST_E_REENTRANT; VST_E_PANIC; VST_E_POISONED; VST_E_UNSUPPORTED.
//
// Needs:
// loop is a loop that is not freed.
vst_status vst_loop_run(vst_loop *loop,
                        uint64_t most_ns);

// Lets vst_loop_run return, now or when it is called next.
//
// Legal from any thread, any callback and any signal handler.
// Returns VST_OK; VST_E_NULL; VST_E_SYSTEM; VST_E_UNSUPPORTED.
//
// Needs:
// loop is a loop that is not freed.
vst_status vst_loop_stop(vst_loop *loop);

// Frees a loop and its engine, as vst_engine_free does. NULL is fine.
//
// Returns as vst_engine_free.
//
// Needs:
// loop is NULL or a loop that is not freed.
vst_status vst_loop_free(vst_loop *loop);

// =================================================================================================
// 19. Versions
//
// Which library this is, what it was built with, and the names of its numbers.
// =================================================================================================

// The version of the binary interface that this header describes. A program that loads the library
// at run time compares it with vst_abi_version() and uses nothing when they differ. Functions,
// constants and the ends of structs may be added under the same number; nothing else changes.
#define VST_ABI_VERSION (1)

// The library has the built-in loop, vst_loop_*.
#define VST_FEATURE_LOOP (1)

// The library can make throw-away certificates, vst_tls_server_self_signed.
#define VST_FEATURE_SELF_SIGNED (2)

// TLS uses aws-lc.
#define VST_FEATURE_AWS_LC (4)

// TLS uses ring.
#define VST_FEATURE_RING (8)

// The version of the binary interface that the library has, to be compared with VST_ABI_VERSION.
//
// Legal from any thread and any callback.
uint32_t vst_abi_version(void);

// The version of the library as text, 0.1.0, NUL-terminated, valid for ever.
//
// Legal from any thread and any callback.
const char *vst_version(void);

// Writes what this build of the library has, a mask of VST_FEATURE_*.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL.
//
// Needs:
// features points to a writable integer.
vst_status vst_features(uint64_t *features);

// The name of an operation, VST_OP_*, as it is printed: ACCEPT_PROXY. 0 is SESSION, and a number
// that no operation has UNKNOWN. NUL-terminated, valid for ever.
//
// Legal from any thread and any callback.
const char *vst_op_name(uint32_t op);

// The name of a reason, VST_WHY_*, as it is printed: TIMED_OUT. 0 is OK, and a number that no
// reason has UNKNOWN. NUL-terminated, valid for ever.
//
// Legal from any thread and any callback.
const char *vst_why_name(uint32_t why);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // VESTIBULE_H
