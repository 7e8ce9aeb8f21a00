/* A host over libuv. See server.h. */
#define _GNU_SOURCE
#include "server.h"

#include <stdlib.h>
#include <uv.h>

struct watch {
    uv_poll_t poll; /* first: libuv hands it back */
    vst_id token;
};

static uv_loop_t *loop;
static uv_timer_t timer;
static uv_idle_t idle; /* active while the engine is RUNNABLE: libuv polls without waiting then */
static vst_engine *engine;

static void on_ready(uv_poll_t *poll, int status, int events)
{
    vst_id token = ((struct watch *)poll)->token;
    uint32_t io = (events & UV_READABLE ? VST_IO_IN : 0u) | (events & UV_WRITABLE ? VST_IO_OUT : 0u) |
                  (events & UV_DISCONNECT ? VST_IO_HANGUP : 0u);

    /* With an error, libuv has stopped the handle. What the library wants next comes as interest. */
    vst_engine_ready(engine, token, status < 0 ? VST_IO_ERROR : io, 0, NULL);
}

static void on_time(uv_timer_t *same)
{
    (void)same;
    vst_engine_run(engine, 0, NULL);
}

static void on_idle(uv_idle_t *same)
{
    uv_idle_stop(same);
    vst_engine_run(engine, 0, NULL);
}

static void set_timer(void *data, uint64_t deadline_ns)
{
    uint64_t ms = rounded_up(ns_until(deadline_ns), NS_PER_MS);

    (void)data;
    uv_update_time(loop); /* a timer counts from the loop's time, which the callbacks have made late */
    if (ms == 0) /* a timer of 0 that its own callback starts would be called again without a poll */
        uv_idle_start(&idle, on_idle);
    else
        uv_timer_start(&timer, on_time, ms, 0);
}

static void stop(void)
{
    uv_stop(loop);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask, void *user)
{
    struct watch *watch = user;
    int events = (new_mask & VST_IO_IN ? UV_READABLE : 0) | (new_mask & VST_IO_OUT ? UV_WRITABLE : 0) |
                 (new_mask & VST_IO_HANGUP ? UV_DISCONNECT : 0);

    (void)data, (void)old_mask;
    if (watch == NULL) {
        watch = malloc(sizeof *watch);
        int error = watch == NULL ? UV_ENOMEM : uv_poll_init(loop, &watch->poll, fd);
        if (error != 0) {
            free(watch);
            return -error; /* libuv's errors are negative errnos */
        }
        watch->token = token;
        vst_token_set_user(engine, token, watch);
    }
    if (new_mask & VST_IO_RELEASED) /* stops at once; the memory belongs to libuv until on_closed */
        uv_close((uv_handle_t *)&watch->poll, on_closed);
    else if (events == 0)
        uv_poll_stop(&watch->poll);
    else
        uv_poll_start(&watch->poll, events, on_ready);
    return 0;
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv, stop);

    loop = uv_default_loop();
    uv_timer_init(loop, &timer);
    uv_idle_init(loop, &idle);
    options.interest = interest;
    options.timer = set_timer;
    engine = server_engine(&options);
    server_listen(engine);
    uv_run(loop, UV_RUN_DEFAULT);
    vst_engine_free(engine);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_close((uv_handle_t *)&idle, NULL);
    uv_run(loop, UV_RUN_DEFAULT); /* for what is still being closed */
    return uv_loop_close(loop) == 0 ? 0 : 1;
}
