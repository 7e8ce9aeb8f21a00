/* Streams with fed connections: from one to another, between one and a socket, and to the servers of a
 * backend, whose attempts, health checks and drain go as over sockets. */
#include "fed.h"

static struct fed fed;

static struct {
    vst_connect_config *connect; /* what clients are joined with, at `address` */
    const char *address;
    vst_id backend; /* or this, if it is set */
    vst_id stream, client, server;
    vst_stream_end end; /* of the last stream; its text is not kept */
    vst_end of_client, of_server;
    unsigned ended;
    uint32_t up_or_down, reason; /* the last event about a server */
    unsigned words;
} scene;

static void on_event(struct host *host, const vst_event *event)
{
    switch (event->kind) {
    case VST_EVENT_SESSION:
        if (scene.backend == 0 && scene.address == NULL)
            break;
        scene.client = event->id;
        if (scene.backend != 0) {
            CHECK_EQ(vst_conn_forward_to(host->engine, event->id, scene.backend, NULL, NULL,
                                         &scene.stream), VST_OK);
            break;
        }
        vst_connect_args args = {.size = sizeof args, .client = event->id};
        CHECK_EQ(vst_conn_connect(host->engine, scene.address, scene.connect, &args, &scene.server,
                                  NULL, 0), VST_OK);
        CHECK_EQ(vst_conn_forward(host->engine, event->id, scene.server, NULL, NULL, &scene.stream),
                 VST_OK);
        break;
    case VST_EVENT_STREAM_END:
        CHECK(event->id == scene.stream);
        scene.ended++;
        scene.end = *event->stream;
        scene.of_client = *event->end;
        memset(&scene.of_server, 0, sizeof scene.of_server);
        if (event->end_server)
            scene.of_server = *event->end_server;
        break;
    case VST_EVENT_SERVER_UP:
    case VST_EVENT_SERVER_DOWN:
        scene.words++;
        scene.up_or_down = event->kind;
        scene.reason = event->reason;
        break;
    default:
        break;
    }
}

/* An engine on which every session is joined with this. */
static void begin(vst_engine_options *options, const char *address, vst_connect_config *connect)
{
    memset(&scene, 0, sizeof scene);
    fed.event = on_event;
    fed_open(&fed, options);
    scene.address = address;
    scene.connect = connect;
}

static void end(void)
{
    host_free(&fed.host);
    vst_connect_config_free(scene.connect);
}

static void opens(vst_id conn)
{
    CHECK_EQ(vst_fed_opened(fed.host.engine, conn, NULL), VST_OK);
}

static void ends(vst_id conn)
{
    CHECK_EQ(vst_fed_ended(fed.host.engine, conn), VST_OK);
}

/* It was asked to be closed, in this way, and is. */
static void is_closed(vst_id conn, uint32_t how)
{
    CHECK_EQ(fed_times(&fed, conn, how), 1);
    CHECK_EQ(vst_fed_closed(fed.host.engine, conn), VST_OK);
}

static void ended_as(const char *termination, uint64_t up, uint64_t down)
{
    CHECK(strcmp(scene.end.termination, termination) == 0);
    CHECK_EQ(scene.end.bytes_up, up);
    CHECK_EQ(scene.end.bytes_down, down);
}

/* ---- two connections ---- */

static void bytes_and_ends_go_each_way_between_two_fed_ones(void)
{
    vst_addr peer = fed_addr(7, 1024);
    vst_feed_args args = {.size = sizeof args, .peer = &peer};
    vst_engine_options options = fed_options(&fed);
    begin(&options, "192.0.2.1:80", fed_connecting(VST_SEND_PROXY_NONE, NULL));
    vst_id client = fed_incoming(&fed, NULL, &args), server = scene.server;
    CHECK(client == scene.client);
    CHECK_EQ(fed_last(&fed, server).asks, VST_FED_OPEN);
    /* Nothing is to be sent before the server is reached. */
    CHECK_EQ(fed_hands(&fed, client, "ask"), 3);
    CHECK_EQ(fed_times(&fed, server, VST_FED_SEND), 0);
    opens(server);
    CHECK(fed_last(&fed, server).asks & VST_FED_SEND);
    fed_takes(&fed, server, "ask");
    CHECK_EQ(fed_hands(&fed, server, "answer"), 6);
    fed_takes(&fed, client, "answer");

    /* The client ends its side; the server still answers. */
    ends(client);
    CHECK_EQ(fed_times(&fed, server, VST_FED_SHUT_WRITE), 1);
    CHECK_EQ(fed_times(&fed, client, VST_FED_SHUT_WRITE), 0);
    CHECK_EQ(fed_hands(&fed, server, "more"), 4);
    ends(server);
    CHECK_EQ(fed_times(&fed, client, VST_FED_SHUT_WRITE | VST_FED_CLOSE), 0);
    fed_takes(&fed, client, "more");
    is_closed(server, VST_FED_CLOSE);
    CHECK_EQ(scene.ended, 0);
    is_closed(client, VST_FED_CLOSE);
    CHECK_EQ(scene.ended, 1);
    ended_as("--", 3, 10);
    CHECK(scene.of_client.conn == client && scene.of_server.conn == server);
    CHECK(fed_is_addr(&scene.of_client.peer, 7, 1024) && fed_is_addr(&scene.of_server.peer, 1, 80));
    CHECK(scene.of_client.bytes_in == 3 && scene.of_client.bytes_out == 10);
    CHECK(scene.of_server.bytes_in == 10 && scene.of_server.bytes_out == 3);
    CHECK_EQ(vst_fed_closed(fed.host.engine, client), VST_E_STALE);
    end();
}

/* The byte at this place of a long text. */
static char nth(size_t place)
{
    return (char)(place * 7 + place / 251);
}

/* Reports a part of the long text as received, as much as is taken; from `done` on. */
static size_t hands_more(vst_id conn, size_t done, size_t all)
{
    char piece[1000];
    size_t n = all - done < sizeof piece ? all - done : sizeof piece, taken = 0;
    for (size_t i = 0; i < n; i++)
        piece[i] = nth(done + i);
    CHECK_EQ(vst_fed_received(fed.host.engine, conn, piece, n, &taken), VST_OK);
    return taken;
}

/* Sends some bytes, and compares them with the long text; from `done` on. */
static size_t sends_more(vst_id conn, size_t done, size_t most)
{
    char piece[1000];
    size_t got = 0;
    CHECK_EQ(vst_fed_copy_unsent(fed.host.engine, conn, 0, piece,
                                 most < sizeof piece ? most : sizeof piece, &got), VST_OK);
    for (size_t i = 0; i < got; i++)
        if (piece[i] != nth(done + i)) {
            CHECK(!"the bytes arrive in order");
            break;
        }
    CHECK_EQ(vst_fed_sent(fed.host.engine, conn, got), VST_OK);
    return got;
}

static void a_side_that_takes_nothing_stops_the_other(void)
{
    const size_t all = 400000;
    size_t handed = 0, sent = 0, stops = 0;
    vst_engine_options options = fed_options(&fed);
    options.fed_inbox_bytes = 5000;
    options.fed_outbox_bytes = 3000;
    begin(&options, "192.0.2.1:80", fed_connecting(VST_SEND_PROXY_NONE, NULL));
    vst_id client = fed_incoming(&fed, NULL, NULL), server = scene.server;
    opens(server);
    while (sent < all) {
        size_t before = sent;
        fed.asked = 0; /* only the last ask of each matters */
        while (handed < all) {
            size_t taken = hands_more(client, handed, all);
            handed += taken;
            if (taken == 0)
                break;
        }
        if (handed < all) {
            vst_fed_ask ask = fed_last(&fed, client);
            stops++;
            CHECK(ask.conn == client && !(ask.asks & VST_FED_RECEIVE));
        }
        CHECK(handed - sent < 100000);
        /* Once the server takes what waits, the client is asked for more. */
        while (handed < all ? !(fed_last(&fed, client).asks & VST_FED_RECEIVE) : sent < all) {
            size_t n = sends_more(server, sent, all);
            sent += n;
            if (n == 0)
                break;
        }
        MUST(sent > before);
    }
    CHECK(stops > 3);
    CHECK_EQ(handed, all);
    ends(client);
    ends(server);
    is_closed(server, VST_FED_CLOSE);
    is_closed(client, VST_FED_CLOSE);
    ended_as("--", all, 0);
    end();
}

/* ---- one of them a socket ---- */

/* The peer of a fed connection: it says again what it hears, and ends when that ends. */
static void echoes(struct fed *host, const vst_fed_ask *ask)
{
    vst_engine *e = host->host.engine;
    char bytes[5000];
    size_t got, taken;
    host->asked = 0; /* they are not looked at */
    if (ask->asks & VST_FED_OPEN)
        CHECK_EQ(vst_fed_opened(e, ask->conn, NULL), VST_OK);
    if (ask->asks & (VST_FED_CLOSE | VST_FED_RESET)) {
        CHECK_EQ(vst_fed_closed(e, ask->conn), VST_OK);
        return;
    }
    do {
        CHECK_EQ(vst_fed_copy_unsent(e, ask->conn, 0, bytes, sizeof bytes, &got), VST_OK);
        if (got == 0)
            break;
        CHECK_EQ(vst_fed_received(e, ask->conn, bytes, got, &taken), VST_OK);
        CHECK_EQ(vst_fed_sent(e, ask->conn, taken), VST_OK);
    } while (taken == got);
    if (ask->asks & VST_FED_SHUT_WRITE)
        CHECK_EQ(vst_fed_ended(e, ask->conn), VST_OK);
}

static void a_client_of_a_socket_is_served_by_a_fed_server(void)
{
    enum { ALL = 1000000 };
    static char out[ALL], in[ALL + 1];
    size_t said = 0, heard = 0;
    uint16_t port;
    vst_engine_options options = fed_options(&fed);
    options.now_ns = 0; /* sockets are waited for, so the clock is the system's */
    begin(&options, "192.0.2.1:80", fed_connecting(VST_SEND_PROXY_NONE, NULL));
    fed.answer = echoes;
    listener(&fed.host, NULL, &port);
    int client = dial(port);
    for (size_t i = 0; i < ALL; i++)
        out[i] = nth(i);
    HOST_UNTIL(&fed.host, ({
        ssize_t n = said < ALL ? send(client, out + said, ALL - said, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        said += n > 0 ? (size_t)n : 0;
        if (said == ALL && n > 0)
            MUST(shutdown(client, SHUT_WR) == 0);
        n = hear(client, in + heard, sizeof in - heard);
        heard += n > 0 ? (size_t)n : 0;
        n == 0;
    }));
    CHECK_EQ(heard, ALL);
    CHECK(memcmp(in, out, ALL) == 0);
    close(client);
    HOST_UNTIL(&fed.host, scene.ended == 1);
    ended_as("--", ALL, ALL);
    end();
}

static void a_fed_client_is_served_by_a_server_of_a_socket(void)
{
    char address[32], got[16] = "";
    uint16_t port;
    int peer = -1, door = listening(&port);
    vst_engine_options options = fed_options(&fed);
    options.now_ns = 0;
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    begin(&options, address, connecting(VST_SEND_PROXY_NONE));
    vst_id client = fed_incoming(&fed, NULL, NULL);
    CHECK_EQ(fed_hands(&fed, client, "ask"), 3);
    MUST(fcntl(door, F_SETFL, O_NONBLOCK) == 0);
    HOST_UNTIL(&fed.host, (peer = accept4(door, NULL, NULL, SOCK_CLOEXEC)) >= 0);
    HOST_UNTIL(&fed.host, hear(peer, got, sizeof got) == 3);
    CHECK(strcmp(got, "ask") == 0);
    say_text(peer, "answer");
    HOST_UNTIL(&fed.host, fed_last(&fed, client).unsent == 6);
    fed_takes(&fed, client, "answer");
    ends(client);
    HOST_UNTIL(&fed.host, hear(peer, got, sizeof got) == 0);
    close(peer);
    HOST_UNTIL(&fed.host, fed_times(&fed, client, VST_FED_SHUT_WRITE | VST_FED_CLOSE) > 0);
    HOST_UNTIL(&fed.host, fed_times(&fed, client, VST_FED_CLOSE) > 0);
    is_closed(client, VST_FED_CLOSE);
    HOST_UNTIL(&fed.host, scene.ended == 1);
    ended_as("--", 3, 6);
    close(door);
    end();
}

/* ---- a backend ---- */

/* A backend of two servers, 192.0.2.1:80 and 192.0.2.2:80, which streams go to in turn. */
static void begin_backend(uint32_t send_proxy, vst_server_options server)
{
    vst_engine_options options = fed_options(&fed);
    vst_backend_options backend = {.size = sizeof backend, .retries = 1, .turn_around_ns = FED_MS};
    uint32_t number;
    begin(&options, NULL, fed_connecting(send_proxy, NULL));
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

/* ---- the end of all ---- */

static void an_engine_with_fed_ones_is_drained(void)
{
    vst_drain state = {.size = sizeof state};
    vst_engine_options options = fed_options(&fed);
    begin(&options, NULL, NULL);
    vst_engine *e = fed.host.engine;
    vst_id one = fed_incoming(&fed, NULL, NULL), two = fed_incoming(&fed, NULL, NULL);
    scene.connect = fed_connecting(VST_SEND_PROXY_NONE, NULL);
    scene.address = "192.0.2.1:80";
    vst_id client = fed_incoming(&fed, NULL, NULL), server = scene.server;
    opens(server);
    CHECK_EQ(vst_engine_drain(e, VST_DRAIN_CLOSE, 5 * FED_SECOND), VST_OK);
    CHECK_EQ(fed.host.reported[VST_EVENT_DRAINING], 2);
    /* One that is handed in still is asked to end at once. */
    scene.address = NULL;
    vst_id late = fed_incoming(&fed, NULL, NULL);
    CHECK(fed.host.last[VST_EVENT_DRAINING] == late);
    CHECK_EQ(vst_conn_abort(e, late), VST_OK);
    is_closed(late, VST_FED_RESET);
    /* One ends as requested. */
    CHECK_EQ(vst_fed_ended(e, one), VST_OK);
    CHECK_EQ(vst_conn_close(e, one), VST_OK);
    is_closed(one, VST_FED_CLOSE);
    /* The others are reset when the time is over, and count until the host has closed them. */
    fed_pass(&fed, 6 * FED_SECOND);
    CHECK_EQ(fed_times(&fed, two, VST_FED_RESET), 1);
    CHECK_EQ(fed_times(&fed, client, VST_FED_RESET), 1);
    CHECK_EQ(fed_times(&fed, server, VST_FED_RESET), 1);
    CHECK_EQ(vst_engine_drain_state(e, &state), VST_OK);
    CHECK(state.conns == 3 && state.streams == 1 && state.aborted == 2);
    is_closed(two, VST_FED_RESET);
    is_closed(server, VST_FED_RESET);
    is_closed(client, VST_FED_RESET);
    CHECK_EQ(vst_engine_drain_state(e, &state), VST_OK);
    CHECK(state.conns == 0 && state.streams == 0 && state.aborted == 2);
    CHECK_EQ(fed.ended, 3);
    CHECK_EQ(scene.ended, 1);
    CHECK_EQ(scene.end.termination[0], 'K');
    end();
}

int main(void)
{
    bytes_and_ends_go_each_way_between_two_fed_ones();
    a_side_that_takes_nothing_stops_the_other();
    a_client_of_a_socket_is_served_by_a_fed_server();
    a_fed_client_is_served_by_a_server_of_a_socket();
    for (enum how how = 0; how < WAYS; how++) {
        what_was_not_sent_goes_to_the_next_server(VST_SEND_PROXY_NONE, how);
        what_was_not_sent_goes_to_the_next_server(VST_SEND_PROXY_V1, how);
    }
    what_was_sent_goes_to_no_other_server();
    what_this_machine_lacks_counts_against_no_server();
    a_client_that_is_gone_ends_the_attempt();
    health_is_asked_of_fed_servers();
    an_engine_with_fed_ones_is_drained();
    return verdict();
}
