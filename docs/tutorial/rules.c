/* rules: the proxy, with rules from a file that say who comes in and to which servers.
 *
 *   rules ADDR:PORT FILE [NAME=]SERVER:PORT...
 *
 * Servers with the same NAME are one backend, for "use_backend NAME if ..."; the first backend gets the
 * clients that no such line is about. SIGHUP has the file read again. */
#define _GNU_SOURCE
#include "poller.h"

#include <string.h>

enum { BACKENDS = 8, RULES_BYTES = 65536 };

struct backend {
    char name[64];
    vst_id id;
};

struct proxy {
    struct backend backends[BACKENDS];
    int count;
    vst_stream_config *streams;
    const char *file;
    vst_rules *rules;
    int is_drained;
};

static void forward(struct proxy *proxy, vst_engine *engine, vst_id client)
{
    vst_id backend, stream;
    vst_status status = vst_conn_chosen_backend(engine, client, &backend);

    if (status == VST_E_CONFIG) /* a line names no backend of ours: the client is closed, and its end says so */
        return;
    if (status == VST_NONE) /* no use_backend line is about this client */
        backend = proxy->backends[0].id;
    if (status < 0 || vst_conn_forward_to(engine, client, backend, proxy->streams, NULL, &stream) < 0)
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
    case VST_EVENT_DRAINED:
        proxy->is_drained = 1;
        break;
    }
}

/* The rules as they are in the file now, or NULL, and why in words: line, column, what was expected. What
 * the tables of the present rules count is kept. */
static vst_rules *read_rules(const struct proxy *proxy, vst_engine *engine, char *why)
{
    static uint8_t text[RULES_BYTES];
    vst_rules *rules;
    size_t len;
    FILE *file = fopen(proxy->file, "re");

    if (file == NULL) {
        snprintf(why, WHY, "%s", strerror(errno));
        return NULL;
    }
    len = fread(text, 1, sizeof text, file);
    fclose(file);
    if (vst_rules_new(text, len, NULL, 0, proxy->rules, &rules, why, WHY) < 0)
        return NULL;
    if (vst_rules_check(engine, rules, why, WHY) < 0) { /* a use_backend names none of our backends */
        vst_rules_free(rules);
        return NULL;
    }
    return rules;
}

/* Clients that have begun end with the rules they began with. A mistake changes nothing. */
static void reload(struct proxy *proxy, vst_engine *engine)
{
    char why[WHY];
    vst_rules *fresh = read_rules(proxy, engine, why);

    if (fresh == NULL) {
        fprintf(stderr, "the rules stay as they are: %s\n", why);
        return;
    }
    vst_rules_replace(proxy->rules, fresh);
    vst_rules_free(fresh);
    printf("rules read\n");
    fflush(stdout);
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

/* The backend with this name, which is made if there is none yet. */
static vst_id backend_named(struct proxy *proxy, vst_engine *engine, const char *name, size_t len)
{
    vst_backend_options options = {.size = sizeof options};
    struct backend *backend = proxy->backends;
    char why[WHY];

    while (backend < proxy->backends + proxy->count &&
           (strlen(backend->name) != len || memcmp(backend->name, name, len) != 0))
        backend++;
    if (backend < proxy->backends + proxy->count)
        return backend->id;
    if (proxy->count == BACKENDS || len >= sizeof backend->name)
        die(name, "too many backends, or too long a name");
    proxy->count++;
    memcpy(backend->name, name, len);
    if (vst_backend_new(engine, &options, &backend->id, why, sizeof why) < 0)
        die("vst_backend_new", why);
    if (len > 0)
        vst_backend_set_name(engine, backend->id, backend->name);
    return backend->id;
}

static void add_server(struct proxy *proxy, vst_engine *engine, const char *word, vst_connect_config *config)
{
    size_t len = strcspn(word, "=");
    const char *address = word[len] == '=' ? word + len + 1 : word;
    vst_id backend = backend_named(proxy, engine, word, address == word ? 0 : len);
    vst_server_options server = {.size = sizeof server, .name = address, .addresses = address,
                                 .connect = config};
    uint32_t number;
    char why[WHY];

    if (vst_backend_add_server(engine, backend, &server, &number, why, sizeof why) < 0)
        die(address, why);
}

static void add_servers(struct proxy *proxy, vst_engine *engine, char **words, int count)
{
    vst_connect_options connect = {.size = sizeof connect, .send_proxy = VST_SEND_PROXY_V2};
    vst_connect_config *config;
    char why[WHY];

    if (vst_connect_config_new(&connect, &config, why, sizeof why) < 0)
        die("vst_connect_config_new", why);
    for (int i = 0; i < count; i++)
        add_server(proxy, engine, words[i], config);
    vst_connect_config_free(config);
}

static vst_id listen_at(vst_engine *engine, const char *address, const vst_rules *rules)
{
    vst_accept_options accept = {.size = sizeof accept, .rules = rules};
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
        die("usage", "rules ADDR:PORT FILE [NAME=]SERVER:PORT...");
    poller_open();
    engine = make_engine(&proxy);
    if (vst_stream_config_new(&streams, &proxy.streams, why, sizeof why) < 0)
        die("vst_stream_config_new", why);
    add_servers(&proxy, engine, argv + 3, argc - 3);
    proxy.file = argv[2];
    proxy.rules = read_rules(&proxy, engine, why); /* when the backends have their names */
    if (proxy.rules == NULL)
        die(proxy.file, why);
    say_ready(engine, listen_at(engine, argv[1], proxy.rules));
    while (!proxy.is_drained) {
        poller_turn(engine);
        if (reload_asked) {
            reload_asked = 0;
            reload(&proxy, engine);
        }
        if (stop_asked && !draining) {
            draining = 1;
            vst_engine_drain(engine, VST_DRAIN_CLOSE, 5 * SECOND);
        }
    }
    vst_engine_free(engine);
    vst_stream_config_free(proxy.streams);
    vst_rules_free(proxy.rules);
    return 0;
}
