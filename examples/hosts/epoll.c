/* A host over epoll, level-triggered. See server.h. */
#define _GNU_SOURCE
#include "poll_mask.h"
#include "server.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { POLLED = 256 };

static int epoll;

static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask, void *user)
{
    struct epoll_event event = {.events = to_poll(new_mask), .data.u64 = token};
    int op = old_mask == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    (void)data, (void)user;
    if (new_mask & VST_IO_RELEASED) {
        if ((new_mask & VST_IO_CLOSING) || old_mask == 0)
            return 0; /* the close that comes next removes it, or it is not there */
        op = EPOLL_CTL_DEL;
    } else if (new_mask == 0) {
        op = EPOLL_CTL_DEL; /* not MOD: an empty mask still reports errors and hang-ups, without end */
    }
    return epoll_ctl(epoll, op, fd, &event) == 0 ? 0 : errno;
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv, NULL);
    struct epoll_event polled[POLLED];
    vst_ready ready[POLLED];
    vst_wait wait = {.size = sizeof wait};
    vst_engine *engine;

    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        die("epoll_create1: %s", strerror(errno));
    options.interest = interest;
    engine = server_engine(&options);
    server_listen(engine);
    vst_engine_wait(engine, &wait);
    while (server_goes_on()) {
        int n = epoll_wait(epoll, polled, POLLED, wait_ms(&wait));
        uint64_t now = now_ns(); /* after the wait: what was in time must not seem late, nor early */

        for (int i = 0; i < n; i++)
            ready[i] = (vst_ready){.token = polled[i].data.u64, .events = from_poll(polled[i].events)};
        if (n > 0)
            vst_engine_ready_batch(engine, ready, (size_t)n, now, &wait);
        if ((wait.flags & VST_WAIT_RUNNABLE) || wait.deadline_ns <= now)
            vst_engine_run(engine, now, &wait);
    }
    vst_engine_free(engine);
    close(epoll);
    return 0;
}
