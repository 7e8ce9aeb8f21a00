/* What a host keeps of its engine: which descriptors it is to watch, which events were reported. It checks
 * that the library follows its contract about descriptors. */
#ifndef VST_HOST_H
#define VST_HOST_H

#include "checks.h"
#include "seed.h"

enum host_kind { HOST_EPOLL, HOST_EDGE, HOST_POLL, HOST_SELECT };

#define FDS 1024 /* select's own bound */
#define EVENTS (VST_EVENT_DRAINED + 1)

enum { HELD = 4096, STALE = 64 };

struct host;
typedef void (*event_hook)(struct host *host, const vst_event *event);

struct host {
    enum host_kind kind;
    vst_engine *engine;
    vst_wait wait;
    int epoll;
    int by_fd; /* the engine takes readiness by number too */
    /* By descriptor. */
    struct {
        vst_id token;
        uint32_t mask;
        uint32_t facts; /* VST_IO_HANGUP and VST_IO_ERROR, once the poller has reported them */
        int announced;
        void *user;
    } watch[FDS];
    unsigned announced, released, changes, runs;
    /* By VST_EVENT_*: how often it was reported, and the last id. */
    unsigned reported[EVENTS];
    vst_id last[EVENTS];
    event_hook hook;
    void (*called)(struct host *host); /* after every call on the engine */
    void *mine;
    int breaks_contract; /* on purpose: what the log says of it is no failure */
    uint64_t patience_ends;
    /* What chaos.h keeps: readiness that is to be handed in, released tokens, its own waker. */
    vst_ready held[HELD];
    unsigned turns[HELD], held_count; /* a turn of 0: it is due */
    struct {
        vst_id token;
        uint64_t since;
    } stale[STALE];
    unsigned stale_count;
    vst_waker *waker;
};

static inline uint32_t to_epoll(uint32_t mask)
{
    return (mask & VST_IO_IN ? EPOLLIN : 0) | (mask & VST_IO_OUT ? EPOLLOUT : 0)
        | (mask & VST_IO_HANGUP ? EPOLLRDHUP : 0) | (mask & VST_IO_EDGE ? EPOLLET : 0);
}

static inline uint32_t from_epoll(uint32_t events)
{
    return (events & EPOLLIN ? VST_IO_IN : 0) | (events & EPOLLOUT ? VST_IO_OUT : 0)
        | (events & EPOLLRDHUP ? VST_IO_HANGUP : 0)
        | (events & (EPOLLERR | EPOLLHUP) ? VST_IO_ERROR : 0);
}

static inline void host_poller(struct host *host, int fd, uint32_t old, uint32_t new)
{
    struct epoll_event event = {.events = to_epoll(new), .data.u64 = host->watch[fd].token};
    int op = new == 0 ? EPOLL_CTL_DEL : old == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (host->epoll >= 0 && (old | new) != 0)
        CHECK(epoll_ctl(host->epoll, op, fd, &event) == 0);
}

/* All interest is reported here: each report must fit the one before. */
static inline int32_t host_interest(void *data, int32_t fd, vst_id token, uint32_t old, uint32_t new,
                                    void *user)
{
    struct host *host = data;
    MUST(fd >= 0 && fd < FDS);
    CHECK(token != 0);
    CHECK(fcntl(fd, F_GETFD) != -1);
    host->changes++;
    if (!host->watch[fd].announced) {
        CHECK_EQ(old, 0);
        CHECK(!(new & VST_IO_RELEASED));
        host->watch[fd].token = token;
        host->watch[fd].announced = 1;
        host->announced++;
        CHECK(user == NULL);
        if (vst_token_set_user(host->engine, token, &host->watch[fd]) == VST_OK)
            host->watch[fd].user = user = &host->watch[fd];
    }
    CHECK(host->watch[fd].token == token);
    CHECK(host->watch[fd].user == user);
    CHECK_EQ(old, host->watch[fd].mask);
    CHECK(old != new);
    if (new & VST_IO_RELEASED) {
        CHECK_EQ(new & ~(uint32_t)VST_IO_CLOSING, VST_IO_RELEASED);
        host->released++;
        host->stale[host->stale_count % STALE].token = token;
        host->stale[host->stale_count++ % STALE].since = now_ns();
        /* The kernel removes what is closed next: the host need not. */
        if (!(new & VST_IO_CLOSING) || !lie(LIE_RELEASED, 2))
            host_poller(host, fd, old, 0);
        memset(&host->watch[fd], 0, sizeof host->watch[fd]);
        return 0;
    }
    CHECK_EQ(new & ~(uint32_t)(VST_IO_IN | VST_IO_OUT | VST_IO_HANGUP | VST_IO_EDGE), 0);
    CHECK(host->kind == HOST_EDGE || !(new & VST_IO_EDGE));
    host_poller(host, fd, old, new);
    host->watch[fd].mask = new;
    return 0;
}

static inline int32_t host_fdset(void *data, int32_t fd, uint32_t dir, vst_id token, void *user)
{
    struct host *host = data;
    MUST(fd >= 0 && fd < FDS);
    CHECK(dir == VST_IO_IN || dir == VST_IO_OUT || dir == VST_IO_HANGUP);
    CHECK(!(host->watch[fd].mask & dir));
    return host_interest(data, fd, token, host->watch[fd].mask, host->watch[fd].mask | dir, user);
}

static inline void host_fdclr(void *data, int32_t fd, uint32_t dir, vst_id token, void *user)
{
    struct host *host = data;
    uint32_t mask;
    MUST(fd >= 0 && fd < FDS);
    CHECK(host->watch[fd].announced);
    mask = host->watch[fd].mask;
    if (dir & VST_IO_RELEASED) {
        host_interest(data, fd, token, mask, dir, user);
        return;
    }
    CHECK(dir == VST_IO_IN || dir == VST_IO_OUT || dir == VST_IO_HANGUP);
    CHECK(mask & dir);
    host_interest(data, fd, token, mask, mask & ~dir, user);
}

/* What an end points to is there, as long as it says. */
static inline void host_end(const vst_end *end)
{
    if (end == NULL)
        return;
    CHECK_EQ(end->size, sizeof *end);
    CHECK_EQ(strlen(end->text), end->text_len);
    CHECK_EQ(strlen(end->captures), end->captures_len);
}

static inline void host_event(void *data, vst_engine *engine, const vst_event *event)
{
    struct host *host = data;
    CHECK(engine == host->engine);
    CHECK_EQ(event->size, sizeof *event);
    MUST(event->kind < EVENTS);
    host->reported[event->kind]++;
    host->last[event->kind] = event->id;
    host_end(event->end);
    host_end(event->end_server);
    if (event->stream != NULL)
        CHECK_EQ(strlen(event->stream->text), event->stream->text_len);
    if (host->hook)
        host->hook(host, event);
}

/* Whether a sentence of the library begins so. */
static inline int begins(const char *text, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

/* The library checks the host: what it finds is a mistake of this file, or of the test. That a program is slow is
 * none: under valgrind, and on a machine that has other things to do. */
static inline void host_log(void *data, const char *text, size_t len)
{
    const struct host *host = data;
    if (host->breaks_contract || begins(text, len, "a deadline had passed") || begins(text, len, "the callback "))
        return;
    broken++;
    fprintf(stderr, "the log: %.*s\n", (int)len, text);
}

/* Fills in the options of a host; a test may change them before host_open. */
static inline vst_engine_options host_options(struct host *host, enum host_kind kind)
{
    vst_engine_options options;
    memset(host, 0, sizeof *host);
    if (kind == HOST_EPOLL && lie(LIE_EDGE, 1))
        kind = HOST_EDGE;
    host->kind = kind;
    host->epoll = kind == HOST_EPOLL || kind == HOST_EDGE ? epoll_create1(EPOLL_CLOEXEC) : -1;
    host->wait.size = sizeof host->wait;
    host->patience_ends = now_ns() + PATIENCE_NS;
    MUST(vst_engine_options_init(&options, sizeof options) == VST_OK);
    options.data = host;
    options.event = host_event;
    options.log = host_log;
    options.flags = VST_ENGINE_CHECKED | (lie(LIE_GROUPS, 2) ? VST_ENGINE_BY_FD : 0);
    options.trigger = kind == HOST_EDGE ? VST_TRIGGER_EDGE : VST_TRIGGER_LEVEL;
    if (kind == HOST_SELECT) {
        options.fdset = host_fdset;
        options.fdclr = host_fdclr;
    } else {
        options.interest = host_interest;
    }
    return options;
}

static inline void host_open(struct host *host, const vst_engine_options *options)
{
    MUST(vst_engine_new(options, &host->engine, NULL, 0) == VST_OK);
    host->by_fd = (options->flags & VST_ENGINE_BY_FD) != 0;
    MUST(vst_engine_wait(host->engine, &host->wait) == VST_OK);
}

static inline void host_new(struct host *host, enum host_kind kind)
{
    vst_engine_options options = host_options(host, kind);
    host_open(host, &options);
}

/* A waker of the engine. In chaos other threads wake it at other times too. */
static inline vst_status host_waker(struct host *host, vst_waker **waker)
{
    if (chaos_seed != 0 && host->waker == NULL)
        CHECK_EQ(vst_engine_waker(host->engine, &host->waker), VST_OK);
    return vst_engine_waker(host->engine, waker);
}

/* Frees the engine; afterwards every descriptor must have been reported as RELEASED. */
static inline void host_free(struct host *host)
{
    CHECK_EQ(vst_engine_free(host->engine), VST_OK);
    host->engine = NULL;
    vst_waker_free(host->waker);
    CHECK_EQ(host->announced, host->released);
    if (host->epoll >= 0)
        close(host->epoll);
}

#endif
