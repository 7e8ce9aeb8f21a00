/* What a client of load asks backend for: the first bytes of every exchange, in the byte order of the one
 * machine that both run on. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdint.h>

struct request {
    uint64_t up;   /* how many bytes the client sends, these included */
    uint64_t down; /* how many the backend answers once it has them all */
    uint64_t once; /* if not 0: the answer waits for the end of the client's bytes, and the backend closes */
};

enum { REQUEST_BYTES = sizeof(struct request) };

/* Every byte of an answer, so that bytes of anything else are noticed. */
enum { ANSWER_BYTE = 'a' };

#endif
