/* RELEASED is reported exactly once per descriptor that was ever announced, as its last change, and each
 * change has the right old mask: for masks, for directions, for edges, and when the engine is freed
 * while everything is in use. The host of these tests checks every change. */
#include "check.h"

static void on_event(struct host *host, const vst_event *event)
{
    char bytes[256];
    size_t got, taken;
    if (event->kind != VST_EVENT_SESSION && event->kind != VST_EVENT_READABLE)
        return;
    for (;;) {
        vst_status status = vst_conn_recv(host->engine, event->id, bytes, sizeof bytes, &got);
        if (status == VST_OK)
            vst_conn_send(host->engine, event->id, bytes, got, &taken);
        else if (status == VST_END)
            vst_conn_close(host->engine, event->id);
        if (status != VST_OK)
            return;
    }
}

static void lives(enum host_kind kind)
{
    struct host host;
    uint16_t port;
    int peers[12];
    char byte;
    host_new(&host, kind);
    host.hook = on_event;
    vst_id door = listener(&host, NULL, &port);
    for (int i = 0; i < 12; i++)
        session(&host, port, &peers[i]);
    /* Idle, with bytes, half closed, reset, closed by us, aborted by us; and six are left open. */
    say_text(peers[1], "hello");
    say_text(peers[2], "hello");
    shutdown(peers[2], SHUT_WR);
    reset_on_close(peers[3]);
    close(peers[3]);
    CHECK_EQ(vst_conn_close(host.engine, host.last[VST_EVENT_SESSION]), VST_OK);
    shutdown(peers[11], SHUT_WR);
    shutdown(peers[4], SHUT_WR);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 4);
    CHECK_EQ(host.announced, 13);
    CHECK_EQ(host.released, 4);
    CHECK_EQ(vst_listener_close(host.engine, door), VST_OK);
    HOST_UNTIL(&host, host.reported[VST_EVENT_LISTENER_CLOSED] == 1);
    CHECK_EQ(host.released, 5);
    unsigned reported = 0, still = 0;
    for (int i = 0; i < 16; i++)
        reported += host.reported[i];
    host_free(&host);
    for (int i = 0; i < 16; i++)
        still += host.reported[i];
    CHECK_EQ(reported, still);
    for (int i = 0; i < 12; i++) {
        /* What was still open is closed, and the peer notices. */
        if (i != 3)
            CHECK(wait_for(peers[i], POLLIN) && hear(peers[i], &byte, 1) >= -1);
        if (i != 3)
            close(peers[i]);
    }
}

int main(void)
{
    lives(HOST_EPOLL);
    lives(HOST_EDGE);
    lives(HOST_POLL);
    lives(HOST_SELECT);
    return verdict();
}
