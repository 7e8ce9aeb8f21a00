/* How fed connections fail and close, and what freeing the engine asks for. */
#include "fed_one.h"

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

int main(void)
{
    a_hang_up_ends_a_session_that_is_not_read_and_loses_no_byte();
    closed_without_being_asked_is_a_reset();
    a_close_waits_for_what_is_below();
    an_abort_asks_for_a_reset();
    the_direction_to_the_peer_is_ended_once_behind_the_last_byte();
    freeing_the_engine_asks_once_to_reset_each();
    return verdict();
}
