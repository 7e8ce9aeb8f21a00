/* What the parts of proxy share. */
#ifndef VESTIBULE_EXAMPLE_PROXY_H
#define VESTIBULE_EXAMPLE_PROXY_H

#include "host.h"
#include "options.h"
#include "rules.h"
#include "threads.h"

enum { ADDRESS_TEXT = 512 };

/* A thread, with its engine. */
struct proxy {
    struct host host; /* first: callbacks get a pointer to it */
    struct arguments args; /* of all threads, but that the backends and the link are this engine's */
    struct rule_file *rules;   /* of all threads */
    vst_stream_config *stream; /* of all threads */
    struct proxy *next;        /* the next thread; the first one's is next to the last */
    struct mailbox mailbox;
    pthread_t id; /* of all but the first, which is the program's own */
};

/* An address as text, in memory of the caller's. */
const char *text_of(const vst_addr *addr, char *text, size_t size);

/* The server that runs without arguments: one answer to every request. */
void say_hello(vst_engine *engine, vst_id id);

/* Has an operator's command executed in every thread: a line, which arrives in one piece. Returns 0 if it has
 * not come yet. The answer may come later. */
int obey(struct proxy *proxy, vst_id id);

/* Drains every engine. */
void stop_all(struct host *host);

/* Does what other threads have handed over. */
void commands_come(struct proxy *proxy);

/* Answers a command that every thread has executed, and frees it. */
void command_done(struct proxy *proxy, struct command *command);

/* One line for an operator: the client, how much, how long, and why. */
void log_end(const struct proxy *proxy, const char *what, const vst_event *event);

/* One line about a server that is up or down; of several threads, the first writes it. */
void log_server(const struct proxy *proxy, const char *how, const vst_event *event);

#endif
