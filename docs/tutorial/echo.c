/* echo: tells each client its address, then sends back what it sends.
 *
 *   echo ADDR:PORT [tls]
 *
 * Clients from 127.0.0.0/8 are proxies, and begin with a PROXY header. */
#include "poller.h"

#include <string.h>

enum { BYTES = 16384 };

/* A session's bytes that were read and not sent yet. */
struct session {
    size_t from, to;
    char bytes[BYTES];
};

static int is_drained;

/* Sends what is pending, then reads more, until one of both has to wait. */
static void echo(vst_engine *engine, vst_id id, struct session *session)
{
    vst_status status;
    size_t count;

    do {
        while (session->from < session->to) {
            status = vst_conn_send(engine, id, session->bytes + session->from,
                                   session->to - session->from, &count);
            if (status == VST_WAIT)
                return; /* VST_EVENT_WRITABLE goes on here */
            if (status != VST_OK) {
                vst_conn_abort(engine, id);
                return;
            }
            session->from += count;
        }
        status = vst_conn_recv(engine, id, session->bytes, BYTES, &count);
        session->from = 0;
        session->to = count;
    } while (status == VST_OK);

    if (status != VST_WAIT) /* VST_WAIT: VST_EVENT_READABLE goes on here */
        vst_conn_close(engine, id);
}

static void begin(vst_engine *engine, vst_id id)
{
    struct session *session = malloc(sizeof *session);
    vst_addr source, destination;
    size_t len;

    if (session == NULL) {
        vst_conn_abort(engine, id);
        return;
    }
    vst_conn_set_user(engine, id, session);
    vst_conn_addrs(engine, id, &source, &destination);
    vst_addr_text(&source, session->bytes, BYTES - 1, &len);
    session->bytes[len++] = '\n';
    session->from = 0;
    session->to = len;
    echo(engine, id, session);
}

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    (void)data;
    switch (event->kind) {
    case VST_EVENT_SESSION:
        begin(engine, event->id);
        break;
    case VST_EVENT_READABLE:
    case VST_EVENT_WRITABLE:
        echo(engine, event->id, event->user);
        break;
    case VST_EVENT_DRAINING:
        vst_conn_close(engine, event->id);
        break;
    case VST_EVENT_CLOSED:
        free(event->user);
        break;
    case VST_EVENT_REFUSED:
        fprintf(stderr, "refused: %s\n", event->end->text);
        break;
    case VST_EVENT_DRAINED:
        is_drained = 1;
        break;
    }
}

static vst_engine *make_engine(void)
{
    vst_engine_options options = {.size = sizeof options, .interest = watch, .event = on_event};
    vst_engine *engine;
    char why[WHY];

    if (vst_engine_new(&options, &engine, why, sizeof why) < 0)
        die("vst_engine_new", why);
    return engine;
}

static vst_id listen_at(vst_engine *engine, const char *address, int with_tls)
{
    vst_accept_options accept = {.size = sizeof accept, .accept_proxy = "127.0.0.0/8"};
    vst_tls_server *tls = NULL;
    vst_accept_config *config;
    vst_id listener;
    char why[WHY];

    if (with_tls && vst_tls_server_self_signed("localhost", &tls, why, sizeof why) < 0)
        die("vst_tls_server_self_signed", why);
    accept.tls = tls;
    if (vst_accept_config_new(&accept, &config, why, sizeof why) < 0)
        die("vst_accept_config_new", why);
    if (vst_listener_open(engine, address, config, NULL, &listener, NULL, why, sizeof why) < 0)
        die(address, why);
    vst_accept_config_free(config); /* the listener keeps it */
    vst_tls_server_free(tls);       /* the configuration keeps it */
    return listener;
}

int main(int argc, char **argv)
{
    vst_engine *engine;
    int draining = 0;

    if (argc < 2)
        die("usage", "echo ADDR:PORT [tls]");
    poller_open();
    engine = make_engine();
    say_ready(engine, listen_at(engine, argv[1], argc > 2 && strcmp(argv[2], "tls") == 0));
    while (!is_drained) {
        poller_turn(engine);
        if (stop_asked && !draining) {
            draining = 1;
            vst_engine_drain(engine, VST_DRAIN_CLOSE, 5 * SECOND);
        }
    }
    vst_engine_free(engine);
    return 0;
}
