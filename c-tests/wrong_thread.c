/* An engine belongs to the thread of its first drive call; calls from another are refused, and nothing
 * happens. It may be made in one thread and driven in another. */
#include "check.h"

static struct host host;
static uint16_t port;

static struct { vst_id link, agent; } remote;

static void links_and_agents(vst_id conn, const vst_accept_config *config)
{
    vst_engine *engine = host.engine;
    vst_agent_options options = {.size = sizeof options};
    vst_tls_client_options of_tls = {.size = sizeof of_tls,
                                     .flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION};
    vst_tls_client *tls;
    vst_id out = 9;
    uint32_t clients = 9, channels = 9;
    size_t len = 9;
    char byte;
    MUST(vst_tls_client_new(&of_tls, &tls, NULL, 0) == VST_OK);
    CHECK_EQ(vst_link_open(engine, "unix:@nobody", NULL, NULL, &out, NULL, 0), VST_E_THREAD);
    CHECK_EQ(out, 0);
    CHECK_EQ(vst_link_accept(engine, remote.link, "x", config, NULL, NULL, 0), VST_E_THREAD);
    CHECK_EQ(vst_link_stop_accepting(engine, remote.link, "x"), VST_E_THREAD);
    CHECK_EQ(vst_link_describe(engine, remote.link, &byte, 1, &len), VST_E_THREAD);
    CHECK_EQ(len, 0);
    CHECK_EQ(vst_link_close(engine, remote.link), VST_E_THREAD);
    out = 9;
    CHECK_EQ(vst_agent_new(engine, &options, &out, NULL, 0), VST_E_THREAD);
    CHECK_EQ(out, 0);
    CHECK_EQ(vst_agent_add_tls(engine, remote.agent, "x", tls), VST_E_THREAD);
    CHECK_EQ(vst_agent_serve(engine, remote.agent, conn), VST_E_THREAD);
    CHECK_EQ(vst_agent_offer(engine, remote.agent, conn, "x"), VST_E_THREAD);
    CHECK_EQ(vst_agent_resolved(engine, remote.agent, 1, NULL, 0), VST_E_THREAD);
    CHECK_EQ(vst_agent_load(engine, remote.agent, &clients, &channels), VST_E_THREAD);
    CHECK(clients == 0 && channels == 0);
    len = 9;
    CHECK_EQ(vst_agent_describe(engine, remote.agent, &byte, 1, &len), VST_E_THREAD);
    CHECK_EQ(len, 0);
    CHECK_EQ(vst_agent_drain(engine, remote.agent), VST_E_THREAD);
    CHECK_EQ(vst_agent_close(engine, remote.agent), VST_E_THREAD);
    vst_tls_client_free(tls);
}

static void *other(void *conn)
{
    vst_id id = *(vst_id *)conn;
    vst_wait wait = {.size = sizeof wait};
    vst_event event = {.size = sizeof event};
    vst_engine_counters counters = {.size = sizeof counters};
    uint32_t state = 9;
    vst_id out = 9;
    CHECK_EQ(vst_engine_run(host.engine, 0, &wait), VST_E_THREAD);
    CHECK_EQ(wait.deadline_ns, VST_NEVER);
    CHECK_EQ(wait.conns, 0);
    CHECK_EQ(vst_engine_ready(host.engine, id, VST_IO_IN, 0, NULL), VST_E_THREAD);
    CHECK_EQ(vst_engine_ready_batch(host.engine, NULL, 0, 0, NULL), VST_E_THREAD);
    CHECK_EQ(vst_engine_ready_fd(host.engine, 1, VST_IO_IN, 0, NULL), VST_E_THREAD);
    CHECK_EQ(vst_engine_wait(host.engine, &wait), VST_E_THREAD);
    CHECK_EQ(vst_engine_trace(host.engine, 0), VST_E_THREAD);
    CHECK_EQ(vst_engine_next(host.engine, &event), VST_E_THREAD);
    CHECK_EQ(vst_engine_get_counters(host.engine, &counters), VST_E_THREAD);
    CHECK_EQ(vst_engine_batch_begin(host.engine), VST_E_THREAD);
    CHECK_EQ(vst_conn_state(host.engine, id, &state), VST_E_THREAD);
    CHECK_EQ(vst_conn_close(host.engine, id), VST_E_THREAD);
    vst_waker *waker = (void *)&host;
    vst_start_tls start = {.size = sizeof start};
    size_t len = 9;
    CHECK_EQ(vst_engine_waker(host.engine, &waker), VST_E_THREAD);
    CHECK(waker == NULL);
    CHECK_EQ(vst_handler_peek(host.engine, id, NULL, 0, &len), VST_E_THREAD);
    CHECK_EQ(len, 0);
    CHECK_EQ(vst_handler_consume(host.engine, id, 0), VST_E_THREAD);
    CHECK_EQ(vst_handler_send(host.engine, id, "x", 1, &len), VST_E_THREAD);
    CHECK_EQ(vst_conn_handler_done(host.engine, id, 1, VST_NEXT_DONE, 0, NULL), VST_E_THREAD);
    CHECK_EQ(vst_conn_start_tls(host.engine, id, &start, NULL, 0), VST_E_THREAD);
    vst_accept_config *config = accepting(NULL);
    CHECK_EQ(vst_listener_open(host.engine, "127.0.0.1:0", config, NULL, &out, NULL, NULL, 0),
             VST_E_THREAD);
    CHECK_EQ(out, 0);
    vst_fed_ask ask = {.size = sizeof ask, .asks = 9};
    uint32_t uid = 9, gid = 9;
    out = 9;
    CHECK_EQ(vst_conn_feed(host.engine, config, NULL, &out, NULL, 0), VST_E_THREAD);
    CHECK_EQ(out, 0);
    CHECK_EQ(vst_fed_next(host.engine, &ask), VST_E_THREAD);
    CHECK_EQ(ask.asks, 0);
    CHECK_EQ(vst_fed_set_data(host.engine, id, NULL), VST_E_THREAD);
    len = 9;
    CHECK_EQ(vst_fed_copy_unsent(host.engine, id, 0, &uid, sizeof uid, &len), VST_E_THREAD);
    CHECK_EQ(len, 0);
    CHECK_EQ(vst_fed_opened(host.engine, id, NULL), VST_E_THREAD);
    CHECK_EQ(vst_fed_failed(host.engine, id, ECONNREFUSED), VST_E_THREAD);
    len = 9;
    CHECK_EQ(vst_fed_received(host.engine, id, "x", 1, &len), VST_E_THREAD);
    CHECK_EQ(len, 0);
    CHECK_EQ(vst_fed_sent(host.engine, id, 0), VST_E_THREAD);
    CHECK_EQ(vst_fed_ended(host.engine, id), VST_E_THREAD);
    CHECK_EQ(vst_fed_hung_up(host.engine, id, ECONNRESET), VST_E_THREAD);
    CHECK_EQ(vst_fed_closed(host.engine, id), VST_E_THREAD);
    CHECK_EQ(vst_conn_peer_credentials(host.engine, id, &uid, &gid), VST_E_THREAD);
    CHECK(uid == UINT32_MAX && gid == UINT32_MAX);
    links_and_agents(id, config);
    vst_accept_config_free(config);
    CHECK_EQ(vst_engine_free(host.engine), VST_E_THREAD);
    return NULL;
}

static void *driver(void *made_elsewhere)
{
    struct host *mine = made_elsewhere;
    CHECK_EQ(vst_engine_run(mine->engine, 0, NULL), VST_OK);
    host_free(mine);
    return NULL;
}

int main(void)
{
    int peer;
    uint32_t state;
    pthread_t thread;
    host_new(&host, HOST_EPOLL);
    listener(&host, NULL, &port);
    vst_id conn = session(&host, port, &peer);
    vst_agent_options options_of_agent = {.size = sizeof options_of_agent};
    MUST(vst_link_open(host.engine, "unix:@nobody", NULL, NULL, &remote.link, NULL, 0) == VST_OK);
    MUST(vst_agent_new(host.engine, &options_of_agent, &remote.agent, NULL, 0) == VST_OK);
    MUST(pthread_create(&thread, NULL, other, &conn) == 0);
    MUST(pthread_join(thread, NULL) == 0);
    CHECK_EQ(vst_conn_state(host.engine, conn, &state), VST_OK);
    CHECK_EQ(state, VST_STATE_ESTABLISHED);
    CHECK_EQ(vst_link_close(host.engine, remote.link), VST_OK);
    CHECK_EQ(vst_agent_close(host.engine, remote.agent), VST_OK);
    host_free(&host);
    close(peer);

    static struct host moved;
    vst_engine_options options = host_options(&moved, HOST_EPOLL);
    MUST(vst_engine_new(&options, &moved.engine, NULL, 0) == VST_OK);
    MUST(pthread_create(&thread, NULL, driver, &moved) == 0);
    MUST(pthread_join(thread, NULL) == 0);
    return verdict();
}
