/* A host that does all that its contract with the library allows (docs/host-contract.md), in an order that
 * follows from the seed (seed.h): what the poller has found is handed in late, again, in another order, in
 * parts, by token or by number, one by one or in batches; readiness is invented, and handed in for
 * descriptors that were released; the engine is run too early and too late, and woken for nothing; and a
 * level-triggered host becomes an edge-triggered one.
 *
 * The contract does not allow, and so it does not
 * - lose an event of an edge-triggered descriptor, which no poller reports again;
 * - invent VST_IO_HANGUP or VST_IO_ERROR for a descriptor that is not released: the library takes them as
 *   true. Once the poller has reported them, they are handed in at any time;
 * - hand in by number what belongs to an earlier descriptor with that number. */
#ifndef VST_CHAOS_H
#define VST_CHAOS_H

#include "host.h"

/* ---- what a host does ---- */

static inline void host_called(struct host *host)
{
    if (host->called)
        host->called(host);
}

static inline void host_hand_in(struct host *host, vst_id token, uint32_t events, uint64_t now)
{
    vst_status status = vst_engine_ready(host->engine, token, events, now, &host->wait);
    CHECK(status == VST_OK || status == VST_E_STALE);
    host_called(host);
}

/* The descriptor with this token; -1 if it was released. */
static inline int host_fd(const struct host *host, vst_id token)
{
    for (int fd = 0; fd < FDS; fd++)
        if (host->watch[fd].announced && host->watch[fd].token == token)
            return fd;
    return -1;
}

/* ---- what is found ---- */

/* Has it handed in after so many turns. */
static inline void chaos_hold(struct host *host, vst_id token, uint32_t events, unsigned turns)
{
    MUST(host->held_count < HELD);
    host->held[host->held_count] = (vst_ready){.token = token, .events = events};
    host->turns[host->held_count++] = turns;
}

static inline void chaos_found(struct host *host, vst_id token, uint32_t events)
{
    int fd = host_fd(host, token);
    if (fd >= 0)
        host->watch[fd].facts |= events & (VST_IO_HANGUP | VST_IO_ERROR);
    /* What is level-triggered is reported again. */
    if (fd >= 0 && !(host->watch[fd].mask & VST_IO_EDGE) && lie(LIE_LATER, 6))
        return;
    if (lie(LIE_AGAIN, 4))
        chaos_hold(host, token, events, chance(6));
    if (lie(LIE_LATER, 4)) {
        uint32_t part = events & chance(16);
        chaos_hold(host, token, part, chance(5));
        events &= ~part;
    }
    chaos_hold(host, token, events, lie(LIE_LATER, 3) ? 1 + chance(4) : 0);
}

/* A descriptor that is watched; -1 if there is none. */
static inline int chaos_any_fd(const struct host *host)
{
    int any = -1;
    unsigned seen = 0;
    for (int fd = 0; fd < FDS; fd++)
        if (host->watch[fd].announced && chance(++seen) == 0)
            any = fd;
    return any;
}

/* A batch explains a stale token for so long: a poller that goes on reporting one breaks the contract. */
#define STALE_NS (300ull * 1000 * 1000)

static inline void chaos_invent(struct host *host)
{
    while (lie(LIE_INVENTED, 3)) {
        int fd = chaos_any_fd(host);
        if (fd >= 0)
            chaos_hold(host, host->watch[fd].token,
                       chance(16) & (VST_IO_IN | VST_IO_OUT | host->watch[fd].facts), 0);
    }
    while (host->stale_count > 0 && lie(LIE_RELEASED, 6)) {
        unsigned kept = host->stale_count < STALE ? host->stale_count : STALE;
        unsigned one = chance(kept), events = chance(16);
        if (now_ns() - host->stale[one].since < STALE_NS)
            chaos_hold(host, host->stale[one].token, events, 0);
    }
}

/* ---- what is handed in ---- */

/* Takes what is due out of what is held, and shuffles it. */
static inline size_t chaos_due(struct host *host, vst_ready *due)
{
    unsigned left = 0, count = 0;
    for (unsigned i = 0; i < host->held_count; i++) {
        if (host->turns[i] == 0) {
            unsigned place = chance(++count);
            due[count - 1] = due[place];
            due[place] = host->held[i];
        } else {
            host->turns[left] = host->turns[i] - 1;
            host->held[left++] = host->held[i];
        }
    }
    host->held_count = left;
    return count;
}

/* Most times it is now; 0 has the library read the clock; and the clock may go back. */
static inline uint64_t chaos_now(void)
{
    return lie(LIE_TIME, 4) ? 0 : lie(LIE_TIME, 8) ? now_ns() - chance(2000000) : now_ns();
}

static inline void chaos_hand_in_one(struct host *host, const vst_ready *one)
{
    host_hand_in(host, one->token, one->events, chaos_now());
    if (lie(LIE_TIME, 10)) {
        host->runs++;
        CHECK_EQ(vst_engine_run(host->engine, chaos_now(), &host->wait), VST_OK);
    }
    if (lie(LIE_TIME, 10))
        CHECK_EQ(vst_engine_wait(host->engine, &host->wait), VST_OK);
    host_called(host);
}

static inline void chaos_by_number(struct host *host, const vst_ready *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int fd = host_fd(host, list[i].token);
        if (fd < 0)
            continue;
        vst_status status = vst_engine_ready_fd(host->engine, fd, list[i].events, chaos_now(),
                                                &host->wait);
        CHECK(status == VST_OK || status == VST_E_STALE);
        host_called(host);
    }
}

static inline void chaos_by_token(struct host *host, const vst_ready *list, size_t count)
{
    for (size_t from = 0, cut; from < count; from += cut) {
        cut = lie(LIE_GROUPS, 2) ? 1 + chance((unsigned)(count - from)) : 1;
        if (cut == 1)
            chaos_hand_in_one(host, &list[from]);
        else
            CHECK_EQ(vst_engine_ready_batch(host->engine, list + from, cut, chaos_now(), &host->wait),
                     VST_OK);
        host_called(host);
    }
}

/* In another thread. */
static inline void *chaos_wakes(void *data)
{
    struct host *host = data;
    CHECK_EQ(vst_waker_wake(host->waker), VST_OK);
    return NULL;
}

static inline void chaos_wake(struct host *host)
{
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, chaos_wakes, host) == 0);
    MUST(pthread_join(thread, NULL) == 0);
}

/* A turn's readiness. */
static inline void chaos_hand_in(struct host *host)
{
    static vst_ready due[HELD];
    chaos_rounds++;
    chaos_invent(host);
    if (host->waker != NULL && lie(LIE_INVENTED, 4))
        chaos_wake(host);
    size_t count = chaos_due(host, due);
    int bracket = lie(LIE_GROUPS, 3);
    if (bracket)
        CHECK_EQ(vst_engine_batch_begin(host->engine), VST_OK);
    if (bracket && host->by_fd)
        chaos_by_number(host, due, count);
    else
        chaos_by_token(host, due, count);
    if (bracket)
        CHECK_EQ(vst_engine_batch_end(host->engine, &host->wait), VST_OK);
    host_called(host);
}

/* ---- time ---- */

/* Whether to run the engine in this turn. */
static inline int chaos_runs(int due)
{
    return due ? !lie(LIE_TIME, 4) : lie(LIE_TIME, 6);
}

/* By how much a wait that ends at a deadline is too long. */
static inline unsigned chaos_late_ms(void)
{
    return lie(LIE_TIME, 8) ? chance(4) : 0;
}

#endif
