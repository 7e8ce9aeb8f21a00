/* The bytes between load and a proxy: as they are, or in TLS 1.3. */
#ifndef LINK_H
#define LINK_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct link {
    int fd;
    SSL *ssl; /* NULL without TLS */
};

enum { LINK_WAIT = -1, LINK_END = 0 };

/* What TLS needs: one for the program. */
SSL_CTX *link_context(void);

/* Begins TLS on a socket that is connected. */
void link_tls(struct link *link, SSL_CTX *context);

/* True once the handshake is done. */
bool link_handshake(struct link *link);

/* How many bytes went or came, LINK_WAIT, or LINK_END for the end. What else can happen ends the program. */
long link_send(struct link *link, const void *bytes, size_t len);
long link_receive(struct link *link, void *memory, size_t len);

/* Reads and forgets; `memory` has room for `len` bytes all the same. */
long link_discard(struct link *link, void *memory, size_t len);

/* No more will be sent. Reading goes on. */
void link_shut(struct link *link);

void link_close(struct link *link);

#endif
