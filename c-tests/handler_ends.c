/* The state that a handler keeps for a connection is given back once, however the connection ends; and a
 * connection may end while its step runs. */
#include "handler.h"

static int32_t later(struct handled *handled, vst_engine *engine, vst_step *step)
{
    (void)handled, (void)engine;
    handled_state(step);
    return VST_NEXT_LATER;
}

static int32_t reading(struct handled *handled, vst_engine *engine, vst_step *step)
{
    (void)handled, (void)engine;
    handled_state(step);
    return VST_NEXT_READ;
}

/* ---- ends from outside ---- */

static void done(struct handled *handled, int *peer)
{
    (void)peer;
    CHECK_EQ(vst_conn_handler_done(handled->host.engine, handled->conn, handled->ticket,
                                   VST_NEXT_DONE, 0, NULL), VST_OK);
}

static void failed(struct handled *handled, int *peer)
{
    (void)peer;
    CHECK_EQ(vst_conn_handler_done(handled->host.engine, handled->conn, handled->ticket,
                                   VST_NEXT_FAIL, 0, NULL), VST_OK);
}

static void aborted(struct handled *handled, int *peer)
{
    (void)peer;
    CHECK_EQ(vst_conn_abort(handled->host.engine, handled->conn), VST_OK);
}

static void closed(struct handled *handled, int *peer)
{
    (void)peer;
    CHECK_EQ(vst_conn_close(handled->host.engine, handled->conn), VST_OK);
}

static void reset(struct handled *handled, int *peer)
{
    (void)handled;
    reset_on_close(*peer);
    close(*peer);
    *peer = -1;
}

static void timed_out(struct handled *handled, int *peer)
{
    (void)peer;
    handled->host.breaks_contract = 1; /* the time is still to come */
    CHECK_EQ(vst_engine_run(handled->host.engine, now_ns() + 3000000000u, &handled->host.wait),
             VST_OK);
}

struct way {
    void (*end)(struct handled *handled, int *peer);
    uint32_t kind, why; /* the event that reports it */
};

static void ends(play play, const struct way *way)
{
    struct handled handled;
    handled_open(&handled, HOST_EPOLL, play);
    vst_handler one = handler(&handled, 0);
    one.timeout_ns = 2000000000u;
    int peer = dial(guarded(&handled.host, &one, 1));
    HOST_UNTIL(&handled.host, handled.asked == 1);
    CHECK_EQ(handled.discarded, 0);
    way->end(&handled, &peer);
    HOST_UNTIL(&handled.host, handled.host.reported[way->kind] == 1);
    CHECK_EQ(handled.discarded, 1);
    CHECK_EQ(handled.asked, 1);
    if (way->kind == VST_EVENT_REFUSED)
        CHECK_EQ(handled.end.why, way->why);
    host_free(&handled.host);
    CHECK_EQ(handled.discarded, 1);
    if (peer >= 0)
        close(peer);
}

/* Nothing is read while an answer is awaited: the end of the peer's side is noticed at the next read,
 * and until then causes no second wake-up. */
static void a_peer_that_ends_its_side_meanwhile_keeps_nobody_busy(enum host_kind kind)
{
    struct handled handled;
    struct epoll_event event;
    handled_open(&handled, kind, later);
    int peer = dial(guarded_by(&handled));
    HOST_UNTIL(&handled.host, handled.asked == 1);
    MUST(shutdown(peer, SHUT_WR) == 0);
    for (int turn = 0; turn < 5; turn++)
        CHECK(host_turn(&handled.host));
    CHECK_EQ(epoll_wait(handled.host.epoll, &event, 1, 0), 0);
    CHECK_EQ(handled.host.reported[VST_EVENT_REFUSED], 0);
    CHECK_EQ(vst_conn_handler_done(handled.host.engine, handled.conn, handled.ticket,
                                   VST_NEXT_DONE, 0, NULL), VST_OK);
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_SESSION] == 1);
    CHECK_EQ(handled.discarded, 1);
    host_free(&handled.host);
    close(peer);
}

/* A connection that waits for an answer notices a reset, if the poller reports it. */
static void a_peer_that_resets_meanwhile_is_refused_at_once(enum host_kind kind)
{
    struct handled handled;
    handled_open(&handled, kind, later);
    int peer = dial(guarded_by(&handled));
    HOST_UNTIL(&handled.host, handled.asked == 1);
    reset_on_close(peer);
    close(peer);
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_REFUSED] == 1);
    CHECK_EQ(handled.end.why, VST_WHY_RESET);
    CHECK_EQ(handled.discarded, 1);
    CHECK_EQ(vst_conn_handler_done(handled.host.engine, handled.conn, handled.ticket,
                                   VST_NEXT_DONE, 0, NULL), VST_E_STALE);
    host_free(&handled.host);
}

static void the_engine_is_freed(play play)
{
    struct handled handled;
    handled_open(&handled, HOST_EPOLL, play);
    int peer = dial(guarded_by(&handled));
    HOST_UNTIL(&handled.host, handled.asked == 1);
    host_free(&handled.host);
    CHECK_EQ(handled.discarded, 1);
    close(peer);
}

/* ---- ends from within a step ---- */

static int32_t answer_of_ended;

static int32_t aborts(struct handled *handled, vst_engine *engine, vst_step *step)
{
    size_t len;
    (void)handled;
    handled_state(step);
    CHECK_EQ(vst_conn_abort(engine, step->conn), VST_OK);
    CHECK(vst_handler_peek(engine, step->conn, NULL, 0, &len) < 0);
    CHECK(vst_handler_send(engine, step->conn, "x", 1, &len) < 0);
    return answer_of_ended;
}

static int32_t closes(struct handled *handled, vst_engine *engine, vst_step *step)
{
    (void)handled;
    handled_state(step);
    CHECK_EQ(vst_conn_close(engine, step->conn), VST_OK);
    return answer_of_ended;
}

/* Answers by a call, and then again by its return value, which is too late. */
static int32_t answers_twice(struct handled *handled, vst_engine *engine, vst_step *step)
{
    (void)handled;
    CHECK_EQ(vst_conn_handler_done(engine, step->conn, step->ticket, VST_NEXT_FAIL, -4, "first"),
             VST_OK);
    CHECK_EQ(vst_conn_handler_done(engine, step->conn, step->ticket, VST_NEXT_DONE, 0, NULL),
             VST_E_STALE);
    handled_state(step);
    return answer_of_ended;
}

static void a_step_may_end_its_connection(play play)
{
    for (answer_of_ended = VST_NEXT_DONE; answer_of_ended <= VST_NEXT_FAIL; answer_of_ended++) {
        struct handled handled;
        handled_open(&handled, HOST_EPOLL, play);
        int peer = dial(guarded_by(&handled));
        HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_REFUSED] == 1);
        CHECK_EQ(handled.discarded, 1);
        CHECK_EQ(handled.host.reported[VST_EVENT_SESSION], 0);
        if (play == answers_twice)
            CHECK_EQ(handled.end.host_code, -4);
        host_free(&handled.host);
        CHECK_EQ(handled.discarded, 1);
        close(peer);
    }
}

static int32_t frees_the_engine(struct handled *handled, vst_engine *engine, vst_step *step)
{
    char text[2048];
    size_t len;
    uint32_t state;
    (void)handled;
    CHECK_EQ(vst_engine_free(engine), VST_E_REENTRANT);
    CHECK_EQ(vst_conn_state(engine, step->conn, &state), VST_OK);
    CHECK_EQ(state, VST_STATE_ACCEPTED);
    CHECK_EQ(vst_conn_describe(engine, step->conn, text, sizeof text, &len), VST_OK);
    CHECK(len > 0 && len < sizeof text);
    CHECK_EQ(vst_conn_set_user(engine, step->conn, handled), VST_OK);
    return VST_NEXT_DONE;
}

static void a_step_may_ask_and_not_free(void)
{
    struct handled handled;
    void *user;
    handled_open(&handled, HOST_EPOLL, frees_the_engine);
    int peer = dial(guarded_by(&handled));
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_SESSION] == 1);
    CHECK_EQ(vst_conn_user(handled.host.engine, handled.conn, &user), VST_OK);
    CHECK(user == &handled);
    /* It never made a state, so none is given back. */
    CHECK_EQ(handled.discarded, 0);
    host_free(&handled.host);
    close(peer);
}

/* ---- several, and the other direction ---- */

static char order[16];
static size_t ordered;

static int32_t notes(void *data, vst_engine *engine, vst_step *step)
{
    (void)engine;
    CHECK(step->state == NULL);
    MUST(ordered < sizeof order - 1);
    step->state = data;
    order[ordered++] = *(char *)data;
    return VST_NEXT_DONE;
}

static void notes_end(void *data, void *state)
{
    CHECK(state == data);
    order[ordered++] = (char)(*(char *)data - 'a' + 'A');
}

static void handlers_are_asked_in_order_and_freed_as_they_are_done(void)
{
    struct host host;
    static char names[] = "abc";
    vst_handler list[3];
    for (int i = 0; i < 3; i++)
        list[i] = (vst_handler){.size = sizeof *list, .step = notes, .discard = notes_end,
                                .data = &names[i]};
    /* The second runs after TLS, or where TLS would be: it runs last. */
    list[1].flags = VST_HANDLER_AFTER_TLS;
    host_new(&host, HOST_EPOLL);
    int peer = dial(guarded(&host, list, 3));
    memset(list, 0, sizeof list);
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] == 1);
    CHECK(strcmp(order, "aAcCbB") == 0);
    host_free(&host);
    close(peer);
}

static int32_t greets_the_server(struct handled *handled, vst_engine *engine, vst_step *step)
{
    size_t len = 0;
    unsigned *greeted = handled_state(step);
    (void)handled;
    if (!*greeted) {
        CHECK_EQ(vst_handler_send(engine, step->conn, "EHLO", 4, &len), VST_OK);
        CHECK_EQ(len, 4);
        *greeted = 1;
    }
    CHECK_EQ(vst_handler_peek(engine, step->conn, NULL, 0, &len), VST_OK);
    if (len < 2)
        return step->flags & VST_STEP_ENDED ? VST_NEXT_FAIL : VST_NEXT_READ;
    CHECK_EQ(vst_handler_consume(engine, step->conn, 2), VST_OK);
    return VST_NEXT_DONE;
}

static void outgoing(const char *answer, uint32_t kind)
{
    struct handled handled;
    uint16_t port;
    char address[32], got[4];
    int listening_fd = listening(&port), peer;
    vst_connect_options options;
    vst_connect_config *config;
    vst_id id;
    handled_open(&handled, HOST_EPOLL, greets_the_server);
    vst_handler one = handler(&handled, 0);
    MUST(vst_connect_options_init(&options, sizeof options) == VST_OK);
    options.handlers = &one;
    options.handler_count = 1;
    MUST(vst_connect_config_new(&options, &config, NULL, 0) == VST_OK);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
    MUST(vst_conn_connect(handled.host.engine, address, config, NULL, &id, NULL, 0) == VST_OK);
    vst_connect_config_free(config);
    HOST_UNTIL(&handled.host, handled.asked >= 1);
    MUST((peer = accept(listening_fd, NULL, NULL)) >= 0);
    CHECK(recv(peer, got, 4, MSG_WAITALL) == 4 && memcmp(got, "EHLO", 4) == 0);
    CHECK_EQ(handled.host.reported[VST_EVENT_CONNECTED], 0);
    say_text(peer, answer);
    shutdown(peer, SHUT_WR);
    HOST_UNTIL(&handled.host, handled.host.reported[kind] == 1);
    CHECK_EQ(handled.discarded, 1);
    if (kind == VST_EVENT_CLOSED)
        CHECK(handled.end.at == VST_OP_CUSTOM_RAW_OUT && handled.end.why == VST_WHY_DENIED);
    host_free(&handled.host);
    close(peer);
    close(listening_fd);
}

int main(void)
{
    static const struct way of_all[] = {
        {aborted, VST_EVENT_REFUSED, VST_WHY_ABORTED},
        {closed, VST_EVENT_REFUSED, VST_WHY_ABORTED},
        {timed_out, VST_EVENT_REFUSED, VST_WHY_TIMED_OUT},
    };
    static const struct way of_later[] = {
        {done, VST_EVENT_SESSION, 0},
        {failed, VST_EVENT_REFUSED, VST_WHY_DENIED},
    };
    static const struct way by_the_peer = {reset, VST_EVENT_REFUSED, VST_WHY_RESET};
    for (size_t i = 0; i < sizeof of_all / sizeof *of_all; i++) {
        ends(reading, &of_all[i]);
        ends(later, &of_all[i]);
    }
    for (size_t i = 0; i < sizeof of_later / sizeof *of_later; i++)
        ends(later, &of_later[i]);
    ends(reading, &by_the_peer);
    a_peer_that_ends_its_side_meanwhile_keeps_nobody_busy(HOST_EPOLL);
    a_peer_that_ends_its_side_meanwhile_keeps_nobody_busy(HOST_EDGE);
    a_peer_that_resets_meanwhile_is_refused_at_once(HOST_EPOLL);
    a_peer_that_resets_meanwhile_is_refused_at_once(HOST_EDGE);
    a_peer_that_resets_meanwhile_is_refused_at_once(HOST_POLL);
    the_engine_is_freed(later);
    the_engine_is_freed(reading);
    a_step_may_end_its_connection(aborts);
    a_step_may_end_its_connection(closes);
    a_step_may_end_its_connection(answers_twice);
    a_step_may_ask_and_not_free();
    handlers_are_asked_in_order_and_freed_as_they_are_done();
    outgoing("OK and more", VST_EVENT_CONNECTED);
    outgoing("", VST_EVENT_CLOSED);
    return verdict();
}
