/* What the tests of fed connections share: a host that writes down what they ask and how they end, and
 * reports nothing unless a test does. It has a clock of its own, so that nothing is waited for. */
#ifndef VST_FED_H
#define VST_FED_H

#include "check.h"

#define FED_MS UINT64_C(1000000)
#define FED_SECOND (1000 * FED_MS)

enum { FED_ASKS = 256, FED_ENDS = 32 };

struct fed;
typedef void (*fed_hook)(struct fed *fed, const vst_fed_ask *ask);

struct fed {
    struct host host; /* first: the event hook gets a pointer to it */
    uint64_t clock;   /* 0: it is the system's */
    vst_fed_ask asks[FED_ASKS]; /* in the order they came */
    unsigned asked;
    vst_end ends[FED_ENDS]; /* of connections that are no stream's; `text` is not kept */
    unsigned ended;
    fed_hook answer; /* called with every ask */
    event_hook event; /* called with every event */
    void *mine;
};

static inline void fed_ask(void *data, vst_engine *engine, const vst_fed_ask *ask)
{
    struct fed *fed = data;
    CHECK(engine == fed->host.engine);
    CHECK_EQ(ask->size, sizeof *ask);
    CHECK_EQ(ask->to.family != VST_ADDR_NONE, (ask->asks & VST_FED_OPEN) != 0);
    CHECK(!(ask->asks & VST_FED_SEND) || ask->unsent > 0);
    MUST(fed->asked < FED_ASKS);
    fed->asks[fed->asked++] = *ask;
    if (fed->answer)
        fed->answer(fed, ask);
}

static inline void fed_event(struct host *host, const vst_event *event)
{
    struct fed *fed = (struct fed *)host;
    if (event->kind == VST_EVENT_CLOSED) {
        MUST(fed->ended < FED_ENDS);
        fed->ends[fed->ended++] = *event->end;
    }
    if (fed->event)
        fed->event(host, event);
}

/* The options of a host whose clock begins at a second; a test may change them before fed_open. */
static inline vst_engine_options fed_options(struct fed *fed)
{
    memset(fed, 0, sizeof *fed);
    vst_engine_options options = host_options(&fed->host, HOST_EPOLL);
    fed->host.hook = fed_event;
    options.fed = fed_ask;
    options.now_ns = FED_SECOND;
    return options;
}

static inline void fed_open(struct fed *fed, const vst_engine_options *options)
{
    fed->clock = options->now_ns;
    host_open(&fed->host, options);
}

static inline void fed_new(struct fed *fed)
{
    vst_engine_options options = fed_options(fed);
    fed_open(fed, &options);
}

/* Lets time pass, and all be done that is due by then. */
static inline void fed_pass(struct fed *fed, uint64_t ns)
{
    fed->clock += ns;
    do
        CHECK_EQ(vst_engine_run(fed->host.engine, fed->clock, &fed->host.wait), VST_OK);
    while (fed->host.wait.flags & VST_WAIT_RUNNABLE);
}

/* ---- what was asked ---- */

/* The last ask of a connection; zeros if there was none. */
static inline vst_fed_ask fed_last(const struct fed *fed, vst_id conn)
{
    vst_fed_ask none = {0};
    for (unsigned i = fed->asked; i > 0; i--)
        if (fed->asks[i - 1].conn == conn)
            return fed->asks[i - 1];
    return none;
}

/* How often a connection has asked this. */
static inline unsigned fed_times(const struct fed *fed, vst_id conn, uint32_t what)
{
    unsigned times = 0;
    for (unsigned i = 0; i < fed->asked; i++)
        times += fed->asks[i].conn == conn && fed->asks[i].asks & what;
    return times;
}

/* The connection that was the last to ask this. */
static inline vst_id fed_who(const struct fed *fed, uint32_t what)
{
    for (unsigned i = fed->asked; i > 0; i--)
        if (fed->asks[i - 1].asks & what)
            return fed->asks[i - 1].conn;
    return 0;
}

/* How a connection ended; NULL if it did not. */
static inline const vst_end *fed_end(const struct fed *fed, vst_id conn)
{
    for (unsigned i = 0; i < fed->ended; i++)
        if (fed->ends[i].conn == conn)
            return &fed->ends[i];
    return NULL;
}

/* ---- connections ---- */

static inline vst_addr fed_addr(uint8_t last, uint16_t port)
{
    vst_addr addr = {.family = VST_ADDR_IPV4, .port = port, .len = 4, .bytes = {192, 0, 2, last}};
    return addr;
}

static inline int fed_is_addr(const vst_addr *addr, uint8_t last, uint16_t port)
{
    vst_addr due = fed_addr(last, port);
    return memcmp(addr, &due, sizeof due) == 0;
}

/* An incoming connection; it goes by these options, or is a session at once. */
static inline vst_id fed_incoming(struct fed *fed, const vst_accept_options *options,
                                  const vst_feed_args *args)
{
    vst_accept_options plain = {.size = sizeof plain};
    vst_accept_config *config;
    vst_id conn;
    MUST(vst_accept_config_new(options ? options : &plain, &config, NULL, 0) == VST_OK);
    MUST(vst_conn_feed(fed->host.engine, config, args, &conn, NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    return conn;
}

static inline vst_connect_config *fed_connecting(uint32_t send_proxy, const char *source)
{
    vst_connect_options options = {.size = sizeof options, .flags = VST_CONNECT_FED,
                                   .send_proxy = send_proxy, .source = source};
    vst_connect_config *config;
    MUST(vst_connect_config_new(&options, &config, NULL, 0) == VST_OK);
    return config;
}

/* An outgoing connection, which has asked to be opened. */
static inline vst_id fed_outgoing(struct fed *fed, const char *address, const char *source)
{
    vst_connect_config *config = fed_connecting(VST_SEND_PROXY_NONE, source);
    vst_id conn;
    MUST(vst_conn_connect(fed->host.engine, address, config, NULL, &conn, NULL, 0) == VST_OK);
    vst_connect_config_free(config);
    return conn;
}

/* Reports bytes, and how many of them were taken. */
static inline size_t fed_hands(struct fed *fed, vst_id conn, const char *text)
{
    size_t taken = 99;
    CHECK_EQ(vst_fed_received(fed->host.engine, conn, text, strlen(text), &taken), VST_OK);
    return taken;
}

/* Whether exactly this text waits to be sent. */
static inline int fed_waits(struct fed *fed, vst_id conn, const char *text)
{
    char bytes[256];
    size_t got = 0;
    CHECK_EQ(vst_fed_copy_unsent(fed->host.engine, conn, 0, bytes, sizeof bytes, &got), VST_OK);
    return got == strlen(text) && memcmp(bytes, text, got) == 0;
}

/* Exactly this text waits to be sent, and is sent. */
static inline void fed_takes(struct fed *fed, vst_id conn, const char *text)
{
    int waits = fed_waits(fed, conn, text);
    CHECK(waits);
    if (waits)
        CHECK_EQ(vst_fed_sent(fed->host.engine, conn, strlen(text)), VST_OK);
}

#endif
