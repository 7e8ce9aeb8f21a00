/* The header's section on fed connections, sentence by sentence: what they ask of the host, what its
 * reports do, and what reports that do not fit leave as it is. */
#include "fed.h"

static struct fed fed;

/* ---- one state against another ---- */

static void describe(vst_id conn, char *line, size_t size)
{
    size_t len;
    MUST(vst_conn_describe(fed.host.engine, conn, line, size - 1, &len) == VST_OK);
    line[len] = 0;
}

static int says(vst_id conn, const char *word)
{
    char line[4096];
    describe(conn, line, sizeof line);
    return strstr(line, word) != NULL;
}

/* The call is answered like this, and the connection is as before it. */
#define CHANGES_NOTHING(conn, call, due)                                                           \
    do {                                                                                           \
        char before_[4096], after_[4096];                                                          \
        unsigned asked_ = fed.asked;                                                               \
        describe(conn, before_, sizeof before_);                                                   \
        CHECK_EQ(call, due);                                                                       \
        describe(conn, after_, sizeof after_);                                                     \
        CHECK(strcmp(before_, after_) == 0);                                                       \
        CHECK_EQ(fed.asked, asked_);                                                               \
    } while (0)

static void send_text(vst_id conn, const char *text, size_t due)
{
    size_t taken;
    CHECK_EQ(vst_conn_send(fed.host.engine, conn, text, strlen(text), &taken), VST_OK);
    CHECK_EQ(taken, due);
}

static void reads(vst_id conn, size_t size, const char *text)
{
    char bytes[64];
    size_t got;
    CHECK_EQ(vst_conn_recv(fed.host.engine, conn, bytes, size, &got), VST_OK);
    CHECK(got == strlen(text) && memcmp(bytes, text, got) == 0);
}

static vst_status reads_none(vst_id conn)
{
    char byte;
    size_t got;
    vst_status status = vst_conn_recv(fed.host.engine, conn, &byte, 1, &got);
    CHECK_EQ(got, 0);
    return status;
}

/* An outgoing connection that is open. */
static vst_id opened_one(void)
{
    vst_id conn = fed_outgoing(&fed, "192.0.2.1:80", NULL);
    CHECK_EQ(vst_fed_opened(fed.host.engine, conn, NULL), VST_OK);
    CHECK(fed.host.last[VST_EVENT_CONNECTED] == conn);
    return conn;
}

static void it_ended(vst_id conn, uint32_t at, uint32_t why, int sys_errno)
{
    uint32_t state;
    const vst_end *end = fed_end(&fed, conn);
    MUST(end != NULL);
    CHECK_EQ(end->at, at);
    CHECK_EQ(end->why, why);
    CHECK_EQ(end->sys_errno, sys_errno);
    CHECK_EQ(vst_conn_state(fed.host.engine, conn, &state), VST_E_STALE);
}

/* ---- receiving ---- */

static void an_incoming_one_asks_first_of_all_to_receive(void)
{
    int user, data, other;
    void *found;
    vst_feed_args args = {.size = sizeof args, .user = &user, .data = &data};
    fed_new(&fed);
    vst_id conn = fed_incoming(&fed, NULL, &args);
    CHECK_EQ(fed.asked, 1);
    CHECK(fed.asks[0].conn == conn && fed.asks[0].data == &data);
    CHECK_EQ(fed.asks[0].asks, VST_FED_RECEIVE);
    CHECK_EQ(fed.asks[0].unsent, 0);
    CHECK(fed.host.last[VST_EVENT_SESSION] == conn);
    CHECK_EQ(vst_conn_user(fed.host.engine, conn, &found), VST_OK);
    CHECK(found == &user);
    /* Nothing is asked again unless something has changed. */
    fed_pass(&fed, FED_SECOND);
    CHECK_EQ(fed.asked, 1);

    /* The host's data for what is below comes with every later ask. */
    CHECK_EQ(vst_fed_set_data(fed.host.engine, conn, &other), VST_OK);
    CHECK_EQ(fed.asked, 1);
    send_text(conn, "x", 1);
    CHECK(fed_last(&fed, conn).data == &other);
    CHECK_EQ(vst_conn_user(fed.host.engine, conn, &found), VST_OK);
    CHECK(found == &user);
    host_free(&fed.host);
}

static void a_full_inbox_takes_a_part_and_asks_again_when_it_was_read(void)
{
    vst_engine_options options = fed_options(&fed);
    size_t taken = 9;
    options.fed_inbox_bytes = 8;
    fed_open(&fed, &options);
    vst_id conn = fed_incoming(&fed, NULL, NULL);
    CHECK_EQ(fed_hands(&fed, conn, "01234567"), 8);
    CHECK(!(fed_last(&fed, conn).asks & VST_FED_RECEIVE));
    CHECK_EQ(fed_hands(&fed, conn, "89"), 0);
    CHECK(says(conn, " inbox=8 inbox_max=8"));
    reads(conn, 8, "01234567");
    CHECK(fed_last(&fed, conn).asks & VST_FED_RECEIVE);
    CHECK_EQ(reads_none(conn), VST_WAIT);
    unsigned readable = fed.host.reported[VST_EVENT_READABLE];
    CHECK_EQ(fed_hands(&fed, conn, "0123456789ab"), 8);
    CHECK_EQ(fed.host.reported[VST_EVENT_READABLE], readable + 1);
    /* What did not fit is reported again. */
    reads(conn, 64, "01234567");
    CHECK_EQ(fed_hands(&fed, conn, "89ab"), 4);
    reads(conn, 64, "89ab");
    /* Of no bytes, none are taken. */
    CHANGES_NOTHING(conn, vst_fed_received(fed.host.engine, conn, NULL, 0, &taken), VST_OK);
    CHECK_EQ(taken, 0);
    host_free(&fed.host);
}

/* ---- sending ---- */

static void bytes_stay_until_they_are_reported_as_sent(void)
{
    char bytes[64];
    size_t got;
    fed_new(&fed);
    vst_engine *engine = fed.host.engine;
    vst_id conn = fed_incoming(&fed, NULL, NULL);
    send_text(conn, "hello world", 11);
    vst_fed_ask ask = fed_last(&fed, conn);
    CHECK_EQ(ask.asks, VST_FED_RECEIVE | VST_FED_SEND);
    CHECK_EQ(ask.unsent, 11);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(vst_fed_copy_unsent(engine, conn, 0, bytes, 5, &got), VST_OK);
        CHECK(got == 5 && memcmp(bytes, "hello", 5) == 0);
    }
    CHECK_EQ(vst_fed_copy_unsent(engine, conn, 6, bytes, sizeof bytes, &got), VST_OK);
    CHECK(got == 5 && memcmp(bytes, "world", 5) == 0);
    CHECK_EQ(vst_fed_copy_unsent(engine, conn, 11, bytes, sizeof bytes, &got), VST_OK);
    CHECK_EQ(got, 0);
    CHECK_EQ(vst_fed_copy_unsent(engine, conn, 0, NULL, 0, &got), VST_OK);
    CHECK_EQ(got, 0);
    got = 9;
    CHANGES_NOTHING(conn, vst_fed_copy_unsent(engine, conn, 12, bytes, sizeof bytes, &got), VST_OK);
    CHECK_EQ(got, 0);
    CHECK(says(conn, " outbox=11 "));

    CHECK_EQ(vst_fed_sent(engine, conn, 6), VST_OK);
    CHECK(fed_waits(&fed, conn, "world"));
    CHANGES_NOTHING(conn, vst_fed_sent(engine, conn, 6), VST_E_ARGUMENT);
    CHANGES_NOTHING(conn, vst_fed_sent(engine, conn, SIZE_MAX), VST_E_ARGUMENT);
    CHECK(fed_waits(&fed, conn, "world"));
    /* It is asked again when more is added, and not before. */
    unsigned times = fed_times(&fed, conn, VST_FED_SEND);
    fed_pass(&fed, FED_SECOND);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_SEND), times);
    send_text(conn, "!", 1);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_SEND), times + 1);
    CHECK_EQ(fed_last(&fed, conn).unsent, 6);
    fed_takes(&fed, conn, "world!");
    CHECK(fed_waits(&fed, conn, ""));
    CHECK_EQ(vst_fed_sent(engine, conn, 0), VST_OK);
    send_text(conn, "more", 4);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_SEND), times + 2);
    CHECK_EQ(fed_last(&fed, conn).unsent, 4);
    host_free(&fed.host);
}

static void a_full_outbox_takes_no_more_until_some_was_sent(void)
{
    vst_engine_options options = fed_options(&fed);
    size_t taken;
    options.fed_outbox_bytes = 8;
    fed_open(&fed, &options);
    vst_id conn = fed_incoming(&fed, NULL, NULL);
    send_text(conn, "0123456789", 8);
    CHECK_EQ(vst_conn_send(fed.host.engine, conn, "89", 2, &taken), VST_WAIT);
    CHECK_EQ(taken, 0);
    CHECK_EQ(fed.host.reported[VST_EVENT_WRITABLE], 0);
    CHECK(says(conn, " outbox=8 outbox_max=8"));
    CHECK_EQ(vst_fed_sent(fed.host.engine, conn, 4), VST_OK);
    CHECK_EQ(fed.host.reported[VST_EVENT_WRITABLE], 1);
    send_text(conn, "89abcd", 4);
    CHECK(fed_waits(&fed, conn, "456789ab"));
    CHECK_EQ(vst_fed_sent(fed.host.engine, conn, 8), VST_OK);
    CHECK_EQ(fed.host.reported[VST_EVENT_WRITABLE], 1);
    host_free(&fed.host);
}

/* ---- opening ---- */

static void it_is_asked_once_to_be_opened_to_an_address_and_from_one(void)
{
    static const char path[] = "/run/a";
    uint32_t state;
    fed_new(&fed);
    vst_id conn = fed_outgoing(&fed, "192.0.2.1:80", "192.0.2.9:7");
    CHECK_EQ(fed.asked, 1);
    vst_fed_ask ask = fed_last(&fed, conn);
    CHECK_EQ(ask.asks, VST_FED_OPEN);
    CHECK(ask.data == NULL && ask.unsent == 0);
    CHECK(fed_is_addr(&ask.to, 1, 80) && fed_is_addr(&ask.from, 9, 7));
    fed_pass(&fed, FED_SECOND);
    CHECK_EQ(fed.asked, 1);
    CHECK_EQ(vst_conn_state(fed.host.engine, conn, &state), VST_OK);
    CHECK_EQ(state, VST_STATE_CONNECTING);
    CHECK_EQ(fed.host.reported[VST_EVENT_CONNECTED], 0);
    CHECK_EQ(vst_fed_opened(fed.host.engine, conn, NULL), VST_OK);
    CHECK(fed.host.last[VST_EVENT_CONNECTED] == conn);
    CHECK_EQ(fed_last(&fed, conn).asks, VST_FED_RECEIVE);
    CHECK_EQ(fed_last(&fed, conn).to.family, VST_ADDR_NONE);

    conn = fed_outgoing(&fed, "unix:/run/a", NULL);
    ask = fed_last(&fed, conn);
    CHECK(ask.to.family == VST_ADDR_UNIX && ask.to.len == strlen(path));
    CHECK(memcmp(ask.to.bytes, path, strlen(path)) == 0);
    CHECK_EQ(ask.from.family, VST_ADDR_NONE);
    host_free(&fed.host);
}

static void one_that_was_refused_ends_as_over_a_socket(void)
{
    static const struct { int sys_errno; uint32_t why; } cases[] = {
        {ECONNREFUSED, VST_WHY_REFUSED},
        {ETIMEDOUT, VST_WHY_TIMED_OUT},
        {EHOSTUNREACH, VST_WHY_UNREACHABLE},
    };
    fed_new(&fed);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vst_id conn = fed_outgoing(&fed, "192.0.2.1:80", NULL);
        CHANGES_NOTHING(conn, vst_fed_failed(fed.host.engine, conn, 0), VST_E_ARGUMENT);
        CHANGES_NOTHING(conn, vst_fed_failed(fed.host.engine, conn, -ECONNREFUSED), VST_E_ARGUMENT);
        CHECK_EQ(vst_fed_failed(fed.host.engine, conn, cases[i].sys_errno), VST_OK);
        it_ended(conn, VST_OP_CTRL_CONNECT, cases[i].why, cases[i].sys_errno);
        /* There is nothing below that could be closed. */
        CHECK_EQ(fed_times(&fed, conn, VST_FED_CLOSE | VST_FED_RESET), 0);
        CHECK_EQ(vst_fed_failed(fed.host.engine, conn, ECONNREFUSED), VST_E_STALE);
    }
    host_free(&fed.host);
}

static void what_this_machine_lacks_is_asked_for_again_after_a_pause(void)
{
    static const int lacks[] = {EMFILE, ENOBUFS, EADDRNOTAVAIL};
    fed_new(&fed);
    vst_id conn = fed_outgoing(&fed, "192.0.2.1:80", "192.0.2.9:0");
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(fed_times(&fed, conn, VST_FED_OPEN), i + 1);
        CHECK_EQ(vst_fed_failed(fed.host.engine, conn, lacks[i]), VST_OK);
        CHECK_EQ(fed_times(&fed, conn, VST_FED_OPEN), i + 1);
        /* In the pause nothing is below it. */
        CHANGES_NOTHING(conn, vst_fed_opened(fed.host.engine, conn, NULL), VST_E_STATE);
        CHANGES_NOTHING(conn, vst_fed_failed(fed.host.engine, conn, EMFILE), VST_E_STATE);
        CHANGES_NOTHING(conn, vst_fed_closed(fed.host.engine, conn), VST_E_STATE);
        CHECK_EQ(vst_engine_wait(fed.host.engine, &fed.host.wait), VST_OK);
        CHECK(fed.host.wait.deadline_ns <= fed.clock + FED_SECOND);
        fed_pass(&fed, FED_SECOND);
    }
    CHECK_EQ(fed_times(&fed, conn, VST_FED_OPEN), 4);
    vst_fed_ask ask = fed_last(&fed, conn);
    CHECK(fed_is_addr(&ask.to, 1, 80) && fed_is_addr(&ask.from, 9, 0));
    CHECK_EQ(vst_fed_opened(fed.host.engine, conn, NULL), VST_OK);
    CHECK(fed.host.last[VST_EVENT_CONNECTED] == conn);

    /* In the end it is given up, and the reason is what was lacking: it counts against no server. */
    conn = fed_outgoing(&fed, "192.0.2.1:80", NULL);
    for (unsigned i = 0; fed_end(&fed, conn) == NULL && i < 100; i++) {
        unsigned times = fed_times(&fed, conn, VST_FED_OPEN);
        CHECK_EQ(vst_fed_failed(fed.host.engine, conn, EMFILE), VST_OK);
        do
            fed_pass(&fed, 50 * FED_MS);
        while (fed_end(&fed, conn) == NULL && fed_times(&fed, conn, VST_FED_OPEN) == times);
    }
    it_ended(conn, VST_OP_CTRL_CONNECT, VST_WHY_LOCAL_LIMIT, EMFILE);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_CLOSE | VST_FED_RESET), 0);
    host_free(&fed.host);
}

static void one_that_is_given_up_meanwhile_is_closed_by_the_host(void)
{
    size_t taken = 0;
    for (int opens = 0; opens < 2; opens++) {
        fed_new(&fed);
        vst_engine *engine = fed.host.engine;
        vst_id conn = fed_outgoing(&fed, "192.0.2.1:80", NULL);
        fed_pass(&fed, 10 * FED_SECOND); /* timeout_connect_ns is 5 s */
        CHECK_EQ(fed_times(&fed, conn, VST_FED_CLOSE | VST_FED_RESET), 1);
        CHECK(fed_end(&fed, conn) == NULL);
        if (opens) {
            /* It came about after all; nothing that it says matters any more. */
            CHECK_EQ(vst_fed_opened(engine, conn, NULL), VST_OK);
            CHECK_EQ(vst_fed_received(engine, conn, "late", 4, &taken), VST_OK);
            CHECK_EQ(taken, 4);
            CHECK_EQ(vst_fed_ended(engine, conn), VST_OK);
            CHECK_EQ(vst_fed_closed(engine, conn), VST_OK);
            CHECK_EQ(vst_fed_closed(engine, conn), VST_E_STALE);
        } else {
            CHECK_EQ(vst_fed_failed(engine, conn, ECONNREFUSED), VST_OK);
        }
        it_ended(conn, VST_OP_CTRL_CONNECT, VST_WHY_TIMED_OUT, 0);
        CHECK_EQ(fed.host.reported[VST_EVENT_CONNECTED], 0);
        CHECK_EQ(vst_fed_opened(engine, conn, NULL), VST_E_STALE);
        host_free(&fed.host);
    }
}

/* ---- reports that do not fit ---- */

static void reports_that_do_not_fit_change_nothing(void)
{
    size_t taken = 9;
    vst_addr none = {.family = 99};
    fed_new(&fed);
    vst_engine *e = fed.host.engine;

    /* Before it is open. */
    vst_id conn = fed_outgoing(&fed, "192.0.2.1:80", NULL);
    CHANGES_NOTHING(conn, vst_fed_received(e, conn, "x", 1, &taken), VST_E_STATE);
    CHECK_EQ(taken, 0);
    CHANGES_NOTHING(conn, vst_fed_sent(e, conn, 0), VST_E_STATE);
    CHANGES_NOTHING(conn, vst_fed_ended(e, conn), VST_E_STATE);
    CHANGES_NOTHING(conn, vst_fed_hung_up(e, conn, ECONNRESET), VST_E_STATE);
    CHANGES_NOTHING(conn, vst_fed_closed(e, conn), VST_E_STATE);
    CHANGES_NOTHING(conn, vst_fed_opened(e, conn, &none), VST_E_ARGUMENT);

    /* Opened twice, and failed afterwards. */
    CHECK_EQ(vst_fed_opened(e, conn, NULL), VST_OK);
    CHANGES_NOTHING(conn, vst_fed_opened(e, conn, NULL), VST_E_STATE);
    CHANGES_NOTHING(conn, vst_fed_failed(e, conn, ECONNREFUSED), VST_E_STATE);
    CHANGES_NOTHING(conn, vst_fed_hung_up(e, conn, 0), VST_E_ARGUMENT);

    /* An incoming one was open from the beginning. */
    vst_id other = fed_incoming(&fed, NULL, NULL);
    CHANGES_NOTHING(other, vst_fed_opened(e, other, NULL), VST_E_STATE);
    CHANGES_NOTHING(other, vst_fed_failed(e, other, ECONNREFUSED), VST_E_STATE);

    /* After its end, bytes and another end. */
    CHECK_EQ(fed_hands(&fed, other, "last"), 4);
    CHECK_EQ(vst_fed_ended(e, other), VST_OK);
    taken = 9;
    CHANGES_NOTHING(other, vst_fed_received(e, other, "x", 1, &taken), VST_E_STATE);
    CHECK_EQ(taken, 0);
    CHANGES_NOTHING(other, vst_fed_ended(e, other), VST_E_STATE);
    reads(other, 64, "last");
    CHECK_EQ(reads_none(other), VST_END);
    CHECK(!(fed_last(&fed, other).asks & VST_FED_RECEIVE));

    /* Bytes after a failure. */
    CHECK_EQ(vst_fed_hung_up(e, conn, EPIPE), VST_OK);
    CHANGES_NOTHING(conn, vst_fed_received(e, conn, "x", 1, &taken), VST_E_STATE);
    CHECK_EQ(taken, 0);
    host_free(&fed.host);
}

static void only_fed_ones_are_reported_about(void)
{
    int pair[2];
    char bytes[8];
    size_t n = 9;
    vst_id conn;
    fed_new(&fed);
    vst_engine *e = fed.host.engine;
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    MUST(vst_conn_adopt(e, pair[0], NULL, &conn, NULL, NULL, 0) == VST_OK);
    CHANGES_NOTHING(conn, vst_fed_opened(e, conn, NULL), VST_E_UNSUPPORTED);
    CHANGES_NOTHING(conn, vst_fed_failed(e, conn, ECONNREFUSED), VST_E_UNSUPPORTED);
    CHANGES_NOTHING(conn, vst_fed_received(e, conn, "x", 1, &n), VST_E_UNSUPPORTED);
    CHECK_EQ(n, 0);
    CHANGES_NOTHING(conn, vst_fed_sent(e, conn, 0), VST_E_UNSUPPORTED);
    CHANGES_NOTHING(conn, vst_fed_ended(e, conn), VST_E_UNSUPPORTED);
    CHANGES_NOTHING(conn, vst_fed_hung_up(e, conn, ECONNRESET), VST_E_UNSUPPORTED);
    CHANGES_NOTHING(conn, vst_fed_closed(e, conn), VST_E_UNSUPPORTED);
    CHANGES_NOTHING(conn, vst_fed_set_data(e, conn, &fed), VST_E_UNSUPPORTED);
    n = 9;
    CHANGES_NOTHING(conn, vst_fed_copy_unsent(e, conn, 0, bytes, sizeof bytes, &n),
                    VST_E_UNSUPPORTED);
    CHECK_EQ(n, 0);
    CHECK_EQ(fed.asked, 0);
    CHECK(!says(conn, " fed="));
    host_free(&fed.host);
    close(pair[1]);
}

/* ---- failures ---- */

static void a_hang_up_ends_a_session_that_is_not_read_and_loses_no_byte(void)
{
    fed_new(&fed);
    vst_engine *e = fed.host.engine;
    vst_id conn = fed_incoming(&fed, NULL, NULL);
    send_text(conn, "lost", 4);
    CHECK_EQ(fed_hands(&fed, conn, "left"), 4);
    CHECK_EQ(vst_fed_hung_up(e, conn, ECONNRESET), VST_OK);
    CHECK(fed_end(&fed, conn) == NULL);
    /* Nothing is received or sent any more. */
    CHECK(!(fed_last(&fed, conn).asks & (VST_FED_RECEIVE | VST_FED_SEND)));
    reads(conn, 2, "le");
    reads(conn, 64, "ft");
    CHECK_EQ(reads_none(conn), VST_E_RESET);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_RESET), 1);
    CHECK(fed_end(&fed, conn) == NULL);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
    it_ended(conn, 0, VST_WHY_RESET, ECONNRESET);
    CHECK_EQ(fed_end(&fed, conn)->bytes_in, 4);

    /* A host that waits for bytes is told to read, and learns it so. */
    conn = fed_incoming(&fed, NULL, NULL);
    CHECK_EQ(reads_none(conn), VST_WAIT);
    unsigned readable = fed.host.reported[VST_EVENT_READABLE];
    CHECK_EQ(vst_fed_hung_up(e, conn, ETIMEDOUT), VST_OK);
    CHECK_EQ(fed.host.reported[VST_EVENT_READABLE], readable + 1);
    CHECK_EQ(reads_none(conn), VST_E_FAILED);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_RESET), 1);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
    it_ended(conn, 0, VST_WHY_TIMED_OUT, ETIMEDOUT);
    host_free(&fed.host);
}

static void closed_without_being_asked_is_a_reset(void)
{
    fed_new(&fed);
    vst_engine *e = fed.host.engine;
    vst_id conn = fed_incoming(&fed, NULL, NULL);
    CHECK_EQ(fed_hands(&fed, conn, "left"), 4);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
    CHANGES_NOTHING(conn, vst_fed_closed(e, conn), VST_E_STATE);
    reads(conn, 64, "left");
    CHECK_EQ(reads_none(conn), VST_E_RESET);
    it_ended(conn, 0, VST_WHY_RESET, ECONNRESET);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_CLOSE | VST_FED_RESET), 0);

    conn = opened_one();
    CHECK_EQ(reads_none(conn), VST_WAIT);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
    CHECK_EQ(reads_none(conn), VST_E_RESET);
    it_ended(conn, 0, VST_WHY_RESET, ECONNRESET);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_CLOSE | VST_FED_RESET), 0);
    host_free(&fed.host);
}

/* ---- closing ---- */

static void a_close_waits_for_what_is_below(void)
{
    size_t taken = 0;
    uint32_t state;
    fed_new(&fed);
    vst_engine *e = fed.host.engine;
    vst_id conn = fed_incoming(&fed, NULL, NULL);
    send_text(conn, "bye", 3);
    CHECK_EQ(vst_conn_close(e, conn), VST_OK);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_SHUT_WRITE | VST_FED_CLOSE), 0);
    CHECK_EQ(vst_fed_sent(e, conn, 3), VST_OK);
    /* All is sent: the direction to the peer ends, and the peer's end is waited for. */
    CHECK_EQ(fed_times(&fed, conn, VST_FED_SHUT_WRITE), 1);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_CLOSE), 0);
    CHECK_EQ(vst_fed_received(e, conn, "more", 4, &taken), VST_OK);
    CHECK_EQ(taken, 4);
    CHECK_EQ(vst_fed_ended(e, conn), VST_OK);
    CHECK_EQ(fed_last(&fed, conn).asks, VST_FED_CLOSE);
    /* What is below may take as long as it likes. */
    fed_pass(&fed, 1000 * FED_SECOND);
    CHECK(fed_end(&fed, conn) == NULL);
    CHECK_EQ(vst_conn_state(e, conn, &state), VST_OK);
    CHECK_EQ(vst_fed_received(e, conn, "late", 4, &taken), VST_OK);
    CHECK_EQ(taken, 4);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
    it_ended(conn, 0, 0, 0);
    CHECK_EQ(fed_end(&fed, conn)->bytes_out, 3);
    CHECK_EQ(fed_end(&fed, conn)->bytes_in, 4);
    CHECK_EQ(fed_end(&fed, conn)->discarded, 4);
    CHECK_EQ(fed_end(&fed, conn)->lost, 0);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_RESET), 0);
    CHECK_EQ(vst_fed_closed(e, conn), VST_E_STALE);
    CHECK_EQ(vst_fed_received(e, conn, "late", 4, &taken), VST_E_STALE);
    CHECK_EQ(taken, 0);
    CHECK_EQ(vst_fed_sent(e, conn, 0), VST_E_STALE);
    CHECK_EQ(vst_fed_copy_unsent(e, conn, 0, &state, sizeof state, &taken), VST_E_STALE);
    host_free(&fed.host);
}

static void an_abort_asks_for_a_reset(void)
{
    fed_new(&fed);
    vst_engine *e = fed.host.engine;
    vst_id conn = fed_incoming(&fed, NULL, NULL);
    send_text(conn, "lost", 4);
    CHECK_EQ(vst_conn_abort(e, conn), VST_OK);
    CHECK_EQ(fed_last(&fed, conn).asks, VST_FED_RESET);
    CHECK_EQ(fed_last(&fed, conn).unsent, 0);
    /* The host sent some before it knew. */
    CHECK_EQ(vst_fed_sent(e, conn, 2), VST_OK);
    CHECK(fed_end(&fed, conn) == NULL);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
    CHECK(fed_end(&fed, conn) != NULL);
    CHECK_EQ(fed_end(&fed, conn)->conn, conn);

    /* Also of one that is being opened. */
    conn = fed_outgoing(&fed, "192.0.2.1:80", NULL);
    CHECK_EQ(vst_conn_abort(e, conn), VST_OK);
    CHECK_EQ(fed_last(&fed, conn).asks, VST_FED_RESET);
    CHECK(fed_end(&fed, conn) == NULL);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
    CHECK(fed_end(&fed, conn) != NULL);

    /* Also of one that is being closed, which is asked after the close and is asked nothing else. */
    conn = fed_incoming(&fed, NULL, NULL);
    CHECK_EQ(vst_fed_ended(e, conn), VST_OK);
    CHECK_EQ(vst_conn_close(e, conn), VST_OK);
    CHECK_EQ(fed_last(&fed, conn).asks, VST_FED_CLOSE);
    CHECK_EQ(vst_conn_abort(e, conn), VST_OK);
    CHECK_EQ(fed_last(&fed, conn).asks, VST_FED_RESET);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_CLOSE), 1);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_RESET), 1);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
    CHECK(fed_end(&fed, conn) != NULL);
    host_free(&fed.host);
}

static void the_direction_to_the_peer_is_ended_once_behind_the_last_byte(void)
{
    fed_new(&fed);
    vst_engine *e = fed.host.engine;
    vst_id conn = fed_incoming(&fed, NULL, NULL);
    send_text(conn, "abc", 3);
    CHECK_EQ(vst_conn_shutdown(e, conn, VST_SHUT_WRITE), VST_OK);
    CHECK_EQ(vst_fed_sent(e, conn, 2), VST_OK);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_SHUT_WRITE), 0);
    CHECK_EQ(vst_fed_sent(e, conn, 1), VST_OK);
    CHECK_EQ(fed_last(&fed, conn).asks, VST_FED_RECEIVE | VST_FED_SHUT_WRITE);
    /* The other direction goes on. */
    CHECK_EQ(reads_none(conn), VST_WAIT);
    CHECK_EQ(fed_hands(&fed, conn, "still"), 5);
    reads(conn, 64, "still");
    fed_pass(&fed, FED_SECOND);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_SHUT_WRITE), 1);
    CHECK_EQ(vst_fed_ended(e, conn), VST_OK);
    CHECK_EQ(reads_none(conn), VST_END);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_SHUT_WRITE), 1);
    CHECK_EQ(fed_last(&fed, conn).asks, VST_FED_CLOSE);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
    it_ended(conn, 0, 0, 0);
    host_free(&fed.host);
}

static unsigned resets;

static void during_the_free(struct fed *host, const vst_fed_ask *ask)
{
    uint32_t state;
    CHECK_EQ(ask->asks, VST_FED_RESET);
    CHECK_EQ(vst_conn_state(host->host.engine, ask->conn, &state), VST_E_REENTRANT);
    CHECK_EQ(vst_fed_closed(host->host.engine, ask->conn), VST_E_REENTRANT);
    resets++;
}

static void freeing_the_engine_asks_once_to_reset_each(void)
{
    fed_new(&fed);
    vst_engine *e = fed.host.engine;
    vst_id ids[5] = {
        fed_incoming(&fed, NULL, NULL), fed_incoming(&fed, NULL, NULL),
        fed_incoming(&fed, NULL, NULL), fed_outgoing(&fed, "192.0.2.1:80", NULL),
        fed_outgoing(&fed, "192.0.2.1:80", NULL),
    };
    CHECK_EQ(vst_fed_ended(e, ids[1]), VST_OK);
    CHECK_EQ(vst_conn_close(e, ids[1]), VST_OK);
    CHECK_EQ(fed_times(&fed, ids[1], VST_FED_CLOSE), 1);
    CHECK_EQ(vst_conn_abort(e, ids[2]), VST_OK);
    CHECK_EQ(fed_times(&fed, ids[2], VST_FED_RESET), 1);
    /* There is nothing below the last one: it is in the pause before it is opened again. */
    CHECK_EQ(vst_fed_failed(e, ids[4], EMFILE), VST_OK);
    resets = 0;
    fed.answer = during_the_free;
    host_free(&fed.host);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(fed_times(&fed, ids[i], VST_FED_RESET), 1);
    CHECK_EQ(fed_times(&fed, ids[4], VST_FED_RESET), 0);
    CHECK_EQ(resets, 3);
    CHECK_EQ(fed.ended, 0);
}

/* ---- reports from within ---- */

static void does_at_once(struct fed *host, const vst_fed_ask *ask)
{
    vst_engine *e = host->host.engine;
    char bytes[64];
    size_t got;
    if (ask->asks & VST_FED_OPEN)
        CHECK_EQ(vst_fed_opened(e, ask->conn, NULL), VST_OK);
    if (ask->asks & VST_FED_SEND) {
        CHECK_EQ(vst_fed_copy_unsent(e, ask->conn, 0, bytes, sizeof bytes, &got), VST_OK);
        CHECK_EQ(got, ask->unsent);
        CHECK_EQ(vst_fed_sent(e, ask->conn, got), VST_OK);
        /* The peer says it again. */
        CHECK_EQ(vst_fed_received(e, ask->conn, bytes, got, &got), VST_OK);
    }
    if (ask->asks & VST_FED_SHUT_WRITE)
        CHECK_EQ(vst_fed_ended(e, ask->conn), VST_OK);
    if (ask->asks & (VST_FED_CLOSE | VST_FED_RESET))
        CHECK_EQ(vst_fed_closed(e, ask->conn), VST_OK);
}

static void reports_may_be_made_from_the_ask(void)
{
    fed_new(&fed);
    fed.answer = does_at_once;
    vst_engine *e = fed.host.engine;
    vst_id conn = fed_outgoing(&fed, "192.0.2.1:80", NULL);
    CHECK(fed.host.last[VST_EVENT_CONNECTED] == conn);
    CHECK_EQ(reads_none(conn), VST_WAIT);
    send_text(conn, "echo", 4);
    CHECK_EQ(fed.host.reported[VST_EVENT_READABLE], 1);
    reads(conn, 64, "echo");
    CHECK_EQ(vst_conn_close(e, conn), VST_OK);
    it_ended(conn, 0, 0, 0);
    CHECK_EQ(fed_end(&fed, conn)->bytes_in, 4);
    CHECK_EQ(fed_end(&fed, conn)->bytes_out, 4);
    conn = fed_outgoing(&fed, "192.0.2.1:80", NULL);
    CHECK_EQ(vst_conn_abort(e, conn), VST_OK);
    CHECK(fed_end(&fed, conn) != NULL);
    host_free(&fed.host);
}

/* ---- what is known of it ---- */

static void there_is_no_descriptor(void)
{
    int fd = 5;
    char bytes[8];
    size_t len = 5;
    vst_layers layers = {.size = sizeof layers};
    fed_new(&fed);
    vst_id conn = fed_incoming(&fed, NULL, NULL);
    CHANGES_NOTHING(conn, vst_conn_take_fd(fed.host.engine, conn, &fd, bytes, sizeof bytes, &len),
                    VST_E_UNSUPPORTED);
    CHECK(fd == -1 && len == 0);
    CHECK_EQ(vst_conn_layers(fed.host.engine, conn, &layers), VST_OK);
    CHECK(layers.ctrl.initialized && layers.ctrl.connected);
    host_free(&fed.host);
}

static void it_describes_itself_and_is_counted(void)
{
    char text[65536];
    size_t len;
    fed_new(&fed);
    vst_engine *e = fed.host.engine;
    CHECK_EQ(vst_metrics_text(e, text, sizeof text - 1, &len), VST_OK);
    text[len] = 0;
    CHECK(strstr(text, "\nvestibule_fed_connections 0\n") != NULL);
    vst_id conn = fed_outgoing(&fed, "192.0.2.1:80", NULL);
    CHECK(says(conn, " fed=unopened asks=open "));
    CHECK_EQ(vst_fed_opened(e, conn, NULL), VST_OK);
    CHECK(says(conn, " fed=open asks=receive inbox=0 inbox_max=65536 outbox=0 outbox_max=65536"));
    CHECK_EQ(fed_hands(&fed, conn, "12345"), 5);
    send_text(conn, "abc", 3);
    CHECK(says(conn, " fed=open asks=receive+send inbox=5 ") && says(conn, " outbox=3 "));
    CHECK_EQ(vst_metrics_text(e, text, sizeof text - 1, &len), VST_OK);
    text[len] = 0;
    CHECK(strstr(text, "\nvestibule_fed_connections 1\n") != NULL);
    CHECK(strstr(text, "\nvestibule_fed_inbox_bytes 5\n") != NULL);
    CHECK(strstr(text, "\nvestibule_fed_outbox_bytes 3\n") != NULL);
    CHECK_EQ(vst_conn_abort(e, conn), VST_OK);
    CHECK(says(conn, " fed=closing asks=") && says(conn, " inbox=0 ") && says(conn, " outbox=0 "));
    host_free(&fed.host);
}

static void the_user_at_the_other_end_is_whom_the_host_names(void)
{
    uint32_t uid = 9;
    vst_feed_args args = {.size = sizeof args, .peer_uid = 1234};
    fed_new(&fed);
    vst_engine *e = fed.host.engine;
    vst_id conn = fed_incoming(&fed, NULL, NULL);
    CHECK_EQ(vst_conn_peer_uid(e, conn, &uid), VST_NONE);
    CHECK_EQ(uid, UINT32_MAX);
    conn = fed_incoming(&fed, NULL, &args);
    CHECK_EQ(vst_conn_peer_uid(e, conn, &uid), VST_NONE);
    args.flags = VST_FEED_PEER_UID;
    conn = fed_incoming(&fed, NULL, &args);
    CHECK_EQ(vst_conn_peer_uid(e, conn, &uid), VST_OK);
    CHECK_EQ(uid, 1234);
    args.peer_uid = 0;
    conn = fed_incoming(&fed, NULL, &args);
    CHECK_EQ(vst_conn_peer_uid(e, conn, &uid), VST_OK);
    CHECK_EQ(uid, 0);
    host_free(&fed.host);
}

static void its_addresses_are_those_that_the_host_names(void)
{
    vst_addr peer = fed_addr(7, 1024), local = fed_addr(8, 80), none = {0}, a, b;
    vst_feed_args args = {.size = sizeof args, .peer = &peer, .local = &local};
    fed_new(&fed);
    vst_engine *e = fed.host.engine;
    vst_id conn = fed_incoming(&fed, NULL, &args);
    CHECK_EQ(vst_conn_socket_addrs(e, conn, &a, &b), VST_OK);
    CHECK(fed_is_addr(&a, 7, 1024) && fed_is_addr(&b, 8, 80));
    CHECK_EQ(vst_conn_addrs(e, conn, &a, &b), VST_OK);
    CHECK(fed_is_addr(&a, 7, 1024) && fed_is_addr(&b, 8, 80));
    CHECK_EQ(vst_conn_abort(e, conn), VST_OK);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
    CHECK(fed_is_addr(&fed_end(&fed, conn)->peer, 7, 1024));
    CHECK(fed_is_addr(&fed_end(&fed, conn)->local, 8, 80));

    /* Of an outgoing one, our end is known when it is open. */
    conn = fed_outgoing(&fed, "192.0.2.1:80", NULL);
    CHECK_EQ(vst_fed_opened(e, conn, &local), VST_OK);
    CHECK_EQ(vst_conn_socket_addrs(e, conn, &a, &b), VST_OK);
    CHECK(fed_is_addr(&a, 1, 80) && fed_is_addr(&b, 8, 80));
    CHECK_EQ(vst_conn_abort(e, conn), VST_OK);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
    CHECK(fed_is_addr(&fed_end(&fed, conn)->peer, 1, 80));

    /* Without addresses it counts as an unnamed unix socket. */
    args.peer = &none, args.local = &none;
    for (int i = 0; i < 2; i++) {
        conn = fed_incoming(&fed, NULL, i == 0 ? NULL : &args);
        CHECK_EQ(vst_conn_abort(e, conn), VST_OK);
        CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
        const vst_end *end = fed_end(&fed, conn);
        CHECK(end->peer.family == VST_ADDR_UNIX && end->peer.len == 0);
        CHECK_EQ(end->local.family, VST_ADDR_NONE);
    }
    host_free(&fed.host);
}

/* ---- what incoming ones go through ---- */

static void a_header_is_read_whatever_its_pieces(void)
{
    static const char header[] = "PROXY TCP4 198.51.100.1 198.51.100.2 5 6\r\nahead";
    vst_addr peer = fed_addr(7, 1024), a, b;
    vst_feed_args args = {.size = sizeof args, .peer = &peer};
    vst_accept_options options = {.size = sizeof options, .accept_proxy = "192.0.2.0/24"};
    fed_new(&fed);
    vst_id conn = fed_incoming(&fed, &options, &args);
    for (size_t i = 0; i < strlen(header); i++) {
        size_t taken;
        CHECK_EQ(fed.host.reported[VST_EVENT_SESSION], i > strlen(header) - 6);
        CHECK_EQ(vst_fed_received(fed.host.engine, conn, header + i, 1, &taken), VST_OK);
        CHECK_EQ(taken, 1);
    }
    CHECK(fed.host.last[VST_EVENT_SESSION] == conn);
    CHECK_EQ(vst_conn_addrs(fed.host.engine, conn, &a, &b), VST_OK);
    CHECK(a.port == 5 && b.port == 6);
    reads(conn, 64, "ahead");

    /* One that never comes in time, and one that is none. */
    conn = fed_incoming(&fed, &options, &args);
    fed_pass(&fed, 6 * FED_SECOND); /* timeout_proxy_ns is 5 s */
    CHECK_EQ(fed_times(&fed, conn, VST_FED_CLOSE | VST_FED_RESET), 1);
    CHECK_EQ(vst_fed_closed(fed.host.engine, conn), VST_OK);
    it_ended(conn, VST_OP_ACCEPT_PROXY, VST_WHY_TIMED_OUT, 0);
    conn = fed_incoming(&fed, &options, &args);
    CHECK_EQ(fed_hands(&fed, conn, "GET / HTTP/1.0\r\n"), 16);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_CLOSE | VST_FED_RESET), 1);
    CHECK_EQ(vst_fed_closed(fed.host.engine, conn), VST_OK);
    CHECK(fed_end(&fed, conn) != NULL && fed_end(&fed, conn)->at == VST_OP_ACCEPT_PROXY);
    CHECK_EQ(fed.host.reported[VST_EVENT_SESSION], 1);
    CHECK_EQ(fed.host.reported[VST_EVENT_REFUSED], 0);
    host_free(&fed.host);
}

static void rules_are_asked_about_it(void)
{
    static const char text[] = "tcp-request connection reject if { src 192.0.2.66 }\n"
                               "tcp-request connection set-var(txn.from) src\n"
                               "tcp-request connection set-mark 7\n"
                               "tcp-request inspect-delay 5s\n"
                               "tcp-request content accept if { src 192.0.2.67 } { req.len ge 4 }\n"
                               "tcp-request content reject\n";
    vst_addr peer = fed_addr(66, 1024);
    vst_feed_args args = {.size = sizeof args, .peer = &peer};
    vst_accept_options options = {.size = sizeof options};
    vst_rules *rules;
    char why[512] = "", value[32] = "";
    size_t len;
    vst_status made = vst_rules_new((const uint8_t *)text, strlen(text), NULL, 0, NULL, &rules, why,
                                    sizeof why);
    if (made != VST_OK)
        fprintf(stderr, "%s\n", why);
    MUST(made == VST_OK);
    options.rules = rules;
    fed_new(&fed);
    vst_engine *e = fed.host.engine;
    vst_id conn = fed_incoming(&fed, &options, &args);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_CLOSE | VST_FED_RESET), 1);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
    it_ended(conn, VST_OP_TCP_RULES, VST_WHY_DENIED, 0);

    peer = fed_addr(67, 1024);
    conn = fed_incoming(&fed, &options, &args);
    CHECK_EQ(fed_hands(&fed, conn, "goo"), 3);
    CHECK_EQ(fed.host.reported[VST_EVENT_SESSION], 0);
    CHECK_EQ(fed_hands(&fed, conn, "d"), 1);
    CHECK(fed.host.last[VST_EVENT_SESSION] == conn);
    CHECK_EQ(vst_conn_variable(e, conn, "txn.from", value, sizeof value, &len), VST_OK);
    CHECK(strcmp(value, "192.0.2.67") == 0);
    reads(conn, 64, "good");

    peer = fed_addr(68, 1024);
    conn = fed_incoming(&fed, &options, &args);
    CHECK_EQ(fed_times(&fed, conn, VST_FED_CLOSE | VST_FED_RESET), 1);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
    it_ended(conn, VST_OP_INSPECT, VST_WHY_DENIED, 0);
    vst_rules_free(rules);
    host_free(&fed.host);
}

/* ---- pulled ---- */

static void asks_are_pulled_where_there_is_no_callback(void)
{
    vst_engine_options options = fed_options(&fed);
    vst_fed_ask ask = {.size = sizeof ask}, zero = {.size = sizeof zero};
    options.fed = NULL;
    fed_open(&fed, &options);
    vst_engine *e = fed.host.engine;
    memset(&ask.asks, 0xa5, sizeof ask - sizeof ask.size);
    CHECK_EQ(vst_fed_next(e, &ask), VST_NONE);
    CHECK(memcmp(&ask, &zero, sizeof ask) == 0);
    vst_id one = fed_incoming(&fed, NULL, NULL), two = fed_outgoing(&fed, "192.0.2.1:80", NULL);
    CHECK_EQ(vst_engine_wait(e, &fed.host.wait), VST_OK);
    CHECK(fed.host.wait.flags & VST_WAIT_RUNNABLE);
    CHECK_EQ(vst_fed_next(e, &ask), VST_OK);
    CHECK(ask.conn == one && ask.asks == VST_FED_RECEIVE && ask.size == sizeof ask);
    CHECK_EQ(vst_fed_next(e, &ask), VST_OK);
    CHECK(ask.conn == two && ask.asks == VST_FED_OPEN && fed_is_addr(&ask.to, 1, 80));
    CHECK_EQ(vst_fed_next(e, &ask), VST_NONE);
    CHECK_EQ(vst_engine_wait(e, &fed.host.wait), VST_OK);
    CHECK(!(fed.host.wait.flags & VST_WAIT_RUNNABLE));
    /* Several changes of one connection are one ask. */
    send_text(one, "a", 1);
    send_text(one, "b", 1);
    CHECK_EQ(vst_fed_ended(e, one), VST_OK);
    CHECK_EQ(vst_fed_next(e, &ask), VST_OK);
    CHECK(ask.conn == one && ask.unsent == 2);
    CHECK_EQ(vst_fed_next(e, &ask), VST_NONE);
    /* What is gone before it was pulled asks nothing. */
    vst_id three = fed_outgoing(&fed, "192.0.2.1:80", NULL);
    CHECK_EQ(vst_conn_abort(e, three), VST_OK);
    CHECK_EQ(vst_fed_next(e, &ask), VST_NONE);
    CHECK(fed_end(&fed, three) != NULL);

    host_free(&fed.host);
    fed_new(&fed);
    ask.asks = 5;
    CHECK_EQ(vst_fed_next(fed.host.engine, &ask), VST_E_MODE);
    CHECK(memcmp(&ask, &zero, sizeof ask) == 0);
    host_free(&fed.host);
}

/* ---- limits and time ---- */

static void a_limit_counts_fed_ones_as_well(void)
{
    vst_accept_options options = {.size = sizeof options};
    vst_accept_config *config;
    vst_engine_options of_engine = fed_options(&fed);
    vst_id other = 9;
    char why[128] = "";
    of_engine.max_conns = 1;
    fed_open(&fed, &of_engine);
    vst_id conn = fed_incoming(&fed, NULL, NULL);
    MUST(vst_accept_config_new(&options, &config, NULL, 0) == VST_OK);
    CHECK_EQ(vst_conn_feed(fed.host.engine, config, NULL, &other, why, sizeof why), VST_E_LIMIT);
    CHECK(other == 0 && strlen(why) > 0);
    CHECK_EQ(vst_conn_abort(fed.host.engine, conn), VST_OK);
    CHECK_EQ(vst_fed_closed(fed.host.engine, conn), VST_OK);
    CHECK_EQ(vst_conn_feed(fed.host.engine, config, NULL, &other, why, sizeof why), VST_OK);
    vst_accept_config_free(config);
    host_free(&fed.host);
}

static void what_is_reported_after_a_deadline_is_too_late(void)
{
    vst_addr peer = fed_addr(7, 1024);
    vst_feed_args args = {.size = sizeof args, .peer = &peer};
    vst_accept_options accept = {.size = sizeof accept, .accept_proxy = "any",
                                 .timeout_proxy_ns = 1};
    vst_engine_options options = fed_options(&fed);
    size_t taken;
    options.now_ns = 0; /* a report has no time of its own: the system's clock says it */
    fed_open(&fed, &options);
    vst_engine *e = fed.host.engine;
    vst_id conn = fed_incoming(&fed, &accept, &args);
    CHECK_EQ(vst_engine_wait(e, &fed.host.wait), VST_OK);
    while (now_ns() <= fed.host.wait.deadline_ns)
        ; /* a moment */
    CHECK_EQ(vst_fed_received(e, conn, "PROXY UNKNOWN\r\n", 15, &taken), VST_OK);
    CHECK_EQ(taken, 15);
    CHECK_EQ(fed.host.reported[VST_EVENT_SESSION], 0);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
    it_ended(conn, VST_OP_ACCEPT_PROXY, VST_WHY_TIMED_OUT, 0);
    host_free(&fed.host);
}

/* ---- many bytes ---- */

static int may_write, may_read;

static void note(struct host *host, const vst_event *event)
{
    (void)host;
    may_write |= event->kind == VST_EVENT_WRITABLE;
    may_read |= event->kind == VST_EVENT_READABLE;
}

/* Moves a piece from one end to the other, and returns how many bytes that were. */
static size_t moves(vst_id from, vst_id to)
{
    char piece[700];
    size_t got, taken;
    CHECK_EQ(vst_fed_copy_unsent(fed.host.engine, from, 0, piece, sizeof piece, &got), VST_OK);
    CHECK_EQ(vst_fed_received(fed.host.engine, to, piece, got, &taken), VST_OK);
    CHECK_EQ(vst_fed_sent(fed.host.engine, from, taken), VST_OK);
    return taken;
}

static void many_bytes_go_through_small_windows(const vst_tls_server *tls_server,
                                                const vst_tls_client *tls_client)
{
    enum { ALL = 300000 };
    static char out[ALL], in[ALL];
    size_t said = 0, heard = 0, n, moved = 1;
    vst_engine_options options = fed_options(&fed);
    vst_accept_options accept = {.size = sizeof accept, .tls = tls_server};
    vst_connect_options connect = {.size = sizeof connect, .flags = VST_CONNECT_FED,
                                   .tls = tls_client, .server_name = tls_client ? "a.test" : NULL};
    vst_connect_config *config;
    vst_id client;
    options.fed_inbox_bytes = 1000;
    options.fed_outbox_bytes = 2000;
    fed_open(&fed, &options);
    vst_engine *e = fed.host.engine;
    fed.event = note;
    may_write = may_read = 0;
    for (size_t i = 0; i < ALL; i++)
        out[i] = (char)(i * 7 + i / 251);
    MUST(vst_connect_config_new(&connect, &config, NULL, 0) == VST_OK);
    MUST(vst_conn_connect(e, "192.0.2.1:443", config, NULL, &client, NULL, 0) == VST_OK);
    vst_connect_config_free(config);
    vst_id server = fed_incoming(&fed, &accept, NULL);
    CHECK_EQ(vst_fed_opened(e, client, NULL), VST_OK);
    while (heard < ALL && moved > 0) {
        fed.asked = 0; /* they are not looked at */
        moved = moves(client, server) + moves(server, client);
        fed_pass(&fed, 0);
        if (said == 0)
            may_write = fed.host.reported[VST_EVENT_CONNECTED];
        while (may_write && said < ALL) {
            may_write = vst_conn_send(e, client, out + said, ALL - said, &n) == VST_OK;
            said += n;
            moved += n;
        }
        while (may_read && fed.host.reported[VST_EVENT_SESSION] && heard < ALL) {
            may_read = vst_conn_recv(e, server, in + heard, ALL - heard, &n) == VST_OK;
            heard += n;
            moved += n;
        }
    }
    CHECK_EQ(said, ALL);
    CHECK_EQ(heard, ALL);
    CHECK(memcmp(in, out, ALL) == 0);
    host_free(&fed.host);
}

/* With this certificate and its key. */
static void many_encrypted_bytes_too(const char *pem)
{
    vst_identity identity = {.chain.file = pem};
    vst_tls_server_options of_server = {.size = sizeof of_server, .identities = &identity,
                                        .identity_count = 1};
    vst_tls_client_options of_client = {.size = sizeof of_client, .ca.file = pem};
    vst_tls_server *server;
    vst_tls_client *client;
    MUST(vst_tls_server_new(&of_server, &server, NULL, 0) == VST_OK);
    MUST(vst_tls_client_new(&of_client, &client, NULL, 0) == VST_OK);
    many_bytes_go_through_small_windows(server, client);
    vst_tls_server_free(server);
    vst_tls_client_free(client);
}

int main(int argc, char **argv)
{
    MUST(argc == 2);
    an_incoming_one_asks_first_of_all_to_receive();
    a_full_inbox_takes_a_part_and_asks_again_when_it_was_read();
    bytes_stay_until_they_are_reported_as_sent();
    a_full_outbox_takes_no_more_until_some_was_sent();
    it_is_asked_once_to_be_opened_to_an_address_and_from_one();
    one_that_was_refused_ends_as_over_a_socket();
    what_this_machine_lacks_is_asked_for_again_after_a_pause();
    one_that_is_given_up_meanwhile_is_closed_by_the_host();
    reports_that_do_not_fit_change_nothing();
    only_fed_ones_are_reported_about();
    a_hang_up_ends_a_session_that_is_not_read_and_loses_no_byte();
    closed_without_being_asked_is_a_reset();
    a_close_waits_for_what_is_below();
    an_abort_asks_for_a_reset();
    the_direction_to_the_peer_is_ended_once_behind_the_last_byte();
    freeing_the_engine_asks_once_to_reset_each();
    reports_may_be_made_from_the_ask();
    there_is_no_descriptor();
    it_describes_itself_and_is_counted();
    the_user_at_the_other_end_is_whom_the_host_names();
    its_addresses_are_those_that_the_host_names();
    a_header_is_read_whatever_its_pieces();
    rules_are_asked_about_it();
    asks_are_pulled_where_there_is_no_callback();
    a_limit_counts_fed_ones_as_well();
    what_is_reported_after_a_deadline_is_too_late();
    many_bytes_go_through_small_windows(NULL, NULL);
    many_encrypted_bytes_too(argv[1]);
    return verdict();
}
