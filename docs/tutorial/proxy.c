/* proxy: joins clients, who come with TLS, with one of several servers.
 *
 *   proxy ADDR:PORT SERVER:PORT...
 *
 * The servers are told the client's address in a PROXY header, and are checked every two seconds. */
#include "poller.h"

struct proxy {
    vst_id backend;
    vst_stream_config *streams;
    int is_drained;
};

static void forward(struct proxy *proxy, vst_engine *engine, vst_id client)
{
    vst_id stream;

    if (vst_conn_forward_to(engine, client, proxy->backend, proxy->streams, NULL, &stream) < 0)
        vst_conn_abort(engine, client);
}

/* A line for an operator. */
static void log_stream(const vst_event *event)
{
    const vst_stream_end *stream = event->stream;
    char client[512];
    size_t len;

    vst_addr_text(&event->end->peer, client, sizeof client, &len);
    printf("%.*s %s up=%llu down=%llu time=%.3fs attempts=%u: %s\n", (int)len, client, stream->termination,
           (unsigned long long)stream->bytes_up, (unsigned long long)stream->bytes_down,
           (double)stream->lasted_ns / 1e9, stream->attempts, stream->text);
    fflush(stdout);
}

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    struct proxy *proxy = data;

    switch (event->kind) {
    case VST_EVENT_SESSION:
        forward(proxy, engine, event->id);
        break;
    case VST_EVENT_STREAM_END:
        log_stream(event);
        break;
    case VST_EVENT_REFUSED:
        printf("refused: %s\n", event->end->text);
        fflush(stdout);
        break;
    case VST_EVENT_SERVER_UP:
    case VST_EVENT_SERVER_DOWN:
        printf("server %u is %s\n", event->server, event->kind == VST_EVENT_SERVER_UP ? "up" : "down");
        fflush(stdout);
        break;
    case VST_EVENT_DRAINED:
        proxy->is_drained = 1;
        break;
    }
}

static vst_engine *make_engine(struct proxy *proxy)
{
    vst_engine_options options = {.size = sizeof options, .interest = watch, .event = on_event, .data = proxy};
    vst_engine *engine;
    char why[WHY];

    if (vst_engine_new(&options, &engine, why, sizeof why) < 0)
        die("vst_engine_new", why);
    return engine;
}

static vst_id make_backend(vst_engine *engine, char **servers, int count)
{
    vst_connect_options connect = {.size = sizeof connect, .send_proxy = VST_SEND_PROXY_V2};
    vst_backend_options options = {.size = sizeof options, .balance = VST_BALANCE_LEAST_CONNECTIONS};
    vst_connect_config *config;
    vst_id backend;
    uint32_t number;
    char why[WHY];

    if (vst_connect_config_new(&connect, &config, why, sizeof why) < 0)
        die("vst_connect_config_new", why);
    if (vst_backend_new(engine, &options, &backend, why, sizeof why) < 0)
        die("vst_backend_new", why);
    for (int i = 0; i < count; i++) {
        vst_server_options server = {.size = sizeof server, .name = servers[i], .addresses = servers[i],
                                     .connect = config, .flags = VST_SERVER_CHECK, .check_connect = config};

        if (vst_backend_add_server(engine, backend, &server, &number, why, sizeof why) < 0)
            die(servers[i], why);
    }
    vst_connect_config_free(config);
    return backend;
}

static vst_id listen_at(vst_engine *engine, const char *address)
{
    vst_accept_options accept = {.size = sizeof accept};
    vst_tls_server *tls;
    vst_accept_config *config;
    vst_id listener;
    char why[WHY];

    if (vst_tls_server_self_signed("localhost", &tls, why, sizeof why) < 0)
        die("vst_tls_server_self_signed", why);
    accept.tls = tls;
    if (vst_accept_config_new(&accept, &config, why, sizeof why) < 0)
        die("vst_accept_config_new", why);
    if (vst_listener_open(engine, address, config, NULL, &listener, NULL, why, sizeof why) < 0)
        die(address, why);
    vst_accept_config_free(config);
    vst_tls_server_free(tls);
    return listener;
}

int main(int argc, char **argv)
{
    vst_stream_options streams = {.size = sizeof streams, .timeout_client_ns = 60 * SECOND,
                                  .timeout_server_ns = 60 * SECOND};
    struct proxy proxy = {0};
    vst_engine *engine;
    int draining = 0;
    char why[WHY];

    if (argc < 3)
        die("usage", "proxy ADDR:PORT SERVER:PORT...");
    poller_open();
    engine = make_engine(&proxy);
    if (vst_stream_config_new(&streams, &proxy.streams, why, sizeof why) < 0)
        die("vst_stream_config_new", why);
    proxy.backend = make_backend(engine, argv + 2, argc - 2);
    say_ready(engine, listen_at(engine, argv[1]));
    while (!proxy.is_drained) {
        poller_turn(engine);
        if (stop_asked && !draining) {
            draining = 1;
            vst_engine_drain(engine, VST_DRAIN_CLOSE, 5 * SECOND);
        }
    }
    vst_engine_free(engine);
    vst_stream_config_free(proxy.streams);
    return 0;
}
