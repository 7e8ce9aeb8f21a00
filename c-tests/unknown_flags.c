/* An unknown number, flag or reserved byte is an error, and nothing is made. */
#include "check.h"

#define REFUSED(call) CHECK_EQ((call), VST_E_ARGUMENT)

static void on_line(void *data, uint32_t category, const char *line, size_t len)
{
    (void)data, (void)category, (void)line, (void)len;
}

static void engine_options(void)
{
    vst_engine_options good, bad;
    vst_engine *made;
    MUST(vst_engine_options_init(&good, sizeof good) == VST_OK);
    bad = good;
    bad.flags = UINT64_C(1) << 63;
    REFUSED(vst_engine_new(&bad, &made, NULL, 0));
    CHECK(made == NULL);
    bad = good;
    bad._reserved = 1;
    REFUSED(vst_engine_new(&bad, &made, NULL, 0));
    bad = good;
    bad.trigger = 2;
    REFUSED(vst_engine_new(&bad, &made, NULL, 0));
    bad = good;
    bad.trace_categories = VST_TRACE_CALLS;
    REFUSED(vst_engine_new(&bad, &made, NULL, 0));
    bad.trace = on_line;
    bad.trace_categories = VST_TRACE_ALL + 1;
    REFUSED(vst_engine_new(&bad, &made, NULL, 0));
    bad = good;
    bad._reserved2 = 1;
    REFUSED(vst_engine_new(&bad, &made, NULL, 0));
    bad = good;
    bad.max_proxy_header_bytes = 106;
    REFUSED(vst_engine_new(&bad, &made, NULL, 0));
    bad = good;
    bad.fdset = host_fdset;
    REFUSED(vst_engine_new(&bad, &made, NULL, 0));
    bad = good;
    bad.fdclr = host_fdclr;
    REFUSED(vst_engine_new(&bad, &made, NULL, 0));
    bad = good;
    bad.fdset = host_fdset;
    bad.fdclr = host_fdclr;
    bad.interest = host_interest;
    REFUSED(vst_engine_new(&bad, &made, NULL, 0));
    bad = good;
    bad.trigger = VST_TRIGGER_EDGE;
    bad.fdset = host_fdset;
    bad.fdclr = host_fdclr;
    REFUSED(vst_engine_new(&bad, &made, NULL, 0));
}

static void configurations(void)
{
    char why[256];
    vst_accept_options accept;
    vst_accept_config *accept_made;
    MUST(vst_accept_options_init(&accept, sizeof accept) == VST_OK);
    accept.flags = UINT64_C(1) << 63;
    REFUSED(vst_accept_config_new(&accept, &accept_made, why, sizeof why));
    CHECK(accept_made == NULL);
    accept.flags = 0;
    accept.accept_proxy = "10.0.0.0/33";
    CHECK_EQ(vst_accept_config_new(&accept, &accept_made, why, sizeof why), VST_E_CONFIG);
    CHECK(accept_made == NULL && strstr(why, "10.0.0.0/33") != NULL);

    accept.accept_proxy = NULL;
    accept.accept_cip = "10.0.0.0/33";
    CHECK_EQ(vst_accept_config_new(&accept, &accept_made, why, sizeof why), VST_E_CONFIG);
    CHECK(accept_made == NULL && strstr(why, "accept_cip") != NULL);
    vst_monitor_options monitor = {
        .size = sizeof monitor, .answer = VST_MONITOR_ANSWER_TEXT, .monitor_net = "10.1.2.3"};
    accept.accept_cip = "10.0.0.0/8";
    accept.monitor = &monitor;
    CHECK_EQ(vst_accept_config_new(&accept, &accept_made, why, sizeof why), VST_E_CONFIG);
    CHECK(strstr(why, "monitor_net") != NULL && strstr(why, "accept_cip") != NULL);

    vst_connect_options connect, good;
    vst_connect_config *connect_made;
    MUST(vst_connect_options_init(&good, sizeof good) == VST_OK);
    connect = good;
    connect.flags = UINT64_C(1) << 63;
    REFUSED(vst_connect_config_new(&connect, &connect_made, why, sizeof why));
    connect = good;
    connect.source_port_first = 2000;
    connect.source_port_last = 1999;
    REFUSED(vst_connect_config_new(&connect, &connect_made, why, sizeof why));
    connect.source_port_last = 2001;
    connect.flags = VST_CONNECT_FED;
    REFUSED(vst_connect_config_new(&connect, &connect_made, why, sizeof why));
    CHECK(strstr(why, "source_port_first") != NULL);
    connect = good;
    connect.source = "127.0.0.1:0,[::1]:0,127.0.0.2:0";
    CHECK_EQ(vst_connect_config_new(&connect, &connect_made, why, sizeof why), VST_OK);
    vst_connect_config_free(connect_made);
    connect.source = "127.0.0.1:0,";
    CHECK_EQ(vst_connect_config_new(&connect, &connect_made, why, sizeof why), VST_E_CONFIG);
    connect = good;
    connect.send_proxy = 3;
    REFUSED(vst_connect_config_new(&connect, &connect_made, why, sizeof why));
    connect = good;
    connect.send_proxy = VST_SEND_PROXY_V2;
    connect.proxy_tlvs = UINT64_C(1) << 63;
    REFUSED(vst_connect_config_new(&connect, &connect_made, why, sizeof why));
    connect = good;
    connect.send_proxy = VST_SEND_PROXY_V1;
    connect.proxy_tlvs = VST_PROXY_TLV_CRC32C;
    REFUSED(vst_connect_config_new(&connect, &connect_made, why, sizeof why));
    connect = good;
    connect.source = "nowhere";
    CHECK_EQ(vst_connect_config_new(&connect, &connect_made, why, sizeof why), VST_E_CONFIG);
    CHECK(connect_made == NULL && strstr(why, "source") != NULL);
}

static int32_t step(void *data, vst_engine *engine, vst_step *step)
{
    (void)data, (void)engine, (void)step;
    return VST_NEXT_LATER;
}

static void handlers(vst_engine *engine, vst_id conn)
{
    vst_handler one = {.size = sizeof one, .step = step, .flags = VST_HANDLER_AFTER_TLS << 1};
    vst_accept_options accept;
    vst_accept_config *accept_made;
    vst_connect_options connect;
    vst_connect_config *connect_made;
    vst_start_tls start = {.size = sizeof start};
    vst_waker *waker;
    MUST(vst_accept_options_init(&accept, sizeof accept) == VST_OK);
    MUST(vst_connect_options_init(&connect, sizeof connect) == VST_OK);
    accept.handlers = connect.handlers = &one;
    accept.handler_count = connect.handler_count = 1;
    REFUSED(vst_accept_config_new(&accept, &accept_made, NULL, 0));
    CHECK(accept_made == NULL);
    REFUSED(vst_connect_config_new(&connect, &connect_made, NULL, 0));
    CHECK(connect_made == NULL);
    one.flags = 0, one._reserved = 1;
    REFUSED(vst_accept_config_new(&accept, &accept_made, NULL, 0));
    REFUSED(vst_conn_start_tls(engine, conn, &start, NULL, 0));
    start.flags = 1;
    REFUSED(vst_conn_start_tls(engine, conn, &start, NULL, 0));
    REFUSED(vst_conn_handler_done(engine, conn, 1, VST_NEXT_FAIL + 1, 0, NULL));
    REFUSED(vst_conn_handler_done(engine, conn, 1, -1, 0, NULL));
    REFUSED(vst_conn_handler_done(engine, conn, 1, VST_NEXT_FAIL, 0, "caf\xe9"));
    MUST(vst_engine_waker(engine, &waker) == VST_OK);
    REFUSED(vst_waker_post(waker, conn, 1, VST_NEXT_FAIL + 1, 0));
    REFUSED(vst_waker_post(waker, conn, 1, VST_NEXT_LATER, 0));
    vst_waker_free(waker);
}

static void fed(vst_engine *engine)
{
    vst_accept_config *config = accepting(NULL);
    vst_addr none = {.family = 99}, cut = {.family = VST_ADDR_IPV4, .len = 3};
    vst_feed_args args = {.size = sizeof args, .flags = VST_FEED_PEER_CREDENTIALS << 1};
    vst_connect_options options = {.size = sizeof options, .flags = VST_FEED_PEER_CREDENTIALS};
    vst_connect_config *made;
    vst_id id = 9;
    char why[256] = "";
    REFUSED(vst_conn_feed(engine, config, &args, &id, why, sizeof why));
    CHECK(id == 0 && strstr(why, "unknown") != NULL);
    args.flags = VST_CONNECT_FED;
    REFUSED(vst_conn_feed(engine, config, &args, &id, why, sizeof why));
    CHECK(id == 0 && strstr(why, "unknown") != NULL);
    args.flags = 0;
    args.peer = &none;
    REFUSED(vst_conn_feed(engine, config, &args, &id, why, sizeof why));
    CHECK(id == 0 && strstr(why, "peer") != NULL);
    args.peer = NULL;
    args.local = &cut;
    REFUSED(vst_conn_feed(engine, config, &args, &id, why, sizeof why));
    CHECK(id == 0 && strstr(why, "local") != NULL);
    vst_accept_config_free(config);
    REFUSED(vst_connect_config_new(&options, &made, why, sizeof why));
    CHECK(made == NULL);
    /* A number of errno, which is never negative, and not 0. */
    options.flags = VST_CONNECT_FED;
    MUST(vst_connect_config_new(&options, &made, why, sizeof why) == VST_OK);
    MUST(vst_conn_connect(engine, "192.0.2.1:80", made, NULL, &id, why, sizeof why) == VST_OK);
    vst_connect_config_free(made);
    vst_fed_ask ask = {.size = sizeof ask};
    CHECK_EQ(vst_fed_next(engine, &ask), VST_OK);
    CHECK(ask.conn == id && ask.asks == VST_FED_OPEN);
    REFUSED(vst_fed_opened(engine, id, &none));
    REFUSED(vst_fed_opened(engine, id, &cut));
    REFUSED(vst_fed_failed(engine, id, 0));
    REFUSED(vst_fed_failed(engine, id, INT32_MIN));
    CHECK_EQ(vst_fed_opened(engine, id, NULL), VST_OK);
    REFUSED(vst_fed_hung_up(engine, id, 0));
    REFUSED(vst_fed_hung_up(engine, id, -1));
    REFUSED(vst_fed_sent(engine, id, 1));
    CHECK_EQ(vst_conn_abort(engine, id), VST_OK);
    CHECK_EQ(vst_fed_closed(engine, id), VST_OK);
}

static void links(vst_engine *engine)
{
    static char long_name[257];
    vst_accept_config *config = accepting(NULL);
    vst_connect_config *fed;
    vst_connect_options of_fed = {.size = sizeof of_fed, .flags = VST_CONNECT_FED};
    vst_link_options good, bad;
    vst_id id = 9, link;
    char why[256] = "";
    MUST(vst_link_options_init(&good, sizeof good) == VST_OK);
    bad = good;
    bad.flags = UINT64_C(1) << 63;
    REFUSED(vst_link_open(engine, "unix:@nobody", NULL, &bad, &id, why, sizeof why));
    CHECK(id == 0 && strstr(why, "flags") != NULL);
    bad.flags = VST_AGENT_NO_DESCRIPTORS;
    REFUSED(vst_link_open(engine, "unix:@nobody", NULL, &bad, &id, why, sizeof why));
    REFUSED(vst_link_open(engine, "example.net:80", NULL, NULL, &id, why, sizeof why));
    REFUSED(vst_link_open(engine, "127.0.0.1:0", NULL, NULL, &id, why, sizeof why));
    REFUSED(vst_link_open(engine, "", NULL, NULL, &id, why, sizeof why));
    MUST(vst_connect_config_new(&of_fed, &fed, NULL, 0) == VST_OK);
    CHECK_EQ(vst_link_open(engine, "unix:@nobody", fed, NULL, &id, why, sizeof why), VST_E_CONFIG);
    CHECK(id == 0 && strstr(why, "config") != NULL);
    vst_connect_config_free(fed);

    MUST(vst_link_open(engine, "unix:@nobody", NULL, &good, &link, NULL, 0) == VST_OK);
    memset(long_name, 'x', 256);
    REFUSED(vst_link_accept(engine, link, "", config, NULL, why, sizeof why));
    REFUSED(vst_link_accept(engine, link, long_name, config, NULL, why, sizeof why));
    REFUSED(vst_link_accept(engine, link, "\xff", config, NULL, why, sizeof why));
    REFUSED(vst_link_stop_accepting(engine, link, "\xff"));
    CHECK_EQ(vst_link_stop_accepting(engine, link, "x"), VST_E_STATE);
    long_name[255] = '\0';
    CHECK_EQ(vst_link_accept(engine, link, long_name, config, NULL, why, sizeof why), VST_OK);
    CHECK_EQ(vst_link_accept(engine, link, long_name, config, NULL, why, sizeof why), VST_E_STATE);

    /* What only a connection over a link has. */
    vst_connect_options good_connect = {.size = sizeof good_connect, .link = link}, connect;
    vst_connect_config *made;
    connect = good_connect;
    connect.flags = VST_CONNECT_NO_DESCRIPTOR;
    CHECK_EQ(vst_connect_config_new(&connect, &made, why, sizeof why), VST_OK);
    vst_connect_config_free(made);
    connect.flags = VST_LINK_NO_DESCRIPTORS;
    REFUSED(vst_connect_config_new(&connect, &made, why, sizeof why));
    connect.flags = VST_CONNECT_FED;
    REFUSED(vst_connect_config_new(&connect, &made, why, sizeof why));
    CHECK(made == NULL && strstr(why, "link") != NULL);
    connect = good_connect;
    connect.link_destination = "192.0.2.1:80";
    CHECK_EQ(vst_connect_config_new(&connect, &made, why, sizeof why), VST_E_CONFIG);
    CHECK(made == NULL && strstr(why, "link_destination") != NULL);
    connect = good_connect;
    connect.link_tls = "inner";
    CHECK_EQ(vst_connect_config_new(&connect, &made, why, sizeof why), VST_E_CONFIG);
    CHECK(made == NULL && strstr(why, "server_name") != NULL);
    connect.link = 0;
    REFUSED(vst_connect_config_new(&connect, &made, why, sizeof why));
    connect.link_tls = NULL, connect.link_destination = "example.net:80";
    REFUSED(vst_connect_config_new(&connect, &made, why, sizeof why));
    /* A link is not connected through a link. */
    MUST(vst_connect_config_new(&good_connect, &made, NULL, 0) == VST_OK);
    CHECK_EQ(vst_link_open(engine, "unix:@nobody", made, NULL, &id, why, sizeof why), VST_E_CONFIG);
    vst_connect_config_free(made);
    CHECK_EQ(vst_link_close(engine, link), VST_OK);
    vst_accept_config_free(config);
}

static void agents(vst_engine *engine, vst_id conn)
{
    static char long_name[257];
    static const char *const lists[] = {"10.0.0.1", "10.0.0.0/33:80", "a:1,,b:1", "unix:", ":80"};
    vst_addr none = {.family = 99}, cut = {.family = VST_ADDR_IPV4, .len = 3};
    vst_tls_client_options of_tls = {.size = sizeof of_tls,
                                     .flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION};
    vst_tls_client *tls;
    vst_agent_options good, bad;
    vst_id id = 9, agent;
    char why[256] = "";
    MUST(vst_agent_options_init(&good, sizeof good) == VST_OK);
    MUST(vst_tls_client_new(&of_tls, &tls, NULL, 0) == VST_OK);
    bad = good;
    bad.flags = UINT64_C(1) << 63;
    REFUSED(vst_agent_new(engine, &bad, &id, why, sizeof why));
    CHECK(id == 0 && strstr(why, "flags") != NULL);
    bad.flags = VST_LINK_NO_DESCRIPTORS;
    REFUSED(vst_agent_new(engine, &bad, &id, why, sizeof why));
    bad = good;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        bad.allow = lists[i];
        CHECK_EQ(vst_agent_new(engine, &bad, &id, why, sizeof why), VST_E_CONFIG);
        CHECK(id == 0 && strstr(why, "allow: ") != NULL);
    }
    bad = good;
    vst_connect_options plain = {.size = sizeof plain}, connect[] = {plain, plain, plain};
    connect[0].send_proxy = VST_SEND_PROXY_V2;
    connect[1].flags = VST_CONNECT_FED;
    connect[2].tls = tls, connect[2].server_name = "a.test";
    for (size_t i = 0; i < sizeof connect / sizeof connect[0]; i++) {
        vst_connect_config *made;
        MUST(vst_connect_config_new(&connect[i], &made, NULL, 0) == VST_OK);
        bad.connect = made;
        CHECK_EQ(vst_agent_new(engine, &bad, &id, why, sizeof why), VST_E_CONFIG);
        CHECK(id == 0 && strstr(why, "connect: ") != NULL);
        vst_connect_config_free(made);
    }
    MUST(vst_agent_new(engine, &good, &agent, why, sizeof why) == VST_OK);
    memset(long_name, 'x', 256);
    REFUSED(vst_agent_add_tls(engine, agent, "", tls));
    REFUSED(vst_agent_add_tls(engine, agent, "\xff", tls));
    REFUSED(vst_agent_add_tls(engine, agent, long_name, tls));
    REFUSED(vst_agent_offer(engine, agent, conn, "\xff"));
    REFUSED(vst_agent_resolved(engine, agent, 1, &none, 0));
    REFUSED(vst_agent_resolved(engine, agent, 1, &cut, 0));
    REFUSED(vst_agent_resolved(engine, agent, 1, NULL, -1));
    CHECK_EQ(vst_agent_resolved(engine, agent, 1, NULL, ENOENT), VST_E_STATE);
    CHECK_EQ(vst_agent_drain(engine, agent), VST_OK);
    CHECK_EQ(vst_agent_drain(engine, agent), VST_OK);
    CHECK_EQ(vst_agent_serve(engine, agent, conn), VST_E_STATE);
    CHECK_EQ(vst_agent_close(engine, agent), VST_OK);
    vst_tls_client_free(tls);
}

static void socks(void)
{
    const struct {
        uint32_t version;
        const char *destination, *user, *password, *why;
    } cases[] = {
        {VST_SOCKS_5 + 1, "192.0.2.1:80", NULL, NULL, NULL},
        {VST_SOCKS_NONE, "192.0.2.1:80", NULL, NULL, NULL},
        {VST_SOCKS_NONE, NULL, "user", NULL, NULL},
        {VST_SOCKS_5, NULL, NULL, NULL, "socks_destination: it is missing"},
        {VST_SOCKS_5, "192.0.2.1", NULL, NULL, "\"192.0.2.1\""},
        {VST_SOCKS_4, "example.net:80", NULL, NULL, "SOCKS4 has no names"},
        {VST_SOCKS_4A, "[::1]:80", NULL, NULL, "no IPv6"},
        {VST_SOCKS_4A, "example.net:80", "user", "password", "no passwords"},
        {VST_SOCKS_5, "example.net:80", "user", NULL, "both a user and a password"},
        {VST_SOCKS_5, "example.net:80", "", "password", "1 to 255 bytes"},
        {VST_SOCKS_4, "192.0.2.1:80", "user", NULL, ""},
        {VST_SOCKS_4A, "example.net:80", NULL, NULL, ""},
        {VST_SOCKS_5, "[::1]:80", "user", "password", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vst_connect_options options;
        vst_connect_config *made;
        char why[256] = "";
        MUST(vst_connect_options_init(&options, sizeof options) == VST_OK);
        options.socks = cases[i].version;
        options.socks_destination = cases[i].destination;
        options.socks_user = cases[i].user;
        options.socks_password = cases[i].password;
        vst_status expected =
            cases[i].why == NULL ? VST_E_ARGUMENT : *cases[i].why == '\0' ? VST_OK : VST_E_CONFIG;
        CHECK_EQ(vst_connect_config_new(&options, &made, why, sizeof why), expected);
        CHECK((made != NULL) == (expected == VST_OK));
        CHECK(cases[i].why == NULL || strstr(why, cases[i].why) != NULL);
        vst_connect_config_free(made);
    }
}

static void listeners(struct host *host)
{
    vst_accept_config *config = accepting(NULL);
    vst_listener_options good, bad;
    vst_id id = 9;
    MUST(vst_listener_options_init(&good, sizeof good) == VST_OK);
    bad = good;
    bad.flags = UINT64_C(1) << 63;
    REFUSED(vst_listener_open(host->engine, "127.0.0.1:0", config, &bad, &id, NULL, NULL, 0));
    CHECK_EQ(id, 0);
    bad = good;
    bad._reserved = 1;
    REFUSED(vst_listener_open(host->engine, "127.0.0.1:0", config, &bad, &id, NULL, NULL, 0));
    REFUSED(vst_listener_open(host->engine, "localhost", config, NULL, &id, NULL, NULL, 0));
    REFUSED(vst_listener_open(host->engine, "127.0.0.1:65536", config, NULL, &id, NULL, NULL, 0));
    REFUSED(vst_listener_open(host->engine, "", config, NULL, &id, NULL, NULL, 0));
    vst_accept_config_free(config);
}

static void backends(struct host *host)
{
    vst_backend_options good, bad;
    vst_server_options named, other;
    vst_id backend, id = 9;
    uint32_t server = 9;
    char why[256];
    MUST(vst_backend_options_init(&good, sizeof good) == VST_OK);
    bad = good;
    bad.flags = UINT64_C(1) << 63;
    REFUSED(vst_backend_new(host->engine, &bad, &id, NULL, 0));
    CHECK_EQ(id, 0);
    bad = good;
    bad._reserved = 1;
    REFUSED(vst_backend_new(host->engine, &bad, &id, NULL, 0));
    bad = good;
    bad.balance = VST_BALANCE_RANDOM + 1;
    REFUSED(vst_backend_new(host->engine, &bad, &id, NULL, 0));
    MUST(vst_backend_new(host->engine, &good, &backend, NULL, 0) == VST_OK);

    MUST(vst_server_options_init(&named, sizeof named) == VST_OK);
    named.name = "a";
#define ADD() vst_backend_add_server(host->engine, backend, &other, &server, why, sizeof why)
    other = named;
    other.flags = UINT64_C(1) << 63;
    REFUSED(ADD());
    CHECK_EQ(server, VST_NO_SERVER);
    other = named;
    other.weight = 257;
    REFUSED(ADD());
    other = named;
    other.flags = VST_SERVER_CHECK;
    other.check_jitter = 101;
    REFUSED(ADD());
    other.check_jitter = 0;
    other.check_address = "nowhere";
    CHECK_EQ(ADD(), VST_E_CONFIG);
    CHECK(strstr(why, "check_address") != NULL && strstr(why, "nowhere") != NULL);
    other = named;
    other.addresses = "127.0.0.1:80,127.0.0.1";
    CHECK_EQ(ADD(), VST_E_CONFIG);
    CHECK(strstr(why, "\"127.0.0.1\"") != NULL);
    other.addresses = "";
    CHECK_EQ(ADD(), VST_E_CONFIG);
    other = named;
    other.name = "";
    CHECK_EQ(ADD(), VST_E_CONFIG);
    CHECK_EQ(server, VST_NO_SERVER);
    other = named;
    CHECK_EQ(ADD(), VST_OK);
    CHECK_EQ(server, 0);
    CHECK_EQ(ADD(), VST_E_CONFIG);
    CHECK(strstr(why, "name") != NULL);

    vst_server_status state = {.size = sizeof state};
    vst_backend_counters counters = {.size = sizeof counters};
    REFUSED(vst_server_set_weight(host->engine, backend, 0, 257));
    REFUSED(vst_server_set_weight(host->engine, backend, 1, 1));
    REFUSED(vst_server_set_state(host->engine, backend, 0, 0));
    REFUSED(vst_server_set_state(host->engine, backend, 0, VST_ADMIN_MAINTENANCE + 1));
    REFUSED(vst_server_set_state(host->engine, backend, VST_NO_SERVER, VST_ADMIN_READY));
    REFUSED(vst_server_set_addresses(host->engine, backend, 0, "localhost", NULL, 0));
    REFUSED(vst_server_set_addresses(host->engine, backend, 1, NULL, NULL, 0));
    REFUSED(vst_server_state(host->engine, backend, 1, &state));
    REFUSED(vst_server_get_counters(host->engine, backend, 1, &counters));
}

int main(void)
{
    struct host host;
    uint16_t port;
    int peer;
    char text[64];
    size_t len;
    host_new(&host, HOST_EPOLL);
    host.breaks_contract = 1;
    listener(&host, NULL, &port);
    vst_id conn = session(&host, port, &peer);
    vst_id token = 0;
    for (int fd = 0; fd < FDS; fd++)
        if (host.watch[fd].announced)
            token = host.watch[fd].token;

    engine_options();
    configurations();
    socks();
    listeners(&host);
    backends(&host);
    handlers(host.engine, conn);
    fed(host.engine);
    links(host.engine);
    agents(host.engine, conn);
    CHECK(strcmp(vst_op_name(VST_OP_FCLOSE), "FCLOSE") == 0);
    CHECK(strcmp(vst_op_name(0), "SESSION") == 0 && strcmp(vst_op_name(99), "UNKNOWN") == 0);
    CHECK(strcmp(vst_why_name(VST_WHY_EMPTY), "EMPTY") == 0);
    CHECK(strcmp(vst_why_name(0), "OK") == 0 && strcmp(vst_why_name(UINT32_MAX), "UNKNOWN") == 0);
    REFUSED(vst_conn_shutdown(host.engine, conn, 0));
    REFUSED(vst_conn_shutdown(host.engine, conn, 4));
    REFUSED(vst_conn_recv(host.engine, conn, text, 0, &len));
    REFUSED(vst_conn_tls_text(host.engine, conn, 99, text, sizeof text, &len));
    REFUSED(vst_engine_ready(host.engine, token, VST_IO_EDGE, 0, NULL));
    REFUSED(vst_engine_ready(host.engine, token, VST_IO_RELEASED, 0, NULL));
    REFUSED(vst_engine_ready(host.engine, token, 1u << 31, 0, NULL));
    vst_ready list = {.token = token, .events = VST_IO_IN, ._reserved = 1};
    REFUSED(vst_engine_ready_batch(host.engine, &list, 1, 0, NULL));
    vst_addr addr = {.family = 99};
    REFUSED(vst_addr_text(&addr, text, sizeof text, &len));
    vst_id stream;
    REFUSED(vst_conn_forward(host.engine, conn, conn, NULL, NULL, &stream));
    CHECK(vst_strerror(-12345) != NULL && strlen(vst_strerror(-12345)) > 0);
    CHECK(vst_strerror(VST_E_STALE) != NULL && strlen(vst_strerror(VST_E_STALE)) > 0);
    host_free(&host);
    close(peer);
    return verdict();
}
