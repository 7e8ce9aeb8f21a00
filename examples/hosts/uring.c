/* A host over io_uring: the ring polls the library's sockets. See server.h. Exits with 77 where the kernel has
 * no io_uring for this program. */
#define _GNU_SOURCE
#include "poll_mask.h"
#include "ring.h"
#include "server.h"

#include <errno.h>
#include <stdlib.h>

/* A descriptor. At most one request is under way for it, and it lives until that one is completed. */
struct watch {
    vst_id token; /* 0 once the library has released the descriptor */
    int fd;
    uint32_t mask;
    enum { IDLE, POLLED, READY } state;
};

static vst_engine *engine;
static vst_wait wait = {.size = sizeof wait};
static size_t watches;

/* Asks for what is wanted now; or this is the end of the record. */
static void go_on(struct watch *watch)
{
    uint32_t events = to_poll(watch->mask);
    struct io_uring_sqe *sqe;

    if (watch->token == 0) {
        free(watch);
        watches--;
    } else if (events != 0) {
        sqe = ring_request();
        io_uring_prep_poll_add(sqe, watch->fd, events);
        io_uring_sqe_set_data(sqe, watch);
        watch->state = POLLED;
    }
}

/* A request reports once, and looks at the state there is: so the next one is what level-triggered means. */
static void polled(void *about, int res, uint32_t flags)
{
    struct watch *watch = about;

    (void)flags;
    watch->state = READY; /* the library may change the mask, or release the descriptor, in this call */
    if (res > 0 && watch->token != 0)
        vst_engine_ready(engine, watch->token, from_poll((uint32_t)res), 0, &wait);
    watch->state = IDLE;
    go_on(watch);
}

static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask, void *user)
{
    struct watch *watch = user;

    (void)data, (void)old_mask;
    if (watch == NULL) {
        watch = calloc(1, sizeof *watch);
        if (watch == NULL)
            return ENOMEM;
        *watch = (struct watch){.token = token, .fd = fd};
        watches++;
        vst_token_set_user(engine, token, watch);
    }
    watch->mask = new_mask;
    if (new_mask & VST_IO_RELEASED)
        watch->token = 0;
    if (watch->state == POLLED)
        ring_cancel(watch); /* also at the release: a request keeps the socket open beyond the close */
    else if (watch->state == IDLE)
        go_on(watch);
    return 0;
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv, NULL);

    ring_open();
    options.interest = interest;
    engine = server_engine(&options);
    server_listen(engine);
    vst_engine_wait(engine, &wait);
    while (server_goes_on()) {
        ring_wait(&wait, polled);
        vst_engine_run(engine, 0, &wait); /* also when nothing is due: that does no harm */
    }
    vst_engine_free(engine);
    while (watches > 0) /* records whose last completion is still to come */
        ring_wait(&wait, polled);
    io_uring_queue_exit(&ring);
    return 0;
}
