/* What the tests of VST_ENGINE_CHECKED share: a host with a clock of its own, which breaks the contract as a
 * test has it, and keeps what the log is told. Nothing is waited for but what the kernel reports. */
#ifndef VST_CHECKER_H
#define VST_CHECKER_H

#include "check.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

enum { SENTENCES = 16, SENTENCE = 512 };

struct checked {
    struct host host; /* first: callbacks get a pointer to it */
    uint64_t clock;
    char said[SENTENCES][SENTENCE];
    unsigned sentences;
};

static inline void checked_log(void *data, const char *text, size_t len)
{
    struct checked *checked = data;
    MUST(checked->sentences < SENTENCES && len < SENTENCE);
    memcpy(checked->said[checked->sentences], text, len);
    checked->said[checked->sentences++][len] = 0;
}

/* The options of a host whose clock begins at 1,000 s. */
static inline vst_engine_options checked_options(struct checked *checked, enum host_kind kind)
{
    vst_engine_options options;
    memset(checked, 0, sizeof *checked);
    options = host_options(&checked->host, kind);
    checked->clock = options.now_ns = 1000 * SECOND;
    options.log = checked_log;
    return options;
}

static inline void checked_new(struct checked *checked, enum host_kind kind)
{
    vst_engine_options options = checked_options(checked, kind);
    host_open(&checked->host, &options);
}

/* Time passes, and two rounds of a host that finds nothing ready. */
static inline void pass(struct checked *checked, uint64_t ns)
{
    struct host *host = &checked->host;
    checked->clock += ns;
    CHECK_EQ(vst_engine_run(host->engine, checked->clock, &host->wait), VST_OK);
    CHECK_EQ(vst_engine_wait(host->engine, &host->wait), VST_OK);
}

static inline vst_status hand_in(struct checked *checked, vst_id token, uint32_t events)
{
    struct host *host = &checked->host;
    return vst_engine_ready(host->engine, token, events, checked->clock, &host->wait);
}

/* The one descriptor that is announced of a listener, or else of a connection. */
static inline int announced_fd(const struct host *host, int listens)
{
    for (int fd = 0; fd < FDS; fd++) {
        int is = 0;
        socklen_t size = sizeof is;
        if (host->watch[fd].announced
            && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is, &size) == 0 && is == listens)
            return fd;
    }
    MUST(!"such a descriptor");
    return -1;
}

/* One round of a host as it should be. */
static inline void round_of(struct checked *checked)
{
    struct host *host = &checked->host;
    for (int fd = 0; fd < FDS; fd++) {
        uint32_t mask = host->watch[fd].mask;
        struct pollfd one = {.fd = fd};
        one.events = (short)((mask & VST_IO_IN ? POLLIN : 0) | (mask & VST_IO_OUT ? POLLOUT : 0));
        if (one.events && poll(&one, 1, 0) == 1)
            CHECK_EQ(hand_in(checked, host->watch[fd].token,
                             (one.revents & POLLIN ? VST_IO_IN : 0)
                                 | (one.revents & POLLOUT ? VST_IO_OUT : 0)), VST_OK);
    }
    CHECK_EQ(vst_engine_run(host->engine, checked->clock, &host->wait), VST_OK);
}

#define ROUNDS_UNTIL(checked, what)                                                                \
    do {                                                                                           \
        while (!(what)) {                                                                          \
            MUST(now_ns() < (checked)->host.patience_ends);                                        \
            round_of(checked);                                                                     \
        }                                                                                          \
    } while (0)

/* A session, its descriptor, and the socket of its peer. */
static inline vst_id checked_session(struct checked *checked, uint16_t port, int *fd, int *peer)
{
    struct host *host = &checked->host;
    unsigned before = host->reported[VST_EVENT_SESSION], announced = host->announced;
    *peer = dial(port);
    ROUNDS_UNTIL(checked, host->reported[VST_EVENT_SESSION] > before
                              && host->announced > announced);
    *fd = announced_fd(host, 0);
    return host->last[VST_EVENT_SESSION];
}

/* Nothing was said. */
#define SILENT(checked)                                                                            \
    do {                                                                                           \
        for (unsigned i_ = 0; i_ < (checked)->sentences; i_++)                                     \
            fprintf(stderr, "the log: %s\n", (checked)->said[i_]);                                 \
        CHECK_EQ((checked)->sentences, 0);                                                         \
        (checked)->sentences = 0;                                                                  \
    } while (0)

/* One sentence was said, word by word. */
#define SAID(checked, ...)                                                                         \
    do {                                                                                           \
        char due_[SENTENCE];                                                                       \
        snprintf(due_, sizeof due_, __VA_ARGS__);                                                  \
        CHECK_EQ((checked)->sentences, 1);                                                         \
        CHECK((checked)->sentences == 1 && strcmp((checked)->said[0], due_) == 0);                 \
        if ((checked)->sentences != 1 || strcmp((checked)->said[0], due_) != 0)                    \
            fprintf(stderr, "due: %s\n", due_);                                                    \
        for (unsigned i_ = 0; i_ < (checked)->sentences; i_++)                                     \
            if (strcmp((checked)->said[i_], due_) != 0)                                            \
                fprintf(stderr, "the log: %s\n", (checked)->said[i_]);                             \
        (checked)->sentences = 0;                                                                  \
    } while (0)

#define TOKEN(host, fd) ((unsigned long long)(host)->watch[fd].token)

#endif
