/* A host that connects to the server and joins the two in the callback of SESSION gets one more event,
 * the end of the stream, which counts every byte of both directions. */
#include "check.h"

static uint16_t server_port;
static vst_connect_config *outgoing;
static vst_id stream;
static int user;

static void on_event(struct host *host, const vst_event *event)
{
    if (event->kind == VST_EVENT_SESSION) {
        char address[32];
        vst_id server = 0;
        uint32_t state;
        size_t len;
        vst_connect_args more = {.size = sizeof more, .client = event->id};
        snprintf(address, sizeof address, "127.0.0.1:%u", server_port);
        CHECK_EQ(vst_conn_connect(host->engine, address, outgoing, &more, &server, NULL, 0),
                                  VST_OK);
        CHECK_EQ(vst_conn_state(host->engine, server, &state), VST_OK);
        CHECK_EQ(state, VST_STATE_CONNECTING);
        CHECK_EQ(vst_conn_forward(host->engine, event->id, server, NULL, &user, &stream), VST_OK);
        CHECK(stream != 0);
        CHECK_EQ(vst_conn_state(host->engine, event->id, &state), VST_OK);
        CHECK_EQ(vst_conn_close(host->engine, event->id), VST_E_STATE);
        CHECK_EQ(vst_conn_send(host->engine, event->id, "x", 1, &len), VST_E_STATE);
        CHECK_EQ(vst_conn_forward(host->engine, event->id, server, NULL, NULL, &server),
                 VST_E_STATE);
    }
    if (event->kind == VST_EVENT_STREAM_END) {
        CHECK(event->id == stream);
        CHECK(event->user == &user);
        CHECK_EQ(event->stream->bytes_up, 5);
        CHECK_EQ(event->stream->bytes_down, 7);
        CHECK(event->end != NULL && event->end_server != NULL);
        CHECK_EQ(event->end->why, 0);
        CHECK_EQ(event->end_server->why, 0);
        CHECK_EQ(event->end->text[event->end->text_len], 0);
    }
}

int main(void)
{
    struct host host;
    uint16_t port;
    char bytes[128] = {0}, due[128];
    struct sockaddr_in mine;
    socklen_t len = sizeof mine;
    int door = listening(&server_port);
    outgoing = connecting(VST_SEND_PROXY_V1);
    host_new(&host, HOST_EPOLL);
    host.hook = on_event;
    listener(&host, NULL, &port);
    int client = dial(port);
    say_text(client, "hello");
    HOST_UNTIL(&host, stream != 0);
    MUST(wait_for(door, POLLIN));
    int server = accept(door, NULL, NULL);
    MUST(server >= 0);

    /* The header, and behind it the bytes. */
    MUST(getsockname(client, (struct sockaddr *)&mine, &len) == 0);
    snprintf(due, sizeof due, "PROXY TCP4 127.0.0.1 127.0.0.1 %u %u\r\nhello",
             ntohs(mine.sin_port), port);
    size_t had = 0;
    while (had < strlen(due) && host_turn(&host)) {
        ssize_t got = hear(server, bytes + had, sizeof bytes - had - 1);
        had += got > 0 ? (size_t)got : 0;
    }
    CHECK(strcmp(bytes, due) == 0);

    say_text(server, "welcome");
    shutdown(server, SHUT_WR);
    HOST_UNTIL(&host, recv(client, bytes, sizeof bytes, MSG_DONTWAIT | MSG_PEEK) == 7);
    shutdown(client, SHUT_WR);
    HOST_UNTIL(&host, host.reported[VST_EVENT_STREAM_END] == 1);
    CHECK_EQ(host.reported[VST_EVENT_CLOSED], 0);
    CHECK_EQ(host.reported[VST_EVENT_CONNECTED], 0);
    CHECK_EQ(host.reported[VST_EVENT_READABLE], 0);
    CHECK_EQ(vst_stream_abort(host.engine, stream), VST_E_STALE);
    close(server);
    close(client);
    close(door);
    vst_connect_config_free(outgoing);
    host_free(&host);
    return verdict();
}
