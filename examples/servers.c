/* The servers of proxy, from its command line. See options.h. */
#include "options.h"

#include "host.h"

#include <stdio.h>
#include <string.h>

enum { NAME_TEXT = 256, SOURCES_TEXT = 4096 };

/* After this many failed attempts in a row a server that is checked is down, even before its checks
 * fail. */
#define CONNECT_ERRORS 3

/* What backends without a name are called where threads share them: no name of --backend has a colon. */
#define UNNAMED ":unnamed"

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

const char *default_name(const char *backend, char *name, size_t size)
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

/* The addresses of --source with port 0, which has the system choose one; NULL without any. */
static const char *source_addresses(const char *list, char *text, size_t size)
{
    size_t len = 0;

    if (list == NULL)
        return NULL;
    for (const char *next = list; next != NULL && len < size; next = strchr(next, ',')) {
        next += *next == ',';
        if (*next == ',' || *next == '\0')
            die("--source is ADDR,..., not %s", list);
        len += (size_t)snprintf(text + len, size - len, "%s%.*s:0", len > 0 ? "," : "", (int)strcspn(next, ","),
                                next);
    }
    if (len >= size)
        die("--source: too many addresses");
    return text;
}

static void bound_source_ports(vst_connect_options *options, const char *range)
{
    char first[sizeof "65535"];
    const char *dash;

    if (range == NULL)
        return;
    dash = strchr(range, '-');
    if (dash == NULL || (size_t)(dash - range) >= sizeof first)
        die("--source-ports is FIRST-LAST, not %s", range);
    snprintf(first, sizeof first, "%.*s", (int)(dash - range), range);
    options->source_port_first = (uint16_t)number(first, UINT16_MAX, 0);
    options->source_port_last = (uint16_t)number(dash + 1, UINT16_MAX, 0);
}

/* Has the agent connect to a server, look its name up, and do TLS with it, as far as the options say. */
static void go_via_agent(vst_connect_options *options, const struct arguments *args, const char *backend,
                         const char *name)
{
    vst_addr addr;

    options->link = args->link;
    if (vst_addr_parse(backend, &addr, NULL, 0) < 0)
        options->link_destination = backend;
    if (args->agent_tls != NULL) {
        options->link_tls = args->agent_tls;
        options->server_name = name;
    }
}

/* The configuration of connections to one of the servers. */
static vst_connect_config *connect_config(const struct arguments *args, const char *backend,
                                          const vst_tls_client *tls)
{
    char text[NAME_TEXT], sources[SOURCES_TEXT], why[WHY];
    const char *name = args->sni != NULL ? args->sni : default_name(backend, text, sizeof text);
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
        options.server_name = name;
    }
    if (args->link != 0)
        go_via_agent(&options, args, backend, name);
    options.source = source_addresses(args->source, sources, sizeof sources);
    bound_source_ports(&options, args->source_ports);
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

/* This thread's part of a limit, which is at least 1. */
static uint32_t share(const struct arguments *args, uint32_t limit)
{
    uint32_t part = limit / args->thread_count + (args->thread < limit % args->thread_count);

    return limit == 0 || limit == UINT32_MAX ? limit : part > 0 ? part : 1;
}

static void add_server(vst_engine *engine, vst_id backend, const struct arguments *args,
                       const char *address, const vst_tls_client *tls)
{
    vst_connect_config *connect = connect_config(args, address, tls);
    vst_server_options options;
    char why[WHY] = "";
    vst_status status;
    uint32_t server;
    vst_addr addr;

    vst_server_options_init(&options, sizeof options);
    options.name = address;
    options.addresses = address;
    /* A name goes to the agent as it is, and the address that a server has to have is not used. */
    if (args->link != 0 && vst_addr_parse(address, &addr, NULL, 0) < 0)
        options.addresses = "192.0.2.1:1";
    options.connect = connect;
    options.maxconn = share(args, (uint32_t)number(args->maxconn, UINT32_MAX, options.maxconn));
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

/* The name of a pool's backend, or NULL. By it, engines of a group know which backends are the same. */
static const char *backend_name(const struct arguments *args, const struct pool *pool)
{
    if (*pool->name != '\0')
        return pool->name;
    return args->thread_count > 1 ? UNNAMED : NULL;
}

void make_backend(vst_engine *engine, const struct arguments *args, struct pool *pool)
{
    vst_tls_client *tls = client_tls(args->backend_tls);
    const char *name = backend_name(args, pool);
    vst_backend_options options;
    uint64_t connect_ns;

    vst_backend_options_init(&options, sizeof options);
    options.balance = balance(args->balance);
    if (options.balance == VST_BALANCE_SOURCE)
        options.seed = args->seed;
    options.retries = (uint32_t)number(args->retries, UINT32_MAX, options.retries);
    options.flags |= options.retries == 0 ? VST_BACKEND_NO_RETRIES : 0;
    options.maxqueue = share(args, (uint32_t)number(args->maxqueue, UINT32_MAX, options.maxqueue));
    options.flags |= options.maxqueue == 0 ? VST_BACKEND_NO_QUEUE : 0;
    options.queue_timeout_ns = milliseconds(args->queue_ms, options.queue_timeout_ns);
    options.user = pool;
    /* The delay before the same server is tried again is no longer than an attempt may take. */
    connect_ns = milliseconds(args->connect_ms, VST_NEVER);
    if (connect_ns < options.turn_around_ns)
        options.turn_around_ns = connect_ns;
    if (vst_backend_new(engine, &options, &pool->backend, NULL, 0) < 0 ||
        (name != NULL && vst_backend_set_name(engine, pool->backend, name) < 0))
        die("no backend %s", pool->name);
    for (unsigned i = 0; i < pool->count; i++)
        add_server(engine, pool->backend, args, pool->servers[i], tls);
    vst_tls_client_free(tls);
}
