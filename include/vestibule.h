// vestibule: an embeddable connection layer.
//
// The host is the program that uses the library. It has a poller (epoll, libevent, libuv, its own)
// and hands the readiness of descriptors in. The library accepts and opens connections, does their
// handshakes (PROXY headers, rules, TLS), and gives the host sessions to read and write, or moves the
// bytes of proxied streams itself. It starts no thread, has no loop unless asked (vst_loop_new),
// handles no signal, and calls the host only through the callbacks that the host gave it.
//
// The usual order of calls; each may fail, and those with why then write a sentence there:
//
//     vst_engine_options options = {.size = sizeof options, .event = on_event};
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
// watch, forget and on_event are functions of the host. on_event gets VST_EVENT_SESSION with the id of
// a session, and calls vst_conn_recv, vst_conn_send and vst_conn_close with it, or vst_conn_forward to
// join it with a connection to a server.
//
// Terms
// - Peer: the program at the other end of a connection.
// - Drive call: vst_engine_ready, vst_engine_ready_batch, vst_engine_ready_fd, vst_engine_run or
//   vst_engine_wait.
// - Outermost call: a call that is not made from a callback of the same engine.
// - RUNNABLE: an engine is RUNNABLE while flags of vst_wait has VST_WAIT_RUNNABLE.
// - Interest: what the host's poller is to watch a descriptor for. The library reports it through
//   the interest callbacks, which are fdset and fdclr, or interest.
// - Token: the id that the library gives a descriptor. It comes with the interest in the
//   descriptor, and the host hands it back with the readiness of the descriptor.
// - Session: a connection, incoming or outgoing, whose handshakes are done and that is neither
//   closed nor part of a stream.
// - Stream: two connections, of a client and to a server, between which the library moves the
//   bytes.
// - Opening: everything that is done with a connection before it is a session.
// - In order: the bytes written so far are sent, then TLS close_notify, then the FIN. At once: by
//   reset.
// - User data: a pointer of the host that the library keeps with an object and hands back. The
//   library neither reads nor frees what it points to.
//
// Conventions
// - Statuses: vst_status is 0 or more when the call did what was asked, negative when it did not.
//   Outputs go through pointers and are always written: with zeros, or what the function says,
//   where there is nothing. An unknown number or flag, or a reserved byte that is not 0, is an
//   error; a flag is named after its struct, and unknown in every other. Every function that
//   returns a vst_status may return VST_E_PANIC, every one that takes a struct with a size
//   VST_E_SIZE.
// - why and why_size: on failure a function with these writes a sentence in English to why, cut to
//   why_size bytes with its NUL. why may be NULL.
// - Texts and bytes that a function copies out: *len is the whole length, also with VST_E_SPACE,
//   when capacity is too small and nothing is copied. With a capacity of 0 the buffer may be NULL,
//   so a first call can ask for the length.
// - Structs that begin with a size: set it to sizeof. The library takes any size from that of the
//   first version of the struct, which the comment of the field says ("Not less than"), to 65,536
//   bytes, if it is a multiple of the struct's alignment, as every sizeof is; any other is
//   VST_E_SIZE, before anything is done. The fields that a shorter struct does
//   not have are 0 when the library reads it, and are left out when it writes. In a longer one,
//   bytes beyond what the library knows must be 0 when it reads, and are set to 0 when it writes.
// - Options: a field that is 0 stands for its default, so that {.size = sizeof x} is the defaults;
//   the _init function writes the defaults out. "No bound" is VST_NEVER in spans of time, and
//   UINT32_MAX or UINT64_MAX in numbers. "None at all" is a flag, whose name mostly has _NO_.
// - Ownership: the library takes over nothing but descriptors, and those only when the call
//   succeeds. Texts and structs are read during the call and not kept, unless a comment says
//   otherwise. A handle is a pointer to an object that the library made; the host frees each with
//   its own _free function. What uses a configuration, rules or a table keeps it: the host may free
//   its handle at once. _free(NULL) does nothing. A handle that is freed is VST_E_STALE, one of another
//   kind VST_E_KIND, in every function that takes one, as far as the word in front of it tells: that is
//   for finding mistakes, not to be relied on.
// - Ids are 64 bits and may be kept after what they name is gone: using one then returns
//   VST_E_STALE and does nothing else.
// - Threads: an engine belongs to the thread of its first drive call, vst_engine_wait among these;
//   in another thread its functions return VST_E_THREAD. Before that call one thread at a time may
//   use it: one may make it and open listeners, another drive it. Configurations, rules, tables,
//   groups and wakers may be used by all threads; a waker is how other threads reach an engine.
// - Callbacks, and from where a function may be called. The comment of each function says one of
//   these: "Legal from any thread and any callback": from everywhere, also from log, trace, wake
//   and discard, but not from signal handlers. "Legal on the engine's thread": outside callbacks, and
//   also from fdset, fdclr, interest, timer, event, fed and step. "Legal on the engine's thread,
//   outside callbacks": from a callback of the same engine it returns VST_E_REENTRANT. From log, trace,
//   wake and discard, and from every callback that vst_engine_free calls, all functions that take an engine,
//   a loop or a waker return VST_E_REENTRANT, whatever engine it is, except vst_loop_stop and
//   vst_waker_free.
//   A call made in a callback acts and returns at once; the events it causes are reported after the
//   callback has returned. The library holds no lock during a callback. A callback must not throw
//   or longjmp.
// - "Needs:" in the comment of a function is what the library cannot check: where it does not hold,
//   the behaviour is undefined.
// - Outside a callback, every call on an engine may run callbacks before it returns:
//   VST_EVENT_CLOSED may have been reported for the connection it was made for, and an id that it
//   wrote may be stale.
// - Without callbacks: an engine made without event reports its events through vst_engine_next, and
//   one made without interest callbacks what is to be watched, as VST_EVENT_INTEREST.
// - The engine's clock: CLOCK_MONOTONIC in nanoseconds; a drive call is given its time, or 0, and
//   then the library reads it. Or a clock of the host's own, where the engine was made with now_ns.
//   A time more than an hour from both the last one and CLOCK_MONOTONIC is of another clock:
//   VST_E_MODE. A jump of an own clock by more than an hour is reported to log.
// - After an internal failure the call returns VST_E_PANIC, and every later call on that engine
//   VST_E_POISONED, except vst_engine_free, which then does not call discard.
// - fork: in a child that does not exec, no function may be called on engines of the parent.
//   Configurations, rules and tables that were made before may be used there; tables, and sessions and
//   ticket keys of TLS, are then copies of the parent's.
// - errno is the same after a call as before it. The host gets no SIGPIPE.
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
//  11  Fed connections
//  12  Links and agents
//  13  Streams
//  14  Backends
//  15  Rules
//  16  Stick tables
//  17  Handlers of the host's own
//  18  Monitors and metrics
//  19  Wakers and groups
//  20  The built-in loop
//  21  Versions

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
typedef struct vst_group vst_group;
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
typedef struct vst_fed_ask vst_fed_ask;
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
typedef struct vst_iovec vst_iovec;
typedef struct vst_start_tls vst_start_tls;
typedef struct vst_conn_info vst_conn_info;
typedef struct vst_proxy_header vst_proxy_header;
typedef struct vst_tls_info vst_tls_info;
typedef struct vst_layer vst_layer;
typedef struct vst_layers vst_layers;
typedef struct vst_pem vst_pem;
typedef struct vst_identity vst_identity;
typedef struct vst_tls_server_options vst_tls_server_options;
typedef struct vst_tls_client_options vst_tls_client_options;
typedef struct vst_connect_options vst_connect_options;
typedef struct vst_feed_args vst_feed_args;
typedef struct vst_link_options vst_link_options;
typedef struct vst_agent_options vst_agent_options;
typedef struct vst_stream_options vst_stream_options;
typedef struct vst_backend_options vst_backend_options;
typedef struct vst_backend_counters vst_backend_counters;
typedef struct vst_server_options vst_server_options;
typedef struct vst_server_status vst_server_status;
typedef struct vst_table_key vst_table_key;
typedef struct vst_table_counters vst_table_counters;
typedef struct vst_table_row vst_table_row;
typedef struct vst_listener_counters vst_listener_counters;
typedef struct vst_allocator vst_allocator;

// =================================================================================================
// 1. Statuses
//
// What the functions return, and texts for it. Why a connection or a stream ended is in its event
// instead: an operation (VST_OP_*) and a reason (VST_WHY_*).
// =================================================================================================

// It is done.
#define VST_OK (0)

// Not now. VST_EVENT_READABLE or VST_EVENT_WRITABLE says when to try again; a handler answers
// VST_NEXT_WRITE instead. From vst_loop_run: the round is over. From vst_metrics_text: VST_EVENT_WOKEN
// says when.
#define VST_WAIT (1)

// The peer has ended its sending side in order, and every byte before that has been read.
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

// The id is of another kind of thing: a stream's id where a connection's id is needed.
#define VST_E_KIND (-4)

// The id belongs to another engine.
#define VST_E_ENGINE (-5)

// The engine belongs to another thread.
#define VST_E_THREAD (-6)

// Not possible in the present state: a read before there is a session, a read of a connection that
// is part of a stream, a second close.
#define VST_E_STATE (-7)

// The function must not be called from this callback.
#define VST_E_REENTRANT (-8)

// The engine was made with options with which this function, or this time, does not work.
#define VST_E_MODE (-9)

// The caller's buffer is too small; the length that is needed is written.
#define VST_E_SPACE (-10)

// This build of the library, or this kind of connection, does not have it.
#define VST_E_UNSUPPORTED (-11)

// The size of a struct is smaller than its first version or larger than 65,536, or no multiple of its
// alignment, or bytes beyond those that this library knows are not 0.
#define VST_E_SIZE (-12)

// The engine of this waker is freed.
#define VST_E_GONE (-13)

// A system call failed; why or sys_errno of the function, where it has them, says which and how.
#define VST_E_SYSTEM (-20)

// A file or text of configuration could not be used; the text says which, where and why.
#define VST_E_CONFIG (-21)

// The connection was reset, by the peer or by something between.
#define VST_E_RESET (-30)

// The connection ended without a TLS close_notify: bytes may be missing.
#define VST_E_TRUNCATED (-31)

// The connection failed for another reason; the end of VST_EVENT_CLOSED says which.
#define VST_E_FAILED (-32)

// The configuration does not admit the peer.
#define VST_E_DENIED (-33)

// A configured or built-in limit is reached.
#define VST_E_LIMIT (-40)

// An internal failure of the library. From now on only vst_engine_free works on the engine.
#define VST_E_PANIC (-50)

// A call on this engine has returned VST_E_PANIC before: only vst_engine_free works.
#define VST_E_POISONED (-51)

// What a function returns: 0 or more when it did what was asked, negative when it did not.
//
// The negative ones are grouped by cause: -1 to -19 the caller, -20 to -29 the system or a
// configuration, -30 to -39 the peer, -40 to -49 a limit, -50 and below the library itself.
typedef int32_t vst_status;

// What a status means, as a sentence in English, NUL-terminated, valid as long as the library is
// loaded.
//
// Legal from any thread and any callback.
// Returns the sentence, never NULL; an unknown number has one too.
const char *vst_strerror(vst_status status);

// The name of a status, such as "VST_E_STALE", NUL-terminated, valid as long as the library is
// loaded; "unknown" for an unknown number.
//
// Legal from any thread and any callback.
// Returns the name, never NULL.
const char *vst_status_name(vst_status status);

// Where a connection failed: an operation, in the order they run.
// A monitor (vst_monitor_options) is recognised by its source, is answered, and its connection ends.
#define VST_OP_MONITOR_IN (1)
// tcp-request accept rules: on the socket's addresses, before anything is read.
#define VST_OP_ACCEPT_RULES (2)
// The PROXY header is read, before any other byte.
#define VST_OP_ACCEPT_PROXY (3)
// The header of a NetScaler is read, after the PROXY header.
#define VST_OP_ACCEPT_CIP (4)
// tcp-request connection rules: on the announced addresses.
#define VST_OP_TCP_RULES (5)
// The host's own handlers, before TLS.
#define VST_OP_CUSTOM_RAW (6)
// The TLS handshake with a client.
#define VST_OP_TLS_ACCEPT (7)
// tcp-request session rules: on what the TLS handshake agreed on.
#define VST_OP_SESSION_RULES (8)
// tcp-request content rules: on the first bytes, as TLS decrypted them; they stay unread.
#define VST_OP_INSPECT (9)
// The host's own handlers, after TLS.
#define VST_OP_CUSTOM_CLEAR (10)
// The answer to a monitor is sent, instead of a session.
#define VST_OP_SEND_LAST_CHUNK (11)
// The host is given the session.
#define VST_OP_ACCEPT_SESSION (12)
// The socket is connected to the server.
#define VST_OP_CTRL_CONNECT (13)
// A PROXY header is sent, before any other byte.
#define VST_OP_SEND_PROXY (14)
// The request is sent to a SOCKS server.
#define VST_OP_SOCKS_SEND (15)
// The answer of the SOCKS server is read; bytes after it are the destination's.
#define VST_OP_SOCKS_RECV (16)
// The host's own handlers towards a server, before TLS.
#define VST_OP_CUSTOM_RAW_OUT (17)
// The TLS handshake with a server.
#define VST_OP_TLS_CONNECT (18)
// The host's own handlers towards a server, after TLS.
#define VST_OP_CUSTOM_CLEAR_OUT (19)
// The data layer ends its outgoing side: unsent bytes, then close_notify.
#define VST_OP_DSHW (20)
// The data layer delivers no byte any more.
#define VST_OP_DSHR (21)
// The data layer is released.
#define VST_OP_DCLOSE (22)
// The control layer ends its outgoing side: the FIN.
#define VST_OP_CSHW (23)
// The control layer delivers no byte any more.
#define VST_OP_CSHR (24)
// The control layer waits for the peer's end, so that no reset destroys what was sent.
#define VST_OP_CCLOSE (25)
// The descriptor is released by the host's poller and then closed.
#define VST_OP_FCLOSE (26)

// Why a connection failed.
// The peer ended its side before the first expected byte.
#define VST_WHY_EMPTY (1)
// The peer ended its side before everything that was expected had arrived.
#define VST_WHY_TRUNCATED (2)
// The host aborted the connection.
#define VST_WHY_ABORTED (3)
// The deadline of the operation passed.
#define VST_WHY_TIMED_OUT (4)
// What the peer sent breaks the protocol.
#define VST_WHY_MALFORMED (5)
// The peer, or its system, refused.
#define VST_WHY_REFUSED (6)
// The connection was reset by the peer or by the network in between.
#define VST_WHY_RESET (7)
// Our configuration does not accept the peer.
#define VST_WHY_DENIED (8)
// There is no route to the peer.
#define VST_WHY_UNREACHABLE (9)
// A resource of this process or machine is used up.
#define VST_WHY_LOCAL_LIMIT (10)
// What the peer sent is larger than we accept.
#define VST_WHY_TOO_LARGE (11)
// The system refused a call for another reason.
#define VST_WHY_SYSTEM (12)
// The keys of the connection have protected as many records as they may.
#define VST_WHY_KEY_LIMIT (13)
// No byte was read or written for the time that the host allows a session.
#define VST_WHY_IDLE (14)

// =================================================================================================
// 2. Ids, waiting, addresses and ends
//
// What the other sections use: the 64-bit ids of connections, listeners, streams and backends; what
// a host must know to wait; addresses; and the structs that say how a connection or a stream ended.
// =================================================================================================

// There is work that needs no readiness: call vst_engine_run before waiting. A host that polls
// first polls with a timeout of 0.
#define VST_WAIT_RUNNABLE (128)

// The call was made from a callback. Do not use this vst_wait for waiting: the one that the
// outermost call writes counts.
#define VST_WAIT_NESTED (256)

// No deadline.
#define VST_NEVER (UINT64_MAX)

// In vst_stream_end: the stream was given no server. From vst_backend_add_server: it failed.
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
    // How many of bytes are used.
    uint32_t len;
    // The zone of a link-local IPv6 address, or 0.
    uint32_t scope;
    // The address in network order, or the name of a unix socket.
    uint8_t bytes[108];
};

// A 64-bit id of a connection, listener, stream or backend, or the token of a descriptor. 0 is
// never one. It may be stored anywhere 64 bits fit: epoll_data.u64, io_uring user data, a Python
// integer. A call with the id of something that is gone returns VST_E_STALE and does nothing else.
typedef uint64_t vst_id;

// How a connection ended.
struct vst_end {
    // sizeof(vst_end) of the library.
    uint32_t size;
    // The operation that failed: VST_OP_*. 0 when it ended as it should, and when it failed while
    // the session's own bytes moved; why is 0 only in the first case.
    uint32_t at;
    // Why: VST_WHY_*, or 0 when it ended as it should.
    uint32_t why;
    // The errno of the system, or 0.
    int32_t sys_errno;
    // The TLS alert that was sent or received (RFC 8446 section 6), or -1.
    int32_t alert;
    // 1 when a host may leave this end out of its log: one of a session or a stream above
    // ends_per_second of its listener, or of a connection that a rule has made silent
    // (set-log-level). Else 0.
    uint32_t quiet;
    // The connection. This id is stale.
    vst_id conn;
    // The listener it came from, or 0.
    vst_id listener;
    // Bytes read from the wire.
    uint64_t bytes_in;
    // Bytes the kernel took for the wire.
    uint64_t bytes_out;
    // Of bytes_in: how many were thrown away while closing.
    uint64_t discarded;
    // Bytes written that did not reach the peer as far as is known, where closing was cut short
    // (at is VST_OP_DSHW or VST_OP_CCLOSE then): those that the library still held, and those that
    // the system held and the peer had not acknowledged. A peer may have had some that it did not
    // acknowledge before it reset the connection.
    uint64_t lost;
    // From its beginning to its end, in nanoseconds.
    uint64_t lasted_ns;
    // From the beginning of the operation that failed, in nanoseconds, or 0.
    uint64_t in_op_ns;
    // With VST_EVENT_REFUSED: how many refusals of the same listener, operation and reason were
    // counted but not reported since the last reported one. With other events: how many such ends
    // were quiet for being above ends_per_second since the last one that was not.
    uint64_t suppressed;
    // The operation, the reason and a sentence, in English, NUL-terminated, valid as long as the
    // event. Bytes that came from a peer are escaped in it.
    const char *text;
    // The length of text, without the NUL.
    uint64_t text_len;
    // The other end of the socket.
    vst_addr peer;
    // Our end of the socket, if it was asked for while the connection was open; otherwise
    // VST_ADDR_NONE.
    vst_addr local;
    // The source that a header announced or a rule set; VST_ADDR_NONE where neither did.
    vst_addr announced_source;
    // The same of the destination.
    vst_addr announced_destination;
    // The code of the vst_step or vst_conn_handler_done with which a handler failed the
    // connection, or 0.
    int32_t host_code;
    // 1 when it failed at the agent behind its link (see vst_link_open), and not here. Else 0.
    uint32_t remote;
    // What rules have captured of the connection: a text for each capture line of the rules, in
    // their order, - where it captured nothing, with | between, NUL-terminated, valid as long as the
    // event; empty where none captured anything. Bytes that came from a peer are escaped, | and a
    // - that stands alone among them.
    const char *captures;
    // The length of captures, without the NUL.
    uint64_t captures_len;
    // The severity (RFC 5424 section 6.2.1) that a rule has set for it, 0 to 7; -1 where none has.
    int32_t log_level;
    // 0.
    uint32_t _reserved;
};

// How a stream ended.
struct vst_stream_end {
    // sizeof(vst_stream_end) of the library.
    uint32_t size;
    // Why it was cut off, or what failed first: VST_WHY_*, or 0 when both sides ended in order.
    uint32_t why;
    // Two letters as in HAProxy's log, NUL-terminated. The first is what ended it: - nothing (both
    // sides ended in order), C the client, S the server, or no server could be reached, c the
    // client's timeout, s the server's timeout, or that of queue or connect, P a configured limit,
    // R this machine ran out of a resource, K the host. The second is when: - after both sides
    // ended, Q in a queue, C while a server was being connected to, D while data moved, L while
    // the server's last data moved.
    char termination[4];
    // The server it was given last, as vst_backend_add_server numbered it, or VST_NO_SERVER.
    uint32_t server;
    // The backend that chose the server, or 0.
    vst_id backend;
    // Bytes of the client that the server's connection took.
    uint64_t bytes_up;
    // Bytes of the server that the client's connection took.
    uint64_t bytes_down;
    // From its beginning to its end, in nanoseconds.
    uint64_t lasted_ns;
    // From its beginning until a server was reached, in nanoseconds; VST_NEVER when none was.
    uint64_t reached_ns;
    // From its beginning until the last byte counted in bytes_up, in nanoseconds; 0 when there was
    // none.
    uint64_t last_up_ns;
    // From its beginning until the last byte counted in bytes_down, in nanoseconds; 0 when there
    // was none.
    uint64_t last_down_ns;
    // How long it waited in queues for a server with room, all waits together, in nanoseconds.
    uint64_t queued_ns;
    // The same as termination and why in words, NUL-terminated, valid as long as the event. Bytes
    // that came from a peer are escaped in it.
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
    // When to call vst_engine_run if no descriptor is ready before: a time of the engine's
    // clock, in nanoseconds, or VST_NEVER. It may be earlier than necessary, never later.
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
// unix: for an unnamed socket, with bytes that are not printable ASCII escaped, and - for no address.
//
// The text has no NUL; *len is its length, also when capacity does not suffice. 512 bytes
// always do.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_SPACE; VST_E_ARGUMENT (no such address); VST_E_NULL.
//
// Needs:
// addr points to an address; text to capacity writable bytes; len to a size.
vst_status vst_addr_text(const vst_addr *addr,
                         char *text,
                         size_t capacity,
                         size_t *len);

// Reads an address from text: 192.0.2.1:80, [2001:db8::1]:80, unix:/path, unix:@abstract; :80 and
// *:80 are 0.0.0.0. Names of hosts are not looked up. *addr is VST_ADDR_NONE unless VST_OK. On
// failure why, unless NULL, gets a sentence, cut to why_size bytes with its NUL.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_ARGUMENT (no address, or not UTF-8); VST_E_NULL.
//
// Needs:
// text is a NUL-terminated string; addr points to an address; why is NULL or points to
// why_size writable bytes.
vst_status vst_addr_parse(const char *text,
                          vst_addr *addr,
                          char *why,
                          size_t why_size);

// =================================================================================================
// 3. The engine
//
// An engine holds the connections of one thread. vst_engine_new makes it, with the callbacks that
// it calls; events say what happened; vst_engine_drain ends what there is in order, and
// vst_engine_free ends the rest at once, without any event. A host that would rather ask than be
// called makes the engine without event and without interest callbacks (fdset and fdclr, or
// interest), and calls vst_engine_next for both; an engine with interest callbacks and without
// event reports only its events there.
// =================================================================================================

// An incoming connection has finished its handshakes: id is the session, which may be read,
// written, forwarded or closed, now or later.
#define VST_EVENT_SESSION (1)

// An outgoing connection is open, its handshakes included.
#define VST_EVENT_CONNECTED (2)

// A read that returned VST_WAIT may be tried again; of a new session, the first read may be tried.
// Reported once per VST_WAIT.
#define VST_EVENT_READABLE (3)

// A write that returned VST_WAIT may be tried again. Reported once per VST_WAIT.
#define VST_EVENT_WRITABLE (4)

// An incoming connection ended before it was a session; end says how. id is stale. At most
// refused_per_second of vst_listener_options are reported per second, operation and reason.
#define VST_EVENT_REFUSED (5)

// A connection has ended, whatever ended it; end says how. id is stale from now on, and no
// event about it follows. Reported for every session, and for every connection that the host asked
// for or handed in, whatever ends_per_second is; without a
// VST_EVENT_SESSION before it where the host ended the session before that was reported. Not reported for
// a connection of a stream.
#define VST_EVENT_CLOSED (6)

// A stream has ended, and its two connections with it; stream says how, end is the client's
// own end, end_server the server's. Reported for every stream; quiet and suppressed of end are
// about the stream as a whole.
#define VST_EVENT_STREAM_END (7)

// A listener has stopped accepting because the system ran out of something (sys_errno) or
// because a limit is reached (sys_errno is 0). It resumes by itself: VST_EVENT_RESUMED.
#define VST_EVENT_PAUSED (8)

// A listener accepts connections again.
#define VST_EVENT_RESUMED (9)

// A listener is closed; id is stale from here on.
#define VST_EVENT_LISTENER_CLOSED (10)

// From vst_engine_next, of an engine without interest callbacks: watch fd for new_mask
// instead of old_mask, as in vst_interest_fn. id is the token to hand back with its readiness.
#define VST_EVENT_INTEREST (11)

// The engine is draining (vst_engine_drain): the host ends this session, at the latest before
// grace_ns have passed, when it is aborted.
#define VST_EVENT_DRAINING (12)

// A server of the backend id is up again; reason is VST_REASON_CHECKS or VST_REASON_TRIAL.
#define VST_EVENT_SERVER_UP (13)

// A server of the backend id is down, and streams go to the others; reason is VST_REASON_CHECKS or
// VST_REASON_CONNECT_ERRORS.
#define VST_EVENT_SERVER_DOWN (14)

// A server of the backend id has no address: look its name up, and hand in what was found with
// vst_server_set_addresses. Reported once, when the server was added.
#define VST_EVENT_SERVER_RESOLVE (15)

// The TLS handshake that vst_conn_start_tls began is done: reads and writes are possible again.
#define VST_EVENT_TLS_DONE (16)

// The agent that a link leads to answers: id is the link.
#define VST_EVENT_LINK_UP (17)

// No agent answers any more at the end of a link; text says why. It is connected to again by itself.
#define VST_EVENT_LINK_DOWN (18)

// A link is closed; id is stale from here on.
#define VST_EVENT_LINK_CLOSED (19)

// A client of the agent id asks for a connection to the host named text, at port: look its address
// up, and hand in what was found with vst_agent_resolved and ticket.
#define VST_EVENT_AGENT_RESOLVE (20)

// Another thread has called vst_waker_wake, or the text is there for which vst_metrics_text has returned
// VST_WAIT. id is 0. Reported once for all calls since the last.
#define VST_EVENT_WOKEN (21)

// What vst_engine_drain began is done: no connection and no stream is left, and after VST_DRAIN_CLOSE
// no listener. id is 0.
#define VST_EVENT_DRAINED (22)

// check_rise checks in a row have passed, or check_fall in a row have failed.
#define VST_REASON_CHECKS (1)

// connect_errors attempts in a row to connect have failed, or the first one of a server on
// trial.
#define VST_REASON_CONNECT_ERRORS (2)

// The server is tried again: it was down for trial_ns, or is back from maintenance.
#define VST_REASON_TRIAL (3)

// Calls of the host: one line for each, with the id it was given and the status it returns.
#define VST_TRACE_CALLS (1)

// What the host is told: events, interest, deadlines, asks of fed connections, steps of handlers, and
// that other threads have woken the engine.
#define VST_TRACE_EVENTS (2)

// What becomes of each operation of a connection, and why it fails.
#define VST_TRACE_OPERATIONS (4)

// Every read and write that moved bytes, with their number. The bytes themselves are in no line.
#define VST_TRACE_BYTES (8)

// What TLS agreed on, alerts, changes of keys, close_notify.
#define VST_TRACE_TLS (16)

// How connections and streams end: shutdowns, the operations that close, the record of the end, drains.
#define VST_TRACE_CLOSING (32)

// All categories.
#define VST_TRACE_ALL (63)

// Bytes, incoming connections or the end of the stream can be read (EPOLLIN, POLLIN).
#define VST_IO_IN (1)

// Bytes can be written, or a connect has ended (EPOLLOUT, POLLOUT).
#define VST_IO_OUT (2)

// The peer has ended its sending side: EPOLLRDHUP, POLLRDHUP. A poller that has no such event
// watches nothing for it and never hands it in.
#define VST_IO_HANGUP (4)

// An error, or the end of both directions: EPOLLERR, EPOLLHUP, POLLERR, POLLHUP. Not POLLNVAL,
// which says that the number is not an open descriptor: hand nothing in for that. The host hands
// this bit in; no mask of the library has it, since pollers report it without being asked.
#define VST_IO_ERROR (8)

// In a mask from the library: this mask does not change until the descriptor is released, so the
// descriptor may be registered edge-triggered. Only an engine made with VST_TRIGGER_EDGE sets
// it, and only for connections: listeners and the descriptor of the wakers are level-triggered
// always.
#define VST_IO_EDGE (16)

// In a mask or dir from the library: the host stops watching the descriptor and forgets its token.
// The library says nothing about this descriptor afterwards.
#define VST_IO_RELEASED (32)

// Comes with VST_IO_RELEASED: the library closes the descriptor next, so a host that uses epoll
// may leave out EPOLL_CTL_DEL. VST_IO_RELEASED without VST_IO_CLOSING comes only from
// vst_conn_take_fd, where the descriptor stays open and belongs to the host, and for a descriptor
// that an agent passes to a client, where it stays open in another process: the host removes it from
// its poller.
#define VST_IO_CLOSING (64)

// The host's poller reports readiness again and again while it lasts (epoll without EPOLLET,
// poll, select, kqueue, libevent, libuv).
#define VST_TRIGGER_LEVEL (0)

// The host's poller reports each change once, for descriptors whose mask has VST_IO_EDGE. Then
// every event must be handed in.
#define VST_TRIGGER_EDGE (1)

// Readiness may be handed in by descriptor number, with vst_engine_ready_fd, as well as by
// token.
#define VST_ENGINE_BY_FD (UINT64_C(1) << 16)

// Streams move all bytes by copying them, whatever max_pipes says.
#define VST_ENGINE_NO_PIPES (UINT64_C(1) << 17)

// The library checks whether the host keeps its contract, and names what breaks it in log, which must
// be set: a descriptor that is not watched, a release that is ignored, a clock that is another, and
// so on, each kind at most once a second of the engine's time and with what to do. Needs no other
// change; docs/host-contract.md lists the sentences. It looks at every announced descriptor once a
// second, and costs a few system calls for each call: it is for development and tests. In the child
// of a fork calls return VST_E_THREAD.
#define VST_ENGINE_CHECKED (UINT64_C(1) << 60)

// Connections are still accepted, but monitors (vst_monitor_options) are answered with a
// failure, so that load balancers send no more clients to this program.
#define VST_DRAIN_LAME_DUCK (1)

// Listeners accept no more connections. Connections that wait in the kernel's queue stay there,
// for another process that has the same sockets open.
#define VST_DRAIN_PAUSE (2)

// Listeners accept the connections that wait in the kernel's queue, since closing would reset
// these, and then are closed.
#define VST_DRAIN_CLOSE (3)

// The connections, listeners, streams, backends and timers of one thread. Made by
// vst_engine_new, freed by vst_engine_free; from its first drive call on used only by the
// thread of that call.
struct vst_engine;

// Starts watching one direction of a descriptor: dir is one of VST_IO_IN, VST_IO_OUT,
// VST_IO_HANGUP. token is handed back with the readiness (vst_engine_ready). data is that
// of the options, user the host's pointer for this descriptor (vst_token_set_user), at first NULL.
//
// Returns 0, or the errno because of which the direction is not watched, as vst_interest_fn does.
// Directions of the descriptor that are watched already stay watched.
typedef int32_t (*vst_fdset_fn)(void *data,
                                int32_t fd,
                                uint32_t dir,
                                vst_id token,
                                void *user);

// Stops watching. user is the host's pointer for this descriptor. dir is one direction, VST_IO_IN,
// VST_IO_OUT or VST_IO_HANGUP; or it has VST_IO_RELEASED, alone or with VST_IO_CLOSING.
//
// VST_IO_RELEASED comes once for a descriptor, in one call for all directions: directions that are
// still watched are not cleared one by one before, and there may be none. The host then stops
// watching the descriptor in every direction, and forgets the token.
typedef void (*vst_fdclr_fn)(void *data,
                             int32_t fd,
                             uint32_t dir,
                             vst_id token,
                             void *user);

// Watches a descriptor for new_mask instead of old_mask, both masks of VST_IO_*. token is
// handed back with the readiness (vst_engine_ready). data is that of the options, user the
// host's pointer for this descriptor (vst_token_set_user), at first NULL.
//
// A new_mask of 0 means that nothing is to be watched now; it may change again. A host that uses
// epoll removes the descriptor then, since epoll reports errors and resets also for an empty mask,
// again and again. new_mask has VST_IO_RELEASED once for every descriptor that was announced
// before, and nothing about it follows; old_mask may be 0 then.
//
// Returns 0, or the errno because of which the descriptor is not watched for new_mask: ENOSPC of
// epoll_ctl, EMFILE where a set is full. A connection then ends, with this errno in its end, and a
// listener is paused and tries again (VST_EVENT_PAUSED). The descriptor counts as watched for
// old_mask; when the first call about it fails, no call about it follows, and none with
// VST_IO_RELEASED. What is returned for VST_IO_RELEASED is not looked at.
typedef int32_t (*vst_interest_fn)(void *data,
                                   int32_t fd,
                                   vst_id token,
                                   uint32_t old_mask,
                                   uint32_t new_mask,
                                   void *user);

// The next deadline is deadline_ns, a point of the engine's clock in nanoseconds: call
// vst_engine_run then. Called when the deadline is earlier than that of the last call, and again
// after each vst_engine_run; not when a deadline moved later, since a vst_engine_run too early
// does no harm. An engine that is RUNNABLE has the present time as its deadline here, so that a host
// with this callback and vst_engine_run need not look at vst_wait.
//
// deadline_ns may be a time that has passed, and then is due at once. 0 is such a time too,
// possible with a clock of the host's own; it never means that there is no deadline. A timerfd
// takes a time of 0 as disarmed: set it to 1 ns instead. data is that of the options.
typedef void (*vst_timer_fn)(void *data,
                             uint64_t deadline_ns);

// An event. What it points to is the library's memory: valid until the callback returns, or, when
// vst_engine_next wrote the event, until the next call on the engine.
struct vst_event {
    // In, for vst_engine_next: sizeof(vst_event). Not less than 96 bytes.
    uint32_t size;
    // VST_EVENT_*.
    uint32_t kind;
    // The id of the connection, listener, stream or backend that the event is about; with
    // VST_EVENT_INTEREST, the token; 0 with VST_EVENT_WOKEN and
    // VST_EVENT_DRAINED.
    vst_id id;
    // The host's user data for id; with VST_EVENT_INTEREST, its pointer for the descriptor.
    void *user;
    // How it ended, with VST_EVENT_REFUSED, VST_EVENT_CLOSED and VST_EVENT_STREAM_END; otherwise
    // NULL.
    const vst_end *end;
    // How the server's side of a stream ended, with VST_EVENT_STREAM_END; NULL when there was
    // none, and with all other events.
    const vst_end *end_server;
    // How a stream ended as a whole, with VST_EVENT_STREAM_END; otherwise NULL.
    const vst_stream_end *stream;
    // With VST_EVENT_PAUSED: the errno of the system, or 0 when a limit is reached. Else 0.
    int32_t sys_errno;
    // The descriptor of VST_EVENT_INTEREST, else -1.
    int32_t fd;
    // With VST_EVENT_INTEREST: what the descriptor was watched for, a mask of VST_IO_*. Else 0.
    uint32_t old_mask;
    // With VST_EVENT_INTEREST: what it is to be watched for, a mask of VST_IO_*. Else 0.
    uint32_t new_mask;
    // With VST_EVENT_SERVER_*: the number of the server, from vst_backend_add_server. Else 0.
    uint32_t server;
    // VST_REASON_* of VST_EVENT_SERVER_UP and VST_EVENT_SERVER_DOWN, else 0.
    uint32_t reason;
    // With VST_EVENT_LINK_DOWN: why, in words; with VST_EVENT_AGENT_RESOLVE: the name of a host, as the
    // client has sent it. NUL-terminated. Else NULL.
    const char *text;
    // With VST_EVENT_AGENT_RESOLVE: what the answer names. Else 0.
    uint64_t ticket;
    // With VST_EVENT_AGENT_RESOLVE: the port. Else 0.
    uint32_t port;
    // 0.
    uint32_t _reserved;
};

// An event. event and what it points to are valid until the callback returns. data is that of the
// options. Which functions may be called from here: see Callbacks at the top of this header.
typedef void (*vst_event_fn)(void *data,
                             vst_engine *engine,
                             const vst_event *event);

// A sentence for the host's log: len bytes at text in UTF-8, without a NUL at the end, valid
// until the callback returns. data is that of the options. No function on an engine, a loop or a
// waker may be called from here: it returns VST_E_REENTRANT.
typedef void (*vst_log_fn)(void *data,
                           const char *text,
                           size_t len);

// Called when an answer of a handler waits, or VST_EVENT_WOKEN, or when another engine of the group
// (vst_group_new) has something for this one: the host then lets the engine's thread
// call vst_engine_run, vst_engine_ready, vst_engine_ready_batch or vst_engine_ready_fd soon,
// each of which takes it. vst_engine_wait does not take it. data is that of the engine's
// options.
//
// Called on the thread that calls vst_waker_post or vst_waker_wake, or on that of another engine of
// the group, when something waits and nothing did before; no lock of the library is held. It must not wait for the engine's thread, since
// vst_engine_free waits for this callback to return. No function on an engine, a loop or a waker may
// be called from here: it returns VST_E_REENTRANT.
typedef void (*vst_wake_fn)(void *data);

// An ask of a fed connection. ask is valid until the callback returns. The callback may make any
// call on the engine, reports among them. data is that of the engine's options.
typedef void (*vst_fed_fn)(void *data,
                           vst_engine *engine,
                           const vst_fed_ask *ask);

// A line of the trace: len bytes at line in ASCII or UTF-8, without a line feed and without a NUL
// at the end, valid until the callback returns. category is one of VST_TRACE_*, or 0 for a line that
// says how many lines were lost. data is that of the options. docs/trace.md has every kind of line.
// No function on an engine, a loop or a waker may be called from here: it returns VST_E_REENTRANT.
typedef void (*vst_trace_fn)(void *data,
                             uint32_t category,
                             const char *line,
                             size_t len);

// The options of an engine. A field that is 0 stands for its default, so that all zero but size is
// the defaults; vst_engine_options_init writes them.
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
    // The most TLS handshake steps with asymmetric cryptography in one drive call; further ones
    // wait for the next vst_engine_run, and the engine is RUNNABLE. Default 4; UINT32_MAX is no
    // bound.
    uint32_t heavy_per_drive;
    // The most events that one outermost call reports; those that are left make the engine
    // RUNNABLE. Default UINT32_MAX: no bound.
    uint32_t events_per_drive;
    // Descriptors of the process (below RLIMIT_NOFILE) that are kept free for clients and the
    // servers of their streams. A listener accepts a client only while so many are free, as far as
    // the engine knows, and is paused otherwise (VST_EVENT_PAUSED, EMFILE). Pipes, and connections
    // that are not part of a stream when they begin, take none of them: such a connect ends with
    // VST_WHY_LOCAL_LIMIT. Default 2, which is a client and its server; UINT32_MAX keeps none.
    uint32_t reserve_fds;
    // The longest PROXY header that is accepted, in bytes: 107, the longest line of version 1, or
    // more. A connection with a longer one is refused with VST_WHY_TOO_LARGE. Default UINT32_MAX:
    // all that the protocol allows.
    uint32_t max_proxy_header_bytes;
    // The most pipes through which streams without TLS move bytes in bulk (splice), two
    // descriptors each. Default 64. With VST_ENGINE_NO_PIPES all bytes are copied.
    uint32_t max_pipes;
    // Handed to every callback below. The library neither reads nor frees it.
    void *data;
    // Interest callback, one direction per call. Needs fdclr, and excludes interest and
    // VST_TRIGGER_EDGE.
    vst_fdset_fn fdset;
    // Interest callback for the end of watching. Needs fdset.
    vst_fdclr_fn fdclr;
    // Interest callback, one call per change of a descriptor. Excludes fdset and fdclr. An
    // engine that has none of the three reports VST_EVENT_INTEREST through vst_engine_next.
    vst_interest_fn interest;
    // Optional: a host that reads vst_wait after every drive call does not need it.
    vst_timer_fn timer;
    // Event callback. An engine without it reports its events through vst_engine_next.
    vst_event_fn event;
    // Optional: called with a sentence about an internal failure of the library, about a jump of a
    // clock of the host's own, or about what VST_ENGINE_CHECKED has found.
    vst_log_fn log;
    // Optional: called by vst_waker_post so that the host wakes the engine's thread. Without it
    // the library opens a descriptor for that, which the host's poller watches like any other.
    vst_wake_fn wake;
    // 0: the clock is CLOCK_MONOTONIC. Else the present time of a clock of the host's own, in
    // nanoseconds; every drive call is then given the time of that clock, which is never 0. When
    // the clock goes back, the engine's time stands still until the clock has caught up; a jump by
    // more than an hour is reported to log.
    uint64_t now_ns;
    // Optional: called with what fed connections ask (vst_conn_feed, VST_CONNECT_FED). Without it the
    // host calls vst_fed_next.
    vst_fed_fn fed;
    // The most bytes that a fed connection holds of those that the host has reported as received.
    // Default 65,536.
    uint32_t fed_inbox_bytes;
    // The most bytes that a fed connection without TLS holds of those that the host has not reported as
    // sent. With TLS it holds at most 68 KiB, whatever this says. Default 65,536.
    uint32_t fed_outbox_bytes;
    // Optional: called with each line of the trace.
    vst_trace_fn trace;
    // What is traced from the beginning: a mask of VST_TRACE_*, which needs trace. See
    // vst_engine_trace.
    uint32_t trace_categories;
    // 0.
    uint32_t _reserved2;
    // Optional: the group that the engine is a member of until it is freed (vst_group_new). The engine
    // keeps it. Without wake the host's poller watches one more descriptor from the beginning, as for a
    // waker.
    vst_group *group;
};

// The state of a drain.
struct vst_drain {
    // In: sizeof(vst_drain). Not less than 40 bytes.
    uint32_t size;
    // The stage, VST_DRAIN_*, or 0 when the engine does not drain.
    uint32_t how;
    // When what is left is aborted: a time of the engine's clock, in nanoseconds, or VST_NEVER.
    uint64_t deadline_ns;
    // Connections and streams that were aborted at deadline_ns.
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

// What an engine has counted since it was made. Here and in all counters, a field that ends in
// _total only grows, one that ends in _most is the highest value there was, and the others are
// present values.
struct vst_engine_counters {
    // In: sizeof(vst_engine_counters). Not less than 88 bytes.
    uint32_t size;
    // Buffers of the engine's pool that hold bytes now.
    uint32_t buffers_in_use;
    // Connections accepted.
    uint64_t accepted_total;
    // Connections that became sessions.
    uint64_t sessions_total;
    // Connections that ended before they were sessions.
    uint64_t refused_total;
    // Refusals that were counted and not reported.
    uint64_t suppressed_total;
    // Calls of accept that failed because of the one connection.
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

// The name of an event, such as "VST_EVENT_SESSION", NUL-terminated, valid as long as the library is
// loaded; "unknown" for an unknown number.
//
// Legal from any thread and any callback.
// Returns the name, never NULL.
const char *vst_event_name(uint32_t kind);

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
// options is read and not kept. Its callbacks, and what its data points to, must stay valid until
// the engine is freed. *out is the engine, or NULL on failure; free it with vst_engine_free.
// It belongs to the thread of its first drive call. Engines share nothing but configurations,
// rules and tables, and what the members of a group share (group). On failure why, unless NULL, gets a sentence, cut to why_size bytes with
// its NUL.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag or trigger, one of fdset
// and fdclr without the other or with interest, VST_TRIGGER_EDGE with fdset,
// max_proxy_header_bytes below 107, VST_ENGINE_CHECKED without log); VST_E_KIND and VST_E_STALE
// (group); VST_E_SYSTEM (no descriptor by which the others of the group wake it); VST_E_LIMIT (4,096
// engines live).
//
// Needs:
// options points to as many bytes as its size says; out to a pointer; why is NULL or
// points to why_size writable bytes.
vst_status vst_engine_new(const vst_engine_options *options,
                          vst_engine **out,
                          char *why,
                          size_t why_size);

// Frees an engine: connections are reset, and all descriptors are released and closed. To end
// connections in order, call vst_engine_drain first. NULL does nothing.
//
// No event is reported, neither VST_EVENT_CLOSED nor any other. A host that has objects of its own
// for connections, listeners or streams, as their user data, must keep a list of these objects,
// and frees them itself after this call. The interest callbacks are called with VST_IO_RELEASED
// and VST_IO_CLOSING for every descriptor that was announced; an engine whose interest comes from
// vst_engine_next reports nothing and closes its descriptors. The callback fed is asked
// VST_FED_RESET for every fed connection that is open below, which is the last call about it; an
// engine without that callback, or after VST_E_PANIC, asks nothing. discard is called with what
// handlers have kept, but not after VST_E_PANIC. From these callbacks no function on any engine,
// loop or waker may be called: it returns VST_E_REENTRANT.
// Every id and token of the engine is invalid afterwards. Configurations, rules, tables and wakers
// are not freed with it: the host frees them, before or after.
// Legal on the engine's thread, outside callbacks; also after VST_E_PANIC.
// Returns VST_OK; VST_E_REENTRANT and VST_E_THREAD (then nothing happens).
//
// Needs:
// engine is NULL or an engine that is not freed.
vst_status vst_engine_free(vst_engine *engine);

// Traces these categories from now on, a mask of VST_TRACE_*, and no others; 0 ends the trace. The
// engine's trace callback gets the lines.
//
// A connection that began before its operations are traced has a line for the state of each first.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_ARGUMENT (an unknown bit); VST_E_MODE (the engine was made without a trace
// callback, and categories is not 0); VST_E_NULL; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_engine_trace(vst_engine *engine,
                            uint32_t categories);

// Writes the next event of an engine that was made without an event callback, and the next
// VST_EVENT_INTEREST of one that was made without interest callbacks; these come first. After every
// other call on the engine and before it waits, the host calls this until it returns VST_NONE. The
// engine is RUNNABLE while there is something to pull.
//
// What event points to is valid until the next call on the engine. All bytes of event but its
// size are 0 unless VST_OK.
// A descriptor of a VST_EVENT_INTEREST with VST_IO_RELEASED in new_mask stays open until that
// event has been written, and is closed by the next call on the engine (after
// vst_engine_batch_begin: by the first call after vst_engine_batch_end). So a host that does
// not call this keeps descriptors open.
// Legal on the engine's thread, outside callbacks.
// Returns VST_OK; VST_NONE (there is no event); VST_E_MODE (the engine has both an event
// callback and interest callbacks); VST_E_REENTRANT; VST_E_NULL; VST_E_SIZE; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; event points to as many bytes as its size says.
vst_status vst_engine_next(vst_engine *engine,
                           vst_event *event);

// Begins to drain an engine, or goes on to a later stage: how is VST_DRAIN_LAME_DUCK,
// VST_DRAIN_PAUSE or VST_DRAIN_CLOSE, in this order. A stage includes what the stages before it
// do.
//
// From VST_DRAIN_PAUSE on, VST_EVENT_DRAINING is reported for every session that the host itself
// reads and writes, also for those that begin later; streams go on, and health checks of servers
// end, unless another engine of the group (vst_group_new) goes on with them. grace_ns nanoseconds
// later what is left is aborted and counted; VST_NEVER, or 0, is no bound. The drain is done when
// conns and streams of vst_drain are 0, and after VST_DRAIN_CLOSE listeners as well:
// VST_EVENT_DRAINED is reported when that becomes so, not while VST_DRAIN_LAME_DUCK is the stage.
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
// waits until deadline_ns of vst_wait at most, and calls vst_engine_run when that time has come or
// when VST_WAIT_RUNNABLE is set. Readiness is a hint: handed in twice, late or without reason it
// does no harm. A descriptor that was announced is closed only after VST_IO_RELEASED was reported
// for it.
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

// Hands in that one descriptor is ready.
//
// token came with its interest; events is a mask of VST_IO_IN, VST_IO_OUT, VST_IO_HANGUP and
// VST_IO_ERROR; 0 means no readiness. now_ns is CLOCK_MONOTONIC in nanoseconds, or 0: then the
// library reads the clock. With an engine made with now_ns it is the time of the host's own
// clock, and never 0. Deadlines that have passed by then are handled first: a handshake whose
// deadline has passed fails, even where its last bytes have come. wait, unless NULL, is written.
// Callbacks run before this returns.
// Legal on the engine's thread; from a callback, wait has VST_WAIT_NESTED.
// Returns VST_OK; VST_E_STALE, VST_E_KIND and VST_E_ENGINE (the token; readiness of a released
// descriptor does no harm); VST_E_SIZE, VST_E_ARGUMENT, VST_E_NULL and VST_E_MODE (a time of
// another clock), and then nothing happens; VST_E_THREAD; VST_E_PANIC; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; wait is NULL or points to as many bytes as its size
// says.
vst_status vst_engine_ready(vst_engine *engine,
                            vst_id token,
                            uint32_t events,
                            uint64_t now_ns,
                            vst_wait *wait);

// Hands in that descriptors are ready, in the order of list: count entries, read only during the
// call. now_ns and wait are as for vst_engine_ready.
//
// The event callback is called after each entry, for what that entry caused. The interest
// callbacks, step and discard are called only after the last entry. An entry with a stale token is
// skipped, and so is one of another kind or of another engine, but then the status says so. An
// unknown bit, a reserved field that is not 0 or a token of 0
// anywhere in the list is VST_E_ARGUMENT, and no entry is handled.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_KIND and VST_E_ENGINE (the first token that is wrong, as above); VST_E_SIZE,
// VST_E_ARGUMENT, VST_E_NULL and VST_E_MODE (a time of another clock), and then nothing happens;
// VST_E_THREAD; VST_E_PANIC; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; list points to count entries; wait is NULL or points to
// as many bytes as its size says.
vst_status vst_engine_ready_batch(vst_engine *engine,
                                  const vst_ready *list,
                                  size_t count,
                                  uint64_t now_ns,
                                  vst_wait *wait);

// Hands in that one descriptor is ready, by its number instead of its token. Only for an engine
// made with VST_ENGINE_BY_FD. A host calls vst_engine_batch_begin before it goes through the
// results of one poll, and vst_engine_batch_end after: in between no descriptor is closed, so
// that no number is used again and a result cannot be taken for a newer descriptor's.
//
// events, now_ns and wait are as for vst_engine_ready.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_STALE (no descriptor of this engine has this number); VST_E_MODE (the
// engine was made without VST_ENGINE_BY_FD, or a time of another clock); VST_E_ARGUMENT (an
// unknown bit, a negative number); VST_E_SIZE; VST_E_NULL; VST_E_THREAD; VST_E_PANIC;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; wait is NULL or points to as many bytes as its size
// says.
vst_status vst_engine_ready_fd(vst_engine *engine,
                               int32_t fd,
                               uint32_t events,
                               uint64_t now_ns,
                               vst_wait *wait);

// Handles deadlines that have passed, and does a bounded part of the work that VST_WAIT_RUNNABLE
// stands for. Call it when deadline_ns of vst_wait has come, and, before waiting, whenever
// VST_WAIT_RUNNABLE is set. At other times it does no harm.
//
// now_ns and wait are as for vst_engine_ready. Callbacks run before this returns.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_SIZE, VST_E_NULL and VST_E_MODE (a time of another clock), and then
// nothing happens; VST_E_THREAD; VST_E_PANIC; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; wait is NULL or points to as many bytes as its size
// says.
vst_status vst_engine_run(vst_engine *engine,
                          uint64_t now_ns,
                          vst_wait *wait);

// Writes wait, as every drive call does: until when the host may wait, and what exists.
//
// It is a drive call as far as threads are concerned: the first one binds the engine to its
// thread. It is given no time, handles no deadlines, and does not take the answers that
// vst_waker_post has brought; vst_engine_run, vst_engine_ready, vst_engine_ready_batch and
// vst_engine_ready_fd do. Like any call outside a callback it may run callbacks for what an
// earlier call left.
// Legal on the engine's thread; from a callback, wait has VST_WAIT_NESTED.
// Returns VST_OK; VST_E_NULL (also for wait); VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; wait points to as many bytes as its size says.
vst_status vst_engine_wait(vst_engine *engine,
                           vst_wait *wait);

// Begins a batch: until vst_engine_batch_end, interest callbacks are not called, and released
// descriptors are not closed. For hosts that hand readiness in by number, see vst_engine_ready_fd.
//
// Two things are not held back: VST_EVENT_INTEREST, which vst_engine_next writes all the same,
// and the release of a descriptor by vst_conn_take_fd, which is reported at once. Events are
// reported as usual.
// Legal on the engine's thread, outside callbacks.
// Returns VST_OK; VST_E_STATE (a batch is begun already); VST_E_REENTRANT; VST_E_NULL;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_engine_batch_begin(vst_engine *engine);

// Ends a batch that vst_engine_batch_begin began: interest callbacks are called and released
// descriptors closed before this returns. wait, unless NULL, is written, as by every drive call.
// Where interest comes from vst_engine_next, the descriptors whose release has been written there are
// closed by the next call on the engine.
//
// Legal on the engine's thread, outside callbacks.
// Returns VST_OK; VST_E_STATE (no batch is begun); VST_E_REENTRANT; VST_E_NULL; VST_E_SIZE;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; wait is NULL or points to as many bytes as its size
// says.
vst_status vst_engine_batch_end(vst_engine *engine,
                                vst_wait *wait);

// Writes the connection that a token's descriptor belongs to.
//
// *conn is its id, or 0 on failure. A connection of a stream and one that is closing have an id
// too, with which functions that only read work.
// Legal on the engine's thread, until the descriptor is released.
// Returns VST_OK; VST_E_KIND (the token is of a listener or of the wakers); VST_E_STALE (the
// descriptor is released); VST_E_ENGINE, VST_E_ARGUMENT (the token); VST_E_NULL; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; conn points to an id.
vst_status vst_token_conn(vst_engine *engine,
                          vst_id token,
                          vst_id *conn);

// Sets the host's own pointer for a descriptor, such as its libevent or libuv handle: the interest
// callbacks and VST_EVENT_INTEREST bring it with every further change, VST_IO_RELEASED last. The
// library neither reads nor frees what it points to.
//
// Legal on the engine's thread, until the descriptor is released; best in the first interest
// callback about it.
// Returns VST_OK; VST_E_STALE (the descriptor is released); VST_E_KIND, VST_E_ENGINE,
// VST_E_ARGUMENT (the token); VST_E_NULL (engine); VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_token_set_user(vst_engine *engine,
                              vst_id token,
                              void *user);

// =================================================================================================
// 5. Listeners
//
// Where connections come in: opened here, or taken over from another program that opened the
// descriptor. A listener that the system or a limit keeps from accepting connections reports
// VST_EVENT_PAUSED and continues by itself.
// =================================================================================================

// Several sockets, of this and other processes, share the port (SO_REUSEPORT). Linux resets the
// connections in a handshake with a socket when that is closed. So such a listener, when it is closed,
// drops every new SYN, accepts for 200 ms more, and only then closes; a client whose SYN was dropped
// sends it again after a second, and one of the other sockets gets it. Do not hand the descriptor of
// such a listener to another process: the SYNs would be dropped there too.
#define VST_LISTENER_REUSEPORT (UINT64_C(1) << 18)

// An IPv6 listener takes no IPv4 connections (IPV6_V6ONLY).
#define VST_LISTENER_V6ONLY (UINT64_C(1) << 19)

// mode is used.
#define VST_LISTENER_MODE (UINT64_C(1) << 20)

// uid and gid are used.
#define VST_LISTENER_OWNER (UINT64_C(1) << 21)

// A unix path at which a process listens is not taken over: vst_listener_open returns
// VST_E_SYSTEM with EADDRINUSE instead. It checks this by a connection that it closes at once; two
// processes that open the path at the same moment may still both succeed.
#define VST_LISTENER_UNIX_EXCLUSIVE (UINT64_C(1) << 22)

// No VST_EVENT_REFUSED is reported, whatever refused_per_second says: refusals are only counted.
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
    // The backlog of listen: the most connections that wait in the kernel's queue. Default 1024;
    // the kernel takes no more than net.core.somaxconn.
    uint32_t backlog;
    // TCP_DEFER_ACCEPT in seconds: the kernel hands a connection out when its first bytes have
    // come. 0, the default: off.
    uint32_t defer_accept_s;
    // The most connections of this listener that exist at once. Default UINT32_MAX: no bound.
    uint32_t max_conns;
    // The most VST_EVENT_REFUSED that are reported per second, listener, operation and reason;
    // further refusals are only counted. Default 10; UINT32_MAX is no bound.
    // VST_LISTENER_NO_REFUSED reports none.
    uint32_t refused_per_second;
    // Permission bits of a unix socket's path, with VST_LISTENER_MODE.
    uint32_t mode;
    // Owner of a unix socket's path, with VST_LISTENER_OWNER.
    uint32_t uid;
    // Group of a unix socket's path, with VST_LISTENER_OWNER.
    uint32_t gid;
    // How many ends of sessions and streams a log should take per second, listener, operation and
    // reason. VST_EVENT_CLOSED and VST_EVENT_STREAM_END are reported for all: those above this
    // number have quiet set in their end, and suppressed of the next one without quiet counts
    // them. Default UINT32_MAX: no bound.
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
// *:80 are any IPv4 address, [::]:80 any IPv6 or IPv4 address (only IPv6 with
// VST_LISTENER_V6ONLY). A zone is the number of an interface, as in [fe80::1%2]:80. Names of
// hosts are not resolved. With port 0 the kernel chooses the port, and vst_listener_addr writes
// it. A socket that is at a unix path already is replaced, also when a process still listens at
// it, which then gets no more connections; with VST_LISTENER_UNIX_EXCLUSIVE it is not. The path is
// removed when the listener closes, unless another socket has replaced it.
//
// The handle config may be freed at once. options may be NULL: the defaults. *out is the id, or 0
// on failure; sys_errno, unless NULL, gets the errno behind VST_E_SYSTEM, else 0. On failure
// why, unless NULL, gets a sentence, cut to why_size bytes with its NUL. VST_EVENT_SESSION
// reports each connection once it is a session.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (address, flag); VST_E_STATE (after
// VST_DRAIN_PAUSE or VST_DRAIN_CLOSE); VST_E_SYSTEM; VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// Handles are not freed; address is a NUL-terminated string; options is NULL or points to as
// many bytes as its size says; out points to an id; sys_errno is NULL or points to an
// int32_t; why is NULL or points to why_size writable bytes.
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
// failure it stays the host's. The path of a unix socket is not removed. Of options only
// max_conns, refused_per_second, ends_per_second, user and VST_LISTENER_NO_REFUSED take
// effect, and a defer_accept_s above 0 says that TCP_DEFER_ACCEPT is set on the descriptor, so
// that first bytes are read at once. The handle config may be freed at once. options may be NULL:
// the defaults. *out is the id, or 0 on failure; sys_errno, unless NULL, gets the errno behind
// VST_E_SYSTEM, else 0. On failure why, unless NULL, gets a sentence, cut to why_size bytes with
// its NUL. VST_EVENT_SESSION reports each connection once it is a session.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (the descriptor does not listen, a flag);
// VST_E_STATE (after VST_DRAIN_PAUSE or VST_DRAIN_CLOSE); VST_E_SYSTEM; VST_E_LIMIT; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// Handles are not freed; options is NULL or points to as many bytes as its size says; out points
// to an id; sys_errno is NULL or points to an int32_t; why is NULL or points to why_size
// writable bytes.
vst_status vst_listener_adopt(vst_engine *engine,
                              int32_t fd,
                              const vst_accept_config *config,
                              const vst_listener_options *options,
                              vst_id *out,
                              int32_t *sys_errno,
                              char *why,
                              size_t why_size);

// Writes the address of a listener, with the port that the kernel chose.
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

// Stops accepting connections. Those that come stay in the kernel's queue, for
// vst_listener_resume or for another process that holds the socket. No event is reported.
//
// Legal on the engine's thread; a second call changes nothing.
// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id);
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_listener_pause(vst_engine *engine,
                              vst_id listener);

// Accepts connections again, after vst_listener_pause.
//
// Legal on the engine's thread; a second call changes nothing.
// Returns VST_OK; VST_E_STATE (after VST_DRAIN_PAUSE or VST_DRAIN_CLOSE); VST_E_NULL; VST_E_STALE,
// VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id); VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_listener_resume(vst_engine *engine,
                               vst_id listener);

// Closes a listener, after accepting the connections that wait in the kernel's queue, since
// closing would reset them. Its connections go on. VST_EVENT_LISTENER_CLOSED is the last event
// about it, 200 ms later with VST_LISTENER_REUSEPORT; until then the id works only with
// vst_listener_describe, and a second close returns VST_E_STALE.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id);
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_listener_close(vst_engine *engine,
                              vst_id listener);

// Gives a listener a name, which rules (so_name) and metrics use: UTF-8, NUL-terminated, copied.
// A second call replaces the name.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (the name is not UTF-8, the id); VST_E_STALE,
// VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; name is a NUL-terminated string.
vst_status vst_listener_set_name(vst_engine *engine,
                                 vst_id listener,
                                 const char *name);

// =================================================================================================
// 6. Accept configurations
//
// What is done with incoming connections before they are sessions: monitors, a PROXY header or a
// NetScaler's, rules, handlers, TLS, and the timeout of each. Many listeners and engines may share
// one.
// =================================================================================================

// Small writes leave at once (TCP_NODELAY).
#define VST_NODELAY_ON (0)

// Small writes are held back until those before are acknowledged (Nagle's algorithm, RFC 896).
#define VST_NODELAY_OFF (1)

// Connections from sources outside accept_proxy or accept_cip are not refused: they go on
// without that header, and all that they send belongs to what follows, TLS or the session.
#define VST_ACCEPT_UNTRUSTED_DIRECT (UINT64_C(1) << 24)

// With TLS 1.2, where a close_notify ends both directions, a half-close (vst_conn_shutdown, or
// that of a stream) is held back until the peer has ended its own side, or, once bytes of the peer
// are waited for, has sent none for tls12_half_close_hold_ns. Without this flag a half-close is
// sent at once, since a client that reads until the end would otherwise never finish.
#define VST_ACCEPT_TLS12_HALF_CLOSE_HOLD (UINT64_C(1) << 25)

// In a stream, the end of a TLS connection without close_notify resets both sides, and so does
// its failure, also while it closes. Without this flag the other side gets the bytes that came,
// and then the end of its connection; where it uses TLS, it gets no close_notify, which would
// say that the bytes are complete. Either way vst_stream_end and vst_end have
// VST_WHY_TRUNCATED, or the reason of the failure.
#define VST_ACCEPT_TLS_TRUNCATION_ABORT (UINT64_C(1) << 26)

// An accept configuration: what is done with incoming connections. Any number of listeners and
// engines, also in several threads, may use it. It never changes.
struct vst_accept_config;

// The options of an accept configuration. A field that is 0 stands for its default, so that all
// zero but size is the defaults; vst_accept_options_init writes them. In spans of time VST_NEVER
// is no bound.
struct vst_accept_options {
    // sizeof(vst_accept_options). Not less than 80 bytes.
    uint32_t size;
    // The magic number that the header of accept_cip begins with. Default 0xCAFEBABE.
    uint32_t cip_magic;
    // VST_ACCEPT_*.
    uint64_t flags;
    // Where set, a PROXY header (version 1 or 2) must come first, and only from these sources: a
    // list separated by commas of networks (10.0.0.0/8), addresses, any (all of IP) and unix (all
    // unix sockets). Connections from other sources are refused, unless
    // VST_ACCEPT_UNTRUSTED_DIRECT is set. NULL: no header is read; one that comes is taken for TLS
    // or bytes of the session. Read and not kept.
    const char *accept_proxy;
    // Where set, TLS follows the headers. NULL: no TLS. The configuration keeps its own reference:
    // the handle may be freed at once.
    const vst_tls_server *tls;
    // Timeout of the PROXY header, in nanoseconds from accept, and again of the NetScaler's header
    // after it. Default 5 s.
    uint64_t timeout_proxy_ns;
    // Timeout of the TLS handshake, in nanoseconds from its beginning. Default 10 s.
    uint64_t timeout_tls_ns;
    // Timeout of everything before the session, in nanoseconds from accept: whoever is no session by
    // then is refused, also while rules wait for bytes (inspect-delay). Default 30 s.
    uint64_t timeout_opening_ns;
    // While closing: how long unsent bytes may wait without progress, in nanoseconds. The time
    // starts again whenever the kernel takes bytes, and, once it has them all, whenever the peer
    // acknowledges some (TCP). Then the connection is reset and those bytes are lost: vst_end
    // has VST_WHY_TIMED_OUT at VST_OP_DSHW or VST_OP_CCLOSE, and their number in lost. Default
    // 30 s.
    uint64_t linger_ns;
    // While closing: how long the peer's FIN is waited for once the peer has all our bytes, in
    // nanoseconds. If the peer sent nothing meanwhile, the connection counts as ended in order; a
    // peer that went on sending is cut off, with VST_WHY_TIMED_OUT at VST_OP_CCLOSE. Default 2 s.
    uint64_t drain_ns;
    // While closing: how many bytes of the peer are read and thrown away until its FIN. A peer
    // that sends more is cut off, with VST_WHY_TOO_LARGE at VST_OP_CCLOSE. Default 1 MiB; more
    // than 4 GiB is taken as that.
    uint64_t drain_bytes;
    // Where set, the sources of monitors, such as health checks of load balancers, whose
    // connections are answered and closed before any of the above. Read and not kept.
    const vst_monitor_options *monitor;
    // The host's own handlers, before or after TLS, called in this order. Copied.
    const vst_handler *handlers;
    // How many there are.
    uint64_t handler_count;
    // Where set, the rules that decide about the connections. The configuration keeps its own
    // reference, so the handle may be freed at once; but vst_rules_replace needs it.
    const vst_rules *rules;
    // Where set, the header that a NetScaler inserts ("client IP insertion", legacy or standard)
    // must come next, after the PROXY header if there is one, and only from these sources: a list
    // as in accept_proxy, compared with the socket's own source address. The client's addresses
    // are those in the header. NULL: no header is read. Read and not kept.
    const char *accept_cip;
    // With TLS 1.2: how long a peer may be silent before a half-close that is held back
    // (VST_ACCEPT_TLS12_HALF_CLOSE_HOLD) is sent, in nanoseconds. VST_NEVER: it waits for the
    // peer's own end. Default 1 s.
    uint64_t tls12_half_close_hold_ns;
    // After how long a silence of the peer TCP probes it, in nanoseconds, in whole seconds rounded up;
    // a peer that does not answer fails the connection as the system has it. Default 0: no peer is
    // probed.
    uint64_t keepalive_ns;
    // How long TCP waits for bytes to be acknowledged before the connection fails with ETIMEDOUT
    // (TCP_USER_TIMEOUT, RFC 5482), in nanoseconds, in whole milliseconds rounded up. Default 0: as
    // the system has it.
    uint64_t user_timeout_ns;
    // The class of the packets (DSCP, RFC 2474): 0 to 63. Default 0. A rule may set another.
    uint32_t dscp;
    // VST_NODELAY_*.
    uint32_t nodelay;
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

// Makes an accept configuration: what is done with incoming connections.
//
// options is read and not kept. *out is the configuration, or NULL on failure; free it with
// vst_accept_config_free. On failure why, unless NULL, gets a sentence, cut to why_size bytes
// with its NUL.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (an unknown flag; of
// vst_monitor_options an unknown answer, or well or failing missing, too long or not wanted);
// VST_E_CONFIG (accept_proxy, accept_cip or monitor_net cannot be parsed, monitor_net overlaps
// one of the others, or with tls a line of rules looks for a ClientHello, as req.ssl_sni does).
//
// Needs:
// options points to as many bytes as its size says, its texts to NUL-terminated strings, its
// handles are not freed; out points to a pointer; why to why_size writable bytes.
vst_status vst_accept_config_new(const vst_accept_options *options,
                                 vst_accept_config **out,
                                 char *why,
                                 size_t why_size);

// Frees a handle. Listeners and connections that use the configuration keep it. NULL does nothing.
//
// Legal from any thread and any callback.
//
// Needs:
// config is NULL or a handle that is not freed.
void vst_accept_config_free(vst_accept_config *config);

// =================================================================================================
// 7. Connections
//
// How a connection begins other than through a listener (vst_conn_connect, or a descriptor that is
// handed over), and how a session is used: VST_EVENT_SESSION or VST_EVENT_CONNECTED reports it, it
// is read and written until it is closed, and VST_EVENT_CLOSED is the last event about it. A read
// or write that returns VST_WAIT is tried again when VST_EVENT_READABLE or VST_EVENT_WRITABLE is
// reported.
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

// What one outgoing connection needs besides its configuration. Zero it, then set size and the
// fields that are wanted.
struct vst_connect_args {
    // sizeof(vst_connect_args). Not less than 32 bytes.
    uint32_t size;
    // How many TLVs tlvs points to.
    uint32_t tlv_count;
    // The client's connection for which this one is made: the PROXY header carries its addresses
    // and its TLS. 0: it is made for nobody else, and a version 2 header says LOCAL.
    vst_id client;
    // Further TLVs for a version 2 header, read during the call. Receivers may pass over the TLVs of a
    // header that says LOCAL.
    const vst_tlv *tlvs;
    // The host's user data for the connection. The library neither reads nor frees it.
    void *user;
};

// A piece of memory, laid out as POSIX's struct iovec: a pointer to one of the two may be cast to a
// pointer to the other.
struct vst_iovec {
    // The bytes. They are only read where the function sends them.
    void *base;
    // How many there are.
    size_t len;
};

// The TLS to begin in the middle of a session. Zero it, then set size and either server or client.
struct vst_start_tls {
    // sizeof(vst_start_tls). Not less than 56 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // Must be 0: there are no flags yet.
    uint64_t flags;
    // Set: the peer is the TLS client. The connection keeps its own reference: the handle may be
    // freed at once.
    const vst_tls_server *server;
    // Set: the peer is the TLS server; needs server_name. The connection keeps its own reference:
    // the handle may be freed at once.
    const vst_tls_client *client;
    // With client: the name that TLS asks for and that the server's certificate must be valid for,
    // a DNS name or an IP address. Copied.
    const char *server_name;
    // Bytes that the host has read already and that belong to TLS; NULL with a length of 0 for
    // none. Only for a protocol in which the host knows that they are TLS and not plaintext that
    // somebody put after the command. Copied.
    const void *early;
    // The length of early in bytes.
    uint64_t early_len;
};

// Takes over a connection that the host accepted itself, and does what config says: headers,
// rules, handlers, TLS. user is the host's user data for it.
//
// On success the descriptor belongs to the library; on failure it stays the host's. *out is the
// id, or 0. VST_EVENT_SESSION reports that it is a session; VST_EVENT_CLOSED reports its end, also
// if it never was a session (there is no VST_EVENT_REFUSED). The handle config may be freed at
// once. sys_errno, unless NULL, gets the errno behind VST_E_SYSTEM, else 0. On failure why,
// unless NULL, gets a sentence, cut to why_size bytes with its NUL. Its timeouts count from the time
// of the last drive call, where that was given one: a host that tells the time and has waited long
// makes a drive call first.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (the descriptor listens); VST_E_SYSTEM (it is no
// connected stream socket; with ENOTCONN it may have been one whose peer has reset it, which is no
// mistake of anybody's); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// Handles are not freed; out points to an id; sys_errno is NULL or points to an int32_t;
// why is NULL or points to why_size writable bytes.
vst_status vst_conn_accept_fd(vst_engine *engine,
                              const vst_accept_config *config,
                              int32_t fd,
                              void *user,
                              vst_id *out,
                              int32_t *sys_errno,
                              char *why,
                              size_t why_size);

// Takes over a connected socket as a session without TLS: no rules, handlers or handshakes run,
// and VST_EVENT_READABLE is the first event. user is the host's user data for it.
//
// On success the descriptor belongs to the library; on failure it stays the host's. *out is the
// id, or 0. sys_errno, unless NULL, gets the errno behind VST_E_SYSTEM, else 0. On failure why,
// unless NULL, gets a sentence, cut to why_size bytes with its NUL.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (the descriptor listens); VST_E_SYSTEM (it is no
// connected stream socket); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; out points to an id; sys_errno is NULL or points to an
// int32_t; why is NULL or points to why_size writable bytes.
vst_status vst_conn_adopt(vst_engine *engine,
                          int32_t fd,
                          void *user,
                          vst_id *out,
                          int32_t *sys_errno,
                          char *why,
                          size_t why_size);

// Opens a connection to address: 192.0.2.1:80, [2001:db8::1]:80, unix:/path or
// unix:@abstract. Port 0 and the addresses 0.0.0.0 and :: are errors. Names of hosts are not
// resolved.
//
// It begins when the outermost call ends, or when vst_conn_forward makes it part of a stream,
// whose first bytes then leave with the PROXY header. VST_EVENT_CONNECTED reports that it is open,
// VST_EVENT_CLOSED its end, also when it could not be opened. The handle config may be freed at
// once, but must not be NULL; connect may be NULL. *out is the id, or 0. On failure why, unless
// NULL, gets a sentence, cut to why_size bytes with its NUL.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (address; TLVs that do not fit a header,
// or a kind above 255); VST_E_STALE, VST_E_KIND, VST_E_ENGINE (the client); VST_E_ENGINE (the
// link of config); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// Handles are not freed; address is a NUL-terminated string; connect is NULL or points to as
// many bytes as its size says, and its TLVs to theirs; out points to an id; why is NULL or
// points to why_size writable bytes.
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
// reported once when some have come. No event is reported while reads return VST_OK: read until
// VST_WAIT. The library reads nothing before the host does, so a host that does not read slows its
// peer down (backpressure).
// Legal on the engine's thread, for a session: in the callback of VST_EVENT_SESSION or
// VST_EVENT_CONNECTED, or at any time later.
// Returns VST_OK; VST_WAIT; VST_END; VST_E_TRUNCATED (the connection ended without TLS
// close_notify: bytes may be missing); VST_E_RESET and VST_E_FAILED (VST_EVENT_CLOSED follows);
// VST_E_STATE (no session yet, closed by the host, part of a stream); VST_E_ARGUMENT (size 0);
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
// and VST_EVENT_WRITABLE is reported once when some can. A size of 0 takes none and returns
// VST_OK.
// Legal on the engine's thread, for a session.
// Returns VST_OK; VST_WAIT; VST_E_RESET, VST_E_TRUNCATED and VST_E_FAILED (the peer takes no more; what
// it sent before can still be read: read while vst_conn_recv returns VST_OK, or close, since no
// event follows by itself); VST_E_STATE (no session yet, its write side shut, closed by the host, part
// of a stream); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; bytes points to size readable bytes; taken to a
// size.
vst_status vst_conn_send(vst_engine *engine,
                         vst_id conn,
                         const void *bytes,
                         size_t size,
                         size_t *taken);

// Ends one direction of a session, or both: direction is VST_SHUT_*. Writing (half-close): the
// bytes written so far are sent, then TLS close_notify, then the FIN. Reading: no further byte is
// delivered, and bytes that still come are thrown away. When both are ended, by whichever side,
// the connection closes and VST_EVENT_CLOSED follows.
//
// Legal on the engine's thread, for a session; a second call changes nothing.
// Returns VST_OK; VST_E_STATE (no session yet, closed by the host, part of a stream);
// VST_E_ARGUMENT (the direction, the id); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_conn_shutdown(vst_engine *engine,
                             vst_id conn,
                             uint32_t direction);

// Closes a connection in order: the bytes written so far are sent, then TLS close_notify and the
// FIN, and the peer's end is waited for within linger_ns and drain_ns. A connection that is
// still opening is aborted. From now on the id works only with vst_conn_abort and with functions
// that only read, such as vst_conn_describe. One event follows, VST_EVENT_CLOSED; for a connection
// of a listener that was no session yet it is VST_EVENT_REFUSED.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED.
// Returns VST_OK; VST_E_STATE (closed before, part of a stream); VST_E_NULL; VST_E_STALE,
// VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_conn_close(vst_engine *engine,
                          vst_id conn);

// Aborts a connection: unsent bytes are thrown away, and the peer gets a reset. One event follows,
// VST_EVENT_CLOSED; for a connection of a listener that was no session yet it is
// VST_EVENT_REFUSED.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED, also after vst_conn_close.
// Returns VST_OK; VST_E_STATE (part of a stream); VST_E_NULL; VST_E_STALE, VST_E_KIND,
// VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_conn_abort(vst_engine *engine,
                          vst_id conn);

// Takes the descriptor of a session without TLS out of the library: from then on it belongs to the
// host, which closes it. The id is stale, and no event is reported. Bytes that the library has
// already read from it, such as those after a PROXY header, are copied to ahead: they come
// before whatever the host reads from the descriptor.
//
// *fd is the descriptor, or -1 on failure; *ahead_len is the number of bytes. If the
// descriptor was announced to the interest callbacks before, they are called with VST_IO_RELEASED
// without VST_IO_CLOSING, before this returns and also within a batch (vst_engine_batch_begin):
// the host removes it from its poller. If it was not, they are not called.
// Legal on the engine's thread, for a session without TLS that has no unsent bytes and no
// direction shut.
// Returns VST_OK; VST_E_SPACE (*ahead_len is the capacity that is needed; nothing happened);
// VST_E_STATE (TLS, unsent bytes, a direction shut, no session); VST_E_NULL; VST_E_STALE,
// VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id); VST_E_MODE (the engine has no interest
// callbacks); VST_E_UNSUPPORTED (it is fed); VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; fd points to an int32_t; ahead to capacity
// writable bytes; ahead_len to a size.
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
// Legal on the engine's thread, before VST_EVENT_CLOSED.
// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_conn_set_user(vst_engine *engine,
                             vst_id conn,
                             void *user);

// Reads bytes of a session into several pieces of memory, as vst_conn_recv does into one: the next
// is read into once the one before is full.
//
// pieces are count pieces, none of length 0; *got is the sum of the bytes, 0 unless VST_OK.
// Where VST_OK came with fewer bytes than there is room for, the next read may still return VST_OK.
// Legal on the engine's thread, for a session.
// Returns what vst_conn_recv does; VST_E_ARGUMENT also for a piece of length 0 and for no pieces.
//
// Needs:
// engine is an engine that is not freed; pieces points to count pieces, each to len writable bytes;
// got to a size.
vst_status vst_conn_recvv(vst_engine *engine,
                          vst_id conn,
                          const vst_iovec *pieces,
                          size_t count,
                          size_t *got);

// Writes bytes of a session from several pieces of memory, as vst_conn_send does from one: without
// TLS in one system call, with TLS in as few records as they fit.
//
// pieces are count pieces, of which the first 64 are looked at; *taken is how many of their
// bytes were taken, from the first piece on, 0 unless VST_OK.
// Legal on the engine's thread, for a session.
// Returns what vst_conn_send does.
//
// Needs:
// engine is an engine that is not freed; pieces points to count pieces, each to len readable bytes;
// taken to a size.
vst_status vst_conn_sendv(vst_engine *engine,
                          vst_id conn,
                          const vst_iovec *pieces,
                          size_t count,
                          size_t *taken);

// Copies the next bytes of a session to buffer, at most size, and leaves them to the next read.
//
// *got is how many were copied, whatever is returned. VST_OK: buffer is full, or the library holds
// as much as it does for this, at least 16 KiB. VST_WAIT: those are all there are now, and
// VST_EVENT_READABLE is reported once when there are more. What is looked at is held in memory of the
// library until it is read. When the connection breaks, the bytes that were not read are lost.
// Legal on the engine's thread, for a session.
// Returns VST_OK; VST_WAIT; VST_END and VST_E_TRUNCATED (as vst_conn_recv; no more will come);
// VST_E_RESET and VST_E_FAILED (VST_EVENT_CLOSED follows); VST_E_STATE (no session yet, closed by the
// host, part of a stream); VST_E_ARGUMENT (size 0); VST_E_NULL; VST_E_STALE, VST_E_KIND,
// VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; buffer points to size writable bytes; got to a size.
vst_status vst_conn_peek(vst_engine *engine,
                         vst_id conn,
                         void *buffer,
                         size_t size,
                         size_t *got);

// Bounds the time in which no byte of a session is read or written by the host. When idle_ns pass
// without one, counted from this call, the session ends in order; end of its VST_EVENT_CLOSED has
// VST_WHY_IDLE and no operation. 0 or VST_NEVER ends the bound.
//
// It bounds the session only, neither its closing nor a stream that it becomes part of; TLS that
// vst_conn_start_tls begins has a timeout of its own.
// Legal on the engine's thread, for a session.
// Returns VST_OK; VST_E_STATE (no session yet, closed by the host, part of a stream); VST_E_NULL;
// VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id); VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_conn_set_timeout(vst_engine *engine,
                                vst_id conn,
                                uint64_t idle_ns);

// Limits how fast the bytes of a session move: over any time at most bytes in each period_ns, and
// after a pause at most bytes at once. direction is VST_SHUT_*: from the peer to us, from us to
// the peer, or both, each for itself. A limit replaces the one before, also one that a rule has set
// (set-bandwidth-limit); bytes 0 or VST_NEVER ends it. A period_ns of 0 is a second.
//
// The bytes that the session reads and writes count, without headers and without what TLS adds. In a
// stream, bytes move as fast as the limits of both sides allow, and whoever sends faster has to wait
// (backpressure). A record of TLS is read as a whole, and paid for afterwards. A session of the
// host's gets VST_WAIT when a limit is used up, and then VST_EVENT_READABLE or VST_EVENT_WRITABLE
// once the next piece may move: what the limit allows in 20 ms, or less. Timeouts of silence do not
// count while a limit holds bytes back. Timers have a resolution of a millisecond, so that with a
// period of a few milliseconds fewer bytes move than the limit allows.
// Legal on the engine's thread, before VST_EVENT_CLOSED, also for a connection of a stream.
// Returns VST_OK; VST_E_STATE (it belongs to a link or an agent); VST_E_ARGUMENT (the direction, the
// id); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_conn_limit_rate(vst_engine *engine,
                               vst_id conn,
                               uint32_t direction,
                               uint64_t bytes,
                               uint64_t period_ns);

// Writes the descriptor of a connection, for its socket options (setsockopt, getsockopt) and for
// questions about it (TCP_INFO, SO_PEERCRED).
//
// *fd is the descriptor, or -1 on failure. It stays the library's: the host must not read, write,
// shut or close it, register it with its poller, clear O_NONBLOCK, or set SO_LINGER, and it must not
// keep the number beyond the release of the descriptor. vst_conn_take_fd is for having it.
// Legal on the engine's thread, before VST_EVENT_CLOSED.
// Returns VST_OK; VST_E_UNSUPPORTED (a fed connection, or one behind an agent, has none); VST_E_STATE
// (there is none yet, or none any more); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE,
// VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; fd points to an int32_t.
vst_status vst_conn_fd(vst_engine *engine,
                       vst_id conn,
                       int32_t *fd);

// Writes how many bytes a connection has read and written so far, as they were on the wire: with
// headers, and with TLS in records. Also of a connection of a stream, and of one that is closing.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED. On failure both are 0.
// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; bytes_in and bytes_out point to 64 bits each.
vst_status vst_conn_bytes(vst_engine *engine,
                          vst_id conn,
                          uint64_t *bytes_in,
                          uint64_t *bytes_out);

// Begins TLS on a session without TLS (STARTTLS), once vst_conn_send has taken the answer to the
// peer's command.
//
// Nothing can be read or written until VST_EVENT_TLS_DONE reports that the handshake is done; a
// handshake that fails ends the connection with VST_EVENT_CLOSED. The timeout of the handshake is
// timeout_tls_ns of the configuration that the connection was made with. Plaintext that came
// after the command must not be treated as if it had come through TLS (CVE-2011-0411): a host that
// has read any refuses the client. Bytes that nobody has read yet are taken for TLS, whose handshake then
// fails. On failure why, unless NULL, gets a sentence, cut to
// why_size bytes with its NUL.
// Legal on the engine's thread, for a session.
// Returns VST_OK; VST_E_STATE (no session; it has TLS; unsent bytes; the library holds
// bytes that the host has not read, as after vst_conn_peek; part of a stream); VST_E_ARGUMENT (not
// one of server and client; no name); VST_E_NULL; VST_E_SIZE; VST_E_STALE, VST_E_KIND,
// VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// Handles are not freed; start points to as many bytes as its size says, early to
// early_len; why is NULL or points to why_size writable bytes.
vst_status vst_conn_start_tls(vst_engine *engine,
                              vst_id conn,
                              const vst_start_tls *start,
                              char *why,
                              size_t why_size);

// =================================================================================================
// 8. What is known of a connection
//
// Its state and layers, addresses, the PROXY header that came first, what TLS agreed on, and a line
// of text for debugging, which listeners and backends have as well. All of it is copied to the
// host's memory.
// =================================================================================================

// It is closing, without a failure.
#define VST_STATE_CLOSED (0)

// An incoming connection whose handshakes are not done.
#define VST_STATE_ACCEPTED (1)

// An outgoing connection whose handshakes are not done.
#define VST_STATE_CONNECTING (2)

// The handshakes are done: bytes may be read and written.
#define VST_STATE_ESTABLISHED (3)

// It failed or was aborted.
#define VST_STATE_ERROR (4)

// The connection was accepted, by a listener or by the host.
#define VST_ORIGIN_INCOMING (1)

// The connection was requested.
#define VST_ORIGIN_OUTGOING (2)

// The connection was open when the host handed it over (vst_conn_adopt).
#define VST_ORIGIN_ADOPTED (3)

// The host moves the bytes, or will: a session, or one that is opening or closing.
#define VST_MOVER_HOST (1)

// A stream moves the bytes.
#define VST_MOVER_STREAM (2)

// The engine does: for a health check or a monitor, or until a failed attempt is closed.
#define VST_MOVER_ENGINE (3)

// A link or an agent does.
#define VST_MOVER_LINK (4)

// LOCAL: the proxy connected for itself, and announces no client.
#define VST_PROXY_COMMAND_LOCAL (0)

// PROXY: the proxy connected for a client.
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

// The peer was asked for a certificate and sent none.
#define VST_VERIFIED_ABSENT (1)

// The peer's certificate was verified, now or when the resumed session began.
#define VST_VERIFIED_VALID (2)

// The peer's certificate was not looked at: verification is switched off.
#define VST_VERIFIED_SKIPPED (3)

// The protocol version, such as TLSv1.3.
#define VST_TLS_TEXT_VERSION (1)

// The cipher suite by its IANA name, such as TLS_AES_256_GCM_SHA384.
#define VST_TLS_TEXT_CIPHER (2)

// The group of the key exchange, such as X25519.
#define VST_TLS_TEXT_GROUP (3)

// The application protocol (ALPN), as bytes, such as h2.
#define VST_TLS_TEXT_ALPN (4)

// The server name the client asked for.
#define VST_TLS_TEXT_SNI (5)

// The common name in the peer's certificate, as bytes.
#define VST_TLS_TEXT_PEER_CN (6)

// The subject of the peer's certificate.
#define VST_TLS_TEXT_PEER_SUBJECT (7)

// The issuer of the peer's certificate.
#define VST_TLS_TEXT_PEER_ISSUER (8)

// The incoming direction is shut, by either side: no further byte is delivered.
#define VST_CONN_SHR (1024)

// The outgoing direction is shut: no further byte is taken.
#define VST_CONN_SHW (2048)

// The connection failed or was aborted: its state is VST_STATE_ERROR until it is gone.
#define VST_CONN_ERR (4096)

// What is known of a connection.
struct vst_conn_info {
    // In: sizeof(vst_conn_info). Not less than 344 bytes.
    uint32_t size;
    // VST_ORIGIN_*.
    uint32_t origin;
    // VST_MOVER_*.
    uint32_t mover;
    // VST_STATE_*.
    uint32_t state;
    // The opening operation that is under way, VST_OP_*, or 0.
    uint32_t op;
    // Its descriptor, or -1.
    int32_t fd;
    // The number of the server that it leads to, or VST_NO_SERVER.
    uint32_t server;
    // 0.
    uint32_t _reserved;
    // Its id.
    vst_id id;
    // The host's user data for it.
    void *user;
    // The listener that accepted it, or 0.
    vst_id listener;
    // The stream that it is part of, or 0.
    vst_id stream;
    // The backend of server, or 0.
    vst_id backend;
    // Bytes read, as they were on the wire.
    uint64_t bytes_in;
    // Bytes written, likewise.
    uint64_t bytes_out;
    // Bytes that wait to be sent.
    uint64_t unsent;
    // How long it has existed, in nanoseconds.
    uint64_t age_ns;
    // The other end of the socket.
    vst_addr peer;
    // The client's address: as a header has announced it or a rule has set it, else the other end.
    vst_addr source;
};

// The PROXY header that a connection came with.
struct vst_proxy_header {
    // In: sizeof(vst_proxy_header). Not less than 24 bytes.
    uint32_t size;
    // 1 or 2.
    uint32_t version;
    // VST_PROXY_COMMAND_LOCAL or VST_PROXY_COMMAND_RELAYED.
    uint32_t command;
    // VST_PROXY_TRANSPORT_*.
    uint32_t transport;
    // How many TLVs it had; 0 for a header that says LOCAL, whose TLVs are passed over.
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
    // 1 when an earlier TLS session was resumed, else 0.
    uint32_t resumed;
    // VST_VERIFIED_*.
    uint32_t verified;
    // How many certificates the peer sent.
    uint32_t certificate_count;
    // 0.
    uint32_t _reserved;
};

// How far one layer of a connection is; each field is 0 or 1.
struct vst_layer {
    // The layer exists: it was set up and is not released.
    uint32_t initialized;
    // It reaches its counterpart at the peer: the socket is connected, and where there is TLS its
    // handshake is done.
    uint32_t connected;
    // Its opening operations are done, and those of the layer below.
    uint32_t handlers_done;
    // It failed. A connection that the host aborted, or that a timeout of its stream ended, has
    // not failed in any layer.
    uint32_t failed;
    // Its incoming direction has ended.
    uint32_t shutr;
    // Its outgoing direction has ended.
    uint32_t shutw;
};

// The state of the descriptor and of the two layers of a connection.
struct vst_layers {
    // In: sizeof(vst_layers). Not less than 56 bytes.
    uint32_t size;
    // 1 while there is a descriptor, else 0.
    uint32_t fd_allocated;
    // The control layer: the socket, and the operations before TLS.
    vst_layer ctrl;
    // The data layer, which the session reads and writes: the bytes of the socket, or those of TLS
    // over it.
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

// Writes the user id and the group id of the process at the other end of a connection: of a unix socket
// as SO_PEERCRED tells them, of a fed connection as vst_feed_args did. gid may be NULL. Both are
// UINT32_MAX unless VST_OK.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED.
// Returns VST_OK; VST_NONE (they are not known, as over TCP); VST_E_NULL; VST_E_STALE, VST_E_KIND,
// VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; uid points to an integer; gid is NULL or points to one.
vst_status vst_conn_peer_credentials(vst_engine *engine,
                                     vst_id conn,
                                     uint32_t *uid,
                                     uint32_t *gid);

// Writes the source and destination that a connection stands for: those announced by a PROXY or
// NetScaler header, else the socket's own, and what rules have set of them (set-src). They are what
// tables and VST_BALANCE_SOURCE go by, and what a PROXY header tells the server.
//
// Where both headers came, the NetScaler's counts. A PROXY header that says LOCAL, UNKNOWN or
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

// Writes the addresses of both ends of the socket, whatever was announced by a header: the peer's
// and ours.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED. On failure both are VST_ADDR_NONE.
// Returns VST_OK; VST_E_STATE (the system does not know them any longer); VST_E_NULL; VST_E_STALE,
// VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; peer and local point to addresses.
vst_status vst_conn_socket_addrs(vst_engine *engine,
                                 vst_id conn,
                                 vst_addr *peer,
                                 vst_addr *local);

// Writes what is known of one connection of the engine, and of the next in the next call: after is
// 0 at first, and then id of the last. Every connection is listed, whoever moves its bytes, those
// that are opening or closing included.
//
// One call looks at one connection, so that going through all of them need not stop the engine: other
// calls may come in between. A connection that exists all the time is listed once; one that begins or
// ends meanwhile may be left out.
// Legal on the engine's thread. All bytes of info but its size are 0 unless VST_OK.
// Returns VST_OK; VST_NONE (there is no further connection); VST_E_KIND and VST_E_ENGINE (after);
// VST_E_ARGUMENT; VST_E_NULL; VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; info points to as many bytes as its size says.
vst_status vst_engine_next_conn(vst_engine *engine,
                                vst_id after,
                                vst_conn_info *info);

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
// *kind, its bytes to value and their length to *len. The bytes may be any, NUL too.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED. *len is the length of the value, also
// when capacity does not suffice, and 0 when there is none.
// Returns VST_OK; VST_NONE (no header, fewer TLVs, or a header that says LOCAL, whose
// TLVs are passed over); VST_E_SPACE; VST_E_NULL; VST_E_STALE,
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

// Copies one text of what TLS agreed on, as bytes and length: what is VST_TLS_TEXT_*. The text has
// no NUL at its end, and may have any bytes, NUL too, since names come from the peer.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED. *len is its length, also when
// capacity does not suffice, and 0 when there is none.
// Returns VST_OK; VST_NONE (no TLS, or there is no such text); VST_E_SPACE; VST_E_NULL;
// VST_E_ARGUMENT; VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
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

// Copies the certificate at index of those that the peer sent, in DER: 0 is the peer's own.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED. *len is its length, also when capacity
// does not suffice, and 0 when there is none.
// Returns VST_OK; VST_NONE (no TLS, or fewer certificates); VST_E_SPACE; VST_E_NULL;
// VST_E_ARGUMENT; VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; der points to capacity writable bytes; len to a size.
vst_status vst_conn_tls_certificate(vst_engine *engine,
                                    vst_id conn,
                                    uint32_t index,
                                    uint8_t *der,
                                    size_t capacity,
                                    size_t *len);

// Writes which directions of a connection are shut, and whether it failed: *flags is a mask of
// VST_CONN_SHR, VST_CONN_SHW and VST_CONN_ERR.
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

// Copies the state of a connection as one line of name=value, for a log or for debugging: state,
// descriptor, layers, operations, bytes, limits of bandwidth, deadline, what it waits for, why it failed.
//
// The text has no NUL; *len is its length, also when capacity does not suffice. 2,048 bytes
// mostly do.
// Legal on the engine's thread, before VST_EVENT_CLOSED.
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

// Copies the state of a listener as one line of name=value, for a log or for debugging: its name,
// address, descriptor, why it is paused, and the counts of its connections.
//
// The text has no NUL; *len is its length, also when capacity does not suffice. 1,024 bytes
// mostly do.
// Legal on the engine's thread, before VST_EVENT_LISTENER_CLOSED.
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

// Copies the state of a backend as one line of name=value, for a log or for debugging: its streams
// and queue, and of each server (server.NUMBER.name and so on) its name, state, health, share,
// streams and queue.
//
// The text has no NUL; *len is its length, also when capacity does not suffice. It grows with the
// servers, by some 200 bytes each.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; text points to capacity writable bytes; len to a size.
vst_status vst_backend_describe(vst_engine *engine,
                                vst_id backend,
                                char *text,
                                size_t capacity,
                                size_t *len);

// =================================================================================================
// 9. Certificates and TLS
//
// How incoming connections (vst_tls_server) and outgoing ones (vst_tls_client) use TLS. Such an
// object is made once, named in accept or connect configurations, and shared by any number of
// connections and engines. The host may free its handle at any time, since what uses the object
// keeps it.
// =================================================================================================

// Clients are not asked for a certificate.
#define VST_CLIENT_AUTH_NONE (0)

// Clients are asked for a certificate and may send none; a certificate that is sent must verify.
#define VST_CLIENT_AUTH_OPTIONAL (1)

// Clients are asked for a certificate; those without one that verifies are refused.
#define VST_CLIENT_AUTH_REQUIRED (2)

// Clients that send no server name (SNI), or one that no certificate has, are refused (RFC 6066
// section 3). Without this flag they get the first certificate.
#define VST_TLS_SERVER_STRICT_SNI (UINT64_C(1) << 37)

// No ticket carries a session: only sessions that the library keeps (session_cache) are resumed.
// A TLS 1.3 client still gets a ticket, which only holds the number of its session (RFC 8446
// section 4.6.1).
#define VST_TLS_SERVER_NO_TICKETS (UINT64_C(1) << 38)

// The secrets of every connection are kept for vst_tls_server_take_key_log: with them everything
// can be decrypted.
#define VST_TLS_SERVER_KEY_LOG (UINT64_C(1) << 39)

// No sessions are kept, whatever session_cache says.
#define VST_TLS_SERVER_NO_SESSION_CACHE (UINT64_C(1) << 40)

// The most that session_cache may be. A vst_tls_server allocates the index of so many sessions
// as session_cache says when it is made; a vst_tls_client allocates memory as sessions come.
#define VST_TLS_SESSIONS_MAX (1048576)

// TLS 1.2, for min_version and max_version.
#define VST_TLS_1_2 (771)

// TLS 1.3, for min_version and max_version.
#define VST_TLS_1_3 (772)

// Dangerous: any certificate of any server is accepted, so that anybody between can read and
// change everything.
#define VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION (UINT64_C(1) << 41)

// X25519MLKEM768 is not offered to servers. Without this flag it is offered first (not in a build
// with ring), so that a recorded connection stays secret from a later quantum computer. The
// ClientHello then has about 1,450 bytes instead of 230, which some old middleboxes do not
// forward.
#define VST_TLS_CLIENT_NO_POST_QUANTUM (UINT64_C(1) << 42)

// The secrets of every connection are kept for vst_tls_client_take_key_log: with them everything
// can be decrypted.
#define VST_TLS_CLIENT_KEY_LOG (UINT64_C(1) << 43)

// No sessions are kept, whatever session_cache says.
#define VST_TLS_CLIENT_NO_SESSION_CACHE (UINT64_C(1) << 44)

// The TLS of outgoing connections. Any number of configurations, engines and threads may use it.
// It never changes. Kept sessions are not shared with any other vst_tls_client.
struct vst_tls_client;

// The TLS of incoming connections. Any number of configurations, engines and threads may use it.
// It never changes. Ticket keys and kept sessions are not shared with any other vst_tls_server.
struct vst_tls_server;

// PEM text, from a file or from memory. Set file, or bytes and len; both is VST_E_ARGUMENT.
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
    // The private key (PKCS #8, PKCS #1 or SEC 1), without a passphrase. All zero: the key is in
    // chain.
    vst_pem key;
};

// The TLS of incoming connections. A field that is 0 stands for its default, so that all zero but
// size and the certificates is the defaults; vst_tls_server_options_init writes them.
//
// The group of the key exchange is the first in the client's list that the library has:
// X25519MLKEM768 (not in a build with ring), X25519, P-256 or P-384.
//
// TLS 1.2 cannot change its keys, and a key of AES-GCM may protect 2^24 records: a connection that
// has sent so many (256 GiB in full records) sends close_notify and ends with VST_WHY_KEY_LIMIT.
// TLS 1.3 changes its keys without an interruption.
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
    // The lowest protocol version: VST_TLS_1_2 or VST_TLS_1_3; 0 is VST_TLS_1_2.
    uint32_t min_version;
    // The highest protocol version: VST_TLS_1_2 or VST_TLS_1_3; 0 is VST_TLS_1_3.
    uint32_t max_version;
    // How long a session can be resumed, in seconds; each resumption starts the time again.
    // Default 43,200; at most 604,800, which is seven days (RFC 8446 section 4.6.1).
    uint32_t ticket_lifetime_s;
    // How long the verification of a client's certificate is relied on, in seconds: later, and
    // when the certificate has expired, its session is not resumed, and the client makes a full
    // handshake. Where clients are asked for a certificate, the shorter of this time and
    // ticket_lifetime_s counts. Default 3,600.
    uint32_t client_ticket_lifetime_s;
    // Our certificates, which the library sends and does not verify. A client gets the one with
    // the server name (SNI) that it sends: an exact match, else a wildcard, else the first. Read
    // during the call.
    const vst_identity *identities;
    // The certificates of the authorities that client certificates are verified against. A client
    // that sends one of these certificates as its own (a self-signed one, such as openssl req
    // -x509 makes) is accepted while that is valid.
    vst_pem client_ca;
    // The revocation lists (CRL) of these authorities; all zero: none.
    vst_pem client_crl;
    // Application protocols (ALPN), the preferred first, separated by commas: h2,http/1.1. A
    // client that offers protocols, but none of these, is refused (RFC 7301 section 3.2). NULL:
    // ALPN is not used. Copied.
    const char *alpn;
    // The most sessions that are kept for clients that take no ticket, or for all clients with
    // VST_TLS_SERVER_NO_TICKETS. Default 256, at most VST_TLS_SESSIONS_MAX;
    // VST_TLS_SERVER_NO_SESSION_CACHE keeps none.
    uint64_t session_cache;
};

// The TLS of outgoing connections. A field that is 0 stands for its default, so that all zero but
// size is the defaults; vst_tls_client_options_init writes them.
//
// The groups X25519MLKEM768 (not in a build with ring), X25519, P-256 and P-384 are offered in
// this order; see VST_TLS_CLIENT_NO_POST_QUANTUM. A connection with TLS 1.2 and AES-GCM ends with
// VST_WHY_KEY_LIMIT after 2^24 records, as in vst_tls_server_options.
struct vst_tls_client_options {
    // sizeof(vst_tls_client_options). Not less than 96 bytes.
    uint32_t size;
    // How long the verification of a server's certificate is relied on, in seconds: later, and
    // when the certificate has expired, its session is not resumed. The default, 604,800, which is
    // seven days, is also the most (RFC 8446 section 4.6.1).
    uint32_t session_lifetime_s;
    // VST_TLS_CLIENT_*.
    uint64_t flags;
    // The lowest protocol version: VST_TLS_1_2 or VST_TLS_1_3; 0 is VST_TLS_1_2.
    uint32_t min_version;
    // The highest protocol version: VST_TLS_1_2 or VST_TLS_1_3; 0 is VST_TLS_1_3.
    uint32_t max_version;
    // The certificates of the authorities that servers are verified against. All zero: those that
    // the system trusts, from the files where distributions keep them; no environment variable is
    // read. A server that sends one of the certificates given here as its own (a self-signed one,
    // such as openssl req -x509 makes) is accepted for the names in its subjectAltName while it is
    // valid.
    vst_pem ca;
    // The revocation lists (CRL) of these authorities; all zero: none.
    vst_pem crl;
    // Our certificate, for servers that ask for one, or NULL. Read during the call.
    const vst_identity *identity;
    // Application protocols (ALPN) to offer, the preferred first, separated by commas:
    // h2,http/1.1. NULL: ALPN is not used. Copied.
    const char *alpn;
    // The most sessions that are kept for resumption, at most 8 for each server name. Default 256,
    // at most VST_TLS_SESSIONS_MAX; VST_TLS_CLIENT_NO_SESSION_CACHE keeps none.
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

// Makes the TLS of incoming connections: reads every file and checks everything that can be
// checked before a client comes.
//
// options is read and not kept. *out is the object, or NULL on failure; free it with
// vst_tls_server_free. On failure why, unless NULL, gets a sentence that names the file, the line,
// what is wrong and what to do about it, cut to why_size bytes with its NUL. On success it is
// empty, or a note: that a certificate has expired, or is not valid yet.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (an unknown flag or number, no chain, a
// vst_pem with file and bytes, a name in alpn that has not 1 to 255 bytes); VST_E_CONFIG (a
// file, certificate, key or list cannot be used); VST_E_UNSUPPORTED (a build without VST_FEATURE_TLS).
//
// Needs:
// options points to as many bytes as its size says, and its texts, files and memory to what
// their fields say; out to a pointer; why is NULL or points to why_size writable bytes.
vst_status vst_tls_server_new(const vst_tls_server_options *options,
                              vst_tls_server **out,
                              char *why,
                              size_t why_size);

// Makes the TLS of incoming connections with a new self-signed certificate for names (DNS names
// and IP addresses, separated by commas). No client trusts it, and its key exists only in memory.
// For development.
//
// *out is the object, or NULL on failure; free it with vst_tls_server_free. On failure why, unless
// NULL, gets a sentence, cut to why_size bytes with its NUL.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (names is not UTF-8); VST_E_CONFIG (a name that no
// certificate can have); VST_E_UNSUPPORTED (the library was built without it, see
// VST_FEATURE_SELF_SIGNED).
//
// Needs:
// names is a NUL-terminated string; out points to a pointer; why is NULL or points to
// why_size writable bytes.
vst_status vst_tls_server_self_signed(const char *names,
                                      vst_tls_server **out,
                                      char *why,
                                      size_t why_size);

// Writes when a certificate of ours expires: that of identities[index]. *not_after is the last
// second in which it is valid, in seconds since 1970-01-01 00:00 UTC.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (no certificate has this index: *not_after is 0).
//
// Needs:
// tls is a handle that is not freed; not_after points to a number.
vst_status vst_tls_server_not_after(const vst_tls_server *tls,
                                    uint32_t index,
                                    uint64_t *not_after);

// Copies the secrets of the connections since the last call, and forgets them, as lines of the NSS
// key log format that protocol analysers read (SSLKEYLOGFILE). Without VST_TLS_SERVER_KEY_LOG the
// text is empty. While more than 1 MiB waits to be copied, further secrets are dropped.
//
// The text has no NUL; *len is its length. With VST_E_SPACE nothing is copied or forgotten, and
// *len is the capacity that is needed.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_SPACE; VST_E_NULL.
//
// Needs:
// tls is a handle that is not freed; text points to capacity writable bytes; len to a size.
vst_status vst_tls_server_take_key_log(const vst_tls_server *tls,
                                       char *text,
                                       size_t capacity,
                                       size_t *len);

// Frees a handle. Configurations and connections that use the object keep it. NULL does nothing.
//
// Legal from any thread and any callback.
//
// Needs:
// tls is NULL or a handle that is not freed.
void vst_tls_server_free(vst_tls_server *tls);

// Fills options with the defaults. size is sizeof(vst_tls_client_options).
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
//
// Needs:
// options points to size writable bytes.
vst_status vst_tls_client_options_init(vst_tls_client_options *options,
                                       uint32_t size);

// Makes the TLS of outgoing connections: reads every file and checks everything that can be
// checked before a connection.
//
// options is read and not kept. *out is the object, or NULL on failure; free it with
// vst_tls_client_free. On failure why, unless NULL, gets a sentence that names the file, the line,
// what is wrong and what to do about it, cut to why_size bytes with its NUL. On success it is
// empty, or a note: that a certificate has expired, or is not valid yet.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (an unknown flag or number, an identity
// without chain, a vst_pem with file and bytes, a name in alpn that has not 1 to 255 bytes);
// VST_E_CONFIG (a file, certificate, key or list cannot be used); VST_E_UNSUPPORTED (a build without
// VST_FEATURE_TLS).
//
// Needs:
// options points to as many bytes as its size says, and its texts, files and memory to what their
// fields say; out to a pointer; why to why_size writable bytes.
vst_status vst_tls_client_new(const vst_tls_client_options *options,
                              vst_tls_client **out,
                              char *why,
                              size_t why_size);

// Writes when the certificate that we send to servers expires. *not_after is the last second in
// which it is valid, in seconds since 1970-01-01 00:00 UTC.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_STATE (there is no such certificate: *not_after is 0).
//
// Needs:
// tls is a handle that is not freed; not_after points to a number.
vst_status vst_tls_client_not_after(const vst_tls_client *tls,
                                    uint64_t *not_after);

// Copies the secrets of the connections since the last call, and forgets them, as lines of the NSS
// key log format that protocol analysers read (SSLKEYLOGFILE). Without VST_TLS_CLIENT_KEY_LOG the
// text is empty. While more than 1 MiB waits to be copied, further secrets are dropped.
//
// The text has no NUL; *len is its length. With VST_E_SPACE nothing is copied or forgotten, and
// *len is the capacity that is needed.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_SPACE; VST_E_NULL.
//
// Needs:
// tls is a handle that is not freed; text points to capacity writable bytes; len to a size.
vst_status vst_tls_client_take_key_log(const vst_tls_client *tls,
                                       char *text,
                                       size_t capacity,
                                       size_t *len);

// Frees a handle. Configurations and connections that use the object keep it. NULL does nothing.
//
// Legal from any thread and any callback.
//
// Needs:
// tls is NULL or a handle that is not freed.
void vst_tls_client_free(vst_tls_client *tls);

// =================================================================================================
// 10. Connect configurations
//
// What is done with outgoing connections before they are open: the source address, a PROXY header,
// a SOCKS server, handlers, TLS, and the timeout of each.
// =================================================================================================

// No SOCKS: the address of the connection is the destination itself.
#define VST_SOCKS_NONE (0)

// The address of the connection is that of a SOCKS server of version 4: destinations are IPv4
// addresses.
#define VST_SOCKS_4 (1)

// As VST_SOCKS_4, with version 4a: destinations are IPv4 addresses, and names that the server
// resolves.
#define VST_SOCKS_4A (2)

// As VST_SOCKS_4, with version 5 (RFC 1928): destinations are IPv4 and IPv6 addresses, and names
// that the server resolves.
#define VST_SOCKS_5 (3)

// With TLS 1.2, where a close_notify ends both directions, a half-close (vst_conn_shutdown, or
// that of a stream) is sent at once. Without this flag a half-close is held back until the peer
// has ended its own side, or, once bytes of the peer are waited for, has sent none for
// tls12_half_close_hold_ns, since a server that gets a close_notify may stop sending its
// response.
#define VST_CONNECT_TLS12_HALF_CLOSE_SEND (UINT64_C(1) << 27)

// In a stream, the end of a TLS connection without close_notify resets both sides: as
// VST_ACCEPT_TLS_TRUNCATION_ABORT, for the server's connection.
#define VST_CONNECT_TLS_TRUNCATION_ABORT (UINT64_C(1) << 28)

// The host opens the connection and moves its bytes: VST_FED_OPEN is asked instead of a socket being
// connected. See the section on fed connections.
#define VST_CONNECT_FED (UINT64_C(1) << 55)

// Where the connection goes over a link: the agent may not answer with its descriptor, so that all bytes go
// through the agent.
#define VST_CONNECT_NO_DESCRIPTOR (UINT64_C(1) << 56)

// No PROXY header is sent.
#define VST_SEND_PROXY_NONE (0)

// The PROXY header of version 1: a line of text.
#define VST_SEND_PROXY_V1 (1)

// The PROXY header of version 2: binary, with TLVs.
#define VST_SEND_PROXY_V2 (2)

// A version 2 header carries the application protocol of the client's TLS (PP2_TYPE_ALPN).
#define VST_PROXY_TLV_ALPN (UINT64_C(1) << 29)

// A version 2 header carries the server name that the client's TLS asked for (PP2_TYPE_AUTHORITY).
#define VST_PROXY_TLV_AUTHORITY (UINT64_C(1) << 30)

// A version 2 header carries facts of the client's TLS (PP2_TYPE_SSL): version, certificate name,
// cipher, algorithms.
#define VST_PROXY_TLV_SSL (UINT64_C(1) << 31)

// A version 2 header carries a checksum of itself (PP2_TYPE_CRC32C).
#define VST_PROXY_TLV_CRC32C (UINT64_C(1) << 32)

// A version 2 header carries an identifier of this one connection (PP2_TYPE_UNIQUE_ID), made by
// the engine.
#define VST_PROXY_TLV_UNIQUE_ID (UINT64_C(1) << 33)

// A connect configuration: what is done with outgoing connections. Any number of engines, also in
// several threads, may use it. It never changes.
struct vst_connect_config;

// The options of a connect configuration. A field that is 0 stands for its default, so that all
// zero but size is the defaults; vst_connect_options_init writes them. In spans of time
// VST_NEVER is no bound.
struct vst_connect_options {
    // sizeof(vst_connect_options). Not less than 96 bytes.
    uint32_t size;
    // VST_SEND_PROXY_*.
    uint32_t send_proxy;
    // VST_CONNECT_*.
    uint64_t flags;
    // VST_PROXY_TLV_*, for version 2.
    uint64_t proxy_tlvs;
    // Where set, the connection uses TLS. Needs server_name. NULL: no TLS. The configuration keeps
    // its own reference: the handle may be freed at once.
    const vst_tls_client *tls;
    // The name that TLS asks for and that the server's certificate must be valid for: a DNS name or
    // an IP address. Copied.
    const char *server_name;
    // The source address, 192.0.2.1:0, or several separated by commas, or NULL: the system chooses.
    // Of several, those of the destination's family are used in turn, and the next one where no port
    // of one is left (EADDRNOTAVAIL). Copied.
    const char *source;
    // Timeout of the connect, the PROXY header and SOCKS together, in nanoseconds. Default 5 s.
    uint64_t timeout_connect_ns;
    // Timeout of the TLS handshake, in nanoseconds from its beginning. Default 10 s.
    uint64_t timeout_tls_ns;
    // Timeout of everything before the connection is open, in nanoseconds. Default 30 s.
    uint64_t timeout_opening_ns;
    // While closing: how long unsent bytes may wait without progress, in nanoseconds, as in
    // vst_accept_options. Default 30 s.
    uint64_t linger_ns;
    // While closing: how long the peer's FIN is waited for once the peer has all our bytes, in
    // nanoseconds, as in vst_accept_options. Default 2 s.
    uint64_t drain_ns;
    // While closing: how many bytes of the peer are read and thrown away until its FIN, as in
    // vst_accept_options. Default 1 MiB.
    uint64_t drain_bytes;
    // The host's own handlers, before or after TLS, called in this order. Copied.
    const vst_handler *handlers;
    // How many there are.
    uint64_t handler_count;
    // VST_SOCKS_*. Where it is not VST_SOCKS_NONE, the address of the connection is that of a
    // SOCKS server, which is asked to connect to socks_destination before TLS and the session.
    // Its answer must come within timeout_connect_ns; a refusal ends the connection with
    // VST_WHY_REFUSED and the server's reason in text of vst_end.
    uint32_t socks;
    // The first port that the system may choose for a source address without one, or without a source
    // address. Both ports 0: any of its own range, net.ipv4.ip_local_port_range. They must lie within
    // that range to have an effect (IP_LOCAL_PORT_RANGE, Linux 6.3).
    uint16_t source_port_first;
    // The last one, not less than source_port_first.
    uint16_t source_port_last;
    // With SOCKS: the destination, 192.0.2.1:80, [2001:db8::1]:80 or example.net:80, as far as the
    // version has it. The server resolves a name. Copied.
    const char *socks_destination;
    // With SOCKS: the name of the user, or NULL. In versions 4 and 4a at most 255 bytes, without a
    // password. In version 5 1 to 255 bytes with socks_password (RFC 1929), sent if the server
    // asks for both. Copied.
    const char *socks_user;
    // With SOCKS version 5: the password of socks_user, 1 to 255 bytes, or NULL. It is sent
    // without encryption. Copied.
    const char *socks_password;
    // With TLS 1.2: how long a peer may be silent before a half-close that is held back (without
    // VST_CONNECT_TLS12_HALF_CLOSE_SEND) is sent, in nanoseconds. VST_NEVER: it waits for the
    // peer's own end. Default 1 s.
    uint64_t tls12_half_close_hold_ns;
    // A link (vst_link_open): the agent that it leads to opens the connection. The configuration is then of
    // use only with the engine of the link. 0: no link.
    vst_id link;
    // With a link: the destination as example.net:443, which the agent looks up; the address of the
    // connection is not used then. NULL: the address. Copied.
    const char *link_destination;
    // With a link: the agent connects with TLS, as its profile of this name says (vst_agent_add_tls), and
    // the server's certificate must be valid for server_name. Not together with tls. NULL: the bytes
    // are sent as they are. Copied.
    const char *link_tls;
    // After how long a silence of the peer TCP probes it, in nanoseconds, in whole seconds rounded up;
    // a peer that does not answer fails the connection as the system has it. Default 0: no peer is
    // probed.
    uint64_t keepalive_ns;
    // How long TCP waits for bytes to be acknowledged before the connection fails with ETIMEDOUT
    // (TCP_USER_TIMEOUT, RFC 5482), in nanoseconds, in whole milliseconds rounded up. Default 0: as
    // the system has it.
    uint64_t user_timeout_ns;
    // The class of the packets (DSCP, RFC 2474): 0 to 63. Default 0. A rule may set another.
    uint32_t dscp;
    // VST_NODELAY_*.
    uint32_t nodelay;
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

// Makes a connect configuration: what is done with outgoing connections.
//
// options is read and not kept. *out is the configuration, or NULL on failure; free it with
// vst_connect_config_free. On failure why, unless NULL, gets a sentence, cut to why_size bytes
// with its NUL.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (an unknown flag or number, a dscp above 63,
// source ports that are no range, or with VST_CONNECT_FED or link, proxy_tlvs without version 2,
// SOCKS texts with VST_SOCKS_NONE, link is no id, link_destination or link_tls without link,
// link with VST_CONNECT_FED, link_tls with tls); VST_E_CONFIG (source or socks_destination
// cannot be parsed, server_name is missing or no DNS name and no IP address, socks_destination is
// missing, the version of SOCKS cannot express the destination, user or password, link_destination is
// no name and port, or link_tls is empty); VST_E_KIND (link is the id of something else);
// VST_E_UNSUPPORTED (source ports, which this system does not have).
//
// Needs:
// options points to as many bytes as its size says, its texts to NUL-terminated strings, its
// handles are not freed; out points to a pointer; why to why_size writable bytes.
vst_status vst_connect_config_new(const vst_connect_options *options,
                                  vst_connect_config **out,
                                  char *why,
                                  size_t why_size);

// Frees a handle. Connections, servers and checks that use the configuration keep it. NULL does
// nothing.
//
// Legal from any thread and any callback.
//
// Needs:
// config is NULL or a handle that is not freed.
void vst_connect_config_free(vst_connect_config *config);

// =================================================================================================
// 11. Fed connections
//
// A fed connection stands on no socket of the library: the host moves its bytes, over whatever it
// has (an I/O stack of its own, a tunnel inside another protocol, memory). vst_conn_feed makes an
// incoming one; a connect configuration with VST_CONNECT_FED makes outgoing ones, those of backends
// and health checks among them. The connection asks the host (VST_FED_*), by the callback fed or
// through vst_fed_next: to open, to send what vst_fed_copy_unsent hands out, to close. The host
// reports what happened: vst_fed_opened or vst_fed_failed, vst_fed_received, vst_fed_sent,
// vst_fed_ended, vst_fed_hung_up, and at last vst_fed_closed. Reports of one direction come in
// order; those of different connections in any order. Everything else is as for other connections,
// but what needs a descriptor: vst_conn_take_fd is VST_E_UNSUPPORTED, and marks that rules set do
// nothing.
// =================================================================================================

// Open the connection to to: then report vst_fed_opened or vst_fed_failed.
#define VST_FED_OPEN (1)

// Bytes may be reported with vst_fed_received. While the last ask had no VST_FED_RECEIVE, stop reading
// from what is below: fed_inbox_bytes are full, or the end or a failure was reported. It is asked again
// once half of fed_inbox_bytes is free.
#define VST_FED_RECEIVE (2)

// Bytes wait to be sent (unsent): copy them out with vst_fed_copy_unsent, and report with
// vst_fed_sent how many of them what is below has taken. It is asked again when further bytes wait. No
// ask comes when all were sent: vst_fed_copy_unsent copies none then.
#define VST_FED_SEND (4)

// No more bytes will be sent: end the direction to the peer. All bytes before were reported as sent.
#define VST_FED_SHUT_WRITE (8)

// Close the connection in order, then report vst_fed_closed. The direction to the peer ends with it where
// VST_FED_SHUT_WRITE was not asked before; what the peer still sends is not needed. It may come while
// the connection is still being opened, which is given up. Nothing else is asked afterwards, but
// possibly VST_FED_RESET.
#define VST_FED_CLOSE (16)

// Close the connection so that the peer learns that it was cut off (a reset, where there is such a
// thing), then report vst_fed_closed. Also while it is still being opened.
#define VST_FED_RESET (32)

// peer_uid and peer_gid of vst_feed_args are known.
#define VST_FEED_PEER_CREDENTIALS (UINT64_C(1) << 54)

// What one fed connection asks of the host.
struct vst_fed_ask {
    // In, for vst_fed_next: sizeof(vst_fed_ask). Not less than 280 bytes.
    uint32_t size;
    // VST_FED_*: VST_FED_RECEIVE and VST_FED_SEND say what holds from now on, until the next ask of
    // this connection; each of the others is asked once. 0: nothing holds.
    uint32_t asks;
    // The connection.
    vst_id conn;
    // The host's data for what is below: as in vst_feed_args, or as vst_fed_set_data has set it. With
    // VST_FED_OPEN it means nothing: there is nothing below yet.
    void *data;
    // How many bytes wait to be sent.
    uint64_t unsent;
    // How many bytes vst_fed_received takes from now on, all calls together, until the next ask of this
    // connection. VST_FED_RECEIVE is asked once more whenever half of fed_inbox_bytes was read since
    // the last ask, so a host can promise this much to its peer (the credit or window of a protocol of
    // its own) and needs no memory for received bytes.
    uint64_t room;
    // With VST_FED_OPEN: the address to connect to. Otherwise VST_ADDR_NONE.
    vst_addr to;
    // With VST_FED_OPEN: the address to connect from, if source of the connect configuration says
    // one. Otherwise VST_ADDR_NONE.
    vst_addr from;
};

// What is known of a connection that the host hands over to be fed.
struct vst_feed_args {
    // sizeof(vst_feed_args). Not less than 56 bytes.
    uint32_t size;
    // Has to be 0.
    uint32_t _reserved;
    // VST_FEED_*.
    uint64_t flags;
    // The user id of the process at the other end, as SO_PEERCRED would tell it. Only with
    // VST_FEED_PEER_CREDENTIALS.
    uint32_t peer_uid;
    // Its group id. Only with VST_FEED_PEER_CREDENTIALS.
    uint32_t peer_gid;
    // The other end. NULL or VST_ADDR_NONE: it has no address, and counts as an unnamed unix socket: a
    // list of trusted sources (accept_proxy) trusts it where it has the word unix.
    const vst_addr *peer;
    // Our end. NULL or VST_ADDR_NONE: it has no address; then vst_conn_addrs and vst_conn_socket_addrs
    // return VST_E_STATE, and a PROXY header that is sent on behalf of the connection names no address.
    const vst_addr *local;
    // The host's user data for the connection. The library neither reads nor frees it.
    void *user;
    // The host's data for what is below: it comes with every ask. The library neither reads nor frees
    // it.
    void *data;
};

// Takes a connection that is open below, and whose bytes the host moves. It goes through what config
// (not NULL) says: headers, rules, handlers, TLS. args may be NULL: nothing is known of the connection.
//
// *out is the id, or 0. It asks with the callback fed of the engine or through vst_fed_next.
// VST_EVENT_SESSION is reported when it is a session, and VST_EVENT_CLOSED when it has ended, also if
// it never was a session. On failure why, unless NULL, gets a sentence, cut to why_size bytes with
// its NUL.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (an unknown flag, an address that is none);
// VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// Handles are not freed; args is NULL or points to as many bytes as its size says, and its
// addresses are NULL or addresses; out points to an id; why is NULL or points to why_size
// writable bytes.
vst_status vst_conn_feed(vst_engine *engine,
                         const vst_accept_config *config,
                         const vst_feed_args *args,
                         vst_id *out,
                         char *why,
                         size_t why_size);

// Writes the next ask of a fed connection, of an engine that was made without the callback fed. A
// host calls it until it returns VST_NONE, at the latest before it waits: VST_WAIT_RUNNABLE is set
// while there are asks. All bytes of ask but its size are 0 unless VST_OK.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_NONE (nothing is asked); VST_E_MODE (the engine has the callback); VST_E_NULL;
// VST_E_SIZE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; ask points to as many bytes as its size says.
vst_status vst_fed_next(vst_engine *engine,
                        vst_fed_ask *ask);

// Changes the host's data for what is below a connection; data comes with every later ask of it.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_UNSUPPORTED (it is not fed); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE,
// VST_E_ARGUMENT (the id); VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_fed_set_data(vst_engine *engine,
                            vst_id conn,
                            void *data);

// Copies bytes that wait to be sent into buffer: at most size, beginning offset bytes behind the
// oldest one. They stay until vst_fed_sent reports that what is below has taken them. A host that sends
// in the background passes as offset how many of them it has copied before.
//
// *got is how many were copied: 0 where no more wait, also when they were dropped because the
// connection failed or was aborted.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_ARGUMENT (the id); VST_E_UNSUPPORTED (it is not fed); VST_E_NULL; VST_E_STALE
// (drop what was copied of it), VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; buffer points to size writable bytes; got to a size.
vst_status vst_fed_copy_unsent(vst_engine *engine,
                               vst_id conn,
                               size_t offset,
                               void *buffer,
                               size_t size,
                               size_t *got);

// Reports that the connection is open, as VST_FED_OPEN asked. local is our end; NULL or
// VST_ADDR_NONE: it has no address.
//
// Deadlines that have passed by then are handled first, as for every report, and the connection goes
// on. It counts as reached, for the connect timeout and for a stream, once the first byte that waits
// for it is reported as sent, if any waits. Where a report is made outside of a callback, callbacks
// run before it returns, fed among them: the connection may have been closed and the host's data for
// it freed by then.
// Legal on the engine's thread.
// Returns VST_OK (also when the connection was given up in the meantime: VST_FED_CLOSE or
// VST_FED_RESET was asked, or is asked next); VST_E_STATE (it did not ask); VST_E_UNSUPPORTED (it is
// not fed); VST_E_ARGUMENT (local is no address; the id); VST_E_NULL; VST_E_STALE (it is gone: close
// what is below), VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; local is NULL or points to an address.
vst_status vst_fed_opened(vst_engine *engine,
                          vst_id conn,
                          const vst_addr *local);

// Reports that the connection could not be opened, and that nothing is below it. sys_errno says why,
// as connect(2) would (ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH); it decides how a backend counts it.
// Resources that this machine lacks (EMFILE, ENOBUFS, EADDRNOTAVAIL) count against no server, and
// VST_FED_OPEN is asked again after a pause. It is also an answer to VST_FED_CLOSE or VST_FED_RESET
// that came while the connection was being opened, and then the last report about it.
//
// Legal on the engine's thread.
// Returns VST_OK (also when the connection was given up in the meantime); VST_E_ARGUMENT (sys_errno
// is not positive; the id); VST_E_STATE (it did not ask to be opened); VST_E_UNSUPPORTED (it is not
// fed); VST_E_NULL; VST_E_STALE (it is gone), VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_fed_failed(vst_engine *engine,
                          vst_id conn,
                          int32_t sys_errno);

// Reports bytes from the peer: size bytes at bytes, copied before this returns.
//
// *taken is how many were taken, 0 unless VST_OK. If it is less than size, the connection holds
// fed_inbox_bytes: the host keeps the others, stops reading from what is below, and reports them
// when VST_FED_RECEIVE is asked again.
// Legal on the engine's thread.
// Returns VST_OK (also when the connection is closing, which takes all and drops them); VST_E_STATE
// (it is not open below, or its end or failure was reported); VST_E_UNSUPPORTED (it is not fed);
// VST_E_NULL; VST_E_STALE (it is gone), VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; bytes points to size readable bytes; taken to a size.
vst_status vst_fed_received(vst_engine *engine,
                            vst_id conn,
                            const void *bytes,
                            size_t size,
                            size_t *taken);

// Reports that what is below has taken the oldest n of the bytes that wait to be sent: its system
// keeps them, and the host will not ask for them again. What was not reported counts as lost when the
// connection breaks, and is sent again by another attempt of a stream to reach a server.
//
// Legal on the engine's thread.
// Returns VST_OK (also when the connection has failed or is closing, and the bytes were dropped);
// VST_E_ARGUMENT (fewer bytes wait; the id); VST_E_STATE (it is not open below);
// VST_E_UNSUPPORTED (it is not fed); VST_E_NULL; VST_E_STALE (it is gone), VST_E_KIND, VST_E_ENGINE;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_fed_sent(vst_engine *engine,
                        vst_id conn,
                        size_t n);

// Reports that the peer has ended its side, behind all bytes that were reported as received.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_STATE (it is not open below, or its end was reported); VST_E_UNSUPPORTED (it is
// not fed); VST_E_NULL; VST_E_STALE (it is gone), VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_fed_ended(vst_engine *engine,
                         vst_id conn);

// Reports that what is below has failed, as by a reset: nothing will be received or sent any more.
// Report it as soon as it is known, also while VST_FED_RECEIVE is not asked (a host that notices a
// failure by reading alone reports it then), but after what was sent before: what is not reported by
// then counts as never sent, and a stream sends it to another server. An attempt to reach a server, and
// a client that waits for one, are not told of the failure in any other way. sys_errno says why
// (ECONNRESET, EPIPE, ETIMEDOUT). A session of the host's can still read the bytes that were received
// before, and notices the failure as over a socket, by its next read or write (VST_EVENT_READABLE is
// reported to one that waits); then VST_FED_CLOSE or VST_FED_RESET is asked. A stream that cannot pass
// those bytes on drops them.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_ARGUMENT (sys_errno is not positive; the id); VST_E_STATE (it is not open
// below); VST_E_UNSUPPORTED (it is not fed); VST_E_NULL; VST_E_STALE (it is gone), VST_E_KIND,
// VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_fed_hung_up(vst_engine *engine,
                           vst_id conn,
                           int32_t sys_errno);

// Reports that nothing is below the connection any more: the last report about it. Where neither
// VST_FED_CLOSE nor VST_FED_RESET was asked, that is a failure (ECONNRESET).
//
// It is also the report for a connection that was given up while it was being opened. VST_EVENT_CLOSED, or
// the end of the stream, follows, and the id is stale then. Where nothing was asked, a session of the
// host's notices it as after vst_fed_hung_up, and bytes that are not read yet may be lost: after an end
// in order report vst_fed_ended alone, and wait for VST_FED_CLOSE.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_STATE (it is still being opened: report
// vst_fed_failed; or this was reported); VST_E_UNSUPPORTED (it is not fed); VST_E_NULL; VST_E_STALE (it
// is gone), VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_fed_closed(vst_engine *engine,
                          vst_id conn);

// =================================================================================================
// 12. Links and agents
//
// A second process, the agent, opens connections for this one and hands over connections that it
// has accepted, so that this one needs no network and no keys of its own. vst_link_open makes a
// link to it, and a connect configuration that names the link (`link` of vst_connect_options) has
// the agent connect, with TLS of its own where `link_tls` says so; vst_link_accept takes the
// connections that it hands over. They are used as all others are; what failed at the agent has
// `remote` set in its vst_end. A connection over a unix socket whose bytes the agent does not
// change is passed as a descriptor, and the agent is out of its way. In the agent, vst_agent_new
// says what its clients may do, vst_agent_serve makes a session one of them, and vst_agent_offer
// hands a session over. docs/remote-protocol.md has the frames between the two.
// =================================================================================================

// No agent may pass descriptors over the link: all bytes go through it.
#define VST_LINK_NO_DESCRIPTORS (UINT64_C(1) << 57)

// The agent passes no descriptors to its clients: all bytes go through it.
#define VST_AGENT_NO_DESCRIPTORS (UINT64_C(1) << 58)

// Clients may choose the source address of the connections that they have opened.
#define VST_AGENT_ALLOW_SOURCE (UINT64_C(1) << 59)

// The options of a link. A field that is 0 stands for its default, so that all zero but size is the
// defaults; vst_link_options_init writes them.
struct vst_link_options {
    // sizeof(vst_link_options). Not less than 40 bytes.
    uint32_t size;
    // How many connections one connection to the agent carries: more connections to it are made where
    // there are more. 1: each has a connection of its own, which closes with it. Default 10,000, and never
    // more than the agent takes.
    uint32_t channels_per_conn;
    // VST_LINK_*.
    uint64_t flags;
    // How many bytes that came over one connection to the agent are held and not read, of all connections
    // that it carries together. Each holds at most fed_inbox_bytes, and less where little is left.
    // Default 64 MiB.
    uint64_t window_bytes;
    // After so many nanoseconds in which nothing came from the agent it is asked for a sign of life; after
    // three times as many in all, the connection to it counts as broken. Default 10 s; VST_NEVER does
    // not ask.
    uint64_t keepalive_ns;
    // The host's user data for the link. The library neither reads nor frees it.
    void *user;
};

// The options of an agent. A field that is 0 stands for its default, so that all zero but size is the
// defaults; vst_agent_options_init writes them.
struct vst_agent_options {
    // sizeof(vst_agent_options). Not less than 96 bytes.
    uint32_t size;
    // How many connections one connection of a client's link carries at once, those that are handed over
    // among them. A client may make several: max_conns of their listener bounds those. Default 10,000.
    uint32_t channels_max;
    // VST_AGENT_*.
    uint64_t flags;
    // Where clients may have connections opened to: words separated by commas, each 192.0.2.1:80,
    // 10.0.0.0/8:443, [2001:db8::]/32:443, example.net:443, *.example.net:443 (all names below one),
    // each also with * as the port, or unix:/path, where a path with a slash at its end stands for all
    // below it. An allowed name may turn out to have any address. NULL: nowhere. Copied.
    const char *allow;
    // The user ids whose processes may be clients. Where there are none here and none in gids, every
    // peer may be one.
    const uint32_t *uids;
    // How many there are.
    uint64_t uid_count;
    // The group ids whose processes may be clients, beside those of uids.
    const uint32_t *gids;
    // How many there are.
    uint64_t gid_count;
    // How many bytes that came over one connection of a client's link are held and not sent on. Default
    // 64 MiB.
    uint64_t window_bytes;
    // After so many nanoseconds in which nothing came from a client it is asked for a sign of life; after
    // three times as many in all, it is given up. Default 10 s; VST_NEVER does not ask.
    uint64_t keepalive_ns;
    // How the connections of clients are opened: source address, timeouts, closing. Headers, SOCKS, TLS and
    // handlers of it are the clients' business and must not be set. NULL: the defaults. The agent keeps
    // its own reference: the handle may be freed at once.
    const vst_connect_config *connect;
    // The host's user data for the agent and for the connections that it opens. The library neither reads
    // nor frees it.
    void *user;
    // How many bytes of one connection are held and not sent on at most. Default 64 KiB.
    uint32_t channel_window_bytes;
    // How many connections may be opened in a second over one connection of a client's link. Those above
    // that are refused with VST_WHY_LOCAL_LIMIT, and asked for again by the client until its timeout.
    // Default UINT32_MAX: no bound.
    uint32_t opens_per_second;
};

// Fills options with the defaults. size is sizeof(vst_link_options).
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
//
// Needs:
// options points to size writable bytes.
vst_status vst_link_options_init(vst_link_options *options,
                                 uint32_t size);

// Opens a link to the agent that listens at address: unix:/path, unix:@abstract, 192.0.2.1:80 or
// [2001:db8::1]:80. Connections whose configuration names it (link of vst_connect_options) are opened
// by the agent.
//
// The connection to the agent is made at the end of the outermost call as config says: TLS with a
// client certificate, for example; NULL stands for the defaults. VST_EVENT_LINK_UP reports that the agent
// answers, VST_EVENT_LINK_DOWN that none does any more. A connection that breaks is made again at once,
// and then after pauses of up to a second, for ever; connections that are to be opened wait for it until
// their own timeouts. The handle config may be freed at once. options may be NULL: the defaults. *out
// is the id, or 0. On failure why, unless NULL, gets a sentence, cut to why_size bytes with its NUL.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (address, flag); VST_E_CONFIG (the connections of
// config are fed, or use a link themselves); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// Handles are not freed; address is a NUL-terminated string; config is NULL or a handle; options is
// NULL or points to as many bytes as its size says; out points to an id; why is NULL or points to
// why_size writable bytes.
vst_status vst_link_open(vst_engine *engine,
                         const char *address,
                         const vst_connect_config *config,
                         const vst_link_options *options,
                         vst_id *out,
                         char *why,
                         size_t why_size);

// Closes a link. Connections that the agent has opened go on; those that wait for it, and new ones, fail.
// VST_EVENT_LINK_CLOSED, after the last of them, is the last event about it; until then its id works with
// vst_link_describe.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_STATE (it was closed before); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE,
// VST_E_ARGUMENT (the id); VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_link_close(vst_engine *engine,
                          vst_id link);

// Takes the connections that the agent accepts and hands over under name (vst_agent_offer): UTF-8,
// 1 to 255 bytes, copied. Each goes through what config (not NULL) says, as if it had been accepted here:
// VST_EVENT_SESSION reports that it is a session, VST_EVENT_CLOSED its end, also if it never was one. What
// the agent knows of it is known here: its addresses, the PROXY header that it began with, and what the
// agent's TLS agreed on.
//
// The handle config may be freed at once. user is the host's user data for the connections. On failure
// why, unless NULL, gets a sentence, cut to why_size bytes with its NUL.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_STATE (the name is taken already, or the link is closing); VST_E_NULL;
// VST_E_ARGUMENT (the name is empty, too long or not UTF-8; the id); VST_E_STALE, VST_E_KIND, VST_E_ENGINE;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// Handles are not freed; name is a NUL-terminated string; why is NULL or points to why_size writable
// bytes.
vst_status vst_link_accept(vst_engine *engine,
                           vst_id link,
                           const char *name,
                           const vst_accept_config *config,
                           void *user,
                           char *why,
                           size_t why_size);

// Takes no more connections under name. Those that were taken go on.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_STATE (none are taken under it); VST_E_NULL; VST_E_ARGUMENT (the name is not UTF-8;
// the id); VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; name is a NUL-terminated string.
vst_status vst_link_stop_accepting(vst_engine *engine,
                                   vst_id link,
                                   const char *name);

// Copies the state of a link as one line of name=value, for a log or for debugging: the agent's address,
// whether it answers, the connections to it, those that it carries and those that wait, and why it was not
// reached.
//
// The text has no NUL; *len is its length, also when capacity does not suffice. 1,024 bytes mostly do.
// Legal on the engine's thread, before VST_EVENT_LINK_CLOSED.
// Returns VST_OK; VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; text points to capacity writable bytes; len to a size.
vst_status vst_link_describe(vst_engine *engine,
                             vst_id link,
                             char *text,
                             size_t capacity,
                             size_t *len);

// Fills options with the defaults. size is sizeof(vst_agent_options).
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
//
// Needs:
// options points to size writable bytes.
vst_status vst_agent_options_init(vst_agent_options *options,
                                  uint32_t size);

// Makes an agent: it opens connections for clients, and hands connections over to them, over links
// (docs/remote-protocol.md). Clients are sessions that the host gives it with vst_agent_serve.
//
// options is read and not kept. *out is the id, or 0. On failure why, unless NULL, gets a sentence, cut
// to why_size bytes with its NUL.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (a flag); VST_E_CONFIG (allow cannot be
// parsed, or connect says more than it may); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; options points to as many bytes as its size says, its text to
// a NUL-terminated string, its numbers to as many as are said, its handle is not freed; out points to an
// id; why is NULL or points to why_size writable bytes.
vst_status vst_agent_new(vst_engine *engine,
                         const vst_agent_options *options,
                         vst_id *out,
                         char *why,
                         size_t why_size);

// Gives an agent a configuration of TLS towards servers, which clients name by profile (link_tls of
// vst_connect_options): UTF-8, 1 to 255 bytes, copied. A second one with the same name replaces the first
// for connections that begin later. The handle tls may be freed at once.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (the name is empty, too long or not UTF-8; the id);
// VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// Handles are not freed; profile is a NUL-terminated string.
vst_status vst_agent_add_tls(vst_engine *engine,
                             vst_id agent,
                             const char *profile,
                             const vst_tls_client *tls);

// Makes the peer of a session a client of an agent: frames pass through the session from now on, and
// vst_conn_recv, vst_conn_send and their like return VST_E_STATE. VST_EVENT_CLOSED reports its end, whose
// text says what the client did wrong, where that ended it. The user and group of the peer are checked
// before a byte of it is read.
//
// Legal on the engine's thread. On failure the session stays the host's.
// Returns VST_OK; VST_E_DENIED (uids and gids of the agent do not admit the peer, or its ids are not
// known); VST_E_STATE (it is no session of the host's, bytes of it wait to be sent, or the agent drains);
// VST_E_LIMIT; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (an id); VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_agent_serve(vst_engine *engine,
                           vst_id agent,
                           vst_id conn);

// Hands a session over to a client of an agent that takes connections under name (vst_link_accept), with
// its addresses, the PROXY header that it began with, and what its TLS agreed on. Of several clients the
// one with the fewest connections gets it. VST_EVENT_CLOSED reports its end, or, where its descriptor was
// passed to the client, that it is no longer here.
//
// Legal on the engine's thread. On failure the session stays the host's.
// Returns VST_OK; VST_NONE (no client takes it now); VST_E_STATE (it is no session of the host's, or
// bytes of it wait to be sent); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (an
// id; the name is not UTF-8); VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; name is a NUL-terminated string.
vst_status vst_agent_offer(vst_engine *engine,
                           vst_id agent,
                           vst_id conn,
                           const char *name);

// Answers VST_EVENT_AGENT_RESOLVE: addr is the address that the name has, whose port does not matter; NULL
// or VST_ADDR_NONE: it has none, for the reason sys_errno (0: ENOENT).
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_STATE (nobody waits for this ticket any more); VST_E_ARGUMENT (addr is no
// address, or sys_errno is negative; the id); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; addr is NULL or points to an address.
vst_status vst_agent_resolved(vst_engine *engine,
                              vst_id agent,
                              uint64_t ticket,
                              const vst_addr *addr,
                              int32_t sys_errno);

// Lets an agent end in order: its clients are told to open new connections elsewhere, and those that
// are open go on. A client's connection closes with the last of them; vst_agent_load says when there is
// none left. Another agent may take the listening socket over meanwhile: no connection fails.
//
// Legal on the engine's thread; a second call changes nothing.
// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id); VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_agent_drain(vst_engine *engine,
                           vst_id agent);

// Ends an agent at once: its clients are told so, and their connections are reset. The id is stale from here
// on; VST_EVENT_CLOSED reports the end of each connection.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id); VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_agent_close(vst_engine *engine,
                           vst_id agent);

// Writes how many clients an agent has, and how many connections they have together.
//
// Legal on the engine's thread. On failure both are 0.
// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (the id); VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; clients and channels point to numbers.
vst_status vst_agent_load(vst_engine *engine,
                          vst_id agent,
                          uint32_t *clients,
                          uint32_t *channels);

// Copies the state of an agent as one line of name=value, for a log or for debugging: its clients and their
// connections, the names that are looked up, and whether it drains.
//
// The text has no NUL; *len is its length, also when capacity does not suffice. 256 bytes mostly do.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; text points to capacity writable bytes; len to a size.
vst_status vst_agent_describe(vst_engine *engine,
                              vst_id agent,
                              char *text,
                              size_t capacity,
                              size_t *len);

// =================================================================================================
// 13. Streams
//
// Two connections joined: from vst_conn_forward or vst_conn_forward_to on the engine moves the
// bytes between them, and no event of either is reported but VST_EVENT_STREAM_END.
// =================================================================================================

// When a client ends its side before a server is reached, the stream ends, even when the client
// has sent bytes. Without this flag such a client is taken to wait for a response.
#define VST_STREAM_ABORT_ON_CLOSE (UINT64_C(1) << 45)

// The timeouts and flags of streams. Any number of streams and engines, also in several threads,
// may use it. It never changes.
struct vst_stream_config;

// The options of streams. A field that is 0 stands for its default, so that all zero but size is
// the defaults; vst_stream_options_init writes them. In spans of time VST_NEVER is no bound.
//
// The timeout of a side runs only while something is expected of it: that it sends, or that it
// takes the bytes that are there for it. It does not run for a side that cannot send or receive
// because of the other (backpressure). When both could send, only the timeout of the side that
// received bytes last runs, since the next bytes are expected of it; where that side has no
// timeout, that of the other runs.
struct vst_stream_options {
    // sizeof(vst_stream_options). Not less than 56 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // VST_STREAM_*.
    uint64_t flags;
    // The longest time without a byte from or to the client, in nanoseconds. Default 300 s.
    uint64_t timeout_client_ns;
    // The same for the server, in nanoseconds. Default 300 s.
    uint64_t timeout_server_ns;
    // Once bytes have gone both ways: the same for either, instead of the two above, in
    // nanoseconds. 0, the default: the two above stay in force.
    uint64_t timeout_tunnel_ns;
    // Once the server has ended its side: the same for the client, in nanoseconds. 0, the default:
    // the timeouts above stay in force.
    uint64_t timeout_client_fin_ns;
    // Once the client has ended its side, also where the half-close of TLS 1.2 is held back: the
    // same for the server, in nanoseconds. 0, the default: the timeouts above stay in force.
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
// options points to as many bytes as its size says; out to a pointer; why is NULL or
// points to why_size writable bytes.
vst_status vst_stream_config_new(const vst_stream_options *options,
                                 vst_stream_config **out,
                                 char *why,
                                 size_t why_size);

// Frees a handle. Streams that use the configuration keep it. NULL does nothing.
//
// Legal from any thread and any callback.
//
// Needs:
// config is NULL or a handle that is not freed.
void vst_stream_config_free(vst_stream_config *config);

// Joins two connections into a stream: from here on the library moves the bytes between them, with
// backpressure, and passes the half-close of each side on to the other.
//
// client is a session; server may be open or still connecting. From then on both ids work only
// with functions that read, such as vst_conn_describe, and VST_EVENT_STREAM_END is the one event
// that follows. The stream keeps its own reference to config: the handle may be freed at once;
// NULL: the defaults. user is the host's user data for the stream, which comes with the event.
// *out is the stream's id, or 0.
// Legal on the engine's thread; best in the callback of VST_EVENT_SESSION, right after
// vst_conn_connect: then the client's first bytes leave with the PROXY header.
// Returns VST_OK; VST_E_STATE (one is closing or part of a stream, or client is no session yet);
// VST_E_ARGUMENT (both are the same connection); VST_E_NULL; VST_E_STALE, VST_E_KIND,
// VST_E_ENGINE; VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
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

// Makes a session the client's side of a stream whose other side is a server of backend. The
// backend chooses the server; queues and repeated attempts are as in vst_backend_options.
//
// Where a stick table with server_id remembers a server for the client, that server is tried
// first; the server that is reached is stored there (docs/tables.md).
//
// Each attempt uses the server's own connect configuration; a PROXY header carries the client's
// addresses. The client's bytes are kept until a server has taken the first of them, so that every
// attempt sends the same. VST_EVENT_STREAM_END is the one event that follows, also when no server
// can be reached; vst_stream_end says which server it was and how long it took. From then on
// client works only with functions that read, such as vst_conn_describe. The stream keeps its own
// reference to config: the handle may be freed at once; NULL: the defaults. user is the host's
// user data for the stream, which comes with the event. *out is the stream's id, or 0.
// Legal on the engine's thread; best in the callback of VST_EVENT_SESSION.
// Returns VST_OK; VST_E_STATE (client is closing, part of a stream, or no session yet);
// VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT (an id); VST_E_LIMIT;
// VST_E_THREAD; VST_E_POISONED.
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

// Ends a stream at once: both peers get a reset. VST_EVENT_STREAM_END follows.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_stream_abort(vst_engine *engine,
                            vst_id stream);

// Copies the state of a stream as one line of name=value, for a log or for debugging: the states
// of both sides, bytes, the choice of a server, what it waits for, and how it ends.
//
// The text has no NUL; *len is its length, also when capacity does not suffice. 1,024 bytes
// mostly do.
// Legal on the engine's thread, before VST_EVENT_STREAM_END.
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
// 14. Backends
//
// A backend is a group of servers, of which each stream gets one: by weight and load, with queues,
// retries and health checks. vst_backend_new makes it, vst_backend_add_server adds servers, and
// vst_conn_forward_to names it.
// =================================================================================================

// Round robin: one server after the other, those with more weight more often.
#define VST_BALANCE_ROUND_ROBIN (0)

// Least connections: the server with the fewest streams in proportion to its weight.
#define VST_BALANCE_LEAST_CONNECTIONS (1)

// By a hash of the client's address, without its port: a client gets the same server each time,
// and when servers are added, go down or come up, only those clients get another server that must.
// The address is the one announced by a header, where one came. Clients without an address, those
// of unix sockets, are spread round robin.
#define VST_BALANCE_SOURCE (2)

// Two servers are chosen at random, and of these the one with fewer streams in proportion to its
// weight is taken. Nearly as even as VST_BALANCE_LEAST_CONNECTIONS, also where several engines use
// the same servers without knowing each other's streams.
#define VST_BALANCE_RANDOM (3)

// All attempts of a stream are made on the server that it was given first; the stream ends when
// that server goes down. Without this flag the last attempt is made on another server, and so is
// every attempt after the server went down.
#define VST_BACKEND_NO_REDISPATCH (UINT64_C(1) << 46)

// A failed attempt is not repeated, whatever retries says.
#define VST_BACKEND_NO_RETRIES (UINT64_C(1) << 47)

// No stream waits until any server has room, whatever maxqueue says: the stream is ended instead.
#define VST_BACKEND_NO_QUEUE (UINT64_C(1) << 48)

// A backup: the server gets streams only while no server without this flag is usable.
#define VST_SERVER_BACKUP (UINT64_C(1) << 49)

// The server has health checks: the check_* fields are used.
#define VST_SERVER_CHECK (UINT64_C(1) << 50)

// The server's weight is 0, whatever weight says: it gets no new streams until
// vst_server_set_weight changes that.
#define VST_SERVER_NO_WEIGHT (UINT64_C(1) << 51)

// No stream waits in this server's own queue, whatever maxqueue says.
#define VST_SERVER_NO_QUEUE (UINT64_C(1) << 52)

// The interval of checks is exact, whatever check_jitter says.
#define VST_SERVER_NO_JITTER (UINT64_C(1) << 53)

// The server is in normal use.
#define VST_ADMIN_READY (1)

// The server gets no new streams. Those it has go on, and those that wait in its own queue are
// served.
#define VST_ADMIN_DRAIN (2)

// The server gets no streams and is not checked. Streams it has go on.
#define VST_ADMIN_MAINTENANCE (3)

// The options of a backend. A field that is 0 stands for its default, so that all zero but size is
// the defaults; vst_backend_options_init writes them.
//
// Limits and queues belong to this backend of this engine, also in a group (vst_group_new): a program
// with several engines divides what its servers can carry by the number of engines.
struct vst_backend_options {
    // sizeof(vst_backend_options). Not less than 64 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // VST_BACKEND_*.
    uint64_t flags;
    // VST_BALANCE_*. Default VST_BALANCE_ROUND_ROBIN.
    uint32_t balance;
    // The most streams that all servers together carry at once; further ones wait in the queue.
    // Default UINT32_MAX: no bound.
    uint32_t maxconn;
    // The most streams that may wait in the backend's queue, for whichever server has room first;
    // one more is ended. Default 1024; UINT32_MAX is no bound, and VST_BACKEND_NO_QUEUE lets
    // none wait.
    uint32_t maxqueue;
    // The most attempts after the first. An attempt is repeated only when its server took no byte
    // of the client. Default 3; UINT32_MAX is no bound, and VST_BACKEND_NO_RETRIES repeats none.
    uint32_t retries;
    // How long a stream waits in a queue, that of the backend or that of a server, in nanoseconds;
    // VST_NEVER is no bound. Default 5 s.
    uint64_t queue_timeout_ns;
    // How long a stream waits after a failed attempt before the next one on the same server, in
    // nanoseconds. Default 1 s. Where timeout_connect_ns is shorter than that, set this to the
    // same.
    uint64_t turn_around_ns;
    // The seed of random choices: the spread of checks over time, the servers for
    // VST_BALANCE_RANDOM, and which address belongs to which server for VST_BALANCE_SOURCE.
    // Engines and processes that are to send a client to the same server need the same seed and
    // the same names of servers. 0, the default: the library takes a random number.
    uint64_t seed;
    // The host's user data for the backend: it comes with VST_EVENT_SERVER_*. The library neither
    // reads nor frees it.
    void *user;
};

// The counters of a backend, or of one of its servers.
//
// A backend's counters are the sums of its servers', plus what belongs to no server. The backend's
// queue is for streams that any server may take; each server has a queue of its own for streams
// that must go to it.
struct vst_backend_counters {
    // In: sizeof(vst_backend_counters). Not less than 128 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // Streams that count towards maxconn now: from the beginning of an attempt to its failure, or
    // to the end of the server's connection.
    uint32_t streams;
    // The most there were at once.
    uint32_t streams_most;
    // How many there were in all: every attempt counts as one.
    uint64_t streams_total;
    // Streams that wait in the queue now.
    uint32_t queued;
    // The most that waited at once.
    uint32_t queued_most;
    // How many waited in all. A stream that went on to another queue, since its server went down,
    // counts twice.
    uint64_t queued_total;
    // Attempts that failed, without those that failed because of this process or machine
    // (VST_WHY_LOCAL_LIMIT).
    uint64_t connect_errors_total;
    // Attempts that were repeated on the same server.
    uint64_t retries_total;
    // Attempts that were repeated on another server, after one on this server failed.
    uint64_t redispatches_total;
    // Streams that were ended because the queue was full.
    uint64_t queue_full_total;
    // Streams that were ended because they waited too long.
    uint64_t queue_timeouts_total;
    // Health checks that passed.
    uint64_t checks_passed_total;
    // Health checks that failed, without those that failed because of this process or machine.
    uint64_t checks_failed_total;
    // How often a server went down, as this engine found out: not where another of its group did.
    uint64_t downs_total;
    // When a server last went up or down or was given another administrative state: a time of the
    // engine's clock, in nanoseconds. 0: never.
    uint64_t last_change_ns;
    // Bytes that were read from the servers of streams, those of present connections included, as
    // they were on the wire.
    uint64_t bytes_in_total;
    // Bytes that were written to them, likewise.
    uint64_t bytes_out_total;
};

// The options of a server of a backend. A field that is 0 stands for its default, so that all zero
// but size and name is the defaults; vst_server_options_init writes them.
struct vst_server_options {
    // sizeof(vst_server_options). Not less than 144 bytes.
    uint32_t size;
    // Its share of the streams, in proportion to the weights of the other servers, 1 to 256.
    // Default 1; with VST_SERVER_NO_WEIGHT it is 0.
    uint32_t weight;
    // VST_SERVER_*.
    uint64_t flags;
    // Its name, not empty, which no other server of the backend has. Copied.
    const char *name;
    // Its addresses, one or several separated by commas, which the attempts of a stream use in
    // turn: 192.0.2.1:80, [2001:db8::1]:80, unix:/path, unix:@abstract. Copied. NULL:
    // VST_EVENT_SERVER_RESOLVE asks the host to look them up.
    const char *addresses;
    // The configuration of its connections. NULL: TCP without headers or TLS, with the defaults of
    // vst_connect_options. The server keeps its own reference: the handle may be freed at once.
    const vst_connect_config *connect;
    // The most streams that it carries at once; further ones wait or go to other servers. Default
    // UINT32_MAX: no bound.
    uint32_t maxconn;
    // The most streams that may wait in the server's own queue. Default 1024; UINT32_MAX is no
    // bound, and VST_SERVER_NO_QUEUE lets none wait.
    uint32_t maxqueue;
    // Without VST_SERVER_CHECK: how long the server stays down, in nanoseconds. Then it is on
    // trial: it gets streams, and the first failure makes it go down again. Default 10 s; with
    // VST_NEVER it stays down until vst_server_set_state.
    uint64_t trial_ns;
    // The configuration of the connections of checks. NULL: TCP without headers or TLS. The server
    // keeps its own reference: the handle may be freed at once.
    const vst_connect_config *check_connect;
    // The address to check; NULL: the server's first address. Copied.
    const char *check_address;
    // What is sent once the connection of a check is open. Copied. May be NULL with a length of 0.
    const uint8_t *check_send;
    // The length of check_send.
    size_t check_send_len;
    // What the server's response must begin with. Copied. NULL with a length of 0: the check
    // passes once the connection is open and check_send is sent.
    const uint8_t *check_expect;
    // The length of check_expect.
    size_t check_expect_len;
    // From the beginning of one check to the beginning of the next, in nanoseconds; less than a
    // millisecond counts as one millisecond. Default 2 s.
    uint64_t check_interval_ns;
    // The interval while the server is down, in nanoseconds; 0, the default: check_interval_ns.
    uint64_t check_down_interval_ns;
    // How long a check may take, in nanoseconds; VST_NEVER is no bound. Default 2 s.
    uint64_t check_timeout_ns;
    // By how many percent an interval is made longer or shorter at random, so that not all checks
    // are made at the same moment; 1 to 100. Default 10; with VST_SERVER_NO_JITTER it is 0.
    uint32_t check_jitter;
    // How many checks in a row must pass until a server that is down is up. Default 2.
    uint32_t check_rise;
    // How many checks in a row must fail until a server that is up is down. Default 3.
    uint32_t check_fall;
    // How many attempts of streams in a row must fail until the server is down, also without
    // checks. Default UINT32_MAX: failed attempts never make it go down.
    uint32_t connect_errors;
};

// The state of a server.
struct vst_server_status {
    // In: sizeof(vst_server_status). Not less than 24 bytes.
    uint32_t size;
    // Its administrative state: VST_ADMIN_READY, VST_ADMIN_DRAIN, VST_ADMIN_MAINTENANCE.
    uint32_t state;
    // 1 while it is up, whatever its administrative state; else 0.
    uint32_t up;
    // Its weight.
    uint32_t weight;
    // How many addresses it has.
    uint32_t addresses;
    // 1 while it gets new streams: ready, up, with a weight above 0 and an address; else 0.
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

// Makes a backend, a group of servers of which vst_conn_forward_to chooses one for each stream.
// It has no servers yet: vst_backend_add_server adds them.
//
// options is read and not kept. *out is the backend's id, or 0 on failure. The backend belongs to
// the engine and is freed with it. On failure why, unless NULL, gets a sentence, cut to
// why_size bytes with its NUL.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (unknown flag or balance); VST_E_SYSTEM
// (no random number for seed); VST_E_LIMIT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; options points to as many bytes as its size says;
// out to an id; why is NULL or points to why_size writable bytes.
vst_status vst_backend_new(vst_engine *engine,
                           const vst_backend_options *options,
                           vst_id *out,
                           char *why,
                           size_t why_size);

// Gives a backend a name, which rules (use_backend, be_conn) and metrics use: UTF-8,
// NUL-terminated, copied. A second call replaces the name. Names are not compared: of several backends with
// one name, rules use one. In a group, backends of several engines with one name are the same backend
// (vst_group_new).
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (the name is not UTF-8, the id); VST_E_STALE,
// VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; name is a NUL-terminated string.
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

// Writes the counters of one server: server is its number, from vst_backend_add_server.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT
// (the id, a number that no server has); VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; counters points to as many bytes as its size says.
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

// Adds a server to a backend. Its administrative state is VST_ADMIN_READY, and it is up until
// health checks or failed attempts say otherwise.
//
// options is read and not kept. *out is the server's number in the backend, from 0 in the order of
// calls, or VST_NO_SERVER on failure. On failure why, unless NULL, gets a sentence, cut to
// why_size bytes with its NUL. A server cannot be removed: use VST_ADMIN_MAINTENANCE instead.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL (also for name); VST_E_SIZE; VST_E_ARGUMENT (unknown flag, a number
// out of its bounds, the id); VST_E_CONFIG (the name is empty or another server has it, an address
// cannot be parsed); VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; options points to as many bytes as its size says, its
// texts to NUL-terminated strings, its bytes to as many as their lengths say, its handles are not
// freed; out points to a number; why to why_size writable bytes.
vst_status vst_backend_add_server(vst_engine *engine,
                                  vst_id backend,
                                  const vst_server_options *options,
                                  uint32_t *out,
                                  char *why,
                                  size_t why_size);

// Changes the weight of a server, 0 to 256. With 0 it gets no new streams. In a group it is changed for
// all members (vst_group_new).
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
// A server that comes back from maintenance is up and on trial: the first failed check or attempt
// makes it go down. In a group the state is set for all members (vst_group_new).
// Legal on the engine's thread.
// Returns VST_OK; VST_E_ARGUMENT (the state, the id, a number that no server has); VST_E_NULL;
// VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed.
vst_status vst_server_set_state(vst_engine *engine,
                                vst_id backend,
                                uint32_t server,
                                uint32_t state);

// Replaces the addresses of a server; addresses is a text as in vst_server_options, copied. Call
// it after VST_EVENT_SERVER_RESOLVE, and whenever the addresses of the server's name change. NULL:
// none, and the server gets no streams until it has an address again. Streams that it has go on.
//
// On failure why, unless NULL, gets a sentence, cut to why_size bytes with its NUL.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_ARGUMENT (a text that is no address, the id, a number that no server has);
// VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; addresses is NULL or a NUL-terminated string; why
// is NULL or points to why_size writable bytes.
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
                            vst_server_status *state);

// =================================================================================================
// 15. Rules
//
// The tcp-request rules of HAProxy: vst_rules_new makes a set of rules from a text, an accept
// configuration names the set, and vst_rules_replace may change it while connections come.
// vst_conn_chosen_backend says which backend the rules choose for a session.
// =================================================================================================

// A set of tcp-request rules. Any number of configurations, engines and threads may use it. A
// connection keeps the rules with which it began, also after vst_rules_replace.
struct vst_rules;

// Makes a set of rules from text, len bytes without a NUL at their end, in the language of
// docs/rules.md. Files that it names are read during the call.
//
// Besides the tables that the text defines, its lines may name the table_count tables in tables;
// the set keeps these. before is the set that this one is to replace, or NULL: a table that the
// text defines, and that before defines with the same name and definition, is taken from before
// with its entries, and so are the variables of the process. before is not kept.
//
// *out is the set, or NULL on failure; free it with vst_rules_free. On failure why, unless
// NULL, gets what is wrong: line, column, the word and what was expected, then the line itself and
// a line with a caret below the word, separated by LF, cut to why_size bytes with its NUL.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (two of tables have the same name); VST_E_CONFIG (the
// text has a mistake, or a file cannot be read).
//
// Needs:
// text points to len bytes; tables to table_count tables that are not freed; before is
// NULL or a set that is not freed; out points to a pointer; why is NULL or points to
// why_size writable bytes.
vst_status vst_rules_new(const uint8_t *text,
                         size_t len,
                         const vst_table *const *tables,
                         size_t table_count,
                         const vst_rules *before,
                         vst_rules **out,
                         char *why,
                         size_t why_size);

// Puts the rules of the set by in the place of those of the set rules: connections that begin from
// now on are evaluated by them. Connections that have begun keep the rules that they began with. The
// handle by is not kept and may be freed.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_CONFIG (a configuration with TLS uses rules, behind which no ClientHello is
// seen, and a line of by looks for one, as req.ssl_sni does: nothing is replaced); VST_E_NULL.
//
// Needs:
// Both are sets that are not freed.
vst_status vst_rules_replace(vst_rules *rules,
                             const vst_rules *by);

// Checks that every backend and server that a line of rules names (use_backend,
// default_backend, be_conn and its like) is one of this engine (vst_backend_set_name); not
// names that are put together from values. Call it when the backends have their names, before a
// listener is opened with the rules or vst_rules_replace is called with them. On failure why,
// unless NULL, gets the first line that names another, as vst_rules_new would say it, cut to
// why_size bytes with its NUL.
//
// Legal on the engine's thread.
// Returns VST_OK; VST_E_CONFIG (a name that this engine has not); VST_E_NULL;
// VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine and rules a set that are not freed; why is NULL or points to why_size
// writable bytes.
vst_status vst_rules_check(vst_engine *engine,
                           const vst_rules *rules,
                           char *why,
                           size_t why_size);

// Copies one of the notes about the lines of rules, index from 0 on, in the order of the lines:
// what is no mistake, but should be known, such as a line that no connection reaches. A note is a
// sentence with line and column, the line, and a caret below the word, separated by LF. *len is
// its length, also when capacity does not suffice; nothing ends it.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_NONE (there are no more); VST_E_SPACE; VST_E_NULL.
//
// Needs:
// rules is a set that is not freed; text points to capacity writable bytes; len to a size.
vst_status vst_rules_notes(const vst_rules *rules,
                           size_t index,
                           char *text,
                           size_t capacity,
                           size_t *len);

// Copies the name of one of the backends that lines of rules choose, index from 0 on, each name
// once; names that are put together from values are not among them. So a host can make the
// backends that its rules ask for, or see that it has them. *len is the length of the name, also
// when capacity does not suffice; nothing ends it.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_NONE (there are no more); VST_E_SPACE; VST_E_NULL.
//
// Needs:
// rules is a set that is not freed; name points to capacity writable bytes; len to a size.
vst_status vst_rules_backends(const vst_rules *rules,
                              size_t index,
                              char *name,
                              size_t capacity,
                              size_t *len);

// Writes how often a name that a use_backend line put together was that of no backend, since rules
// was made or replaced.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL.
//
// Needs:
// rules is a set that is not freed; count points to a number.
vst_status vst_rules_unknown_backends(const vst_rules *rules,
                                      uint64_t *count);

// Writes the backend that the rules choose for a session, by a use_backend line or else by
// default_backend. *backend is its id, or 0. The conditions of the lines are evaluated during
// the call, unless a backend has content rules: then it was chosen before these. Conditions on the
// first bytes see what the host has not read yet, so call it before vst_conn_recv.
//
// Where the line that applies names no backend of this engine, the session is closed in order:
// VST_EVENT_CLOSED follows, with VST_WHY_DENIED and a text that has the name. vst_rules_check
// finds such lines earlier.
// Legal on the engine's thread, for a session.
// Returns VST_OK; VST_NONE (no line applies and there is no default, or there are no rules);
// VST_E_CONFIG (the line that applies names no backend of this engine); VST_E_STATE (the connection
// is no session yet, is closing, or is part of a stream); VST_E_NULL; VST_E_STALE, VST_E_KIND,
// VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; backend points to an id.
vst_status vst_conn_chosen_backend(vst_engine *engine,
                                   vst_id conn,
                                   vst_id *backend);

// Copies a variable that a rule has set for a connection (set-var(txn.name)): a number or a boolean
// in decimal, an address as text, bytes as they are. name has the scope in front, and is none of the
// process's (proc.). *len is its length, also when capacity does not suffice.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED.
// Returns VST_OK; VST_NONE (no variable of this name is set); VST_E_ARGUMENT (no variable of a
// connection can have this name); VST_E_SPACE; VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE;
// VST_E_THREAD; VST_E_POISONED.
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

// Copies what a rule has captured of a connection (capture): number counts the capture lines of
// the rules from 0. *len is its length, also when capacity does not suffice.
//
// Legal on the engine's thread, before VST_EVENT_CLOSED.
// Returns VST_OK; VST_NONE (nothing was captured under this number); VST_E_SPACE; VST_E_NULL;
// VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; value points to capacity writable bytes; len to a
// size.
vst_status vst_conn_capture(vst_engine *engine,
                            vst_id conn,
                            size_t number,
                            void *value,
                            size_t capacity,
                            size_t *len);

// Frees a handle. Configurations and connections that use the set keep it. NULL does nothing.
//
// Legal from any thread and any callback.
//
// Needs:
// rules is NULL or a handle that is not freed.
void vst_rules_free(vst_rules *rules);

// =================================================================================================
// 16. Stick tables
//
// What is remembered about a key, such as the address of a client, from one connection to the next.
// All engines and threads that share a table use the same entries. Rules count connections in
// entries (track-sc0) and compare what is there; the host may read, set and list the entries.
// =================================================================================================

// The key is an IP address: bytes has the 4 bytes of IPv4 or the 16 of IPv6, in network order. For
// tables of type ip and ipv6.
#define VST_KEY_IP (0)

// The key is the number in integer. For tables of type integer.
#define VST_KEY_INTEGER (1)

// The key is the text or block in bytes. For tables of type string and binary.
#define VST_KEY_BYTES (2)

// The server that streams of the key go to: its number from vst_backend_add_server plus 1; 0 is
// none. server_id in a definition.
#define VST_DATA_SERVER_ID (0)

// A number for any purpose. gpt0 in a definition.
#define VST_DATA_GPT0 (1)

// How often the counter with index 0 was increased in the last period. gpc0_rate in a
// definition; the period is the time in brackets there, as for every rate.
#define VST_DATA_GPC0_RATE (2)

// Connections so far, refused ones among them. conn_cnt in a definition.
#define VST_DATA_CONN_CNT (3)

// Connections in the last period. conn_rate in a definition.
#define VST_DATA_CONN_RATE (4)

// Connections that exist now. conn_cur in a definition.
#define VST_DATA_CONN_CUR (5)

// Sessions so far: connections that passed all rules. sess_cnt in a definition.
#define VST_DATA_SESS_CNT (6)

// Sessions in the last period. sess_rate in a definition.
#define VST_DATA_SESS_RATE (7)

// Bytes from clients so far. bytes_in_cnt in a definition.
#define VST_DATA_BYTES_IN_CNT (8)

// Bytes from clients in the last period. bytes_in_rate in a definition.
#define VST_DATA_BYTES_IN_RATE (9)

// Bytes to clients so far. bytes_out_cnt in a definition.
#define VST_DATA_BYTES_OUT_CNT (10)

// Bytes to clients in the last period. bytes_out_rate in a definition.
#define VST_DATA_BYTES_OUT_RATE (11)

// Counters for any purpose: VST_DATA_GPC + n is the one with index n, 0 to 99. gpc0 or gpc(N) in a
// definition.
#define VST_DATA_GPC (256)

// A stick table: what is remembered about keys, such as the addresses of clients, from one
// connection to the next. Engines in any threads may use it, and every function on it may be
// called from any thread.
struct vst_table;

// A walk through the entries of a table. Used by one thread at a time.
struct vst_table_snapshot;

// A key of a table. form must be the one for the type of the table.
struct vst_table_key {
    // VST_KEY_*.
    uint32_t form;
    // With VST_KEY_INTEGER: the number. Else 0.
    uint32_t integer;
    // With VST_KEY_IP and VST_KEY_BYTES: the bytes, of any value, NUL too; read during the call.
    // Else NULL.
    const uint8_t *bytes;
    // The length of bytes; 0 with VST_KEY_INTEGER.
    size_t len;
};

// How full a table is.
struct vst_table_counters {
    // In: sizeof(vst_table_counters). Not less than 40 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // Entries, including those that have expired and are not removed yet.
    uint64_t entries;
    // The most entries there can be: size of the definition.
    uint64_t entries_max;
    // How often no entry was made for a key, by a rule or by vst_table_set, because the table
    // was full.
    uint64_t refused_total;
    // Entries that were removed before they expired, to make room for others.
    uint64_t purged_total;
};

// One entry of a snapshot.
struct vst_table_row {
    // In: sizeof(vst_table_row). Not less than 48 bytes.
    uint32_t size;
    // How many connections hold the entry: those that a rule counts in it (track-sc0) and that
    // exist now.
    uint32_t holders;
    // A number of the entry, which no other entry of the table has while this one exists.
    // vst_table_dump prints it.
    uint64_t number;
    // How long until it expires if it is not used meanwhile, in nanoseconds; VST_NEVER when the
    // table has no expire.
    uint64_t expires_in_ns;
    // The key. Its bytes belong to the snapshot and are valid until the next call on it.
    vst_table_key key;
};

// Makes a table from its definition, which is what follows stick-table in a configuration of
// HAProxy, such as: type ip size 100k expire 10m store conn_cur,conn_rate(10s). docs/tables.md
// lists all words.
//
// name is the table's name in rules, dumps and metrics. Both texts are copied. *out is the table,
// or NULL on failure; free it with vst_table_free. On failure why, unless NULL, gets a sentence
// that names the column, the word and what was expected there, cut to why_size bytes with its
// NUL.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (a text is not UTF-8); VST_E_CONFIG (the definition
// has a mistake).
//
// Needs:
// name and definition are NUL-terminated strings; out points to a pointer; why is NULL or
// points to why_size writable bytes.
vst_status vst_table_new(const char *name,
                         const char *definition,
                         vst_table **out,
                         char *why,
                         size_t why_size);

// Reads one value of the entry of a key. This does not count as a use: it does not delay the
// expiry of the entry.
//
// data is VST_DATA_*. now_ns is the time by the clock of the engines that use the table, in
// nanoseconds; 0: the library reads CLOCK_MONOTONIC, which is the clock of engines made without
// now_ns. *value is 0 unless VST_OK.
// Legal from any thread and any callback.
// Returns VST_OK; VST_NONE (no entry, or an IPv6 address that a table of type ip cannot hold);
// VST_E_NULL; VST_E_ARGUMENT (the table does not store data, form is not the table's, an address
// has not 4 or 16 bytes).
//
// Needs:
// table is a handle that is not freed; key points to a key, and its bytes to len bytes;
// value to a uint64_t.
vst_status vst_table_get(const vst_table *table,
                         const vst_table_key *key,
                         uint32_t data,
                         uint64_t now_ns,
                         uint64_t *value);

// Sets one value of the entry of a key. The entry is made if there is none; this counts as a use,
// so the time until it expires starts again. Setting a rate begins a new period with value as its
// count. VST_DATA_CONN_CUR cannot be set.
//
// data is VST_DATA_*. now_ns is the time by the clock of the engines that use the table, in
// nanoseconds; 0: the library reads CLOCK_MONOTONIC.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_ARGUMENT (the table does not store data, form is not the
// table's, an address has not 4 or 16 bytes, a table of type ip cannot hold an IPv6 address);
// VST_E_STATE (data is VST_DATA_CONN_CUR); VST_E_LIMIT (the table is full and no entry may be
// removed).
//
// Needs:
// table is a handle that is not freed; key points to a key, and its bytes to len bytes.
vst_status vst_table_set(const vst_table *table,
                         const vst_table_key *key,
                         uint32_t data,
                         uint64_t value,
                         uint64_t now_ns);

// Removes the entry of a key, unless a connection holds it, which is one that a rule counts in it
// (track-sc0) and that still exists.
//
// now_ns is the time by the clock of the engines that use the table, in nanoseconds; 0: the
// library reads CLOCK_MONOTONIC.
// Legal from any thread and any callback.
// Returns VST_OK; VST_NONE (no entry, or it had expired); VST_E_STATE (a connection holds it);
// VST_E_NULL; VST_E_ARGUMENT (form is not the table's, an address has not 4 or 16 bytes).
//
// Needs:
// table is a handle that is not freed; key points to a key, and its bytes to len bytes.
vst_status vst_table_remove(const vst_table *table,
                            const vst_table_key *key,
                            uint64_t now_ns);

// Removes every entry that no connection holds; *cleared, unless NULL, is how many.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL.
//
// Needs:
// table is a handle that is not freed; cleared is NULL or points to a uint64_t.
vst_status vst_table_clear(const vst_table *table,
                           uint64_t *cleared);

// Writes how full a table is.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE.
//
// Needs:
// table is a handle that is not freed; counters points to as many bytes as its size says.
vst_status vst_table_get_counters(const vst_table *table,
                                  vst_table_counters *counters);

// Copies the table as text, in the form of HAProxy's show table: a line about the table, then one
// about each entry. Bytes of a key that are not printable ASCII are escaped.
//
// now_ns is the time by the clock of the engines that use the table, in nanoseconds; 0: the
// library reads CLOCK_MONOTONIC. The text has no NUL; *len is its length. With VST_E_SPACE nothing
// is copied, and *len is the capacity that was needed; by the next call there may be more entries.
// For a large table a snapshot (vst_table_snapshot_new) is better.
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

// Frees a handle. Connections, rules and snapshots that use the table keep it. NULL does nothing.
//
// Legal from any thread and any callback.
//
// Needs:
// table is NULL or a handle that is not freed.
void vst_table_free(vst_table *table);

// Makes a snapshot, with which the entries of a table are read one by one. Entries are copied a
// part at a time, while the snapshot is read, so that other threads do not wait for it. An entry
// that exists all the time is returned once. An entry that is made or removed meanwhile may be
// returned or not; a key that is removed and made again may be returned twice.
//
// now_ns is the time for all entries, by the clock of the engines that use the table, in
// nanoseconds; 0: the library reads CLOCK_MONOTONIC. *out is the snapshot, or NULL on failure;
// free it with vst_table_snapshot_free. The handle table may be freed before it.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL.
//
// Needs:
// table is a handle that is not freed; out points to a pointer.
vst_status vst_table_snapshot_new(const vst_table *table,
                                  uint64_t now_ns,
                                  vst_table_snapshot **out);

// Goes to the next entry of a snapshot and writes it to row; the first call goes to the first
// entry. Expired entries are left out. row is all 0 but its size when there is none.
//
// Legal from any thread and any callback, one thread at a time.
// Returns VST_OK; VST_NONE (there is no further entry); VST_E_NULL; VST_E_SIZE.
//
// Needs:
// snapshot is a handle that is not freed and that nobody else uses; row points to as many bytes as
// its size says.
vst_status vst_table_snapshot_next(vst_table_snapshot *snapshot,
                                   vst_table_row *row);

// Reads one value of the entry that vst_table_snapshot_next wrote last.
//
// data is VST_DATA_*. *value is 0 unless VST_OK.
// Legal from any thread and any callback, one thread at a time.
// Returns VST_OK; VST_NONE (there is no entry: vst_table_snapshot_next was not called, or
// returned VST_NONE); VST_E_NULL; VST_E_ARGUMENT (the table does not store data).
//
// Needs:
// snapshot is a handle that is not freed; value points to a uint64_t.
vst_status vst_table_snapshot_value(const vst_table_snapshot *snapshot,
                                    uint32_t data,
                                    uint64_t *value);

// Frees a snapshot. NULL does nothing.
//
// Legal from any thread and any callback.
//
// Needs:
// snapshot is NULL or a handle that is not freed.
void vst_table_snapshot_free(vst_table_snapshot *snapshot);

// =================================================================================================
// 17. Handlers of the host's own
//
// A handler is a step of the host's own in opening a connection, before or after TLS: it looks at
// bytes, sends some, lets the connection go on or refuses it, or says that it decides later. The
// library calls its step callback; vst_handler_peek, vst_handler_consume and vst_handler_send work
// meanwhile. vst_conn_handler_done, or vst_waker_post from another thread, brings an answer that
// comes later.
// =================================================================================================

// The handler is done: the connection goes on. (0 is no answer: a callback that returns without one lets
// nobody through.) Bytes that it has not consumed go to the next
// handler, or to TLS, or to the session.
#define VST_NEXT_DONE (1)

// Call step again when more bytes, or the end of the peer's side, have come.
#define VST_NEXT_READ (2)

// Call step again when vst_handler_send can take bytes.
#define VST_NEXT_WRITE (3)

// The handler answers later, by vst_conn_handler_done or vst_waker_post, with the ticket of
// this step. Nothing is read meanwhile: a reset ends the connection, but the end of the peer's
// side is noticed only after the answer.
#define VST_NEXT_LATER (4)

// The handler refuses the connection, with code and text of vst_step.
#define VST_NEXT_FAIL (5)

// The peer has ended its side: no further byte comes.
#define VST_STEP_ENDED (512)

// The handler runs after the TLS handshake and sees decrypted bytes. Without this flag it runs
// before TLS and sees the bytes on the wire.
#define VST_HANDLER_AFTER_TLS (UINT64_C(1) << 36)

// What a step callback is given, and what it answers besides VST_NEXT_*. The library's memory,
// valid until the callback returns.
struct vst_step {
    // In: sizeof(vst_step) of the library.
    uint32_t size;
    // In: VST_STEP_ENDED.
    uint32_t flags;
    // In: the connection. Functions that may be called with it are vst_handler_peek,
    // vst_handler_consume, vst_handler_send, vst_conn_abort, and functions that only read,
    // such as vst_conn_describe.
    vst_id conn;
    // In: the host's user data for the connection.
    void *user;
    // In and out: the host's user data for the connection in this handler; NULL in the first call.
    // When the handler has finished with the connection, or the connection has ended, discard is
    // called with it once, unless it is NULL or the engine has returned VST_E_PANIC.
    void *state;
    // In: the number to hand in with an answer that comes later. No two calls of step for a
    // connection have the same.
    uint32_t ticket;
    // Out, with VST_NEXT_FAIL: a code of the host's own, which is reported in host_code of
    // vst_end.
    int32_t code;
    // Out, with VST_NEXT_FAIL: a sentence in UTF-8, NUL-terminated, which is reported in text of
    // vst_end. Copied when the callback returns. NULL: a general sentence.
    const char *text;
};

// A step of a handler for a connection. data is that of the vst_handler. It returns VST_NEXT_*;
// any other number fails the connection. Which functions may be called from here: see Callbacks at
// the top of this header.
typedef int32_t (*vst_step_fn)(void *data,
                               vst_engine *engine,
                               vst_step *step);

// Called when a handler has finished with a connection, or the connection has ended, to free
// state, which is not NULL. data is that of the vst_handler. Called on the engine's thread; also
// by vst_engine_free, but not for an engine that has returned VST_E_PANIC. No function on an
// engine, a loop or a waker may be called from here: it returns VST_E_REENTRANT.
typedef void (*vst_discard_fn)(void *data,
                               void *state);

// A handler of the host's own: a step in opening a connection, besides the library's own.
struct vst_handler {
    // sizeof(vst_handler), the same in all handlers of a list. Not less than 48 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // VST_HANDLER_AFTER_TLS or 0.
    uint64_t flags;
    // Called on the engine's thread, during a call on the engine. Must not be NULL.
    vst_step_fn step;
    // Optional.
    vst_discard_fn discard;
    // Handed to step and discard. The library neither reads nor frees it. It must stay valid until
    // the engines that use the configuration are freed, and usable in the threads of all of them.
    void *data;
    // Timeout of the handler, in nanoseconds from the first call of step. Default VST_NEVER: only
    // timeout_opening_ns bounds it.
    uint64_t timeout_ns;
};

// Gives the answer that a handler announced with VST_NEXT_LATER: answer is any other VST_NEXT_*;
// ticket is that of the vst_step. code and text (UTF-8, NUL-terminated, copied, or NULL) are used
// with VST_NEXT_FAIL, as in vst_step.
//
// Legal on the engine's thread, also from the handler's own step.
// Returns VST_OK; VST_E_STALE (the connection is gone, or waits for no answer with this ticket: it
// has one, or its timeout has passed); VST_E_ARGUMENT; VST_E_KIND, VST_E_ENGINE; VST_E_NULL;
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
// *len is how many there are in all. They stay until vst_handler_consume drops them. The library
// reads more only when a step returns VST_NEXT_READ. With 16 KiB unconsumed it reads no more:
// VST_NEXT_READ then refuses the connection.
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
// when the step returns VST_NEXT_WRITE, it is called again when some can.
// Legal on the engine's thread, from the call of the handler's step until the handler has
// answered; after VST_NEXT_LATER, until the answer that comes later.
// Returns VST_OK; VST_WAIT; VST_E_RESET, VST_E_TRUNCATED and VST_E_FAILED (the connection is over);
// VST_E_STATE (no handler is asked); VST_E_NULL; VST_E_STALE, VST_E_KIND, VST_E_ENGINE, VST_E_ARGUMENT;
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
// 18. Monitors and metrics
//
// Monitors are sources, such as the health checks of a load balancer, whose connections the library
// answers and closes itself, so that they need not speak the protocol of the service. Metrics are
// what the library has counted, as text for Prometheus or as numbers.
// =================================================================================================

// Plain text: OK, or FAIL.
#define VST_MONITOR_ANSWER_TEXT (1)

// An HTTP/1.0 response: 200, or 503.
#define VST_MONITOR_ANSWER_HTTP (2)

// An HTTP/1.0 response with the text of vst_metrics_text: always 200, also while a failure is
// reported. The text is made for each connection and kept in memory until the peer has taken it;
// max_conns of the listener bounds how many there are. In a group it comes when all members have
// told their numbers, after one second at the latest.
#define VST_MONITOR_ANSWER_METRICS (3)

// Bytes that the host chooses: well, or failing.
#define VST_MONITOR_ANSWER_BYTES (4)

// The most bytes of well and of failing.
#define VST_MONITOR_ANSWER_MAX_BYTES (16384)

// Every source is a monitor: the listener has no other connections.
#define VST_MONITOR_EVERYONE (UINT64_C(1) << 34)

// Sources of monitor_net may be in accept_proxy or accept_cip too: no header is read from
// them. Without this flag such an overlap is VST_E_CONFIG.
#define VST_MONITOR_TRUSTED (UINT64_C(1) << 35)

// Which sources are monitors, such as health checks of load balancers, and what is sent to them
// before their connections are closed. Zero it, then set size and the fields that are wanted. A
// monitor is recognised by the socket's own source address, before anything it sends is read: it
// needs no PROXY header and gets no TLS, and never becomes a session. Its end is no event, unless
// the host accepted the descriptor itself; it is counted in vst_engine_counters.monitored_total.
//
// The answer reports a failure while vst_listener_set_monitor_fail is set for the listener of
// the connection, and from the first stage of vst_engine_drain on. VST_MONITOR_ANSWER_TEXT and
// VST_MONITOR_ANSWER_BYTES are sent at once. VST_MONITOR_ANSWER_HTTP and VST_MONITOR_ANSWER_METRICS are
// sent after the first byte of the request, or the end of the peer's side, which must come within
// timeout_proxy_ns; the request is not parsed. The answer must be sent within linger_ns. What
// the peer still sends is then read and thrown away, as drain_ns and drain_bytes allow, so
// that no reset destroys the answer.
struct vst_monitor_options {
    // sizeof(vst_monitor_options). Not less than 56 bytes.
    uint32_t size;
    // VST_MONITOR_ANSWER_*. Default VST_MONITOR_ANSWER_TEXT.
    uint32_t answer;
    // VST_MONITOR_*.
    uint64_t flags;
    // The sources, as in vst_accept_options.accept_proxy; NULL with VST_MONITOR_EVERYONE.
    const char *monitor_net;
    // With VST_MONITOR_ANSWER_BYTES: what is sent while there is no failure, 1 to
    // VST_MONITOR_ANSWER_MAX_BYTES bytes. Copied. Else NULL.
    const void *well;
    // Length of well in bytes.
    size_t well_len;
    // With VST_MONITOR_ANSWER_BYTES: what is sent while there is a failure, 1 to
    // VST_MONITOR_ANSWER_MAX_BYTES bytes. Copied. Else NULL.
    const void *failing;
    // Length of failing in bytes.
    size_t failing_len;
};

// The counters of a listener.
struct vst_listener_counters {
    // In: sizeof(vst_listener_counters). Not less than 56 bytes.
    uint32_t size;
    // Connections that exist now.
    uint32_t conns;
    // Connections accepted.
    uint64_t accepted_total;
    // Connections that became sessions.
    uint64_t sessions_total;
    // Connections that ended before they were sessions, without those of monitors.
    uint64_t refused_total;
    // Connections of monitors, which count neither as sessions nor as refused.
    uint64_t monitored_total;
    // Bytes that its connections have read, those that exist included, as they were on the wire.
    uint64_t bytes_in_total;
    // Bytes that its connections have written, likewise.
    uint64_t bytes_out_total;
};

// Sets whether a failure is reported to the monitors of a listener: fail is 0 or 1. It applies to
// answers from now on, and changes nothing else.
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

// Writes the counters of a listener. All connections of the engine are looked at once, for the bytes
// of those that exist.
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
// (version 0.0.4): engine, listeners, backends and servers, operations, TLS, and the tables that
// rules of its listeners can name. Listeners and backends have two labels: a name and a number.
// The name is that of vst_listener_set_name or vst_backend_set_name; without one it is the
// address that was asked for (port 0 stays 0), or for a backend its number. The number of a closed
// one is used again. Tables are labelled with their name, and a number that distinguishes tables
// of the same name.
//
// The text has no NUL; *len is its length, also with VST_E_SPACE. It grows with the listeners,
// servers and tables, not with the connections.
// In a group (vst_group_new) the numbers are those of all members: sums, and where a sum means nothing
// what docs/operating.md says. The other members are asked, and VST_WAIT is returned until all have
// told theirs, or one second is over and the last that they told count. VST_EVENT_WOKEN says when:
// the next call then has the text, the same until one returns VST_OK. *len is 0 with VST_WAIT. There
// the number of a listener or backend is how many of the same name the engine has before it.
// Legal on the engine's thread.
// Returns VST_OK; VST_WAIT (only in a group); VST_E_SPACE; VST_E_NULL; VST_E_THREAD; VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; text points to capacity writable bytes; len to a
// size.
vst_status vst_metrics_text(vst_engine *engine,
                            char *text,
                            size_t capacity,
                            size_t *len);

// =================================================================================================
// 19. Wakers and groups
//
// A waker is how other threads reach an engine: it brings the answer of a handler to the engine's
// thread, and wakes that thread. A group is what engines in several threads share that serve the
// same purpose: the health of servers, what the host sets of them, and the sums of the metrics.
// =================================================================================================

// Engines that serve the same purpose with the same backends, mostly one for each thread. See
// vst_group_new.
struct vst_group;

// Wakes an engine's thread from other threads, and brings answers of handlers to it. It
// does not keep the engine: after vst_engine_free, vst_waker_post returns VST_E_GONE.
struct vst_waker;

// Makes a waker of an engine. *out is the waker, or NULL on failure; free it with
// vst_waker_free, before or after the engine. An engine may have any number of them.
//
// With the first waker of an engine the library asks the host's poller to watch one more
// descriptor, unless the engine was made with wake.
// Legal on the engine's thread.
// Returns VST_OK; VST_E_NULL; VST_E_SYSTEM (no descriptor could be opened); VST_E_THREAD;
// VST_E_POISONED.
//
// Needs:
// engine is an engine that is not freed; out points to a pointer.
vst_status vst_engine_waker(vst_engine *engine,
                            vst_waker **out);

// Brings the answer of a handler whose step returned VST_NEXT_LATER: answer is VST_NEXT_DONE,
// VST_NEXT_READ, VST_NEXT_WRITE or VST_NEXT_FAIL (with code, and a general sentence as text);
// ticket is that of the vst_step. The engine takes it in its next vst_engine_run,
// vst_engine_ready, vst_engine_ready_batch or vst_engine_ready_fd, not in vst_engine_wait;
// its thread is woken for that. An answer to a connection that is gone by then is dropped.
//
// Legal from any thread, from several at once, and from the callbacks event, step, fdset,
// fdclr, interest and timer; not from a signal handler.
// Returns VST_OK; VST_E_GONE (the engine is freed); VST_E_LIMIT (4,096 answers wait already: let
// the engine's thread run, and try again); VST_E_ARGUMENT; VST_E_NULL; VST_E_REENTRANT.
//
// Needs:
// waker is a waker that is not freed.
vst_status vst_waker_post(vst_waker *waker,
                          vst_id conn,
                          uint32_t ticket,
                          int32_t answer,
                          int32_t code);

// Wakes the engine's thread: its poller reports the wake-up descriptor, or wake is called, and
// VST_EVENT_WOKEN is reported by the next drive call but vst_engine_wait. Calls before that count
// as one.
//
// Legal from any thread, from several at once, and from the callbacks event, step, fdset,
// fdclr, interest and timer; not from a signal handler.
// Returns VST_OK; VST_E_GONE (the engine is freed); VST_E_NULL; VST_E_REENTRANT.
//
// Needs:
// waker is a waker that is not freed.
vst_status vst_waker_wake(vst_waker *waker);

// Frees a waker. NULL does nothing.
//
// Legal from any thread and any callback, before or after the engine is freed.
//
// Needs:
// waker is NULL or a waker that is not freed.
void vst_waker_free(vst_waker *waker);

// Makes a group without members: an engine becomes one by group of vst_engine_options, and is one
// until it is freed. *out is the group, or NULL on failure; free it with vst_group_free.
//
// The members are to have the same backends with the same servers. A backend is the same as another
// engine's if both were given the same name by vst_backend_set_name, and a server if its name is the
// same too. Of a backend without a name, or with one that an earlier backend of the engine has, nothing
// is shared. Of a server that several members have:
// - Its health checks are made by one of them, the first that has it, and when that is freed or drains
//   (VST_DRAIN_PAUSE, VST_DRAIN_CLOSE), by another. What they say reaches all: each reports
//   VST_EVENT_SERVER_DOWN and VST_EVENT_SERVER_UP. So does a server with checks that attempts to
//   connect brought down in one engine. A server without checks goes down and up in each engine by what
//   that has found out.
// - What vst_server_set_state and vst_server_set_weight set in one engine counts in all, also in those
//   that are given the server later: of what the members have configured, the first one's weight counts.
// - Addresses, streams, queues, counters and maxconn are each engine's own. With N engines a server
//   gets up to N times its maxconn unless the host divides it: no word that engines share is read or
//   written where a stream gets its server.
//
// The others learn of a change at their next vst_engine_run, vst_engine_ready, vst_engine_ready_batch or
// vst_engine_ready_fd, and their threads are woken for it as by a waker (wake, or a descriptor).
// vst_metrics_text and VST_MONITOR_ANSWER_METRICS tell the sums over all members.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL.
//
// Needs:
// out points to a pointer.
vst_status vst_group_new(vst_group **out);

// Frees a group's handle. The engines that are members keep the group. NULL does nothing.
//
// Legal from any thread and any callback.
//
// Needs:
// group is NULL or a group that is not freed.
void vst_group_free(vst_group *group);

// =================================================================================================
// 20. The built-in loop
//
// For programs that have no poller of their own. The loop uses the same functions as any other
// host.
// =================================================================================================

// A loop with an engine in it. It belongs to the thread that runs it; only vst_loop_stop may be
// called from anywhere.
struct vst_loop;

// Makes a loop and its engine.
//
// options is as for vst_engine_new. event must be set; fdset, fdclr, interest, timer, wake and
// now_ns must be 0, since the loop provides these; trigger is ignored. options is not kept; its
// callbacks, and what its data points to, must stay valid until the loop is freed. *out is the
// loop, or NULL on failure; free it with vst_loop_free. sys_errno, unless NULL, gets the errno
// behind VST_E_SYSTEM, else 0. On failure why, unless NULL, gets a sentence, cut to why_size
// bytes with its NUL.
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL; VST_E_SIZE; VST_E_ARGUMENT (no event, a callback that must be 0, and
// as vst_engine_new); VST_E_LIMIT (4,096 engines exist); VST_E_SYSTEM; VST_E_UNSUPPORTED (the
// library was built without the loop, see VST_FEATURE_LOOP).
//
// Needs:
// options points to as many bytes as its size says; out to a pointer; sys_errno is NULL or
// points to an int32_t; why is NULL or points to why_size writable bytes.
vst_status vst_loop_new(const vst_engine_options *options,
                        vst_loop **out,
                        int32_t *sys_errno,
                        char *why,
                        size_t why_size);

// Writes the engine of a loop, to be used with all other functions. It belongs to the loop: do not
// call vst_engine_free with it.
//
// Legal from any thread; from log, trace, wake and discard it returns VST_E_REENTRANT.
// Returns VST_OK; VST_E_NULL; VST_E_REENTRANT; VST_E_UNSUPPORTED.
//
// Needs:
// loop is a loop that is not freed; engine points to a pointer.
vst_status vst_loop_engine(vst_loop *loop,
                           vst_engine **engine);

// Runs the loop: with most_ns VST_NEVER until vst_loop_stop is called or a drain is done, else for
// one round of waiting and handling.
//
// most_ns is the longest wait of one round, in nanoseconds; with 0 it handles what is ready and
// does not wait. If vst_loop_stop was called before, it returns VST_OK after one round.
// Legal on the loop's thread, outside callbacks.
// Returns VST_OK (stopped); VST_WAIT (the round is over); VST_END (a drain is done); VST_E_SYSTEM;
// VST_E_NULL; VST_E_THREAD; VST_E_REENTRANT; VST_E_PANIC; VST_E_POISONED; VST_E_UNSUPPORTED.
//
// Needs:
// loop is a loop that is not freed.
vst_status vst_loop_run(vst_loop *loop,
                        uint64_t most_ns);

// Makes vst_loop_run return VST_OK, now or when it is called next.
//
// Legal from any thread, any callback and any signal handler.
// Returns VST_OK; VST_E_NULL; VST_E_SYSTEM; VST_E_UNSUPPORTED.
//
// Needs:
// loop is a loop that is not freed.
vst_status vst_loop_stop(vst_loop *loop);

// Frees a loop and its engine, as vst_engine_free does: connections are reset, and no event is
// reported. NULL does nothing.
//
// Legal on the loop's thread, outside callbacks; also after VST_E_PANIC.
// Returns VST_OK; VST_E_REENTRANT and VST_E_THREAD (then nothing happens).
//
// Needs:
// loop is NULL or a loop that is not freed.
vst_status vst_loop_free(vst_loop *loop);

// =================================================================================================
// 21. Versions
//
// Which library this is, what it was built with, and the names of its numbers.
// =================================================================================================

// The version of the binary interface that this header describes. A program that loads the library
// at run time compares it with vst_abi_version() and uses nothing when they differ. Functions,
// constants and the ends of structs may be added under the same number; nothing else changes.
#define VST_ABI_VERSION (1)

// The library has the built-in loop, vst_loop_*.
#define VST_FEATURE_LOOP (1)

// The library has vst_tls_server_self_signed.
#define VST_FEATURE_SELF_SIGNED (2)

// TLS uses aws-lc.
#define VST_FEATURE_AWS_LC (4)

// TLS uses ring.
#define VST_FEATURE_RING (8)

// The library has vst_set_allocator.
#define VST_FEATURE_ALLOCATOR (16)

// The library has TLS. Without it, agents may still run TLS for its connections (vst_link_open).
#define VST_FEATURE_TLS (32)

// Returns size bytes at a multiple of align, a power of two, or NULL: then the process ends, since
// the library cannot go on. size is not 0. data is that of the allocator.
typedef void *(*vst_alloc_fn)(void *data,
                              size_t size,
                              size_t align);

// Frees what vst_alloc_fn returned for this size and align; memory is never NULL. data is that of
// the allocator.
typedef void (*vst_dealloc_fn)(void *data,
                               void *memory,
                               size_t size,
                               size_t align);

// An allocator.
struct vst_allocator {
    // sizeof(vst_allocator). Not less than 32 bytes.
    uint32_t size;
    // 0.
    uint32_t _reserved;
    // Handed to both functions.
    void *data;
    // Called from any thread that uses the library, several at once.
    vst_alloc_fn alloc;
    // Called likewise.
    vst_dealloc_fn dealloc;
};

// Has the library take all its memory from the host's allocator, that of its cryptography included, for
// the whole process and for ever. allocator is copied; what its data points to must stay valid as long
// as the process runs.
//
// Its functions must not call the library. Memory that the system's C library allocates for itself is not
// the allocator's.
// Legal as the first call of the library, but for those that only return numbers and texts
// (vst_abi_version, vst_version, vst_features, vst_strerror and their like), while no other thread uses
// the library.
// Returns VST_OK; VST_E_NULL (allocator, or one of its functions); VST_E_SIZE; VST_E_ARGUMENT (a reserved
// field that is not 0); VST_E_STATE (memory was allocated before, an allocator is set, or the program
// defines OPENSSL_memory_alloc and its like in a place from which the cryptography takes them);
// VST_E_UNSUPPORTED (a build without the feature allocator).
//
// Needs:
// allocator points to as many bytes as its size says; its functions return memory that nothing else
// uses.
vst_status vst_set_allocator(const vst_allocator *allocator);

// The version of the binary interface that the library has, to be compared with VST_ABI_VERSION.
//
// Legal from any thread and any callback.
// Returns the number.
uint32_t vst_abi_version(void);

// The version of the library as text, such as 0.1.0, NUL-terminated, valid as long as the library
// is loaded.
//
// Legal from any thread and any callback.
// Returns the text, never NULL.
const char *vst_version(void);

// Writes what this build of the library has, a mask of VST_FEATURE_*.
//
// Legal from any thread and any callback.
// Returns VST_OK; VST_E_NULL.
//
// Needs:
// features points to a writable integer.
vst_status vst_features(uint64_t *features);

// The name of an operation, VST_OP_*, without its prefix, such as ACCEPT_PROXY. For 0 it is
// SESSION, and for a number that no operation has UNKNOWN. NUL-terminated, valid as long as the
// library is loaded.
//
// Legal from any thread and any callback.
// Returns the name, never NULL.
const char *vst_op_name(uint32_t op);

// The name of a reason, VST_WHY_*, without its prefix, such as TIMED_OUT. For 0 it is OK, and for
// a number that no reason has UNKNOWN. NUL-terminated, valid as long as the library is loaded.
//
// Legal from any thread and any callback.
// Returns the name, never NULL.
const char *vst_why_name(uint32_t why);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // VESTIBULE_H
