/* An id of one engine is refused by another, also after its own engine is gone. */
#include "check.h"

static void links_and_agents(vst_engine *one, vst_engine *two, vst_id conn)
{
    vst_agent_options options = {.size = sizeof options};
    vst_connect_options connect = {.size = sizeof connect};
    vst_tls_client_options of_tls = {.size = sizeof of_tls,
                                     .flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION};
    vst_accept_config *config = accepting(NULL);
    vst_connect_config *over_link;
    vst_tls_client *tls;
    vst_id link, other, agent, mine, made = 9;
    uint32_t clients, channels;
    size_t len;
    char byte;
    MUST(vst_tls_client_new(&of_tls, &tls, NULL, 0) == VST_OK);
    MUST(vst_link_open(one, "unix:@nobody", NULL, NULL, &link, NULL, 0) == VST_OK);
    MUST(vst_link_open(two, "unix:@nobody", NULL, NULL, &other, NULL, 0) == VST_OK);
    MUST(vst_agent_new(one, &options, &agent, NULL, 0) == VST_OK);
    MUST(vst_agent_new(two, &options, &mine, NULL, 0) == VST_OK);
    CHECK_EQ(vst_link_close(two, link), VST_E_ENGINE);
    CHECK_EQ(vst_link_accept(two, link, "x", config, NULL, NULL, 0), VST_E_ENGINE);
    CHECK_EQ(vst_link_stop_accepting(two, link, "x"), VST_E_ENGINE);
    CHECK_EQ(vst_link_describe(two, link, &byte, 1, &len), VST_E_ENGINE);
    CHECK_EQ(vst_agent_add_tls(two, agent, "x", tls), VST_E_ENGINE);
    CHECK_EQ(vst_agent_serve(two, agent, conn), VST_E_ENGINE);
    CHECK_EQ(vst_agent_serve(two, mine, conn), VST_E_ENGINE);
    CHECK_EQ(vst_agent_offer(two, agent, conn, "x"), VST_E_ENGINE);
    CHECK_EQ(vst_agent_offer(two, mine, conn, "x"), VST_E_ENGINE);
    CHECK_EQ(vst_agent_resolved(two, agent, 1, NULL, 0), VST_E_ENGINE);
    CHECK_EQ(vst_agent_load(two, agent, &clients, &channels), VST_E_ENGINE);
    CHECK_EQ(vst_agent_describe(two, agent, &byte, 1, &len), VST_E_ENGINE);
    CHECK_EQ(vst_agent_drain(two, agent), VST_E_ENGINE);
    CHECK_EQ(vst_agent_close(two, agent), VST_E_ENGINE);
    /* A configuration may be made before it is known which engine will use it. */
    connect.link = link;
    MUST(vst_connect_config_new(&connect, &over_link, NULL, 0) == VST_OK);
    CHECK_EQ(vst_conn_connect(two, "127.0.0.1:1", over_link, NULL, &made, NULL, 0), VST_E_ENGINE);
    CHECK_EQ(made, 0);
    CHECK_EQ(vst_conn_connect(one, "127.0.0.1:1", over_link, NULL, &made, NULL, 0), VST_OK);
    CHECK_EQ(vst_conn_abort(one, made), VST_OK);
    vst_connect_config_free(over_link);
    vst_accept_config_free(config);
    vst_tls_client_free(tls);
}

int main(void)
{
    struct host one, two;
    uint16_t port;
    int peer;
    uint32_t state = 9;
    vst_addr addr;
    host_new(&one, HOST_EPOLL);
    host_new(&two, HOST_EPOLL);
    one.breaks_contract = two.breaks_contract = 1;
    vst_id door = listener(&one, NULL, &port);
    vst_id conn = session(&one, port, &peer);
    vst_id token = 0;
    for (int fd = 0; fd < FDS; fd++)
        if (one.watch[fd].announced)
            token = one.watch[fd].token;

    CHECK_EQ(vst_conn_state(two.engine, conn, &state), VST_E_ENGINE);
    CHECK_EQ(state, VST_STATE_CLOSED);
    CHECK_EQ(vst_conn_abort(two.engine, conn), VST_E_ENGINE);
    CHECK_EQ(vst_listener_addr(two.engine, door, &addr), VST_E_ENGINE);
    CHECK_EQ(vst_engine_ready(two.engine, token, VST_IO_IN, 0, NULL), VST_E_ENGINE);
    vst_backend_options options;
    vst_backend_counters counters = {.size = sizeof counters};
    vst_id backend, stream = 9;
    MUST(vst_backend_options_init(&options, sizeof options) == VST_OK);
    MUST(vst_backend_new(two.engine, &options, &backend, NULL, 0) == VST_OK);
    CHECK_EQ(vst_backend_get_counters(one.engine, backend, &counters), VST_E_ENGINE);
    CHECK_EQ(vst_backend_set_name(one.engine, backend, "x"), VST_E_ENGINE);
    CHECK_EQ(vst_listener_set_name(one.engine, backend, "x"), VST_E_ENGINE);
    CHECK_EQ(vst_conn_forward_to(one.engine, conn, backend, NULL, NULL, &stream), VST_E_ENGINE);
    CHECK_EQ(stream, 0);
    vst_accept_config *config = accepting(NULL);
    vst_id fed;
    char byte;
    size_t len;
    MUST(vst_conn_feed(one.engine, config, NULL, &fed, NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    CHECK_EQ(vst_fed_set_data(two.engine, fed, NULL), VST_E_ENGINE);
    CHECK_EQ(vst_fed_copy_unsent(two.engine, fed, 0, &byte, 1, &len), VST_E_ENGINE);
    CHECK_EQ(vst_fed_opened(two.engine, fed, NULL), VST_E_ENGINE);
    CHECK_EQ(vst_fed_failed(two.engine, fed, ECONNREFUSED), VST_E_ENGINE);
    CHECK_EQ(vst_fed_received(two.engine, fed, "x", 1, &len), VST_E_ENGINE);
    CHECK_EQ(vst_fed_sent(two.engine, fed, 0), VST_E_ENGINE);
    CHECK_EQ(vst_fed_ended(two.engine, fed), VST_E_ENGINE);
    CHECK_EQ(vst_fed_hung_up(two.engine, fed, ECONNRESET), VST_E_ENGINE);
    CHECK_EQ(vst_fed_closed(two.engine, fed), VST_E_ENGINE);
    CHECK_EQ(vst_conn_peer_credentials(two.engine, fed, &state, NULL), VST_E_ENGINE);
    CHECK_EQ(vst_conn_state(one.engine, fed, &state), VST_OK);
    CHECK_EQ(state, VST_STATE_ESTABLISHED);
    links_and_agents(one.engine, two.engine, conn);
    CHECK_EQ(vst_conn_state(one.engine, conn, &state), VST_OK);
    CHECK_EQ(state, VST_STATE_ESTABLISHED);

    host_free(&one);
    CHECK_EQ(vst_conn_state(two.engine, conn, &state), VST_E_ENGINE);
    host_free(&two);
    close(peer);
    return verdict();
}
