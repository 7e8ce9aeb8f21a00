/* A destination by name is looked up by the agent's host, which answers now or later, with an address or
 * with the reason why there is none; each question is answered once. */
#include "remote.h"

enum { QUESTIONS = 8 };

static struct {
    uint64_t ticket;
    uint32_t port;
    char name[128];
} asked[QUESTIONS];
static unsigned count;

static int agent_marker; /* the agent's user data */

static void of_agent(struct host *host, const vst_event *event)
{
    (void)host;
    if (event->kind != VST_EVENT_AGENT_RESOLVE) {
        CHECK(event->ticket == 0 && event->port == 0 && event->text == NULL);
        return;
    }
    MUST(count < QUESTIONS);
    CHECK(event->id == remote.the_agent && event->user == &agent_marker);
    CHECK(event->end == NULL && event->ticket != 0);
    asked[count].ticket = event->ticket;
    asked[count].port = event->port;
    snprintf(asked[count++].name, sizeof asked[0].name, "%s", event->text);
}

static void begin(void)
{
    count = 0;
    remote_prepare(0);
    remote.agent_options.allow = "example.net:*, *.test:*";
    remote.agent_options.user = &agent_marker;
    remote.of_agent = of_agent;
    remote_open();
}

static vst_id connects_to(const char *destination)
{
    vst_connect_options options = remote_options();
    options.link_destination = destination;
    /* The address is not used, and would not be allowed. */
    return connects(&options, 9);
}

static vst_status answers(unsigned question, const vst_addr *addr, int32_t sys_errno)
{
    return vst_agent_resolved(remote.agent.host.engine, remote.the_agent, asked[question].ticket,
                              addr, sys_errno);
}

static int agent_says(const char *word)
{
    char line[512] = "";
    size_t len;
    CHECK_EQ(vst_agent_describe(remote.agent.host.engine, remote.the_agent, line, sizeof line - 1, &len),
             VST_OK);
    return strstr(line, word) != NULL;
}

static void a_name_is_answered_later(void)
{
    char destination[64];
    uint16_t port;
    int door = listening(&port), server;
    vst_addr address = {.family = VST_ADDR_IPV4, .port = 1, .len = 4, .bytes = {127, 0, 0, 1}};
    begin();
    snprintf(destination, sizeof destination, "example.net:%u", (unsigned)port);
    vst_id conn = connects_to(destination);
    REMOTE_UNTIL(count == 1);
    CHECK(strcmp(asked[0].name, "example.net") == 0);
    CHECK_EQ(asked[0].port, port);
    CHECK(agent_says("resolving=1"));
    CHECK_EQ(state_of(conn), VST_STATE_CONNECTING);
    /* Others do not wait for it, and answers come in any order. */
    vst_id other = connects_to("b.test:1");
    REMOTE_UNTIL(count == 2);
    CHECK(asked[1].ticket != asked[0].ticket);
    CHECK_EQ(answers(1, NULL, EAGAIN), VST_OK);
    failed_there(other, VST_OP_CTRL_CONNECT, end_of(other)->why, EAGAIN, "\"b.test\"");
    /* The port is the client's, and an allowed name may have any address. */
    CHECK_EQ(answers(0, &address, 0), VST_OK);
    CHECK_EQ(answers(0, &address, 0), VST_E_STATE);
    REMOTE_UNTIL(state_of(conn) == VST_STATE_ESTABLISHED);
    server = accept4(door, NULL, NULL, SOCK_CLOEXEC);
    MUST(server >= 0);
    sends(conn, "by name");
    hears(server, "by name");
    CHECK(agent_says("resolving=0"));
    vst_addr source, destination_addr;
    CHECK_EQ(vst_conn_socket_addrs(remote.client.host.engine, conn, &source, &destination_addr), VST_OK);
    CHECK_EQ(vst_conn_abort(remote.client.host.engine, conn), VST_OK);
    remote_finish();
    close(server);
    close(door);
}

static void a_name_without_an_address_says_why(void)
{
    vst_addr none = {.family = VST_ADDR_NONE};
    begin();
    vst_id conns[] = {connects_to("a.test:1"), connects_to("b.test:1"), connects_to("c.test:1")};
    REMOTE_UNTIL(count == 3);
    CHECK_EQ(answers(0, NULL, 0), VST_OK);
    CHECK_EQ(answers(1, &none, ETIMEDOUT), VST_OK);
    CHECK_EQ(answers(2, NULL, -1), VST_E_ARGUMENT);
    CHECK_EQ(answers(2, &none, 0), VST_OK);
    for (int i = 0; i < 3; i++) {
        const vst_end *end = end_of(conns[i]);
        CHECK(end->at == VST_OP_CTRL_CONNECT && end->remote == 1);
        CHECK_EQ(end->sys_errno, i == 1 ? ETIMEDOUT : ENOENT);
        CHECK(strstr(end->text, ".test") != NULL);
    }
    CHECK_EQ(answers(2, NULL, 0), VST_E_STATE);
    remote_finish();
}

/* Nobody waits any more: the client has given up, or is gone. */
static void an_answer_that_comes_too_late_is_refused(void)
{
    uint32_t clients, channels;
    vst_addr address = {.family = VST_ADDR_IPV4, .port = 1, .len = 4, .bytes = {127, 0, 0, 1}};
    begin();
    vst_id conn = connects_to("a.test:1");
    REMOTE_UNTIL(count == 1);
    CHECK_EQ(vst_conn_abort(remote.client.host.engine, conn), VST_OK);
    CHECK_EQ(end_of(conn)->why, VST_WHY_ABORTED);
    REMOTE_UNTIL(vst_agent_load(remote.agent.host.engine, remote.the_agent, &clients, &channels)
                     == VST_OK && channels == 0);
    CHECK_EQ(answers(0, &address, 0), VST_E_STATE);
    CHECK(agent_says("resolving=0"));

    conn = connects_to("b.test:1");
    REMOTE_UNTIL(count == 2);
    side_free(&remote.client);
    REMOTE_UNTIL(agent_says("clients=0"));
    CHECK_EQ(answers(1, &address, 0), VST_E_STATE);
    CHECK_EQ(vst_agent_close(remote.agent.host.engine, remote.the_agent), VST_OK);
    CHECK_EQ(answers(1, &address, 0), VST_E_STALE);
    side_free(&remote.agent);
}

/* The client does not wait longer than it may, whatever the agent's host does. */
static void a_name_that_is_never_answered_costs_the_client_its_timeout(void)
{
    begin();
    vst_connect_options options = remote_options();
    options.link_destination = "a.test:1";
    options.timeout_connect_ns = 300 * UINT64_C(1000000);
    vst_id conn = connects(&options, 9);
    const vst_end *end = end_of(conn);
    CHECK(end->at == VST_OP_CTRL_CONNECT && end->why == VST_WHY_TIMED_OUT && end->remote == 0);
    CHECK_EQ(count, 1);
    remote_finish();
}

int main(void)
{
    a_name_is_answered_later();
    a_name_without_an_address_says_why();
    an_answer_that_comes_too_late_is_refused();
    a_name_that_is_never_answered_costs_the_client_its_timeout();
    return verdict();
}
