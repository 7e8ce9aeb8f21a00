/* The pollers of the host, and its rounds: wait, hand in readiness, run. */
#ifndef VST_POLLER_H
#define VST_POLLER_H

#include "chaos.h"

/* What a test waits for may happen at a peer's end, where no poller of the host looks: so no round takes
 * longer than this. */
#define ROUND_NS (20u * 1000 * 1000)

static inline int host_timeout(const struct host *host)
{
    uint64_t now = now_ns(), until = now + ROUND_NS;
    if (host->wait.flags & VST_WAIT_RUNNABLE || host->held_count > 0)
        return 0;
    if (host->wait.deadline_ns < until)
        until = host->wait.deadline_ns;
    return until <= now ? 0 : (int)((until - now + 999999) / 1000000 + chaos_late_ms());
}

/* What the poller has found. */
static inline void host_report(struct host *host, vst_id token, uint32_t events)
{
    if (chaos_seed != 0)
        chaos_found(host, token, events);
    else
        host_hand_in(host, token, events, now_ns());
}

static inline void host_wait_epoll(struct host *host, int timeout)
{
    struct epoll_event list[64];
    int found = epoll_wait(host->epoll, list, 64, timeout);
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

/* The end of a round, once the poller was asked. */
static inline void host_run(struct host *host)
{
    if (chaos_seed != 0)
        chaos_hand_in(host);
    int due = host->wait.flags & VST_WAIT_RUNNABLE || host->wait.deadline_ns <= now_ns();
    if (chaos_runs(due)) {
        host->runs++;
        CHECK_EQ(vst_engine_run(host->engine, now_ns(), &host->wait), VST_OK);
        host_called(host);
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
        host_wait_epoll(host, host_timeout(host));
    host_run(host);
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

#endif
