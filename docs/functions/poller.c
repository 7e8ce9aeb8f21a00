// Examples of the functions for the poller of the host. from_epoll and from_poll translate
// readiness to VST_IO_*; poller_watch and poller_forget are those of a poller that keeps a
// record for each descriptor.
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <vestibule.h>

enum { POLLED = 64 };

struct watched {
    vst_id token;
};

struct host {
    vst_engine *engine;
    int epoll;
};

uint64_t now_ns(void); // of CLOCK_MONOTONIC
uint32_t from_epoll(uint32_t epoll_events);
uint32_t from_poll(short poll_events);
int watch_in_epoll(struct host *host, int fd, vst_id token, uint32_t old_mask,
                   uint32_t new_mask);
int poller_watch(struct host *host, struct watched *watched, int fd, uint32_t mask);
void poller_forget(struct host *host, struct watched *watched);

// Example of vst_engine_wait.
int timeout_ms(vst_engine *engine)
{
    const uint64_t ns_per_ms = 1000000;
    vst_wait wait = {.size = sizeof wait};
    uint64_t now = now_ns(), left;

    if (vst_engine_wait(engine, &wait) < 0 || (wait.flags & VST_WAIT_RUNNABLE))
        return 0;
    if (wait.deadline_ns == VST_NEVER)
        return -1;
    left = wait.deadline_ns <= now ? 0 : wait.deadline_ns - now;
    left = left / ns_per_ms + (left % ns_per_ms != 0); // rounded up: not too early
    return left < INT_MAX ? (int)left : INT_MAX;
}

// Example of vst_engine_ready.
vst_status hand_in(vst_engine *engine, const struct epoll_event *polled)
{
    uint32_t p = polled->events, events = 0;
    vst_status status;

    events |= p & EPOLLIN ? VST_IO_IN : 0u;
    events |= p & EPOLLOUT ? VST_IO_OUT : 0u;
    events |= p & EPOLLRDHUP ? VST_IO_HANGUP : 0u;
    events |= p & (EPOLLERR | EPOLLHUP) ? VST_IO_ERROR : 0u;
    status = vst_engine_ready(engine, polled->data.u64, events, 0, NULL);
    // Stale: the descriptor was released after the poll had reported it.
    return status == VST_E_STALE ? VST_OK : status;
}

// Example of vst_engine_ready_batch.
vst_status wait_and_hand_in(struct host *host)
{
    struct epoll_event polled[POLLED];
    vst_ready list[POLLED];
    int n = epoll_wait(host->epoll, polled, POLLED, timeout_ms(host->engine));

    if (n <= 0)
        return VST_OK;
    for (int i = 0; i < n; i++)
        list[i] = (vst_ready){.token = polled[i].data.u64,
                              .events = from_epoll(polled[i].events)};
    return vst_engine_ready_batch(host->engine, list, (size_t)n, 0, NULL);
}

// Example of vst_engine_run.
vst_status turn(struct host *host)
{
    struct epoll_event polled[POLLED];
    int n = epoll_wait(host->epoll, polled, POLLED, timeout_ms(host->engine));
    vst_status status = VST_OK;

    for (int i = 0; i < n && status >= 0; i++)
        status = hand_in(host->engine, &polled[i]);
    if (status >= 0)
        status = vst_engine_run(host->engine, 0, NULL); // no harm if nothing is due
    return status; // negative: only vst_engine_free is left
}

// Example of vst_engine_batch_begin, vst_engine_ready_fd, vst_engine_batch_end.
vst_status hand_in_by_number(vst_engine *engine, const struct pollfd *polled,
                             nfds_t count)
{
    vst_status status = vst_engine_batch_begin(engine);

    if (status < 0)
        return status;
    for (nfds_t i = 0; i < count; i++)
        if (polled[i].revents != 0 && !(polled[i].revents & POLLNVAL))
            vst_engine_ready_fd(engine, polled[i].fd, from_poll(polled[i].revents), 0,
                                NULL);
    // Interest is reported and descriptors are closed only here.
    return vst_engine_batch_end(engine, NULL);
}

// Example of vst_token_conn.
void on_pulled_interest(struct host *host, const vst_event *event)
{
    vst_id conn;
    int error = watch_in_epoll(host, event->fd, event->id, event->old_mask,
                               event->new_mask);

    if (error == 0)
        return;
    // Interest that was pulled cannot be refused: what is not watched has to end.
    if (vst_token_conn(host->engine, event->id, &conn) == VST_OK)
        vst_conn_abort(host->engine, conn);
    else
        fprintf(stderr, "a listener is not watched: errno %d\n", error);
}

// Example of vst_token_set_user.
int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old_mask,
                 uint32_t new_mask, void *user)
{
    struct host *host = data;
    struct watched *watched = user != NULL ? user : calloc(1, sizeof *watched);
    int32_t error;

    (void)old_mask;
    if (watched == NULL)
        return ENOMEM;
    if (new_mask & VST_IO_RELEASED) {
        poller_forget(host, watched);
        free(watched);
        return 0;
    }
    watched->token = token;
    error = poller_watch(host, watched, fd, new_mask);
    if (user == NULL && error == 0)
        vst_token_set_user(host->engine, token, watched); // user of later calls
    else if (user == NULL)
        free(watched); // the first call has failed: no further one comes
    return error;
}
