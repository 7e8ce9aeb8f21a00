/* A host over epoll, edge-triggered. See server.h. */
#define _GNU_SOURCE
#include "poll_mask.h"
#include "server.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { POLLED = 256 };

static int epoll;

/* The mask of a connection has VST_IO_EDGE and comes once, with every direction. The other descriptors,
 * listeners and that of wakers, are level-triggered here as well, and their masks change. */
static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask, void *user)
{
    struct epoll_event event = {.data.u64 = token};
    int op = old_mask == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    (void)data, (void)user;
    event.events = to_poll(new_mask) | (new_mask & VST_IO_EDGE ? EPOLLET : 0u);
    if (new_mask & VST_IO_RELEASED) {
        if ((new_mask & VST_IO_CLOSING) || old_mask == 0)
            return 0;
        op = EPOLL_CTL_DEL;
    } else if (new_mask == 0) {
        op = EPOLL_CTL_DEL;
    }
    return epoll_ctl(epoll, op, fd, &event) == 0 ? 0 : errno;
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv, NULL);
    struct epoll_event polled[POLLED];
    vst_wait wait = {.size = sizeof wait};
    vst_engine *engine;

    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        die("epoll_create1: %s", strerror(errno));
    options.trigger = VST_TRIGGER_EDGE;
    options.interest = interest;
    engine = server_engine(&options);
    server_listen(engine);
    vst_engine_wait(engine, &wait);
    while (server_goes_on()) {
        int n = epoll_wait(epoll, polled, POLLED, wait_ms(&wait));
        uint64_t now = now_ns();

        /* Each event must be handed in: epoll does not report it again. One whose descriptor was released
         * by an earlier one is VST_E_STALE and does no harm. */
        for (int i = 0; i < n; i++)
            vst_engine_ready(engine, polled[i].data.u64, from_poll(polled[i].events), now, &wait);
        /* Edge-triggered, most work that waits is RUNNABLE: what is known to be ready has no event. */
        if ((wait.flags & VST_WAIT_RUNNABLE) || wait.deadline_ns <= now)
            vst_engine_run(engine, now, &wait);
    }
    vst_engine_free(engine);
    close(epoll);
    return 0;
}
