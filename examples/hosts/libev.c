/* A host over libev. See server.h. */
#include "server.h"

#include <ev.h>
#include <stdlib.h>

struct watch {
    ev_io io; /* first: libev hands it back */
    vst_id token;
};

static ev_timer timer;
static vst_engine *engine;

static void on_ready(struct ev_loop *loop, ev_io *io, int events)
{
    vst_id token = ((struct watch *)io)->token;

    /* An error or a hang-up comes as both. */
    (void)loop;
    vst_engine_ready(engine, token, (events & EV_READ ? VST_IO_IN : 0u) | (events & EV_WRITE ? VST_IO_OUT : 0u),
                     0, NULL);
}

static void on_time(struct ev_loop *loop, ev_timer *same, int events)
{
    (void)loop, (void)same, (void)events;
    vst_engine_run(engine, 0, NULL);
}

/* Before each poll: until when it may wait. */
static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    vst_wait wait = {.size = sizeof wait};
    uint64_t left;

    (void)prepare, (void)events;
    vst_engine_wait(engine, &wait);
    left = wait_ns(&wait);
    ev_timer_stop(loop, &timer);
    ev_now_update(loop); /* a timer counts from the loop's time, which the callbacks have made late */
    if (server_is_done(&wait)) {
        ev_break(loop, EVBREAK_ALL);
    } else if (left != VST_NEVER) {
        ev_timer_set(&timer, (double)left / (double)NS_PER_S, 0.);
        ev_timer_start(loop, &timer);
    }
}

static void on_signal(struct ev_loop *loop, ev_signal *signal, int events)
{
    (void)loop, (void)signal, (void)events;
    server_drain(engine);
}

/* libev has no event for VST_IO_HANGUP: then nothing is watched. */
static void interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask)
{
    struct watch **record = (struct watch **)server_record(fd), *watch = *record;
    int events = (new_mask & VST_IO_IN ? EV_READ : 0) | (new_mask & VST_IO_OUT ? EV_WRITE : 0);

    (void)old_mask;
    if (watch == NULL) {
        *record = watch = malloc(sizeof *watch);
        if (watch == NULL)
            die("no memory");
        ev_io_init(&watch->io, on_ready, fd, events);
        watch->token = token;
    }
    ev_io_stop(data, &watch->io); /* a watcher must not be active while it is changed, nor when it is freed */
    if (new_mask & VST_IO_RELEASED) {
        *record = NULL;
        free(watch);
    } else if (events != 0) {
        ev_io_set(&watch->io, fd, events);
        ev_io_start(data, &watch->io);
    }
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv);
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    ev_prepare prepare;
    ev_signal terminated;

    ev_timer_init(&timer, on_time, 0., 0.);
    ev_prepare_init(&prepare, on_prepare);
    ev_prepare_start(loop, &prepare);
    ev_signal_init(&terminated, on_signal, SIGTERM);
    ev_signal_start(loop, &terminated);
    options.data = loop;
    options.interest = interest;
    engine = server_engine(&options);
    server_listen(engine);
    ev_run(loop, 0);
    vst_engine_free(engine);
    ev_loop_destroy(loop);
    return 0;
}
