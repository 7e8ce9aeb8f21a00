/* Calls made in a callback act at once and return their own results; READABLE is reported once per
 * VST_WAIT. */
#include "check.h"

static unsigned readables;

static void on_event(struct host *host, const vst_event *event)
{
    char bytes[64];
    size_t got, taken;
    vst_wait wait = {.size = sizeof wait};
    if (event->kind == VST_EVENT_READABLE)
        readables++;
    if (event->kind != VST_EVENT_READABLE && event->kind != VST_EVENT_SESSION)
        return;
    CHECK_EQ(vst_engine_wait(host->engine, &wait), VST_OK);
    CHECK(wait.flags & VST_WAIT_NESTED);
    for (;;) {
        vst_status status = vst_conn_recv(host->engine, event->id, bytes, sizeof bytes, &got);
        if (status == VST_END) {
            CHECK_EQ(vst_conn_close(host->engine, event->id), VST_OK);
            return;
        }
        if (status == VST_WAIT) {
            CHECK_EQ(got, 0);
            return;
        }
        CHECK_EQ(status, VST_OK);
        CHECK(got >= 1);
        CHECK_EQ(vst_conn_send(host->engine, event->id, bytes, got, &taken), VST_OK);
        CHECK_EQ(taken, got);
    }
}

int main(void)
{
    struct host host;
    uint16_t port;
    int peer;
    char bytes[8];
    host_new(&host, HOST_EPOLL);
    host.hook = on_event;
    listener(&host, NULL, &port);
    session(&host, port, &peer);
    for (unsigned round = 1; round <= 5; round++) {
        unsigned before = readables;
        say_text(peer, "ping");
        HOST_UNTIL(&host, recv(peer, bytes, sizeof bytes, MSG_DONTWAIT | MSG_PEEK) == 4);
        CHECK(hear(peer, bytes, sizeof bytes) == 4 && memcmp(bytes, "ping", 4) == 0);
        CHECK_EQ(readables, before + 1);
    }
    shutdown(peer, SHUT_WR);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 1);
    CHECK(hear(peer, bytes, 1) == 0);
    close(peer);
    host_free(&host);
    return verdict();
}
