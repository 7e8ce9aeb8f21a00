/* proxy: joins clients with a backend.
 *
 *   proxy --listen ADDR:PORT|unix:PATH [--accept-proxy CIDR,...|any] [--tls CERT KEY]
 *         [--client-ca CA] [--alpn a,b]
 *         --backend ADDR:PORT|unix:PATH [--send-proxy v1|v2] [--backend-tls CA|system|insecure]
 *         [--sni NAME] [--timeout-handshake MS] [--timeout-connect MS] [--timeout-idle MS]
 *         [--host epoll|epoll-et|mio] [--log]
 *
 * Without arguments it shows the whole path at once: TLS with a throw-away certificate, the client's
 * address passed on in a PROXY header, and a small backend that reads it, in the same engine.
 *
 * Prints "ready ADDR:PORT" when it serves. SIGINT and SIGTERM stop it: no new connections, five
 * seconds for those that are left. --log tells every refused and ended connection on stderr. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { ADDRESS_TEXT = 512, NAME_TEXT = 256, WHY = 512 };

#define NS_PER_MS UINT64_C(1000000)

struct proxy {
    struct host host; /* first: callbacks get a pointer to it */
    const char *backend;
    vst_connect_config *connect;
    vst_stream_config *stream;
    int log;
};

/* What the command line says, as text. */
struct arguments {
    const char *listen, *accept_proxy, *certificate, *key, *client_ca, *alpn;
    const char *backend, *send_proxy, *backend_tls, *sni;
    const char *handshake_ms, *connect_ms, *idle_ms, *host;
    int log;
};

/* ---- what happens --------------------------------------------------------------------------- */

/* Comes as the user word of connections to the built-in backend. */
static char hello_backend;

/* A session is joined with its backend at once, while that is still being connected to: the
 * client's first bytes then leave together with the PROXY header. */
static void join(struct proxy *proxy, vst_engine *engine, vst_id client)
{
    vst_connect connect = {.size = sizeof connect, .client = client};
    vst_id server, stream;

    if (vst_conn_connect(engine, proxy->backend, proxy->connect, &connect, &server) < 0) {
        vst_conn_abort(engine, client);
    } else if (vst_conn_forward(engine, client, server, proxy->stream, NULL, &stream) < 0) {
        vst_conn_abort(engine, server);
        vst_conn_abort(engine, client);
    }
}

/* The backend of the embedded default: one answer to whatever was asked, then the end. The request
 * is not even read: closing in order reads what is left, so that no reset destroys the answer. */
static void say_hello(vst_engine *engine, vst_id id)
{
    char text[ADDRESS_TEXT], answer[ADDRESS_TEXT + 256];
    vst_addr client, destination;
    size_t len, taken;

    vst_conn_addrs(engine, id, &client, &destination);
    vst_addr_text(&client, text, sizeof text, &len);
    len = (size_t)snprintf(answer, sizeof answer,
                           "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
                           "hello from vestibule, %.*s\n",
                           (int)len, text);
    /* A fresh connection takes this much at once; one that does not is broken. */
    if (vst_conn_send(engine, id, answer, len, &taken) == VST_OK && taken == len)
        vst_conn_close(engine, id);
    else
        vst_conn_abort(engine, id);
}

static const char *text_of(const vst_addr *addr, char *text, size_t size)
{
    size_t len = 0;

    vst_addr_text(addr, text, size - 1, &len);
    text[len < size ? len : 0] = '\0';
    return text;
}

/* One line for an operator: who, how much, how long, and why. */
static void log_end(const char *what, const vst_event *event)
{
    const vst_end *client = event->end, *server = event->end_server;
    const vst_stream_end *stream = event->stream;
    char peer[ADDRESS_TEXT], source[ADDRESS_TEXT];
    double seconds = (double)client->lasted_ns / 1e9;

    text_of(&client->peer, peer, sizeof peer);
    text_of(&client->announced_source, source, sizeof source);
    fprintf(stderr, "%s peer=%s for=%s in=%llu out=%llu time=%.3fs end=\"%s\"", what, peer, source,
            (unsigned long long)client->bytes_in, (unsigned long long)client->bytes_out, seconds,
            stream != NULL ? stream->text : client->text);
    if (stream != NULL)
        fprintf(stderr, " state=%s", stream->termination);
    if (server != NULL)
        fprintf(stderr, " server=%s server_end=\"%s\"", text_of(&server->peer, peer, sizeof peer),
                server->text);
    if (client->suppressed > 0)
        fprintf(stderr, " suppressed=%llu", (unsigned long long)client->suppressed);
    fputc('\n', stderr);
}

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    struct proxy *proxy = data;

    switch (event->kind) {
    case VST_EVENT_SESSION:
        if (event->user != &hello_backend)
            join(proxy, engine, event->id);
        break;
    case VST_EVENT_READABLE: /* never of a stream: so of the built-in backend */
        say_hello(engine, event->id);
        break;
    case VST_EVENT_REFUSED:
        if (proxy->log)
            log_end("refused", event);
        break;
    case VST_EVENT_STREAM_END:
        if (proxy->log)
            log_end("stream", event);
        break;
    case VST_EVENT_CLOSED:
        if (proxy->log && event->user != &hello_backend)
            log_end("closed", event);
        break;
    case VST_EVENT_PAUSED:
        fprintf(stderr, "listener rests: %s\n",
                event->sys_errno != 0 ? strerror(event->sys_errno) : "limit reached");
        break;
    default: /* RESUMED, LISTENER_CLOSED: nothing to do */
        break;
    }
}

/* ---- what is configured --------------------------------------------------------------------- */

static uint64_t milliseconds(const char *text, uint64_t otherwise_ns)
{
    char *end;
    unsigned long long ms;

    if (text == NULL)
        return otherwise_ns;
    ms = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || ms > UINT64_MAX / NS_PER_MS)
        die("not a number of milliseconds: %s", text);
    return ms * NS_PER_MS;
}

static vst_tls_server *server_tls(const struct arguments *args)
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
    return tls;
}

/* What clients go through. Gives up its handle of tls. */
static vst_accept_config *accept_config(const struct arguments *args, vst_tls_server *tls)
{
    vst_accept_options options;
    vst_accept_config *config;
    char why[WHY];

    vst_accept_options_init(&options, sizeof options);
    options.accept_proxy = args->accept_proxy;
    if (args->accept_proxy != NULL && strcmp(args->accept_proxy, "any") == 0)
        options.accept_proxy = "any,unix";
    options.tls = tls;
    options.timeout_proxy_ns = milliseconds(args->handshake_ms, options.timeout_proxy_ns);
    options.timeout_tls_ns = milliseconds(args->handshake_ms, options.timeout_tls_ns);
    options.timeout_opening_ns = milliseconds(args->handshake_ms, options.timeout_opening_ns);
    if (vst_accept_config_new(&options, &config, why, sizeof why) < 0)
        die("%s", why);
    vst_tls_server_free(tls);
    return config;
}

static vst_tls_client *client_tls(const char *how)
{
    vst_tls_client_options options;
    vst_tls_client *tls;
    char why[WHY];

    vst_tls_client_options_init(&options, sizeof options);
    if (strcmp(how, "insecure") == 0)
        options.flags = VST_TLS_DANGEROUSLY_SKIP_VERIFICATION;
    else if (strcmp(how, "system") != 0)
        options.ca.file = how;
    if (vst_tls_client_new(&options, &tls, why, sizeof why) < 0)
        die("%s", why);
    return tls;
}

/* The name to ask for when none is given: the backend's address, without brackets and port. */
static const char *default_name(const char *backend, char *name, size_t size)
{
    const char *port = strrchr(backend, ':');
    int bracket = *backend == '[';

    if (strncmp(backend, "unix:", 5) == 0 || port == NULL)
        return "localhost";
    snprintf(name, size, "%.*s", (int)(port - backend) - 2 * bracket, backend + bracket);
    return name;
}

/* What goes to the backend. */
static vst_connect_config *connect_config(const struct arguments *args)
{
    char name[NAME_TEXT], why[WHY];
    vst_connect_options options;
    vst_connect_config *config;
    vst_tls_client *tls = args->backend_tls != NULL ? client_tls(args->backend_tls) : NULL;

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
            args->sni != NULL ? args->sni : default_name(args->backend, name, sizeof name);
    }
    options.timeout_connect_ns = milliseconds(args->connect_ms, options.timeout_connect_ns);
    options.timeout_tls_ns = milliseconds(args->handshake_ms, options.timeout_tls_ns);
    /* The two bound everything there is. */
    options.timeout_opening_ns = 0;
    if (vst_connect_config_new(&options, &config, why, sizeof why) < 0)
        die("%s", why);
    vst_tls_client_free(tls);
    return config;
}

/* What bounds the streams. */
static vst_stream_config *stream_config(const struct arguments *args)
{
    vst_stream_options options;
    vst_stream_config *config;

    vst_stream_options_init(&options, sizeof options);
    options.timeout_client_ns = milliseconds(args->idle_ms, options.timeout_client_ns);
    options.timeout_server_ns = milliseconds(args->idle_ms, options.timeout_server_ns);
    if (vst_stream_config_new(&options, &config) < 0)
        die("no configuration for streams");
    return config;
}

static struct arguments parse(int argc, char **argv)
{
    struct arguments args = {.host = "epoll"};
    const struct { const char *name; const char **value, **second; } known[] = {
        {"--listen", &args.listen, NULL},
        {"--accept-proxy", &args.accept_proxy, NULL},
        {"--tls", &args.certificate, &args.key},
        {"--client-ca", &args.client_ca, NULL},
        {"--alpn", &args.alpn, NULL},
        {"--backend", &args.backend, NULL},
        {"--send-proxy", &args.send_proxy, NULL},
        {"--backend-tls", &args.backend_tls, NULL},
        {"--sni", &args.sni, NULL},
        {"--timeout-handshake", &args.handshake_ms, NULL},
        {"--timeout-connect", &args.connect_ms, NULL},
        {"--timeout-idle", &args.idle_ms, NULL},
        {"--host", &args.host, NULL},
    };
    const size_t count = sizeof known / sizeof known[0];

    for (int i = 1; i < argc; i++) {
        size_t k = 0;

        if (strcmp(argv[i], "--log") == 0) {
            args.log = 1;
            continue;
        }
        while (k < count && strcmp(argv[i], known[k].name) != 0)
            k++;
        if (k == count || i + (known[k].second != NULL ? 2 : 1) >= argc)
            die("what is %s? The head of proxy.c says what can be given", argv[i]);
        *known[k].value = argv[++i];
        if (known[k].second != NULL)
            *known[k].second = argv[++i];
    }
    return args;
}

/* Each proxied connection takes two descriptors; the soft limit is for programs that use select. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* ---- the two ways to run -------------------------------------------------------------------- */

static void open_backend(struct proxy *proxy, struct arguments *args, char *address, size_t size)
{
    const struct arguments from_here = {.accept_proxy = "127.0.0.1"};
    vst_accept_config *config = accept_config(&from_here, NULL);
    vst_id listener = host_listen(&proxy->host, "127.0.0.1:0", config, &hello_backend);
    vst_addr addr;

    vst_accept_config_free(config);
    vst_listener_addr(proxy->host.engine, listener, &addr);
    args->backend = text_of(&addr, address, size);
    args->send_proxy = "v2";
    args->listen = "127.0.0.1:0";
    args->log = 1;
}

static vst_tls_server *throw_away_tls(void)
{
    vst_tls_server *tls;
    char why[WHY];

    if (vst_tls_server_self_signed("localhost,127.0.0.1", &tls, why, sizeof why) < 0)
        die("%s", why);
    return tls;
}

int main(int argc, char **argv)
{
    struct arguments args = parse(argc, argv);
    struct proxy proxy = {0};
    char address[ADDRESS_TEXT];
    vst_accept_config *config;
    vst_tls_server *tls;
    vst_id listener;
    vst_addr addr;

    raise_descriptor_limit();
    host_open(&proxy.host, args.host, on_event);
    if (argc == 1) {
        open_backend(&proxy, &args, address, sizeof address);
        tls = throw_away_tls();
    } else if (args.listen != NULL && args.backend != NULL) {
        tls = server_tls(&args);
    } else {
        die("--listen and --backend belong together; nothing at all shows a default");
    }
    proxy.backend = args.backend;
    proxy.connect = connect_config(&args);
    proxy.stream = stream_config(&args);
    proxy.log = args.log;
    config = accept_config(&args, tls);
    listener = host_listen(&proxy.host, args.listen, config, NULL);
    vst_accept_config_free(config);
    if (argc == 1) {
        vst_listener_addr(proxy.host.engine, listener, &addr);
        printf("curl -k https://127.0.0.1:%u/\n", (unsigned)addr.port);
    }
    host_serve(&proxy.host, listener);
    vst_connect_config_free(proxy.connect);
    vst_stream_config_free(proxy.stream);
    return 0;
}
