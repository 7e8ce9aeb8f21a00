/* The bytes of fed connections: windows, what is taken and what is reported as sent. */
#include "fed_one.h"

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
    MUST(argc >= 2);
    an_incoming_one_asks_first_of_all_to_receive();
    a_full_inbox_takes_a_part_and_asks_again_when_it_was_read();
    bytes_stay_until_they_are_reported_as_sent();
    a_full_outbox_takes_no_more_until_some_was_sent();
    many_bytes_go_through_small_windows(NULL, NULL);
    many_encrypted_bytes_too(argv[1]);
    return verdict();
}
