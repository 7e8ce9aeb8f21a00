/* A host over libev. See server.h. */
#include "server.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>

struct watch {
    ev_io io; /* first: libev hands it back */
    vst_id token;
};

static struct ev_loop *loop;
static ev_timer timer;
static vst_engine *engine;

static void on_ready(struct ev_loop *same, ev_io *io, int events)
{
    vst_id token = ((struct watch *)io)->token;

    /* An error or a hang-up comes as both. */
    (void)same;
    vst_engine_ready(engine, token, (events & EV_READ ? VST_IO_IN : 0u) | (events & EV_WRITE ? VST_IO_OUT : 0u),
                     0, NULL);
}

static void on_time(struct ev_loop *same, ev_timer *expired, int events)
{
    (void)same, (void)expired, (void)events;
    vst_engine_run(engine, 0, NULL);
}

static void stop(void)
{
    ev_break(loop, EVBREAK_ALL);
}

/* While the engine is RUNNABLE the deadline is now: libev polls without waiting, and then calls on_time. */
static void set_timer(void *data, uint64_t deadline_ns)
{
    (void)data;
    ev_timer_stop(loop, &timer);
    ev_now_update(loop); /* a timer counts from the loop's time, which the callbacks have made late */
    ev_timer_set(&timer, (double)ns_until(deadline_ns) / (double)NS_PER_S, 0.);
    ev_timer_start(loop, &timer);
}

/* libev has no event for VST_IO_HANGUP: then nothing is watched. */
static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask, void *user)
{
    struct watch *watch = user;
    int events = (new_mask & VST_IO_IN ? EV_READ : 0) | (new_mask & VST_IO_OUT ? EV_WRITE : 0);

    (void)data, (void)old_mask;
    if (watch == NULL) {
        watch = malloc(sizeof *watch);
        if (watch == NULL)
            return ENOMEM;
        ev_io_init(&watch->io, on_ready, fd, events);
        watch->token = token;
        vst_token_set_user(engine, token, watch);
    }
    ev_io_stop(loop, &watch->io); /* a watcher must not be active while it is changed, nor when it is freed */
    if (new_mask & VST_IO_RELEASED) {
        free(watch);
    } else if (events != 0) {
        ev_io_set(&watch->io, fd, events);
        ev_io_start(loop, &watch->io);
    }
    return 0;
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv, stop);

    loop = ev_loop_new(EVFLAG_AUTO);
    ev_timer_init(&timer, on_time, 0., 0.);
    options.interest = interest;
    options.timer = set_timer;
    engine = server_engine(&options);
    server_listen(engine);
    ev_run(loop, 0);
    vst_engine_free(engine);
    ev_loop_destroy(loop);
    return 0;
}
