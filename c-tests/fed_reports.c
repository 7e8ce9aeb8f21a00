/* Reports that do not fit, that come late or from inside an ask; and asks that are pulled. */
#include "fed_one.h"

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

int main(void)
{
    reports_that_do_not_fit_change_nothing();
    only_fed_ones_are_reported_about();
    reports_may_be_made_from_the_ask();
    asks_are_pulled_where_there_is_no_callback();
    a_limit_counts_fed_ones_as_well();
    what_is_reported_after_a_deadline_is_too_late();
    return verdict();
}
