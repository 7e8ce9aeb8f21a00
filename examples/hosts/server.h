/* The program around a poller: what is the same for every host in this folder.
 *
 *   HOST --listen ADDR:PORT [--accept-proxy CIDR,...|any] [--tls CERT KEY]
 *        [--timeout-handshake MS] [--idle MS] [--grace MS] [--events-per-drive N]
 *
 * It serves the sessions of ../echo.c until SIGTERM. Then the engine is drained: who waits is
 * accepted, sessions go on until their clients end them, and what is left after --grace is aborted.
 * A thread waits for the signal and wakes the engine, so that no host has to know of it. */
#ifndef VESTIBULE_EXAMPLE_SERVER_H
#define VESTIBULE_EXAMPLE_SERVER_H

#include "../program.h"

/* Reads the command line into options: the poller adds its callbacks and makes the engine. stop, unless NULL,
 * is called when the drain is done, and ends the poller's loop. */
vst_engine_options server_options(int argc, char **argv, void (*stop)(void));

/* What happens to the engine: options.event. */
void server_event(void *data, vst_engine *engine, const vst_event *event);

/* Makes the engine. */
vst_engine *server_engine(const vst_engine_options *options);

/* Opens the listener, and prints "ready ADDR:PORT". */
void server_listen(vst_engine *engine);

/* What a host needs instead that listens itself: the address, what is done with connections, and to have the
 * drain begun by SIGTERM. */
const char *server_address(void);
vst_accept_config *server_config(void);
void server_drain_on_sigterm(vst_engine *engine);

/* Whether the drain is not done yet. */
int server_goes_on(void);

#endif
