/* How fed connections are opened by the host, or are not. */
#include "fed_one.h"

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

int main(void)
{
    it_is_asked_once_to_be_opened_to_an_address_and_from_one();
    one_that_was_refused_ends_as_over_a_socket();
    what_this_machine_lacks_is_asked_for_again_after_a_pause();
    one_that_is_given_up_meanwhile_is_closed_by_the_host();
    return verdict();
}
