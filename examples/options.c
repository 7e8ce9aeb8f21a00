/* From the command line of proxy to configurations of vestibule. See options.h. */
#include "options.h"

#include "host.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

void add_address(struct arguments *args, const char *text)
{
    /* A name may have a colon, and of addresses only a path may have the other sign. */
    size_t len = strcspn(text, "=");
    int named = text[len] == '=' && strncmp(text, "unix:", 5) != 0;
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
    struct arguments args = {.host = "epoll-et"};
    const char *backend = NULL;
    const struct { const char *name; const char **value, **second, **third; } known[] = {
        {"--listen", &args.listen, NULL, NULL},
        {"--accept-proxy", &args.accept_proxy, NULL, NULL},
        {"--tls", &args.certificate, &args.key, NULL},
        {"--client-ca", &args.client_ca, NULL, NULL},
        {"--alpn", &args.alpn, NULL, NULL},
        {"--backend", &backend, NULL, NULL},
        {"--balance", &args.balance, NULL, NULL},
        {"--maxconn", &args.maxconn, NULL, NULL},
        {"--maxqueue", &args.maxqueue, NULL, NULL},
        {"--queue-timeout", &args.queue_ms, NULL, NULL},
        {"--retries", &args.retries, NULL, NULL},
        {"--check-interval", &args.check_ms, NULL, NULL},
        {"--send-proxy", &args.send_proxy, NULL, NULL},
        {"--source", &args.source, NULL, NULL},
        {"--source-ports", &args.source_ports, NULL, NULL},
        {"--socks", &args.socks, &args.socks_destination, NULL},
        {"--socks-login", &args.socks_user, &args.socks_password, NULL},
        {"--backend-tls", &args.backend_tls, NULL, NULL},
        {"--sni", &args.sni, NULL, NULL},
        {"--timeout-handshake", &args.handshake_ms, NULL, NULL},
        {"--timeout-connect", &args.connect_ms, NULL, NULL},
        {"--timeout-idle", &args.idle_ms, NULL, NULL},
        {"--timeout-linger", &args.linger_ms, NULL, NULL},
        {"--control", &args.control, NULL, NULL},
        {"--rules", &args.rules, NULL, NULL},
        {"--monitor-net", &args.monitor_net, NULL, NULL},
        {"--health", &args.health, NULL, NULL},
        {"--metrics", &args.metrics, NULL, NULL},
        {"--via-agent", &args.via_agent, NULL, NULL},
        {"--link-tls", &args.link_certificate, &args.link_key, &args.link_ca},
        {"--listen-via-agent", &args.listen_via_agent, NULL, NULL},
        {"--agent-tls", &args.agent_tls, NULL, NULL},
        {"--agent-channels", &args.agent_channels, NULL, NULL},
        {"--trace", &args.trace, NULL, NULL},
        {"--threads", &args.threads, NULL, NULL},
        {"--host", &args.host, NULL, NULL},
    };
    const struct { const char *name; int *value; } flags[] = {
        {"--check", &args.check},
        {"--log", &args.log},
        {"--no-pass", &args.no_pass},
        {"--one-socket", &args.one_socket},
        {"--sandbox", &args.sandbox},
    };
    const size_t count = sizeof known / sizeof known[0], flag_count = sizeof flags / sizeof flags[0];

    for (int i = 1; i < argc; i++) {
        size_t k = 0, f = 0;
        int values;

        while (f < flag_count && strcmp(argv[i], flags[f].name) != 0)
            f++;
        if (f < flag_count) {
            *flags[f].value = 1;
            continue;
        }
        while (k < count && strcmp(argv[i], known[k].name) != 0)
            k++;
        values = k == count ? 0 : 1 + (known[k].second != NULL) + (known[k].third != NULL);
        if (k == count || i + values >= argc)
            die("what is %s? The head of proxy.c says what can be given", argv[i]);
        *known[k].value = argv[++i];
        if (known[k].second != NULL)
            *known[k].second = argv[++i];
        if (known[k].third != NULL)
            *known[k].third = argv[++i];
        if (known[k].value == &backend)
            add_address(&args, backend);
    }
    args.thread_count = (unsigned)number(args.threads, THREADS_MOST, 1);
    if (args.thread_count == 0)
        die("--threads is at least 1");
    if (getrandom(&args.seed, sizeof args.seed, 0) != sizeof args.seed)
        die("no random number");
    return args;
}

uint64_t number(const char *text, uint64_t most, uint64_t otherwise)
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

uint64_t milliseconds(const char *text, uint64_t otherwise_ns)
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
