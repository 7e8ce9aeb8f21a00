/* The host's own part, which the programs of the tutorial share: a poller, signals, an end with a message. */
#ifndef TUTORIAL_POLLER_H
#define TUTORIAL_POLLER_H

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <vestibule.h>

enum { WHY = 512, POLLED = 64 };

#define SECOND UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)

static int poller; /* the descriptor of epoll */
static sigset_t while_waiting;
static volatile sig_atomic_t stop_asked, reload_asked;

static inline _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static inline uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* The library calls this when a descriptor is to be watched for something else than before. */
static inline int32_t watch(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t mask, void *user)
{
    struct epoll_event e = {.data.u64 = token};
    int op = old_mask == 0 ? EPOLL_CTL_ADD : mask == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;

    (void)data, (void)user;
    if (mask & VST_IO_RELEASED)
        return 0; /* it is closed next, and epoll forgets it then */
    e.events = (mask & VST_IO_IN ? EPOLLIN : 0u) | (mask & VST_IO_OUT ? EPOLLOUT : 0u) |
               (mask & VST_IO_HANGUP ? EPOLLRDHUP : 0u);
    return epoll_ctl(poller, op, fd, &e) == 0 ? 0 : errno;
}

/* How long epoll may wait, in milliseconds, rounded up. */
static inline int wait_ms(const vst_wait *wait)
{
    uint64_t now = now_ns(), ms;

    if (wait->flags & VST_WAIT_RUNNABLE || wait->deadline_ns <= now)
        return 0;
    if (wait->deadline_ns == VST_NEVER)
        return -1;
    ms = (wait->deadline_ns - now + MILLISECOND - 1) / MILLISECOND;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* One turn of the loop: waits, hands in what is ready, and lets the engine go on. */
static inline void poller_turn(vst_engine *engine)
{
    struct epoll_event polled[POLLED];
    vst_wait wait = {.size = sizeof wait};
    int n;

    vst_engine_wait(engine, &wait);
    n = epoll_pwait(poller, polled, POLLED, wait_ms(&wait), &while_waiting);
    for (int i = 0; i < n; i++) {
        uint32_t p = polled[i].events;
        uint32_t io = (p & EPOLLIN ? VST_IO_IN : 0u) | (p & EPOLLOUT ? VST_IO_OUT : 0u) |
                      (p & EPOLLRDHUP ? VST_IO_HANGUP : 0u) | (p & (EPOLLERR | EPOLLHUP) ? VST_IO_ERROR : 0u);

        vst_engine_ready(engine, polled[i].data.u64, io, 0, &wait);
    }
    if (vst_engine_run(engine, 0, &wait) < 0)
        die("vst_engine_run", "the engine has failed");
}

static inline void on_signal(int number)
{
    if (number == SIGHUP)
        reload_asked = 1;
    else
        stop_asked = 1;
}

/* Signals come only while epoll waits: a flag that is set just before would not be seen. */
static inline void poller_open(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;

    poller = epoll_create1(EPOLL_CLOEXEC);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGHUP);
    sigprocmask(SIG_BLOCK, &blocked, &while_waiting);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

/* Prints where a listener listens: with port 0 the system has chosen one. */
static inline void say_ready(vst_engine *engine, vst_id listener)
{
    char text[512];
    vst_addr addr;
    size_t len;

    vst_listener_addr(engine, listener, &addr);
    vst_addr_text(&addr, text, sizeof text, &len);
    printf("ready %.*s\n", (int)len, text);
    fflush(stdout);
}

#endif
