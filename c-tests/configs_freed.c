/* A configuration is only referred to: its handle may be freed at any point, and everything that uses it
 * continues. Here a stream from a raw client to a server with TLS, both in one engine, runs from its
 * beginning to its end, and every handle is freed at one point after the other. */
#include "check.h"

/* Where the handles are freed. */
enum { AT_ONCE, CONNECTING, HANDSHAKEN, BYTES, ENDED, POINTS };

struct scene {
    struct host host; /* first: the event hook gets a pointer to it */
    int free_at;
    vst_accept_config *raw, *protected;
    vst_connect_config *connect;
    vst_stream_config *stream;
    vst_tls_server *tls_server;
    vst_tls_client *tls_client;
    vst_id in_front; /* the listener for clients; the other is the server */
    char server[64]; /* the address of that one */
};

static void reaches(struct scene *scene, int point)
{
    if (point != scene->free_at)
        return;
    vst_accept_config_free(scene->raw);
    vst_accept_config_free(scene->protected);
    vst_connect_config_free(scene->connect);
    vst_stream_config_free(scene->stream);
    vst_tls_server_free(scene->tls_server);
    vst_tls_client_free(scene->tls_client);
    scene->raw = scene->protected = NULL;
    scene->connect = NULL;
    scene->stream = NULL;
    scene->tls_server = NULL;
    scene->tls_client = NULL;
}

/* Joins a client with the server, and echoes what the server gets. */
static void on_event(struct host *host, const vst_event *event)
{
    struct scene *scene = (struct scene *)host;
    vst_engine *engine = host->engine;
    char bytes[64];
    size_t len, sent;
    vst_id server = 0, stream = 0;
    switch (event->kind) {
    case VST_EVENT_SESSION:
        if (event->user != &scene->in_front) {
            reaches(scene, HANDSHAKEN);
            break;
        }
        vst_connect_args more = {.size = sizeof more, .client = event->id};
        CHECK_EQ(vst_conn_connect(engine, scene->server, scene->connect, &more, &server, NULL, 0),
                                  VST_OK);
        CHECK_EQ(vst_conn_forward(engine, event->id, server, scene->stream, NULL, &stream),
                 VST_OK);
        reaches(scene, CONNECTING);
        break;
    case VST_EVENT_READABLE:
        switch (vst_conn_recv(engine, event->id, bytes, sizeof bytes, &len)) {
        case VST_OK:
            CHECK_EQ(vst_conn_send(engine, event->id, bytes, len, &sent), VST_OK);
            CHECK_EQ(vst_conn_recv(engine, event->id, bytes, sizeof bytes, &len), VST_WAIT);
            reaches(scene, BYTES);
            break;
        case VST_END:
            CHECK_EQ(vst_conn_close(engine, event->id), VST_OK);
            break;
        case VST_WAIT:
            break;
        default:
            CHECK(!"a read that fails");
        }
        break;
    case VST_EVENT_STREAM_END:
        CHECK(strcmp(event->stream->termination, "--") == 0);
        CHECK_EQ(event->stream->bytes_up, 5);
        CHECK_EQ(event->stream->bytes_down, 5);
        reaches(scene, ENDED);
        break;
    case VST_EVENT_CLOSED:
        CHECK_EQ(event->end->why, 0);
        break;
    default:
        break;
    }
}

static void configure(struct scene *scene)
{
    vst_accept_options accept;
    vst_connect_options connect;
    vst_stream_options stream;
    vst_tls_client_options tls;
    MUST(vst_tls_server_self_signed("a.test", &scene->tls_server, NULL, 0) == VST_OK);
    MUST(vst_tls_client_options_init(&tls, sizeof tls) == VST_OK);
    tls.flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION;
    MUST(vst_tls_client_new(&tls, &scene->tls_client, NULL, 0) == VST_OK);
    MUST(vst_accept_options_init(&accept, sizeof accept) == VST_OK);
    MUST(vst_accept_config_new(&accept, &scene->raw, NULL, 0) == VST_OK);
    accept.tls = scene->tls_server;
    MUST(vst_accept_config_new(&accept, &scene->protected, NULL, 0) == VST_OK);
    MUST(vst_connect_options_init(&connect, sizeof connect) == VST_OK);
    connect.tls = scene->tls_client;
    connect.server_name = "a.test";
    MUST(vst_connect_config_new(&connect, &scene->connect, NULL, 0) == VST_OK);
    MUST(vst_stream_options_init(&stream, sizeof stream) == VST_OK);
    MUST(vst_stream_config_new(&stream, &scene->stream, NULL, 0) == VST_OK);
}

static uint16_t opens(struct scene *scene, const vst_accept_config *config, vst_id *door)
{
    vst_listener_options options;
    vst_addr addr;
    MUST(vst_listener_options_init(&options, sizeof options) == VST_OK);
    options.user = door;
    MUST(vst_listener_open(scene->host.engine, "127.0.0.1:0", config, &options, door, NULL, NULL, 0)
         == VST_OK);
    MUST(vst_listener_addr(scene->host.engine, *door, &addr) == VST_OK);
    return addr.port;
}

static void plays(int free_at)
{
    struct scene scene = {.free_at = free_at};
    vst_id behind;
    char bytes[8];
    host_new(&scene.host, HOST_EPOLL);
    scene.host.hook = on_event;
    configure(&scene);
    snprintf(scene.server, sizeof scene.server, "127.0.0.1:%u",
             opens(&scene, scene.protected, &behind));
    uint16_t port = opens(&scene, scene.raw, &scene.in_front);
    if (free_at == AT_ONCE) {
        /* What listeners refer to; the others are still to be passed to something. */
        vst_accept_config_free(scene.raw);
        vst_accept_config_free(scene.protected);
        vst_tls_server_free(scene.tls_server);
        vst_tls_client_free(scene.tls_client);
        scene.raw = scene.protected = NULL;
        scene.tls_server = NULL;
        scene.tls_client = NULL;
        scene.free_at = CONNECTING;
    }
    int client = dial(port);
    say_text(client, "hello");
    HOST_UNTIL(&scene.host, recv(client, bytes, sizeof bytes, MSG_DONTWAIT) == 5);
    CHECK(memcmp(bytes, "hello", 5) == 0);
    shutdown(client, SHUT_WR);
    HOST_UNTIL(&scene.host, scene.host.reported[VST_EVENT_STREAM_END] == 1
                                && scene.host.reported[VST_EVENT_CLOSED] == 1);
    CHECK(scene.raw == NULL && scene.connect == NULL && scene.stream == NULL);
    CHECK_EQ(recv(client, bytes, sizeof bytes, MSG_DONTWAIT), 0);
    close(client);
    host_free(&scene.host);
}

int main(void)
{
    for (int point = AT_ONCE; point < POINTS; point++)
        plays(point);
    return verdict();
}
