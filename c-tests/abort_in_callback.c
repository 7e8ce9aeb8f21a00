/* A connection may be aborted in its own callback, also after it was closed there: the peer sees a
 * reset, and CLOSED is the only event that follows. */
#include "check.h"

static unsigned reported_after;
static int closes_first;

static void on_event(struct host *host, const vst_event *event)
{
    if (host->mine != NULL && event->kind != VST_EVENT_CLOSED)
        reported_after++;
    if (event->kind == VST_EVENT_CLOSED) {
        CHECK(event->end != NULL);
        CHECK_EQ(event->end->why, VST_WHY_ABORTED);
    }
    if (event->kind != VST_EVENT_SESSION)
        return;
    size_t len;
    CHECK_EQ(vst_conn_send(host->engine, event->id, "hello", 5, &len), VST_OK);
    if (closes_first)
        CHECK_EQ(vst_conn_close(host->engine, event->id), VST_OK);
    CHECK_EQ(vst_conn_abort(host->engine, event->id), VST_OK);
    host->mine = host;
}

int main(void)
{
    for (closes_first = 0; closes_first < 2; closes_first++) {
        struct host host;
        uint16_t port;
        char bytes[8];
        host_new(&host, HOST_EPOLL);
        host.hook = on_event;
        listener(&host, NULL, &port);
        int peer = dial(port);
        HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 1);
        ssize_t got = hear(peer, bytes, sizeof bytes);
        if (got > 0)
            got = hear(peer, bytes, sizeof bytes);
        if (closes_first) {
            /* Behind a FIN, a reset reads as the end, and writes as a broken pipe. */
            CHECK(got == 0);
            CHECK(send(peer, "x", 1, MSG_NOSIGNAL) == -1);
        } else {
            CHECK(got == -1 && errno == ECONNRESET);
        }
        CHECK_EQ(reported_after, 0);
        CHECK_EQ(host.wait.conns, 0);
        host_free(&host);
        close(peer);
    }
    return verdict();
}
