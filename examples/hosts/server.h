/* The program around a poller: what is the same for every host in this folder.
 *
 *   HOST --listen ADDR:PORT [--accept-proxy CIDR,...|any] [--tls CERT KEY]
 *        [--timeout-handshake MS] [--grace MS] [--events-per-drive N]
 *
 * It serves the sessions of ../echo.c until SIGTERM. Then the engine is drained: who waits is
 * accepted, sessions go on until their clients end them, and what is left after --grace is aborted. */
#ifndef VESTIBULE_EXAMPLE_SERVER_H
#define VESTIBULE_EXAMPLE_SERVER_H

#include "../program.h"

#include <signal.h>

/* Reads the command line into options: the poller adds its callbacks and makes the engine. */
vst_engine_options server_options(int argc, char **argv);

/* Makes the engine. */
vst_engine *server_engine(const vst_engine_options *options);

/* Opens the listener and prints "ready ADDR:PORT". */
void server_listen(vst_engine *engine);

/* What a host needs that listens itself: the address, and what is done with connections. */
const char *server_address(void);
vst_accept_config *server_config(void);

/* Begins the drain. */
void server_drain(vst_engine *engine);

int server_is_draining(void);

/* Whether there is nothing any more: no listener, no connection. */
int server_is_done(const vst_wait *wait);

/* For pollers that do not handle signals themselves: SIGTERM is delivered only while one waits with the mask that
 * this returns, so that it ends the wait also if it came before. */
const sigset_t *server_hold_sigterm(void);

/* Begins the drain once SIGTERM has come. Returns 0 when all has ended; wait is as of now. */
int server_goes_on(vst_engine *engine, vst_wait *wait);

/* Where the host keeps its record of a descriptor, by number. */
void **server_record(int fd);

#endif
