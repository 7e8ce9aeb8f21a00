/* A host over libevent 2.1. See server.h. */
#include "server.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#define US_PER_S (NS_PER_S / NS_PER_US)

struct watch {
    struct event event;
    vst_id token;
};

static struct event_base *base;
static struct event *timer;
static vst_engine *engine;

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    const struct watch *watch = arg; /* which may be freed by this call */
    uint32_t io = (what & EV_READ ? VST_IO_IN : 0u) | (what & EV_WRITE ? VST_IO_OUT : 0u);

    (void)fd;
    vst_engine_ready(engine, watch->token, io, 0, NULL);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    vst_engine_run(engine, 0, NULL);
}

static void stop(void)
{
    event_base_loopbreak(base);
}

/* While the engine is RUNNABLE the deadline is now: libevent polls without waiting, and then calls on_time. */
static void set_timer(void *data, uint64_t deadline_ns)
{
    uint64_t us = rounded_up(ns_until(deadline_ns), NS_PER_US);
    struct timeval left = {.tv_sec = (time_t)(us / US_PER_S), .tv_usec = (suseconds_t)(us % US_PER_S)};

    (void)data;
    event_add(timer, &left);
}

/* VST_IO_HANGUP is watched by nothing: EV_CLOSED alone would turn into a busy loop when the peer resets, since
 * libevent takes an error for EV_READ and EV_WRITE, and then finds nobody to tell. */
static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask, void *user)
{
    struct watch *watch = user;
    short what = (short)((new_mask & VST_IO_IN ? EV_READ : 0) | (new_mask & VST_IO_OUT ? EV_WRITE : 0));
    int error;

    (void)data, (void)old_mask;
    if (watch != NULL)
        event_del(&watch->event);
    else if ((watch = malloc(sizeof *watch)) == NULL)
        return ENOMEM;
    watch->token = token;
    event_assign(&watch->event, base, fd, (short)(what | EV_PERSIST), on_ready, watch);
    error = what != 0 && event_add(&watch->event, NULL) != 0 ? errno : 0;
    if ((new_mask & VST_IO_RELEASED) || (error != 0 && user == NULL))
        free(watch); /* this is the last call about it */
    else
        vst_token_set_user(engine, token, watch);
    return error;
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv, stop);

    base = event_base_new();
    timer = evtimer_new(base, on_time, NULL);
    options.interest = interest;
    options.timer = set_timer;
    engine = server_engine(&options);
    server_listen(engine);
    event_base_dispatch(base);
    vst_engine_free(engine);
    event_free(timer);
    event_base_free(base);
    return 0;
}
