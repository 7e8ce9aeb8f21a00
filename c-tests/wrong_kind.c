/* An id of one kind is no id of another, and a number that was never an id is none at all. */
#include "check.h"

int main(void)
{
    struct host host;
    uint16_t port;
    int peer;
    size_t len;
    char byte;
    vst_addr addr;
    host_new(&host, HOST_EPOLL);
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

    CHECK_EQ(vst_conn_close(engine, 0), VST_E_ARGUMENT);
    CHECK_EQ(vst_conn_close(engine, UINT64_MAX), VST_E_ARGUMENT);
    CHECK_EQ(vst_engine_ready(engine, 0, VST_IO_IN, 0, NULL), VST_E_ARGUMENT);
    host_free(&host);
    close(peer);
    return verdict();
}
