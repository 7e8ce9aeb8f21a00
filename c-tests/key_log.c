/* If it was requested, the secrets of every connection can be taken once, as lines of the NSS key log
 * format (https://www.ietf.org/archive/id/draft-ietf-tls-keylogfile-02.html); else none is kept. */
#include "check.h"

#include <ctype.h>

/* A file with a certificate that no client trusts, and its key: made for this run. */
static const char *pem;

/* The labels of TLS 1.3 and of TLS 1.2 (sections 2.1 and 2.2). */
static const char *const labels_1_3[] = {
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET", NULL,
};
static const char *const labels_1_2[] = {"CLIENT_RANDOM", NULL};

#define LINES 8
#define RANDOM 64 /* 32 bytes in hex */

struct line {
    char label[40], random[RANDOM + 1], secret[128 + 1];
};
struct lines {
    struct line line[LINES];
    int count;
};

static size_t hex(const char *text)
{
    size_t n = 0;
    while (isdigit((unsigned char)text[n]) || (text[n] >= 'a' && text[n] <= 'f'))
        n++;
    return n;
}

/* Reads what was taken: label, random and secret, one space between, each line ended. */
static void parse(char *text, size_t len, struct lines *to)
{
    to->count = 0;
    CHECK(memchr(text, 0, len) == NULL);
    CHECK(len == 0 || text[len - 1] == '\n');
    text[len] = 0;
    for (char *next, *at = text; *at; at = next) {
        MUST(to->count < LINES && (next = strchr(at, '\n')) != NULL);
        struct line *line = &to->line[to->count++];
        *next++ = 0;
        size_t n = strcspn(at, " ");
        MUST(n < sizeof line->label && at[n] == ' ');
        snprintf(line->label, sizeof line->label, "%.*s", (int)n, at);
        at += n + 1;
        MUST(hex(at) == RANDOM && at[RANDOM] == ' ');
        snprintf(line->random, sizeof line->random, "%.*s", RANDOM, at);
        at += RANDOM + 1;
        n = hex(at);
        MUST(at[n] == 0 && n < sizeof line->secret);
        snprintf(line->secret, sizeof line->secret, "%s", at);
    }
}

static const struct line *find(const struct lines *lines, const char *label)
{
    const struct line *found = NULL;
    for (int i = 0; i < lines->count; i++)
        if (strcmp(lines->line[i].label, label) == 0) {
            CHECK(found == NULL);
            found = &lines->line[i];
        }
    return found;
}

/* Takes the log of one side. A buffer that is too small takes nothing. */
static void take(const vst_tls_server *server, const vst_tls_client *client, struct lines *to)
{
    char text[LINES * sizeof(struct line)];
    size_t need = 7, len = 7, again = 7;
#define TAKE(capacity, size)                                                                       \
    (server ? vst_tls_server_take_key_log(server, text, capacity, size)                           \
            : vst_tls_client_take_key_log(client, text, capacity, size))
    CHECK_EQ(TAKE(1, &need), VST_E_SPACE);
    MUST(need < sizeof text);
    CHECK_EQ(TAKE(need - 1, &len), VST_E_SPACE);
    CHECK_EQ(len, need);
    CHECK_EQ(TAKE(need, &len), VST_OK);
    CHECK_EQ(len, need);
    parse(text, len, to);
    CHECK_EQ(TAKE(sizeof text, &again), VST_OK);
    CHECK_EQ(again, 0);
#undef TAKE
}

static void nothing_is_kept(const vst_tls_server *server, const vst_tls_client *client)
{
    char text[16];
    size_t len = 7;
    CHECK_EQ(vst_tls_server_take_key_log(server, text, sizeof text, &len), VST_OK);
    CHECK_EQ(len, 0);
    len = 7;
    CHECK_EQ(vst_tls_client_take_key_log(client, text, sizeof text, &len), VST_OK);
    CHECK_EQ(len, 0);
}

static vst_tls_server *make_server(uint32_t version, uint64_t flags)
{
    vst_tls_server_options options;
    vst_tls_server *server = NULL;
    vst_identity identity = {.chain.file = pem};
    MUST(vst_tls_server_options_init(&options, sizeof options) == VST_OK);
    options.identities = &identity;
    options.identity_count = 1;
    options.flags = flags;
    options.min_version = options.max_version = version;
    MUST(vst_tls_server_new(&options, &server, NULL, 0) == VST_OK);
    return server;
}

static vst_tls_client *make_client(uint64_t flags)
{
    vst_tls_client_options options;
    vst_tls_client *client = NULL;
    MUST(vst_tls_client_options_init(&options, sizeof options) == VST_OK);
    /* A resumed session of TLS 1.2 keeps its secret. */
    options.flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION;
    options.flags |= VST_TLS_CLIENT_NO_SESSION_CACHE | flags;
    MUST(vst_tls_client_new(&options, &client, NULL, 0) == VST_OK);
    return client;
}

/* Both ends of one connection, in one engine, until both are open. */
static void shake_hands(const vst_tls_server *server, const vst_tls_client *client)
{
    struct host host;
    vst_accept_options accept;
    vst_accept_config *incoming = NULL;
    vst_connect_options connect;
    vst_connect_config *outgoing = NULL;
    vst_id door = 0, id = 0;
    vst_addr addr;
    char address[32];
    MUST(vst_accept_options_init(&accept, sizeof accept) == VST_OK);
    accept.tls = server;
    MUST(vst_accept_config_new(&accept, &incoming, NULL, 0) == VST_OK);
    MUST(vst_connect_options_init(&connect, sizeof connect) == VST_OK);
    connect.tls = client;
    connect.server_name = "a.test";
    MUST(vst_connect_config_new(&connect, &outgoing, NULL, 0) == VST_OK);
    host_new(&host, HOST_EPOLL);
    MUST(vst_listener_open(host.engine, "127.0.0.1:0", incoming, NULL, &door, NULL, NULL,
                           0) == VST_OK);
    MUST(vst_listener_addr(host.engine, door, &addr) == VST_OK);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)addr.port);
    MUST(vst_conn_connect(host.engine, address, outgoing, NULL, &id, NULL, 0) == VST_OK);
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] && host.reported[VST_EVENT_CONNECTED]);
    vst_accept_config_free(incoming);
    vst_connect_config_free(outgoing);
    host_free(&host);
}

static void a_log_tells_both_ends_the_same(uint32_t version, const char *const *labels)
{
    vst_tls_server *server = make_server(version, VST_TLS_SERVER_KEY_LOG);
    vst_tls_client *client = make_client(VST_TLS_CLIENT_KEY_LOG);
    struct lines of_server, of_client, second;
    nothing_is_kept(server, client);
    shake_hands(server, client);
    take(server, NULL, &of_server);
    take(NULL, client, &of_client);
    for (int i = 0; labels[i]; i++) {
        const struct line *one = find(&of_server, labels[i]), *other = find(&of_client, labels[i]);
        if (one == NULL || other == NULL) {
            fprintf(stderr, "%s is missing\n", labels[i]);
            broken++;
            continue;
        }
        CHECK(strcmp(one->random, other->random) == 0);
        CHECK(strcmp(one->secret, other->secret) == 0);
        CHECK(strcmp(one->random, of_server.line[0].random) == 0);
        /* The length of the suite's hash (RFC 8446 section 7.1); of the master secret, 48 bytes (RFC
         * 5246 section 8.1). */
        size_t n = strlen(one->secret);
        CHECK(n == 96 || (version == VST_TLS_1_3 && n == 64));
        CHECK_EQ(of_server.count, of_client.count);
        CHECK(labels[i + 1] != NULL || of_server.count == i + 1);
    }
    /* Another connection has a random and secrets of its own. */
    shake_hands(server, client);
    take(server, NULL, &second);
    CHECK_EQ(second.count, of_server.count);
    CHECK(strcmp(second.line[0].random, of_server.line[0].random) != 0);
    CHECK(strcmp(second.line[0].secret, of_server.line[0].secret) != 0);
    vst_tls_server_free(server);
    vst_tls_client_free(client);
}

int main(int argc, char **argv)
{
    MUST(argc >= 2);
    pem = argv[1];
    a_log_tells_both_ends_the_same(VST_TLS_1_3, labels_1_3);
    a_log_tells_both_ends_the_same(VST_TLS_1_2, labels_1_2);

    vst_tls_server *server = make_server(VST_TLS_1_3, 0);
    vst_tls_client *client = make_client(0);
    shake_hands(server, client);
    nothing_is_kept(server, client);
    vst_tls_server_free(server);
    vst_tls_client_free(client);
    return verdict();
}
