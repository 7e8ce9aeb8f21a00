/* Every function with every pointer NULL in turn: VST_E_NULL, or, if NULL is allowed, no harm. The other
 * outputs are written nevertheless. */
#include "check.h"

static uint64_t raw[128]; /* room for any out-parameter */

#define NULLS(call) CHECK_EQ((call), VST_E_NULL)

static void backends(vst_engine *e, vst_id conn)
{
    vst_backend_options options;
    vst_server_options server;
    vst_backend_counters counters = {.size = sizeof counters};
    vst_server_status state = {.size = sizeof state};
    vst_id backend, id = 9;
    uint32_t index = 9;
    char why[64];
    NULLS(vst_backend_options_init(NULL, sizeof options));
    NULLS(vst_server_options_init(NULL, sizeof server));
    MUST(vst_backend_options_init(&options, sizeof options) == VST_OK);
    MUST(vst_server_options_init(&server, sizeof server) == VST_OK);
    NULLS(vst_backend_new(NULL, &options, &id, NULL, 0));
    CHECK_EQ(id, 0);
    id = 9;
    NULLS(vst_backend_new(e, NULL, &id, NULL, 0));
    CHECK_EQ(id, 0);
    NULLS(vst_backend_new(e, &options, NULL, NULL, 0));
    MUST(vst_backend_new(e, &options, &backend, NULL, 0) == VST_OK);

    NULLS(vst_backend_add_server(e, backend, &server, &index, why, sizeof why));
    CHECK_EQ(index, VST_NO_SERVER);
    server.name = "a";
    index = 9;
    NULLS(vst_backend_add_server(NULL, backend, &server, &index, why, sizeof why));
    CHECK_EQ(index, VST_NO_SERVER);
    index = 9;
    NULLS(vst_backend_add_server(e, backend, NULL, &index, why, sizeof why));
    CHECK_EQ(index, VST_NO_SERVER);
    NULLS(vst_backend_add_server(e, backend, &server, NULL, why, sizeof why));
    server.flags = VST_SERVER_CHECK;
    server.check_send_len = 1;
    NULLS(vst_backend_add_server(e, backend, &server, &index, why, sizeof why));
    server.check_send_len = 0;
    server.check_expect_len = 1;
    NULLS(vst_backend_add_server(e, backend, &server, &index, why, sizeof why));
    server.check_expect_len = 0;
    CHECK_EQ(vst_backend_add_server(e, backend, &server, &index, NULL, 0), VST_OK);
    CHECK_EQ(index, 0);
    index = 9;
    CHECK_EQ(vst_backend_add_server(e, backend, &server, &index, NULL, 0), VST_E_CONFIG);
    CHECK_EQ(index, VST_NO_SERVER);

    NULLS(vst_server_set_weight(NULL, backend, 0, 1));
    NULLS(vst_server_set_state(NULL, backend, 0, VST_ADMIN_READY));
    NULLS(vst_server_set_addresses(NULL, backend, 0, "127.0.0.1:1", NULL, 0));
    CHECK_EQ(vst_server_set_addresses(e, backend, 0, NULL, NULL, 0), VST_OK);
    NULLS(vst_server_state(NULL, backend, 0, &state));
    NULLS(vst_server_state(e, backend, 0, NULL));
    char text[4];
    size_t len;
    NULLS(vst_backend_describe(NULL, backend, text, sizeof text, &len));
    NULLS(vst_backend_describe(e, backend, NULL, 100000, &len));
    NULLS(vst_backend_describe(e, backend, text, sizeof text, NULL));
    NULLS(vst_backend_set_name(NULL, backend, "x"));
    NULLS(vst_backend_set_name(e, backend, NULL));
    NULLS(vst_backend_get_counters(NULL, backend, &counters));
    NULLS(vst_backend_get_counters(e, backend, NULL));
    NULLS(vst_server_get_counters(NULL, backend, 0, &counters));
    NULLS(vst_server_get_counters(e, backend, 0, NULL));
    id = 9;
    NULLS(vst_conn_forward_to(NULL, conn, backend, NULL, NULL, &id));
    CHECK_EQ(id, 0);
    NULLS(vst_conn_forward_to(e, conn, backend, NULL, NULL, NULL));
}

static int32_t step(void *data, vst_engine *engine, vst_step *step)
{
    (void)data, (void)engine, (void)step;
    return VST_NEXT_LATER;
}

static void handlers(vst_engine *e, vst_id conn)
{
    vst_accept_options accept;
    vst_accept_config *accept_made = (void *)raw;
    vst_connect_options connect;
    vst_connect_config *connect_made = (void *)raw;
    vst_handler one = {.size = sizeof one};
    vst_start_tls start = {.size = sizeof start};
    vst_waker *waker = (void *)raw;
    size_t len = 9;
    MUST(vst_accept_options_init(&accept, sizeof accept) == VST_OK);
    MUST(vst_connect_options_init(&connect, sizeof connect) == VST_OK);
    accept.handler_count = connect.handler_count = 1;
    NULLS(vst_accept_config_new(&accept, &accept_made, NULL, 0));
    NULLS(vst_connect_config_new(&connect, &connect_made, NULL, 0));
    accept.handlers = connect.handlers = &one;
    NULLS(vst_accept_config_new(&accept, &accept_made, NULL, 0));
    NULLS(vst_connect_config_new(&connect, &connect_made, NULL, 0));
    CHECK(accept_made == NULL && connect_made == NULL);
    /* Its data and its discard function may be NULL. */
    one.step = step;
    CHECK_EQ(vst_accept_config_new(&accept, &accept_made, NULL, 0), VST_OK);
    vst_accept_config_free(accept_made);
    accept.handlers = NULL;
    accept.handler_count = 0;
    CHECK_EQ(vst_accept_config_new(&accept, &accept_made, NULL, 0), VST_OK);
    vst_accept_config_free(accept_made);

    NULLS(vst_handler_peek(NULL, conn, raw, sizeof raw, &len));
    CHECK_EQ(len, 0);
    NULLS(vst_handler_peek(e, conn, NULL, sizeof raw, &len));
    NULLS(vst_handler_peek(e, conn, raw, sizeof raw, NULL));
    NULLS(vst_handler_consume(NULL, conn, 0));
    len = 9;
    NULLS(vst_handler_send(NULL, conn, raw, 1, &len));
    CHECK_EQ(len, 0);
    NULLS(vst_handler_send(e, conn, NULL, 1, &len));
    NULLS(vst_handler_send(e, conn, raw, 1, NULL));
    NULLS(vst_conn_handler_done(NULL, conn, 1, VST_NEXT_DONE, 0, NULL));

    NULLS(vst_engine_waker(NULL, &waker));
    CHECK(waker == NULL);
    NULLS(vst_engine_waker(e, NULL));
    NULLS(vst_waker_post(NULL, conn, 1, VST_NEXT_DONE, 0));
    vst_waker_free(NULL);
    NULLS(vst_conn_start_tls(NULL, conn, &start, NULL, 0));
    NULLS(vst_conn_start_tls(e, conn, NULL, NULL, 0));
    start.early_len = 1;
    CHECK_EQ(vst_conn_start_tls(e, conn, &start, NULL, 0), VST_E_ARGUMENT);
}

static void rules(vst_engine *e, vst_id door, vst_id conn)
{
    char text[64];
    size_t len = 9;
    vst_id id = 9;
    vst_rules *made;
    MUST(vst_rules_new(NULL, 0, NULL, 0, NULL, &made, NULL, 0) == VST_OK);
    NULLS(vst_rules_replace(NULL, made));
    NULLS(vst_rules_replace(made, NULL));
    CHECK_EQ(vst_rules_replace(made, made), VST_OK);
    NULLS(vst_rules_check(NULL, made, NULL, 0));
    NULLS(vst_rules_check(e, NULL, NULL, 0));
    CHECK_EQ(vst_rules_check(e, made, NULL, 0), VST_OK);
    vst_rules_free(made);
    vst_rules_free(NULL);
    NULLS(vst_listener_set_name(NULL, door, "x"));
    NULLS(vst_listener_set_name(e, door, NULL));
    NULLS(vst_conn_chosen_backend(NULL, conn, &id));
    CHECK_EQ(id, 0);
    NULLS(vst_conn_chosen_backend(e, conn, NULL));
    NULLS(vst_conn_variable(NULL, conn, "x", text, sizeof text, &len));
    CHECK_EQ(len, 0);
    len = 9;
    NULLS(vst_conn_variable(e, conn, NULL, text, sizeof text, &len));
    CHECK_EQ(len, 0);
    NULLS(vst_conn_variable(e, conn, "x", text, sizeof text, NULL));
}

static void fed(vst_engine *e)
{
    vst_accept_config *config = accepting(NULL);
    vst_fed_ask ask = {.size = sizeof ask, .asks = 9};
    vst_id id = 9, conn;
    size_t len = 9;
    uint32_t uid = 9, gid = 9;
    char why[64] = "";
    NULLS(vst_conn_feed(NULL, config, NULL, &id, why, sizeof why));
    CHECK(id == 0 && strlen(why) > 0);
    id = 9;
    NULLS(vst_conn_feed(e, NULL, NULL, &id, NULL, 0));
    CHECK_EQ(id, 0);
    NULLS(vst_conn_feed(e, config, NULL, NULL, NULL, 0));
    /* What is known of a connection may be nothing, and its addresses may be. */
    vst_feed_args args = {.size = sizeof args};
    CHECK_EQ(vst_conn_feed(e, config, &args, &conn, NULL, 0), VST_OK);
    CHECK_EQ(vst_conn_feed(e, config, NULL, &conn, NULL, 0), VST_OK);
    vst_accept_config_free(config);
    NULLS(vst_fed_next(NULL, &ask));
    CHECK_EQ(ask.asks, 0);
    NULLS(vst_fed_next(e, NULL));
    NULLS(vst_fed_set_data(NULL, conn, &ask));
    CHECK_EQ(vst_fed_set_data(e, conn, NULL), VST_OK);
    NULLS(vst_fed_copy_unsent(NULL, conn, 0, raw, sizeof raw, &len));
    CHECK_EQ(len, 0);
    len = 9;
    NULLS(vst_fed_copy_unsent(e, conn, 0, NULL, sizeof raw, &len));
    CHECK_EQ(len, 0);
    NULLS(vst_fed_copy_unsent(e, conn, 0, raw, sizeof raw, NULL));
    CHECK_EQ(vst_fed_copy_unsent(e, conn, 0, NULL, 0, &len), VST_OK);
    NULLS(vst_fed_opened(NULL, conn, NULL));
    NULLS(vst_fed_failed(NULL, conn, ECONNREFUSED));
    len = 9;
    NULLS(vst_fed_received(NULL, conn, "x", 1, &len));
    CHECK_EQ(len, 0);
    len = 9;
    NULLS(vst_fed_received(e, conn, NULL, 1, &len));
    CHECK_EQ(len, 0);
    NULLS(vst_fed_received(e, conn, "x", 1, NULL));
    CHECK_EQ(vst_fed_received(e, conn, NULL, 0, &len), VST_OK);
    NULLS(vst_fed_sent(NULL, conn, 0));
    NULLS(vst_fed_ended(NULL, conn));
    NULLS(vst_fed_hung_up(NULL, conn, ECONNRESET));
    NULLS(vst_fed_closed(NULL, conn));
    NULLS(vst_conn_peer_credentials(NULL, conn, &uid, &gid));
    CHECK(uid == UINT32_MAX && gid == UINT32_MAX);
    gid = 9;
    NULLS(vst_conn_peer_credentials(e, conn, NULL, &gid));
    CHECK_EQ(gid, UINT32_MAX);
    /* Nothing was received: the byte whose count had nowhere to go was not taken. */
    CHECK_EQ(vst_conn_recv(e, conn, raw, sizeof raw, &len), VST_WAIT);
    CHECK_EQ(vst_conn_abort(e, conn), VST_OK);
    CHECK_EQ(vst_fed_closed(e, conn), VST_OK);
}

static void links(vst_engine *e)
{
    vst_link_options options;
    vst_accept_config *config = accepting(NULL);
    vst_id id = 9, link;
    size_t len = 9;
    char why[64] = "", text[64];
    NULLS(vst_link_options_init(NULL, sizeof options));
    MUST(vst_link_options_init(&options, sizeof options) == VST_OK);
    NULLS(vst_link_open(NULL, "unix:@nobody", NULL, &options, &id, why, sizeof why));
    CHECK(id == 0 && strlen(why) > 0);
    id = 9;
    NULLS(vst_link_open(e, NULL, NULL, &options, &id, why, sizeof why));
    CHECK_EQ(id, 0);
    NULLS(vst_link_open(e, "unix:@nobody", NULL, &options, NULL, why, sizeof why));
    MUST(vst_link_open(e, "unix:@nobody", NULL, NULL, &link, NULL, 0) == VST_OK);
    NULLS(vst_link_accept(NULL, link, "x", config, NULL, why, sizeof why));
    NULLS(vst_link_accept(e, link, NULL, config, NULL, why, sizeof why));
    NULLS(vst_link_accept(e, link, "x", NULL, NULL, why, sizeof why));
    CHECK_EQ(vst_link_accept(e, link, "x", config, NULL, NULL, 0), VST_OK);
    vst_accept_config_free(config);
    NULLS(vst_link_stop_accepting(NULL, link, "x"));
    NULLS(vst_link_stop_accepting(e, link, NULL));
    CHECK_EQ(vst_link_stop_accepting(e, link, "x"), VST_OK);
    NULLS(vst_link_describe(NULL, link, text, sizeof text, &len));
    CHECK_EQ(len, 0);
    NULLS(vst_link_describe(e, link, NULL, 100000, &len));
    NULLS(vst_link_describe(e, link, text, sizeof text, NULL));
    NULLS(vst_link_close(NULL, link));
    CHECK_EQ(vst_link_close(e, link), VST_OK);
}

static void agents(vst_engine *e, vst_id conn)
{
    vst_agent_options options;
    vst_tls_client_options of_tls = {.size = sizeof of_tls,
                                     .flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION};
    vst_tls_client *tls;
    vst_addr addr = {.family = VST_ADDR_IPV4, .len = 4, .bytes = {127, 0, 0, 1}};
    vst_id id = 9, agent;
    uint32_t clients = 9, channels = 9;
    size_t len = 9;
    char why[64] = "", text[64];
    NULLS(vst_agent_options_init(NULL, sizeof options));
    MUST(vst_agent_options_init(&options, sizeof options) == VST_OK);
    MUST(vst_tls_client_new(&of_tls, &tls, NULL, 0) == VST_OK);
    NULLS(vst_agent_new(NULL, &options, &id, why, sizeof why));
    CHECK(id == 0 && strlen(why) > 0);
    id = 9;
    NULLS(vst_agent_new(e, NULL, &id, why, sizeof why));
    CHECK_EQ(id, 0);
    NULLS(vst_agent_new(e, &options, NULL, why, sizeof why));
    options.uid_count = 1;
    NULLS(vst_agent_new(e, &options, &id, why, sizeof why));
    options.uid_count = 0, options.gid_count = 1;
    NULLS(vst_agent_new(e, &options, &id, why, sizeof why));
    options.gid_count = 0;
    MUST(vst_agent_new(e, &options, &agent, NULL, 0) == VST_OK);
    NULLS(vst_agent_add_tls(NULL, agent, "x", tls));
    NULLS(vst_agent_add_tls(e, agent, NULL, tls));
    NULLS(vst_agent_add_tls(e, agent, "x", NULL));
    vst_tls_client_free(tls);
    NULLS(vst_agent_serve(NULL, agent, conn));
    NULLS(vst_agent_offer(NULL, agent, conn, "x"));
    NULLS(vst_agent_offer(e, agent, conn, NULL));
    NULLS(vst_agent_resolved(NULL, agent, 1, &addr, 0));
    /* Where there is no address, there is none. */
    CHECK_EQ(vst_agent_resolved(e, agent, 1, NULL, 0), VST_E_STATE);
    NULLS(vst_agent_drain(NULL, agent));
    NULLS(vst_agent_load(NULL, agent, &clients, &channels));
    CHECK(clients == 0 && channels == 0);
    channels = 9;
    NULLS(vst_agent_load(e, agent, NULL, &channels));
    CHECK_EQ(channels, 0);
    clients = 9;
    NULLS(vst_agent_load(e, agent, &clients, NULL));
    CHECK_EQ(clients, 0);
    NULLS(vst_agent_describe(NULL, agent, text, sizeof text, &len));
    CHECK_EQ(len, 0);
    NULLS(vst_agent_describe(e, agent, NULL, 100000, &len));
    NULLS(vst_agent_describe(e, agent, text, sizeof text, NULL));
    NULLS(vst_agent_close(NULL, agent));
    CHECK_EQ(vst_agent_close(e, agent), VST_OK);
}

int main(void)
{
    struct host host;
    uint16_t port;
    int peer, fd = 5, sys = 5;
    host_new(&host, HOST_EPOLL);
    vst_id door = listener(&host, NULL, &port), conn = session(&host, port, &peer), id;
    vst_engine *e = host.engine, *made;
    vst_accept_config *accept = accepting(NULL), *accept_made;
    vst_connect_config *connect = connecting(VST_SEND_PROXY_NONE), *connect_made;
    vst_wait wait = {.size = sizeof wait};
    vst_event event = {.size = sizeof event};
    vst_engine_counters counters = {.size = sizeof counters};
    vst_proxy_header header = {.size = sizeof header};
    vst_tls_info info = {.size = sizeof info};
    vst_addr a, b;
    vst_accept_options accept_options;
    vst_connect_options connect_options;
    vst_tls_server_options server_options;
    vst_tls_client_options client_options;
    vst_engine_options engine_options = {.size = sizeof engine_options};
    vst_tls_server *server;
    vst_tls_client *client;
    vst_loop *loop;
    void *user;
    char text[512];
    size_t len;
    uint32_t number;

    NULLS(vst_features(NULL));
    NULLS(vst_addr_text(NULL, text, sizeof text, &len));
    memset(&a, 0, sizeof a);
    NULLS(vst_addr_text(&a, NULL, sizeof text, &len));
    NULLS(vst_addr_text(&a, text, sizeof text, NULL));
    NULLS(vst_addr_parse(NULL, &a, NULL, 0));
    NULLS(vst_addr_parse("192.0.2.1:80", NULL, NULL, 0));

    NULLS(vst_metrics_text(NULL, text, sizeof text, &len));
    NULLS(vst_metrics_text(e, text, sizeof text, NULL));
    NULLS(vst_listener_set_monitor_fail(NULL, door, 1));
    NULLS(vst_engine_options_init(NULL, sizeof engine_options));
    NULLS(vst_accept_options_init(NULL, sizeof accept_options));
    NULLS(vst_connect_options_init(NULL, sizeof connect_options));
    NULLS(vst_listener_options_init(NULL, sizeof(vst_listener_options)));
    NULLS(vst_tls_server_options_init(NULL, sizeof server_options));
    NULLS(vst_tls_client_options_init(NULL, sizeof client_options));
    MUST(vst_accept_options_init(&accept_options, sizeof accept_options) == VST_OK);
    MUST(vst_connect_options_init(&connect_options, sizeof connect_options) == VST_OK);
    MUST(vst_tls_server_options_init(&server_options, sizeof server_options) == VST_OK);
    MUST(vst_tls_client_options_init(&client_options, sizeof client_options) == VST_OK);

    made = (void *)&host;
    NULLS(vst_engine_new(NULL, &made, NULL, 0));
    CHECK(made == NULL);
    NULLS(vst_engine_new(&engine_options, NULL, NULL, 0));
    CHECK_EQ(vst_engine_free(NULL), VST_OK);

    accept_made = (void *)&host;
    NULLS(vst_accept_config_new(NULL, &accept_made, text, sizeof text));
    CHECK(accept_made == NULL);
    NULLS(vst_accept_config_new(&accept_options, NULL, text, sizeof text));
    CHECK_EQ(vst_accept_config_new(&accept_options, &accept_made, NULL, 0), VST_OK);
    vst_accept_config_free(accept_made);
    vst_accept_config_free(NULL);
    connect_made = (void *)&host;
    NULLS(vst_connect_config_new(NULL, &connect_made, text, sizeof text));
    CHECK(connect_made == NULL);
    NULLS(vst_connect_config_new(&connect_options, NULL, text, sizeof text));
    vst_connect_config_free(NULL);

    server = (void *)&host;
    NULLS(vst_tls_server_new(NULL, &server, text, sizeof text));
    CHECK(server == NULL);
    NULLS(vst_tls_server_new(&server_options, NULL, text, sizeof text));
    server_options.identity_count = 1;
    CHECK(vst_tls_server_new(&server_options, &server, text, sizeof text) < 0);
    CHECK(server == NULL);
    server = (void *)&host;
    NULLS(vst_tls_server_self_signed(NULL, &server, text, sizeof text));
    CHECK(server == NULL);
    NULLS(vst_tls_server_self_signed("a.test", NULL, text, sizeof text));
    vst_tls_server_free(NULL);
    client = (void *)&host;
    NULLS(vst_tls_client_new(NULL, &client, text, sizeof text));
    CHECK(client == NULL);
    NULLS(vst_tls_client_new(&client_options, NULL, text, sizeof text));
    vst_tls_client_free(NULL);

    NULLS(vst_engine_ready(NULL, conn, VST_IO_IN, 0, &wait));
    CHECK_EQ(wait.deadline_ns, VST_NEVER);
    NULLS(vst_engine_ready_batch(NULL, NULL, 0, 0, &wait));
    NULLS(vst_engine_ready_batch(e, NULL, 1, 0, &wait));
    CHECK_EQ(vst_engine_ready_batch(e, NULL, 0, 0, &wait), VST_OK);
    NULLS(vst_engine_ready_fd(NULL, 0, VST_IO_IN, 0, &wait));
    NULLS(vst_engine_run(NULL, 0, &wait));
    CHECK_EQ(vst_engine_run(e, 0, NULL), VST_OK);
    NULLS(vst_engine_wait(NULL, &wait));
    NULLS(vst_engine_wait(e, NULL));
    NULLS(vst_engine_batch_begin(NULL));
    NULLS(vst_engine_batch_end(NULL, NULL));
    NULLS(vst_engine_next(NULL, &event));
    NULLS(vst_engine_next(e, NULL));
    NULLS(vst_engine_get_counters(NULL, &counters));
    NULLS(vst_engine_get_counters(e, NULL));

    id = 9;
    sys = 5;
    NULLS(vst_listener_open(NULL, "127.0.0.1:0", accept, NULL, &id, &sys, NULL, 0));
    CHECK_EQ(id, 0);
    CHECK_EQ(sys, 0);
    id = 9;
    NULLS(vst_listener_open(e, NULL, accept, NULL, &id, &sys, NULL, 0));
    CHECK_EQ(id, 0);
    id = 9;
    NULLS(vst_listener_open(e, "127.0.0.1:0", NULL, NULL, &id, &sys, NULL, 0));
    CHECK_EQ(id, 0);
    NULLS(vst_listener_open(e, "127.0.0.1:0", accept, NULL, NULL, &sys, NULL, 0));
    id = 9;
    NULLS(vst_listener_adopt(NULL, 0, accept, NULL, &id, &sys, NULL, 0));
    CHECK_EQ(id, 0);
    NULLS(vst_listener_adopt(e, 0, NULL, NULL, &id, &sys, NULL, 0));
    NULLS(vst_listener_adopt(e, 0, accept, NULL, NULL, &sys, NULL, 0));
    a.family = 9;
    NULLS(vst_listener_addr(NULL, door, &a));
    CHECK_EQ(a.family, VST_ADDR_NONE);
    NULLS(vst_listener_addr(e, door, NULL));
    NULLS(vst_listener_pause(NULL, door));
    NULLS(vst_listener_resume(NULL, door));
    NULLS(vst_listener_close(NULL, door));

    id = 9;
    sys = 5;
    NULLS(vst_conn_accept_fd(NULL, accept, 0, NULL, &id, &sys, NULL, 0));
    CHECK_EQ(id, 0);
    CHECK_EQ(sys, 0);
    NULLS(vst_conn_accept_fd(e, NULL, 0, NULL, &id, &sys, NULL, 0));
    NULLS(vst_conn_accept_fd(e, accept, 0, NULL, NULL, &sys, NULL, 0));
    id = 9;
    NULLS(vst_conn_adopt(NULL, 0, NULL, &id, &sys, NULL, 0));
    CHECK_EQ(id, 0);
    NULLS(vst_conn_adopt(e, 0, NULL, NULL, &sys, NULL, 0));
    id = 9;
    NULLS(vst_conn_connect(NULL, "127.0.0.1:1", connect, NULL, &id, NULL, 0));
    CHECK_EQ(id, 0);
    NULLS(vst_conn_connect(e, NULL, connect, NULL, &id, NULL, 0));
    NULLS(vst_conn_connect(e, "127.0.0.1:1", NULL, NULL, &id, NULL, 0));
    NULLS(vst_conn_connect(e, "127.0.0.1:1", connect, NULL, NULL, NULL, 0));
    vst_connect_args more = {.size = sizeof more, .tlv_count = 1};
    NULLS(vst_conn_connect(e, "127.0.0.1:1", connect, &more, &id, NULL, 0));

    len = 9;
    NULLS(vst_conn_recv(NULL, conn, raw, sizeof raw, &len));
    CHECK_EQ(len, 0);
    len = 9;
    NULLS(vst_conn_recv(e, conn, NULL, sizeof raw, &len));
    CHECK_EQ(len, 0);
    NULLS(vst_conn_recv(e, conn, raw, sizeof raw, NULL));
    vst_iovec piece = {.base = NULL, .len = 1};
    uint64_t in = 9, out = 9;
    len = 9;
    NULLS(vst_conn_recvv(NULL, conn, &piece, 1, &len));
    CHECK_EQ(len, 0);
    NULLS(vst_conn_recvv(e, conn, NULL, 1, &len));
    NULLS(vst_conn_recvv(e, conn, &piece, 1, &len));
    NULLS(vst_conn_recvv(e, conn, &piece, 1, NULL));
    NULLS(vst_conn_sendv(NULL, conn, &piece, 1, &len));
    NULLS(vst_conn_sendv(e, conn, NULL, 1, &len));
    NULLS(vst_conn_sendv(e, conn, &piece, 1, &len));
    NULLS(vst_conn_sendv(e, conn, &piece, 1, NULL));
    len = 9;
    NULLS(vst_conn_peek(NULL, conn, raw, 1, &len));
    CHECK_EQ(len, 0);
    NULLS(vst_conn_peek(e, conn, NULL, 1, &len));
    NULLS(vst_conn_peek(e, conn, raw, 1, NULL));
    NULLS(vst_conn_bytes(NULL, conn, &in, &out));
    CHECK(in == 0 && out == 0);
    NULLS(vst_conn_bytes(e, conn, NULL, &out));
    NULLS(vst_conn_bytes(e, conn, &in, NULL));
    NULLS(vst_conn_set_timeout(NULL, conn, 1));
    NULLS(vst_conn_limit_rate(NULL, conn, VST_SHUT_BOTH, 1, 1));
    sys = 5;
    NULLS(vst_conn_fd(NULL, conn, &sys));
    CHECK_EQ(sys, -1);
    NULLS(vst_conn_fd(e, conn, NULL));
    id = 9;
    NULLS(vst_token_conn(NULL, conn, &id));
    CHECK_EQ(id, 0);
    NULLS(vst_token_conn(e, conn, NULL));
    NULLS(vst_token_set_user(NULL, conn, NULL));
    vst_conn_info conn_info = {.size = sizeof conn_info};
    NULLS(vst_engine_next_conn(NULL, 0, &conn_info));
    NULLS(vst_engine_next_conn(e, 0, NULL));
    NULLS(vst_waker_wake(NULL));
    NULLS(vst_group_new(NULL));
    vst_group_free(NULL);
    NULLS(vst_set_allocator(NULL));
    len = 9;
    NULLS(vst_conn_send(NULL, conn, raw, 1, &len));
    CHECK_EQ(len, 0);
    len = 9;
    NULLS(vst_conn_send(e, conn, NULL, 1, &len));
    CHECK_EQ(len, 0);
    NULLS(vst_conn_send(e, conn, raw, 1, NULL));
    CHECK_EQ(vst_conn_send(e, conn, NULL, 0, &len), VST_OK);
    NULLS(vst_conn_shutdown(NULL, conn, VST_SHUT_BOTH));
    NULLS(vst_conn_close(NULL, conn));
    NULLS(vst_conn_abort(NULL, conn));
    NULLS(vst_conn_take_fd(NULL, conn, &fd, raw, sizeof raw, &len));
    CHECK_EQ(fd, -1);
    NULLS(vst_conn_take_fd(e, conn, NULL, raw, sizeof raw, &len));
    NULLS(vst_conn_take_fd(e, conn, &fd, raw, sizeof raw, NULL));
    CHECK_EQ(fd, -1);
    id = 9;
    NULLS(vst_conn_forward(NULL, conn, conn, NULL, NULL, &id));
    vst_drain drain = {.size = sizeof drain};
    vst_stream_options stream_options = {.size = sizeof stream_options};
    vst_stream_config *stream;
    NULLS(vst_engine_trace(NULL, 0));
    NULLS(vst_engine_drain(NULL, VST_DRAIN_CLOSE, 0));
    NULLS(vst_engine_drain_state(NULL, &drain));
    NULLS(vst_engine_drain_state(e, NULL));
    NULLS(vst_stream_options_init(NULL, sizeof(vst_stream_options)));
    NULLS(vst_stream_config_new(NULL, &stream, NULL, 0));
    NULLS(vst_stream_config_new(&stream_options, NULL, NULL, 0));
    vst_stream_config_free(NULL);
    CHECK_EQ(id, 0);
    NULLS(vst_conn_forward(e, conn, conn, NULL, NULL, NULL));
    NULLS(vst_stream_abort(NULL, conn));
    len = 9;
    NULLS(vst_stream_describe(NULL, conn, text, sizeof text, &len));
    CHECK_EQ(len, 0);
    NULLS(vst_stream_describe(e, conn, text, sizeof text, NULL));
    backends(e, conn);
    handlers(e, conn);
    rules(e, door, conn);
    fed(e);
    links(e);
    agents(e, conn);
    host.reported[VST_EVENT_CLOSED] = 0;
    user = raw;
    NULLS(vst_conn_user(NULL, conn, &user));
    CHECK(user == NULL);
    NULLS(vst_conn_user(e, conn, NULL));
    NULLS(vst_conn_set_user(NULL, conn, NULL));
    CHECK_EQ(vst_conn_set_user(e, conn, NULL), VST_OK);
    number = 9;
    NULLS(vst_conn_state(NULL, conn, &number));
    CHECK_EQ(number, VST_STATE_CLOSED);
    NULLS(vst_conn_state(e, conn, NULL));
    a.family = b.family = 9;
    NULLS(vst_conn_addrs(NULL, conn, &a, &b));
    CHECK(a.family == VST_ADDR_NONE && b.family == VST_ADDR_NONE);
    b.family = 9;
    NULLS(vst_conn_addrs(e, conn, NULL, &b));
    CHECK_EQ(b.family, VST_ADDR_NONE);
    NULLS(vst_conn_addrs(e, conn, &a, NULL));
    NULLS(vst_conn_socket_addrs(NULL, conn, &a, &b));
    NULLS(vst_conn_socket_addrs(e, conn, NULL, &b));
    NULLS(vst_conn_socket_addrs(e, conn, &a, NULL));
    NULLS(vst_conn_proxy_header(NULL, conn, &header));
    NULLS(vst_conn_proxy_header(e, conn, NULL));
    len = number = 9;
    NULLS(vst_conn_proxy_tlv(NULL, conn, 0, &number, (uint8_t *)text, sizeof text, &len));
    CHECK(number == 0 && len == 0);
    NULLS(vst_conn_proxy_tlv(e, conn, 0, NULL, (uint8_t *)text, sizeof text, &len));
    NULLS(vst_conn_proxy_tlv(e, conn, 0, &number, (uint8_t *)text, sizeof text, NULL));
    NULLS(vst_conn_tls_info(NULL, conn, &info));
    NULLS(vst_conn_tls_info(e, conn, NULL));
    NULLS(vst_conn_tls_text(NULL, conn, 1, text, sizeof text, &len));
    NULLS(vst_conn_tls_text(e, conn, 1, text, sizeof text, NULL));
    NULLS(vst_conn_tls_certificate(NULL, conn, 0, (uint8_t *)text, sizeof text, &len));
    NULLS(vst_conn_tls_certificate(e, conn, 0, (uint8_t *)text, sizeof text, NULL));
    vst_layers layers = {.size = sizeof layers};
    uint32_t shut = 9;
    NULLS(vst_conn_shut(NULL, conn, &shut));
    CHECK_EQ(shut, 0);
    NULLS(vst_conn_shut(e, conn, NULL));
    NULLS(vst_conn_layers(NULL, conn, &layers));
    NULLS(vst_conn_layers(e, conn, NULL));
    NULLS(vst_listener_describe(NULL, door, text, sizeof text, &len));
    NULLS(vst_listener_describe(e, door, NULL, 100000, &len));
    NULLS(vst_listener_describe(e, door, text, sizeof text, NULL));
    NULLS(vst_conn_describe(NULL, conn, text, sizeof text, &len));
    NULLS(vst_conn_describe(e, conn, NULL, 100000, &len));
    NULLS(vst_conn_describe(e, conn, text, sizeof text, NULL));

    loop = (void *)&host;
    engine_options.event = host_event;
    NULLS(vst_loop_new(NULL, &loop, &sys, NULL, 0));
    CHECK(loop == NULL);
    NULLS(vst_loop_new(&engine_options, NULL, &sys, NULL, 0));
    NULLS(vst_loop_engine(NULL, &made));
    CHECK(made == NULL);
    NULLS(vst_loop_run(NULL, 0));
    NULLS(vst_loop_stop(NULL));
    CHECK_EQ(vst_loop_free(NULL), VST_OK);

    /* None of these calls changed the session. */
    CHECK_EQ(vst_conn_state(e, conn, &number), VST_OK);
    CHECK_EQ(number, VST_STATE_ESTABLISHED);
    CHECK_EQ(host.reported[VST_EVENT_CLOSED], 0);
    vst_accept_config_free(accept);
    vst_connect_config_free(connect);
    host_free(&host);
    close(peer);
    return verdict();
}
