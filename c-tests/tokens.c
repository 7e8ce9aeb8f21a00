/* Tokens, descriptors, and what a host is told of its connections besides events. */
#include "check.h"

#include <netinet/ip.h>

static int refuses;
static int32_t ended_with;

static void ends(struct host *host, const vst_event *event)
{
    (void)host;
    if (event->kind == VST_EVENT_CLOSED)
        ended_with = event->end->sys_errno;
}

/* A poller that is full, when the test says so. What it had set for the descriptor is forgotten then. */
static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old, uint32_t new, void *user)
{
    if (refuses > 0 && !(new & VST_IO_RELEASED)) {
        refuses--;
        CHECK_EQ(vst_token_set_user(((struct host *)data)->engine, token, &refuses), VST_OK);
        return ENOSPC;
    }
    return host_interest(data, fd, token, old, new, user);
}

static void names_and_numbers(void)
{
    CHECK(strcmp(vst_event_name(VST_EVENT_SESSION), "VST_EVENT_SESSION") == 0);
    CHECK(strcmp(vst_event_name(VST_EVENT_WOKEN), "VST_EVENT_WOKEN") == 0);
    CHECK(strcmp(vst_event_name(0), "unknown") == 0);
    CHECK(strcmp(vst_status_name(VST_E_STALE), "VST_E_STALE") == 0);
    CHECK(strcmp(vst_status_name(VST_OK), "VST_OK") == 0);
    CHECK(strcmp(vst_status_name(-1000), "unknown") == 0);
}

/* The connection that a token belongs to, and its descriptor. */
static void of_a_token(struct host *host, vst_id conn, vst_id listener_token)
{
    vst_id found;
    int32_t fd = -1;
    CHECK_EQ(vst_conn_fd(host->engine, conn, &fd), VST_OK);
    CHECK(fd >= 0 && fd < FDS);
    vst_id token = host->watch[fd].token;
    CHECK_EQ(vst_token_conn(host->engine, token, &found), VST_OK);
    CHECK(found == conn);
    CHECK_EQ(vst_token_conn(host->engine, listener_token, &found), VST_E_KIND);
    CHECK(found == 0);
    CHECK_EQ(vst_token_conn(host->engine, conn, &found), VST_E_KIND);
    CHECK_EQ(vst_token_set_user(host->engine, conn, host), VST_E_KIND);
    int option = 0;
    socklen_t len = sizeof option;
    CHECK(getsockopt(fd, IPPROTO_IP, IP_TOS, &option, &len) == 0);
    CHECK_EQ(option, 46 << 2);
    len = sizeof option;
    CHECK(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &option, &len) == 0);
    CHECK_EQ(option, 7000);
    len = sizeof option;
    CHECK(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &option, &len) == 0);
    CHECK_EQ(option, 90);
    len = sizeof option;
    CHECK(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &option, &len) == 0);
    CHECK_EQ(option, 0);
    vst_conn_close(host->engine, conn);
    HOST_UNTIL(host, host->reported[VST_EVENT_CLOSED] == 1);
    CHECK_EQ(vst_token_conn(host->engine, token, &found), VST_E_STALE);
    CHECK_EQ(vst_token_set_user(host->engine, token, host), VST_E_STALE);
    CHECK_EQ(vst_conn_fd(host->engine, conn, &fd), VST_E_STALE);
    CHECK_EQ(fd, -1);
}

/* Every connection is listed once, and bytes are counted while they move. */
static void listed(struct host *host, uint16_t port, vst_id listener)
{
    int peers[3];
    for (int i = 0; i < 3; i++)
        peers[i] = dial(port);
    unsigned before = host->reported[VST_EVENT_SESSION];
    HOST_UNTIL(host, host->reported[VST_EVENT_SESSION] == before + 3);
    vst_conn_info info = {.size = sizeof info};
    unsigned count = 0;
    uint64_t in = 1, out = 1;
    for (vst_id after = 0; vst_engine_next_conn(host->engine, after, &info) == VST_OK; after = info.id) {
        count++;
        CHECK_EQ(info.origin, VST_ORIGIN_INCOMING);
        CHECK_EQ(info.mover, VST_MOVER_HOST);
        CHECK_EQ(info.state, VST_STATE_ESTABLISHED);
        CHECK(info.listener == listener && info.stream == 0 && info.backend == 0);
        CHECK_EQ(info.server, VST_NO_SERVER);
        CHECK_EQ(info.peer.family, VST_ADDR_IPV4);
        CHECK(memcmp(&info.peer, &info.source, sizeof info.peer) == 0);
        CHECK_EQ(vst_conn_bytes(host->engine, info.id, &in, &out), VST_OK);
        CHECK(in == info.bytes_in && out == info.bytes_out);
    }
    CHECK_EQ(count, 3);
    CHECK_EQ(vst_engine_next_conn(host->engine, listener, &info), VST_E_KIND);
    size_t n;
    vst_id conn = host->last[VST_EVENT_SESSION];
    CHECK_EQ(vst_conn_send(host->engine, conn, "four", 4, &n), VST_OK);
    vst_listener_counters counters = {.size = sizeof counters};
    CHECK_EQ(vst_listener_get_counters(host->engine, listener, &counters), VST_OK);
    CHECK_EQ(counters.bytes_out_total, 4);
    for (int i = 0; i < 3; i++)
        close(peers[i]);
    CHECK_EQ(vst_engine_drain(host->engine, VST_DRAIN_CLOSE, 1), VST_OK);
    HOST_UNTIL(host, host->reported[VST_EVENT_DRAINED] == 1);
    CHECK_EQ(host->wait.conns + host->wait.listeners, 0);
}

/* A poller that cannot watch says so, and the connection or the listener says that it was so. */
static void full(void)
{
    struct host host;
    uint16_t port;
    vst_engine_options options = host_options(&host, HOST_EPOLL);
    options.interest = interest;
    host_open(&host, &options);
    host.hook = ends;
    refuses = 1;
    listener(&host, NULL, &port);
    HOST_UNTIL(&host, host.reported[VST_EVENT_PAUSED] == 1);
    HOST_UNTIL(&host, host.announced == 1);
    refuses = 1;
    int peer = dial(port);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 1);
    CHECK_EQ(host.reported[VST_EVENT_SESSION], 1);
    CHECK_EQ(host.reported[VST_EVENT_RESUMED], 1);
    CHECK_EQ(host.announced, 1);
    CHECK(ended_with == ENOSPC);
    close(peer);
    host_free(&host);
}

int main(void)
{
    struct host host;
    uint16_t port;
    names_and_numbers();
    host_new(&host, HOST_EPOLL);
    vst_accept_options accept = {.size = sizeof accept, .dscp = 46, .nodelay = VST_NODELAY_OFF};
    accept.keepalive_ns = 90ull * 1000000000, accept.user_timeout_ns = 7ull * 1000000000;
    vst_accept_config *config;
    MUST(vst_accept_config_new(&accept, &config, NULL, 0) == VST_OK);
    vst_id id;
    MUST(vst_listener_open(host.engine, "127.0.0.1:0", config, NULL, &id, NULL, NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    vst_addr addr;
    MUST(vst_listener_addr(host.engine, id, &addr) == VST_OK);
    port = addr.port;
    HOST_UNTIL(&host, host.announced == 1);
    vst_id listener_token = 0;
    for (int fd = 0; fd < FDS; fd++)
        if (host.watch[fd].announced)
            listener_token = host.watch[fd].token;
    int peer = dial(port);
    char byte;
    size_t n;
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] == 1);
    CHECK_EQ(vst_conn_recv(host.engine, host.last[VST_EVENT_SESSION], &byte, 1, &n), VST_WAIT);
    HOST_UNTIL(&host, host.announced == 2);
    of_a_token(&host, host.last[VST_EVENT_SESSION], listener_token);
    close(peer);
    listed(&host, port, id);
    host_free(&host);
    full();
    accept.dscp = 64;
    char why[128];
    CHECK_EQ(vst_accept_config_new(&accept, &config, why, sizeof why), VST_E_ARGUMENT);
    CHECK(strstr(why, "dscp: 64") != NULL);
    return verdict();
}
