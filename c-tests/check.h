/* What the C tests share: checks that print what failed, sockets of the loopback, and a small host over
 * epoll, poll or select that checks that the library follows its contract about descriptors.
 *
 * A test prints what failed and exits with 1, or exits with 0. Nothing sleeps: code that waits, waits in
 * a poller for the thing itself, and gives up after PATIENCE_NS. */
#ifndef VST_CHECK_H
#define VST_CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vestibule.h"

/* ---- checks ---- */

static int broken;

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            broken++;                                                                              \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
        }                                                                                          \
    } while (0)

#define CHECK_EQ(is, due)                                                                          \
    do {                                                                                           \
        long long is_ = (long long)(is), due_ = (long long)(due);                                  \
        if (is_ != due_) {                                                                         \
            broken++;                                                                              \
            fprintf(stderr, "%s:%d: %s is %lld, not %s, %lld\n", __FILE__, __LINE__, #is, is_,     \
                    #due, due_);                                                                   \
        }                                                                                          \
    } while (0)

/* For conditions without which a test cannot go on. */
#define MUST(what)                                                                                 \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s (errno %d, %s)\n", __FILE__, __LINE__, #what, errno,        \
                    strerror(errno));                                                              \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* The last line of main. */
static inline int verdict(void)
{
    if (broken)
        fprintf(stderr, "%d broken\n", broken);
    return broken != 0;
}

/* ---- time ---- */

#define PATIENCE_NS (20ull * 1000 * 1000 * 1000)

static inline uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- sockets ---- */

static inline int wait_for(int fd, short events)
{
    struct pollfd one = {.fd = fd, .events = events};
    return poll(&one, 1, (int)(PATIENCE_NS / 1000000)) == 1;
}

/* A listening socket of the test, on a port that the kernel chose. */
static inline int listening(uint16_t *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t len = sizeof name;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(fd >= 0 && bind(fd, (struct sockaddr *)&name, len) == 0 && listen(fd, 64) == 0);
    MUST(getsockname(fd, (struct sockaddr *)&name, &len) == 0);
    *port = ntohs(name.sin_port);
    return fd;
}

/* A blocking socket connected to the loopback. */
static inline int dial(uint16_t port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof name) == 0);
    return fd;
}

static inline void say(int fd, const void *bytes, size_t len)
{
    MUST(send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len);
}

static inline void say_text(int fd, const char *text)
{
    say(fd, text, strlen(text));
}

/* The next close of this socket is a reset. */
static inline void reset_on_close(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
}

/* Reads what has arrived without waiting: bytes, 0 for the end, -1 for nothing or an error. */
static inline ssize_t hear(int fd, void *to, size_t size)
{
    return recv(fd, to, size, MSG_DONTWAIT);
}

/* ---- the host ---- */

enum host_kind { HOST_EPOLL, HOST_EDGE, HOST_POLL, HOST_SELECT };

#define FDS 1024 /* select's own bound */
#define EVENTS (VST_EVENT_DRAINED + 1)

struct host;
typedef void (*event_hook)(struct host *host, const vst_event *event);

struct host {
    enum host_kind kind;
    vst_engine *engine;
    vst_wait wait;
    int epoll;
    /* By descriptor. */
    struct {
        vst_id token;
        uint32_t mask;
        int announced;
        void *user;
    } watch[FDS];
    unsigned announced, released, changes, runs;
    /* By VST_EVENT_*: how often it was reported, and the last id. */
    unsigned reported[EVENTS];
    vst_id last[EVENTS];
    event_hook hook;
    void *mine;
    int breaks_contract; /* on purpose: what the log says of it is no failure */
    uint64_t patience_ends;
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

static inline void host_event(void *data, vst_engine *engine, const vst_event *event)
{
    struct host *host = data;
    CHECK(engine == host->engine);
    CHECK_EQ(event->size, sizeof *event);
    MUST(event->kind < EVENTS);
    host->reported[event->kind]++;
    host->last[event->kind] = event->id;
    if (host->hook)
        host->hook(host, event);
}

/* The library checks the host: what it finds is a mistake of check.h, or of the test. */
static inline void host_log(void *data, const char *text, size_t len)
{
    const struct host *host = data;
    if (host->breaks_contract)
        return;
    broken++;
    fprintf(stderr, "the log: %.*s\n", (int)len, text);
}

/* Fills in the options of a host; a test may change them before host_open. */
static inline vst_engine_options host_options(struct host *host, enum host_kind kind)
{
    vst_engine_options options;
    memset(host, 0, sizeof *host);
    host->kind = kind;
    host->epoll = kind == HOST_EPOLL || kind == HOST_EDGE ? epoll_create1(EPOLL_CLOEXEC) : -1;
    host->wait.size = sizeof host->wait;
    host->patience_ends = now_ns() + PATIENCE_NS;
    MUST(vst_engine_options_init(&options, sizeof options) == VST_OK);
    options.data = host;
    options.flags = VST_ENGINE_CHECKED;
    options.log = host_log;
    options.event = host_event;
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
    MUST(vst_engine_wait(host->engine, &host->wait) == VST_OK);
}

static inline void host_new(struct host *host, enum host_kind kind)
{
    vst_engine_options options = host_options(host, kind);
    host_open(host, &options);
}

/* Frees the engine; afterwards every descriptor must have been reported as RELEASED. */
static inline void host_free(struct host *host)
{
    CHECK_EQ(vst_engine_free(host->engine), VST_OK);
    host->engine = NULL;
    CHECK_EQ(host->announced, host->released);
    if (host->epoll >= 0)
        close(host->epoll);
}

/* What a test waits for may happen at a peer's end, where no poller of the host looks: so no round takes
 * longer than this. */
#define ROUND_NS (20u * 1000 * 1000)

static inline int host_timeout(const struct host *host)
{
    uint64_t now = now_ns(), until = now + ROUND_NS;
    if (host->wait.flags & VST_WAIT_RUNNABLE)
        return 0;
    if (host->wait.deadline_ns < until)
        until = host->wait.deadline_ns;
    return until <= now ? 0 : (int)((until - now + 999999) / 1000000);
}

static inline void host_report(struct host *host, vst_id token, uint32_t events)
{
   
    vst_status status = vst_engine_ready(host->engine, token, events, now_ns(), &host->wait);
    CHECK(status == VST_OK || status == VST_E_STALE);
}

static inline void host_wait_epoll(struct host *host)
{
    struct epoll_event list[64];
    int found = epoll_wait(host->epoll, list, 64, host_timeout(host));
    for (int i = 0; i < found; i++)
        host_report(host, list[i].data.u64, from_epoll(list[i].events));
}

static inline void host_wait_poll(struct host *host)
{
    static struct pollfd list[FDS];
    static vst_id tokens[FDS];
    nfds_t count = 0;
    for (int fd = 0; fd < FDS; fd++) {
        uint32_t mask = host->watch[fd].mask;
        if (mask == 0)
            continue;
        tokens[count] = host->watch[fd].token;
        list[count].fd = fd;
        list[count++].events = (short)((mask & VST_IO_IN ? POLLIN : 0)
            | (mask & VST_IO_OUT ? POLLOUT : 0) | (mask & VST_IO_HANGUP ? POLLRDHUP : 0));
    }
    if (poll(list, count, host_timeout(host)) <= 0)
        return;
    for (nfds_t i = 0; i < count; i++) {
        short is = list[i].revents;
        CHECK(!(is & POLLNVAL));
        if (is)
            host_report(host, tokens[i],
                      (is & POLLIN ? VST_IO_IN : 0) | (is & POLLOUT ? VST_IO_OUT : 0)
                          | (is & POLLRDHUP ? VST_IO_HANGUP : 0)
                          | (is & (POLLERR | POLLHUP) ? VST_IO_ERROR : 0));
    }
}

static inline void host_wait_select(struct host *host)
{
    static vst_id tokens[FDS];
    int ms = host_timeout(host);
    struct timeval most = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    for (int fd = 0; fd < FDS; fd++) {
        tokens[fd] = host->watch[fd].token;
        /* select does not report a hang-up: a read does. */
        if (host->watch[fd].mask & VST_IO_IN)
            FD_SET(fd, &in);
        if (host->watch[fd].mask & VST_IO_OUT)
            FD_SET(fd, &out);
    }
    if (select(FDS, &in, &out, NULL, &most) <= 0)
        return;
    for (int fd = 0; fd < FDS; fd++) {
        uint32_t is = (FD_ISSET(fd, &in) ? VST_IO_IN : 0) | (FD_ISSET(fd, &out) ? VST_IO_OUT : 0);
        if (is)
            host_report(host, tokens[fd], is);
    }
}

/* One round: wait, report readiness, run. 0 when the time for waiting is over. */
static inline int host_turn(struct host *host)
{
    if (now_ns() > host->patience_ends)
        return 0;
    if (host->kind == HOST_POLL)
        host_wait_poll(host);
    else if (host->kind == HOST_SELECT)
        host_wait_select(host);
    else
        host_wait_epoll(host);
    if (host->wait.flags & VST_WAIT_RUNNABLE || host->wait.deadline_ns <= now_ns()) {
        host->runs++;
        CHECK_EQ(vst_engine_run(host->engine, now_ns(), &host->wait), VST_OK);
    }
    return 1;
}

/* Drives until something holds, and prints it if it never does. Calls other than drive calls may have
 * moved the deadline, so it is read first. */
#define HOST_UNTIL(host, what)                                                                     \
    do {                                                                                           \
        CHECK_EQ(vst_engine_wait((host)->engine, &(host)->wait), VST_OK);                          \
        int holds_ = 0;                                                                            \
        while (!(holds_ = (what) != 0) && host_turn(host))                                         \
            ;                                                                                      \
        if (!holds_)                                                                               \
            fprintf(stderr, "%s:%d: never came: %s\n", __FILE__, __LINE__, #what);                 \
        MUST(holds_);                                                                              \
    } while (0)

/* ---- shorthand ---- */

static inline vst_accept_config *accepting(const char *accept_proxy)
{
    vst_accept_options options;
    vst_accept_config *config = NULL;
    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    options.accept_proxy = accept_proxy;
    MUST(vst_accept_config_new(&options, &config, NULL, 0) == VST_OK);
    return config;
}

static inline vst_connect_config *connecting(uint32_t send_proxy)
{
    vst_connect_options options;
    vst_connect_config *config = NULL;
    MUST(vst_connect_options_init(&options, sizeof options) == VST_OK);
    options.send_proxy = send_proxy;
    MUST(vst_connect_config_new(&options, &config, NULL, 0) == VST_OK);
    return config;
}

/* Opens a listener on the loopback, and writes its port. */
static inline vst_id listener(struct host *host, const char *accept_proxy, uint16_t *port)
{
    vst_accept_config *config = accepting(accept_proxy);
    vst_id id = 0;
    vst_addr addr;
    MUST(vst_listener_open(host->engine, "127.0.0.1:0", config, NULL, &id, NULL, NULL,
                           0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host->engine, id, &addr) == VST_OK);
    *port = addr.port;
    return id;
}

/* A session, and the socket of its peer. */
static inline vst_id session(struct host *host, uint16_t port, int *peer)
{
    unsigned before = host->reported[VST_EVENT_SESSION];
    *peer = dial(port);
    HOST_UNTIL(host, host->reported[VST_EVENT_SESSION] > before);
    return host->last[VST_EVENT_SESSION];
}

#endif
