/* The host of the examples: the program that owns the poller.
 *
 * This is the part that an embedding program already has. What vestibule requires of it is in host.c:
 * one callback that registers descriptors, and one turn of the loop. */
#ifndef VESTIBULE_EXAMPLE_HOST_H
#define VESTIBULE_EXAMPLE_HOST_H

#include <stdint.h>
#include <vestibule.h>

struct host {
    vst_engine *engine;
    int epoll;      /* our poller, or -1 with the built-in loop */
    int wake;       /* an eventfd by which the signal handler ends the wait */
    vst_loop *loop; /* the built-in loop, or NULL */
    void (*hang_up)(struct host *host); /* called on SIGHUP, or NULL */
};

/* Opens a host and its engine. kind is "epoll", "epoll-et" or "mio" (the library's own loop); event is
 * called with the host, which is the first field of a program's own struct. Exits with a message if it
 * fails. */
void host_open(struct host *host, const char *kind, vst_event_fn event);

/* The same for a program that moves the bytes of connections: fed is called with what they ask. */
void host_open_fed(struct host *host, const char *kind, vst_event_fn event, vst_fed_fn fed);

/* Prints the listener's address, serves until SIGINT or SIGTERM, drains the engine for a limited time,
 * and frees it. */
void host_serve(struct host *host, vst_id listener);

/* Sets the function that is called between two turns when SIGHUP has come. */
void host_on_hang_up(struct host *host, void (*hang_up)(struct host *host));

/* Opens a listener; user comes with the events of its connections. address is also its name in rules
 * (so_name). */
vst_id host_listen(struct host *host, const char *address, const vst_accept_config *config,
                   void *user);

/* Reads a certificate with its chain and its key, two files in PEM. */
vst_tls_server *host_tls(const char *certificate, const char *key);

/* Prints "program: ..." and a final newline on stderr and exits with 1. */
_Noreturn void die(const char *format, ...);

#endif
