/* An epoll loop with an engine of vestibule in it. See host.h. */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { POLLED = 256 };

#define GRACE_NS (5000 * NS_PER_MS)
#define DRAIN_LOOK_NS (10 * NS_PER_MS)
/* The value in epoll for the eventfd: no token of vestibule is 0. */
#define WAKE_TOKEN UINT64_C(0)

/* ---- the first duty of a host: watching descriptors ----------------------------------------- */

static uint32_t to_epoll(uint32_t io)
{
    return (io & VST_IO_IN ? EPOLLIN : 0u) | (io & VST_IO_OUT ? EPOLLOUT : 0u) |
           (io & VST_IO_HANGUP ? EPOLLRDHUP : 0u) | (io & VST_IO_EDGE ? EPOLLET : 0u);
}

static uint32_t from_epoll(uint32_t events)
{
    return (events & EPOLLIN ? VST_IO_IN : 0u) | (events & EPOLLOUT ? VST_IO_OUT : 0u) |
           (events & EPOLLRDHUP ? VST_IO_HANGUP : 0u) |
           (events & (EPOLLERR | EPOLLHUP) ? VST_IO_ERROR : 0u);
}

/* The token identifies what is ready, so nothing has to be looked up by descriptor. It may be stale by
 * the time its event is handed in: the library ignores it. */
static int32_t watch(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask, void *user)
{
    struct host *host = data;
    struct epoll_event event = {.events = to_epoll(new_mask), .data.u64 = token};
    int op = old_mask == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    (void)user;
    if (new_mask & VST_IO_RELEASED) {
        /* With CLOSING the number is closed next, and that removes it from epoll, which saves one system
         * call. A program that forks without closing descriptors has to remove it here instead. */
        if ((new_mask & VST_IO_CLOSING) || old_mask == 0)
            return 0;
        op = EPOLL_CTL_DEL;
    } else if (new_mask == 0) {
        /* Not MOD to 0: epoll reports errors and hang-ups even for an empty mask, again and again. */
        op = EPOLL_CTL_DEL;
    }
    return epoll_ctl(host->epoll, op, fd, &event) == 0 ? 0 : errno;
}

/* ---- the second: one turn of the loop ------------------------------------------------------ */

/* Waits for readiness or time, and drives the engine. */
static void epoll_turn(struct host *host, vst_wait *wait)
{
    struct epoll_event polled[POLLED];
    vst_ready ready[POLLED];
    size_t count = 0;
    uint64_t now;
    int n = epoll_wait(host->epoll, polled, POLLED, wait_ms(wait));

    if (n < 0 && errno != EINTR)
        die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
        if (polled[i].data.u64 == WAKE_TOKEN)
            continue; /* host_serve handles what the signal handler left */
        ready[count++] = (vst_ready){.token = polled[i].data.u64,
                                     .events = from_epoll(polled[i].events)};
    }
    now = now_ns();
    if (count > 0 && vst_engine_ready_batch(host->engine, ready, count, now, wait) < 0)
        die("vst_engine_ready_batch failed");
    if ((wait->flags & VST_WAIT_RUNNABLE) || wait->deadline_ns <= now)
        if (vst_engine_run(host->engine, now, wait) < 0)
            die("vst_engine_run failed");
}

/* The same with the built-in loop. Without a bound it returns only when it is stopped; while the engine
 * is drained, it has to be checked now and then whether it is empty. */
static void loop_turn(struct host *host, int draining, vst_wait *wait)
{
    if (vst_loop_run(host->loop, draining ? DRAIN_LOOK_NS : VST_NEVER) < 0 || vst_engine_wait(host->engine, wait) < 0)
        die("vst_loop_run failed");
}

/* ---- the remaining code is not about vestibule -------------------------------------------------- */

static volatile sig_atomic_t stop_asked, hang_up_asked;
static struct host *signalled;

/* Only calls that a signal handler may make. */
void host_wake(struct host *host)
{
    if (host->loop != NULL)
        vst_loop_stop(host->loop);
    else
        (void)eventfd_write(host->wake, 1);
}

/* Sets the flag and ends the wait: a flag alone could be set directly before epoll_wait begins, and then
 * would not be seen. */
static void on_signal(int number)
{
    int saved = errno;

    if (number == SIGHUP)
        hang_up_asked = 1;
    else
        stop_asked = 1;
    host_wake(signalled);
    errno = saved;
}

static void catch_signal(struct host *host, int number)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    signalled = host;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

/* The descriptor that on_signal writes to is about to be closed. */
static void ignore_signals(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

static void open_epoll(struct host *host)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = WAKE_TOKEN};

    host->epoll = epoll_create1(EPOLL_CLOEXEC);
    host->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (host->epoll < 0 || host->wake < 0 ||
        epoll_ctl(host->epoll, EPOLL_CTL_ADD, host->wake, &event) != 0)
        die("epoll: %s", strerror(errno));
}

static void write_line(void *data, uint32_t category, const char *line, size_t len)
{
    (void)data, (void)category;
    fprintf(stderr, "%.*s\n", (int)len, line);
}

void host_trace(struct host *host, const char *categories)
{
    static const char *const names[] = {"call", "event", "op", "bytes", "tls", "closing"};
    uint32_t mask = strcmp(categories, "all") == 0 ? VST_TRACE_ALL : 0;
    size_t len;

    for (const char *word = categories; mask != VST_TRACE_ALL && *word != '\0'; word += len) {
        uint32_t bit = 0;

        word += *word == ',';
        len = strcspn(word, ",");
        while (bit < 6 && (strlen(names[bit]) != len || strncmp(word, names[bit], len) != 0))
            bit++;
        if (bit == 6)
            die("what is traced is call, event, op, bytes, tls, closing or all, not %s", word);
        mask |= 1u << bit;
    }
    vst_engine_trace(host->engine, mask);
}

void host_open(struct host *host, const char *kind, vst_event_fn event)
{
    host_open_fed(host, kind, event, NULL);
}

void host_open_fed(struct host *host, const char *kind, vst_event_fn event, vst_fed_fn fed)
{
    vst_engine_options options;
    char why[WHY_BYTES];

    *host = (struct host){.epoll = -1, .wake = -1, .drains = VST_DRAIN_CLOSE};
    vst_engine_options_init(&options, sizeof options);
    options.data = host;
    options.event = event;
    options.fed = fed;
    options.trace = write_line;
    if (strcmp(kind, "mio") == 0) {
        if (vst_loop_new(&options, &host->loop, NULL, why, sizeof why) < 0)
            die("%s", why);
        vst_loop_engine(host->loop, &host->engine);
    } else if (strcmp(kind, "epoll") == 0 || strcmp(kind, "epoll-et") == 0) {
        options.trigger = kind[5] == '\0' ? VST_TRIGGER_LEVEL : VST_TRIGGER_EDGE;
        options.interest = watch;
        open_epoll(host);
        if (vst_engine_new(&options, &host->engine, why, sizeof why) < 0)
            die("%s", why);
    } else {
        die("--host is epoll, epoll-et or mio, not %s", kind);
    }
    catch_signal(host, SIGINT);
    catch_signal(host, SIGTERM);
}

void host_on_hang_up(struct host *host, void (*hang_up)(struct host *host))
{
    host->hang_up = hang_up;
    catch_signal(host, SIGHUP);
}

vst_id host_listen_as(struct host *host, const char *address, const vst_accept_config *config,
                      const vst_listener_options *options)
{
    vst_id listener;
    char why[WHY_BYTES];

    if (vst_listener_open(host->engine, address, config, options, &listener, NULL, why,
                          sizeof why) < 0)
        die("listen on %s: %s", address, why);
    vst_listener_set_name(host->engine, listener, address);
    return listener;
}

vst_id host_listen(struct host *host, const char *address, const vst_accept_config *config,
                   void *user)
{
    vst_listener_options options;

    vst_listener_options_init(&options, sizeof options);
    options.user = user;
    return host_listen_as(host, address, config, &options);
}

void host_serve(struct host *host, vst_id listener)
{
    vst_wait wait = {.size = sizeof wait};
    int draining = 0;

    if (listener != 0)
        say_address(host->engine, "ready", listener);
    vst_engine_wait(host->engine, &wait);
    for (;;) {
        if (hang_up_asked) {
            hang_up_asked = 0;
            host->hang_up(host);
        }
        if (host->woken != NULL) {
            host->woken(host);
            vst_engine_wait(host->engine, &wait);
        }
        if (stop_asked && !draining) {
            draining = 1;
            vst_engine_drain(host->engine, host->drains, GRACE_NS);
            vst_engine_wait(host->engine, &wait);
        }
        if (draining && wait.conns + wait.streams == 0 &&
            (wait.listeners == 0 || host->drains == VST_DRAIN_PAUSE))
            break;
        if (host->loop != NULL)
            loop_turn(host, draining, &wait);
        else
            epoll_turn(host, &wait);
    }
    ignore_signals();
    if (host->leaving != NULL)
        host->leaving(host);
    if (host->loop != NULL) {
        vst_loop_free(host->loop);
    } else {
        vst_engine_free(host->engine);
        close(host->wake);
        close(host->epoll);
    }
}
