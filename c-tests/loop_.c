/* The built-in loop serves a program without a poller; it stops from another thread, from a
 * callback and from a signal handler, and a stop that came before it ran is not lost. */
#include "check.h"

static vst_loop *loop;
static vst_engine *engine;
static unsigned sessions, closed;

static void on_event(void *data, vst_engine *on, const vst_event *event)
{
    char bytes[256];
    size_t got, taken;
    CHECK(data == &sessions && on == engine);
    sessions += event->kind == VST_EVENT_SESSION;
    closed += event->kind == VST_EVENT_CLOSED;
    if (closed == 10)
        CHECK_EQ(vst_loop_stop(loop), VST_OK);
    if (event->kind != VST_EVENT_SESSION && event->kind != VST_EVENT_READABLE)
        return;
    CHECK_EQ(vst_loop_free(loop), VST_E_REENTRANT);
    CHECK_EQ(vst_loop_run(loop, VST_NEVER), VST_E_REENTRANT);
    for (;;) {
        vst_status status = vst_conn_recv(engine, event->id, bytes, sizeof bytes, &got);
        if (status == VST_OK)
            CHECK_EQ(vst_conn_send(engine, event->id, bytes, got, &taken), VST_OK);
        else if (status == VST_END)
            CHECK_EQ(vst_conn_close(engine, event->id), VST_OK);
        if (status != VST_OK)
            return;
    }
}

/* How many bytes have arrived, one at most. */
static int readable(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static void *clients(void *port)
{
    char bytes[16];
    for (int i = 0; i < 10; i++) {
        int fd = dial(*(uint16_t *)port);
        say_text(fd, "hello");
        shutdown(fd, SHUT_WR);
        MUST(recv(fd, bytes, 5, MSG_WAITALL) == 5);
        CHECK(memcmp(bytes, "hello", 5) == 0);
        MUST(recv(fd, bytes, 1, 0) == 0);
        close(fd);
    }
    return NULL;
}

static void *stopper(void *unused)
{
    (void)unused;
    CHECK_EQ(vst_loop_stop(loop), VST_OK);
    return NULL;
}

static void wake(void *data)
{
    (void)data;
}

static void on_signal(int number)
{
    (void)number;
    vst_loop_stop(loop);
}

int main(void)
{
    vst_engine_options options;
    uint64_t features;
    vst_id door;
    vst_addr addr;
    pthread_t thread;
    int sys;
    MUST(vst_features(&features) == VST_OK);
    MUST(vst_engine_options_init(&options, sizeof options) == VST_OK);
    CHECK_EQ(vst_loop_new(&options, &loop, &sys, NULL, 0), VST_E_ARGUMENT);
    CHECK(loop == NULL);
    options.event = on_event;
    options.data = &sessions;
    if (!(features & VST_FEATURE_LOOP)) {
        CHECK_EQ(vst_loop_new(&options, &loop, &sys, NULL, 0), VST_E_UNSUPPORTED);
        return verdict();
    }
    options.interest = host_interest;
    CHECK_EQ(vst_loop_new(&options, &loop, &sys, NULL, 0), VST_E_ARGUMENT);
    options.interest = NULL;
    options.wake = wake;
    CHECK_EQ(vst_loop_new(&options, &loop, &sys, NULL, 0), VST_E_ARGUMENT);
    options.wake = NULL;
    options.now_ns = 1;
    CHECK_EQ(vst_loop_new(&options, &loop, &sys, NULL, 0), VST_E_ARGUMENT);
    options.now_ns = 0;
    MUST(vst_loop_new(&options, &loop, &sys, NULL, 0) == VST_OK);
    MUST(vst_loop_engine(loop, &engine) == VST_OK);
    vst_accept_config *config = accepting(NULL);
    MUST(vst_listener_open(engine, "127.0.0.1:0", config, NULL, &door, NULL, NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(engine, door, &addr) == VST_OK);

    CHECK_EQ(vst_loop_run(loop, 0), VST_WAIT);
    MUST(pthread_create(&thread, NULL, clients, &addr.port) == 0);
    CHECK_EQ(vst_loop_run(loop, VST_NEVER), VST_OK);
    MUST(pthread_join(thread, NULL) == 0);
    CHECK_EQ(sessions, 10);
    CHECK_EQ(closed, 10);

    /* A stop before the run; one while it runs, or before; and one from a signal handler. */
    closed = 0;
    CHECK_EQ(vst_loop_stop(loop), VST_OK);
    CHECK_EQ(vst_loop_run(loop, VST_NEVER), VST_OK);
    MUST(pthread_create(&thread, NULL, stopper, NULL) == 0);
    CHECK_EQ(vst_loop_run(loop, VST_NEVER), VST_OK);
    MUST(pthread_join(thread, NULL) == 0);
    struct sigaction action = {.sa_handler = on_signal};
    struct itimerspec soon = {.it_value.tv_nsec = 20000000};
    struct sigevent by_signal = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer;
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    MUST(timer_create(CLOCK_MONOTONIC, &by_signal, &timer) == 0);
    MUST(timer_settime(timer, 0, &soon, NULL) == 0);
    CHECK_EQ(vst_loop_run(loop, VST_NEVER), VST_OK);
    timer_delete(timer);

    /* What was ready when it stopped is not lost. */
    sessions = 0;
    int peer = dial(addr.port);
    CHECK_EQ(vst_loop_stop(loop), VST_OK);
    CHECK_EQ(vst_loop_run(loop, VST_NEVER), VST_OK);
    uint64_t patience_ends = now_ns() + PATIENCE_NS;
    while (sessions == 0 && now_ns() < patience_ends)
        CHECK_EQ(vst_loop_run(loop, 1000000), VST_WAIT);
    CHECK_EQ(sessions, 1);
    say_text(peer, "x");
    CHECK_EQ(vst_loop_stop(loop), VST_OK);
    CHECK_EQ(vst_loop_run(loop, VST_NEVER), VST_OK);
    while (readable(peer) == 0 && now_ns() < patience_ends)
        CHECK_EQ(vst_loop_run(loop, 1000000), VST_WAIT);
    CHECK_EQ(readable(peer), 1);
    close(peer);

    /* A drain ends the run, and one that is done already ends it before it waits. */
    CHECK_EQ(vst_engine_drain(engine, VST_DRAIN_CLOSE, 0), VST_OK);
    CHECK_EQ(vst_loop_run(loop, VST_NEVER), VST_END);
    CHECK_EQ(vst_loop_run(loop, VST_NEVER), VST_END);
    CHECK_EQ(vst_loop_free(loop), VST_OK);
    return verdict();
}
