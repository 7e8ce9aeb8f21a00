/* SIGPIPE has its default action and kills the process that gets it: writing to peers that went
 * away never raises it, neither by send nor by a stream. */
#include "check.h"

static uint16_t server_port;
static vst_connect_config *outgoing;
static int forwards;

static void on_event(struct host *host, const vst_event *event)
{
    vst_id server, stream;
    char address[32];
    if (event->kind != VST_EVENT_SESSION || !forwards)
        return;
    snprintf(address, sizeof address, "127.0.0.1:%u", server_port);
    CHECK_EQ(vst_conn_connect(host->engine, address, outgoing, NULL, &server), VST_OK);
    CHECK_EQ(vst_conn_forward(host->engine, event->id, server, NULL, NULL, &stream), VST_OK);
}

int main(void)
{
    static char bytes[1 << 16];
    struct host host;
    uint16_t port;
    int peer;
    size_t taken;
    MUST(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    int door = listening(&server_port);
    outgoing = connecting(VST_SEND_PROXY_NONE);
    host_new(&host, HOST_EPOLL);
    host.hook = on_event;
    listener(&host, NULL, &port);

    /* A session whose peer has reset it. */
    vst_id conn = session(&host, port, &peer);
    reset_on_close(peer);
    close(peer);
    vst_status status = VST_OK;
    for (int round = 0; round < 100 && status == VST_OK; round++)
        status = vst_conn_send(host.engine, conn, bytes, sizeof bytes, &taken);
    CHECK(status == VST_E_RESET || status == VST_E_FAILED);
    CHECK_EQ(taken, 0);
    if (host.told[VST_EVENT_CLOSED] == 0)
        vst_conn_close(host.engine, conn);
    HOST_UNTIL(&host, host.told[VST_EVENT_CLOSED] == 1);

    /* A stream whose server goes while the client sends. */
    forwards = 1;
    int client = dial(port);
    HOST_UNTIL(&host, host.told[VST_EVENT_SESSION] == 2);
    MUST(wait_for(door, POLLIN));
    int server = accept(door, NULL, NULL);
    MUST(server >= 0 && fcntl(client, F_SETFL, O_NONBLOCK) == 0);
    reset_on_close(server);
    for (int round = 0; round < 100000 && host.told[VST_EVENT_STREAM_END] == 0; round++) {
        if (send(client, bytes, sizeof bytes, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
            break;
        if (round == 20)
            close(server);
        host_turn(&host);
    }
    HOST_UNTIL(&host, host.told[VST_EVENT_STREAM_END] == 1);
    close(client);
    close(door);
    vst_connect_config_free(outgoing);
    host_free(&host);
    return verdict();
}
