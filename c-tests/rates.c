/* The bytes of a connection move no faster than its limits say, in a stream and in a session, and all of
 * them arrive. */
#include "check.h"

enum { BYTES = 150 * 1000, PER_SECOND = 500 * 1000, PIECE = PER_SECOND / 50 };

static uint16_t server_port;
static vst_connect_config *outgoing;
static char sent[BYTES], heard[BYTES];

/* How long the limit holds bytes back at least, in nanoseconds: a piece may move at once. The time that the
 * engine was told last may be before the call that sets a limit, so it is measured from before the session. */
static const uint64_t LEAST_NS = (uint64_t)(BYTES - PIECE) * 1000000000 / PER_SECOND;

static void join(struct host *host, const vst_event *event)
{
    char address[32];
    vst_id server, stream;
    vst_connect_args more = {.size = sizeof more, .client = event->id};
    if (event->kind != VST_EVENT_SESSION)
        return;
    snprintf(address, sizeof address, "127.0.0.1:%u", server_port);
    CHECK_EQ(vst_conn_connect(host->engine, address, outgoing, &more, &server, NULL, 0), VST_OK);
    CHECK_EQ(vst_conn_forward(host->engine, event->id, server, NULL, NULL, &stream), VST_OK);
}

/* Writes without waiting what the socket takes of the bytes, and ends behind the last. */
static void go_on(int fd, size_t *said)
{
    ssize_t n = *said < BYTES ? send(fd, sent + *said, BYTES - *said, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    *said += n > 0 ? (size_t)n : 0;
    if (n > 0 && *said == BYTES)
        MUST(shutdown(fd, SHUT_WR) == 0);
}

/* Moves all bytes from one socket to the other, and the end behind them. */
static void moves(struct host *host, int from, int to, uint64_t began)
{
    size_t said = 0, had = 0;
    ssize_t got = -1;
    memset(heard, 0, sizeof heard);
    HOST_UNTIL(host, (go_on(from, &said), got = hear(to, heard + had, BYTES - had + (had == BYTES)),
                      had += got > 0 ? (size_t)got : 0, got == 0));
    CHECK_EQ(had, BYTES);
    CHECK(memcmp(sent, heard, BYTES) == 0);
    CHECK(now_ns() - began >= LEAST_NS);
}

static void streams(enum host_kind kind, uint32_t direction)
{
    struct host host;
    uint16_t port;
    int door = listening(&server_port), client, server;
    outgoing = connecting(VST_SEND_PROXY_NONE);
    host_new(&host, kind);
    host.hook = join;
    listener(&host, NULL, &port);
    uint64_t began = now_ns();
    vst_id id = session(&host, port, &client);
    MUST(wait_for(door, POLLIN));
    MUST((server = accept(door, NULL, NULL)) >= 0);
    CHECK_EQ(vst_conn_limit_rate(host.engine, id, direction, PER_SECOND, 0), VST_OK);
    int is_read = direction == VST_SHUT_READ;
    moves(&host, is_read ? client : server, is_read ? server : client, began);
    shutdown(is_read ? server : client, SHUT_WR);
    HOST_UNTIL(&host, host.reported[VST_EVENT_STREAM_END] == 1);
    CHECK_EQ(vst_conn_limit_rate(host.engine, id, direction, 0, 0), VST_E_STALE);
    close(client);
    close(server);
    close(door);
    vst_connect_config_free(outgoing);
    host_free(&host);
}

static void reads(enum host_kind kind)
{
    struct host host;
    uint16_t port;
    int client;
    size_t said = 0, had = 0, got = 0;
    vst_status status;
    host_new(&host, kind);
    listener(&host, NULL, &port);
    uint64_t began = now_ns();
    vst_id id = session(&host, port, &client);
    CHECK_EQ(vst_conn_limit_rate(host.engine, id, VST_SHUT_READ, PER_SECOND / 10, 100000000), VST_OK);
    for (;;) {
        go_on(client, &said);
        status = vst_conn_recv(host.engine, id, heard + had, BYTES - had + (had == BYTES), &got);
        had += got;
        if (status == VST_END)
            break;
        if (status != VST_WAIT) {
            MUST(status == VST_OK);
            continue;
        }
        unsigned told = host.reported[VST_EVENT_READABLE];
        HOST_UNTIL(&host, (go_on(client, &said), host.reported[VST_EVENT_READABLE] > told));
    }
    CHECK_EQ(had, BYTES);
    CHECK(memcmp(sent, heard, BYTES) == 0);
    CHECK(now_ns() - began >= LEAST_NS);
    CHECK_EQ(vst_conn_close(host.engine, id), VST_OK);
    close(client);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 1);
    host_free(&host);
}

static void writes(enum host_kind kind)
{
    struct host host;
    uint16_t port;
    int client;
    size_t said = 0, had = 0, taken = 0;
    vst_status status;
    host_new(&host, kind);
    listener(&host, NULL, &port);
    uint64_t began = now_ns();
    vst_id id = session(&host, port, &client);
    CHECK_EQ(vst_conn_limit_rate(host.engine, id, VST_SHUT_BOTH, PER_SECOND, 0), VST_OK);
    CHECK_EQ(vst_conn_limit_rate(host.engine, id, 4, 1, 0), VST_E_ARGUMENT);
    while (had < BYTES) {
        unsigned told = host.reported[VST_EVENT_WRITABLE];
        status = vst_conn_send(host.engine, id, sent + said, BYTES - said, &taken);
        said += taken;
        MUST(status == VST_OK || status == VST_WAIT);
        HOST_UNTIL(&host, ({
            ssize_t got = hear(client, heard + had, BYTES - had);
            had += got > 0 ? (size_t)got : 0;
            had == BYTES || (said < BYTES && (status == VST_OK || host.reported[VST_EVENT_WRITABLE] > told));
        }));
    }
    CHECK(memcmp(sent, heard, BYTES) == 0);
    CHECK(now_ns() - began >= LEAST_NS);
    CHECK_EQ(vst_conn_close(host.engine, id), VST_OK);
    close(client);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 1);
    host_free(&host);
}

int main(void)
{
    for (size_t i = 0; i < BYTES; i++)
        sent[i] = (char)(i * 31 + i / 251);
    for (unsigned kind = HOST_EPOLL; kind <= HOST_EDGE; kind++) {
        streams(kind, VST_SHUT_READ);
        streams(kind, VST_SHUT_WRITE);
        reads(kind);
        writes(kind);
    }
    return verdict();
}
