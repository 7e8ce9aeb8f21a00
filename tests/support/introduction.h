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
