/* Streams with fed connections: from one to another, between one and a socket, and their drain. */
#include "fed_streams.h"

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
    an_engine_with_fed_ones_is_drained();
    return verdict();
}
