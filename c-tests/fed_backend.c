/* Fed connections to the servers of a backend: attempts, what is sent again, health checks. */
#include "fed_streams.h"

/* ---- a backend ---- */

/* A backend of two servers, 192.0.2.1:80 and 192.0.2.2:80, which streams go to in turn. */
static void begin_backend(uint32_t send_proxy, vst_server_options server)
{
    vst_engine_options options = fed_options(&fed);
    vst_backend_options backend = {.size = sizeof backend, .retries = 1, .turn_around_ns = FED_MS};
    uint32_t number;
    begin(&options, NULL, fed_connecting(send_proxy, NULL));
    fed.host.breaks_contract = 1; /* it does not wait for its deadlines */
    server.connect = server.check_connect = scene.connect;
    MUST(vst_backend_new(fed.host.engine, &backend, &scene.backend, NULL, 0) == VST_OK);
    server.name = "one", server.addresses = "192.0.2.1:80";
    MUST(vst_backend_add_server(fed.host.engine, scene.backend, &server, &number, NULL, 0) == VST_OK);
    CHECK_EQ(number, 0);
    server.name = "two", server.addresses = "192.0.2.2:80";
    MUST(vst_backend_add_server(fed.host.engine, scene.backend, &server, &number, NULL, 0) == VST_OK);
    CHECK_EQ(number, 1);
}

static vst_backend_counters counters_of(uint32_t server)
{
    vst_backend_counters counters = {.size = sizeof counters};
    MUST(vst_server_get_counters(fed.host.engine, scene.backend, server, &counters) == VST_OK);
    return counters;
}

/* A client of a stream to the backend, which has said something; and the attempt that it waits for. */
static vst_id attempt_of(vst_id *client, uint8_t server)
{
    vst_addr peer = fed_addr(7, 1024), local = fed_addr(8, 443);
    vst_feed_args args = {.size = sizeof args, .peer = &peer, .local = &local};
    *client = fed_incoming(&fed, NULL, &args);
    CHECK_EQ(fed_hands(&fed, *client, "first words"), 11);
    vst_id attempt = fed_who(&fed, VST_FED_OPEN);
    vst_fed_ask ask = fed_last(&fed, attempt);
    MUST(attempt != 0 && ask.asks & VST_FED_OPEN);
    CHECK(fed_is_addr(&ask.to, server, 80));
    return attempt;
}

/* The next attempt, at this server. */
static vst_id next_attempt(vst_id before, uint8_t server)
{
    fed_pass(&fed, FED_SECOND);
    vst_id attempt = fed_who(&fed, VST_FED_OPEN);
    MUST(attempt != before);
    vst_fed_ask ask = fed_last(&fed, attempt);
    CHECK(ask.asks & VST_FED_OPEN && fed_is_addr(&ask.to, server, 80));
    return attempt;
}

/* How an attempt fails that is repeated. */
enum how { REFUSED, RESET_AT_ONCE, RESET_AFTER_A_COPY, CLOSED_AFTER_A_COPY, WAYS };

static void what_was_not_sent_goes_to_the_next_server(uint32_t send_proxy, enum how how)
{
    const char *due = send_proxy == VST_SEND_PROXY_NONE
        ? "first words"
        : "PROXY TCP4 192.0.2.7 192.0.2.8 1024 443\r\nfirst words";
    vst_server_options server = {.size = sizeof server};
    char bytes[64];
    size_t got;
    vst_id client;
    begin_backend(send_proxy, server);
    vst_engine *e = fed.host.engine;
    vst_id first = attempt_of(&client, 1);
    if (how == REFUSED) {
        CHECK_EQ(vst_fed_failed(e, first, ECONNREFUSED), VST_OK);
    } else {
        opens(first);
        CHECK(fed_waits(&fed, first, due));
        if (how != RESET_AT_ONCE)
            CHECK_EQ(vst_fed_copy_unsent(e, first, 0, bytes, 10, &got), VST_OK);
        if (how == CLOSED_AFTER_A_COPY) {
            CHECK_EQ(vst_fed_closed(e, first), VST_OK);
        } else {
            CHECK_EQ(vst_fed_hung_up(e, first, ECONNRESET), VST_OK);
            is_closed(first, VST_FED_CLOSE | VST_FED_RESET);
        }
    }
    /* Whoever is below the first attempt has nothing to copy any more. */
    CHECK_EQ(vst_fed_copy_unsent(e, first, 0, bytes, sizeof bytes, &got), VST_E_STALE);
    vst_id second = next_attempt(first, 2);
    CHECK_EQ(scene.ended, 0);
    opens(second);
    fed_takes(&fed, second, due);
    CHECK_EQ(fed_hands(&fed, client, ", and more"), 10);
    fed_takes(&fed, second, ", and more");
    CHECK_EQ(fed_hands(&fed, second, "answer"), 6);
    fed_takes(&fed, client, "answer");
    ends(second);
    ends(client);
    is_closed(second, VST_FED_CLOSE);
    is_closed(client, VST_FED_CLOSE);
    CHECK_EQ(scene.ended, 1);
    ended_as("--", 21, 6);
    CHECK_EQ(scene.end.server, 1);
    CHECK_EQ(scene.end.attempts, 2);
    CHECK_EQ(counters_of(0).connect_errors_total, 1);
    CHECK_EQ(counters_of(0).redispatches_total, 1);
    CHECK_EQ(counters_of(1).connect_errors_total, 0);
    end();
}

static void what_was_sent_goes_to_no_other_server(void)
{
    vst_server_options server = {.size = sizeof server};
    vst_id client;
    begin_backend(VST_SEND_PROXY_NONE, server);
    vst_engine *e = fed.host.engine;
    vst_id first = attempt_of(&client, 1);
    opens(first);
    CHECK_EQ(vst_fed_sent(e, first, 1), VST_OK);
    CHECK(fed_waits(&fed, first, "irst words"));
    CHECK_EQ(vst_fed_hung_up(e, first, ECONNRESET), VST_OK);
    is_closed(first, VST_FED_CLOSE | VST_FED_RESET);
    fed_pass(&fed, FED_SECOND);
    CHECK(fed_who(&fed, VST_FED_OPEN) == first);
    ends(client);
    is_closed(client, VST_FED_CLOSE);
    CHECK_EQ(scene.ended, 1);
    CHECK_EQ(scene.end.termination[0], 'S');
    CHECK_EQ(scene.end.attempts, 1);
    end();
}

static void what_this_machine_lacks_counts_against_no_server(void)
{
    vst_server_options server = {.size = sizeof server, .connect_errors = 1};
    vst_id client;
    begin_backend(VST_SEND_PROXY_V1, server);
    vst_engine *e = fed.host.engine;
    vst_id first = attempt_of(&client, 1);
    CHECK_EQ(vst_fed_failed(e, first, EMFILE), VST_OK);
    fed_pass(&fed, FED_SECOND);
    CHECK(fed_who(&fed, VST_FED_OPEN) == first);
    CHECK_EQ(fed_times(&fed, first, VST_FED_OPEN), 2);
    opens(first);
    /* The header is still what comes first. */
    fed_takes(&fed, first, "PROXY TCP4 192.0.2.7 192.0.2.8 1024 443\r\nfirst words");
    CHECK_EQ(counters_of(0).connect_errors_total, 0);

    /* Nor does an attempt that is given up for it. */
    vst_id other;
    first = attempt_of(&other, 2);
    for (int i = 0; i < 100 && scene.words == 0 && fed_who(&fed, VST_FED_OPEN) == first; i++) {
        vst_status status = vst_fed_failed(e, first, EMFILE);
        CHECK(status == VST_OK || status == VST_E_STATE || status == VST_E_STALE);
        fed_pass(&fed, 100 * FED_MS);
    }
    CHECK(fed_who(&fed, VST_FED_OPEN) != first || scene.ended == 1);
    CHECK_EQ(counters_of(1).connect_errors_total, 0);
    CHECK_EQ(scene.words, 0);
    end();
}

static void a_client_that_is_gone_ends_the_attempt(void)
{
    vst_server_options server = {.size = sizeof server};
    vst_id client;
    begin_backend(VST_SEND_PROXY_NONE, server);
    vst_engine *e = fed.host.engine;
    vst_id first = attempt_of(&client, 1);
    CHECK_EQ(vst_fed_hung_up(e, client, ECONNRESET), VST_OK);
    is_closed(client, VST_FED_CLOSE | VST_FED_RESET);
    CHECK_EQ(fed_times(&fed, first, VST_FED_CLOSE | VST_FED_RESET), 1);
    CHECK_EQ(vst_fed_failed(e, first, ECONNREFUSED), VST_OK);
    CHECK_EQ(scene.ended, 1);
    ended_as("CC", 0, 0);
    CHECK_EQ(counters_of(0).connect_errors_total, 0);
    end();
}

/* ---- health checks ---- */

/* Passes time until the next check asks to be opened. */
static vst_id next_check(void)
{
    unsigned before = fed.asked;
    for (int i = 0; i < 100; i++) {
        for (unsigned at = before; at < fed.asked; at++)
            if (fed.asks[at].asks & VST_FED_OPEN)
                return fed.asks[at].conn;
        fed_pass(&fed, 100 * FED_MS);
    }
    MUST(!"a check");
    return 0;
}

static void health_is_asked_of_fed_servers(void)
{
    vst_server_options server = {
        .size = sizeof server, .flags = VST_SERVER_CHECK, .check_fall = 2, .check_rise = 2,
        .check_send = (const uint8_t *)"PING", .check_send_len = 4,
        .check_expect = (const uint8_t *)"PONG", .check_expect_len = 4,
    };
    vst_server_status state = {.size = sizeof state};
    begin_backend(VST_SEND_PROXY_NONE, server);
    vst_engine *e = fed.host.engine;
    CHECK_EQ(vst_server_set_state(e, scene.backend, 1, VST_ADMIN_MAINTENANCE), VST_OK);
    vst_id check = 0;
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(scene.words, 0);
        check = next_check();
        CHECK_EQ(vst_fed_failed(e, check, ECONNREFUSED), VST_OK);
        CHECK_EQ(vst_fed_failed(e, check, ECONNREFUSED), VST_E_STALE);
    }
    CHECK_EQ(scene.words, 1);
    CHECK_EQ(scene.up_or_down, VST_EVENT_SERVER_DOWN);
    CHECK_EQ(scene.reason, VST_REASON_CHECKS);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(scene.words, 1);
        check = next_check();
        opens(check);
        fed_takes(&fed, check, "PING");
        CHECK_EQ(fed_hands(&fed, check, "PO"), 2);
        CHECK_EQ(fed_times(&fed, check, VST_FED_SHUT_WRITE), 0);
        CHECK_EQ(fed_hands(&fed, check, "NG!"), 3);
        CHECK_EQ(fed_times(&fed, check, VST_FED_SHUT_WRITE), 1);
        ends(check);
        is_closed(check, VST_FED_CLOSE);
    }
    CHECK_EQ(scene.words, 2);
    CHECK_EQ(scene.up_or_down, VST_EVENT_SERVER_UP);
    CHECK_EQ(vst_server_state(e, scene.backend, 0, &state), VST_OK);
    CHECK_EQ(state.up, 1);
    CHECK_EQ(counters_of(0).checks_passed_total, 2);
    CHECK_EQ(counters_of(0).checks_failed_total, 2);
    /* What this machine lacks says nothing about the server. */
    check = next_check();
    CHECK_EQ(vst_fed_failed(e, check, EMFILE), VST_OK);
    fed_pass(&fed, 10 * FED_SECOND);
    CHECK_EQ(counters_of(0).checks_failed_total, 2);
    end();
}

int main(void)
{
    for (enum how how = 0; how < WAYS; how++) {
        what_was_not_sent_goes_to_the_next_server(VST_SEND_PROXY_NONE, how);
        what_was_not_sent_goes_to_the_next_server(VST_SEND_PROXY_V1, how);
    }
    what_was_sent_goes_to_no_other_server();
    what_this_machine_lacks_counts_against_no_server();
    a_client_that_is_gone_ends_the_attempt();
    health_is_asked_of_fed_servers();
    return verdict();
}
