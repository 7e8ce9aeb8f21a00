/* handler: a proxy for clients that name a key first.
 *
 *   handler ADDR:PORT KEY SERVER:PORT...
 *
 * Behind TLS, a client sends "KEY word" and a line feed, and is answered "welcome". What follows goes to a
 * server, which sees nothing of that. */
#include "poller.h"

#include <string.h>

enum { LINE_MOST = 128, CODE_TOO_LONG = 1, CODE_WRONG_KEY = 2 };

struct proxy {
    vst_id backend;
    vst_stream_config *streams;
    const char *key;
    int is_drained;
};

static int32_t fail(vst_step *step, int32_t code, const char *text)
{
    step->code = code;
    step->text = text;
    return VST_NEXT_FAIL;
}

/* Whether the time that a comparison takes does not tell how much of the key was right. */
static int is_same(const char *line, size_t len, const char *key)
{
    size_t known = strlen(key);
    unsigned differ = len != known;

    for (size_t i = 0; i < len; i++)
        differ |= (unsigned)(line[i] ^ key[known == 0 ? 0 : i % known]);
    return differ == 0;
}

/* Called when a client's TLS handshake is done, and again whenever more of its bytes have come. What is not
 * consumed is seen again, so nothing has to be kept in between. */
static int32_t ask_for_key(void *data, vst_engine *engine, vst_step *step)
{
    static const char begin[] = "KEY ", answer[] = "welcome\n";
    const struct proxy *proxy = data;
    char line[LINE_MOST];
    const char *end;
    size_t len, taken;
    vst_status status;

    vst_handler_peek(engine, step->conn, line, sizeof line, &len);
    end = memchr(line, '\n', len < sizeof line ? len : sizeof line);
    if (end == NULL)
        return len < sizeof line ? VST_NEXT_READ : fail(step, CODE_TOO_LONG, "no line of at most 128 bytes");
    len = (size_t)(end - line);
    if (len < strlen(begin) || memcmp(line, begin, strlen(begin)) != 0 ||
        !is_same(line + strlen(begin), len - strlen(begin), proxy->key))
        return fail(step, CODE_WRONG_KEY, "the key is wrong");

    /* First the answer: where there is no room for it, the line is still there in the next call. */
    status = vst_handler_send(engine, step->conn, answer, strlen(answer), &taken);
    if (status == VST_WAIT)
        return VST_NEXT_WRITE;
    if (status != VST_OK || taken < strlen(answer))
        return fail(step, 0, "the answer could not be sent");
    vst_handler_consume(engine, step->conn, len + 1);
    return VST_NEXT_DONE;
}

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
        printf("refused: %s\n", event->end->text); /* a handler's code is in event->end->host_code */
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
                                     .connect = config};

        if (vst_backend_add_server(engine, backend, &server, &number, why, sizeof why) < 0)
            die(servers[i], why);
    }
    vst_connect_config_free(config);
    return backend;
}

static vst_id listen_at(vst_engine *engine, const char *address, struct proxy *proxy)
{
    vst_handler asking = {.size = sizeof asking, .flags = VST_HANDLER_AFTER_TLS, .step = ask_for_key,
                          .data = proxy, .timeout_ns = 5 * SECOND};
    vst_accept_options accept = {.size = sizeof accept, .handlers = &asking, .handler_count = 1};
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

    if (argc < 4)
        die("usage", "handler ADDR:PORT KEY SERVER:PORT...");
    poller_open();
    engine = make_engine(&proxy);
    if (vst_stream_config_new(&streams, &proxy.streams, why, sizeof why) < 0)
        die("vst_stream_config_new", why);
    proxy.key = argv[2];
    proxy.backend = make_backend(engine, argv + 3, argc - 3);
    say_ready(engine, listen_at(engine, argv[1], &proxy));
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
