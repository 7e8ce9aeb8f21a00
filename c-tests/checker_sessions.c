/* A checked engine notices sessions that nobody reads or writes, and handlers that never answer. */
#include "checker.h"

static struct checked checked;
static struct host *const host = &checked.host;

static void nobody_reads(void)
{
    uint16_t port;
    int fd, peer;
    vst_id conn;
    checked_new(&checked, HOST_POLL);
    listener(host, NULL, &port);
    conn = checked_session(&checked, port, &fd, &peer);
    say_text(peer, "x");
    ROUNDS_UNTIL(&checked, host->reported[VST_EVENT_READABLE] == 1);
    /* Interest that is not needed is withdrawn when it is reported once more. */
    ROUNDS_UNTIL(&checked, !(host->watch[fd].mask & VST_IO_IN));
    for (int i = 0; i < 60; i++)
        pass(&checked, SECOND);
    SILENT(&checked);
    pass(&checked, SECOND);
    SAID(&checked, "connection %#llx has had something to read since VST_EVENT_READABLE 61.0 s ago, and "
         "nothing was read: if that is not meant to slow the peer down, call vst_conn_recv until it "
         "returns VST_WAIT, or vst_conn_close", (unsigned long long)conn);
    pass(&checked, 100 * SECOND);
    SILENT(&checked);
    close(peer);
    host_free(host);
}

static void nobody_writes(void)
{
    static char bytes[65536];
    uint16_t port;
    int fd, peer;
    size_t taken;
    vst_id conn;
    checked_new(&checked, HOST_POLL);
    listener(host, NULL, &port);
    conn = checked_session(&checked, port, &fd, &peer);
    while (vst_conn_send(host->engine, conn, bytes, sizeof bytes, &taken) == VST_OK)
        ;
    while (host->reported[VST_EVENT_WRITABLE] == 0) {
        MUST(now_ns() < host->patience_ends);
        while (hear(peer, bytes, sizeof bytes) > 0)
            ;
        round_of(&checked);
    }
    ROUNDS_UNTIL(&checked, !(host->watch[fd].mask & VST_IO_OUT));
    for (int i = 0; i < 60; i++)
        pass(&checked, SECOND);
    SILENT(&checked);
    pass(&checked, SECOND);
    SAID(&checked, "connection %#llx has had room since VST_EVENT_WRITABLE 61.0 s ago, and nothing was "
         "written: if that is not meant, write the bytes for which vst_conn_send returned VST_WAIT",
         (unsigned long long)conn);
    close(peer);
    host_free(host);
}

/* A host that takes its time, and reads or closes in the end. */
static void slow_but_right(void)
{
    uint16_t port;
    int fd, peer;
    vst_id conn;
    char byte;
    size_t got;
    checked_new(&checked, HOST_POLL);
    listener(host, NULL, &port);
    conn = checked_session(&checked, port, &fd, &peer);
    say_text(peer, "x");
    ROUNDS_UNTIL(&checked, host->reported[VST_EVENT_READABLE] == 1);
    pass(&checked, 50 * SECOND);
    CHECK_EQ(vst_conn_recv(host->engine, conn, &byte, 1, &got), VST_OK);
    CHECK_EQ(vst_conn_recv(host->engine, conn, &byte, 1, &got), VST_WAIT);
    for (int i = 0; i < 100; i++)
        pass(&checked, SECOND);
    SILENT(&checked);
    close(peer);
    host_free(host);
}

static vst_id asked;
static uint32_t ticket;

static int32_t later(void *data, vst_engine *engine, vst_step *step)
{
    (void)data, (void)engine;
    asked = step->conn;
    ticket = step->ticket;
    return VST_NEXT_LATER;
}

static void never_answered(void)
{
    vst_handler handler = {.size = sizeof handler, .step = later};
    vst_accept_options accept;
    vst_accept_config *config;
    vst_addr addr;
    vst_id id;
    int peer;
    checked_new(&checked, HOST_POLL);
    MUST(vst_accept_options_init(&accept, sizeof accept) == VST_OK);
    accept.handlers = &handler;
    accept.handler_count = 1;
    MUST(vst_accept_config_new(&accept, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(host->engine, "127.0.0.1:0", config, NULL, &id, NULL, NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host->engine, id, &addr) == VST_OK);
    peer = dial(addr.port);
    ROUNDS_UNTIL(&checked, asked != 0);
    for (int i = 0; i < 20; i++)
        pass(&checked, SECOND);
    SILENT(&checked);
    pass(&checked, SECOND);
    SAID(&checked, "a handler of connection %#llx returned VST_NEXT_LATER 21.0 s ago, and its answer has "
         "not come: call vst_conn_handler_done or vst_waker_post with the ticket %u",
         (unsigned long long)asked, ticket);
    close(peer);
    host_free(host);
}

int main(void)
{
    nobody_reads();
    nobody_writes();
    slow_but_right();
    never_answered();
    return verdict();
}
