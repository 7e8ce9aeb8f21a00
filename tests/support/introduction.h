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
