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
static vst_engine *engine;

static void on_ready(uv_poll_t *poll, int status, int events)
{
    vst_id token = ((struct watch *)poll)->token;
    uint32_t io = (events & UV_READABLE ? VST_IO_IN : 0u) | (events & UV_WRITABLE ? VST_IO_OUT : 0u) |
                  (events & UV_DISCONNECT ? VST_IO_HANGUP : 0u);

    /* libuv has stopped the handle then. What the library wants next comes as interest. */
    vst_engine_ready(engine, token, status < 0 ? VST_IO_ERROR : io, 0, NULL);
}

static void on_time(uv_timer_t *same)
{
    (void)same;
    vst_engine_run(engine, 0, NULL);
}

/* Before each poll: until when it may wait. */
static void on_prepare(uv_prepare_t *prepare)
{
    vst_wait wait = {.size = sizeof wait};
    int ms;

    vst_engine_wait(engine, &wait);
    ms = wait_ms(&wait);
    uv_update_time(loop); /* a timer counts from the loop's time, which the callbacks have made late */
    if (server_is_done(&wait))
        uv_stop(prepare->loop);
    else if (ms < 0)
        uv_timer_stop(&timer);
    else
        uv_timer_start(&timer, on_time, (uint64_t)ms, 0);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)signal, (void)number;
    server_drain(engine);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask)
{
    struct watch **record = (struct watch **)server_record(fd), *watch = *record;
    int events = (new_mask & VST_IO_IN ? UV_READABLE : 0) | (new_mask & VST_IO_OUT ? UV_WRITABLE : 0) |
                 (new_mask & VST_IO_HANGUP ? UV_DISCONNECT : 0);

    (void)data, (void)old_mask;
    if (watch == NULL) {
        *record = watch = malloc(sizeof *watch);
        if (watch == NULL || uv_poll_init(loop, &watch->poll, fd) != 0)
            die("uv_poll_init");
        watch->token = token;
    }
    if (new_mask & VST_IO_RELEASED) { /* stops at once; the memory belongs to libuv until on_closed */
        *record = NULL;
        uv_close((uv_handle_t *)&watch->poll, on_closed);
    } else if (events == 0) {
        uv_poll_stop(&watch->poll);
    } else {
        uv_poll_start(&watch->poll, events, on_ready);
    }
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv);
    uv_prepare_t prepare;
    uv_signal_t terminated;
    uv_handle_t *own[] = {(uv_handle_t *)&timer, (uv_handle_t *)&prepare, (uv_handle_t *)&terminated};

    loop = uv_default_loop();
    uv_timer_init(loop, &timer);
    uv_prepare_init(loop, &prepare);
    uv_prepare_start(&prepare, on_prepare);
    uv_signal_init(loop, &terminated);
    uv_signal_start(&terminated, on_signal, SIGTERM);
    options.interest = interest;
    engine = server_engine(&options);
    server_listen(engine);
    uv_run(loop, UV_RUN_DEFAULT);
    vst_engine_free(engine);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        uv_close(own[i], NULL);
    uv_run(loop, UV_RUN_DEFAULT); /* for what is still being closed */
    return uv_loop_close(loop) == 0 ? 0 : 1;
}
