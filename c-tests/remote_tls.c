/* TLS that the agent speaks: what it has agreed on is known at the client as if it had done so itself, and
 * its failures are told as if they had happened there. */
#include "remote.h"

/* A certificate that is its own authority, valid for a.test, and its key: made for this run. */
static const char *pem;

static vst_tls_client *trusting;
static uint16_t site; /* where a TLS server listens, in the agent's engine */
static vst_id session_of_site;

static void of_agent(struct host *host, const vst_event *event)
{
    (void)host;
    if (event->kind == VST_EVENT_SESSION && event->user == NULL)
        session_of_site = event->id;
}

/* A TLS server with this certificate, on a port of the loopback. */
static uint16_t serves(const vst_tls_server *server)
{
    vst_accept_options options = {.size = sizeof options, .tls = server};
    vst_accept_config *config;
    vst_id door;
    vst_addr addr;
    MUST(vst_accept_config_new(&options, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(remote.agent.host.engine, "127.0.0.1:0", config, NULL, &door, NULL, NULL, 0)
         == VST_OK);
    MUST(vst_listener_addr(remote.agent.host.engine, door, &addr) == VST_OK);
    vst_accept_config_free(config);
    return addr.port;
}

static void begin(void)
{
    vst_identity identity = {.chain.file = pem};
    vst_tls_server_options options = {.size = sizeof options, .identities = &identity,
                                      .identity_count = 1, .alpn = "h2,http/1.1"};
    vst_tls_server *server;
    MUST(vst_tls_server_new(&options, &server, NULL, 0) == VST_OK);
    remote_new();
    session_of_site = 0;
    remote.of_agent = of_agent;
    site = serves(server);
    vst_tls_server_free(server);
    CHECK_EQ(vst_agent_add_tls(remote.agent.host.engine, remote.the_agent, "inner", trusting), VST_OK);
}

static vst_connect_options inner(const char *name)
{
    vst_connect_options options = remote_options();
    options.link_tls = "inner";
    options.server_name = name;
    return options;
}

/* The same connection without an agent. */
static vst_connect_options directly(const char *name)
{
    vst_connect_options options = remote_options();
    options.link = 0;
    options.tls = trusting;
    options.server_name = name;
    return options;
}

static void facts_are_those_of(vst_id here, vst_id there)
{
    vst_engine *engine = remote.client.host.engine;
    vst_tls_info one = {.size = sizeof one}, other = {.size = sizeof other};
    static uint8_t bytes[2][4096];
    char text[2][256];
    size_t len[2];
    CHECK_EQ(vst_conn_tls_info(engine, here, &one), VST_OK);
    CHECK_EQ(vst_conn_tls_info(engine, there, &other), VST_OK);
    CHECK(one.version == other.version && one.cipher == other.cipher);
    CHECK(one.certificate_count == 1 && other.certificate_count == 1);
    CHECK(one.verified == VST_VERIFIED_VALID && other.verified == VST_VERIFIED_VALID);
    CHECK(other.version == 0x0304 && other.group != 0);
    for (uint32_t what = VST_TLS_TEXT_VERSION; what <= VST_TLS_TEXT_PEER_ISSUER; what++) {
        vst_status status = vst_conn_tls_text(engine, here, what, text[0], sizeof text[0], &len[0]);
        CHECK_EQ(vst_conn_tls_text(engine, there, what, text[1], sizeof text[1], &len[1]), status);
        CHECK(len[0] == len[1] && memcmp(text[0], text[1], len[0]) == 0);
    }
    CHECK_EQ(vst_conn_tls_certificate(engine, here, 0, bytes[0], sizeof bytes[0], &len[0]), VST_OK);
    CHECK_EQ(vst_conn_tls_certificate(engine, there, 0, bytes[1], sizeof bytes[1], &len[1]), VST_OK);
    CHECK(len[0] > 0 && len[0] == len[1] && memcmp(bytes[0], bytes[1], len[0]) == 0);
    CHECK(vst_conn_tls_certificate(engine, there, 1, bytes[1], sizeof bytes[1], &len[1])
          != VST_OK);
}

static void what_tls_agreed_on_is_known_at_the_client(void)
{
    vst_connect_options there = inner("a.test"), here = directly("a.test");
    begin();
    there.link = remote.link;
    vst_engine *engine = remote.client.host.engine, *agent = remote.agent.host.engine;
    vst_id direct = connects(&here, site);
    REMOTE_UNTIL(state_of(direct) == VST_STATE_ESTABLISHED && session_of_site != 0);
    CHECK_EQ(vst_conn_abort(agent, session_of_site), VST_OK);
    session_of_site = 0;
    vst_id conn = connects(&there, site);
    REMOTE_UNTIL(state_of(conn) == VST_STATE_ESTABLISHED && session_of_site != 0);
    CHECK(!stands_alone(conn));
    facts_are_those_of(direct, conn);

    vst_layers layers = {.size = sizeof layers};
    CHECK_EQ(vst_conn_layers(engine, conn, &layers), VST_OK);
    CHECK(layers.data.connected && layers.data.handlers_done && !layers.data.failed);
    size_t taken;
    sends(conn, "a secret");
    engine_reads(agent, session_of_site, "a secret");
    CHECK_EQ(vst_conn_send(agent, session_of_site, "another", 7, &taken), VST_OK);
    reads(conn, "another");
    /* Both layers end: close_notify, and FIN behind it. */
    CHECK_EQ(vst_conn_shutdown(engine, conn, VST_SHUT_WRITE), VST_OK);
    char byte;
    size_t got;
    vst_status status = VST_WAIT;
    REMOTE_UNTIL((status = vst_conn_recv(agent, session_of_site, &byte, 1, &got)) != VST_WAIT);
    CHECK_EQ(status, VST_END);
    CHECK_EQ(vst_conn_close(agent, session_of_site), VST_OK);
    CHECK_EQ(reads_end(conn), VST_END);
    CHECK_EQ(vst_conn_close(engine, conn), VST_OK);
    CHECK_EQ(end_of(conn)->why, 0);
    CHECK_EQ(vst_conn_abort(engine, direct), VST_OK);
    REMOTE_UNTIL(remote.agent.host.wait.conns == 1);
    CHECK_EQ(end_at(&remote.agent, session_of_site)->why, 0);
    remote_finish();
}

/* A server of the test that says something, or nothing, and closes. */
static uint16_t says_only(int *door)
{
    uint16_t port;
    *door = listening(&port);
    return port;
}

static void answers(int door, const char *text)
{
    int fd = -1;
    char bytes[4096];
    MUST(fcntl(door, F_SETFL, O_NONBLOCK) == 0);
    for (int i = 0; i < 2; i++) {
        REMOTE_UNTIL((fd = accept4(door, NULL, NULL, SOCK_CLOEXEC)) >= 0);
        REMOTE_UNTIL(hear(fd, bytes, sizeof bytes) > 0);
        say_text(fd, text);
        MUST(shutdown(fd, SHUT_WR) == 0);
        REMOTE_UNTIL(hear(fd, bytes, sizeof bytes) == 0 || errno != EAGAIN);
        close(fd);
    }
}

static void failures_of_tls_are_told_as_if_they_were_here(void)
{
    int door;
    begin();
    /* Not the server that was meant. */
    vst_connect_options there = inner("b.test"), here = directly("b.test");
    same_failure(connects(&here, site), connects(&there, site), VST_OP_TLS_CONNECT, VST_WHY_DENIED);
    /* Nobody whom the profile trusts. */
    vst_tls_server *stranger;
    MUST(vst_tls_server_self_signed("a.test", &stranger, NULL, 0) == VST_OK);
    uint16_t strange = serves(stranger);
    vst_tls_server_free(stranger);
    there = inner("a.test"), here = directly("a.test");
    vst_id direct = connects(&here, strange), conn = connects(&there, strange);
    same_failure(direct, conn, VST_OP_TLS_CONNECT, VST_WHY_DENIED);
    CHECK(end_of(conn)->alert >= 0);
    /* No TLS at all. */
    uint16_t port = says_only(&door);
    direct = connects(&here, port), conn = connects(&there, port);
    answers(door, "HTTP/1.0 400 Bad Request\r\n\r\n");
    same_failure(direct, conn, VST_OP_TLS_CONNECT, VST_WHY_MALFORMED);
    /* It ends instead. */
    direct = connects(&here, port), conn = connects(&there, port);
    answers(door, "");
    same_failure(direct, conn, VST_OP_TLS_CONNECT, end_of(direct)->why);
    close(door);
    /* The profile is the agent's. */
    there.link_tls = "outer";
    failed_there(connects(&there, site), VST_OP_TLS_CONNECT, VST_WHY_DENIED, 0, "\"outer\"");
    remote_finish();
}

/* A second configuration under a name replaces the first. */
static void a_profile_can_be_replaced(void)
{
    vst_tls_client_options options = {.size = sizeof options, .max_version = 0x0303,
                                      .ca.file = pem};
    vst_tls_client *older;
    vst_tls_info info = {.size = sizeof info};
    MUST(vst_tls_client_new(&options, &older, NULL, 0) == VST_OK);
    begin();
    CHECK_EQ(vst_agent_add_tls(remote.agent.host.engine, remote.the_agent, "inner", older), VST_OK);
    vst_tls_client_free(older);
    vst_connect_options there = inner("a.test");
    vst_id conn = connects(&there, site);
    REMOTE_UNTIL(state_of(conn) == VST_STATE_ESTABLISHED && session_of_site != 0);
    CHECK_EQ(vst_conn_tls_info(remote.client.host.engine, conn, &info), VST_OK);
    CHECK_EQ(info.version, 0x0303);
    CHECK_EQ(vst_conn_abort(remote.client.host.engine, conn), VST_OK);
    CHECK_EQ(vst_conn_abort(remote.agent.host.engine, session_of_site), VST_OK);
    remote_finish();
}

int main(int argc, char **argv)
{
    MUST(argc >= 2);
    pem = argv[1];
    vst_tls_client_options options = {.size = sizeof options, .ca.file = pem, .alpn = "h2"};
    MUST(vst_tls_client_new(&options, &trusting, NULL, 0) == VST_OK);
    what_tls_agreed_on_is_known_at_the_client();
    failures_of_tls_are_told_as_if_they_were_here();
    a_profile_can_be_replaced();
    vst_tls_client_free(trusting);
    return verdict();
}
