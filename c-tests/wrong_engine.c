/* An id of one engine is refused by another, also after its own engine is gone. */
#include "check.h"

int main(void)
{
    struct host one, two;
    uint16_t port;
    int peer;
    uint32_t state = 9;
    vst_addr addr;
    host_new(&one, HOST_EPOLL);
    host_new(&two, HOST_EPOLL);
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
    CHECK_EQ(vst_conn_state(one.engine, conn, &state), VST_OK);
    CHECK_EQ(state, VST_STATE_ESTABLISHED);

    host_free(&one);
    CHECK_EQ(vst_conn_state(two.engine, conn, &state), VST_E_ENGINE);
    host_free(&two);
    close(peer);
    return verdict();
}
