/* A handler of the host peeks, consumes and sends, waits for what it needs, and decides whether a
 * connection continues; its calls are refused to all other code. */
#include "handler.h"

#define COMMAND "BEGIN\r\n"
#define ANSWER "GO AHEAD\r\n"

/* ---- a whole conversation ---- */

/* Sends what is left of `bytes`; `*said` is how much was taken. */
static int32_t speak(vst_engine *engine, vst_step *step, const char *bytes, size_t len,
                     unsigned *said)
{
    size_t taken;
    while (*said < len) {
        vst_status status =
            vst_handler_send(engine, step->conn, bytes + *said, len - *said, &taken);
        if (status == VST_WAIT)
            return VST_NEXT_WRITE;
        CHECK_EQ(status, VST_OK);
        CHECK(taken > 0 && taken <= len - *said);
        *said += (unsigned)taken;
    }
    return VST_NEXT_DONE;
}

/* Takes the command, sends the answer. */
static int32_t begin(struct handled *handled, vst_engine *engine, vst_step *step)
{
    char came[sizeof COMMAND];
    size_t len = 9;
    unsigned *said = handled_state(step);
    (void)handled;
    if (*said == 0) {
        CHECK_EQ(vst_handler_peek(engine, step->conn, came, sizeof came - 1, &len), VST_OK);
        CHECK(memcmp(came, COMMAND, len < sizeof came - 1 ? len : sizeof came - 1) == 0);
        if (len < sizeof COMMAND - 1)
            return VST_NEXT_READ;
        CHECK_EQ(vst_handler_consume(engine, step->conn, len + 1), VST_E_ARGUMENT);
        CHECK_EQ(vst_handler_consume(engine, step->conn, sizeof COMMAND - 1), VST_OK);
    }
    return speak(engine, step, ANSWER, sizeof ANSWER - 1, said);
}

static void what_a_handler_leaves_is_the_session_s(enum host_kind kind)
{
    static const char all[] = COMMAND "hello";
    struct handled handled;
    char got[32];
    size_t len;
    handled_open(&handled, kind, begin);
    uint16_t port = guarded_by(&handled);
    /* The command comes in two pieces, cut at every byte; what is behind it belongs to the session. */
    for (size_t cut = 0; cut < sizeof all; cut++) {
        int peer = dial(port);
        unsigned before = handled.asked, sessions = handled.host.reported[VST_EVENT_SESSION];
        say(peer, all, cut);
        HOST_UNTIL(&handled.host, handled.asked > before + (cut > 0));
        say(peer, all + cut, sizeof all - 1 - cut);
        HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_SESSION] > sessions);
        CHECK_EQ(recv(peer, got, sizeof got, 0), sizeof ANSWER - 1);
        CHECK(memcmp(got, ANSWER, sizeof ANSWER - 1) == 0);
        vst_id conn = handled.host.last[VST_EVENT_SESSION];
        CHECK(conn == handled.conn);
        size_t all_of_it = 0;
        while (all_of_it < 5) {
            vst_status status = vst_conn_recv(handled.host.engine, conn, got, sizeof got, &len);
            unsigned readable = handled.host.reported[VST_EVENT_READABLE];
            all_of_it += len;
            if (status == VST_WAIT)
                HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_READABLE] > readable);
            else
                MUST(status == VST_OK);
        }
        CHECK_EQ(all_of_it, 5);
        CHECK_EQ(handled.discarded, cut + 1);
        CHECK_EQ(vst_conn_abort(handled.host.engine, conn), VST_OK);
        close(peer);
    }
    host_free(&handled.host);
}

/* The bytes behind a PROXY header go to the handler, and then to the session; a monitor passes no
 * handler. */
static void a_handler_comes_behind_the_header(void)
{
    static const char all[] = "PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n" COMMAND "hello";
    struct handled handled;
    char got[32];
    size_t len;
    ssize_t n;
    handled_open(&handled, HOST_EPOLL, begin);
    vst_handler one = handler(&handled, 0);
    vst_monitor_options monitor = {.size = sizeof monitor, .answer = VST_MONITOR_ANSWER_TEXT};
    vst_accept_options options;
    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    options.handlers = &one;
    options.handler_count = 1;
    options.accept_proxy = "any";
    int peer = dial(opened(&handled.host, &options));
    say(peer, all, sizeof all - 1);
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_SESSION] == 1);
    CHECK_EQ(vst_conn_recv(handled.host.engine, handled.conn, got, sizeof got, &len), VST_OK);
    CHECK(len == 5 && memcmp(got, "hello", 5) == 0);
    close(peer);

    unsigned asked = handled.asked;
    options.accept_proxy = NULL;
    options.monitor = &monitor;
    monitor.monitor_net = "127.0.0.0/8";
    peer = dial(opened(&handled.host, &options));
    say_text(peer, COMMAND);
    HOST_UNTIL(&handled.host, (n = hear(peer, got, sizeof got)) > 0);
    CHECK(n == 2 && memcmp(got, "OK", 2) == 0);
    CHECK_EQ(handled.asked, asked);
    close(peer);
    host_free(&handled.host);
}

/* More than any buffer of a socket takes at once. */
static char flood[8 << 20];

static int32_t pour(struct handled *handled, vst_engine *engine, vst_step *step)
{
    (void)handled;
    return speak(engine, step, flood, sizeof flood, handled_state(step));
}

static void a_handler_is_asked_again_when_there_is_room(enum host_kind kind)
{
    struct handled handled;
    static char got[1 << 16];
    size_t all = 0;
    ssize_t n;
    for (size_t i = 0; i < sizeof flood; i++)
        flood[i] = (char)(i * 31 >> 7);
    handled_open(&handled, kind, pour);
    int peer = dial(guarded_by(&handled));
    while (all < sizeof flood) {
        HOST_UNTIL(&handled.host, (n = hear(peer, got, sizeof got)) > 0);
        MUST(all + (size_t)n <= sizeof flood);
        CHECK(memcmp(got, flood + all, (size_t)n) == 0);
        all += (size_t)n;
    }
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_SESSION] == 1);
    CHECK(handled.asked > 1 && handled.discarded == 1);
    host_free(&handled.host);
    close(peer);
}

/* Reads all that arrives, and accepts the end. */
static int32_t until_the_end(struct handled *handled, vst_engine *engine, vst_step *step)
{
    size_t len;
    (void)handled;
    CHECK_EQ(vst_handler_peek(engine, step->conn, NULL, 0, &len), VST_OK);
    if (!(step->flags & VST_STEP_ENDED))
        return VST_NEXT_READ;
    CHECK_EQ(len, 3);
    return VST_NEXT_DONE;
}

/* Always wants more. */
static int32_t greedy(struct handled *handled, vst_engine *engine, vst_step *step)
{
    (void)handled, (void)engine;
    handled_state(step);
    return VST_NEXT_READ;
}

static void a_handler_is_told_of_the_end(void)
{
    struct handled handled;
    handled_open(&handled, HOST_EPOLL, until_the_end);
    uint16_t port = guarded_by(&handled);
    int peer = dial(port);
    say_text(peer, "abc");
    shutdown(peer, SHUT_WR);
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_SESSION] == 1);
    CHECK_EQ(vst_conn_abort(handled.host.engine, handled.conn), VST_OK);
    close(peer);

    /* A handler that wants more than the peer sent ends with it. */
    handled.play = greedy;
    peer = dial(port);
    say_text(peer, "abc");
    shutdown(peer, SHUT_WR);
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_REFUSED] == 1);
    CHECK(handled.end.at == VST_OP_CUSTOM_RAW && handled.end.why == VST_WHY_TRUNCATED);
    CHECK_EQ(handled.end.host_code, 0);
    close(peer);

    /* And so does one that wants more than is kept for it. */
    peer = dial(port);
    say(peer, flood, 40000);
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_REFUSED] == 2);
    CHECK(handled.end.at == VST_OP_CUSTOM_RAW && handled.end.why == VST_WHY_TOO_LARGE);
    CHECK_EQ(handled.discarded, 2);
    close(peer);
    host_free(&handled.host);
}

/* ---- refusals ---- */

static const char *sentence;
static int32_t word;

static int32_t refuse(struct handled *handled, vst_engine *engine, vst_step *step)
{
    (void)handled, (void)engine;
    step->code = -77;
    step->text = sentence;
    return word;
}

static void refused_with(uint64_t flags, int32_t answer, const char *text, uint32_t at,
                         const char *due)
{
    struct handled handled;
    handled_open(&handled, HOST_EPOLL, refuse);
    vst_handler one = handler(&handled, flags);
    word = answer, sentence = text;
    int peer = dial(guarded(&handled.host, &one, 1));
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_REFUSED] == 1);
    CHECK(handled.end.conn == handled.conn);
    CHECK_EQ(handled.end.at, at);
    CHECK_EQ(handled.end.why, VST_WHY_DENIED);
    CHECK_EQ(handled.end.host_code, -77);
    if (strstr(handled.text, due) == NULL) {
        fprintf(stderr, "no \"%s\" in \"%s\"\n", due, handled.text);
        broken++;
    }
    CHECK_EQ(handled.asked, 1);
    CHECK_EQ(handled.host.reported[VST_EVENT_SESSION], 0);
    host_free(&handled.host);
    close(peer);
}

static void a_refusal_has_the_handler_s_code_and_sentence(void)
{
    refused_with(0, VST_NEXT_FAIL, "not on the list", VST_OP_CUSTOM_RAW, "not on the list");
    refused_with(0, VST_NEXT_FAIL, NULL, VST_OP_CUSTOM_RAW, "CUSTOM_RAW");
    refused_with(VST_HANDLER_AFTER_TLS, VST_NEXT_FAIL, "n\n", VST_OP_CUSTOM_CLEAR, "CUSTOM_CLEAR");
    refused_with(0, VST_NEXT_FAIL, "caf\xe9", VST_OP_CUSTOM_RAW, "an answer that is none");
    refused_with(0, VST_NEXT_FAIL + 1, "x", VST_OP_CUSTOM_RAW, "an answer that is none");
    refused_with(0, -1, "x", VST_OP_CUSTOM_RAW, "an answer that is none");
}

/* ---- answers that come later ---- */

static int32_t later(struct handled *handled, vst_engine *engine, vst_step *step)
{
    (void)handled, (void)engine;
    *handled_state(step) += 1;
    return VST_NEXT_LATER;
}

/* A connection that waits for an answer; its peer has sent "abc". */
static int waiting(struct handled *handled, uint16_t port)
{
    unsigned before = handled->asked;
    int peer = dial(port);
    say_text(peer, "abc");
    HOST_UNTIL(&handled->host, handled->asked > before);
    return peer;
}

static void an_answer_may_come_later_and_only_once(void)
{
    struct handled handled;
    size_t len;
    char got[8] = "";
    handled_open(&handled, HOST_EPOLL, later);
    vst_engine *engine = handled.host.engine;
    uint16_t port = guarded_by(&handled);
    int peer = waiting(&handled, port);
    vst_id conn = handled.conn;
    uint32_t ticket = handled.ticket;
#define ANSWERED(ticket, answer) vst_conn_handler_done(engine, conn, ticket, answer, -5, "enough")
    CHECK_EQ(ANSWERED(ticket + 1, VST_NEXT_DONE), VST_E_STALE);
    CHECK_EQ(ANSWERED(ticket, VST_NEXT_LATER), VST_E_ARGUMENT);
    CHECK_EQ(ANSWERED(ticket, 99), VST_E_ARGUMENT);
    /* Until it has answered it is the current handler: meanwhile it may do everything. */
    CHECK_EQ(vst_handler_send(engine, conn, "wait", 4, &len), VST_OK);
    CHECK_EQ(len, 4);
    CHECK_EQ(ANSWERED(ticket, VST_NEXT_READ), VST_OK);
    CHECK_EQ(ANSWERED(ticket, VST_NEXT_READ), VST_E_STALE);
    HOST_UNTIL(&handled.host, handled.asked == 2);
    CHECK(handled.conn == conn && handled.ticket != ticket);
    CHECK_EQ(ANSWERED(ticket, VST_NEXT_DONE), VST_E_STALE);
    CHECK_EQ(vst_handler_peek(engine, conn, got, 2, &len), VST_OK);
    CHECK(len == 3 && memcmp(got, "ab", 3) == 0);
    CHECK_EQ(vst_handler_consume(engine, conn, 2), VST_OK);
    CHECK_EQ(handled.discarded, 0);
    CHECK_EQ(ANSWERED(handled.ticket, VST_NEXT_DONE), VST_OK);
    CHECK_EQ(handled.discarded, 1);
    CHECK_EQ(ANSWERED(handled.ticket, VST_NEXT_DONE), VST_E_STALE);
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_SESSION] == 1);
    CHECK(recv(peer, got, sizeof got, 0) == 4 && memcmp(got, "wait", 4) == 0);
    close(peer);

    peer = waiting(&handled, port);
    conn = handled.conn;
    CHECK_EQ(ANSWERED(handled.ticket, VST_NEXT_FAIL), VST_OK);
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_REFUSED] == 1);
    CHECK_EQ(handled.end.host_code, -5);
    CHECK(strstr(handled.text, "enough") != NULL);
    CHECK_EQ(ANSWERED(handled.ticket, VST_NEXT_DONE), VST_E_STALE);
    CHECK_EQ(handled.discarded, 2);
#undef ANSWERED
    close(peer);
    host_free(&handled.host);
}

/* The step answers by a call, and its state belongs to the handler while the step runs. */
static int32_t answers_itself(struct handled *handled, vst_engine *engine, vst_step *step)
{
    unsigned *count = handled_state(step);
    CHECK_EQ(*count, handled->asked - 1);
    CHECK_EQ(handled->discarded, 0);
    ++*count;
    CHECK_EQ(vst_conn_handler_done(engine, step->conn, step->ticket,
                                   *count == 3 ? VST_NEXT_DONE : VST_NEXT_READ, 0, NULL), VST_OK);
    return VST_NEXT_LATER;
}

static void an_answer_may_come_within_the_step(void)
{
    struct handled handled;
    handled_open(&handled, HOST_EPOLL, answers_itself);
    int peer = dial(guarded_by(&handled));
    for (unsigned asked = 1; asked < 3; asked++) {
        HOST_UNTIL(&handled.host, handled.asked == asked);
        say_text(peer, "x");
    }
    HOST_UNTIL(&handled.host, handled.host.reported[VST_EVENT_SESSION] == 1);
    CHECK_EQ(handled.asked, 3);
    CHECK_EQ(handled.discarded, 1);
    close(peer);
    host_free(&handled.host);
}

/* ---- which calls are allowed where ---- */

static int32_t nobody(struct handled *handled, vst_engine *engine, vst_step *step)
{
    (void)handled, (void)engine, (void)step;
    return VST_NEXT_READ;
}

static void functions_of_handlers_are_refused_outside_a_question(void)
{
    struct handled handled;
    size_t len;
    int peer, other;
    uint16_t open;
    handled_open(&handled, HOST_EPOLL, nobody);
    vst_engine *engine = handled.host.engine;
    other = dial(guarded_by(&handled));
    HOST_UNTIL(&handled.host, handled.asked == 1);
    vst_id door = listener(&handled.host, NULL, &open);
    vst_id conns[] = {handled.conn, session(&handled.host, open, &peer)};
    /* Neither after the answer was given, nor where there is no handler. */
    for (int i = 0; i < 2; i++) {
        len = 9;
        CHECK_EQ(vst_handler_peek(engine, conns[i], NULL, 0, &len), VST_E_STATE);
        CHECK_EQ(len, 0);
        CHECK_EQ(vst_handler_consume(engine, conns[i], 0), VST_E_STATE);
        len = 9;
        CHECK_EQ(vst_handler_send(engine, conns[i], "x", 1, &len), VST_E_STATE);
        CHECK_EQ(len, 0);
        CHECK_EQ(vst_conn_handler_done(engine, conns[i], handled.ticket, VST_NEXT_DONE, 0, NULL),
                 VST_E_STALE);
    }
    CHECK_EQ(vst_handler_consume(engine, door, 0), VST_E_KIND);
    CHECK_EQ(vst_conn_handler_done(engine, door, 1, VST_NEXT_DONE, 0, NULL), VST_E_KIND);
    CHECK_EQ(vst_handler_consume(engine, 0, 0), VST_E_ARGUMENT);
    close(peer);
    close(other);
    host_free(&handled.host);
}

int main(void)
{
    what_a_handler_leaves_is_the_session_s(HOST_EPOLL);
    what_a_handler_leaves_is_the_session_s(HOST_EDGE);
    what_a_handler_leaves_is_the_session_s(HOST_POLL);
    what_a_handler_leaves_is_the_session_s(HOST_SELECT);
    a_handler_comes_behind_the_header();
    a_handler_is_asked_again_when_there_is_room(HOST_EPOLL);
    a_handler_is_asked_again_when_there_is_room(HOST_EDGE);
    a_handler_is_told_of_the_end();
    a_refusal_has_the_handler_s_code_and_sentence();
    an_answer_may_come_later_and_only_once();
    an_answer_may_come_within_the_step();
    functions_of_handlers_are_refused_outside_a_question();
    return verdict();
}
