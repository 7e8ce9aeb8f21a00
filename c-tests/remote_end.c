/* Engines that end while links, agents and what is behind them are in use: in order, where a drain ends once
 * nothing is left, and at once, where nothing is lost. */
#include "remote.h"

static vst_connect_options framed(void)
{
    vst_connect_options options = remote_options();
    options.flags = VST_CONNECT_NO_DESCRIPTOR;
    return options;
}

static int is_drained(struct side *side, int listeners)
{
    vst_drain state = {.size = sizeof state};
    CHECK_EQ(vst_engine_drain_state(side->host.engine, &state), VST_OK);
    CHECK_EQ(state.aborted, 0);
    return state.conns == 0 && state.streams == 0 && (listeners || state.listeners == 0);
}

/* The link itself is no connection that a drain of its client waits for. */
static void a_client_is_drained_in_order(void)
{
    int framed_server, passed_server;
    remote_new();
    vst_engine *engine = remote.client.host.engine;
    vst_connect_options by_frames = framed(), passed = remote_options();
    vst_id one = opens(&by_frames, &framed_server), other = opens(&passed, &passed_server);
    CHECK_EQ(vst_engine_drain(engine, VST_DRAIN_PAUSE, VST_NEVER), VST_OK);
    REMOTE_UNTIL(remote.client.host.reported[VST_EVENT_DRAINING] == 2);
    CHECK(!is_drained(&remote.client, 0));
    sends(one, "the last");
    hears(framed_server, "the last");
    sends(other, "the last");
    hears(passed_server, "the last");
    CHECK_EQ(vst_conn_close(engine, one), VST_OK);
    CHECK_EQ(vst_conn_close(engine, other), VST_OK);
    CHECK_EQ(hears_end(framed_server), 0);
    CHECK_EQ(hears_end(passed_server), 0);
    close(framed_server);
    close(passed_server);
    REMOTE_UNTIL(is_drained(&remote.client, 0));
    CHECK(end_of(one)->why == 0 && end_of(other)->why == 0);
    REMOTE_UNTIL(remote.agent.host.wait.conns == 0);
    remote_free();
}

static void an_agent_s_engine_is_drained_in_order(void)
{
    int server;
    remote_new();
    vst_engine *engine = remote.agent.host.engine;
    vst_connect_options options = framed();
    vst_id conn = opens(&options, &server);
    CHECK_EQ(vst_engine_drain(engine, VST_DRAIN_CLOSE, VST_NEVER), VST_OK);
    for (int i = 0; i < 5; i++)
        MUST(remote_turn());
    CHECK(!is_drained(&remote.agent, 1));
    sends(conn, "goes on");
    hears(server, "goes on");
    CHECK_EQ(vst_conn_close(remote.client.host.engine, conn), VST_OK);
    CHECK_EQ(hears_end(server), 0);
    close(server);
    REMOTE_UNTIL(is_drained(&remote.agent, 0));
    CHECK_EQ(end_of(conn)->why, 0);
    CHECK_EQ(remote.agent.ended, 2);
    CHECK(remote.agent.ends[0].why == 0 && remote.agent.ends[1].why == 0);
    remote_free();
}

/* What is left when the time is over is aborted, behind an agent as well. */
static void a_drain_ends_in_time(void)
{
    vst_drain state = {.size = sizeof state};
    int server;
    remote_new();
    vst_connect_options options = framed();
    vst_id conn = opens(&options, &server);
    CHECK_EQ(vst_engine_drain(remote.client.host.engine, VST_DRAIN_PAUSE, 1000000), VST_OK);
    CHECK_EQ(hears_end(server), ECONNRESET);
    close(server);
    REMOTE_UNTIL(vst_engine_drain_state(remote.client.host.engine, &state) == VST_OK
                 && state.conns == 0);
    CHECK(state.aborted >= 1);
    CHECK_EQ(end_of(conn)->why, VST_WHY_ABORTED);
    remote_free();
}

/* ---- at once ---- */

enum { MANY = 20 };

/* A link with everything on its way: connections that are being opened, passed, and in use, names that are
 * looked up, and sessions that are handed over. */
static void fill(int *servers, int *door)
{
    static const char web[] = "web";
    vst_accept_options plain = {.size = sizeof plain};
    vst_listener_options listener = {.size = sizeof listener, .user = (void *)web};
    vst_accept_config *config;
    vst_id front;
    vst_addr addr;
    uint16_t port;
    vst_connect_options options = framed(), passed = remote_options(), named = remote_options();
    *door = listening(&port);
    servers[0] = -1;
    opens(&options, &servers[0]);
    servers[1] = -1;
    opens(&passed, &servers[1]);
    MUST(vst_accept_config_new(&plain, &config, NULL, 0) == VST_OK);
    MUST(vst_link_accept(remote.client.host.engine, remote.link, web, config, NULL, NULL, 0) == VST_OK);
    MUST(vst_listener_open(remote.agent.host.engine, "127.0.0.1:0", config, &listener, &front, NULL,
                           NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(remote.agent.host.engine, front, &addr) == VST_OK);
    named.link_destination = "a.test:1";
    for (int i = 0; i < MANY; i++) {
        connects(&options, port);
        connects(&passed, port);
        connects(&named, port);
        servers[2 + i] = dial(addr.port);
    }
}

/* Frees one engine, or the other, after so many rounds. */
static void is_freed_at_once(int rounds, int agent_first)
{
    int servers[2 + MANY], door;
    remote_prepare(0);
    remote.agent_options.allow = "127.0.0.1:*, *.test:*";
    remote_open();
    fill(servers, &door);
    for (int i = 0; i < rounds; i++)
        MUST(remote_turn());
    if (agent_first)
        side_free(&remote.agent);
    else
        side_free(&remote.client);
    for (int i = 0; i < rounds; i++)
        MUST(remote_turn());
    if (agent_first)
        side_free(&remote.client);
    else
        side_free(&remote.agent);
    for (int i = 0; i < 2 + MANY; i++)
        close(servers[i]);
    close(door);
}

/* A client that takes connections and never reads: the socket to it is full, and the rest waits. */
static void what_waits_to_be_passed_is_closed(void)
{
    enum { OPENS = 500 };
    static const char hello[] = "\0\020\001\001\0\0\0\0vst-link\0\001\0\001\0\0\0\020";
    static const char open[] =
        "\0\014\020\001\0\0\0\0\0\001\0\0\004\177\0\0\001\0\0\0";
    static char all[20 * OPENS];
    uint16_t port;
    uint32_t clients, channels;
    unsigned came = 0;
    int door = listening(&port), pair[2], server;
    vst_id conn;
    MUST(listen(door, OPENS) == 0 && fcntl(door, F_SETFL, O_NONBLOCK) == 0);
    remote_prepare(0);
    agent_open();
    vst_engine *engine = remote.agent.host.engine;
    remote.client.host.patience_ends = now_ns() + PATIENCE_NS;
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    MUST(vst_conn_adopt(engine, pair[0], NULL, &conn, NULL, NULL, 0) == VST_OK);
    CHECK_EQ(vst_agent_serve(engine, remote.the_agent, conn), VST_OK);
    say(pair[1], hello, 24);
    for (unsigned i = 0; i < OPENS; i++) {
        unsigned number = 2 * i + 1;
        char *one = memcpy(all + 20 * i, open, 20);
        one[6] = (char)(number >> 8), one[7] = (char)number;
        one[17] = (char)(port >> 8), one[18] = (char)port;
    }
    say(pair[1], all, sizeof all);
    REMOTE_UNTIL(({
        while ((server = accept4(door, NULL, NULL, SOCK_CLOEXEC)) >= 0)
            close(server), came++;
        came == OPENS;
    }));
    /* All are passed or wait for that: nothing is left for the agent to do. */
    REMOTE_UNTIL(vst_agent_load(engine, remote.the_agent, &clients, &channels) == VST_OK
                 && clients == 1 && channels == 0);
    side_free(&remote.agent);
    side_free(&remote.client);
    close(pair[1]);
    close(door);
}

static unsigned descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < FDS; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static void nothing_is_lost_when_an_engine_is_freed(void)
{
    unsigned before = descriptors();
    for (int rounds = 0; rounds < 8; rounds++) {
        is_freed_at_once(rounds, 0);
        is_freed_at_once(rounds, 1);
        CHECK_EQ(descriptors(), before);
    }
    what_waits_to_be_passed_is_closed();
    CHECK_EQ(descriptors(), before);
}

int main(void)
{
    a_client_is_drained_in_order();
    an_agent_s_engine_is_drained_in_order();
    a_drain_ends_in_time();
    nothing_is_lost_when_an_engine_is_freed();
    return verdict();
}
