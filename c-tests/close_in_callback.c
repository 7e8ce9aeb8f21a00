/* A connection may be closed in its own callback, of any kind: from then on its state can be read and it
 * can be aborted, and nothing else. CLOSED is its only and last event. */
#include "check.h"

static unsigned kind_that_closes;
static unsigned reported_after_close, ends;

static void on_event(struct host *host, const vst_event *event)
{
    vst_id closed = *(vst_id *)host->mine;
    char text[2048];
    size_t len;
    uint32_t state;
    if (event->kind == VST_EVENT_CLOSED) {
        ends++;
        CHECK(event->end != NULL && event->end->conn == event->id);
        CHECK_EQ(event->end->why, 0);
        CHECK_EQ(vst_conn_state(host->engine, event->id, &state), VST_E_STALE);
        return;
    }
    if (event->id == closed)
        reported_after_close++;
    if (event->kind == VST_EVENT_SESSION && kind_that_closes != VST_EVENT_SESSION) {
        CHECK_EQ(vst_conn_recv(host->engine, event->id, text, sizeof text, &len), VST_WAIT);
        CHECK_EQ(len, 0);
    }
    if (event->kind != kind_that_closes)
        return;
    CHECK_EQ(vst_conn_close(host->engine, event->id), VST_OK);
    *(vst_id *)host->mine = event->id;
    CHECK_EQ(vst_conn_close(host->engine, event->id), VST_E_STATE);
    CHECK_EQ(vst_conn_recv(host->engine, event->id, text, sizeof text, &len), VST_E_STATE);
    CHECK_EQ(vst_conn_send(host->engine, event->id, "x", 1, &len), VST_E_STATE);
    CHECK_EQ(vst_conn_describe(host->engine, event->id, text, sizeof text, &len), VST_OK);
    CHECK_EQ(vst_conn_state(host->engine, event->id, &state), VST_OK);
}

static void close_at(enum host_kind how, unsigned kind)
{
    struct host host;
    vst_id closed = 0;
    uint16_t port;
    char byte;
    host_new(&host, how);
    host.hook = on_event;
    host.mine = &closed;
    kind_that_closes = kind;
    reported_after_close = ends = 0;
    listener(&host, NULL, &port);
    int peer = dial(port);
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] == 1);
    if (kind == VST_EVENT_READABLE)
        say_text(peer, "hello");
    HOST_UNTIL(&host, closed != 0);
    /* An orderly end, and not a reset, whatever was not read. */
    HOST_UNTIL(&host, hear(peer, &byte, 1) == 0);
    close(peer);
    HOST_UNTIL(&host, ends == 1);
    CHECK_EQ(reported_after_close, 0);
    host_free(&host);
}

int main(void)
{
    close_at(HOST_EPOLL, VST_EVENT_SESSION);
    close_at(HOST_EPOLL, VST_EVENT_READABLE);
    close_at(HOST_EDGE, VST_EVENT_SESSION);
    close_at(HOST_EDGE, VST_EVENT_READABLE);
    return verdict();
}
