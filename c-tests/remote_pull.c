/* Hosts without callbacks pull everything that concerns links and agents: interest, events, and the release
 * of descriptors that are passed. */
#include "remote.h"

static const char web[] = "web";
static vst_id offered_one;
static uint64_t ticket;

static void of_agent(struct host *host, const vst_event *event)
{
    (void)host;
    if (event->kind == VST_EVENT_SESSION && event->user == web)
        offered_one = event->id;
    if (event->kind == VST_EVENT_AGENT_RESOLVE) {
        CHECK(strcmp(event->text, "a.test") == 0);
        ticket = event->ticket;
    }
}

static void begin(void)
{
    remote_prepare(1);
    remote.agent_options.allow = "127.0.0.1:*, a.test:*";
    remote.of_agent = of_agent;
    remote_open();
    CHECK_EQ(vst_engine_next(remote.client.host.engine, &(vst_event){.size = sizeof(vst_event)}),
             VST_NONE);
}

static void connections_are_opened_and_passed(void)
{
    const uint64_t ways[] = {0, VST_CONNECT_NO_DESCRIPTOR};
    begin();
    for (int i = 0; i < 2; i++) {
        vst_connect_options options = remote_options();
        int server;
        options.flags = ways[i];
        vst_id conn = opens(&options, &server);
        CHECK_EQ(stands_alone(conn), i == 0);
        sends(conn, "ask");
        hears(server, "ask");
        say_text(server, "answer");
        reads(conn, "answer");
        CHECK_EQ(vst_conn_close(remote.client.host.engine, conn), VST_OK);
        CHECK_EQ(hears_end(server), 0);
        close(server);
        CHECK_EQ(end_of(conn)->why, 0);
    }
    remote_finish();
}

static void names_and_failures_are_told(void)
{
    begin();
    vst_connect_options options = remote_options();
    options.link_destination = "a.test:1";
    vst_id conn = connects(&options, 1);
    ticket = 0;
    REMOTE_UNTIL(ticket != 0);
    CHECK_EQ(vst_agent_resolved(remote.agent.host.engine, remote.the_agent, ticket, NULL, 0), VST_OK);
    failed_there(conn, VST_OP_CTRL_CONNECT, end_of(conn)->why, ENOENT, "\"a.test\"");
    side_free(&remote.agent);
    REMOTE_UNTIL(remote.said == 2);
    CHECK(remote.words[1] == VST_EVENT_LINK_DOWN && remote.down[0] != '\0');
    CHECK_EQ(vst_link_close(remote.client.host.engine, remote.link), VST_OK);
    REMOTE_UNTIL(remote.said == 3);
    CHECK_EQ(remote.words[2], VST_EVENT_LINK_CLOSED);
    side_free(&remote.client);
}

static void sessions_are_handed_over(void)
{
    vst_accept_options plain = {.size = sizeof plain};
    vst_listener_options listener = {.size = sizeof listener, .user = (void *)web};
    vst_accept_config *config;
    vst_id front;
    vst_addr addr;
    int peer = -1;
    begin();
    MUST(vst_accept_config_new(&plain, &config, NULL, 0) == VST_OK);
    MUST(vst_link_accept(remote.client.host.engine, remote.link, web, config, NULL, NULL, 0) == VST_OK);
    MUST(vst_listener_open(remote.agent.host.engine, "127.0.0.1:0", config, &listener, &front, NULL,
                           NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(remote.agent.host.engine, front, &addr) == VST_OK);
    remote.offered = VST_NONE;
    while (remote.offered == VST_NONE) {
        if (peer >= 0) {
            CHECK_EQ(vst_conn_abort(remote.agent.host.engine, offered_one), VST_OK);
            close(peer);
        }
        offered_one = 0;
        peer = dial(addr.port);
        REMOTE_UNTIL(offered_one != 0);
    }
    CHECK_EQ(remote.offered, VST_OK);
    REMOTE_UNTIL(remote.client.host.reported[VST_EVENT_SESSION] == 1);
    vst_id conn = remote.client.host.last[VST_EVENT_SESSION];
    CHECK(stands_alone(conn));
    say_text(peer, "ask");
    reads(conn, "ask");
    close(peer);
    CHECK_EQ(reads_end(conn), VST_END);
    CHECK_EQ(vst_conn_close(remote.client.host.engine, conn), VST_OK);
    remote_finish();
}

int main(void)
{
    connections_are_opened_and_passed();
    names_and_failures_are_told();
    sessions_are_handed_over();
    return verdict();
}
