/* Options that are all zero except their size are the defaults, which bound everything. What is to have
 * no bound, or not to exist at all, must be set. */
#include "backend.h"

#define SECOND 1000000000ull

static vst_id door_of(struct host *host, const vst_accept_options *accept,
                      const vst_listener_options *options, uint16_t *port)
{
    vst_accept_config *config;
    vst_addr addr;
    vst_id door;
    MUST(vst_accept_config_new(accept, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(host->engine, "127.0.0.1:0", config, options, &door, NULL, NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host->engine, door, &addr) == VST_OK);
    *port = addr.port;
    return door;
}

/* How long a client that sends nothing stays open, to the second; VST_NEVER is longer than two hours.
 * Measured by a clock of the test, so that nothing is waited for. */
static uint64_t patience(const vst_accept_options *accept)
{
    const uint64_t came = 2 * SECOND, last = came + 7200 * SECOND;
    struct host host;
    struct epoll_event event;
    uint16_t port;
    vst_engine_options options = {.size = sizeof options, .now_ns = SECOND};
    vst_listener_options listener = {.size = sizeof listener};
    vst_engine_counters counters = {.size = sizeof counters};
    vst_engine_options wired = host_options(&host, HOST_EPOLL);
    options.data = wired.data, options.event = wired.event, options.interest = wired.interest;
    host_open(&host, &options);
    door_of(&host, accept, &listener, &port);
    int peer = dial(port);
    while (host.wait.conns == 0) {
        MUST(epoll_wait(host.epoll, &event, 1, (int)(PATIENCE_NS / 1000000)) == 1);
        CHECK_EQ(vst_engine_ready(host.engine, event.data.u64, from_epoll(event.events), came,
                                  &host.wait), VST_OK);
    }
    uint64_t now = came;
    while (counters.refused_total == 0 && now < last) {
        now += SECOND;
        CHECK_EQ(vst_engine_run(host.engine, now, &host.wait), VST_OK);
        CHECK_EQ(vst_engine_get_counters(host.engine, &counters), VST_OK);
    }
    host_free(&host);
    close(peer);
    return counters.refused_total == 0 ? VST_NEVER : now - came;
}

static int32_t reads(void *data, vst_engine *engine, vst_step *step)
{
    (void)data, (void)engine, (void)step;
    return VST_NEXT_READ;
}

static void whoever_is_silent(void)
{
    vst_accept_options accept = {.size = sizeof accept, .accept_proxy = "any"};
    vst_handler handler = {.size = sizeof handler, .step = reads};
    CHECK_EQ(patience(&accept), 5 * SECOND);
    accept.timeout_proxy_ns = VST_NEVER;
    CHECK_EQ(patience(&accept), 30 * SECOND);
    accept.timeout_opening_ns = VST_NEVER;
    CHECK_EQ(patience(&accept), VST_NEVER);

    accept = (vst_accept_options){
        .size = sizeof accept, .handlers = &handler, .handler_count = 1};
    CHECK_EQ(patience(&accept), 30 * SECOND);
    handler.timeout_ns = VST_NEVER;
    CHECK_EQ(patience(&accept), 30 * SECOND);
    handler.timeout_ns = 9 * SECOND;
    CHECK_EQ(patience(&accept), 9 * SECOND);
    handler.timeout_ns = VST_NEVER;
    accept.timeout_opening_ns = VST_NEVER;
    CHECK_EQ(patience(&accept), VST_NEVER);
}

/* TCP_INFO of a listener contains how many may wait (tcp(7)). */
static uint32_t backlog(const struct host *host)
{
    for (int fd = 0; fd < FDS; fd++) {
        struct tcp_info info;
        socklen_t len = sizeof info;
        if (host->watch[fd].announced
            && getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
            return info.tcpi_sacked;
    }
    return 0;
}

static unsigned refusals(const vst_listener_options *options, uint32_t *waiting)
{
    struct host host;
    uint16_t port;
    vst_accept_options accept = {.size = sizeof accept, .accept_proxy = "any"};
    vst_engine_counters counters = {.size = sizeof counters};
    host_new(&host, HOST_EPOLL);
    door_of(&host, &accept, options, &port);
    *waiting = backlog(&host);
    int peer = dial(port);
    say_text(peer, "nonsense\r\n");
    HOST_UNTIL(&host, vst_engine_get_counters(host.engine, &counters) == VST_OK
                          && counters.refused_total == 1);
    unsigned reported = host.reported[VST_EVENT_REFUSED];
    host_free(&host);
    close(peer);
    return reported;
}

static void listeners(void)
{
    vst_listener_options options = {.size = sizeof options};
    uint32_t waiting;
    CHECK_EQ(refusals(&options, &waiting), 1);
    CHECK_EQ(waiting, 1024);
    CHECK_EQ(refusals(NULL, &waiting), 1);
    CHECK_EQ(waiting, 1024);
    options.flags = VST_LISTENER_NO_REFUSED;
    options.backlog = UINT32_MAX; /* as many as the kernel allows */
    options.max_conns = options.ends_per_second = UINT32_MAX;
    CHECK_EQ(refusals(&options, &waiting), 0);
    CHECK(waiting >= 1024);
}

/* How many attempts are made to reach a server that does not exist. */
static uint32_t attempts(vst_backend_options options, vst_server_options server)
{
    struct farm farm;
    uint16_t port;
    int held = reserved(&port);
    memset(&farm, 0, sizeof farm);
    options.turn_around_ns = 1;
    farm_open(&farm);
    farm_backend(&farm, options);
    farm_add(&farm, server, port);
    int client = farm_client(&farm, "ask");
    farm_refused(&farm, client);
    uint32_t tried = farm.ends[0].attempts;
    host_free(&farm.host);
    close(held);
    return tried;
}

static void backends(void)
{
    vst_backend_options options = {.size = sizeof options};
    vst_server_options server = {.size = sizeof server};
    CHECK_EQ(attempts(options, server), 4);
    options.flags = VST_BACKEND_NO_RETRIES;
    CHECK_EQ(attempts(options, server), 1);
    options.retries = 9;
    CHECK_EQ(attempts(options, server), 1);
    /* If no bound is set, none is ever reached. */
    options = (vst_backend_options){.size = sizeof options, .maxconn = UINT32_MAX,
                                    .maxqueue = UINT32_MAX, .queue_timeout_ns = VST_NEVER};
    server.trial_ns = server.check_interval_ns = server.check_timeout_ns = VST_NEVER;
    server.flags = VST_SERVER_CHECK;
    server.maxconn = server.maxqueue = server.connect_errors = UINT32_MAX;
    server.check_rise = server.check_fall = UINT32_MAX;
    CHECK_EQ(attempts(options, server), 4);
}

/* No stream waits if none may, or if no server has a share. */
static void without_a_queue(uint64_t of_backend, uint64_t of_server)
{
    struct farm farm;
    uint16_t port;
    int held = listening(&port);
    vst_backend_options options = {.size = sizeof options, .flags = of_backend};
    vst_server_options server = {.size = sizeof server, .flags = of_server};
    memset(&farm, 0, sizeof farm);
    farm_open(&farm);
    farm_backend(&farm, options);
    farm_add(&farm, server, port);
    int client = farm_client(&farm, "ask");
    farm_refused(&farm, client);
    CHECK_EQ(farm.ends[0].attempts, 0);
    host_free(&farm.host);
    close(held);
}

/* How many bytes a fed connection holds each way; more are not taken. */
static void fed_windows(uint32_t inbox, uint32_t outbox, size_t in, size_t out)
{
    static char bytes[200000];
    vst_engine_options options = {.size = sizeof options, .fed_inbox_bytes = inbox,
                                  .fed_outbox_bytes = outbox};
    vst_accept_options accept = {.size = sizeof accept};
    vst_feed_args args = {.size = sizeof args};
    vst_fed_ask ask = {.size = sizeof ask};
    vst_engine *engine;
    vst_accept_config *config;
    vst_addr source, destination;
    vst_id conn;
    uint32_t uid;
    size_t taken;
    MUST(vst_engine_new(&options, &engine, NULL, 0) == VST_OK);
    MUST(vst_accept_config_new(&accept, &config, NULL, 0) == VST_OK);
    MUST(vst_conn_feed(engine, config, &args, &conn, NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    CHECK_EQ(vst_conn_peer_credentials(engine, conn, &uid, NULL), VST_NONE);
    CHECK(vst_conn_socket_addrs(engine, conn, &source, &destination) != VST_OK);
    CHECK_EQ(vst_fed_received(engine, conn, bytes, sizeof bytes, &taken), VST_OK);
    CHECK_EQ(taken, in);
    CHECK_EQ(vst_conn_send(engine, conn, bytes, sizeof bytes, &taken), VST_OK);
    CHECK_EQ(taken, out);
    /* Without the callback the host asks. */
    CHECK_EQ(vst_fed_next(engine, &ask), VST_OK);
    CHECK(ask.conn == conn && ask.data == NULL && ask.unsent == out);
    CHECK_EQ(vst_engine_free(engine), VST_OK);
}

static void fed(void)
{
    fed_windows(0, 0, 65536, 65536);
    fed_windows(1, 0, 1, 65536);
    fed_windows(0, 1, 65536, 1);
    fed_windows(100000, 150000, 100000, 150000);
}

/* What the init functions write is what 0 stands for; remote_defaults.c shows what is done by it. */
static void links_and_agents(void)
{
    vst_link_options link;
    vst_agent_options agent;
    CHECK_EQ(vst_link_options_init(&link, sizeof link), VST_OK);
    CHECK_EQ(link.channels_per_conn, 10000);
    CHECK_EQ(link.flags, 0);
    CHECK_EQ(link.window_bytes, 64 << 20);
    CHECK_EQ(link.keepalive_ns, 10 * SECOND);
    CHECK(link.user == NULL);
    CHECK_EQ(vst_agent_options_init(&agent, sizeof agent), VST_OK);
    CHECK_EQ(agent.channels_max, 10000);
    CHECK_EQ(agent.flags, 0);
    CHECK(agent.allow == NULL && agent.connect == NULL && agent.user == NULL);
    CHECK(agent.uids == NULL && agent.uid_count == 0);
    CHECK(agent.gids == NULL && agent.gid_count == 0);
    CHECK_EQ(agent.window_bytes, 64 << 20);
    CHECK_EQ(agent.keepalive_ns, 10 * SECOND);
    CHECK_EQ(agent.channel_window_bytes, 65536);
    CHECK_EQ(agent.opens_per_second, UINT32_MAX);
}

static void sessions_kept(void)
{
    vst_tls_client_options options = {.size = sizeof options,
                                      .flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION};
    vst_tls_client *client;
    char why[128];
    CHECK_EQ(vst_tls_client_new(&options, &client, why, sizeof why), VST_OK);
    vst_tls_client_free(client);
    options.session_cache = UINT64_MAX;
    CHECK_EQ(vst_tls_client_new(&options, &client, why, sizeof why), VST_E_ARGUMENT);
    CHECK(strstr(why, "session_cache") != NULL);
    options.flags |= VST_TLS_CLIENT_NO_SESSION_CACHE;
    CHECK_EQ(vst_tls_client_new(&options, &client, why, sizeof why), VST_OK);
    vst_tls_client_free(client);
}

int main(void)
{
    whoever_is_silent();
    listeners();
    backends();
    without_a_queue(VST_BACKEND_NO_QUEUE, VST_SERVER_NO_WEIGHT);
    sessions_kept();
    fed();
    links_and_agents();
    return verdict();
}
