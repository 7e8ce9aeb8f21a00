/* proxy: joins clients with servers.
 *
 *   proxy --listen ADDR:PORT|unix:PATH [--accept-proxy CIDR,...|any] [--tls CERT KEY]
 *         [--client-ca CA] [--alpn a,b]
 *         --backend [NAME=]ADDR:PORT|[NAME=]unix:PATH [--backend ...] [--send-proxy v1|v2]
 *         [--socks 4|4a|5 HOST:PORT] [--socks-login USER PASSWORD]
 *         [--backend-tls CA|system|insecure] [--sni NAME]
 *         [--source ADDR,...] [--source-ports FIRST-LAST]
 *         [--balance roundrobin|leastconn|source|random] [--maxconn N] [--maxqueue N]
 *         [--queue-timeout MS] [--retries N] [--check] [--check-interval MS]
 *         [--timeout-handshake MS] [--timeout-connect MS] [--timeout-idle MS]
 *         [--timeout-linger MS]
 *         [--via-agent unix:PATH|ADDR:PORT] [--link-tls CERT KEY CA] [--agent-tls PROFILE]
 *         [--agent-channels N] [--no-pass] [--listen-via-agent NAME] [--sandbox]
 *         [--monitor-net CIDR,...] [--health ADDR:PORT] [--metrics ADDR:PORT]
 *         [--control ADDR:PORT|unix:PATH] [--rules FILE] [--host epoll-et|epoll|mio] [--log]
 *         [--threads N] [--one-socket] [--trace all|CATEGORY,...]
 *
 * Several --backend with one NAME, or without a name, are servers of which any can serve a client.
 * --rules decides which clients are accepted, in the language of docs/rules.md, and to which NAME its
 * use_backend and default_backend lines send them; all others go to the first. What the file says that is
 * no mistake, but should be known, is printed as a note. On SIGHUP the file is read again. --maxconn
 * is how many clients each server has at once: others wait, as many as --maxqueue and as long as
 * --queue-timeout allow. A server that is not reached is tried again, and the last attempt is made on
 * another one. --check checks the servers with connections that pass what the clients' pass, and leaves
 * out those that are down.
 *
 * --source are the addresses from which servers are connected to, in turn, without ports; --source-ports bounds
 * the ports that the system chooses for them. An agent (below) has to allow the first, which agent.c does not, and
 * is not told the second.
 *
 * With --socks the servers are SOCKS servers, and have to connect to HOST:PORT.
 *
 * With --via-agent an agent (agent.c) opens the connections to all servers, those of checks too, and looks
 * their names up: --backend example.net:443. The link to it has TLS with --link-tls, for which the agent
 * wants a certificate. --agent-tls has the agent do TLS with the servers, as its PROFILE says, instead of
 * --backend-tls. One connection to the agent carries --agent-channels of them; with 1, each has its own.
 * Unless --no-pass, the agent passes the descriptors of those whose bytes it would not change.
 * --listen-via-agent, instead of --listen or beside it, takes the clients that the agent accepts under
 * NAME, and does with them what the options say: what the agent has done (TLS, a PROXY header) is known to
 * the rules and not to be asked for again. --sandbox gives up whatever is not needed from then on
 * (sandbox.c): sockets other than unix sockets can no longer be made.
 *
 * --control takes a line per connection: "drain SERVER" gives it no new clients, "ready SERVER" does
 * again, "show" lists their states. SERVER is the server's address. "reload" does the same as SIGHUP.
 * "leave" makes the answer to every monitor that this proxy is about to stop; clients are still
 * accepted.
 *
 * Sources of --monitor-net get 200, or 503 once this proxy is about to stop, instead of being accepted.
 * At --health every client gets that answer, and at --metrics every client gets the metrics.
 *
 * --threads runs one engine a thread, each with a listener, servers and, with --via-agent, a link of its own;
 * configurations, rules and tables are shared. --maxconn and --maxqueue are divided: 10 over 4 threads are 3, 3, 2
 * and 2, and each has 1 at least. Servers are checked once for all threads. With --one-socket, and for a unix
 * socket, all threads accept from one socket instead of one each (listeners.c). Commands and signals are for all
 * threads, and "show" and the metrics add them up.
 *
 * --host is what drives it: edge-triggered epoll, which costs least, level-triggered epoll, or the built-in loop.
 *
 * Without arguments it shows the whole path at once: TLS with a self-signed certificate for this run,
 * the client's address passed on in a PROXY header, and a small server that reads it, in the same
 * engine.
 *
 * Prints "ready ADDR:PORT" when it serves. SIGINT and SIGTERM stop it: no new connections, five seconds
 * for those that are left. --log prints every refused and ended connection on stderr,
 * --trace everything that the engine does, in the categories of docs/trace.md. */
#include "proxy.h"
#include "sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* Their addresses are the user data of connections that are not to be joined: those to the built-in
 * server, an operator's, and an operator's that has sent its command. */
static char hello_server, control, answered;

/* ---- what happens --------------------------------------------------------------------------- */

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
    rules_reload(((struct proxy *)host)->rules);
}

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    struct proxy *proxy = data;
    int answered_here =
        event->user == &hello_server || event->user == &control || event->user == &answered;

    switch (event->kind) {
    case VST_EVENT_SESSION:
        if (!answered_here)
            forward(proxy, engine, event->id);
        break;
    case VST_EVENT_READABLE: /* never of a stream */
        if (event->user == &hello_server)
            say_hello(engine, event->id);
        else if (event->user == &control && obey(proxy, event->id))
            vst_conn_set_user(engine, event->id, &answered);
        break;
    case VST_EVENT_WOKEN:
        commands_come(proxy);
        break;
    case VST_EVENT_REFUSED:
        if (proxy->args.log && !event->end->quiet)
            log_end(proxy, "refused", event);
        break;
    case VST_EVENT_STREAM_END:
        if (proxy->args.log && !event->end->quiet)
            log_end(proxy, "stream", event);
        break;
    case VST_EVENT_CLOSED:
        if (proxy->args.log && !answered_here && !event->end->quiet)
            log_end(proxy, "closed", event);
        break;
    case VST_EVENT_SERVER_UP:
        log_server(proxy, "up", event);
        break;
    case VST_EVENT_SERVER_DOWN:
        log_server(proxy, "down", event);
        break;
    case VST_EVENT_LINK_UP:
        if (proxy->args.log)
            fprintf(stderr, "link up: %s\n", proxy->args.via_agent);
        break;
    case VST_EVENT_LINK_DOWN:
        if (proxy->args.log)
            fprintf(stderr, "link down: %s\n", event->text);
        break;
    case VST_EVENT_PAUSED:
        fprintf(stderr, "listener rests: %s\n",
                event->sys_errno != 0 ? strerror(event->sys_errno) : "limit reached");
        break;
    default: /* RESUMED, LISTENER_CLOSED: nothing to do */
        break;
    }
}

/* ---- the ways to run -------------------------------------------------------------------- */

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

/* What each engine has for itself. */
static void open_servers(struct proxy *proxy)
{
    struct arguments *args = &proxy->args;

    args->link = open_link(proxy->host.engine, args);
    for (unsigned p = 0; p < args->pool_count; p++)
        make_backend(proxy->host.engine, args, &args->pools[p]);
}

int main(int argc, char **argv)
{
    struct arguments given = parse_arguments(argc, argv), *args;
    vst_stream_config *stream;
    struct rule_file rules;
    char address[ADDRESS_TEXT];
    vst_accept_config *config;
    struct proxy *proxy; /* the first of one for each thread */
    vst_tls_server *tls;
    vst_id listener;
    vst_addr addr;

    raise_descriptor_limit();
    proxy = threads_open(&given, on_event);
    args = &proxy->args;
    if (argc == 1) {
        open_server(proxy, address, sizeof address);
        tls = throw_away_tls();
    } else if ((args->listen != NULL || args->listen_via_agent != NULL) && args->pool_count > 0) {
        tls = server_tls(args);
    } else {
        die("--listen and --backend belong together; nothing at all shows a default");
    }
    stream = stream_config(args);
    for (unsigned i = 0; i < args->thread_count; i++) {
        proxy[i].stream = stream;
        proxy[i].rules = &rules;
        open_servers(&proxy[i]);
    }
    proxy->host.stop = stop_all;
    host_on_hang_up(&proxy->host, reload);
    rules_open(&rules, args->rules, proxy->host.engine); /* all engines have backends of the same names */
    config = accept_config(args, tls, rules.rules);
    listener = args->listen != NULL ? threads_listen(proxy, config) : 0;
    for (unsigned i = 0; i < args->thread_count; i++)
        listen_via_agent(proxy[i].host.engine, &proxy[i].args, config);
    vst_accept_config_free(config);
    listen_here(proxy, args->control, (struct arguments){0}, &control);
    listen_here(proxy, args->health, (struct arguments){.everyone_gets = VST_MONITOR_ANSWER_HTTP}, NULL);
    listen_here(proxy, args->metrics, (struct arguments){.everyone_gets = VST_MONITOR_ANSWER_METRICS}, NULL);
    if (argc == 1) {
        vst_listener_addr(proxy->host.engine, listener, &addr);
        printf("curl -k https://127.0.0.1:%u/\n", (unsigned)addr.port);
    }
    if (args->listen == NULL) {
        printf("ready %s\n", args->listen_via_agent);
        fflush(stdout);
    }
    if (args->sandbox)
        sandbox_enter(&(struct sandbox){
            .readable = (const char *[]){rules_folder(&rules), NULL},
            .refuses_sockets = 1,
            .log = args->log,
        });
    threads_serve(proxy, listener);
    vst_stream_config_free(stream);
    vst_rules_free(rules.rules);
    return 0;
}
