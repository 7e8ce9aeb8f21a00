/* whoami: sends each client its addresses, then echoes what it sends.
 *
 *   whoami --listen ADDR:PORT [--accept-proxy CIDR,...|any] [--accept-cip CIDR,...]
 *          [--monitor-net CIDR,...] [--tls CERT KEY] [--rules FILE] [--host epoll|epoll-et|mio]
 *
 * The smallest use of sessions: what comes after all other steps is read and written here. The first
 * line is SRC_IP SRC_PORT DST_IP DST_PORT, the addresses that the connection stands for: with
 * --accept-proxy those in the PROXY header, with --accept-cip those in a NetScaler's header. "any"
 * trusts every source, unix sockets included; never use that where clients can connect by themselves.
 * Sources of --monitor-net get "OK" and nothing more. --rules decides which clients are accepted, in the
 * language of docs/rules.md; on SIGHUP the file is read again.
 *
 * Prints "ready ADDR:PORT" when it serves; port 0 lets the kernel choose. */
#include "host.h"
#include "rules.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ECHO_BYTES = 16384, WHY = 512 };

/* One session: bytes that were read, or made, and that the peer has not taken yet. */
struct session {
    size_t from;
    size_t to;
    char bytes[ECHO_BYTES];
};

/* Writes "IP PORT", or "unix:PATH -", and returns its length. */
static size_t print_end(char *text, size_t size, const vst_addr *addr)
{
    char ip[INET6_ADDRSTRLEN];
    size_t len;

    if (addr->family == VST_ADDR_IPV4 || addr->family == VST_ADDR_IPV6) {
        inet_ntop(addr->family == VST_ADDR_IPV4 ? AF_INET : AF_INET6, addr->bytes, ip, sizeof ip);
        return (size_t)snprintf(text, size, "%s %u", ip, (unsigned)addr->port);
    }
    vst_addr_text(addr, text, size, &len); /* also escapes what a peer put into a path */
    return len + (size_t)snprintf(text + len, size - len, " -");
}

static void greet(vst_engine *engine, vst_id id, struct session *session)
{
    vst_addr source, destination;
    char *text = session->bytes;
    size_t len;

    vst_conn_addrs(engine, id, &source, &destination);
    len = print_end(text, ECHO_BYTES, &source);
    text[len++] = ' ';
    len += print_end(text + len, ECHO_BYTES - len, &destination);
    text[len++] = '\n';
    session->to = len;
}

/* Writes what is pending, then reads more, until one of both has to wait. Nothing is read while anything
 * is pending: that is the backpressure. The event that ends the wait calls this again. */
static void echo(vst_engine *engine, vst_id id, struct session *session)
{
    vst_status status;
    size_t count;

    do {
        while (session->from < session->to) {
            status = vst_conn_send(engine, id, session->bytes + session->from,
                                   session->to - session->from, &count);
            if (status == VST_WAIT)
                return;
            if (status != VST_OK) {
                vst_conn_abort(engine, id); /* the peer does not read any more */
                return;
            }
            session->from += count;
        }
        status = vst_conn_recv(engine, id, session->bytes, ECHO_BYTES, &count);
        session->from = 0;
        session->to = count;
    } while (status == VST_OK);

    /* VST_END, or a failure that closes the connection anyway: then this is too late and does no harm.
     * Either way VST_EVENT_CLOSED comes last. */
    if (status != VST_WAIT)
        vst_conn_close(engine, id);
}

static void open_session(vst_engine *engine, vst_id id)
{
    struct session *session = malloc(sizeof *session);

    if (session == NULL) {
        vst_conn_abort(engine, id);
        return;
    }
    session->from = 0;
    vst_conn_set_user(engine, id, session);
    greet(engine, id, session);
    echo(engine, id, session);
}

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    (void)data;
    switch (event->kind) {
    case VST_EVENT_SESSION:
        open_session(engine, event->id);
        break;
    case VST_EVENT_READABLE:
    case VST_EVENT_WRITABLE:
        echo(engine, event->id, event->user);
        break;
    case VST_EVENT_CLOSED:
        free(event->user);
        break;
    case VST_EVENT_REFUSED:
        fprintf(stderr, "refused: %s\n", event->end->text);
        break;
    default: /* PAUSED, RESUMED, LISTENER_CLOSED: nothing to do */
        break;
    }
}

static struct rule_file rules;

static void reload(struct host *host)
{
    (void)host;
    rules_reload(&rules);
}

static void usage(void)
{
    die("usage: whoami --listen ADDR:PORT [--accept-proxy CIDR,...|any] [--accept-cip CIDR,...]\n"
        "              [--monitor-net CIDR,...] [--tls CERT KEY] [--rules FILE]\n"
        "              [--host epoll|epoll-et|mio]");
}

int main(int argc, char **argv)
{
    const char *listen = NULL, *kind = "epoll", *rule_file = NULL;
    struct host host;
    vst_monitor_options monitor = {.size = sizeof monitor, .answer = VST_MONITOR_ANSWER_TEXT};
    vst_accept_options accept;
    vst_accept_config *config;
    vst_tls_server *tls = NULL;
    vst_id listener;
    char why[WHY];

    vst_accept_options_init(&accept, sizeof accept);
    for (int i = 1; i < argc; i++) {
        int left = argc - i - 1;

        if (strcmp(argv[i], "--listen") == 0 && left >= 1)
            listen = argv[++i];
        else if (strcmp(argv[i], "--accept-proxy") == 0 && left >= 1)
            accept.accept_proxy = argv[++i];
        else if (strcmp(argv[i], "--accept-cip") == 0 && left >= 1)
            accept.accept_cip = argv[++i];
        else if (strcmp(argv[i], "--monitor-net") == 0 && left >= 1)
            monitor.monitor_net = argv[++i];
        else if (strcmp(argv[i], "--rules") == 0 && left >= 1)
            rule_file = argv[++i];
        else if (strcmp(argv[i], "--host") == 0 && left >= 1)
            kind = argv[++i];
        else if (strcmp(argv[i], "--tls") == 0 && left >= 2 && tls == NULL) {
            tls = host_tls(argv[i + 1], argv[i + 2]);
            i += 2;
        } else
            usage();
    }
    if (listen == NULL)
        usage();
    if (accept.accept_proxy != NULL && strcmp(accept.accept_proxy, "any") == 0)
        accept.accept_proxy = "any,unix";

    host_open(&host, kind, on_event);
    host_on_hang_up(&host, reload);
    rules_open(&rules, rule_file, NULL);
    accept.rules = rules.rules;
    accept.tls = tls;
    if (monitor.monitor_net != NULL)
        accept.monitor = &monitor;
    if (vst_accept_config_new(&accept, &config, why, sizeof why) < 0)
        die("%s", why);
    listener = host_listen(&host, listen, config, NULL);
    /* The configuration is kept by the listener. */
    vst_accept_config_free(config);
    vst_tls_server_free(tls);
    host_serve(&host, listener);
    vst_rules_free(rules.rules);
    return 0;
}
