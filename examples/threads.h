/* One engine a thread: the threads of proxy, and what they tell each other. */
#ifndef VESTIBULE_EXAMPLE_THREADS_H
#define VESTIBULE_EXAMPLE_THREADS_H

#include "options.h"

#include <pthread.h>

struct proxy;

/* What a server is doing, in all threads together. */
struct tally {
    uint32_t state; /* VST_ADMIN_* */
    int is_down;    /* in one of them */
    uint32_t streams, streams_most;
    uint64_t streams_total, connect_errors;
};

/* A command goes once around: each thread does its part and hands it to the next. It belongs to one thread at a
 * time, so that only its way into a mailbox needs a lock. */
struct command {
    struct command *next; /* in a mailbox */
    struct proxy *from;   /* the thread where it began, and ends */
    vst_id operator;      /* the connection that waits for an answer, or 0 */
    enum { SHOW, SET_STATE, LEAVE, STOP } what;
    char server[512];
    uint32_t state; /* VST_ADMIN_* of SET_STATE */
    int is_done;
    struct tally tallies[POOLS_MOST][SERVERS_MOST]; /* of SHOW */
};

struct mailbox {
    pthread_mutex_t lock; /* for the two that follow */
    struct command *first, **last;
    int is_closed;     /* the thread has ended */
    vst_waker *waker;  /* of the engine; NULL with one thread, which nobody writes to */
};

/* Makes an engine for each thread, several as a group, and has the first take the signals. Returns them as an
 * array. */
struct proxy *threads_open(const struct arguments *args, vst_event_fn event);

/* Opens the listener of --listen in every thread, and returns the first thread's. */
vst_id threads_listen(struct proxy *proxies, const vst_accept_config *config);

/* Runs all engines, the first in this thread, until they are drained, and frees them. */
void threads_serve(struct proxy *proxies, vst_id listener);

/* Hands a command to the next thread; behind the last it is done (command_done). */
void threads_pass(struct proxy *proxy, struct command *command);

/* The next command that has come to a thread, or NULL: for VST_EVENT_WOKEN. */
struct command *threads_take(struct proxy *proxy);

#endif
