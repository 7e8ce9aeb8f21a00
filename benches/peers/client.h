/* One client of load: exchanges, one after the other, each a request with its bytes and the answer. */
#ifndef CLIENT_H
#define CLIENT_H

#include "link.h"

#include <netinet/in.h>
#include <stdint.h>

/* What all clients do. */
struct job {
    struct sockaddr_in target;
    unsigned sources; /* clients connect from so many addresses of 127.0.0.0/8 */
    uint64_t up, down;
    bool once;  /* an exchange has a connection of its own, and its bytes end with an orderly end */
    bool proxy; /* a PROXY header of version 2 comes first */
    SSL_CTX *tls;
    int epoll;
    uint64_t left; /* exchanges that nobody has begun */
    unsigned busy; /* clients in an exchange */
};

struct client {
    struct link link;
    enum { IDLE, CONNECTING, HANDSHAKE, OPENING, SENDING, RECEIVING, ENDING } state;
    uint64_t left; /* bytes to send or to receive */
};

/* Takes an exchange of the job, if one is left, and goes on as far as it can without waiting. */
void client_begin(struct client *client, struct job *job);

/* The same once its socket is ready. */
void client_progress(struct client *client, struct job *job);

#endif
