/* Every function that makes something of the host's arguments writes why it cannot, for every failure
 * there is, and an empty sentence when it can. */
#include "check.h"

#define ROOM 256
static char why[ROOM];

static const char *dirty(void)
{
    memset(why, 'x', ROOM);
    return why;
}

/* A sentence that contains `due`. */
static void said(vst_status status, vst_status due_status, const char *due)
{
    CHECK_EQ(status, due_status);
    CHECK(memchr(why, 0, ROOM) != NULL);
    if (memchr(why, 0, ROOM) == NULL || strstr(why, due) == NULL || (*due == 0 && *why != 0)) {
        fprintf(stderr, "not \"%s\" in: %.*s\n", due, ROOM, why);
        broken++;
    }
}
#define SAID(call, status, due) (dirty(), said((call), (status), (due)))

static void servers_of_tls(void)
{
    vst_tls_server *made;
    vst_tls_server_options options, good;
    MUST(vst_tls_server_options_init(&good, sizeof good) == VST_OK);
    options = good;
    options.alpn = "h2,,http/1.1";
    SAID(vst_tls_server_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "alpn, number 2: ");
    vst_identity identities[2] = {{.chain = {.file = "x"}}, {.key = {.file = "x"}}};
    options = good;
    options.identities = identities;
    options.identity_count = 2;
    SAID(vst_tls_server_new(&options, &made, why, ROOM), VST_E_ARGUMENT,
         "identities, number 2: chain: it is missing");
    identities[1].chain = (vst_pem){.file = "x", .bytes = (const uint8_t *)"x", .len = 1};
    SAID(vst_tls_server_new(&options, &made, why, ROOM), VST_E_ARGUMENT,
         "identities, number 2: chain: file or bytes");
    identities[1].chain = (vst_pem){.len = 1};
    SAID(vst_tls_server_new(&options, &made, why, ROOM), VST_E_NULL,
         "identities, number 2: chain.bytes: it is NULL");
    options.identities = NULL;
    SAID(vst_tls_server_new(&options, &made, why, ROOM), VST_E_NULL, "identities: it is NULL");
    options = good;
    options.client_auth = 99;
    SAID(vst_tls_server_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "client_auth");
    options = good;
    options.max_version = 0x0301;
    SAID(vst_tls_server_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "max_version");
    options = good;
    options.flags = UINT64_C(1) << 63;
    SAID(vst_tls_server_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "flags");
    options = good;
    options.size = 3;
    SAID(vst_tls_server_new(&options, &made, why, ROOM), VST_E_SIZE,
         "vst_tls_server_options: its size is 3 and should be");
    SAID(vst_tls_server_new(NULL, &made, why, ROOM), VST_E_NULL, "vst_tls_server_options");
    SAID(vst_tls_server_new(&good, NULL, why, ROOM), VST_E_NULL, "out: it is NULL");
    SAID(vst_tls_server_self_signed("\xff", &made, why, ROOM), VST_E_ARGUMENT,
         "names: it is not UTF-8");
    SAID(vst_tls_server_self_signed("localhost", &made, why, ROOM), VST_OK, "");
    vst_tls_server_free(made);
}

static void clients_of_tls(void)
{
    vst_tls_client *made;
    vst_tls_client_options options;
    MUST(vst_tls_client_options_init(&options, sizeof options) == VST_OK);
    options.flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION;
    SAID(vst_tls_client_new(&options, &made, why, ROOM), VST_OK, "");
    vst_tls_client_free(made);
    options.flags = UINT64_C(1) << 63;
    SAID(vst_tls_client_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "flags");
}

static void configurations(void)
{
    vst_accept_config *accepting_made;
    vst_accept_options accepting_options;
    MUST(vst_accept_options_init(&accepting_options, sizeof accepting_options) == VST_OK);
    SAID(vst_accept_config_new(&accepting_options, &accepting_made, why, ROOM), VST_OK, "");
    vst_accept_config_free(accepting_made);
    accepting_options.accept_proxy = "\xff";
    SAID(vst_accept_config_new(&accepting_options, &accepting_made, why, ROOM), VST_E_ARGUMENT,
         "accept_proxy: it is not UTF-8");
    accepting_options.accept_proxy = "10.0.0.0/8, any, 10.0.0.0/33";
    SAID(vst_accept_config_new(&accepting_options, &accepting_made, why, ROOM), VST_E_CONFIG,
         "accept_proxy, number 3: \"10.0.0.0/33\": ");
    accepting_options.accept_proxy = NULL;
    vst_monitor_options monitor = {
        .size = sizeof monitor, .answer = VST_MONITOR_ANSWER_TEXT, .monitor_net = "::1,*"};
    accepting_options.monitor = &monitor;
    SAID(vst_accept_config_new(&accepting_options, &accepting_made, why, ROOM), VST_E_CONFIG,
         "monitor_net, number 2: \"*\": ");
    monitor.size = 8;
    SAID(vst_accept_config_new(&accepting_options, &accepting_made, why, ROOM), VST_E_SIZE,
         "vst_monitor_options: its size is 8");
    accepting_options.monitor = NULL;
    accepting_options.handler_count = 1;
    SAID(vst_accept_config_new(&accepting_options, &accepting_made, why, ROOM), VST_E_NULL,
         "handlers: it is NULL");

    vst_connect_config *made;
    vst_connect_options options, good;
    MUST(vst_connect_options_init(&good, sizeof good) == VST_OK);
    SAID(vst_connect_config_new(&good, &made, why, ROOM), VST_OK, "");
    vst_connect_config_free(made);
    options = good;
    options.socks_user = "u";
    SAID(vst_connect_config_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "socks");
    options = good;
    options.send_proxy = VST_SEND_PROXY_V1;
    options.proxy_tlvs = VST_PROXY_TLV_ALPN;
    SAID(vst_connect_config_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "proxy_tlvs");
    options = good;
    options.source = "nowhere";
    SAID(vst_connect_config_new(&options, &made, why, ROOM), VST_E_CONFIG,
         "source: \"nowhere\": it is a name");
    CHECK(made == NULL);
}

static void rules_and_tables(void)
{
    static const char text[] = "tcp-request connection reject";
    vst_table *table;
    vst_rules *rules;
    SAID(vst_table_new("seen", "type ip size 10", &table, why, ROOM), VST_OK, "");
    const vst_table *twice[2] = {table, table};
    SAID(vst_rules_new((const uint8_t *)text, sizeof text - 1, twice, 2, NULL, &rules, why, ROOM),
         VST_E_ARGUMENT, "tables, number 2: \"seen\"");
    twice[1] = NULL;
    SAID(vst_rules_new((const uint8_t *)text, sizeof text - 1, twice, 2, NULL, &rules, why, ROOM),
         VST_E_NULL, "tables, number 2: it is NULL");
    SAID(vst_rules_new((const uint8_t *)text, sizeof text - 1, twice, 1, NULL, &rules, why, ROOM),
         VST_OK, "");
    vst_rules_free(rules);
    vst_table_free(table);
    SAID(vst_table_new("seen", NULL, &table, why, ROOM), VST_E_NULL, "definition: it is NULL");
}

static void servers_of_backends(void)
{
    struct host host;
    vst_backend_options backend_options;
    vst_server_options options;
    vst_id backend;
    uint32_t number;
    host_new(&host, HOST_EPOLL);
    MUST(vst_backend_options_init(&backend_options, sizeof backend_options) == VST_OK);
    MUST(vst_backend_new(host.engine, &backend_options, &backend, NULL, 0) == VST_OK);
    MUST(vst_server_options_init(&options, sizeof options) == VST_OK);
    options.name = "one";
    options.addresses = "127.0.0.1:1";
    SAID(vst_backend_add_server(host.engine, backend, &options, &number, why, ROOM), VST_OK, "");
    SAID(vst_backend_add_server(host.engine, backend, &options, &number, why, ROOM), VST_E_CONFIG, "name");
    SAID(vst_backend_add_server(host.engine, 0, &options, &number, why, ROOM), VST_E_ARGUMENT,
         "backend:");
    options.flags = UINT64_C(1) << 63;
    SAID(vst_backend_add_server(host.engine, backend, &options, &number, why, ROOM), VST_E_ARGUMENT,
         "flags");
    SAID(vst_backend_add_server(NULL, backend, &options, &number, why, ROOM), VST_E_NULL,
         "engine: it is NULL");
    options.flags = 0;
    options.weight = 257;
    SAID(vst_backend_add_server(host.engine, backend, &options, &number, why, ROOM), VST_E_ARGUMENT,
         "weight");
    options.weight = 1;
    options.flags = VST_SERVER_CHECK;
    options.check_jitter = 101;
    SAID(vst_backend_add_server(host.engine, backend, &options, &number, why, ROOM), VST_E_ARGUMENT,
         "check_jitter");
    options.check_jitter = 0;
    SAID(vst_server_set_addresses(host.engine, backend, 0, "127.0.0.1:2", why, ROOM), VST_OK, "");
    SAID(vst_server_set_addresses(host.engine, backend, 0, "127.0.0.1:2,[::1]", why, ROOM),
         VST_E_ARGUMENT, "addresses, number 2: \"[::1]\": it has no port");
    options.name = "two";
    options.flags = 0;
    options.addresses = "127.0.0.1:1,,[::1]:1";
    SAID(vst_backend_add_server(host.engine, backend, &options, &number, why, ROOM), VST_E_CONFIG,
         "addresses, number 2: \"\": it is empty");
    options.addresses = "127.0.0.1:0";
    SAID(vst_backend_add_server(host.engine, backend, &options, &number, why, ROOM), VST_E_CONFIG,
         "port 0");
    options.addresses = "127.0.0.1:1";
    options.flags = VST_SERVER_CHECK;
    options.check_address = ":80";
    SAID(vst_backend_add_server(host.engine, backend, &options, &number, why, ROOM), VST_E_CONFIG,
         "check_address: \":80\": it stands for any address");
    SAID(vst_server_set_addresses(host.engine, backend, 9, NULL, why, ROOM), VST_E_ARGUMENT,
         "server: none has number 9");
    SAID(vst_server_set_addresses(host.engine, 0, 0, NULL, why, ROOM), VST_E_ARGUMENT, "backend:");
    backend_options.balance = 99;
    SAID(vst_backend_new(host.engine, &backend_options, &backend, why, ROOM), VST_E_ARGUMENT,
         "balance: 99");
    backend_options.balance = VST_BALANCE_ROUND_ROBIN;
    backend_options.flags = UINT64_C(1) << 63;
    SAID(vst_backend_new(host.engine, &backend_options, &backend, why, ROOM), VST_E_ARGUMENT,
         "flags");
    SAID(vst_backend_new(host.engine, NULL, &backend, why, ROOM), VST_E_NULL,
         "vst_backend_options");
    host_free(&host);
}

static void engines(void)
{
    struct host host;
    vst_engine *made;
    vst_loop *built_in;
    int32_t sys;
    vst_engine_options good = host_options(&host, HOST_EPOLL), options = good;
    options.size = 0;
    SAID(vst_engine_new(&options, &made, why, ROOM), VST_E_SIZE,
         "vst_engine_options: its size is 0 and should be");
    SAID(vst_engine_new(&good, NULL, why, ROOM), VST_E_NULL, "out: it is NULL");
    struct {
        vst_engine_options known;
        uint64_t later;
    } larger = {good, 1};
    larger.known.size = sizeof larger;
    SAID(vst_engine_new(&larger.known, &made, why, ROOM), VST_E_SIZE, "vst_engine_options");
    char sizes[64];
    snprintf(sizes, sizeof sizes, "its size is %zu", sizeof larger);
    said(VST_E_SIZE, VST_E_SIZE, sizes);
    snprintf(sizes, sizeof sizes, "knows %zu bytes", sizeof good);
    said(VST_E_SIZE, VST_E_SIZE, sizes);
    options = good;
    options.trigger = 9;
    SAID(vst_engine_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "trigger: 9");
    options = good;
    options.trace_categories = VST_TRACE_CALLS;
    SAID(vst_engine_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "trace: it is missing");
    options.trace_categories = VST_TRACE_ALL + 1;
    SAID(vst_engine_new(&options, &made, why, ROOM), VST_E_ARGUMENT,
         "trace_categories: an unknown one");
    options = good;
    options.interest = NULL;
    options.fdset = host_fdset;
    SAID(vst_engine_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "fdclr: it is missing");
    options.fdclr = host_fdclr;
    options.trigger = VST_TRIGGER_EDGE;
    SAID(vst_engine_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "VST_TRIGGER_EDGE");
    options = good;
    options.fdset = host_fdset;
    options.fdclr = host_fdclr;
    SAID(vst_engine_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "interest");
    options = good;
    options.max_proxy_header_bytes = 106;
    SAID(vst_engine_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "107");
    SAID(vst_loop_new(&good, &built_in, &sys, why, ROOM), VST_E_ARGUMENT, "interest");
    options = good;
    options.interest = NULL;
    options.event = NULL;
    SAID(vst_loop_new(&options, &built_in, &sys, why, ROOM), VST_E_ARGUMENT, "event");
}

static void listeners(vst_engine *engine, const vst_accept_config *config)
{
    vst_listener_options options;
    vst_id made;
    int32_t sys;
    uint16_t port;
    int fd = listening(&port), bare = socket(AF_INET, SOCK_STREAM, 0);
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%d", port);
    MUST(vst_listener_options_init(&options, sizeof options) == VST_OK);
    SAID(vst_listener_open(engine, "127.0.0.1:0", config, &options, &made, &sys, why, ROOM), VST_OK,
         "");
    SAID(vst_listener_open(engine, taken, config, NULL, &made, &sys, why, ROOM), VST_E_SYSTEM,
         strerror(EADDRINUSE));
    CHECK_EQ(sys, EADDRINUSE);
    said(VST_E_SYSTEM, VST_E_SYSTEM, taken);
    SAID(vst_listener_open(engine, NULL, config, NULL, &made, &sys, why, ROOM), VST_E_NULL,
         "address: it is NULL");
    SAID(vst_listener_open(engine, taken, NULL, NULL, &made, &sys, why, ROOM), VST_E_NULL,
         "config: it is NULL");
    SAID(vst_listener_open(engine, "\xff", config, NULL, &made, &sys, why, ROOM), VST_E_ARGUMENT,
         "address: it is not UTF-8");
    options.flags = UINT64_C(1) << 63;
    SAID(vst_listener_open(engine, taken, config, &options, &made, &sys, why, ROOM),
         VST_E_ARGUMENT, "flags");
    options.size = 1;
    SAID(vst_listener_open(engine, taken, config, &options, &made, &sys, why, ROOM), VST_E_SIZE,
         "vst_listener_options: its size is 1");
    SAID(vst_listener_adopt(engine, bare, config, NULL, &made, &sys, why, ROOM), VST_E_ARGUMENT,
         "does not listen");
    SAID(vst_listener_adopt(engine, -1, config, NULL, &made, &sys, why, ROOM), VST_E_SYSTEM,
         strerror(EBADF));
    SAID(vst_conn_accept_fd(engine, config, fd, NULL, &made, &sys, why, ROOM), VST_E_ARGUMENT,
         "vst_listener_adopt");
    SAID(vst_conn_accept_fd(engine, config, bare, NULL, &made, &sys, why, ROOM), VST_E_SYSTEM,
         strerror(ENOTCONN));
    SAID(vst_conn_adopt(engine, fd, NULL, &made, &sys, why, ROOM), VST_E_ARGUMENT,
         "vst_listener_adopt");
    SAID(vst_conn_adopt(engine, bare, NULL, &made, &sys, why, ROOM), VST_E_SYSTEM,
         strerror(ENOTCONN));
    close(fd);
    close(bare);
}

/* Each has its own sentence (src/sys/addr_text.rs has them all): here, that they are passed on. */
static void addresses(vst_engine *engine, const vst_accept_config *accepting)
{
    static const char *const bad[][2] = {
        {"", "it is empty"},
        {"127.0.0.1", "it has no port"},
        {"127.0.0.1:65536", "more than 65535"},
        {"127.0.0.1:http", "is no number"},
        {"::1:80", "stands in brackets"},
        {"[::1%lo]:80", "the number of an interface"},
        {"127.0.1:80", "four numbers from 0 to 255"},
        {"localhost:80", "the host resolves names"},
        {"127.0.0.1:80 ", "it has a space"},
        {"/run/a", "unix:/path"},
        {"unix:", "it names no path"},
    };
    vst_connect_options connect_options;
    vst_connect_config *connecting;
    vst_id made;
    vst_addr addr;
    MUST(vst_connect_options_init(&connect_options, sizeof connect_options) == VST_OK);
    MUST(vst_connect_config_new(&connect_options, &connecting, NULL, 0) == VST_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        SAID(vst_listener_open(engine, bad[i][0], accepting, NULL, &made, NULL, why, ROOM),
             VST_E_ARGUMENT, bad[i][1]);
        said(VST_OK, VST_OK, "address: \"");
        SAID(vst_conn_connect(engine, bad[i][0], connecting, NULL, &made, why, ROOM),
             VST_E_ARGUMENT, bad[i][1]);
        said(VST_OK, VST_OK, "address: \"");
    }
    SAID(vst_conn_connect(engine, "127.0.0.1:0", connecting, NULL, &made, why, ROOM),
         VST_E_ARGUMENT, "port 0");
    SAID(vst_conn_connect(engine, "*:80", connecting, NULL, &made, why, ROOM), VST_E_ARGUMENT,
         "any address");
    static const char *const any[][2] = {{":0", "0.0.0.0:"}, {"*:0", "0.0.0.0:"}, {"[::]:0", "[::]:"}};
    for (size_t i = 0; i < sizeof any / sizeof *any; i++) {
        char text[64] = "";
        size_t len;
        SAID(vst_listener_open(engine, any[i][0], accepting, NULL, &made, NULL, why, ROOM), VST_OK,
             "");
        MUST(vst_listener_addr(engine, made, &addr) == VST_OK);
        MUST(vst_addr_text(&addr, text, sizeof text - 1, &len) == VST_OK);
        CHECK(strncmp(text, any[i][1], strlen(any[i][1])) == 0 && addr.port != 0);
    }
    /* What is written as text is read back, and what is no address is named. */
    static const char *const texts[] = {"192.0.2.1:80", "[2001:db8::1]:443", "unix:/run/a", "unix:@b"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[64] = "";
        size_t len;
        SAID(vst_addr_parse(texts[i], &addr, why, ROOM), VST_OK, "");
        MUST(vst_addr_text(&addr, text, sizeof text - 1, &len) == VST_OK);
        CHECK(strcmp(text, texts[i]) == 0);
    }
    SAID(vst_addr_parse("192.0.2.1", &addr, why, ROOM), VST_E_ARGUMENT, "text: ");
    CHECK_EQ(addr.family, VST_ADDR_NONE);
    vst_connect_config_free(connecting);
}

static void connections(vst_engine *engine)
{
    vst_connect_options connect_options;
    vst_connect_config *config;
    vst_id made;
    static uint8_t large[40000];
    vst_tlv tlvs[2] = {{.kind = 1}, {.kind = 300}};
    vst_connect_args more = {.size = sizeof more, .tlv_count = 2, .tlvs = tlvs};
    MUST(vst_connect_options_init(&connect_options, sizeof connect_options) == VST_OK);
    connect_options.send_proxy = VST_SEND_PROXY_V2;
    MUST(vst_connect_config_new(&connect_options, &config, NULL, 0) == VST_OK);
    SAID(vst_conn_connect(engine, "127.0.0.1:1", config, NULL, &made, why, ROOM), VST_OK, "");
    SAID(vst_conn_connect(engine, "127.0.0.1:1", config, &more, &made, why, ROOM), VST_E_ARGUMENT,
         "tlvs, number 2: kind: 300");
    tlvs[1] = (vst_tlv){.kind = 1, .len = 1};
    SAID(vst_conn_connect(engine, "127.0.0.1:1", config, &more, &made, why, ROOM), VST_E_NULL,
         "tlvs, number 2: value: it is NULL");
    tlvs[0] = tlvs[1] = (vst_tlv){.kind = 1, .len = sizeof large, .value = large};
    SAID(vst_conn_connect(engine, "127.0.0.1:1", config, &more, &made, why, ROOM), VST_E_ARGUMENT,
         "tlvs: they do not fit");
    more.tlv_count = 0;
    more.client = 9;
    SAID(vst_conn_connect(engine, "127.0.0.1:1", config, &more, &made, why, ROOM), VST_E_ARGUMENT,
         "client:");
    vst_connect_config_free(config);
}

static void links(vst_engine *engine, const vst_accept_config *accepting)
{
    vst_link_options options;
    vst_id link, made;
    MUST(vst_link_options_init(&options, sizeof options) == VST_OK);
    SAID(vst_link_open(engine, "unix:@nobody", NULL, &options, &link, why, ROOM), VST_OK, "");
    SAID(vst_link_open(NULL, "unix:@nobody", NULL, NULL, &made, why, ROOM), VST_E_NULL,
         "engine: it is NULL");
    SAID(vst_link_open(engine, "unix:@nobody", NULL, NULL, NULL, why, ROOM), VST_E_NULL,
         "out: it is NULL");
    SAID(vst_link_open(engine, NULL, NULL, NULL, &made, why, ROOM), VST_E_NULL,
         "address: it is NULL");
    SAID(vst_link_open(engine, "nowhere", NULL, NULL, &made, why, ROOM), VST_E_ARGUMENT,
         "address: \"nowhere\"");
    SAID(vst_link_open(engine, "\xff", NULL, NULL, &made, why, ROOM), VST_E_ARGUMENT,
         "address: it is not UTF-8");
    options.flags = UINT64_C(1) << 63;
    SAID(vst_link_open(engine, "unix:@nobody", NULL, &options, &made, why, ROOM), VST_E_ARGUMENT,
         "flags");
    options.size = 1;
    SAID(vst_link_open(engine, "unix:@nobody", NULL, &options, &made, why, ROOM), VST_E_SIZE,
         "vst_link_options: its size is 1");

    SAID(vst_link_accept(NULL, link, "a", accepting, NULL, why, ROOM), VST_E_NULL,
         "engine: it is NULL");
    SAID(vst_link_accept(engine, link, NULL, accepting, NULL, why, ROOM), VST_E_NULL,
         "name: it is NULL");
    SAID(vst_link_accept(engine, link, "a", NULL, NULL, why, ROOM), VST_E_NULL,
         "config: it is NULL");
    SAID(vst_link_accept(engine, 0, "a", accepting, NULL, why, ROOM), VST_E_ARGUMENT, "link:");
    SAID(vst_link_accept(engine, link, "\xff", accepting, NULL, why, ROOM), VST_E_ARGUMENT,
         "name: it is not UTF-8");
    SAID(vst_link_accept(engine, link, "a", accepting, NULL, why, ROOM), VST_OK, "");

    vst_connect_options connect = {.size = sizeof connect, .link_tls = "a"};
    vst_connect_config *config;
    SAID(vst_connect_config_new(&connect, &config, why, ROOM), VST_E_ARGUMENT, "link: ");
    connect.link = link;
    SAID(vst_connect_config_new(&connect, &config, why, ROOM), VST_E_CONFIG, "server_name: ");
    connect.server_name = "a.test";
    connect.link_tls = "";
    SAID(vst_connect_config_new(&connect, &config, why, ROOM), VST_E_CONFIG, "link_tls: ");
    connect.link_tls = "a";
    connect.link_destination = "a.test";
    SAID(vst_connect_config_new(&connect, &config, why, ROOM), VST_E_CONFIG,
         "link_destination: \"a.test\"");
    connect.link_destination = "a.test:443";
    SAID(vst_connect_config_new(&connect, &config, why, ROOM), VST_OK, "");
    vst_connect_config_free(config);
}

static void agents(vst_engine *engine)
{
    vst_agent_options good, options;
    vst_id made;
    MUST(vst_agent_options_init(&good, sizeof good) == VST_OK);
    good.allow = "10.0.0.0/8:443, example.net:*, unix:/run/";
    SAID(vst_agent_new(engine, &good, &made, why, ROOM), VST_OK, "");
    SAID(vst_agent_new(NULL, &good, &made, why, ROOM), VST_E_NULL, "engine: it is NULL");
    SAID(vst_agent_new(engine, NULL, &made, why, ROOM), VST_E_NULL, "vst_agent_options");
    SAID(vst_agent_new(engine, &good, NULL, why, ROOM), VST_E_NULL, "out: it is NULL");
    options = good;
    options.allow = "10.0.0.0/8:443, example.net";
    SAID(vst_agent_new(engine, &options, &made, why, ROOM), VST_E_CONFIG,
         "allow: \"example.net\"");
    options.allow = "\xff";
    SAID(vst_agent_new(engine, &options, &made, why, ROOM), VST_E_ARGUMENT,
         "allow: it is not UTF-8");
    options = good;
    options.uid_count = 1;
    SAID(vst_agent_new(engine, &options, &made, why, ROOM), VST_E_NULL, "uids: it is NULL");
    options = good;
    options.flags = UINT64_C(1) << 63;
    SAID(vst_agent_new(engine, &options, &made, why, ROOM), VST_E_ARGUMENT, "flags");
    options.size = 7;
    SAID(vst_agent_new(engine, &options, &made, why, ROOM), VST_E_SIZE,
         "vst_agent_options: its size is 7");
}

static void streams(void)
{
    vst_stream_config *made;
    vst_stream_options options;
    MUST(vst_stream_options_init(&options, sizeof options) == VST_OK);
    SAID(vst_stream_config_new(&options, &made, why, ROOM), VST_OK, "");
    vst_stream_config_free(made);
    options.flags = UINT64_C(1) << 63;
    SAID(vst_stream_config_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "flags");
    options.size = 2;
    SAID(vst_stream_config_new(&options, &made, why, ROOM), VST_E_SIZE, "vst_stream_options");
}

static int32_t pass(void *data, vst_engine *engine, vst_step *step)
{
    (void)data, (void)engine, (void)step;
    return VST_NEXT_DONE;
}

static void lists_of_handlers(void)
{
    vst_handler handlers[2] = {{.size = sizeof *handlers, .step = pass},
                               {.size = sizeof *handlers}};
    vst_accept_options options;
    vst_accept_config *made;
    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    options.handlers = handlers;
    options.handler_count = 2;
    SAID(vst_accept_config_new(&options, &made, why, ROOM), VST_E_NULL,
         "handlers, number 2: step: it is NULL");
    handlers[1].step = pass;
    handlers[1].flags = UINT64_C(1) << 63;
    SAID(vst_accept_config_new(&options, &made, why, ROOM), VST_E_ARGUMENT,
         "handlers, number 2: flags");
    handlers[1].flags = 0;
    handlers[1].size = 44;
    SAID(vst_accept_config_new(&options, &made, why, ROOM), VST_E_SIZE,
         "handlers, number 2: vst_handler: its size is 44");
}

int main(void)
{
    servers_of_tls();
    clients_of_tls();
    configurations();
    rules_and_tables();
    servers_of_backends();
    engines();
    streams();
    lists_of_handlers();
    struct host host;
    host_new(&host, HOST_EPOLL);
    vst_accept_options accept_options;
    vst_accept_config *config;
    MUST(vst_accept_options_init(&accept_options, sizeof accept_options) == VST_OK);
    MUST(vst_accept_config_new(&accept_options, &config, NULL, 0) == VST_OK);
    listeners(host.engine, config);
    addresses(host.engine, config);
    connections(host.engine);
    links(host.engine, config);
    agents(host.engine);
    vst_accept_config_free(config);
    host_free(&host);
    return verdict();
}
