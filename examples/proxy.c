/* proxy: joins clients with servers.
 *
 *   proxy --listen ADDR:PORT|unix:PATH [--accept-proxy CIDR,...|any] [--tls CERT KEY]
 *         [--client-ca CA] [--alpn a,b]
 *         --backend [NAME=]ADDR:PORT|[NAME=]unix:PATH [--backend ...] [--send-proxy v1|v2]
 *         [--socks 4|4a|5 HOST:PORT] [--socks-login USER PASSWORD]
 *         [--backend-tls CA|system|insecure] [--sni NAME]
 *         [--balance roundrobin|leastconn|source|random] [--maxconn N] [--maxqueue N]
 *         [--queue-timeout MS] [--retries N] [--check] [--check-interval MS]
 *         [--timeout-handshake MS] [--timeout-connect MS] [--timeout-idle MS]
 *         [--timeout-linger MS]
 *         [--monitor-net CIDR,...] [--health ADDR:PORT] [--metrics ADDR:PORT]
 *         [--control ADDR:PORT|unix:PATH] [--rules FILE] [--host epoll|epoll-et|mio] [--log]
 *
 * Several --backend with one NAME, or without a name, are servers of which any can serve a client.
 * --rules decides which clients are accepted, in the language of docs/rules.md, and to which NAME its
 * use_backend lines send them; all others go to the first. On SIGHUP the file is read again. --maxconn
 * is how many clients each server has at once: others wait, as many as --maxqueue and as long as
 * --queue-timeout allow. A server that is not reached is tried again, and the last attempt is made on
 * another one. --check checks the servers with connections that pass what the clients' pass, and leaves
 * out those that are down.
 *
 * With --socks the servers are SOCKS servers, and have to connect to HOST:PORT.
 *
 * --control takes a line per connection: "drain SERVER" gives it no new clients, "ready SERVER" does
 * again, "show" lists their states. SERVER is the server's address. "reload" does the same as SIGHUP.
 * "leave" makes the answer to every monitor that this proxy is about to stop; clients are still
 * accepted.
 *
 * Sources of --monitor-net get 200, or 503 once this proxy is about to stop, instead of being accepted.
 * At --health every client gets that answer, and at --metrics every client gets the metrics.
 *
 * Without arguments it shows the whole path at once: TLS with a self-signed certificate for this run,
 * the client's address passed on in a PROXY header, and a small server that reads it, in the same
 * engine.
 *
 * Prints "ready ADDR:PORT" when it serves. SIGINT and SIGTERM stop it: no new connections, five seconds
 * for those that are left. --log prints every refused and ended connection on stderr. */
#include "host.h"
#include "options.h"
#include "rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { ADDRESS_TEXT = 512, ANSWER = 16384 };

struct proxy {
    struct host host; /* first: callbacks get a pointer to it */
    struct arguments args;
    struct rule_file rules;
    vst_stream_config *stream;
};

/* Their addresses are the user data of connections that are not to be joined: those to the built-in
 * server, and an operator's. */
static char hello_server, control;

static const char *text_of(const vst_addr *addr, char *text, size_t size)
{
    size_t len = 0;

    vst_addr_text(addr, text, size - 1, &len);
    text[len < size ? len : 0] = '\0';
    return text;
}

/* ---- sessions that are answered here -------------------------------------------------------- */

/* Sends the text and ends in order. A fresh connection takes this much at once; one that does not is
 * broken. What the peer has sent is not even read: closing in order reads what is left, so that no reset
 * destroys the answer. */
static void say_and_close(vst_engine *engine, vst_id id, const char *text, size_t len)
{
    size_t taken;

    if (vst_conn_send(engine, id, text, len, &taken) == VST_OK && taken == len)
        vst_conn_close(engine, id);
    else
        vst_conn_abort(engine, id);
}

/* The server that runs without arguments: one answer to every request. */
static void say_hello(vst_engine *engine, vst_id id)
{
    char text[ADDRESS_TEXT], answer[ADDRESS_TEXT + 256];
    vst_addr client, destination;

    vst_conn_addrs(engine, id, &client, &destination);
    say_and_close(engine, id, answer,
                  (size_t)snprintf(answer, sizeof answer,
                                   "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n"
                                   "Connection: close\r\n\r\nhello from vestibule, %s\n",
                                   text_of(&client, text, sizeof text)));
}

/* One line for each server. */
static size_t show(const struct pool *pool, vst_engine *engine, char *answer, size_t size)
{
    static const char *const states[] = {"", "ready", "drain", "maintenance"};
    size_t len = 0;

    for (unsigned i = 0; i < pool->count && len < size; i++) {
        vst_backend_counters counted = {.size = sizeof counted};
        vst_server_status server = {.size = sizeof server};

        vst_server_state(engine, pool->backend, i, &server);
        vst_server_get_counters(engine, pool->backend, i, &counted);
        len += (size_t)snprintf(answer + len, size - len,
                                "%s %s %s streams=%u most=%u total=%llu errors=%llu\n",
                                pool->servers[i], states[server.state],
                                server.up ? "up" : "down", counted.streams, counted.streams_most,
                                (unsigned long long)counted.streams_total,
                                (unsigned long long)counted.connect_errors_total);
    }
    return len < size ? len : size;
}

static size_t show_all(struct proxy *proxy, vst_engine *engine, char *answer, size_t size)
{
    size_t len = 0;

    for (unsigned p = 0; p < proxy->args.pool_count; p++)
        len += show(&proxy->args.pools[p], engine, answer + len, size - len);
    return len;
}

/* Sets the state of the server with this address, and returns whether there is one. */
static int set_state(struct proxy *proxy, vst_engine *engine, const char *address, uint32_t state)
{
    int found = 0;

    for (unsigned p = 0; p < proxy->args.pool_count; p++) {
        struct pool *pool = &proxy->args.pools[p];

        for (unsigned i = 0; i < pool->count; i++)
            if (strcmp(pool->servers[i], address) == 0)
                found |= vst_server_set_state(engine, pool->backend, i, state) == VST_OK;
    }
    return found;
}

/* Executes an operator's command: a line, which arrives in one piece. */
static void obey(struct proxy *proxy, vst_engine *engine, vst_id id)
{
    char line[ADDRESS_TEXT], name[ADDRESS_TEXT] = "", answer[ANSWER] = "what?\n";
    size_t len = 0;
    vst_status status = vst_conn_recv(engine, id, line, sizeof line - 1, &len);
    uint32_t state;

    if (status == VST_WAIT)
        return;
    line[len] = '\0';
    len = strlen(answer);
    state = sscanf(line, "drain %511s", name) == 1   ? VST_ADMIN_DRAIN
            : sscanf(line, "ready %511s", name) == 1 ? VST_ADMIN_READY
                                                     : 0;
    if (strncmp(line, "show", 4) == 0)
        len = show_all(proxy, engine, answer, sizeof answer);
    else if ((strncmp(line, "reload", 6) == 0 && rules_reload(&proxy->rules)) ||
             (strncmp(line, "leave", 5) == 0 &&
              vst_engine_drain(engine, VST_DRAIN_LAME_DUCK, 0) == VST_OK) ||
             (state != 0 && set_state(proxy, engine, name, state)))
        len = (size_t)snprintf(answer, sizeof answer, "done\n");
    say_and_close(engine, id, answer, len);
}

/* ---- what happens --------------------------------------------------------------------------- */

/* The address of a stream's server. */
static const char *server_of(const struct proxy *proxy, const vst_stream_end *stream)
{
    if (stream->server != VST_NO_SERVER)
        for (unsigned p = 0; p < proxy->args.pool_count; p++)
            if (proxy->args.pools[p].backend == stream->backend)
                return proxy->args.pools[p].servers[stream->server];
    return "-";
}

/* One line for an operator: the client, how much, how long, and why. */
static void log_end(const struct proxy *proxy, const char *what, const vst_event *event)
{
    const vst_end *client = event->end, *server = event->end_server;
    const vst_stream_end *stream = event->stream;
    char peer[ADDRESS_TEXT], source[ADDRESS_TEXT];

    fprintf(stderr, "%s peer=%s for=%s in=%llu out=%llu time=%.3fs end=\"%s\"", what,
            text_of(&client->peer, peer, sizeof peer),
            text_of(&client->announced_source, source, sizeof source),
            (unsigned long long)client->bytes_in, (unsigned long long)client->bytes_out,
            (double)client->lasted_ns / 1e9, stream != NULL ? stream->text : client->text);
    if (stream != NULL)
        fprintf(stderr, " state=%s server=%s attempts=%u queued=%.3fs", stream->termination,
                server_of(proxy, stream), stream->attempts, (double)stream->queued_ns / 1e9);
    if (server != NULL)
        fprintf(stderr, " server_end=\"%s\"", server->text);
    if (client->suppressed > 0)
        fprintf(stderr, " suppressed=%llu", (unsigned long long)client->suppressed);
    fputc('\n', stderr);
}

static void log_server(const char *how, const vst_event *event)
{
    const struct pool *pool = event->user;
    static const char *const reasons[] = {
        [VST_REASON_CHECKS] = "checks",
        [VST_REASON_CONNECT_ERRORS] = "connect errors",
        [VST_REASON_TRIAL] = "another chance",
    };

    fprintf(stderr, "server %s is %s: %s\n", pool->servers[event->server], how,
            reasons[event->reason]);
}

/* Joins a session with a server of the backend that the rules choose, or else of the first. */
static void forward(struct proxy *proxy, vst_engine *engine, vst_id id)
{
    vst_id backend, stream;
    vst_status status = vst_conn_chosen_backend(engine, id, &backend);

    if (status == VST_NONE)
        backend = proxy->args.pools[0].backend;
    else if (status == VST_E_CONFIG) /* nobody is called so: it ends, and its record says that */
        return;
    /* At once, while the server is still being connected to: the client's first bytes are then sent
     * together with the PROXY header. */
    if (status < 0 || vst_conn_forward_to(engine, id, backend, proxy->stream, NULL, &stream) < 0)
        vst_conn_abort(engine, id);
}

static void reload(struct host *host)
{
    rules_reload(&((struct proxy *)host)->rules);
}

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    struct proxy *proxy = data;
    int answered_here = event->user == &hello_server || event->user == &control;

    switch (event->kind) {
    case VST_EVENT_SESSION:
        if (!answered_here)
            forward(proxy, engine, event->id);
        break;
    case VST_EVENT_READABLE: /* never of a stream */
        if (event->user == &control)
            obey(proxy, engine, event->id);
        else
            say_hello(engine, event->id);
        break;
    case VST_EVENT_REFUSED:
        if (proxy->args.log)
            log_end(proxy, "refused", event);
        break;
    case VST_EVENT_STREAM_END:
        if (proxy->args.log)
            log_end(proxy, "stream", event);
        break;
    case VST_EVENT_CLOSED:
        if (proxy->args.log && !answered_here)
            log_end(proxy, "closed", event);
        break;
    case VST_EVENT_SERVER_UP:
        log_server("up", event);
        break;
    case VST_EVENT_SERVER_DOWN:
        log_server("down", event);
        break;
    case VST_EVENT_PAUSED:
        fprintf(stderr, "listener rests: %s\n",
                event->sys_errno != 0 ? strerror(event->sys_errno) : "limit reached");
        break;
    default: /* RESUMED, LISTENER_CLOSED: nothing to do */
        break;
    }
}

/* ---- the two ways to run -------------------------------------------------------------------- */

/* Each proxied connection takes two descriptors; the soft limit is low for programs that use select. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* A listener whose connections are answered here, by us or by vestibule; no address is none. */
static vst_id listen_here(struct proxy *proxy, const char *address, struct arguments how,
                          char *user)
{
    vst_accept_config *config;
    vst_id listener;

    if (address == NULL)
        return 0;
    config = accept_config(&how, NULL, NULL);
    listener = host_listen(&proxy->host, address, config, user);
    vst_accept_config_free(config);
    return listener;
}

static void open_server(struct proxy *proxy, char *address, size_t size)
{
    const struct arguments announced = {.accept_proxy = "127.0.0.1"};
    vst_id listener = listen_here(proxy, "127.0.0.1:0", announced, &hello_server);
    struct arguments *args = &proxy->args;
    vst_addr addr;

    vst_listener_addr(proxy->host.engine, listener, &addr);
    add_address(args, text_of(&addr, address, size));
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
    struct proxy proxy = {.args = parse_arguments(argc, argv)};
    struct arguments *args = &proxy.args;
    char address[ADDRESS_TEXT];
    vst_accept_config *config;
    vst_tls_server *tls;
    vst_id listener;
    vst_addr addr;

    raise_descriptor_limit();
    host_open(&proxy.host, args->host, on_event);
    if (argc == 1) {
        open_server(&proxy, address, sizeof address);
        tls = throw_away_tls();
    } else if (args->listen != NULL && args->pool_count > 0) {
        tls = server_tls(args);
    } else {
        die("--listen and --backend belong together; nothing at all shows a default");
    }
    proxy.stream = stream_config(args);
    for (unsigned p = 0; p < args->pool_count; p++)
        make_backend(proxy.host.engine, args, &args->pools[p]);
    host_on_hang_up(&proxy.host, reload);
    rules_open(&proxy.rules, args->rules, proxy.host.engine);
    config = accept_config(args, tls, proxy.rules.rules);
    listener = host_listen(&proxy.host, args->listen, config, NULL);
    vst_accept_config_free(config);
    listen_here(&proxy, args->control, (struct arguments){0}, &control);
    listen_here(&proxy, args->health, (struct arguments){.everyone_gets = VST_MONITOR_ANSWER_HTTP}, NULL);
    listen_here(&proxy, args->metrics, (struct arguments){.everyone_gets = VST_MONITOR_ANSWER_METRICS},
                NULL);
    if (argc == 1) {
        vst_listener_addr(proxy.host.engine, listener, &addr);
        printf("curl -k https://127.0.0.1:%u/\n", (unsigned)addr.port);
    }
    host_serve(&proxy.host, listener);
    vst_stream_config_free(proxy.stream);
    vst_rules_free(proxy.rules.rules);
    return 0;
}
