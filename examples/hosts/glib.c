/* A host over GLib: the engine is a GSource, and so is each descriptor. See server.h. */
#define _GNU_SOURCE
#include "poll_mask.h"
#include "server.h"

#include <glib-unix.h>

struct watch {
    GSource source; /* first: GLib hands it back */
    gpointer tag;   /* NULL while nothing is watched */
    vst_id token;
};

static GMainLoop *loop;
static vst_engine *engine;
static vst_wait next = {.size = sizeof next};

static gboolean on_ready(GSource *source, GSourceFunc callback, gpointer data)
{
    struct watch *watch = (struct watch *)source;

    (void)callback, (void)data;
    vst_engine_ready(engine, watch->token, from_poll(g_source_query_unix_fd(source, watch->tag)), 0, NULL);
    return G_SOURCE_CONTINUE;
}

/* Before each poll, whatever was called since the last one. */
static gboolean on_prepare(GSource *source, gint *timeout)
{
    (void)source;
    vst_engine_wait(engine, &next);
    *timeout = wait_ms(&next);
    return *timeout == 0 || server_is_done(&next);
}

static gboolean on_check(GSource *source)
{
    (void)source;
    return next.deadline_ns <= now_ns();
}

static gboolean on_time(GSource *source, GSourceFunc callback, gpointer data)
{
    (void)source, (void)callback, (void)data;
    vst_engine_run(engine, 0, &next);
    if (server_is_done(&next))
        g_main_loop_quit(loop);
    return G_SOURCE_CONTINUE;
}

static gboolean on_signal(gpointer data)
{
    (void)data;
    server_drain(engine);
    return G_SOURCE_CONTINUE;
}

static void interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask)
{
    static GSourceFuncs functions = {.dispatch = on_ready};
    struct watch **record = (struct watch **)server_record(fd), *watch = *record;
    GIOCondition events = (GIOCondition)to_poll(new_mask); /* the same numbers, and POLLRDHUP, which it lacks */

    (void)data, (void)old_mask;
    if (watch == NULL) {
        *record = watch = (struct watch *)g_source_new(&functions, sizeof *watch);
        watch->tag = NULL;
        watch->token = token;
        g_source_attach(&watch->source, NULL);
    }
    if (watch->tag != NULL && events != 0) {
        g_source_modify_unix_fd(&watch->source, watch->tag, events);
    } else if (watch->tag != NULL) { /* an empty condition would still report errors, without end */
        g_source_remove_unix_fd(&watch->source, watch->tag);
        watch->tag = NULL;
    } else if (events != 0) {
        watch->tag = g_source_add_unix_fd(&watch->source, fd, events);
    }
    if (new_mask & VST_IO_RELEASED) {
        *record = NULL;
        g_source_destroy(&watch->source);
        g_source_unref(&watch->source);
    }
}

int main(int argc, char **argv)
{
    static GSourceFuncs functions = {.prepare = on_prepare, .check = on_check, .dispatch = on_time};
    vst_engine_options options = server_options(argc, argv);
    GSource *time = g_source_new(&functions, sizeof *time);

    loop = g_main_loop_new(NULL, FALSE);
    options.interest = interest;
    engine = server_engine(&options);
    g_source_attach(time, NULL);
    g_unix_signal_add(SIGTERM, on_signal, NULL);
    server_listen(engine);
    g_main_loop_run(loop);
    vst_engine_free(engine);
    g_source_destroy(time);
    g_source_unref(time);
    g_main_loop_unref(loop);
    return 0;
}
