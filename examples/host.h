/* The host of the examples: the program that owns the poller.
 *
 * This is the part that an embedding program already has. What vestibule requires of it is in host.c:
 * one callback that registers descriptors, and one turn of the loop. */
#ifndef VESTIBULE_EXAMPLE_HOST_H
#define VESTIBULE_EXAMPLE_HOST_H

#include "program.h"

struct host {
    vst_engine *engine;
    int epoll;      /* our poller, or -1 with the built-in loop */
    vst_loop *loop; /* the built-in loop, or NULL */
    void (*hang_up)(struct host *host); /* called on SIGHUP, or NULL */
    void (*stop)(struct host *host);    /* called on SIGINT and SIGTERM, at first host_drain */
    vst_event_fn event;                 /* the program's own */
    int shared_listener;                /* a listening descriptor at which other threads wait as well, or -1 */
    int is_stopping, is_drained;
    uint32_t drains; /* what SIGTERM does to the engine, at first VST_DRAIN_CLOSE. With VST_DRAIN_PAUSE, clients
                        that wait at the listeners are left to the next process that has the sockets */
};

/* Opens a host and its engine. kind is "epoll", "epoll-et" or "mio" (the library's own loop); event is
 * called with the host, which is the first field of a program's own struct, for all events but
 * VST_EVENT_DRAINED. Exits with a message if it fails. */
void host_open(struct host *host, const char *kind, vst_event_fn event);

/* The same for a program that moves the bytes of connections: fed is called with what they ask. */
void host_open_fed(struct host *host, const char *kind, vst_event_fn event, vst_fed_fn fed);

/* The same with options of the engine, of which the poller's, data and trace are set here; and without signals:
 * a program with a host for each thread has one of them take the signals, and blocks them in the other
 * threads. */
void host_open_as(struct host *host, const char *kind, const vst_engine_options *given);

/* Makes this host the one that SIGINT and SIGTERM are for. */
void host_take_signals(struct host *host);

/* Prints the listener's address, unless it is 0, serves until the engine is drained, which SIGINT and SIGTERM
 * begin, and frees it. */
void host_serve(struct host *host, vst_id listener);

/* Drains the engine, for a limited time. */
void host_drain(struct host *host);

/* Sets the function that is called between two turns when SIGHUP has come, of the host that takes signals. */
void host_on_hang_up(struct host *host, void (*hang_up)(struct host *host));

/* Writes what the engine does to stderr: categories of docs/trace.md, with commas between, or "all". */
void host_trace(struct host *host, const char *categories);

/* Opens a listener; user comes with the events of its connections. address is also its name in rules
 * (so_name). */
vst_id host_listen(struct host *host, const char *address, const vst_accept_config *config,
                   void *user);

/* The same with options, NULL being the defaults. */
vst_id host_listen_as(struct host *host, const char *address, const vst_accept_config *config,
                      const vst_listener_options *options);

#endif
