/* tunnel: many connections in one, each with a PROXY header and TLS of its own.
 *
 *   near side:  tunnel --listen ADDR --through FAR
 *   far side:   tunnel --listen FAR --to SERVER [--tls CERT KEY] [--send-proxy]
 *   either:     [--host epoll|epoll-et|mio]
 *
 *   clients --> near side ==== one connection, the carrier ====> far side --> SERVER
 *
 * ADDR, FAR and SERVER are 127.0.0.1:PORT or unix:PATH. The near side joins each client with a connection
 * that is *fed*: no socket is below it, and its bytes travel in frames through the carrier (carrier.c). What
 * comes out at the far side is fed to the library as an incoming connection. There a PROXY header, which the
 * near side has put in front, tells who the client is; its TLS ends there; and it is joined with a
 * connection to the server, which is told with --send-proxy who the client is.
 *
 * Where the carrier breaks, what it carried is reset; the near side makes another for the next client.
 *
 * Prints "ready ADDR:PORT" when it serves. */
#include "carrier.h"
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY = 512 };

struct tunnel {
    struct host host;            /* first: callbacks get a pointer to it */
    const char *to;              /* what clients are joined with: the far side, or the server */
    vst_connect_config *onward;  /* how */
    struct carrier *carrier;     /* near side: the one for new connections, or NULL */
    vst_connect_config *dial;    /* near side: how it is made */
    vst_accept_config *arriving; /* far side: what connections that come out of a carrier go through */
};

/* Its address is the user data of the far side's listener. */
static char carriers;

/* Joins a client with a connection onward: into the carrier, or to the server. */
static void forward(struct tunnel *tunnel, vst_engine *engine, vst_id client)
{
    const vst_connect_args args = {.size = sizeof args, .client = client};
    vst_id onward, stream;

    if (vst_conn_connect(engine, tunnel->to, tunnel->onward, &args, &onward, NULL, 0) != VST_OK ||
        vst_conn_forward(engine, client, onward, NULL, NULL, &stream) != VST_OK)
        vst_conn_abort(engine, client);
}

/* A carrier for the near side, which is still being opened when this returns. */
static struct carrier *dial(struct tunnel *tunnel, vst_engine *engine)
{
    struct carrier *carrier = carrier_new(engine, NULL);
    const vst_connect_args args = {.size = sizeof args, .user = carrier};
    vst_id conn;

    if (carrier != NULL &&
        vst_conn_connect(engine, tunnel->to, tunnel->dial, &args, &conn, NULL, 0) != VST_OK) {
        carrier_free(carrier);
        carrier = NULL;
    }
    return carrier;
}

static void on_fed(void *data, vst_engine *engine, const vst_fed_ask *ask)
{
    struct tunnel *tunnel = data;

    if (!(ask->asks & VST_FED_OPEN)) {
        carrier_asked(ask);
        return;
    }
    if (tunnel->carrier == NULL)
        tunnel->carrier = dial(tunnel, engine);
    if (tunnel->carrier != NULL)
        carrier_add(tunnel->carrier, ask->conn);
    else
        vst_fed_failed(engine, ask->conn, ENOMEM);
}

/* A near side has connected to us, the far one. */
static void welcome(struct tunnel *tunnel, vst_engine *engine, vst_id conn)
{
    struct carrier *carrier = carrier_new(engine, tunnel->arriving);

    vst_conn_set_user(engine, conn, carrier);
    if (carrier != NULL)
        carrier_opened(carrier, conn);
    else
        vst_conn_abort(engine, conn);
}

/* Only carriers, and the listener of carriers, have user data. */
static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    struct tunnel *tunnel = data;

    switch (event->kind) {
    case VST_EVENT_SESSION:
        if (event->user == &carriers)
            welcome(tunnel, engine, event->id);
        else
            forward(tunnel, engine, event->id);
        break;
    case VST_EVENT_CONNECTED:
        carrier_opened(event->user, event->id);
        break;
    case VST_EVENT_READABLE:
        carrier_read(event->user);
        break;
    case VST_EVENT_WRITABLE:
        carrier_write(event->user);
        break;
    case VST_EVENT_DRAINING:
        carrier_drain(event->user);
        break;
    case VST_EVENT_CLOSED:
        if (event->user == NULL) {
            fprintf(stderr, "refused: %s\n", event->end->text);
            break;
        }
        fprintf(stderr, "carrier: %s\n", event->end->text);
        if (tunnel->carrier == event->user)
            tunnel->carrier = NULL;
        carrier_free(event->user);
        break;
    default: /* what happens to streams and listeners */
        break;
    }
}

static vst_connect_config *connect_config(uint64_t flags, uint32_t send_proxy)
{
    vst_connect_options options;
    vst_connect_config *config;
    char why[WHY];

    vst_connect_options_init(&options, sizeof options);
    options.flags = flags;
    options.send_proxy = send_proxy;
    if (vst_connect_config_new(&options, &config, why, sizeof why) < 0)
        die("%s", why);
    return config;
}

static vst_accept_config *accept_config(const char *accept_proxy, const vst_tls_server *tls)
{
    vst_accept_options options;
    vst_accept_config *config;
    char why[WHY];

    vst_accept_options_init(&options, sizeof options);
    options.accept_proxy = accept_proxy;
    options.tls = tls;
    if (vst_accept_config_new(&options, &config, why, sizeof why) < 0)
        die("%s", why);
    return config;
}

int main(int argc, char **argv)
{
    const char *listen = NULL, *through = NULL, *server = NULL, *kind = "epoll";
    uint32_t send_proxy = VST_SEND_PROXY_NONE;
    vst_accept_config *plain = accept_config(NULL, NULL);
    vst_tls_server *tls = NULL;
    struct tunnel tunnel = {0};

    for (int i = 1; i < argc; i++) {
        int left = argc - i - 1;

        if (strcmp(argv[i], "--listen") == 0 && left >= 1)
            listen = argv[++i];
        else if (strcmp(argv[i], "--through") == 0 && left >= 1)
            through = argv[++i];
        else if (strcmp(argv[i], "--to") == 0 && left >= 1)
            server = argv[++i];
        else if (strcmp(argv[i], "--host") == 0 && left >= 1)
            kind = argv[++i];
        else if (strcmp(argv[i], "--send-proxy") == 0)
            send_proxy = VST_SEND_PROXY_V1;
        else if (strcmp(argv[i], "--tls") == 0 && left >= 2 && tls == NULL) {
            tls = read_tls(argv[i + 1], argv[i + 2]);
            i += 2;
        } else
            die("what is %s?", argv[i]);
    }
    if (listen == NULL || (through == NULL) == (server == NULL))
        die("usage: tunnel --listen ADDR --through FAR [--host epoll|epoll-et|mio]\n"
            "       tunnel --listen FAR --to SERVER [--tls CERT KEY] [--send-proxy]\n"
            "              [--host epoll|epoll-et|mio]");

    host_open_fed(&tunnel.host, kind, on_event, on_fed);
    if (through != NULL) {
        tunnel.to = through;
        tunnel.dial = connect_config(0, VST_SEND_PROXY_NONE);
        tunnel.onward = connect_config(VST_CONNECT_FED, VST_SEND_PROXY_V2);
    } else {
        tunnel.to = server;
        tunnel.onward = connect_config(0, send_proxy);
        /* A fed connection that has no address counts as one of a unix socket. */
        tunnel.arriving = accept_config("unix", tls);
    }
    host_serve(&tunnel.host, host_listen(&tunnel.host, listen, plain, through != NULL ? NULL : &carriers));
    vst_accept_config_free(plain);
    vst_accept_config_free(tunnel.arriving);
    vst_connect_config_free(tunnel.dial);
    vst_connect_config_free(tunnel.onward);
    vst_tls_server_free(tls);
    return 0;
}
