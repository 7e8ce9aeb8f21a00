/* A host over libevent 2.1. See server.h. */
#include "server.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

struct watch {
    struct event event;
    vst_id token;
};

static struct event_base *base;
static struct event *timer;
static vst_engine *engine;
static vst_wait wait = {.size = sizeof wait};

/* After every call on the engine: when to call it again. */
static void schedule(void)
{
    uint64_t us, left = wait_ns(&wait);
    struct timeval bound;

    if (server_is_done(&wait)) {
        event_base_loopbreak(base);
    } else if (left == VST_NEVER) {
        event_del(timer);
    } else { /* 0 while the engine is RUNNABLE: libevent then polls without waiting */
        us = left / NS_PER_US + (left % NS_PER_US != 0);
        bound = (struct timeval){.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
        event_add(timer, &bound);
    }
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct watch *watch = arg; /* which may be freed by this call */
    uint32_t io = (what & EV_READ ? VST_IO_IN : 0u) | (what & EV_WRITE ? VST_IO_OUT : 0u);

    (void)fd;
    vst_engine_ready(engine, watch->token, io, 0, &wait);
    schedule();
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    vst_engine_run(engine, 0, &wait);
    schedule();
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    server_drain(engine);
    vst_engine_wait(engine, &wait);
    schedule();
}

/* VST_IO_HANGUP is watched by nothing: EV_CLOSED alone would turn into a busy loop when the peer resets, since
 * libevent takes an error for EV_READ and EV_WRITE, and then finds nobody to tell. */
static void interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask)
{
    struct watch **record = (struct watch **)server_record(fd), *watch = *record;
    short what = (short)((new_mask & VST_IO_IN ? EV_READ : 0) | (new_mask & VST_IO_OUT ? EV_WRITE : 0));

    (void)data, (void)old_mask;
    if (watch != NULL) {
        event_del(&watch->event);
    } else {
        *record = watch = malloc(sizeof *watch);
        if (watch == NULL)
            die("no memory");
        watch->token = token;
    }
    if (new_mask & VST_IO_RELEASED) {
        *record = NULL;
        free(watch);
    } else {
        event_assign(&watch->event, base, fd, (short)(what | EV_PERSIST), on_ready, watch);
        if (what != 0)
            event_add(&watch->event, NULL);
    }
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv);
    struct event *terminated;

    base = event_base_new();
    timer = evtimer_new(base, on_time, NULL);
    terminated = evsignal_new(base, SIGTERM, on_signal, NULL);
    event_add(terminated, NULL);
    options.interest = interest;
    engine = server_engine(&options);
    server_listen(engine);
    vst_engine_wait(engine, &wait);
    schedule();
    event_base_dispatch(base);
    vst_engine_free(engine);
    event_free(terminated);
    event_free(timer);
    event_base_free(base);
    return 0;
}
