/* A host that pulls, under level and edge: events and interest come from vst_engine_next, and a
 * descriptor whose RELEASED was returned is still open until the next call. Another thread wakes it like
 * any other host. */
#include "check.h"

#include <pthread.h>

static vst_engine *engine;
static vst_wait wait_state = {.size = sizeof wait_state};
static int poller;
static uint32_t masks[FDS];
static unsigned announced, released, edges, reported[16];
static vst_id last;

/* Takes everything that is available; 1 if an event of this kind was among it. */
static int take(unsigned kind)
{
    int found = 0;
    vst_event event = {.size = sizeof event};
    int freed = -1;
    for (;;) {
        vst_status status = vst_engine_next(engine, &event);
        if (freed >= 0) {
            CHECK(fcntl(freed, F_GETFD) == -1);
            freed = -1;
        }
        if (status == VST_NONE)
            return found;
        MUST(status == VST_OK);
        CHECK_EQ(event.size, sizeof event);
        MUST(event.kind < 16);
        reported[event.kind]++;
        found |= event.kind == kind;
        if (event.kind != VST_EVENT_INTEREST) {
            CHECK_EQ(event.fd, -1);
            last = event.id;
            if (event.kind == VST_EVENT_CLOSED)
                MUST(event.end != NULL);
            host_end(event.end);
            continue;
        }
        struct epoll_event entry = {.events = to_epoll(event.new_mask), .data.u64 = event.id};
        MUST(event.fd >= 0 && event.fd < FDS);
        CHECK(fcntl(event.fd, F_GETFD) != -1);
        CHECK_EQ(event.old_mask, masks[event.fd]);
        announced += event.old_mask == 0 && !(event.new_mask & VST_IO_RELEASED);
        if (event.new_mask & VST_IO_RELEASED) {
            released++;
            freed = event.fd;
            entry.events = 0;
        }
        if (event.old_mask != 0 || entry.events != 0)
            CHECK(epoll_ctl(poller, entry.events == 0 ? EPOLL_CTL_DEL
                      : event.old_mask == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
                      event.fd, &entry) == 0);
        edges += (event.new_mask & VST_IO_EDGE) != 0;
        masks[event.fd] = freed >= 0 ? 0 : event.new_mask;
    }
}

/* One round: waits, no longer than until `ends`, reports readiness, runs. */
static void turn(uint64_t ends)
{
    struct epoll_event list[16];
    MUST(now_ns() < ends);
    MUST(vst_engine_wait(engine, &wait_state) == VST_OK);
    uint64_t now = now_ns(), at = wait_state.deadline_ns < ends ? wait_state.deadline_ns : ends;
    int ms = wait_state.flags & VST_WAIT_RUNNABLE || at <= now
        ? 0 : (int)((at - now) / 1000000 + 1);
    int found = epoll_wait(poller, list, 16, ms);
    for (int i = 0; i < found; i++) {
        vst_status status = vst_engine_ready(engine, list[i].data.u64,
                                             from_epoll(list[i].events), 0, &wait_state);
        CHECK(status == VST_OK || status == VST_E_STALE);
    }
    MUST(vst_engine_run(engine, 0, &wait_state) == VST_OK);
}

static void until(unsigned kind)
{
    uint64_t ends = now_ns() + PATIENCE_NS;
    while (!take(kind))
        turn(ends);
}

static void begin(uint32_t trigger)
{
    vst_engine_options options;
    poller = epoll_create1(EPOLL_CLOEXEC);
    MUST(vst_engine_options_init(&options, sizeof options) == VST_OK);
    options.trigger = trigger;
    MUST(vst_engine_new(&options, &engine, NULL, 0) == VST_OK);
    announced = released = edges = 0;
    memset(reported, 0, sizeof reported);
}

/* The port of a new listener, which uses up its configuration. */
static uint16_t open_door(vst_accept_config *config, vst_id *door)
{
    vst_addr addr;
    MUST(vst_listener_open(engine, "127.0.0.1:0", config, NULL, door, NULL, NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(engine, *door, &addr) == VST_OK);
    return addr.port;
}

static void everything_is_pulled(uint32_t trigger)
{
    vst_id door;
    char bytes[16];
    size_t len;
    int fd;
    begin(trigger);
    uint16_t port = open_door(accepting(NULL), &door);
    /* A host that looks only at the wait does not sleep while there is something to watch. */
    MUST(vst_engine_wait(engine, &wait_state) == VST_OK);
    CHECK(wait_state.flags & VST_WAIT_RUNNABLE);
    CHECK(take(VST_EVENT_INTEREST));
    CHECK(!take(VST_EVENT_INTEREST));
    MUST(vst_engine_wait(engine, &wait_state) == VST_OK);
    CHECK(!(wait_state.flags & VST_WAIT_RUNNABLE));

    int peer = dial(port);
    until(VST_EVENT_SESSION);
    vst_id conn = last;
    CHECK_EQ(vst_conn_recv(engine, conn, bytes, sizeof bytes, &len), VST_WAIT);
    say_text(peer, "hello");
    /* No event is written to a struct of an invalid size; if there is none, nothing of the last one
     * stays. */
    vst_event event = {.size = 8};
    CHECK_EQ(vst_engine_next(engine, &event), VST_E_SIZE);
    event = (vst_event){.size = sizeof event, .kind = 9, .id = 9, .fd = 9};
    CHECK_EQ(vst_engine_next(engine, &event), VST_NONE);
    CHECK(event.kind == 0 && event.id == 0 && event.fd == 0);
    until(VST_EVENT_READABLE);
    CHECK_EQ(vst_conn_recv(engine, conn, bytes, sizeof bytes, &len), VST_OK);
    CHECK_EQ(len, 5);
    CHECK_EQ(vst_conn_take_fd(engine, conn, &fd, bytes, sizeof bytes, &len), VST_E_MODE);
    CHECK_EQ(vst_conn_close(engine, conn), VST_OK);
    close(peer);
    until(VST_EVENT_CLOSED);
    CHECK(last == conn);
    CHECK_EQ(vst_listener_close(engine, door), VST_OK);
    until(VST_EVENT_LISTENER_CLOSED);
    CHECK_EQ(reported[VST_EVENT_SESSION], 1);
    CHECK_EQ(reported[VST_EVENT_CLOSED], 1);
    CHECK_EQ(released, 2);
    CHECK_EQ(edges > 0, trigger == VST_TRIGGER_EDGE);
    CHECK_EQ(vst_engine_free(engine), VST_OK);
    close(poller);
}

/* ---- a waker ---- */

static vst_waker *waker;
static vst_id asked;
static uint32_t ticket;

static int32_t later(void *data, vst_engine *asking, vst_step *step)
{
    (void)data;
    vst_event event = {.size = sizeof event};
    CHECK(asking == engine);
    CHECK_EQ(vst_engine_next(engine, &event), VST_E_REENTRANT);
    asked = step->conn;
    ticket = step->ticket;
    return VST_NEXT_LATER;
}

static void *post(void *data)
{
    (void)data;
    CHECK_EQ(vst_waker_post(waker, asked, ticket, VST_NEXT_DONE, 0), VST_OK);
    return NULL;
}

static void another_thread_wakes_it(void)
{
    vst_accept_options options;
    vst_accept_config *config;
    vst_id door;
    pthread_t thread;
    vst_handler handler = {.size = sizeof handler, .step = later};
    begin(VST_TRIGGER_LEVEL);
    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    options.handlers = &handler;
    options.handler_count = 1;
    MUST(vst_accept_config_new(&options, &config, NULL, 0) == VST_OK);
    uint16_t port = open_door(config, &door);
    CHECK_EQ(vst_engine_waker(engine, &waker), VST_OK);
    take(VST_EVENT_INTEREST);
    CHECK_EQ(announced, 2);

    int peer = dial(port);
    uint64_t ends = now_ns() + PATIENCE_NS;
    while (asked == 0)
        turn(ends);
    CHECK_EQ(reported[VST_EVENT_SESSION], 0);
    MUST(pthread_create(&thread, NULL, post, NULL) == 0);
    MUST(pthread_join(thread, NULL) == 0);
    until(VST_EVENT_SESSION);
    CHECK(last == asked);
    CHECK_EQ(vst_conn_abort(engine, asked), VST_OK);
    until(VST_EVENT_CLOSED);
    close(peer);
    vst_waker_free(waker);
    CHECK_EQ(vst_engine_free(engine), VST_OK);
    close(poller);
}

static void who_has_an_event_callback_cannot_pull(void)
{
    struct host host;
    vst_event event = {.size = sizeof event};
    host_new(&host, HOST_EPOLL);
    CHECK_EQ(vst_engine_next(host.engine, &event), VST_E_MODE);
    host_free(&host);
}

int main(void)
{
    everything_is_pulled(VST_TRIGGER_LEVEL);
    everything_is_pulled(VST_TRIGGER_EDGE);
    another_thread_wakes_it();
    who_has_an_event_callback_cannot_pull();
    return verdict();
}
