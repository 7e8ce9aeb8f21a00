/* Connections that an agent accepts and hands over: what it knows of them is known at the client, whose
 * rules judge by it; where nobody listens the agent keeps them. */
#include "remote.h"

/* A certificate that is its own authority, valid for a.test, and its key: made for this run. */
static const char *pem;

static const char web[] = "web";
static vst_id offered_one; /* the last of the agent's fronts */
static int taken_marker;

static void of_agent(struct host *host, const vst_event *event)
{
    (void)host;
    if (event->kind == VST_EVENT_SESSION && event->user == web)
        offered_one = event->id;
}

static void of_client(struct host *host, const vst_event *event)
{
    (void)host;
    if (event->kind == VST_EVENT_SESSION)
        CHECK(event->user == &taken_marker);
}

/* Where sessions come in that the agent offers under this name. */
static uint16_t front(const vst_accept_options *options, const char *name)
{
    vst_listener_options listener = {.size = sizeof listener, .user = (void *)name};
    vst_accept_config *config;
    vst_id door;
    vst_addr addr;
    MUST(vst_accept_config_new(options, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(remote.agent.host.engine, "127.0.0.1:0", config, &listener, &door, NULL,
                           NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(remote.agent.host.engine, door, &addr) == VST_OK);
    return addr.port;
}

static void listens(const vst_rules *rules)
{
    vst_accept_options options = {.size = sizeof options, .rules = rules};
    vst_accept_config *config;
    MUST(vst_accept_config_new(&options, &config, NULL, 0) == VST_OK);
    CHECK_EQ(vst_link_accept(remote.client.host.engine, remote.link, web, config, &taken_marker, NULL,
                             0), VST_OK);
    CHECK_EQ(vst_link_accept(remote.client.host.engine, remote.link, web, config, NULL, NULL, 0),
             VST_E_STATE);
    vst_accept_config_free(config);
}

static void begin(uint64_t agent_flags, const char *rules)
{
    vst_rules *made = NULL;
    remote_prepare(0);
    remote.agent_options.flags = agent_flags;
    remote_open();
    remote.of_agent = of_agent;
    remote.of_client = of_client;
    offered_one = 0;
    if (rules)
        MUST(vst_rules_new((const uint8_t *)rules, strlen(rules), NULL, 0, NULL, &made, NULL, 0)
             == VST_OK);
    listens(made);
    vst_rules_free(made);
}

/* The announcement may be on its way: until it arrives nobody takes anything. */
static vst_id handed_over(uint16_t port, const char *first, int *peer)
{
    unsigned before = remote.client.host.reported[VST_EVENT_SESSION];
    do {
        *peer = dial(port);
        if (first)
            say_text(*peer, first);
        offered_one = 0;
        REMOTE_UNTIL(offered_one != 0);
        if (remote.offered != VST_OK) {
            CHECK_EQ(remote.offered, VST_NONE);
            CHECK_EQ(vst_conn_abort(remote.agent.host.engine, offered_one), VST_OK);
            close(*peer);
        }
    } while (remote.offered != VST_OK);
    REMOTE_UNTIL(remote.client.host.reported[VST_EVENT_SESSION] > before);
    return remote.client.host.last[VST_EVENT_SESSION];
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    MUST(getsockname(fd, (struct sockaddr *)&name, &size) == 0);
    return ntohs(name.sin_port);
}

static void is_a_session(vst_id conn, int peer)
{
    say_text(peer, "ask");
    reads(conn, "ask");
    sends(conn, "answer");
    hears(peer, "answer");
    MUST(shutdown(peer, SHUT_WR) == 0);
    CHECK_EQ(reads_end(conn), VST_END);
    sends(conn, "the rest");
    CHECK_EQ(vst_conn_close(remote.client.host.engine, conn), VST_OK);
    hears(peer, "the rest");
    CHECK_EQ(hears_end(peer), 0);
    close(peer);
    const vst_end *end = end_of(conn);
    CHECK(end->at == 0 && end->why == 0 && end->bytes_in == 3 && end->bytes_out == 14);
}

static void a_session_is_handed_over_with_its_addresses(uint64_t flags)
{
    vst_accept_options options = {.size = sizeof options};
    vst_addr source, destination;
    int peer;
    begin(flags, NULL);
    uint16_t port = front(&options, web);
    vst_id conn = handed_over(port, NULL, &peer);
    CHECK_EQ(stands_alone(conn), flags == 0);
    CHECK_EQ(vst_conn_addrs(remote.client.host.engine, conn, &source, &destination), VST_OK);
    CHECK(source.family == VST_ADDR_IPV4 && source.port == port_of(peer));
    CHECK(destination.family == VST_ADDR_IPV4 && destination.port == port);
    if (flags != 0)
        CHECK_EQ(vst_conn_recv(remote.agent.host.engine, offered_one, &source, 1, &(size_t){0}),
                 VST_E_STATE);
    is_a_session(conn, peer);
    REMOTE_UNTIL(end_at(&remote.agent, offered_one) != NULL);
    CHECK_EQ(end_at(&remote.agent, offered_one)->why, 0);
    remote_finish();
}

static void a_proxy_header_is_passed_on(uint64_t flags)
{
    static const char header[] = "PROXY TCP4 192.0.2.77 198.51.100.1 1024 443\r\n";
    vst_accept_options options = {.size = sizeof options, .accept_proxy = "any"};
    vst_proxy_header is = {.size = sizeof is};
    vst_addr source, destination;
    int peer;
    /* Rules judge by the address that was announced. */
    begin(flags, "tcp-request connection reject if { src 192.0.2.78 }\n"
                 "tcp-request session reject unless { src 192.0.2.77 } { dst_port 443 }");
    uint16_t port = front(&options, web);
    vst_id conn = handed_over(port, header, &peer);
    vst_engine *engine = remote.client.host.engine;
    CHECK_EQ(vst_conn_addrs(engine, conn, &source, &destination), VST_OK);
    CHECK(source.port == 1024 && source.bytes[3] == 77 && destination.port == 443);
    CHECK_EQ(vst_conn_socket_addrs(engine, conn, &source, &destination), VST_OK);
    CHECK(source.port == port_of(peer) && destination.port == port);
    CHECK_EQ(vst_conn_proxy_header(engine, conn, &is), VST_OK);
    CHECK(is.command == VST_PROXY_COMMAND_RELAYED && is.transport == VST_PROXY_TRANSPORT_TCP);
    is_a_session(conn, peer);
    remote_finish();
}

static void the_clients_rules_refuse_what_was_handed_over(void)
{
    static const char header[] = "PROXY TCP4 192.0.2.78 198.51.100.1 1024 443\r\n";
    vst_accept_options options = {.size = sizeof options, .accept_proxy = "any"};
    int peer;
    begin(VST_AGENT_NO_DESCRIPTORS, "tcp-request session reject if { src 192.0.2.78 }");
    uint16_t port = front(&options, web);
    do {
        peer = dial(port);
        say_text(peer, header);
        offered_one = 0;
        REMOTE_UNTIL(offered_one != 0);
        if (remote.offered != VST_OK) {
            CHECK_EQ(vst_conn_abort(remote.agent.host.engine, offered_one), VST_OK);
            close(peer);
        }
    } while (remote.offered != VST_OK);
    CHECK(hears_end(peer) == 0 || errno == ECONNRESET);
    close(peer);
    REMOTE_UNTIL(remote.client.ended == 1);
    CHECK_EQ(remote.client.host.reported[VST_EVENT_SESSION], 0);
    CHECK_EQ(remote.client.ends[0].at, VST_OP_SESSION_RULES);
    CHECK_EQ(remote.client.ends[0].why, VST_WHY_DENIED);
    CHECK_EQ(remote.client.ends[0].remote, 0);
    remote.agent.host.patience_ends = now_ns() + PATIENCE_NS;
    remote_finish();
}

static void tls_of_the_agent_is_known_at_the_client(void)
{
    vst_identity identity = {.chain.file = pem};
    vst_tls_server_options of_server = {.size = sizeof of_server, .identities = &identity,
                                        .identity_count = 1, .alpn = "h2"};
    vst_tls_client_options of_client = {.size = sizeof of_client, .ca.file = pem, .alpn = "h2"};
    vst_tls_server *server;
    vst_tls_client *client;
    vst_tls_info info = {.size = sizeof info};
    char text[64];
    size_t len;
    MUST(vst_tls_server_new(&of_server, &server, NULL, 0) == VST_OK);
    MUST(vst_tls_client_new(&of_client, &client, NULL, 0) == VST_OK);
    begin(0, "tcp-request session reject unless { ssl_fc } { ssl_fc_sni a.test } { ssl_fc_alpn h2 }");
    vst_accept_options options = {.size = sizeof options, .tls = server};
    uint16_t port = front(&options, web);
    vst_connect_options connect = remote_options();
    connect.link = 0, connect.tls = client, connect.server_name = "a.test";
    vst_engine *engine = remote.client.host.engine;
    vst_id far = 0;
    /* Both ends are the client engine's: one is connected, the other is handed over. */
    do {
        far = connects(&connect, port);
        offered_one = 0;
        REMOTE_UNTIL(offered_one != 0);
        if (remote.offered == VST_NONE) {
            CHECK_EQ(vst_conn_abort(remote.agent.host.engine, offered_one), VST_OK);
            CHECK_EQ(vst_conn_abort(engine, far), VST_OK);
        }
    } while (remote.offered == VST_NONE);
    CHECK_EQ(remote.offered, VST_OK);
    REMOTE_UNTIL(remote.client.host.reported[VST_EVENT_SESSION] == 1);
    vst_id conn = remote.client.host.last[VST_EVENT_SESSION];
    CHECK(!stands_alone(conn));
    CHECK_EQ(vst_conn_tls_info(engine, conn, &info), VST_OK);
    CHECK_EQ(info.version, 0x0304);
    CHECK_EQ(info.verified, VST_VERIFIED_NOT_ASKED);
    CHECK_EQ(info.certificate_count, 0);
    CHECK_EQ(vst_conn_tls_text(engine, conn, VST_TLS_TEXT_SNI, text, sizeof text, &len), VST_OK);
    CHECK(len == 6 && memcmp(text, "a.test", 6) == 0);
    CHECK_EQ(vst_conn_tls_text(engine, conn, VST_TLS_TEXT_ALPN, text, sizeof text, &len), VST_OK);
    CHECK(len == 2 && memcmp(text, "h2", 2) == 0);
    sends(far, "through the agent's TLS");
    reads(conn, "through the agent's TLS");
    sends(conn, "and back");
    reads(far, "and back");
    CHECK_EQ(vst_conn_close(engine, conn), VST_OK);
    CHECK_EQ(reads_end(far), VST_END);
    CHECK_EQ(vst_conn_close(engine, far), VST_OK);
    CHECK_EQ(end_of(conn)->why, 0);
    CHECK_EQ(end_of(far)->why, 0);
    vst_tls_server_free(server);
    vst_tls_client_free(client);
    remote_finish();
}

static void where_nobody_listens_the_agent_keeps_its_session(void)
{
    static const char other[] = "other";
    vst_accept_options options = {.size = sizeof options};
    int peer, again;
    begin(0, NULL);
    vst_engine *agent = remote.agent.host.engine;
    uint16_t port = front(&options, other);
    peer = dial(port);
    REMOTE_UNTIL(agent && remote.agent.host.reported[VST_EVENT_SESSION] == 2);
    CHECK_EQ(remote.offered, VST_NONE);
    vst_id kept = remote.agent.host.last[VST_EVENT_SESSION];
    say_text(peer, "still here");
    engine_reads(agent, kept, "still here");
    CHECK_EQ(vst_agent_offer(agent, remote.the_agent, kept, ""), VST_NONE);
    CHECK_EQ(vst_conn_abort(agent, kept), VST_OK);
    close(peer);
    /* And where nobody listens any more. */
    uint16_t open = front(&options, web);
    vst_id conn = handed_over(open, NULL, &peer);
    CHECK_EQ(vst_link_stop_accepting(remote.client.host.engine, remote.link, web), VST_OK);
    CHECK_EQ(vst_link_stop_accepting(remote.client.host.engine, remote.link, web), VST_E_STATE);
    int refused = 0;
    while (!refused) {
        again = dial(open);
        offered_one = 0;
        REMOTE_UNTIL(offered_one != 0);
        refused = remote.offered == VST_NONE;
        if (refused)
            CHECK_EQ(vst_conn_abort(agent, offered_one), VST_OK);
        close(again);
    }
    is_a_session(conn, peer);
    listens(NULL);
    remote_finish();
}

int main(int argc, char **argv)
{
    MUST(argc >= 2);
    pem = argv[1];
    a_session_is_handed_over_with_its_addresses(0);
    a_session_is_handed_over_with_its_addresses(VST_AGENT_NO_DESCRIPTORS);
    a_proxy_header_is_passed_on(0);
    a_proxy_header_is_passed_on(VST_AGENT_NO_DESCRIPTORS);
    the_clients_rules_refuse_what_was_handed_over();
    tls_of_the_agent_is_known_at_the_client();
    where_nobody_listens_the_agent_keeps_its_session();
    return verdict();
}
