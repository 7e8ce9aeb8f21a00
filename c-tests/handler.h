/* What the tests of handlers share: a handler that does what a test sets, and keeps the questions it got
 * and the results, and a listener with handlers. */
#ifndef VST_HANDLER_H
#define VST_HANDLER_H

#include "check.h"

struct handled;
/* What the handler answers. */
typedef int32_t (*play)(struct handled *handled, vst_engine *engine, vst_step *step);

struct handled {
    struct host host; /* first: the event hook gets a pointer to it */
    play play;
    unsigned asked, discarded;
    /* Of the last question. */
    vst_id conn;
    uint32_t ticket;
    /* How the last connection ended. */
    vst_end end;
    char text[256];
};

static inline int32_t handled_step(void *data, vst_engine *engine, vst_step *step)
{
    struct handled *handled = data;
    CHECK(engine == handled->host.engine);
    CHECK_EQ(step->size, sizeof *step);
    CHECK_EQ(step->flags & ~(uint32_t)VST_STEP_ENDED, 0);
    CHECK(step->code == 0 && step->text == NULL);
    CHECK(step->conn != handled->conn || step->ticket != handled->ticket);
    handled->asked++;
    handled->conn = step->conn;
    handled->ticket = step->ticket;
    return handled->play(handled, engine, step);
}

/* The state is allocated memory, so a state that is freed twice or never, or is not ours, is
 * detected. */
static inline void handled_discard(void *data, void *state)
{
    struct handled *handled = data;
    CHECK(state != NULL);
    handled->discarded++;
    free(state);
}

/* A state for a question that has none yet. */
static inline unsigned *handled_state(vst_step *step)
{
    if (step->state == NULL)
        MUST((step->state = calloc(1, sizeof(unsigned))) != NULL);
    return step->state;
}

static inline void handled_event(struct host *host, const vst_event *event)
{
    struct handled *handled = (struct handled *)host;
    if (event->kind != VST_EVENT_REFUSED && event->kind != VST_EVENT_CLOSED)
        return;
    MUST(event->end != NULL);
    handled->end = *event->end;
    CHECK_EQ(strlen(event->end->text), event->end->text_len);
    snprintf(handled->text, sizeof handled->text, "%s", event->end->text);
}

static inline vst_handler handler(struct handled *handled, uint64_t flags)
{
    vst_handler handler = {.size = sizeof handler, .flags = flags, .step = handled_step};
    handler.discard = handled_discard;
    handler.data = handled;
    return handler;
}

static inline void handled_open(struct handled *handled, enum host_kind kind, play play)
{
    memset(handled, 0, sizeof *handled);
    host_new(&handled->host, kind);
    handled->host.hook = handled_event;
    handled->play = play;
}

/* A listener with these options; returns its port. */
static inline uint16_t opened(struct host *host, const vst_accept_options *options)
{
    vst_accept_config *config;
    vst_id id;
    vst_addr addr;
    MUST(vst_accept_config_new(options, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(host->engine, "127.0.0.1:0", config, NULL, &id, NULL, NULL,
                           0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host->engine, id, &addr) == VST_OK);
    return addr.port;
}

/* A listener whose connections pass these handlers first. */
static inline uint16_t guarded(struct host *host, const vst_handler *list, size_t count)
{
    vst_accept_options options;
    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    options.handlers = list;
    options.handler_count = count;
    return opened(host, &options);
}

/* A listener with one handler, ahead of TLS. */
static inline uint16_t guarded_by(struct handled *handled)
{
    vst_handler one = handler(handled, 0);
    return guarded(&handled->host, &one, 1);
}

#endif
