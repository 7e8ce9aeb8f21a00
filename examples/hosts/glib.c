/* A host over GLib: the engine's time is a GSource, and so is each descriptor. See server.h. */
#define _GNU_SOURCE
#include "poll_mask.h"
#include "server.h"

#include <glib.h>

struct watch {
    GSource source; /* first: GLib hands it back */
    gpointer tag;   /* NULL while nothing is watched */
    vst_id token;
};

static GMainLoop *loop;
static GSource *timer;
static vst_engine *engine;

static gboolean on_ready(GSource *source, GSourceFunc callback, gpointer data)
{
    struct watch *watch = (struct watch *)source;

    (void)callback, (void)data;
    vst_engine_ready(engine, watch->token, from_poll(g_source_query_unix_fd(source, watch->tag)), 0, NULL);
    return G_SOURCE_CONTINUE;
}

static gboolean on_time(GSource *same, GSourceFunc callback, gpointer data)
{
    (void)callback, (void)data;
    g_source_set_ready_time(same, -1); /* not again, until set_timer says so */
    vst_engine_run(engine, 0, NULL);
    return G_SOURCE_CONTINUE;
}

/* GLib's time is CLOCK_MONOTONIC as well. */
static void set_timer(void *data, uint64_t deadline_ns)
{
    (void)data;
    g_source_set_ready_time(timer, (gint64)rounded_up(deadline_ns, NS_PER_US));
}

static void stop(void)
{
    g_main_loop_quit(loop);
}

static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask, void *user)
{
    static GSourceFuncs functions = {.dispatch = on_ready};
    struct watch *watch = user;
    GIOCondition events = (GIOCondition)to_poll(new_mask); /* the same numbers, and POLLRDHUP, which it lacks */

    (void)data, (void)old_mask;
    if (watch == NULL) {
        watch = (struct watch *)g_source_new(&functions, sizeof *watch);
        watch->tag = NULL;
        watch->token = token;
        g_source_attach(&watch->source, NULL);
        vst_token_set_user(engine, token, watch);
    }
    if (watch->tag != NULL)
        g_source_remove_unix_fd(&watch->source, watch->tag);
    /* An empty condition would still report errors, without end. */
    watch->tag = events == 0 ? NULL : g_source_add_unix_fd(&watch->source, fd, events);
    if (new_mask & VST_IO_RELEASED) {
        g_source_destroy(&watch->source);
        g_source_unref(&watch->source);
    }
    return 0; /* GLib ends the program where it has no memory */
}

int main(int argc, char **argv)
{
    static GSourceFuncs functions = {.dispatch = on_time};
    vst_engine_options options = server_options(argc, argv, stop);

    loop = g_main_loop_new(NULL, FALSE);
    timer = g_source_new(&functions, sizeof *timer);
    g_source_attach(timer, NULL);
    options.interest = interest;
    options.timer = set_timer;
    engine = server_engine(&options);
    server_listen(engine);
    g_main_loop_run(loop);
    vst_engine_free(engine);
    g_source_destroy(timer);
    g_source_unref(timer);
    g_main_loop_unref(loop);
    return 0;
}
