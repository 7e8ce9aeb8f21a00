/* An epoll loop with an engine of vestibule in it. See host.h. */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { POLLED = 256 };

#define GRACE_NS (5000 * NS_PER_MS)

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
    /* A client wakes one of the threads and not all. It cannot be changed by EPOLL_CTL_MOD, which never
     * happens: a listener is watched for VST_IO_IN or for nothing. */
    if (fd == host->shared_listener)
        event.events |= EPOLLEXCLUSIVE;
    if (new_mask & VST_IO_RELEASED) {
        if (fd == host->shared_listener)
            host->shared_listener = -1; /* another descriptor may get the number */
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

static struct host *signalled; /* of all hosts, the one that signals are for */
static sigset_t unblocked;     /* what is blocked while that one waits */

/* Waits for readiness, time or a signal, and drives the engine. */
static void epoll_turn(struct host *host)
{
    struct epoll_event polled[POLLED];
    vst_ready ready[POLLED];
    vst_wait wait = {.size = sizeof wait};
    uint64_t now;
    int n;

    vst_engine_wait(host->engine, &wait);
    n = epoll_pwait(host->epoll, polled, POLLED, wait_ms(&wait), host == signalled ? &unblocked : NULL);
    if (n < 0 && errno != EINTR)
        die("epoll_pwait: %s", strerror(errno));
    for (int i = 0; i < n; i++)
        ready[i] = (vst_ready){.token = polled[i].data.u64, .events = from_epoll(polled[i].events)};
    now = now_ns();
    if (n > 0 && vst_engine_ready_batch(host->engine, ready, (size_t)n, now, &wait) < 0)
        die("vst_engine_ready_batch failed");
    if ((wait.flags & VST_WAIT_RUNNABLE) || wait.deadline_ns <= now)
        if (vst_engine_run(host->engine, now, &wait) < 0)
            die("vst_engine_run failed");
}

/* The same with the built-in loop, which returns when it is stopped or a drain is done. */
static void loop_turn(struct host *host)
{
    if (vst_loop_run(host->loop, VST_NEVER) < 0)
        die("vst_loop_run failed");
}

/* ---- the remaining code is not about vestibule -------------------------------------------------- */

static volatile sig_atomic_t stop_asked, hang_up_asked;

/* With the built-in loop signals come at any time, and stop it. Else they are blocked and come only while
 * epoll_pwait of this host waits, which they end: a flag that is set directly before a wait would not be seen. */
static void on_signal(int number)
{
    if (number == SIGHUP)
        hang_up_asked = 1;
    else
        stop_asked = 1;
    if (signalled->loop != NULL)
        vst_loop_stop(signalled->loop); /* the one function that a signal handler may call */
}

static void catch_signal(int number)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigset_t blocked;

    sigemptyset(&blocked);
    sigaddset(&blocked, number);
    if (signalled->loop == NULL)
        pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void host_take_signals(struct host *host)
{
    signalled = host;
    pthread_sigmask(SIG_BLOCK, NULL, &unblocked);
    catch_signal(SIGINT);
    catch_signal(SIGTERM);
}

void host_on_hang_up(struct host *host, void (*hang_up)(struct host *host))
{
    host->hang_up = hang_up;
    catch_signal(SIGHUP);
}

static void look_at_signals(struct host *host)
{
    if (hang_up_asked) {
        hang_up_asked = 0;
        host->hang_up(host);
    }
    if (stop_asked && !host->is_stopping) {
        host->is_stopping = 1;
        host->stop(host);
    }
}

/* The loop that on_signal stops is about to be freed. */
static void ignore_signals(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

void host_drain(struct host *host)
{
    vst_engine_drain(host->engine, host->drains, GRACE_NS);
}

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    struct host *host = data;

    if (event->kind == VST_EVENT_DRAINED)
        host->is_drained = 1;
    else
        host->event(data, engine, event);
}

static void open_epoll(struct host *host)
{
    host->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (host->epoll < 0)
        die("epoll_create1: %s", strerror(errno));
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
    vst_engine_options options = {.size = sizeof options, .event = event, .fed = fed};

    host_open_as(host, kind, &options);
    host_take_signals(host);
}

void host_open_as(struct host *host, const char *kind, const vst_engine_options *given)
{
    vst_engine_options options = *given;
    char why[WHY_BYTES];

    *host = (struct host){.epoll = -1, .shared_listener = -1, .event = given->event, .stop = host_drain,
                          .drains = VST_DRAIN_CLOSE};
    options.data = host;
    options.event = on_event;
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
    if (listener != 0)
        say_address(host->engine, "ready", listener);
    while (!host->is_drained) {
        if (host->loop != NULL)
            loop_turn(host);
        else
            epoll_turn(host);
        if (host == signalled)
            look_at_signals(host);
    }
    if (host == signalled)
        ignore_signals();
    if (host->loop != NULL) {
        vst_loop_free(host->loop);
    } else {
        vst_engine_free(host->engine);
        close(host->epoll);
    }
}
