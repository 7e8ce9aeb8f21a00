/* postgres: TLS in front of a Postgres that has none.
 *
 *   postgres --listen ADDR:PORT --tls CERT KEY --backend ADDR:PORT|unix:PATH
 *            [--host epoll|epoll-et|mio]
 *
 * A client of Postgres does not begin with TLS. It requests it, in the clear, with eight bytes; gets 'S'
 * (yes) or 'N' (no) in one; and only then begins the handshake. vestibule knows nothing of that: a
 * handler of our own answers, ahead of TLS. What comes out of TLS is forwarded unchanged.
 *
 * https://www.postgresql.org/docs/current/protocol-flow.html, "SSL Session Encryption" and "GSSAPI
 * Session Encryption"; https://www.postgresql.org/docs/current/protocol-message-formats.html.
 *
 *   psql "host=127.0.0.1 port=5433 sslmode=require dbname=postgres"
 *
 * A client that begins without TLS gets an error message of the Postgres protocol. That holds for
 * CancelRequest too, which clients before version 17 send in the clear.
 *
 * Prints "ready ADDR:PORT" when it serves. */
#include "host.h"

#include <stdio.h>
#include <string.h>

enum { WHY = 512, REQUEST = 8 };

#define SSL_REQUEST 80877103u    /* 1234 in the upper half, 5679 in the lower */
#define GSSENC_REQUEST 80877104u /* 1234 and 5680 */

/* The time in which the handler must finish. */
#define ASK_NS (UINT64_C(5000) * 1000 * 1000)

/* They are in the end report. */
enum { CODE_NO_TLS = 1, CODE_STUFFED = 2 };

struct postgres {
    struct host host; /* first: callbacks get a pointer to it */
    const char *backend;
    vst_connect_config *to_backend;
};

/* ---- the handler ---------------------------------------------------------------------------- */

static uint32_t number(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int32_t fail(vst_step *step, int32_t code, const char *text)
{
    step->code = code;
    step->text = text;
    return VST_NEXT_FAIL;
}

/* An ErrorResponse: 'E', the length of what follows and of itself, fields that end with a NUL each, and
 * one more NUL. The client shows "FATAL: this server wants TLS". What a handler has sent is still
 * delivered when it then fails. */
static int32_t fail_without_tls(vst_engine *engine, vst_step *step)
{
    static const char fields[] = "SFATAL\0VFATAL\0C28000\0Mthis server wants TLS\0";
    uint8_t message[5 + sizeof fields] = {'E', 0, 0, 0, 4 + sizeof fields};
    size_t taken;

    memcpy(message + 5, fields, sizeof fields);
    (void)vst_handler_send(engine, step->conn, message, sizeof message, &taken);
    return fail(step, CODE_NO_TLS, "the client began without asking for TLS");
}

/* Sends one byte and consumes the request. The byte is sent first: if there is no room for it, the
 * handler is called again, and the request is still there. */
static int32_t answer(vst_engine *engine, vst_step *step, char byte)
{
    size_t taken = 0;
    vst_status status = vst_handler_send(engine, step->conn, &byte, 1, &taken);

    if (status == VST_WAIT)
        return VST_NEXT_WRITE;
    if (status != VST_OK)
        return fail(step, 0, "the client is gone");
    vst_handler_consume(engine, step->conn, REQUEST);
    return VST_NEXT_DONE;
}

/* Called when a client has connected, and again whenever more of its bytes have arrived. Nothing is kept
 * between two calls: what was not consumed is seen again. */
static int32_t ask_for_tls(void *data, vst_engine *engine, vst_step *step)
{
    uint8_t request[REQUEST];
    size_t len = 0;
    int32_t next;

    (void)data;
    for (;;) {
        vst_handler_peek(engine, step->conn, request, sizeof request, &len);
        if (len < REQUEST)
            return VST_NEXT_READ; /* this fails if the client ends with fewer bytes */
        if (number(request) != REQUEST)
            return fail_without_tls(engine, step); /* a StartupMessage, or something invalid */

        switch (number(request + 4)) {
        case GSSENC_REQUEST:
            next = answer(engine, step, 'N');
            if (next != VST_NEXT_DONE)
                return next;
            break; /* the client continues on this connection with its other requests */
        case SSL_REQUEST:
            /* A client waits for the answer. Bytes that are here before it would be taken for the
             * beginning of TLS, or worse, for something that came through it (CVE-2021-23214). */
            if (len > REQUEST)
                return fail(step, CODE_STUFFED, "bytes came behind the request for TLS");
            return answer(engine, step, 'S');
        default:
            return fail_without_tls(engine, step);
        }
    }
}

/* ---- behind TLS ----------------------------------------------------------------------------- */

/* At once, while the server is still being connected to. */
static void forward(struct postgres *postgres, vst_engine *engine, vst_id client)
{
    vst_id server, stream;

    if (vst_conn_connect(engine, postgres->backend, postgres->to_backend, NULL, &server, NULL,
                         0) < 0) {
        vst_conn_abort(engine, client);
    } else if (vst_conn_forward(engine, client, server, NULL, NULL, &stream) < 0) {
        vst_conn_abort(engine, client);
        vst_conn_abort(engine, server);
    }
}

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    switch (event->kind) {
    case VST_EVENT_SESSION:
        forward(data, engine, event->id);
        break;
    case VST_EVENT_REFUSED:
        fprintf(stderr, "refused: %s\n", event->end->text);
        break;
    case VST_EVENT_STREAM_END:
        fprintf(stderr, "ended: %s\n", event->stream->text);
        break;
    default:
        break;
    }
}

/* ---- the program ---------------------------------------------------------------------------- */

static vst_accept_config *clients(const vst_tls_server *tls)
{
    vst_handler asking = {.size = sizeof asking, .step = ask_for_tls, .timeout_ns = ASK_NS};
    vst_accept_options options;
    vst_accept_config *config;
    char why[WHY];

    vst_accept_options_init(&options, sizeof options);
    options.handlers = &asking; /* without VST_HANDLER_AFTER_TLS: ahead of it */
    options.handler_count = 1;
    options.tls = tls;
    if (vst_accept_config_new(&options, &config, why, sizeof why) < 0)
        die("%s", why);
    return config;
}

static vst_connect_config *servers(void)
{
    vst_connect_options options;
    vst_connect_config *config;
    char why[WHY];

    vst_connect_options_init(&options, sizeof options);
    if (vst_connect_config_new(&options, &config, why, sizeof why) < 0)
        die("%s", why);
    return config;
}

static void usage(void)
{
    die("usage: postgres --listen ADDR:PORT --tls CERT KEY --backend ADDR:PORT|unix:PATH\n"
        "                [--host epoll|epoll-et|mio]");
}

int main(int argc, char **argv)
{
    const char *listen = NULL, *kind = "epoll";
    struct postgres postgres = {.backend = NULL};
    vst_tls_server *tls = NULL;
    vst_accept_config *config;
    vst_id listener;

    for (int i = 1; i < argc; i++) {
        int left = argc - i - 1;

        if (strcmp(argv[i], "--listen") == 0 && left >= 1)
            listen = argv[++i];
        else if (strcmp(argv[i], "--backend") == 0 && left >= 1)
            postgres.backend = argv[++i];
        else if (strcmp(argv[i], "--host") == 0 && left >= 1)
            kind = argv[++i];
        else if (strcmp(argv[i], "--tls") == 0 && left >= 2 && tls == NULL) {
            tls = read_tls(argv[i + 1], argv[i + 2]);
            i += 2;
        } else
            usage();
    }
    if (listen == NULL || postgres.backend == NULL || tls == NULL)
        usage();

    host_open(&postgres.host, kind, on_event);
    postgres.to_backend = servers();
    config = clients(tls);
    listener = host_listen(&postgres.host, listen, config, NULL);
    /* The configuration is kept by the listener. */
    vst_accept_config_free(config);
    vst_tls_server_free(tls);
    host_serve(&postgres.host, listener);
    vst_connect_config_free(postgres.to_backend);
    return 0;
}
