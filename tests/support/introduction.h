// vestibule: an embeddable connection layer.
//
// A program with a poller (epoll, libevent, libuv, its own) hands descriptors and readiness in and
// gets sessions, checked and authenticated, or whole proxied streams out. The library owns no
// thread, no loop and no signal of its host, and calls the host only through the callbacks that
// the host gave it.
//
// The main path, in code; every call may fail, and says why:
//
//     vst_engine_options options = {.size = sizeof options, .fdset = watch, .fdclr = forget, .event = hear};
//     vst_engine_new(&options, &engine, why, sizeof why);
//     vst_accept_options opening = {.size = sizeof opening, .tls = certificates};
//     vst_accept_config_new(&opening, &config, why, sizeof why);
//     vst_listener_open(engine, "[::]:443", config, NULL, &listener, NULL, why, sizeof why);
//     vst_engine_wait(engine, &wait);
//     while (!done) {
//         poll(...);                                       // until wait.deadline_ns at most
//         vst_engine_ready(engine, token, events, 0, &wait); // for each descriptor that is ready
//         vst_engine_run(engine, 0, &wait);  // if the deadline has come, or VST_WAIT_RUNNABLE is set
//     }
//
// hear is told VST_EVENT_SESSION with an id, on which it calls vst_conn_recv, vst_conn_send and
// vst_conn_close, or joins it to a server's with vst_conn_forward.
//
// Conventions.
// - Statuses: vst_status is 0 or more when the call did what was asked, negative when it did not.
//   Outputs go through pointers and are always written: with zeros, or what the function says, where
//   there is nothing. An unknown number, flag or reserved byte is an error; a flag is
//   named after its struct, and unknown in every other. Every function that takes an engine may answer
//   VST_E_PANIC, every one that takes a struct with a size VST_E_SIZE.
// - Structs that begin with a size: set it to sizeof. In options a field that is 0 is its default, so
//   that {.size = sizeof x} is the defaults; the _init function says them. No bound is said: VST_NEVER
//   for spans of time, UINT32_MAX or UINT64_MAX for numbers, and that there is none of something is a
//   flag. Bytes beyond what the library knows must be 0; what it does not find is a default. A size
//   that no version has is answered before anything is done.
// - Ownership: the library takes nothing but descriptors, and those only when the call succeeds.
//   Texts and structs are read during the call. _free(NULL) is fine.
// - Ids are 64 bits and may be kept after what they name is gone: using one is an error, VST_E_STALE,
//   and nothing else.
// - Threads: an engine belongs to the thread of its first drive call (vst_engine_ready and those like
//   it, vst_engine_run, vst_engine_wait); another gets VST_E_THREAD. Until then it may be used by one
//   thread at a time: made and given listeners in one, driven in another. Configurations and tables
//   may be used by all, and so may wakers, by which other threads reach an engine.
// - Callbacks: every function may be called from fdset, fdclr, interest, timer, event and step, but
//   those that are legal outside callbacks only: vst_engine_free, vst_engine_next,
//   vst_engine_batch_begin and _end, vst_loop_run and vst_loop_free answer VST_E_REENTRANT. From log,
//   wake and discard, and from whatever vst_engine_free calls, all that take an engine, a loop or a
//   waker answer that, but vst_loop_stop and vst_waker_free. No lock of the library is held meanwhile.
//   A call made in a callback acts and answers at once; the events it causes are told when the
//   callback has returned. A callback must not throw or longjmp.
// - Outside a callback, every call on an engine may run callbacks before it returns: what it is about
//   may have been told CLOSED by then, and an id that it wrote may be stale.
// - Time: nanoseconds of CLOCK_MONOTONIC, and 0 has that read; or of a clock of the host's own, where
//   the engine was made with now_ns. A time of another clock is VST_E_MODE. A jump of an own clock by
//   more than an hour is told to log.
// - fork: in a child that does not exec, no function may be called on engines of the parent.
// - errno is as it was when a call returns. No SIGPIPE reaches the host.
