/* Who may be a client of an agent, what is legal on a session that has become one, and how an agent ends:
 * in order, or at once. */
#include "remote.h"

static void agent_has(uint32_t clients, uint32_t channels)
{
    uint32_t is[2] = {9, 9};
    REMOTE_UNTIL(vst_agent_load(remote.agent.host.engine, remote.the_agent, &is[0], &is[1]) == VST_OK
                 && is[0] == clients && is[1] == channels);
}

/* Whether the agent serves this process, where only these may be clients. */
static void admits(const uint32_t *uids, uint64_t uid_count, const uint32_t *gids, uint64_t gid_count,
                   vst_status due)
{
    remote_prepare(0);
    remote.agent_options.uids = uids, remote.agent_options.uid_count = uid_count;
    remote.agent_options.gids = gids, remote.agent_options.gid_count = gid_count;
    remote.served = 99;
    agent_open();
    client_open();
    REMOTE_UNTIL(remote.served != 99);
    CHECK_EQ(remote.served, due);
    if (due == VST_OK) {
        REMOTE_UNTIL(remote.said == 1);
    } else {
        /* The session stayed the host's, which has aborted it; no byte of it was read. */
        REMOTE_UNTIL(remote.agent.ended >= 1);
        CHECK_EQ(remote.agent.ends[0].why, VST_WHY_ABORTED);
        CHECK_EQ(remote.agent.ends[0].bytes_in, 0);
        agent_has(0, 0);
        CHECK_EQ(remote.said, 0);
    }
    remote_free();
}

static void only_those_who_are_named_may_be_clients(void)
{
    const uint32_t mine = (uint32_t)getuid(), group = (uint32_t)getgid();
    const uint32_t others[] = {mine + 1, mine + 2}, with_me[] = {mine + 1, mine};
    const uint32_t other_groups[] = {group + 1}, with_mine[] = {group + 1, group};
    admits(NULL, 0, NULL, 0, VST_OK);
    admits(with_me, 2, NULL, 0, VST_OK);
    admits(others, 2, NULL, 0, VST_E_DENIED);
    admits(NULL, 0, with_mine, 2, VST_OK);
    admits(NULL, 0, other_groups, 1, VST_E_DENIED);
    admits(others, 2, with_mine, 2, VST_OK);
}

/* Over TCP nobody can be known, and where some are named nobody else may be a client. */
static void a_peer_whose_ids_are_not_known_is_not_admitted(void)
{
    const uint32_t mine = (uint32_t)getuid();
    struct host host;
    uint16_t port;
    int peer;
    uint32_t state;
    vst_id agent;
    vst_agent_options options = {.size = sizeof options, .uids = &mine, .uid_count = 1};
    host_new(&host, HOST_EPOLL);
    listener(&host, NULL, &port);
    vst_id conn = session(&host, port, &peer);
    MUST(vst_agent_new(host.engine, &options, &agent, NULL, 0) == VST_OK);
    CHECK_EQ(vst_agent_serve(host.engine, agent, conn), VST_E_DENIED);
    CHECK_EQ(vst_conn_state(host.engine, conn, &state), VST_OK);
    CHECK_EQ(state, VST_STATE_ESTABLISHED);
    CHECK_EQ(vst_conn_abort(host.engine, conn), VST_OK);
    host_free(&host);
    close(peer);
}

static void a_client_s_session_is_the_agent_s(void)
{
    char byte;
    size_t len;
    int fd;
    uint32_t state;
    vst_id stream;
    vst_start_tls start = {.size = sizeof start};
    remote_new();
    vst_engine *engine = remote.agent.host.engine;
    vst_id conn = remote.client_of_agent;
    CHECK_EQ(vst_conn_recv(engine, conn, &byte, 1, &len), VST_E_STATE);
    CHECK_EQ(vst_conn_send(engine, conn, "x", 1, &len), VST_E_STATE);
    CHECK_EQ(vst_conn_shutdown(engine, conn, VST_SHUT_WRITE), VST_E_STATE);
    CHECK_EQ(vst_conn_close(engine, conn), VST_E_STATE);
    CHECK_EQ(vst_conn_abort(engine, conn), VST_E_STATE);
    CHECK_EQ(vst_conn_take_fd(engine, conn, &fd, &byte, 1, &len), VST_E_STATE);
    CHECK_EQ(fd, -1);
    CHECK(vst_conn_start_tls(engine, conn, &start, NULL, 0) < 0);
    CHECK_EQ(vst_conn_forward(engine, conn, conn, NULL, NULL, &stream), VST_E_ARGUMENT);
    CHECK_EQ(vst_agent_serve(engine, remote.the_agent, conn), VST_E_STATE);
    CHECK_EQ(vst_agent_offer(engine, remote.the_agent, conn, "x"), VST_E_STATE);
    /* What only reads goes on working. */
    CHECK_EQ(vst_conn_state(engine, conn, &state), VST_OK);
    CHECK_EQ(state, VST_STATE_ESTABLISHED);
    CHECK_EQ(vst_conn_peer_credentials(engine, conn, &state, NULL), VST_OK);
    CHECK_EQ(state, getuid());
    CHECK_EQ(vst_conn_set_user(engine, conn, &remote), VST_OK);
    CHECK_EQ(remote.agent.ended, 0);
    remote_finish();
}

static void a_drained_agent_ends_with_its_last_connection(void)
{
    uint16_t port;
    int server, door = listening(&port);
    remote_new();
    vst_engine *agent = remote.agent.host.engine, *client = remote.client.host.engine;
    vst_connect_options options = remote_options();
    options.flags = VST_CONNECT_NO_DESCRIPTOR;
    vst_id conn = opens(&options, &server);
    agent_has(1, 1);
    vst_id old = remote.the_agent, first = remote.client_of_agent;
    CHECK_EQ(vst_agent_drain(agent, old), VST_OK);
    CHECK_EQ(vst_agent_drain(agent, old), VST_OK);
    /* The next agent takes over the door: what is new goes to it, and nothing fails. */
    MUST(vst_agent_new(agent, &remote.agent_options, &remote.the_agent, NULL, 0) == VST_OK);
    vst_id late = connects(&options, port);
    REMOTE_UNTIL(state_of(late) == VST_STATE_ESTABLISHED);
    agent_has(1, 1);
    CHECK(remote.client_of_agent != first);
    sends(conn, "on the old one");
    hears(server, "on the old one");
    CHECK(end_at(&remote.agent, first) == NULL);
    CHECK_EQ(vst_conn_close(client, conn), VST_OK);
    CHECK_EQ(hears_end(server), 0);
    close(server);
    CHECK_EQ(end_of(conn)->why, 0);
    uint32_t clients = 9, channels = 9;
    REMOTE_UNTIL(vst_agent_load(agent, old, &clients, &channels) == VST_OK && clients == 0);
    REMOTE_UNTIL(end_at(&remote.agent, first) != NULL);
    CHECK_EQ(end_at(&remote.agent, first)->why, 0);
    CHECK_EQ(vst_agent_close(agent, old), VST_OK);
    CHECK_EQ(state_of(late), VST_STATE_ESTABLISHED);
    CHECK_EQ(vst_conn_abort(client, late), VST_OK);
    remote_finish();
    close(door);
}

static void an_agent_that_is_closed_resets_all_that_is_its(void)
{
    uint32_t clients = 9, channels = 9;
    int servers[2];
    remote_new();
    vst_engine *agent = remote.agent.host.engine;
    vst_connect_options options = remote_options();
    options.flags = VST_CONNECT_NO_DESCRIPTOR;
    vst_id conns[2] = {opens(&options, &servers[0]), opens(&options, &servers[1])};
    vst_id session = remote.client_of_agent;
    CHECK_EQ(vst_agent_close(agent, remote.the_agent), VST_OK);
    CHECK_EQ(vst_agent_load(agent, remote.the_agent, &clients, &channels), VST_E_STALE);
    CHECK(clients == 0 && channels == 0);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(hears_end(servers[i]), ECONNRESET);
        close(servers[i]);
        CHECK_EQ(reads_end(conns[i]), VST_E_RESET);
        failed_there(conns[i], 0, VST_WHY_RESET, 0, "the agent was ended");
    }
    /* Its host is told of the client and of both connections. */
    REMOTE_UNTIL(remote.agent.ended >= 3); /* and who tries again meanwhile */
    CHECK(end_at(&remote.agent, session) != NULL);
    REMOTE_UNTIL(remote.said >= 2);
    CHECK_EQ(remote.words[1], VST_EVENT_LINK_DOWN);
    CHECK(strstr(remote.down, "the agent was ended") != NULL);
    remote_free();
}

/* A client that says anything but frames is told so, and its end says what it did. */
static void a_client_that_is_none_is_given_up(void)
{
    remote_prepare(0);
    agent_open();
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const char *text = strchr(remote.address, '@');
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(sizeof name.sun_family + strlen(text));
    memcpy(name.sun_path + 1, text + 1, strlen(text + 1));
    MUST(fd >= 0 && connect(fd, (struct sockaddr *)&name, size) == 0);
    remote.client.host.patience_ends = now_ns() + PATIENCE_NS;
    say_text(fd, "GET / HTTP/1.1\r\n\r\n");
    REMOTE_UNTIL(remote.agent.ended == 1);
    CHECK_EQ(remote.served, VST_OK);
    CHECK_EQ(remote.agent.ends[0].conn, remote.client_of_agent);
    CHECK_EQ(remote.agent.ends[0].why, VST_WHY_MALFORMED);
    CHECK(remote.agent.ends[0].text_len > 0);
    unsigned char goaway[9];
    size_t had = 0;
    ssize_t got;
    REMOTE_UNTIL(had == sizeof goaway
                 || ((got = hear(fd, goaway + had, sizeof goaway - had)) > 0
                     && (had += (size_t)got, had == sizeof goaway)));
    /* GOAWAY, MALFORMED (docs/remote-protocol.md). */
    CHECK(goaway[2] == 4 && goaway[8] == 2);
    close(fd);
    side_free(&remote.agent);
}

int main(void)
{
    only_those_who_are_named_may_be_clients();
    a_peer_whose_ids_are_not_known_is_not_admitted();
    a_client_s_session_is_the_agent_s();
    a_drained_agent_ends_with_its_last_connection();
    an_agent_that_is_closed_resets_all_that_is_its();
    a_client_that_is_none_is_given_up();
    return verdict();
}
