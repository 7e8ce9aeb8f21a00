// Examples of the functions of an engine. watch and on_event are the interest and the
// event callback of the host, write_line is its trace callback, and run its loop.
#include <inttypes.h>
#include <stdio.h>
#include <vestibule.h>

struct host {
    vst_engine *engine;
    int epoll;
};

int32_t watch(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask,
              void *user);
void on_event(void *data, vst_engine *engine, const vst_event *event);
void write_line(void *data, uint32_t category, const char *line, size_t len);
void run(struct host *host);

// Example of vst_event_name.
void log_event(void *data, vst_engine *engine, const vst_event *event)
{
    (void)data, (void)engine;
    fprintf(stderr, "%s %#" PRIx64, vst_event_name(event->kind), event->id);
    if (event->end != NULL)
        fprintf(stderr, ": %s", event->end->text);
    fputc('\n', stderr);
}

// Example of vst_engine_options_init, vst_engine_new, vst_engine_free.
int serve(struct host *host)
{
    vst_engine_options options;
    char why[256];

    vst_engine_options_init(&options, sizeof options);
    options.data = host;
    options.interest = watch;
    options.event = on_event;
    options.trace = write_line;
    if (vst_engine_new(&options, &host->engine, why, sizeof why) < 0) {
        fprintf(stderr, "no engine: %s\n", why);
        return 1;
    }
    run(host); // until VST_EVENT_DRAINED
    vst_engine_free(host->engine); // resets what is left, without any event
    return 0;
}

// Example of vst_engine_trace.
void set_trace(vst_engine *engine, int is_on)
{
    uint32_t categories = VST_TRACE_EVENTS | VST_TRACE_OPERATIONS;

    if (vst_engine_trace(engine, is_on ? categories : 0) == VST_E_MODE)
        fprintf(stderr, "no trace: the engine was made without a trace callback\n");
}

// Example of vst_engine_next.
void pull_events(struct host *host)
{
    vst_event event = {.size = sizeof event};

    // After every other call on the engine, and before each wait.
    while (vst_engine_next(host->engine, &event) == VST_OK) {
        if (event.kind == VST_EVENT_INTEREST)
            watch(host, event.fd, event.id, event.old_mask, event.new_mask,
                  event.user);
        else
            on_event(host, host->engine, &event);
    }
}

// Example of vst_engine_drain.
void stop(vst_engine *engine)
{
    const uint64_t grace_ns = UINT64_C(30) * 1000 * 1000 * 1000;
    vst_status status = vst_engine_drain(engine, VST_DRAIN_CLOSE, grace_ns);

    // The loop goes on: VST_EVENT_DRAINED comes when nothing is left, and ends it.
    if (status < 0)
        fprintf(stderr, "no drain: %s\n", vst_strerror(status));
}

// Example of vst_engine_drain_state.
void log_drain(vst_engine *engine)
{
    vst_drain drain = {.size = sizeof drain};

    if (vst_engine_drain_state(engine, &drain) < 0 || drain.how == 0)
        return; // it does not drain
    fprintf(stderr, "%u connections and %u streams left, %" PRIu64 " aborted\n",
            drain.conns, drain.streams, drain.aborted);
}

// Example of vst_engine_get_counters.
void log_counters(vst_engine *engine)
{
    vst_engine_counters counters = {.size = sizeof counters};

    if (vst_engine_get_counters(engine, &counters) < 0)
        return;
    fprintf(stderr, "%" PRIu64 " sessions, %" PRIu64 " refused before they were one\n",
            counters.sessions_total, counters.refused_total);
    if (counters.starved_total > 0) // out of descriptors or memory
        fprintf(stderr, "listeners were paused %" PRIu64 " times\n",
                counters.starved_total);
}
