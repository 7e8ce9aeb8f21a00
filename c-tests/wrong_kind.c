/* An id of one kind is no id of another, and a number that was never an id is none at all. */
#include "check.h"

static void links_and_agents(vst_engine *engine, vst_id door, vst_id conn)
{
    vst_agent_options options = {.size = sizeof options};
    vst_connect_options connect = {.size = sizeof connect};
    vst_tls_client_options of_tls = {.size = sizeof of_tls,
                                     .flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION};
    vst_accept_config *config = accepting(NULL);
    vst_connect_config *made = (void *)engine;
    vst_tls_client *tls;
    vst_id link, agent;
    uint32_t clients, channels;
    size_t len;
    char byte;
    MUST(vst_tls_client_new(&of_tls, &tls, NULL, 0) == VST_OK);
    MUST(vst_link_open(engine, "unix:@nobody", NULL, NULL, &link, NULL, 0) == VST_OK);
    MUST(vst_agent_new(engine, &options, &agent, NULL, 0) == VST_OK);
    const struct { vst_id link, agent; vst_status due; } none[] = {
        {door, door, VST_E_KIND}, {conn, conn, VST_E_KIND}, {agent, link, VST_E_KIND},
        {0, 0, VST_E_ARGUMENT}, {UINT64_MAX, UINT64_MAX, VST_E_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        vst_id to = none[i].link, of = none[i].agent;
        vst_status due = none[i].due;
        CHECK_EQ(vst_link_close(engine, to), due);
        CHECK_EQ(vst_link_accept(engine, to, "x", config, NULL, NULL, 0), due);
        CHECK_EQ(vst_link_stop_accepting(engine, to, "x"), due);
        CHECK_EQ(vst_link_describe(engine, to, &byte, 1, &len), due);
        CHECK_EQ(vst_agent_add_tls(engine, of, "x", tls), due);
        CHECK_EQ(vst_agent_serve(engine, of, conn), due);
        CHECK_EQ(vst_agent_offer(engine, of, conn, "x"), due);
        CHECK_EQ(vst_agent_resolved(engine, of, 1, NULL, 0), due);
        CHECK_EQ(vst_agent_load(engine, of, &clients, &channels), due);
        CHECK_EQ(vst_agent_describe(engine, of, &byte, 1, &len), due);
        CHECK_EQ(vst_agent_drain(engine, of), due);
        CHECK_EQ(vst_agent_close(engine, of), due);
        if (to != 0) {
            connect.link = to;
            CHECK_EQ(vst_connect_config_new(&connect, &made, NULL, 0), due);
            CHECK(made == NULL);
        }
    }
    CHECK_EQ(vst_agent_serve(engine, agent, door), VST_E_KIND);
    CHECK_EQ(vst_agent_offer(engine, agent, door, "x"), VST_E_KIND);
    CHECK_EQ(vst_conn_close(engine, link), VST_E_KIND);
    CHECK_EQ(vst_listener_close(engine, agent), VST_E_KIND);
    vst_accept_config_free(config);
    vst_tls_client_free(tls);
}

int main(void)
{
    struct host host;
    uint16_t port;
    int peer;
    size_t len;
    char byte;
    vst_addr addr;
    host_new(&host, HOST_EPOLL);
    host.breaks_contract = 1;
    vst_id door = listener(&host, NULL, &port);
    vst_id conn = session(&host, port, &peer);
    vst_engine *engine = host.engine;

    CHECK_EQ(vst_conn_close(engine, door), VST_E_KIND);
    CHECK_EQ(vst_conn_recv(engine, door, &byte, 1, &len), VST_E_KIND);
    CHECK_EQ(vst_listener_addr(engine, conn, &addr), VST_E_KIND);
    CHECK_EQ(vst_listener_close(engine, conn), VST_E_KIND);
    CHECK_EQ(vst_stream_abort(engine, conn), VST_E_KIND);
    CHECK_EQ(vst_stream_abort(engine, door), VST_E_KIND);
    /* Readiness is reported with tokens, and a connection's id is none. */
    CHECK_EQ(vst_engine_ready(engine, conn, VST_IO_IN, 0, NULL), VST_E_KIND);
    for (int fd = 0; fd < FDS; fd++)
        if (host.watch[fd].announced)
            CHECK_EQ(vst_conn_close(engine, host.watch[fd].token), VST_E_KIND);

    vst_backend_options options;
    vst_server_options server_options;
    vst_backend_counters counters = {.size = sizeof counters};
    vst_server_status server = {.size = sizeof server};
    vst_id backend, stream = 9;
    uint32_t index = 9;
    MUST(vst_backend_options_init(&options, sizeof options) == VST_OK);
    MUST(vst_server_options_init(&server_options, sizeof server_options) == VST_OK);
    MUST(vst_backend_new(engine, &options, &backend, NULL, 0) == VST_OK);
    server_options.name = "a";
    CHECK_EQ(vst_backend_add_server(engine, door, &server_options, &index, NULL, 0), VST_E_KIND);
    CHECK_EQ(index, VST_NO_SERVER);
    CHECK_EQ(vst_server_set_weight(engine, conn, 0, 1), VST_E_KIND);
    CHECK_EQ(vst_server_set_state(engine, conn, 0, VST_ADMIN_READY), VST_E_KIND);
    CHECK_EQ(vst_server_set_addresses(engine, conn, 0, NULL, NULL, 0), VST_E_KIND);
    CHECK_EQ(vst_server_state(engine, conn, 0, &server), VST_E_KIND);
    CHECK_EQ(vst_backend_get_counters(engine, conn, &counters), VST_E_KIND);
    CHECK_EQ(vst_server_get_counters(engine, conn, 0, &counters), VST_E_KIND);
    CHECK_EQ(vst_conn_forward_to(engine, conn, door, NULL, NULL, &stream), VST_E_KIND);
    CHECK_EQ(stream, 0);
    CHECK_EQ(vst_conn_forward_to(engine, door, backend, NULL, NULL, &stream), VST_E_KIND);
    CHECK_EQ(vst_conn_close(engine, backend), VST_E_KIND);
    CHECK_EQ(vst_listener_close(engine, backend), VST_E_KIND);
    CHECK_EQ(vst_stream_abort(engine, backend), VST_E_KIND);
    CHECK_EQ(vst_backend_get_counters(engine, 0, &counters), VST_E_ARGUMENT);

    uint32_t uid = 9;
    const struct { vst_id id; vst_status due; } none[] = {
        {door, VST_E_KIND}, {backend, VST_E_KIND}, {0, VST_E_ARGUMENT}, {UINT64_MAX, VST_E_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        CHECK_EQ(vst_fed_set_data(engine, none[i].id, NULL), none[i].due);
        CHECK_EQ(vst_fed_copy_unsent(engine, none[i].id, 0, &byte, 1, &len), none[i].due);
        CHECK_EQ(vst_fed_opened(engine, none[i].id, NULL), none[i].due);
        CHECK_EQ(vst_fed_failed(engine, none[i].id, ECONNREFUSED), none[i].due);
        CHECK_EQ(vst_fed_received(engine, none[i].id, "x", 1, &len), none[i].due);
        CHECK_EQ(vst_fed_sent(engine, none[i].id, 0), none[i].due);
        CHECK_EQ(vst_fed_ended(engine, none[i].id), none[i].due);
        CHECK_EQ(vst_fed_hung_up(engine, none[i].id, ECONNRESET), none[i].due);
        CHECK_EQ(vst_fed_closed(engine, none[i].id), none[i].due);
        CHECK_EQ(vst_conn_peer_credentials(engine, none[i].id, &uid, NULL), none[i].due);
        CHECK_EQ(uid, UINT32_MAX);
    }

    links_and_agents(engine, door, conn);

    CHECK_EQ(vst_conn_close(engine, 0), VST_E_ARGUMENT);
    CHECK_EQ(vst_conn_close(engine, UINT64_MAX), VST_E_ARGUMENT);
    CHECK_EQ(vst_engine_ready(engine, 0, VST_IO_IN, 0, NULL), VST_E_ARGUMENT);
    host_free(&host);
    close(peer);
    return verdict();
}
