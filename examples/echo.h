/* Sessions that tell each client its addresses, then echo what it sends. */
#ifndef VESTIBULE_EXAMPLE_ECHO_H
#define VESTIBULE_EXAMPLE_ECHO_H

#include <vestibule.h>

/* How long a session may be silent before it is ended, in nanoseconds; 0, at first, is without a bound. */
extern uint64_t echo_idle_ns;

/* What happens to such sessions: a vst_event_fn. data is not used. Refusals are printed on stderr. */
void echo_event(void *data, vst_engine *engine, const vst_event *event);

#endif
