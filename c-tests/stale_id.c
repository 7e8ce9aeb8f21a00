/* The id of something that has ended is answered with VST_E_STALE by every function, for ever. */
#include "check.h"

/* A link is stale from its last event on, an agent from the call that ends it. */
static void links_and_agents(struct host *host, vst_id old, vst_id conn)
{
    vst_engine *engine = host->engine;
    vst_agent_options options = {.size = sizeof options};
    vst_tls_client_options of_tls = {.size = sizeof of_tls,
                                     .flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION};
    vst_accept_config *config = accepting(NULL);
    vst_tls_client *tls;
    vst_id link, agent, live;
    uint32_t clients = 9, channels = 9, state;
    size_t len;
    char byte;
    MUST(vst_tls_client_new(&of_tls, &tls, NULL, 0) == VST_OK);
    MUST(vst_link_open(engine, "unix:@nobody", NULL, NULL, &link, NULL, 0) == VST_OK);
    CHECK_EQ(vst_link_close(engine, link), VST_OK);
    HOST_UNTIL(host, host->reported[VST_EVENT_LINK_CLOSED] == 1);
    CHECK(host->last[VST_EVENT_LINK_CLOSED] == link);
    CHECK_EQ(vst_link_close(engine, link), VST_E_STALE);
    CHECK_EQ(vst_link_accept(engine, link, "x", config, NULL, NULL, 0), VST_E_STALE);
    CHECK_EQ(vst_link_stop_accepting(engine, link, "x"), VST_E_STALE);
    len = 9;
    CHECK_EQ(vst_link_describe(engine, link, &byte, 1, &len), VST_E_STALE);
    CHECK_EQ(len, 0);

    MUST(vst_agent_new(engine, &options, &agent, NULL, 0) == VST_OK);
    CHECK_EQ(vst_agent_close(engine, agent), VST_OK);
    MUST(vst_agent_new(engine, &options, &live, NULL, 0) == VST_OK);
    CHECK_EQ(vst_agent_close(engine, agent), VST_E_STALE);
    CHECK_EQ(vst_agent_drain(engine, agent), VST_E_STALE);
    CHECK_EQ(vst_agent_add_tls(engine, agent, "x", tls), VST_E_STALE);
    CHECK_EQ(vst_agent_serve(engine, agent, conn), VST_E_STALE);
    CHECK_EQ(vst_agent_offer(engine, agent, conn, "x"), VST_E_STALE);
    CHECK_EQ(vst_agent_resolved(engine, agent, 1, NULL, 0), VST_E_STALE);
    CHECK_EQ(vst_agent_load(engine, agent, &clients, &channels), VST_E_STALE);
    CHECK(clients == 0 && channels == 0);
    len = 9;
    CHECK_EQ(vst_agent_describe(engine, agent, &byte, 1, &len), VST_E_STALE);
    CHECK_EQ(len, 0);
    CHECK_EQ(vst_agent_serve(engine, live, old), VST_E_STALE);
    CHECK_EQ(vst_agent_offer(engine, live, old, "x"), VST_E_STALE);
    CHECK_EQ(vst_conn_state(engine, conn, &state), VST_OK);
    CHECK_EQ(state, VST_STATE_ESTABLISHED);
    vst_accept_config_free(config);
    vst_tls_client_free(tls);
}

int main(void)
{
    struct host host;
    uint16_t port;
    int peer;
    char byte;
    size_t len;
    uint32_t state;
    void *user = &host;
    vst_addr a, b;
    host_new(&host, HOST_EPOLL);
    vst_id door = listener(&host, NULL, &port);
    vst_id old = session(&host, port, &peer);

    CHECK_EQ(vst_conn_abort(host.engine, old), VST_OK);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 1);
    CHECK(host.last[VST_EVENT_CLOSED] == old);
    close(peer);

    /* The slot is used again: the old id still means the old connection. */
    vst_id new = session(&host, port, &peer);
    CHECK(new != old);
    vst_engine *engine = host.engine;
    CHECK_EQ(vst_conn_state(engine, new, &state), VST_OK);
    CHECK_EQ(vst_conn_state(engine, old, &state), VST_E_STALE);
    CHECK_EQ(state, VST_STATE_CLOSED);
    CHECK_EQ(vst_conn_recv(engine, old, &byte, 1, &len), VST_E_STALE);
    CHECK_EQ(len, 0);
    CHECK_EQ(vst_conn_send(engine, old, "x", 1, &len), VST_E_STALE);
    CHECK_EQ(len, 0);
    CHECK_EQ(vst_conn_shutdown(engine, old, VST_SHUT_WRITE), VST_E_STALE);
    CHECK_EQ(vst_conn_close(engine, old), VST_E_STALE);
    CHECK_EQ(vst_conn_abort(engine, old), VST_E_STALE);
    CHECK_EQ(vst_conn_user(engine, old, &user), VST_E_STALE);
    CHECK(user == NULL);
    CHECK_EQ(vst_conn_set_user(engine, old, NULL), VST_E_STALE);
    CHECK_EQ(vst_conn_addrs(engine, old, &a, &b), VST_E_STALE);
    CHECK_EQ(a.family, VST_ADDR_NONE);
    CHECK_EQ(b.family, VST_ADDR_NONE);
    CHECK_EQ(vst_conn_socket_addrs(engine, old, &a, &b), VST_E_STALE);
    CHECK_EQ(vst_conn_describe(engine, old, &byte, 1, &len), VST_E_STALE);
    vst_proxy_header header = {.size = sizeof header, .version = 9, .tlv_count = 9};
    CHECK_EQ(vst_conn_proxy_header(engine, old, &header), VST_E_STALE);
    CHECK(header.size == sizeof header && header.version == 0 && header.tlv_count == 0);
    vst_tls_info info = {.size = sizeof info, .version = 9, .certificate_count = 9};
    CHECK_EQ(vst_conn_tls_info(engine, old, &info), VST_E_STALE);
    CHECK(info.size == sizeof info && info.version == 0 && info.certificate_count == 0);
    CHECK_EQ(vst_handler_peek(engine, old, NULL, 0, &len), VST_E_STALE);
    CHECK_EQ(vst_handler_consume(engine, old, 0), VST_E_STALE);
    CHECK_EQ(vst_handler_send(engine, old, "x", 1, &len), VST_E_STALE);
    CHECK_EQ(vst_conn_handler_done(engine, old, 1, VST_NEXT_DONE, 0, NULL), VST_E_STALE);
    vst_id stream = 7;
    CHECK_EQ(vst_conn_forward(engine, old, new, NULL, NULL, &stream), VST_E_STALE);
    CHECK_EQ(stream, 0);
    CHECK_EQ(vst_conn_forward(engine, new, old, NULL, NULL, &stream), VST_E_STALE);
    vst_backend_options options;
    vst_id backend;
    MUST(vst_backend_options_init(&options, sizeof options) == VST_OK);
    MUST(vst_backend_new(engine, &options, &backend, NULL, 0) == VST_OK);
    CHECK_EQ(vst_conn_forward_to(engine, old, backend, NULL, NULL, &stream), VST_E_STALE);
    CHECK_EQ(stream, 0);
    CHECK_EQ(vst_conn_state(engine, new, &state), VST_OK);
    CHECK_EQ(state, VST_STATE_ESTABLISHED);
    CHECK_EQ(vst_conn_peer_credentials(engine, old, &state, NULL), VST_E_STALE);
    CHECK_EQ(state, UINT32_MAX);

    /* What is below a connection may be reported about after it is gone, and below another is nothing. */
    vst_accept_config *config = accepting(NULL);
    vst_id gone, fed;
    MUST(vst_conn_feed(engine, config, NULL, &gone, NULL, 0) == VST_OK);
    CHECK_EQ(vst_conn_abort(engine, gone), VST_OK);
    CHECK_EQ(vst_fed_closed(engine, gone), VST_OK);
    MUST(vst_conn_feed(engine, config, NULL, &fed, NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    const vst_id stale[] = {old, gone};
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(vst_fed_set_data(engine, stale[i], NULL), VST_E_STALE);
        len = 9;
        CHECK_EQ(vst_fed_copy_unsent(engine, stale[i], 0, &byte, 1, &len), VST_E_STALE);
        CHECK_EQ(len, 0);
        CHECK_EQ(vst_fed_opened(engine, stale[i], NULL), VST_E_STALE);
        CHECK_EQ(vst_fed_failed(engine, stale[i], ECONNREFUSED), VST_E_STALE);
        len = 9;
        CHECK_EQ(vst_fed_received(engine, stale[i], "x", 1, &len), VST_E_STALE);
        CHECK_EQ(len, 0);
        CHECK_EQ(vst_fed_sent(engine, stale[i], 0), VST_E_STALE);
        CHECK_EQ(vst_fed_ended(engine, stale[i]), VST_E_STALE);
        CHECK_EQ(vst_fed_hung_up(engine, stale[i], ECONNRESET), VST_E_STALE);
        CHECK_EQ(vst_fed_closed(engine, stale[i]), VST_E_STALE);
    }
    CHECK_EQ(vst_conn_state(engine, fed, &state), VST_OK);
    CHECK_EQ(state, VST_STATE_ESTABLISHED);

    links_and_agents(&host, old, new);

    CHECK_EQ(vst_listener_close(engine, door), VST_OK);
    HOST_UNTIL(&host, host.reported[VST_EVENT_LISTENER_CLOSED] == 1);
    CHECK_EQ(vst_listener_pause(engine, door), VST_E_STALE);
    CHECK_EQ(vst_listener_resume(engine, door), VST_E_STALE);
    CHECK_EQ(vst_listener_close(engine, door), VST_E_STALE);
    CHECK_EQ(vst_listener_addr(engine, door, &a), VST_E_STALE);
    CHECK_EQ(a.family, VST_ADDR_NONE);

    host_free(&host);
    close(peer);
    return verdict();
}
