/* The smallest host of fed connections: a whole TLS session in memory, with no socket and no poller.
 *
 * One engine has both ends of the connection: an outgoing one, which is the TLS client, and an incoming
 * one, the TLS server. What one end asks to have sent is what the other receives, so all that the host
 * does is in `ask_of` below; what the two sessions say to each other is in `event_of`. Run first with
 * callbacks, then without any: the asks are then pulled with vst_fed_next, the events with
 * vst_engine_next. */
#include "check.h"

/* A certificate that is its own authority, valid for a.test, and its key: made for this run. */
static const char *pem;

static const char question[] = "a question", answer[] = "an answer";

/* One end of the wire. */
struct end {
    struct end *other;
    vst_id conn;
    int receives; /* it takes bytes: the last ask had VST_FED_RECEIVE */
    int sends;    /* bytes wait in it: the last ask had VST_FED_SEND */
    int has_ended; /* the other end was told that no more bytes come */
    int is_closed;
    char heard[32]; /* what the session has read */
    size_t len;
    vst_end record; /* how it ended; the text of it is not kept */
};

static struct {
    vst_engine *engine;
    vst_accept_config *accept;
    struct end client, server;
} wire;

/* ---- the bytes ---- */

/* Moves bytes from one end to the other, as many as the other takes. They count as sent once they are
 * there; the others stay where they are, and are copied again when there is room. */
static void move(struct end *from)
{
    struct end *to = from->other;
    char bytes[1000];
    size_t got = 1, taken = 1;
    while (from->sends && to->receives && got > 0 && taken > 0) {
        MUST(vst_fed_copy_unsent(wire.engine, from->conn, 0, bytes, sizeof bytes, &got) == VST_OK);
        from->sends = got > 0;
        MUST(vst_fed_received(wire.engine, to->conn, bytes, got, &taken) == VST_OK);
        MUST(vst_fed_sent(wire.engine, from->conn, taken) == VST_OK);
    }
}

/* The other end is told once that no more bytes come. */
static void finish(struct end *from)
{
    if (from->has_ended)
        return;
    from->has_ended = 1;
    if (!from->other->is_closed)
        CHECK_EQ(vst_fed_ended(wire.engine, from->other->conn), VST_OK);
}

/* Opens the wire: the end that asked for it is one of it, and the other end is an incoming connection. */
static void open_wire(vst_id conn)
{
    vst_feed_args args = {.size = sizeof args, .user = &wire.server, .data = &wire.server};
    wire.client = (struct end){.other = &wire.server, .conn = conn};
    wire.server = (struct end){.other = &wire.client};
    CHECK_EQ(vst_fed_set_data(wire.engine, conn, &wire.client), VST_OK);
    CHECK_EQ(vst_conn_feed(wire.engine, wire.accept, &args, &wire.server.conn, NULL, 0), VST_OK);
    CHECK_EQ(vst_fed_opened(wire.engine, conn, NULL), VST_OK);
}

/* Does what one end asks. */
static void ask_of(const vst_fed_ask *ask)
{
    struct end *end = ask->data;
    if (ask->asks & VST_FED_OPEN) {
        open_wire(ask->conn);
        return;
    }
    CHECK(ask->conn == end->conn && !end->is_closed);
    CHECK(!(ask->asks & VST_FED_RESET));
    end->receives = (ask->asks & VST_FED_RECEIVE) != 0;
    end->sends = (ask->asks & VST_FED_SEND) != 0;
    CHECK_EQ(end->sends, ask->unsent > 0);
    move(end);
    move(end->other);
    if (ask->asks & (VST_FED_SHUT_WRITE | VST_FED_CLOSE))
        finish(end);
    if (ask->asks & VST_FED_CLOSE) {
        end->is_closed = 1;
        CHECK_EQ(vst_fed_closed(wire.engine, ask->conn), VST_OK);
    }
}

/* ---- the sessions ---- */

static void say_it(struct end *end, const char *text)
{
    size_t taken;
    CHECK_EQ(vst_conn_send(wire.engine, end->conn, text, strlen(text), &taken), VST_OK);
    CHECK_EQ(taken, strlen(text));
}

/* Reads until there is nothing more for now. */
static vst_status hear_all(struct end *end)
{
    vst_status status;
    size_t got;
    do {
        status = vst_conn_recv(wire.engine, end->conn, end->heard + end->len,
                               sizeof end->heard - 1 - end->len, &got);
        end->len += got;
    } while (status == VST_OK);
    return status;
}

static void it_is_tls(struct end *end, uint32_t verified)
{
    vst_tls_info info = {.size = sizeof info};
    CHECK_EQ(vst_conn_tls_info(wire.engine, end->conn, &info), VST_OK);
    CHECK_EQ(info.version, 0x0304);
    CHECK_EQ(info.verified, verified);
}

/* The client asks, the server answers, the client closes, and then the server does. */
static void event_of(const vst_event *event)
{
    struct end *end = event->id == wire.client.conn ? &wire.client : &wire.server;
    CHECK(event->id == end->conn);
    switch (event->kind) {
    case VST_EVENT_CONNECTED:
        it_is_tls(end, VST_VERIFIED_VALID);
        say_it(end, question);
        CHECK_EQ(hear_all(end), VST_WAIT);
        break;
    case VST_EVENT_SESSION:
        CHECK(event->user == &wire.server);
        it_is_tls(end, VST_VERIFIED_NOT_ASKED);
        break;
    case VST_EVENT_READABLE: {
        vst_status status = hear_all(end);
        if (status == VST_END)
            CHECK_EQ(vst_conn_close(wire.engine, end->conn), VST_OK);
        else if (end == &wire.server && strcmp(end->heard, question) == 0)
            say_it(end, answer);
        else if (end == &wire.client && strcmp(end->heard, answer) == 0)
            CHECK_EQ(vst_conn_close(wire.engine, end->conn), VST_OK);
        break;
    }
    case VST_EVENT_CLOSED:
        CHECK(end->is_closed);
        end->record = *event->end;
        break;
    default:
        CHECK(!"an event that nothing here causes");
    }
}

/* ---- the host ---- */

static void on_ask(void *data, vst_engine *engine, const vst_fed_ask *ask)
{
    CHECK(data == &wire && engine == wire.engine);
    CHECK_EQ(ask->size, sizeof *ask);
    ask_of(ask);
}

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    CHECK(data == &wire && engine == wire.engine);
    event_of(event);
}

/* What an engine without callbacks has to say; 0 when that is nothing. */
static int pull(void)
{
    vst_fed_ask ask = {.size = sizeof ask};
    vst_event event = {.size = sizeof event};
    if (vst_fed_next(wire.engine, &ask) == VST_OK)
        ask_of(&ask);
    else if (vst_engine_next(wire.engine, &event) == VST_OK)
        event_of(&event);
    else
        return 0;
    return 1;
}

/* Until nothing is left to do; here that is when both are closed. */
static void run(int pulls)
{
    vst_wait wait = {.size = sizeof wait};
    do {
        while (pulls && pull())
            ;
        MUST(vst_engine_run(wire.engine, 0, &wait) == VST_OK);
    } while (wait.flags & VST_WAIT_RUNNABLE);
    CHECK_EQ(wait.conns, 0);
}

/* The configurations of both ends. */
static vst_connect_config *configure(void)
{
    vst_identity identity = {.chain.file = pem};
    vst_tls_server_options of_server = {.size = sizeof of_server, .identities = &identity,
                                        .identity_count = 1};
    vst_tls_client_options of_client = {.size = sizeof of_client, .ca.file = pem};
    vst_tls_server *tls_server;
    vst_tls_client *tls_client;
    vst_connect_config *connect;
    MUST(vst_tls_server_new(&of_server, &tls_server, NULL, 0) == VST_OK);
    MUST(vst_tls_client_new(&of_client, &tls_client, NULL, 0) == VST_OK);
    vst_accept_options incoming = {.size = sizeof incoming, .tls = tls_server};
    vst_connect_options outgoing = {.size = sizeof outgoing, .flags = VST_CONNECT_FED,
                                    .tls = tls_client, .server_name = "a.test"};
    MUST(vst_accept_config_new(&incoming, &wire.accept, NULL, 0) == VST_OK);
    MUST(vst_connect_config_new(&outgoing, &connect, NULL, 0) == VST_OK);
    vst_tls_server_free(tls_server);
    vst_tls_client_free(tls_client);
    return connect;
}

static void a_session_of_which_nothing_leaves_the_memory(int pulls)
{
    vst_engine_options options = {.size = sizeof options, .data = &wire};
    vst_fed_ask ask = {.size = sizeof ask};
    vst_id conn;
    memset(&wire, 0, sizeof wire);
    vst_connect_config *config = configure();
    if (!pulls)
        options.fed = on_ask, options.event = on_event;
    MUST(vst_engine_new(&options, &wire.engine, NULL, 0) == VST_OK);
    CHECK_EQ(vst_fed_next(wire.engine, &ask), pulls ? VST_NONE : VST_E_MODE);
    /* The address says where to; this host has only one place. */
    MUST(vst_conn_connect(wire.engine, "192.0.2.1:443", config, NULL, &conn, NULL, 0) == VST_OK);
    run(pulls);

    CHECK(conn == wire.client.conn);
    CHECK(strcmp(wire.server.heard, question) == 0);
    CHECK(strcmp(wire.client.heard, answer) == 0);
    const vst_end *client = &wire.client.record, *server = &wire.server.record;
    CHECK(client->conn == conn && server->conn == wire.server.conn);
    CHECK(client->at == 0 && client->why == 0 && client->sys_errno == 0);
    CHECK(server->at == 0 && server->why == 0 && server->sys_errno == 0);
    /* What one sent is what the other received: more than was said, since it is TLS. */
    CHECK_EQ(client->bytes_in, server->bytes_out);
    CHECK_EQ(server->bytes_in, client->bytes_out);
    CHECK(server->bytes_in > strlen(question) && client->bytes_in > strlen(answer));
    CHECK(client->lost == 0 && server->lost == 0);
    CHECK_EQ(client->peer.port, 443);
    CHECK_EQ(server->peer.family, VST_ADDR_UNIX);
    CHECK_EQ(server->peer.len, 0);

    CHECK_EQ(vst_engine_free(wire.engine), VST_OK);
    vst_connect_config_free(config);
    vst_accept_config_free(wire.accept);
}

int main(int argc, char **argv)
{
    MUST(argc >= 2);
    pem = argv[1];
    a_session_of_which_nothing_leaves_the_memory(0);
    a_session_of_which_nothing_leaves_the_memory(1);
    return verdict();
}
