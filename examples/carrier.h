/* Many connections in one: fed connections of vestibule whose bytes travel in frames. See tunnel.c. */
#ifndef VESTIBULE_EXAMPLE_CARRIER_H
#define VESTIBULE_EXAMPLE_CARRIER_H

#include <vestibule.h>

/* One side of the connection that carries the others. That one is an ordinary session of the library, with
 * the carrier as its user data; the functions below are called with its events. */
struct carrier;

/* Makes one side, or returns NULL. arriving is what connections that come out of it go through, or NULL if
 * none may. */
struct carrier *carrier_new(vst_engine *engine, const vst_accept_config *arriving);

/* VST_EVENT_SESSION or VST_EVENT_CONNECTED: it is the session conn from now on. */
void carrier_opened(struct carrier *carrier, vst_id conn);

/* VST_EVENT_READABLE, VST_EVENT_WRITABLE. */
void carrier_read(struct carrier *carrier);
void carrier_write(struct carrier *carrier);

/* VST_EVENT_DRAINING: it closes when no connection is left in it. */
void carrier_drain(struct carrier *carrier);

/* VST_EVENT_CLOSED: every connection in it is reset, and it is freed. */
void carrier_free(struct carrier *carrier);

/* VST_FED_OPEN: the connection goes into this carrier, also while that is being opened itself. */
void carrier_add(struct carrier *carrier, vst_id conn);

/* Whatever else a fed connection asks. */
void carrier_asked(const vst_fed_ask *ask);

#endif
