/* Answers of handlers come from other threads: they wake the engine's own, by a descriptor that its
 * poller watches or in a way that the host sets; they are bounded, and none outlives the engine. */
#include "handler.h"

#include <stdatomic.h>
#include <sys/eventfd.h>

#define POSTS_MOST 4096

static int32_t later(struct handled *handled, vst_engine *engine, vst_step *step)
{
    (void)handled, (void)engine;
    handled_state(step);
    return VST_NEXT_LATER;
}

/* ---- one answer ---- */

struct letter {
    vst_waker *waker;
    vst_id conn;
    uint32_t ticket;
    int32_t answer, code;
};

static void *post(void *data)
{
    struct letter *letter = data;
    CHECK_EQ(vst_waker_post(letter->waker, letter->conn, letter->ticket, letter->answer,
                            letter->code), VST_OK);
    return NULL;
}

static void post_from_elsewhere(struct letter *letter)
{
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, post, letter) == 0);
    MUST(pthread_join(thread, NULL) == 0);
}

/* A connection that waits for its answer, which `letter` is to carry. */
static int waiting(struct handled *handled, uint16_t port, struct letter *letter)
{
    unsigned before = handled->asked;
    int peer = dial(port);
    HOST_UNTIL(&handled->host, handled->asked > before);
    letter->conn = handled->conn;
    letter->ticket = handled->ticket;
    return peer;
}

static void the_poller_s_descriptor_wakes_the_engine(enum host_kind kind)
{
    struct handled handled;
    struct letter letter = {.answer = VST_NEXT_DONE};
    handled_open(&handled, kind, later);
    uint16_t port = guarded_by(&handled);
    unsigned watched = handled.host.announced;
    vst_waker *second;
    CHECK_EQ(host_waker(&handled.host, &letter.waker), VST_OK);
    CHECK_EQ(host_waker(&handled.host, &second), VST_OK);
    CHECK_EQ(handled.host.announced, watched + 1);
    vst_waker_free(second);

    /* Only the descriptor makes the host drive the engine here: the next deadline is half a minute
     * away. */
    int peer = waiting(&handled, port, &letter);
    post_from_elsewhere(&letter);
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_SESSION] == 1);
    CHECK_EQ(handled.discarded, 1);
    close(peer);

    letter.answer = VST_NEXT_FAIL;
    letter.code = -31;
    peer = waiting(&handled, port, &letter);
    post_from_elsewhere(&letter);
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_REFUSED] == 1);
    CHECK(handled.end.why == VST_WHY_DENIED && handled.end.host_code == -31);
    CHECK_EQ(handled.discarded, 2);
    close(peer);

    /* An answer to no question wakes the engine and is dropped: the connection has ended, or the
     * question was answered already or never existed. */
    post_from_elsewhere(&letter);
    letter.conn = handled.host.last[VST_EVENT_SESSION];
    post_from_elsewhere(&letter);
    peer = waiting(&handled, port, &letter);
    letter.ticket++;
    post_from_elsewhere(&letter);
    letter.ticket--, letter.answer = VST_NEXT_READ;
    post_from_elsewhere(&letter);
    say_text(peer, "x");
    unsigned asked = handled.asked;
    HOST_UNTIL(&handled.host, handled.asked > asked);
    CHECK_EQ(handled.host.reported[VST_EVENT_REFUSED], 1);
    struct epoll_event event;
    HOST_UNTIL(&handled.host, handled.host.epoll < 0
                                  || epoll_wait(handled.host.epoll, &event, 1, 0) == 0);
    CHECK_EQ(vst_waker_post(letter.waker, letter.conn, 1, VST_NEXT_LATER, 0), VST_E_ARGUMENT);
    CHECK_EQ(vst_waker_post(letter.waker, letter.conn, 1, 99, 0), VST_E_ARGUMENT);
    CHECK_EQ(vst_waker_post(letter.waker, 0, 1, VST_NEXT_DONE, 0), VST_E_ARGUMENT);
    host_free(&handled.host);
    CHECK_EQ(vst_waker_post(letter.waker, letter.conn, 1, VST_NEXT_DONE, 0), VST_E_GONE);
    vst_waker_free(letter.waker);
    close(peer);
}

/* ---- the host's own way ---- */

static int bell;
static atomic_uint wakes;

static void wake(void *data)
{
    (void)data;
    wakes++;
    MUST(eventfd_write(bell, 1) == 0);
}

static void the_host_may_say_how_it_is_woken(void)
{
    struct handled handled;
    struct letter letter = {.answer = VST_NEXT_DONE};
    eventfd_t count;
    vst_engine_options options;
    memset(&handled, 0, sizeof handled);
    options = host_options(&handled.host, HOST_EPOLL);
    options.wake = wake;
    MUST((bell = eventfd(0, EFD_CLOEXEC)) >= 0);
    host_open(&handled.host, &options);
    handled.host.hook = handled_event;
    handled.play = later;
    uint16_t port = guarded_by(&handled);
    unsigned watched = handled.host.announced;
    CHECK_EQ(vst_engine_waker(handled.host.engine, &letter.waker), VST_OK);
    CHECK_EQ(handled.host.announced, watched);
    int peer = waiting(&handled, port, &letter);

    /* Called once until the engine is driven. */
    for (int i = 0; i < 3; i++)
        post_from_elsewhere(&letter);
    CHECK_EQ(wakes, 1);
    MUST(eventfd_read(bell, &count) == 0);
    CHECK_EQ(count, 1);
    CHECK_EQ(handled.host.reported[VST_EVENT_SESSION], 0);
    CHECK_EQ(vst_engine_run(handled.host.engine, now_ns(), &handled.host.wait), VST_OK);
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_SESSION] == 1);
    post_from_elsewhere(&letter);
    CHECK_EQ(wakes, 2);

    /* Bounded: one waits already, and a drive makes room for all again. */
    for (int i = 1; i < POSTS_MOST; i++)
        post(&letter);
    CHECK_EQ(vst_waker_post(letter.waker, letter.conn, 1, VST_NEXT_DONE, 0), VST_E_LIMIT);
    CHECK_EQ(wakes, 2);
    CHECK_EQ(vst_engine_run(handled.host.engine, now_ns(), &handled.host.wait), VST_OK);
    post(&letter);
    CHECK_EQ(wakes, 3);
    vst_waker_free(letter.waker);
    host_free(&handled.host);
    close(peer);
    close(bell);
}

/* ---- many threads ---- */

enum { THREADS = 8, ANSWERS = 25 };

struct office {
    struct letter letters[THREADS * ANSWERS];
    atomic_uint next, filled;
    vst_waker *waker;
};

static void *clerk(void *data)
{
    struct office *office = data;
    for (;;) {
        unsigned mine = office->next++;
        if (mine >= THREADS * ANSWERS)
            return NULL;
        while (office->filled <= mine)
            sched_yield();
        struct letter letter = office->letters[mine];
        letter.waker = office->waker;
        post(&letter);
    }
}

static void many_threads_answer_many_connections(void)
{
    static struct office office;
    struct handled handled;
    pthread_t threads[THREADS];
    int peers[THREADS * ANSWERS];
    handled_open(&handled, HOST_EPOLL, later);
    uint16_t port = guarded_by(&handled);
    CHECK_EQ(host_waker(&handled.host, &office.waker), VST_OK);
    for (int i = 0; i < THREADS; i++)
        MUST(pthread_create(&threads[i], NULL, clerk, &office) == 0);
    for (unsigned i = 0; i < THREADS * ANSWERS; i++) {
        office.letters[i].answer = i % 2 ? VST_NEXT_DONE : VST_NEXT_FAIL;
        peers[i] = waiting(&handled, port, &office.letters[i]);
        office.filled++;
    }
    HOST_UNTIL(&handled.host, handled.discarded == THREADS * ANSWERS);
    for (int i = 0; i < THREADS; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
    HOST_UNTIL(&handled.host,
               handled.host.reported[VST_EVENT_SESSION] == THREADS * ANSWERS / 2);
    HOST_UNTIL(&handled.host, handled.host.wait.conns == THREADS * ANSWERS / 2);
    CHECK_EQ(handled.asked, THREADS * ANSWERS);
    vst_waker_free(office.waker);
    host_free(&handled.host);
    for (unsigned i = 0; i < THREADS * ANSWERS; i++)
        close(peers[i]);
}

/* ---- the engine goes first ---- */

static atomic_uint posted;

static void *post_until_it_is_gone(void *data)
{
    struct letter *letter = data;
    vst_status status;
    do {
        status = vst_waker_post(letter->waker, letter->conn, letter->ticket, VST_NEXT_DONE, 0);
        CHECK(status == VST_OK || status == VST_E_LIMIT || status == VST_E_GONE);
        posted++;
    } while (status != VST_E_GONE);
    return NULL;
}

static void an_engine_may_be_freed_while_others_post(void)
{
    struct handled handled;
    struct letter letters[THREADS];
    pthread_t threads[THREADS];
    handled_open(&handled, HOST_EPOLL, later);
    uint16_t port = guarded_by(&handled);
    int peer = waiting(&handled, port, &letters[0]);
    for (int i = 0; i < THREADS; i++) {
        letters[i] = letters[0];
        MUST(host_waker(&handled.host, &letters[i].waker) == VST_OK);
        MUST(pthread_create(&threads[i], NULL, post_until_it_is_gone, &letters[i]) == 0);
    }
    HOST_UNTIL(&handled.host, posted > 100 && handled.host.reported[VST_EVENT_SESSION] == 1);
    host_free(&handled.host);
    for (int i = 0; i < THREADS; i++) {
        MUST(pthread_join(threads[i], NULL) == 0);
        vst_waker_free(letters[i].waker);
    }
    close(peer);
}

/* ---- the built-in loop ---- */

static vst_loop *built_in;
static struct letter to_loop;
static pthread_t poster;

static int32_t posted_at_once(void *data, vst_engine *engine, vst_step *step)
{
    (void)data, (void)engine;
    to_loop.conn = step->conn;
    to_loop.ticket = step->ticket;
    MUST(pthread_create(&poster, NULL, post, &to_loop) == 0);
    return VST_NEXT_LATER;
}

static void stops(void *data, vst_engine *engine, const vst_event *event)
{
    (void)engine;
    *(vst_id *)data = event->id;
    if (event->kind == VST_EVENT_SESSION)
        CHECK_EQ(vst_loop_stop(built_in), VST_OK);
}

static void the_loop_is_woken_too(void)
{
    struct host host = {0};
    vst_id reported = 0;
    vst_engine_options options;
    vst_handler one = {.size = sizeof one, .step = posted_at_once};
    MUST(vst_engine_options_init(&options, sizeof options) == VST_OK);
    options.data = &reported;
    options.event = stops;
    MUST(vst_loop_new(&options, &built_in, NULL, NULL, 0) == VST_OK);
    MUST(vst_loop_engine(built_in, &host.engine) == VST_OK);
    to_loop.answer = VST_NEXT_DONE;
    CHECK_EQ(vst_engine_waker(host.engine, &to_loop.waker), VST_OK);
    int peer = dial(guarded(&host, &one, 1));
    uint64_t ends = now_ns() + PATIENCE_NS;
    vst_status status = VST_WAIT;
    while (status == VST_WAIT && now_ns() < ends)
        status = vst_loop_run(built_in, PATIENCE_NS);
    CHECK_EQ(status, VST_OK);
    CHECK(reported == to_loop.conn);
    MUST(pthread_join(poster, NULL) == 0);
    vst_waker_free(to_loop.waker);
    CHECK_EQ(vst_loop_free(built_in), VST_OK);
    close(peer);
}

int main(void)
{
    the_poller_s_descriptor_wakes_the_engine(HOST_EPOLL);
    the_poller_s_descriptor_wakes_the_engine(HOST_EDGE);
    the_poller_s_descriptor_wakes_the_engine(HOST_POLL);
    the_poller_s_descriptor_wakes_the_engine(HOST_SELECT);
    the_host_may_say_how_it_is_woken();
    many_threads_answer_many_connections();
    an_engine_may_be_freed_while_others_post();
    the_loop_is_woken_too();
    return verdict();
}
