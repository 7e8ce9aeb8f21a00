/* What fails at the agent is told as what fails here: with the same operation, reason and errno, and that
 * it was there; and the agent opens nothing that it does not allow. */
#include "backend.h"
#include "remote.h"

static vst_connect_options directly(void)
{
    vst_connect_options options = remote_options();
    options.link = 0;
    return options;
}

static void a_refusal_is_told_with_its_errno(void)
{
    uint16_t port;
    int held = reserved(&port);
    remote_new();
    vst_connect_options there = remote_options(), here = directly();
    vst_id direct = connects(&here, port), conn = connects(&there, port);
    same_failure(direct, conn, VST_OP_CTRL_CONNECT, VST_WHY_REFUSED);
    CHECK_EQ(end_of(conn)->sys_errno, ECONNREFUSED);
    CHECK_EQ(remote.client.host.reported[VST_EVENT_CONNECTED], 0);
    /* The host of the agent has the end of its own connection too. */
    CHECK_EQ(remote.agent.ended, 1);
    CHECK(remote.agent.ends[0].sys_errno == ECONNREFUSED && remote.agent.ends[0].remote == 0);
    remote_finish();
    close(held);
}

/* Asks for a connection to an address that no text of the loopback is. */
static vst_id connects_to(const vst_connect_options *options, const char *address)
{
    vst_connect_config *config;
    vst_id conn;
    MUST(vst_connect_config_new(options, &config, NULL, 0) == VST_OK);
    MUST(vst_conn_connect(remote.client.host.engine, address, config, NULL, &conn, NULL, 0)
         == VST_OK);
    vst_connect_config_free(config);
    return conn;
}

static void what_the_system_refuses_is_told_with_its_errno(void)
{
    remote_prepare(0);
    remote.agent_options.allow = "unix:/";
    remote_open();
    vst_connect_options there = remote_options(), here = directly();
    vst_id direct = connects_to(&here, "unix:/nowhere/at/all");
    vst_id conn = connects_to(&there, "unix:/nowhere/at/all");
    same_failure(direct, conn, VST_OP_CTRL_CONNECT, end_of(direct)->why);
    CHECK_EQ(end_of(conn)->sys_errno, ENOENT);
    /* There is something, and it is no socket. */
    direct = connects_to(&here, "unix:/dev/null"), conn = connects_to(&there, "unix:/dev/null");
    same_failure(direct, conn, VST_OP_CTRL_CONNECT, VST_WHY_REFUSED);
    remote_finish();
}

static void is_denied(vst_id conn, const char *text)
{
    failed_there(conn, VST_OP_CTRL_CONNECT, VST_WHY_DENIED, 0, text);
}

static void the_agent_opens_nothing_that_it_does_not_allow(void)
{
    char allow[128];
    uint16_t port;
    int door = listening(&port), server;
    remote_prepare(0);
    snprintf(allow, sizeof allow, "127.0.0.0/8:%u, 10.0.0.1:*, *.example.net:443, unix:/run/app/",
             (unsigned)port);
    remote.agent_options.allow = allow;
    remote_open();
    /* It is copied. */
    memset(allow, 'x', sizeof allow - 1);
    vst_connect_options options = remote_options();
    is_denied(connects(&options, (uint16_t)(port ^ 1)), "the agent does not allow");
    is_denied(connects_to(&options, "10.0.0.2:80"), "10.0.0.2:80");
    is_denied(connects_to(&options, "[::1]:80"), "[::1]:80");
    is_denied(connects_to(&options, "unix:/run/app/../other"), "/run/app/../other");
    is_denied(connects_to(&options, "unix:@app"), "@app");
    options.link_destination = "example.net:443";
    is_denied(connects(&options, port), "example.net");
    options.link_destination = "www.example.net:80";
    is_denied(connects(&options, port), "www.example.net");
    CHECK_EQ(remote.agent.host.reported[VST_EVENT_AGENT_RESOLVE], 0);
    options.link_destination = NULL;
    options.source = "127.0.0.1:0";
    is_denied(connects(&options, port), "source");
    options.source = NULL;
    vst_id conn = connects(&options, port);
    REMOTE_UNTIL(state_of(conn) == VST_STATE_ESTABLISHED);
    server = accept4(door, NULL, NULL, SOCK_CLOEXEC);
    CHECK(server >= 0);
    CHECK_EQ(vst_conn_abort(remote.client.host.engine, conn), VST_OK);
    remote_finish();
    close(server);
    close(door);
}

static void without_a_list_nothing_is_allowed(void)
{
    remote_prepare(0);
    remote.agent_options.allow = NULL;
    remote_open();
    vst_connect_options options = remote_options();
    is_denied(connects(&options, 80), "127.0.0.1:80");
    remote_finish();
}

/* The source address is the client's where the agent lets it choose. */
static void a_source_address_can_be_allowed(void)
{
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    int server;
    remote_prepare(0);
    remote.agent_options.flags = VST_AGENT_ALLOW_SOURCE;
    remote_open();
    vst_connect_options options = remote_options();
    options.source = "127.0.0.9:0";
    vst_id conn = opens(&options, &server);
    MUST(getpeername(server, (struct sockaddr *)&name, &size) == 0);
    CHECK_EQ(ntohl(name.sin_addr.s_addr), 0x7f000009);
    CHECK_EQ(vst_conn_abort(remote.client.host.engine, conn), VST_OK);
    close(server);
    remote_finish();
}

/* Those above the number are tried again, as far as their time goes. */
static void no_more_are_opened_in_a_second_than_the_agent_allows(void)
{
    enum { ALL = 4 };
    uint16_t port;
    int door = listening(&port);
    unsigned refused = 0;
    vst_id conns[ALL];
    remote_prepare(0);
    remote.agent_options.opens_per_second = 1;
    remote_open();
    vst_connect_options options = remote_options();
    options.timeout_connect_ns = 400 * MS;
    for (int i = 0; i < ALL; i++)
        conns[i] = connects(&options, port);
    REMOTE_UNTIL(remote.client.ended + remote.client.host.reported[VST_EVENT_CONNECTED] == ALL);
    for (int i = 0; i < ALL; i++) {
        const vst_end *end = end_at(&remote.client, conns[i]);
        if (end == NULL) {
            CHECK_EQ(vst_conn_abort(remote.client.host.engine, conns[i]), VST_OK);
            continue;
        }
        refused++;
        CHECK(end->at == VST_OP_CTRL_CONNECT && end->why == VST_WHY_LOCAL_LIMIT && end->remote == 1);
        CHECK(strstr(end->text, "opens_per_second") != NULL);
    }
    /* A second may end between them. */
    CHECK(refused >= ALL - 2);
    remote_finish();
    close(door);
}

int main(void)
{
    a_refusal_is_told_with_its_errno();
    what_the_system_refuses_is_told_with_its_errno();
    the_agent_opens_nothing_that_it_does_not_allow();
    without_a_list_nothing_is_allowed();
    a_source_address_can_be_allowed();
    no_more_are_opened_in_a_second_than_the_agent_allows();
    return verdict();
}
