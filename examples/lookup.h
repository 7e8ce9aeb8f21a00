/* Looks up the names of hosts for an agent, in threads, since getaddrinfo can take many seconds. */
#ifndef VESTIBULE_EXAMPLE_LOOKUP_H
#define VESTIBULE_EXAMPLE_LOOKUP_H

#include <vestibule.h>

struct lookups;

/* Exits with a message if it fails. The engine, which has the agent, is woken when there are answers. */
struct lookups *lookups_open(vst_engine *engine);

/* Answers a VST_EVENT_AGENT_RESOLVE, later or, if too many names wait already, at once. */
void lookups_begin(struct lookups *lookups, const vst_event *event);

/* Hands in the answers that have come: for VST_EVENT_WOKEN. Threads that still wait for one when the engine is
 * freed end with the program. */
void lookups_answer(struct lookups *lookups);

#endif
