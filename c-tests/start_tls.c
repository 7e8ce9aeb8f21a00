/* TLS begins in the middle of a session, on either side; anything but a raw session of which everything
 * has been read is refused, and so are invalid arguments. */
#include "check.h"

/* A file with a certificate that no client trusts, and its key: made for this run. */
static const char *pem;

static vst_tls_server *make_server(uint32_t version)
{
    vst_tls_server_options options;
    vst_tls_server *server = NULL;
    vst_identity identity = {.chain.file = pem};
    MUST(vst_tls_server_options_init(&options, sizeof options) == VST_OK);
    options.identities = &identity;
    options.identity_count = 1;
    options.min_version = options.max_version = version;
    MUST(vst_tls_server_new(&options, &server, NULL, 0) == VST_OK);
    return server;
}

static vst_tls_client *make_client(uint64_t flags)
{
    vst_tls_client_options options;
    vst_tls_client *client = NULL;
    MUST(vst_tls_client_options_init(&options, sizeof options) == VST_OK);
    options.flags = flags;
    options.ca.file = flags ? NULL : pem;
    MUST(vst_tls_client_new(&options, &client, NULL, 0) == VST_OK);
    return client;
}

static vst_start_tls as_server(const vst_tls_server *server)
{
    vst_start_tls start = {.size = sizeof start, .server = server};
    return start;
}

static vst_start_tls as_client(const vst_tls_client *client)
{
    vst_start_tls start = {.size = sizeof start, .client = client, .server_name = "a.test"};
    return start;
}

/* ---- two ends in one engine ---- */

struct pair {
    struct host host; /* first: the event hook gets a pointer to it */
    vst_id server, client;
    vst_end end; /* of the one that ended first */
    char text[256];
};

static void keep_the_end(struct host *host, const vst_event *event)
{
    struct pair *pair = (struct pair *)host;
    if (event->kind != VST_EVENT_CLOSED || pair->text[0] != '\0')
        return;
    pair->end = *event->end;
    snprintf(pair->text, sizeof pair->text, "%s", event->end->text);
}

static void pair_open(struct pair *pair, enum host_kind kind)
{
    vst_connect_config *config = connecting(VST_SEND_PROXY_NONE);
    char address[32];
    uint16_t port;
    memset(pair, 0, sizeof *pair);
    host_new(&pair->host, kind);
    pair->host.hook = keep_the_end;
    listener(&pair->host, NULL, &port);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
    MUST(vst_conn_connect(pair->host.engine, address, config, NULL, &pair->client, NULL,
                          0) == VST_OK);
    vst_connect_config_free(config);
    HOST_UNTIL(&pair->host,
               pair->host.reported[VST_EVENT_SESSION] && pair->host.reported[VST_EVENT_CONNECTED]);
    pair->server = pair->host.last[VST_EVENT_SESSION];
}

static void speak(struct pair *pair, vst_id from, const char *text)
{
    size_t taken;
    MUST(vst_conn_send(pair->host.engine, from, text, strlen(text), &taken) == VST_OK);
    MUST(taken == strlen(text));
}

/* Reads once: a short text comes in one piece here. */
static size_t hears(struct pair *pair, vst_id at, char *to, size_t size)
{
    size_t len = 0;
    vst_status status;
    HOST_UNTIL(&pair->host,
               (status = vst_conn_recv(pair->host.engine, at, to, size, &len)) != VST_WAIT);
    MUST(status == VST_OK);
    return len;
}

static void expect(struct pair *pair, vst_id at, const char *text)
{
    char got[64];
    size_t len = hears(pair, at, got, sizeof got);
    CHECK(len == strlen(text) && memcmp(got, text, len) == 0);
}

/* ---- it works ---- */

static void a_plain_session_goes_on_behind_tls(enum host_kind kind, uint32_t version)
{
    struct pair pair;
    vst_tls_info info = {.size = sizeof info};
    vst_tls_server *server = make_server(version);
    vst_tls_client *client = make_client(VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION);
    vst_start_tls serve = as_server(server), connect = as_client(client);
    char byte;
    size_t len;
    pair_open(&pair, kind);
    vst_engine *engine = pair.host.engine;
    speak(&pair, pair.client, "STARTTLS\r\n");
    expect(&pair, pair.server, "STARTTLS\r\n");
    CHECK_EQ(vst_conn_tls_info(engine, pair.server, &info), VST_NONE);
    speak(&pair, pair.server, "GO\r\n");
    CHECK_EQ(vst_conn_start_tls(engine, pair.server, &serve, NULL, 0), VST_OK);
    expect(&pair, pair.client, "GO\r\n");
    CHECK_EQ(vst_conn_start_tls(engine, pair.client, &connect, NULL, 0), VST_OK);
    vst_tls_client_free(client);

    /* Nothing is read, written or begun before the handshake is complete. */
    CHECK_EQ(vst_conn_recv(engine, pair.server, &byte, 1, &len), VST_E_STATE);
    CHECK_EQ(vst_conn_send(engine, pair.client, "x", 1, &len), VST_E_STATE);
    CHECK_EQ(len, 0);
    CHECK_EQ(vst_conn_start_tls(engine, pair.server, &serve, NULL, 0), VST_E_STATE);
    HOST_UNTIL(&pair.host, pair.host.reported[VST_EVENT_TLS_DONE] == 2);
    CHECK_EQ(vst_conn_start_tls(engine, pair.server, &serve, NULL, 0), VST_E_STATE);
    CHECK_EQ(vst_conn_tls_info(engine, pair.server, &info), VST_OK);
    CHECK_EQ(info.version, version);
    vst_tls_server_free(server);
    speak(&pair, pair.client, "secret");
    expect(&pair, pair.server, "secret");
    speak(&pair, pair.server, "kept");
    expect(&pair, pair.client, "kept");

    /* The end is a close_notify. */
    CHECK_EQ(vst_conn_close(engine, pair.client), VST_OK);
    vst_status status;
    HOST_UNTIL(&pair.host,
               (status = vst_conn_recv(engine, pair.server, &byte, 1, &len)) != VST_WAIT);
    CHECK_EQ(status, VST_END);
    CHECK_EQ(vst_conn_close(engine, pair.server), VST_OK);
    HOST_UNTIL(&pair.host, pair.host.reported[VST_EVENT_CLOSED] == 2);
    CHECK_EQ(pair.host.reported[VST_EVENT_SESSION] + pair.host.reported[VST_EVENT_CONNECTED], 2);
    CHECK_EQ(pair.end.why, 0);
    host_free(&pair.host);
}

static void what_was_read_of_the_first_flight_is_its_beginning(void)
{
    struct pair pair;
    vst_tls_server *server = make_server(0);
    vst_tls_client *client = make_client(VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION);
    vst_start_tls serve = as_server(server), connect = as_client(client);
    char flight[100];
    pair_open(&pair, HOST_EPOLL);
    CHECK_EQ(vst_conn_start_tls(pair.host.engine, pair.client, &connect, NULL, 0), VST_OK);
    serve.early = flight;
    serve.early_len = hears(&pair, pair.server, flight, sizeof flight);
    CHECK(serve.early_len > 0 && flight[0] == 22);
    CHECK_EQ(vst_conn_start_tls(pair.host.engine, pair.server, &serve, NULL, 0), VST_OK);
    memset(flight, 0, sizeof flight);
    HOST_UNTIL(&pair.host, pair.host.reported[VST_EVENT_TLS_DONE] == 2);
    speak(&pair, pair.server, "kept");
    expect(&pair, pair.client, "kept");
    vst_tls_server_free(server);
    vst_tls_client_free(client);
    host_free(&pair.host);
}

/* ---- it fails ---- */

static void plaintext_behind_the_command_is_no_handshake(void)
{
    struct pair pair;
    vst_tls_server *server = make_server(0);
    vst_start_tls serve = as_server(server);
    pair_open(&pair, HOST_EPOLL);
    CHECK_EQ(vst_conn_start_tls(pair.host.engine, pair.server, &serve, NULL, 0), VST_OK);
    speak(&pair, pair.client, "MAIL FROM:<injected@a.test>\r\n");
    HOST_UNTIL(&pair.host, pair.host.reported[VST_EVENT_CLOSED] == 1);
    CHECK(pair.end.conn == pair.server);
    CHECK(pair.end.at == VST_OP_TLS_ACCEPT && pair.end.why == VST_WHY_MALFORMED);
    CHECK_EQ(pair.host.reported[VST_EVENT_TLS_DONE], 0);
    vst_tls_server_free(server);
    host_free(&pair.host);
}

static void a_server_that_proves_nothing_is_refused(void)
{
    struct pair pair;
    vst_tls_server *server = make_server(0);
    vst_tls_client *client = make_client(0);
    vst_start_tls serve = as_server(server), connect = as_client(client);
    connect.server_name = "b.test";
    pair_open(&pair, HOST_EPOLL);
    CHECK_EQ(vst_conn_start_tls(pair.host.engine, pair.server, &serve, NULL, 0), VST_OK);
    CHECK_EQ(vst_conn_start_tls(pair.host.engine, pair.client, &connect, NULL, 0), VST_OK);
    HOST_UNTIL(&pair.host, pair.host.reported[VST_EVENT_CLOSED] >= 1);
    CHECK(pair.end.alert >= 0);
    CHECK(pair.end.at == VST_OP_TLS_CONNECT || pair.end.at == VST_OP_TLS_ACCEPT);
    vst_tls_server_free(server);
    vst_tls_client_free(client);
    host_free(&pair.host);
}

/* ---- it is refused ---- */

static void what_makes_no_sense_changes_nothing(void)
{
    struct pair pair;
    vst_tls_server *server = make_server(0);
    vst_tls_client *client = make_client(VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION);
    vst_start_tls good = as_server(server), bad;
    vst_id stream;
    pair_open(&pair, HOST_EPOLL);
    vst_engine *engine = pair.host.engine;
#define REFUSED(status) CHECK_EQ(vst_conn_start_tls(engine, pair.server, &bad, NULL, 0), status)
    bad = good;
    bad.server = NULL;
    REFUSED(VST_E_ARGUMENT);
    bad = good;
    bad.client = client;
    bad.server_name = "a.test";
    REFUSED(VST_E_ARGUMENT);
    bad = good;
    bad.server_name = "a.test";
    REFUSED(VST_E_ARGUMENT);
    bad = as_client(client);
    bad.server_name = NULL;
    REFUSED(VST_E_ARGUMENT);
    bad = as_client(client);
    bad.server_name = "not a name";
    REFUSED(VST_E_ARGUMENT);
    bad = good;
    bad.flags = 1;
    REFUSED(VST_E_ARGUMENT);
    bad = good;
    bad.early_len = 1;
    REFUSED(VST_E_NULL);
    bad = good;
    bad.size--;
    REFUSED(VST_E_SIZE);
#undef REFUSED
    CHECK_EQ(vst_conn_start_tls(NULL, pair.server, &good, NULL, 0), VST_E_NULL);
    CHECK_EQ(vst_conn_start_tls(engine, pair.server, NULL, NULL, 0), VST_E_NULL);
    CHECK_EQ(vst_conn_start_tls(engine, 0, &good, NULL, 0), VST_E_ARGUMENT);
    speak(&pair, pair.client, "still plain");
    expect(&pair, pair.server, "still plain");

    CHECK_EQ(vst_conn_forward(engine, pair.server, pair.client, NULL, NULL, &stream), VST_OK);
    CHECK_EQ(vst_conn_start_tls(engine, pair.server, &good, NULL, 0), VST_E_STATE);
    CHECK_EQ(vst_stream_abort(engine, stream), VST_OK);
    HOST_UNTIL(&pair.host, pair.host.reported[VST_EVENT_STREAM_END] == 1);
    CHECK_EQ(vst_conn_start_tls(engine, pair.server, &good, NULL, 0), VST_E_STALE);
    vst_tls_server_free(server);
    vst_tls_client_free(client);
    host_free(&pair.host);
}

static void it_waits_for_nobody_s_bytes(void)
{
    struct host host;
    uint16_t port;
    char got[16];
    size_t len;
    vst_tls_server *server = make_server(0);
    vst_start_tls serve = as_server(server);
    host_new(&host, HOST_EPOLL);
    listener(&host, "any", &port);
    int peer = dial(port);
    say_text(peer, "PROXY UNKNOWN\r\nSTARTTLS\r\n");
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] == 1);
    vst_id conn = host.last[VST_EVENT_SESSION];
    /* What arrived behind the header was read by the library, and not by the host yet. */
    CHECK_EQ(vst_conn_start_tls(host.engine, conn, &serve, NULL, 0), VST_E_STATE);
    CHECK_EQ(vst_conn_recv(host.engine, conn, got, sizeof got, &len), VST_OK);
    CHECK_EQ(len, 10);

    /* Nor before there is a session. */
    vst_accept_config *config = accepting("any");
    vst_id opening;
    int door = listening(&port), other = dial(port), accepted = accept(door, NULL, NULL);
    CHECK_EQ(vst_conn_accept_fd(host.engine, config, accepted, NULL, &opening, NULL, NULL, 0), VST_OK);
    CHECK_EQ(vst_conn_start_tls(host.engine, opening, &serve, NULL, 0), VST_E_STATE);
    vst_accept_config_free(config);
    vst_tls_server_free(server);
    host_free(&host);
    close(peer);
    close(other);
    close(door);
}

int main(int argc, char **argv)
{
    MUST(argc >= 2);
    pem = argv[1];
    a_plain_session_goes_on_behind_tls(HOST_EPOLL, VST_TLS_1_3);
    a_plain_session_goes_on_behind_tls(HOST_EPOLL, VST_TLS_1_2);
    a_plain_session_goes_on_behind_tls(HOST_EDGE, VST_TLS_1_3);
    a_plain_session_goes_on_behind_tls(HOST_POLL, VST_TLS_1_2);
    a_plain_session_goes_on_behind_tls(HOST_SELECT, VST_TLS_1_3);
    what_was_read_of_the_first_flight_is_its_beginning();
    plaintext_behind_the_command_is_no_handshake();
    a_server_that_proves_nothing_is_refused();
    what_makes_no_sense_changes_nothing();
    it_waits_for_nobody_s_bytes();
    return verdict();
}
