/* From the command line of proxy to configurations of vestibule. See options.h. */
#include "options.h"

#include "host.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum { NAME_TEXT = 256 };

#define NS_PER_MS UINT64_C(1000000)

/* After this many failed attempts in a row a server that is checked is down, even before its checks
 * fail. */
#define CONNECT_ERRORS 3

void add_address(struct arguments *args, const char *text)
{
    /* Every address has a colon, and no name does. */
    size_t len = strcspn(text, "=:");
    int named = text[len] == '=';
    struct pool *pool = args->pools;
    char name[sizeof pool->name];

    if (named && len >= sizeof name)
        die("the name of a backend is too long: %s", text);
    snprintf(name, sizeof name, "%.*s", named ? (int)len : 0, text);
    while (pool < args->pools + args->pool_count && strcmp(pool->name, name) != 0)
        pool++;
    if (pool == args->pools + POOLS_MOST || pool->count == SERVERS_MOST)
        die("--backend: at most %d names, and %d servers of each", POOLS_MOST, SERVERS_MOST);
    if (pool == args->pools + args->pool_count) {
        args->pool_count++;
        strcpy(pool->name, name);
    }
    pool->servers[pool->count++] = text + (named ? len + 1 : 0);
}

struct arguments parse_arguments(int argc, char **argv)
{
    struct arguments args = {.host = "epoll"};
    const char *backend = NULL;
    const struct { const char *name; const char **value, **second; } known[] = {
        {"--listen", &args.listen, NULL},
        {"--accept-proxy", &args.accept_proxy, NULL},
        {"--tls", &args.certificate, &args.key},
        {"--client-ca", &args.client_ca, NULL},
        {"--alpn", &args.alpn, NULL},
        {"--backend", &backend, NULL},
        {"--balance", &args.balance, NULL},
        {"--maxconn", &args.maxconn, NULL},
        {"--maxqueue", &args.maxqueue, NULL},
        {"--queue-timeout", &args.queue_ms, NULL},
        {"--retries", &args.retries, NULL},
        {"--check-interval", &args.check_ms, NULL},
        {"--send-proxy", &args.send_proxy, NULL},
        {"--socks", &args.socks, &args.socks_destination},
        {"--socks-login", &args.socks_user, &args.socks_password},
        {"--backend-tls", &args.backend_tls, NULL},
        {"--sni", &args.sni, NULL},
        {"--timeout-handshake", &args.handshake_ms, NULL},
        {"--timeout-connect", &args.connect_ms, NULL},
        {"--timeout-idle", &args.idle_ms, NULL},
        {"--timeout-linger", &args.linger_ms, NULL},
        {"--control", &args.control, NULL},
        {"--rules", &args.rules, NULL},
        {"--monitor-net", &args.monitor_net, NULL},
        {"--health", &args.health, NULL},
        {"--metrics", &args.metrics, NULL},
        {"--host", &args.host, NULL},
    };
    const struct { const char *name; int *value; } flags[] = {
        {"--check", &args.check},
        {"--log", &args.log},
    };
    const size_t count = sizeof known / sizeof known[0];

    for (int i = 1; i < argc; i++) {
        size_t k = 0, f = 0;

        while (f < 2 && strcmp(argv[i], flags[f].name) != 0)
            f++;
        if (f < 2) {
            *flags[f].value = 1;
            continue;
        }
        while (k < count && strcmp(argv[i], known[k].name) != 0)
            k++;
        if (k == count || i + (known[k].second != NULL ? 2 : 1) >= argc)
            die("what is %s? The head of proxy.c says what can be given", argv[i]);
        *known[k].value = argv[++i];
        if (known[k].second != NULL)
            *known[k].second = argv[++i];
        if (known[k].value == &backend)
            add_address(&args, backend);
    }
    return args;
}

/* A number from the command line that is at most `most`. */
static uint64_t number(const char *text, uint64_t most, uint64_t otherwise)
{
    char *end;
    unsigned long long value;

    if (text == NULL)
        return otherwise;
    value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value > most)
        die("not a number that can be used here: %s", text);
    return value;
}

/* Milliseconds from the command line; 0 means no bound. */
static uint64_t milliseconds(const char *text, uint64_t otherwise_ns)
{
    uint64_t given;

    if (text == NULL)
        return otherwise_ns;
    given = number(text, UINT64_MAX / NS_PER_MS, 0);
    return given == 0 ? VST_NEVER : given * NS_PER_MS;
}

/* ---- clients and streams -------------------------------------------------------------------- */

vst_tls_server *server_tls(const struct arguments *args)
{
    vst_identity identity = {.chain.file = args->certificate, .key.file = args->key};
    vst_tls_server_options options;
    vst_tls_server *tls = NULL;
    char why[WHY];

    if (args->certificate == NULL)
        return NULL;
    vst_tls_server_options_init(&options, sizeof options);
    options.identities = &identity;
    options.identity_count = 1;
    options.alpn = args->alpn;
    options.client_ca.file = args->client_ca;
    if (args->client_ca != NULL)
        options.client_auth = VST_CLIENT_AUTH_REQUIRED;
    if (vst_tls_server_new(&options, &tls, why, sizeof why) < 0)
        die("%s", why);
    if (why[0] != '\0')
        fprintf(stderr, "note: %s\n", why);
    return tls;
}

vst_accept_config *accept_config(const struct arguments *args, vst_tls_server *tls,
                                 const vst_rules *rules)
{
    vst_monitor_options monitor = {.size = sizeof monitor, .answer = VST_MONITOR_ANSWER_HTTP,
                                   .monitor_net = args->monitor_net};
    vst_accept_options options;
    vst_accept_config *config;
    char why[WHY];

    if (args->everyone_gets != 0) {
        monitor.flags = VST_MONITOR_EVERYONE;
        monitor.answer = args->everyone_gets;
    }
    vst_accept_options_init(&options, sizeof options);
    options.accept_proxy = args->accept_proxy;
    if (args->accept_proxy != NULL && strcmp(args->accept_proxy, "any") == 0)
        options.accept_proxy = "any,unix";
    if (args->monitor_net != NULL || args->everyone_gets != 0)
        options.monitor = &monitor;
    options.tls = tls;
    options.rules = rules;
    options.timeout_proxy_ns = milliseconds(args->handshake_ms, options.timeout_proxy_ns);
    options.timeout_tls_ns = milliseconds(args->handshake_ms, options.timeout_tls_ns);
    options.timeout_opening_ns = milliseconds(args->handshake_ms, options.timeout_opening_ns);
    options.linger_ns = milliseconds(args->linger_ms, options.linger_ns);
    if (vst_accept_config_new(&options, &config, why, sizeof why) < 0)
        die("%s", why);
    vst_tls_server_free(tls);
    return config;
}

vst_stream_config *stream_config(const struct arguments *args)
{
    vst_stream_options options;
    vst_stream_config *config;
    char why[WHY];

    vst_stream_options_init(&options, sizeof options);
    options.timeout_client_ns = milliseconds(args->idle_ms, options.timeout_client_ns);
    options.timeout_server_ns = milliseconds(args->idle_ms, options.timeout_server_ns);
    if (vst_stream_config_new(&options, &config, why, sizeof why) < 0)
        die("%s", why);
    return config;
}

/* ---- servers -------------------------------------------------------------------------------- */

static vst_tls_client *client_tls(const char *how)
{
    vst_tls_client_options options;
    vst_tls_client *tls;
    char why[WHY];

    if (how == NULL)
        return NULL;
    vst_tls_client_options_init(&options, sizeof options);
    if (strcmp(how, "insecure") == 0)
        options.flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION;
    else if (strcmp(how, "system") != 0)
        options.ca.file = how;
    if (vst_tls_client_new(&options, &tls, why, sizeof why) < 0)
        die("%s", why);
    return tls;
}

/* The name to request when none is given: the backend's address, without brackets and port. */
static const char *default_name(const char *backend, char *name, size_t size)
{
    const char *port = strrchr(backend, ':');
    int bracket = *backend == '[';

    if (strncmp(backend, "unix:", 5) == 0 || port == NULL)
        return "localhost";
    snprintf(name, size, "%.*s", (int)(port - backend) - 2 * bracket, backend + bracket);
    return name;
}

static uint32_t socks(const char *version)
{
    if (version == NULL)
        return VST_SOCKS_NONE;
    if (strcmp(version, "4") == 0)
        return VST_SOCKS_4;
    if (strcmp(version, "4a") == 0)
        return VST_SOCKS_4A;
    if (strcmp(version, "5") != 0)
        die("--socks is 4, 4a or 5, not %s", version);
    return VST_SOCKS_5;
}

/* The configuration of connections to one of the servers. */
static vst_connect_config *connect_config(const struct arguments *args, const char *backend,
                                          const vst_tls_client *tls)
{
    char name[NAME_TEXT], why[WHY];
    vst_connect_options options;
    vst_connect_config *config;

    vst_connect_options_init(&options, sizeof options);
    if (args->send_proxy != NULL && strcmp(args->send_proxy, "v1") == 0) {
        options.send_proxy = VST_SEND_PROXY_V1;
    } else if (args->send_proxy != NULL && strcmp(args->send_proxy, "v2") == 0) {
        options.send_proxy = VST_SEND_PROXY_V2;
        options.proxy_tlvs = VST_PROXY_TLV_SSL | VST_PROXY_TLV_ALPN | VST_PROXY_TLV_AUTHORITY |
                             VST_PROXY_TLV_CRC32C;
    } else if (args->send_proxy != NULL) {
        die("--send-proxy is v1 or v2, not %s", args->send_proxy);
    }
    if (tls != NULL) {
        options.tls = tls;
        options.server_name =
            args->sni != NULL ? args->sni : default_name(backend, name, sizeof name);
    }
    options.socks = socks(args->socks);
    options.socks_destination = args->socks_destination;
    options.socks_user = args->socks_user;
    options.socks_password = args->socks_password;
    options.timeout_connect_ns = milliseconds(args->connect_ms, options.timeout_connect_ns);
    options.timeout_tls_ns = milliseconds(args->handshake_ms, options.timeout_tls_ns);
    options.linger_ns = milliseconds(args->linger_ms, options.linger_ns);
    /* These two bound the whole opening. */
    options.timeout_opening_ns = VST_NEVER;
    if (vst_connect_config_new(&options, &config, why, sizeof why) < 0)
        die("%s", why);
    return config;
}

static uint32_t balance(const char *name)
{
    static const char *const names[] = {
        [VST_BALANCE_ROUND_ROBIN] = "roundrobin",
        [VST_BALANCE_LEAST_CONNECTIONS] = "leastconn",
        [VST_BALANCE_SOURCE] = "source",
        [VST_BALANCE_RANDOM] = "random",
    };
    const uint32_t count = sizeof names / sizeof names[0];
    uint32_t found = 0;

    if (name == NULL)
        return VST_BALANCE_ROUND_ROBIN;
    while (found < count && strcmp(name, names[found]) != 0)
        found++;
    if (found == count)
        die("--balance is roundrobin, leastconn, source or random, not %s", name);
    return found;
}

static void add_server(vst_engine *engine, vst_id backend, const struct arguments *args,
                       const char *address, const vst_tls_client *tls)
{
    vst_connect_config *connect = connect_config(args, address, tls);
    vst_server_options options;
    char why[WHY] = "";
    vst_status status;
    uint32_t server;

    vst_server_options_init(&options, sizeof options);
    options.name = address;
    options.addresses = address;
    options.connect = connect;
    options.maxconn = (uint32_t)number(args->maxconn, UINT32_MAX, options.maxconn);
    if (args->check) {
        /* A check has to pass what the server's streams pass: the header, and TLS. */
        options.flags = VST_SERVER_CHECK;
        options.check_connect = connect;
        options.check_interval_ns = milliseconds(args->check_ms, options.check_interval_ns);
        options.connect_errors = CONNECT_ERRORS;
    }
    status = vst_backend_add_server(engine, backend, &options, &server, why, sizeof why);
    if (status < 0)
        die("--backend %s: %s", address, *why != '\0' ? why : vst_strerror(status));
    vst_connect_config_free(connect);
}

void make_backend(vst_engine *engine, const struct arguments *args, struct pool *pool)
{
    vst_tls_client *tls = client_tls(args->backend_tls);
    vst_backend_options options;
    uint64_t connect_ns;

    vst_backend_options_init(&options, sizeof options);
    options.balance = balance(args->balance);
    options.retries = (uint32_t)number(args->retries, UINT32_MAX, options.retries);
    options.flags |= options.retries == 0 ? VST_BACKEND_NO_RETRIES : 0;
    options.maxqueue = (uint32_t)number(args->maxqueue, UINT32_MAX, options.maxqueue);
    options.flags |= options.maxqueue == 0 ? VST_BACKEND_NO_QUEUE : 0;
    options.queue_timeout_ns = milliseconds(args->queue_ms, options.queue_timeout_ns);
    options.user = pool;
    /* The delay before the same server is tried again is no longer than an attempt may take. */
    connect_ns = milliseconds(args->connect_ms, VST_NEVER);
    if (connect_ns < options.turn_around_ns)
        options.turn_around_ns = connect_ns;
    if (vst_backend_new(engine, &options, &pool->backend, NULL, 0) < 0 ||
        (*pool->name != '\0' && vst_backend_set_name(engine, pool->backend, pool->name) < 0))
        die("no backend %s", pool->name);
    for (unsigned i = 0; i < pool->count; i++)
        add_server(engine, pool->backend, args, pool->servers[i], tls);
    vst_tls_client_free(tls);
}
