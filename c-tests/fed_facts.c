/* What is known of a fed connection, and what an incoming one goes through. */
#include "fed_one.h"

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
    uint32_t uid = 9, gid = 9;
    vst_feed_args args = {.size = sizeof args, .peer_uid = 1234, .peer_gid = 5678};
    fed_new(&fed);
    vst_engine *e = fed.host.engine;
    vst_id conn = fed_incoming(&fed, NULL, NULL);
    CHECK_EQ(vst_conn_peer_credentials(e, conn, &uid, &gid), VST_NONE);
    CHECK(uid == UINT32_MAX && gid == UINT32_MAX);
    conn = fed_incoming(&fed, NULL, &args);
    CHECK_EQ(vst_conn_peer_credentials(e, conn, &uid, NULL), VST_NONE);
    args.flags = VST_FEED_PEER_CREDENTIALS;
    conn = fed_incoming(&fed, NULL, &args);
    CHECK_EQ(vst_conn_peer_credentials(e, conn, &uid, &gid), VST_OK);
    CHECK(uid == 1234 && gid == 5678);
    uid = 9;
    CHECK_EQ(vst_conn_peer_credentials(e, conn, &uid, NULL), VST_OK);
    CHECK_EQ(uid, 1234);
    args.peer_uid = 0, args.peer_gid = 0;
    conn = fed_incoming(&fed, NULL, &args);
    CHECK_EQ(vst_conn_peer_credentials(e, conn, &uid, &gid), VST_OK);
    CHECK(uid == 0 && gid == 0);
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

int main(void)
{
    there_is_no_descriptor();
    it_describes_itself_and_is_counted();
    the_user_at_the_other_end_is_whom_the_host_names();
    its_addresses_are_those_that_the_host_names();
    a_header_is_read_whatever_its_pieces();
    rules_are_asked_about_it();
    return verdict();
}
