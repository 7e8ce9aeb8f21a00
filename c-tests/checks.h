/* Checks that print what failed, and the time. A test exits with 1 after that, or with 0.
 *
 * Nothing sleeps: code that waits, waits in a poller for the thing itself, and gives up after PATIENCE_NS. */
#ifndef VST_CHECKS_H
#define VST_CHECKS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vestibule.h"

static int broken;

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            broken++;                                                                              \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
        }                                                                                          \
    } while (0)

#define CHECK_EQ(is, due)                                                                          \
    do {                                                                                           \
        long long is_ = (long long)(is), due_ = (long long)(due);                                  \
        if (is_ != due_) {                                                                         \
            broken++;                                                                              \
            fprintf(stderr, "%s:%d: %s is %lld, not %s, %lld\n", __FILE__, __LINE__, #is, is_,     \
                    #due, due_);                                                                   \
        }                                                                                          \
    } while (0)

/* For conditions without which a test cannot go on. */
#define MUST(what)                                                                                 \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s (errno %d, %s)\n", __FILE__, __LINE__, #what, errno,        \
                    strerror(errno));                                                              \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* The last line of main. */
static inline int verdict(void)
{
    if (broken)
        fprintf(stderr, "%d broken\n", broken);
    return broken != 0;
}

/* ---- time ---- */

#define PATIENCE_NS (20ull * 1000 * 1000 * 1000)

static inline uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
