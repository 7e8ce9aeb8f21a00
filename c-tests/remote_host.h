/* What the tests of links share: an agent's engine and a client's engine in one process, a link between
 * them over a unix socket without a path, and a host of both that writes down how connections end. */
#ifndef VST_REMOTE_HOST_H
#define VST_REMOTE_HOST_H

#include "check.h"

enum { REMOTE_ENDS = 640, REMOTE_WORDS = 16, REMOTE_TEXT = 256 };

/* One of the two engines, and what it has reported. */
struct side {
    struct host host; /* first: the event hook gets a pointer to it */
    vst_end ends[REMOTE_ENDS]; /* of connections that are no stream's; `text` is in texts */
    char texts[REMOTE_ENDS][REMOTE_TEXT];
    unsigned ended;
};

static struct remote {
    struct side agent, client;
    vst_engine_options agent_engine, client_engine;
    vst_agent_options agent_options;
    vst_link_options link_options;
    vst_connect_config *link_config; /* NULL: the defaults */
    char address[64]; /* where the agent listens for clients */
    vst_id the_agent, door, link;
    vst_status served, offered; /* what vst_agent_serve and vst_agent_offer answered last */
    vst_id client_of_agent;     /* the last session that became a client */
    uint32_t words[REMOTE_WORDS]; /* the events about the link, in their order */
    unsigned said;
    char down[REMOTE_TEXT]; /* the text of the last VST_EVENT_LINK_DOWN */
    event_hook of_agent, of_client; /* called with every event of an engine */
    int pulls; /* neither engine has callbacks */
} remote;

/* ---- the host ---- */

static inline void side_ends(struct side *side, const vst_event *event)
{
    MUST(side->ended < REMOTE_ENDS);
    vst_end *end = &side->ends[side->ended];
    *end = *event->end;
    CHECK(end->conn == event->id && end->remote <= 1);
    CHECK_EQ(strlen(end->text), end->text_len);
    snprintf(side->texts[side->ended], REMOTE_TEXT, "%s", end->text);
    end->text = side->texts[side->ended++];
}

/* A session at the door is a client; one of a front, whose user data is a name, is offered under it. */
static inline void remote_agent_event(struct host *host, const vst_event *event)
{
    if (event->kind == VST_EVENT_CLOSED || event->kind == VST_EVENT_REFUSED)
        side_ends(&remote.agent, event);
    if (event->kind == VST_EVENT_SESSION && event->user == &remote.door) {
        remote.client_of_agent = event->id;
        remote.served = vst_agent_serve(host->engine, remote.the_agent, event->id);
        if (remote.served != VST_OK)
            CHECK_EQ(vst_conn_abort(host->engine, event->id), VST_OK);
    } else if (event->kind == VST_EVENT_SESSION && event->user != NULL) {
        remote.offered = vst_agent_offer(host->engine, remote.the_agent, event->id, event->user);
    }
    if (remote.of_agent)
        remote.of_agent(host, event);
}

static inline void remote_client_event(struct host *host, const vst_event *event)
{
    if (event->kind == VST_EVENT_CLOSED || event->kind == VST_EVENT_REFUSED)
        side_ends(&remote.client, event);
    if (event->kind >= VST_EVENT_LINK_UP && event->kind <= VST_EVENT_LINK_CLOSED) {
        CHECK(event->id == remote.link && event->user == remote.link_options.user);
        CHECK_EQ(event->text != NULL, event->kind == VST_EVENT_LINK_DOWN);
        MUST(remote.said < REMOTE_WORDS);
        remote.words[remote.said++] = event->kind;
        if (event->kind == VST_EVENT_LINK_DOWN)
            snprintf(remote.down, sizeof remote.down, "%s", event->text);
    }
    if (remote.of_client)
        remote.of_client(host, event);
}

static inline void side_pull(struct host *host)
{
    vst_event event = {.size = sizeof event};
    while (remote.pulls && host->engine && vst_engine_next(host->engine, &event) == VST_OK) {
        if (event.kind == VST_EVENT_INTEREST)
            host_interest(host, event.fd, event.id, event.old_mask, event.new_mask,
                          event.user);
        else
            host_event(host, host->engine, &event);
    }
}

/* Does what is due for one engine, without waiting. */
static inline void side_turn(struct host *host)
{
    if (host->engine == NULL)
        return;
    side_pull(host);
    host_wait_epoll(host, 0);
    host_run(host);
}

/* One round of both engines. 0 when the time for waiting is over. */
static inline int remote_turn(void)
{
    struct host *hosts[] = {&remote.agent.host, &remote.client.host};
    struct pollfd list[2];
    int timeout = INT32_MAX;
    for (int i = 0; i < 2; i++) {
        list[i] = (struct pollfd){.fd = hosts[i]->engine ? hosts[i]->epoll : -1, .events = POLLIN};
        side_pull(hosts[i]);
        if (hosts[i]->engine)
            CHECK_EQ(vst_engine_wait(hosts[i]->engine, &hosts[i]->wait), VST_OK);
        int due = hosts[i]->engine ? host_timeout(hosts[i]) : INT32_MAX;
        timeout = due < timeout ? due : timeout;
    }
    if (now_ns() > remote.client.host.patience_ends)
        return 0;
    MUST(poll(list, 2, timeout) >= 0);
    for (int i = 0; i < 2; i++)
        side_turn(hosts[i]);
    return 1;
}

/* Drives both engines until something holds, and prints it if it never does. */
#define REMOTE_UNTIL(what)                                                                         \
    do {                                                                                           \
        int holds_ = 0;                                                                            \
        while (!(holds_ = (what) != 0) && remote_turn())                                           \
            ;                                                                                      \
        if (!holds_)                                                                               \
            fprintf(stderr, "%s:%d: never came: %s\n", __FILE__, __LINE__, #what);                 \
        MUST(holds_);                                                                              \
    } while (0)

/* ---- beginning and end ---- */

static inline void agent_open(void)
{
    vst_accept_config *config = accepting(NULL);
    vst_listener_options options = {.size = sizeof options, .user = &remote.door};
    vst_engine *engine;
    host_open(&remote.agent.host, &remote.agent_engine);
    remote.agent.host.hook = remote_agent_event;
    engine = remote.agent.host.engine;
    MUST(vst_agent_new(engine, &remote.agent_options, &remote.the_agent, NULL, 0) == VST_OK);
    MUST(vst_listener_open(engine, remote.address, config, &options, &remote.door, NULL, NULL, 0)
         == VST_OK);
    vst_accept_config_free(config);
}

static inline void side_prepare(struct side *side, vst_engine_options *options)
{
    *options = host_options(&side->host, HOST_EPOLL);
    if (remote.pulls)
        options->event = NULL, options->interest = NULL, side->host.called = side_pull;
}

/* What a test may change before remote_open: an agent that allows the loopback, and default options. */
static inline void remote_prepare(int pulls)
{
    static unsigned number;
    memset(&remote, 0, sizeof remote);
    remote.pulls = pulls;
    side_prepare(&remote.agent, &remote.agent_engine);
    side_prepare(&remote.client, &remote.client_engine);
    MUST(vst_agent_options_init(&remote.agent_options, sizeof remote.agent_options) == VST_OK);
    remote.agent_options.allow = "127.0.0.1:*";
    remote.agent_options.user = NULL;
    MUST(vst_link_options_init(&remote.link_options, sizeof remote.link_options) == VST_OK);
    remote.link_options.user = &remote.link;
    snprintf(remote.address, sizeof remote.address, "unix:@vestibule-%d-%u", (int)getpid(), number++);
}

static inline void client_open(void)
{
    host_open(&remote.client.host, &remote.client_engine);
    remote.client.host.hook = remote_client_event;
    MUST(vst_link_open(remote.client.host.engine, remote.address, remote.link_config,
                       &remote.link_options, &remote.link, NULL, 0) == VST_OK);
}

/* Both engines, and the link is up. */
static inline void remote_open(void)
{
    agent_open();
    client_open();
    REMOTE_UNTIL(remote.said > 0);
    CHECK(remote.said == 1 && remote.words[0] == VST_EVENT_LINK_UP);
    CHECK_EQ(remote.served, VST_OK);
}

static inline void remote_new(void)
{
    remote_prepare(0);
    remote_open();
}

static inline void side_free(struct side *side)
{
    CHECK_EQ(vst_engine_free(side->host.engine), VST_OK);
    side->host.engine = NULL;
    /* An engine that is asked for its interest reports nothing about what is closed with it. */
    CHECK(remote.pulls || side->host.announced == side->host.released);
    close(side->host.epoll);
}

static inline void remote_free(void)
{
    side_free(&remote.client);
    side_free(&remote.agent);
}

/* Ends the link, and with it all that is left at either side. */
static inline void remote_finish(void)
{
    uint32_t clients = 9, channels = 9;
    unsigned before = remote.said;
    CHECK_EQ(vst_link_close(remote.client.host.engine, remote.link), VST_OK);
    REMOTE_UNTIL(remote.said > before);
    CHECK(remote.said == before + 1 && remote.words[before] == VST_EVENT_LINK_CLOSED);
    REMOTE_UNTIL(remote.agent.host.wait.conns == 0 && remote.client.host.wait.conns == 0);
    CHECK_EQ(vst_agent_load(remote.agent.host.engine, remote.the_agent, &clients, &channels), VST_OK);
    CHECK(clients == 0 && channels == 0);
    CHECK_EQ(remote.said, before + 1);
    remote_free();
}

#endif
