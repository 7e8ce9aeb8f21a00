/* Sessions beyond plain reads and writes, raw and with TLS: several pieces at once, a look at bytes, the
 * idle timeout, and a wake from another thread. */
#include "check.h"

static vst_status ended;
static uint32_t why_it_ended;

static void hook(struct host *host, const vst_event *event)
{
    (void)host;
    if (event->kind == VST_EVENT_CLOSED && event->end)
        why_it_ended = event->end->why;
}

/* A session of a listener and one that was connected to it. */
static void pair(struct host *host, const char *identity, vst_id *incoming, vst_id *outgoing)
{
    vst_accept_options accept = {.size = sizeof accept};
    vst_connect_options connect = {.size = sizeof connect};
    vst_tls_server *server = NULL;
    vst_tls_client *client = NULL;
    if (identity) {
        vst_identity files = {.chain.file = identity, .key.file = identity};
        vst_tls_server_options of_server = {.size = sizeof of_server, .identities = &files};
        vst_tls_client_options of_client = {.size = sizeof of_client, .ca.file = identity};
        of_server.identity_count = 1;
        MUST(vst_tls_server_new(&of_server, &server, NULL, 0) == VST_OK);
        MUST(vst_tls_client_new(&of_client, &client, NULL, 0) == VST_OK);
        accept.tls = server, connect.tls = client, connect.server_name = "a.test";
    }
    vst_accept_config *in;
    vst_connect_config *out;
    vst_id listener;
    vst_addr addr;
    char text[64];
    MUST(vst_accept_config_new(&accept, &in, NULL, 0) == VST_OK);
    MUST(vst_connect_config_new(&connect, &out, NULL, 0) == VST_OK);
    MUST(vst_listener_open(host->engine, "127.0.0.1:0", in, NULL, &listener, NULL, NULL, 0) == VST_OK);
    MUST(vst_listener_addr(host->engine, listener, &addr) == VST_OK);
    snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)addr.port);
    MUST(vst_conn_connect(host->engine, text, out, NULL, outgoing, NULL, 0) == VST_OK);
    CHECK_EQ(vst_conn_recv(host->engine, *outgoing, text, 1, &(size_t){0}), VST_E_STATE);
    vst_accept_config_free(in);
    vst_connect_config_free(out);
    vst_tls_server_free(server);
    vst_tls_client_free(client);
    HOST_UNTIL(host, host->reported[VST_EVENT_SESSION] == 1 && host->reported[VST_EVENT_CONNECTED] == 1);
    *incoming = host->last[VST_EVENT_SESSION];
}

static void pieces(const char *identity)
{
    struct host host;
    vst_id in, out;
    char head[5] = "", body[8] = "", peeked[16] = "";
    vst_iovec from[] = {{.base = "head", .len = 4}, {.base = NULL, .len = 0}, {.base = "and body", .len = 8}};
    vst_iovec to[] = {{.base = head, .len = 4}, {.base = body, .len = 8}};
    size_t n;
    host_new(&host, HOST_EPOLL);
    pair(&host, identity, &in, &out);
    if (identity)
        CHECK_EQ(vst_conn_take_fd(host.engine, in, &(int32_t){0}, peeked, sizeof peeked, &n), VST_E_STATE);
    CHECK_EQ(vst_conn_peek(host.engine, in, peeked, 4, &n), VST_WAIT);
    CHECK_EQ(n, 0);
    CHECK_EQ(vst_conn_sendv(host.engine, out, from, 3, &n), VST_OK);
    CHECK_EQ(n, 12);
    HOST_UNTIL(&host, vst_conn_peek(host.engine, in, peeked, 12, &n) == VST_OK);
    CHECK(n == 12 && memcmp(peeked, "headand body", 12) == 0);
    HOST_UNTIL(&host, vst_conn_recvv(host.engine, in, to, 2, &n) == VST_OK);
    CHECK_EQ(n, 12);
    CHECK(memcmp(head, "head", 4) == 0 && memcmp(body, "and body", 8) == 0);
    CHECK_EQ(vst_conn_recvv(host.engine, in, to, 2, &n), VST_WAIT);
    CHECK_EQ(vst_conn_recvv(host.engine, in, to, 0, &n), VST_E_ARGUMENT);
    to[1].len = 0;
    CHECK_EQ(vst_conn_recvv(host.engine, in, to, 2, &n), VST_E_ARGUMENT);
    from[1].len = 1;
    CHECK_EQ(vst_conn_sendv(host.engine, out, from, 3, &n), VST_E_NULL);
    CHECK_EQ(vst_conn_sendv(host.engine, out, from, 0, &n), VST_OK);
    CHECK_EQ(vst_conn_shutdown(host.engine, out, VST_SHUT_WRITE), VST_OK);
    HOST_UNTIL(&host, (ended = vst_conn_peek(host.engine, in, peeked, 1, &n)) != VST_WAIT);
    CHECK_EQ(ended, VST_END);
    host_free(&host);
}

static void idle(void)
{
    struct host host;
    vst_id in, out;
    host_new(&host, HOST_EPOLL);
    host.hook = hook;
    pair(&host, NULL, &in, &out);
    CHECK_EQ(vst_conn_set_timeout(host.engine, in, 20 * 1000 * 1000), VST_OK);
    CHECK_EQ(vst_conn_set_timeout(host.engine, out, VST_NEVER), VST_OK);
    /* The peer closes too, so that nothing is waited for. */
    HOST_UNTIL(&host, vst_conn_recv(host.engine, out, (char[1]){0}, 1, &(size_t){0}) == VST_END);
    CHECK_EQ(vst_conn_close(host.engine, out), VST_OK);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 2);
    CHECK_EQ(why_it_ended == VST_WHY_IDLE || host.last[VST_EVENT_CLOSED] == out, 1);
    CHECK_EQ(vst_conn_set_timeout(host.engine, in, 1), VST_E_STALE);
    host_free(&host);
}

static void *wake_it(void *waker)
{
    for (int i = 0; i < 100; i++)
        CHECK_EQ(vst_waker_wake(waker), VST_OK);
    return NULL;
}

static void woken(enum host_kind kind)
{
    struct host host;
    vst_waker *waker;
    pthread_t thread;
    host_new(&host, kind);
    MUST(vst_engine_waker(host.engine, &waker) == VST_OK);
    MUST(pthread_create(&thread, NULL, wake_it, waker) == 0);
    HOST_UNTIL(&host, host.reported[VST_EVENT_WOKEN] >= 1);
    MUST(pthread_join(thread, NULL) == 0);
    CHECK(host.reported[VST_EVENT_WOKEN] <= 100);
    CHECK(host.last[VST_EVENT_WOKEN] == 0);
    host_free(&host);
    CHECK_EQ(vst_waker_wake(waker), VST_E_GONE);
    vst_waker_free(waker);
}

int main(int argc, char **argv)
{
    MUST(argc > 1);
    pieces(NULL);
    pieces(argv[1]);
    idle();
    woken(HOST_EPOLL);
    woken(HOST_EDGE);
    woken(HOST_SELECT);
    return verdict();
}
