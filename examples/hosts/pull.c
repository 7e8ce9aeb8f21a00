/* A host without callbacks: it asks for events and interest. Its poller is epoll. See server.h. */
#define _GNU_SOURCE
#include "poll_mask.h"
#include "server.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { POLLED = 256 };

static int epoll;

/* There is no callback that could return an errno: what cannot be watched is ended. */
static void watch(vst_engine *engine, const vst_event *event)
{
    struct epoll_event e = {.events = to_poll(event->new_mask), .data.u64 = event->id};
    vst_id conn;
    int op = event->old_mask == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    if (event->new_mask & VST_IO_RELEASED) {
        if ((event->new_mask & VST_IO_CLOSING) || event->old_mask == 0)
            return;
        op = EPOLL_CTL_DEL;
    } else if (event->new_mask == 0) {
        op = EPOLL_CTL_DEL;
    }
    if (epoll_ctl(epoll, op, event->fd, &e) == 0)
        return;
    if (vst_token_conn(engine, event->id, &conn) < 0)
        die("epoll_ctl: %s", strerror(errno)); /* the listener's */
    vst_conn_abort(engine, conn);
}

/* Before each wait, until there is nothing: an event that is left keeps the engine RUNNABLE, and interest
 * that is left is not watched. The calls that server_event makes may cause more. */
static void pull(vst_engine *engine)
{
    vst_event event = {.size = sizeof event};

    while (vst_engine_next(engine, &event) == VST_OK) {
        if (event.kind == VST_EVENT_INTEREST)
            watch(engine, &event);
        else
            server_event(NULL, engine, &event);
    }
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
    options.event = NULL;
    engine = server_engine(&options);
    server_listen(engine);
    pull(engine);
    vst_engine_wait(engine, &wait);
    while (server_goes_on()) {
        int n = epoll_wait(epoll, polled, POLLED, wait_ms(&wait));
        uint64_t now = now_ns();

        for (int i = 0; i < n; i++)
            ready[i] = (vst_ready){.token = polled[i].data.u64, .events = from_poll(polled[i].events)};
        if (n > 0)
            vst_engine_ready_batch(engine, ready, (size_t)n, now, &wait);
        if ((wait.flags & VST_WAIT_RUNNABLE) || wait.deadline_ns <= now)
            vst_engine_run(engine, now, &wait);
        pull(engine);
        vst_engine_wait(engine, &wait); /* closes what was released */
    }
    vst_engine_free(engine);
    close(epoll);
    return 0;
}
