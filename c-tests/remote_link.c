/* A link says once that an agent answers, once that none does any more, and is made again; its last event
 * is that it is closed. */
#include "remote.h"

static int described_as(const char *word)
{
    char line[1024] = "";
    size_t len;
    CHECK_EQ(vst_link_describe(remote.client.host.engine, remote.link, line, sizeof line - 1, &len),
             VST_OK);
    return strstr(line, word) != NULL;
}

/* The events were these and no others. */
static void said_in_order(const uint32_t *due, unsigned count)
{
    CHECK_EQ(remote.said, count);
    for (unsigned i = 0; i < count && i < remote.said; i++)
        CHECK_EQ(remote.words[i], due[i]);
}

static void an_agent_that_is_not_there_yet_is_waited_for(void)
{
    uint16_t port;
    int door = listening(&port), server;
    remote_prepare(0);
    client_open();
    vst_connect_options options = remote_options();
    vst_id conn = connects(&options, port);
    REMOTE_UNTIL(described_as("cause="));
    CHECK(described_as("up=false") && described_as(remote.address) && described_as("waiting=1"));
    CHECK_EQ(state_of(conn), VST_STATE_CONNECTING);
    CHECK_EQ(remote.said, 0);

    agent_open();
    REMOTE_UNTIL(state_of(conn) == VST_STATE_ESTABLISHED);
    said_in_order((uint32_t[]){VST_EVENT_LINK_UP}, 1);
    CHECK(described_as("up=true") && described_as("waiting=0"));
    server = accept4(door, NULL, NULL, SOCK_CLOEXEC);
    MUST(server >= 0);
    CHECK_EQ(vst_conn_abort(remote.client.host.engine, conn), VST_OK);
    remote_finish();
    close(server);
    close(door);
}

/* The process of an agent ends, and another one begins at the same address. */
static void an_agent_that_ends_is_replaced_by_the_next(void)
{
    vst_connect_options options;
    int server;
    remote_new();
    options = remote_options();
    options.flags = VST_CONNECT_NO_DESCRIPTOR;
    vst_id conn = opens(&options, &server);
    side_free(&remote.agent);
    REMOTE_UNTIL(remote.said > 1);
    said_in_order((uint32_t[]){VST_EVENT_LINK_UP, VST_EVENT_LINK_DOWN}, 2);
    CHECK(strstr(remote.down, remote.address) != NULL);
    CHECK_EQ(reads_end(conn), VST_E_RESET);
    failed_there(conn, 0, VST_WHY_RESET, 0, "link");
    CHECK_EQ(hears_end(server), ECONNRESET);
    close(server);

    side_prepare(&remote.agent, &remote.agent_engine);
    agent_open();
    REMOTE_UNTIL(remote.said > 2);
    conn = opens(&options, &server);
    sends(conn, "as before");
    hears(server, "as before");
    said_in_order((uint32_t[]){VST_EVENT_LINK_UP, VST_EVENT_LINK_DOWN, VST_EVENT_LINK_UP}, 3);
    CHECK_EQ(vst_conn_abort(remote.client.host.engine, conn), VST_OK);
    remote_finish();
    close(server);
}

/* Its last event comes with the end of its last connection; until then it is closing. */
static void a_link_is_closed_once_its_connections_are(void)
{
    vst_connect_options options;
    vst_accept_config *config = accepting(NULL);
    uint16_t port;
    int server, door = listening(&port);
    remote_new();
    options = remote_options();
    options.flags = VST_CONNECT_NO_DESCRIPTOR;
    vst_engine *engine = remote.client.host.engine;
    vst_id conn = opens(&options, &server);
    CHECK_EQ(vst_link_close(engine, remote.link), VST_OK);
    CHECK_EQ(vst_link_close(engine, remote.link), VST_E_STATE);
    CHECK_EQ(vst_link_accept(engine, remote.link, "web", config, NULL, NULL, 0), VST_E_STATE);
    vst_accept_config_free(config);
    /* New ones fail, and what is open goes on. */
    vst_id late = connects(&options, port);
    CHECK_EQ(end_of(late)->at, VST_OP_CTRL_CONNECT);
    CHECK(strstr(end_of(late)->text, "closed") != NULL);
    sends(conn, "still there");
    hears(server, "still there");
    say_text(server, "so am I");
    reads(conn, "so am I");
    CHECK_EQ(remote.said, 1);
    CHECK_EQ(vst_conn_close(engine, conn), VST_OK);
    CHECK_EQ(hears_end(server), 0);
    close(server);
    REMOTE_UNTIL(remote.said > 1);
    said_in_order((uint32_t[]){VST_EVENT_LINK_UP, VST_EVENT_LINK_CLOSED}, 2);
    CHECK_EQ(end_of(conn)->why, 0);
    CHECK_EQ(vst_link_close(engine, remote.link), VST_E_STALE);
    REMOTE_UNTIL(remote.agent.host.wait.conns == 0 && remote.client.host.wait.conns == 0);
    CHECK_EQ(remote.said, 2);
    remote_free();
    close(door);
}

/* A connection that waits for an agent fails with the link. */
static void what_waits_for_a_link_fails_when_it_is_closed(void)
{
    remote_prepare(0);
    client_open();
    vst_connect_options options = remote_options();
    vst_id first = connects(&options, 1), second = connects(&options, 2);
    REMOTE_UNTIL(described_as("cause="));
    CHECK_EQ(vst_link_close(remote.client.host.engine, remote.link), VST_OK);
    failed_there(first, VST_OP_CTRL_CONNECT, VST_WHY_UNREACHABLE, ENETUNREACH, "closed");
    failed_there(second, VST_OP_CTRL_CONNECT, VST_WHY_UNREACHABLE, ENETUNREACH, "closed");
    REMOTE_UNTIL(remote.said > 0);
    said_in_order((uint32_t[]){VST_EVENT_LINK_CLOSED}, 1);
    side_free(&remote.client);
}

/* A link without an agent does not hold a connection beyond the time that it has. */
static void what_waits_for_an_agent_waits_no_longer_than_it_may(void)
{
    remote_prepare(0);
    client_open();
    vst_connect_options options = remote_options();
    options.timeout_connect_ns = 50 * UINT64_C(1000000);
    vst_id conn = connects(&options, 1);
    const vst_end *end = end_of(conn);
    CHECK_EQ(end->at, VST_OP_CTRL_CONNECT);
    CHECK_EQ(end->why, VST_WHY_TIMED_OUT);
    CHECK(strstr(end->text, remote.address) != NULL);
    CHECK_EQ(remote.said, 0);
    CHECK_EQ(vst_link_close(remote.client.host.engine, remote.link), VST_OK);
    REMOTE_UNTIL(remote.said > 0);
    said_in_order((uint32_t[]){VST_EVENT_LINK_CLOSED}, 1);
    side_free(&remote.client);
}

int main(void)
{
    an_agent_that_is_not_there_yet_is_waited_for();
    an_agent_that_ends_is_replaced_by_the_next();
    a_link_is_closed_once_its_connections_are();
    what_waits_for_a_link_fails_when_it_is_closed();
    what_waits_for_an_agent_waits_no_longer_than_it_may();
    return verdict();
}
