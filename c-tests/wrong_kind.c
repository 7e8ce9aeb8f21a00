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
    /* Readiness is told with tokens, and a connection's id is none. */
    CHECK_EQ(vst_engine_ready(engine, conn, VST_IO_IN, 0, NULL), VST_E_KIND);
    for (int fd = 0; fd < FDS; fd++)
        if (host.watch[fd].announced)
            CHECK_EQ(vst_conn_close(engine, host.watch[fd].token), VST_E_KIND);

    CHECK_EQ(vst_conn_close(engine, 0), VST_E_ARGUMENT);
    CHECK_EQ(vst_conn_close(engine, UINT64_MAX), VST_E_ARGUMENT);
    CHECK_EQ(vst_engine_ready(engine, 0, VST_IO_IN, 0, NULL), VST_E_ARGUMENT);
    host_free(&host);
    close(peer);
    return verdict();
}
