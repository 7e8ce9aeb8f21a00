/* Sessions that tell each client its addresses, then echo what it sends. */
#ifndef VESTIBULE_EXAMPLE_ECHO_H
#define VESTIBULE_EXAMPLE_ECHO_H

#include <vestibule.h>

/* What happens to such sessions: a vst_event_fn. data is not used. Refusals are printed on stderr. */
void echo_event(void *data, vst_engine *engine, const vst_event *event);

#endif
