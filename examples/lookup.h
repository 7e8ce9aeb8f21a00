/* Looks up the names of hosts for an agent, in threads, since getaddrinfo can take many seconds. */
#ifndef VESTIBULE_EXAMPLE_LOOKUP_H
#define VESTIBULE_EXAMPLE_LOOKUP_H

#include "host.h"

struct lookups;

/* Exits with a message if it fails. host's engine has the agent; host_wake tells of answers. */
struct lookups *lookups_open(struct host *host);

/* Answers a VST_EVENT_AGENT_RESOLVE, later or, if too many names wait already, at once. */
void lookups_begin(struct lookups *lookups, const vst_event *event);

/* Hands in the answers that have come. For the `woken` of the host. */
void lookups_answer(struct lookups *lookups);

/* No answer wakes the host any more: for its `leaving`. Threads that still wait for one end with the program. */
void lookups_close(struct lookups *lookups);

#endif
