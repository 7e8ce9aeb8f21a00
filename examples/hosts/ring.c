/* See ring.h. */
#include "ring.h"

#include "../program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENTRIES = 1024,     /* of the ring */
    COMPLETIONS = 1024, /* that are handled before the engine gets a turn */
    NO_RING = 77,       /* the exit code */
};

struct io_uring ring;

void ring_refused(int error)
{
    fprintf(stderr, "this kernel does not let us use io_uring: %s\n", strerror(error));
    exit(error == EPERM || error == ENOSYS || error == EINVAL ? NO_RING : 1);
}

void ring_open(void)
{
    int error = -io_uring_queue_init(ENTRIES, &ring, 0);

    if (error != 0)
        ring_refused(error);
}

struct io_uring_sqe *ring_request(void)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

    while (sqe == NULL) { /* full: the kernel takes what is in it */
        io_uring_submit(&ring);
        sqe = io_uring_get_sqe(&ring);
    }
    return sqe;
}

void ring_cancel(void *about)
{
    struct io_uring_sqe *sqe = ring_request();

    io_uring_prep_cancel(sqe, about, 0);
    io_uring_sqe_set_data(sqe, NULL);
}

void ring_wait(const vst_wait *wait, void (*done)(void *about, int res, uint32_t flags))
{
    uint64_t left = wait_ns(wait); /* VST_NEVER is six hundred years */
    struct __kernel_timespec most = {.tv_sec = (long long)(left / NS_PER_S),
                                     .tv_nsec = (long long)(left % NS_PER_S)};
    struct io_uring_cqe *cqe;

    io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &most, NULL);
    for (int i = 0; i < COMPLETIONS && io_uring_peek_cqe(&ring, &cqe) == 0; i++) {
        void *about = io_uring_cqe_get_data(cqe);
        int res = cqe->res;
        uint32_t flags = cqe->flags;

        io_uring_cqe_seen(&ring, cqe);
        if (about != NULL)
            done(about, res, flags);
    }
}
