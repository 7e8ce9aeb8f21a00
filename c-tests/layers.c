/* What can be observed of a connection from outside: SHR, SHW and ERR, and the progress of its layers;
 * and how a listener and a backend describe themselves. */
#include "check.h"

static char line[4096];

static uint32_t shut_of(struct host *host, vst_id conn)
{
    uint32_t flags = 99;
    CHECK_EQ(vst_conn_shut(host->engine, conn, &flags), VST_OK);
    return flags;
}

static vst_layers layers_of(struct host *host, vst_id conn)
{
    vst_layers layers = {.size = sizeof layers};
    CHECK_EQ(vst_conn_layers(host->engine, conn, &layers), VST_OK);
    CHECK_EQ(layers.size, sizeof layers);
    return layers;
}

/* The session is aborted while its id is still valid: in a callback. */
static void give_up(struct host *host, const vst_event *event)
{
    if (event->kind != VST_EVENT_SESSION)
        return;
    CHECK_EQ(shut_of(host, event->id), 0);
    CHECK_EQ(vst_conn_abort(host->engine, event->id), VST_OK);
    CHECK_EQ(shut_of(host, event->id), VST_CONN_SHR | VST_CONN_SHW | VST_CONN_ERR);
    vst_layers layers = layers_of(host, event->id);
    CHECK_EQ(layers.ctrl.failed, 0);
    CHECK_EQ(layers.data.failed, 0);
    CHECK_EQ(layers.data.shutr, 1);
    CHECK_EQ(layers.data.shutw, 1);
    CHECK_EQ(layers.data.handlers_done, 1);
}

static void directions(struct host *host, uint16_t port)
{
    int peer;
    char byte;
    size_t got;
    vst_id conn = session(host, port, &peer);
    CHECK_EQ(shut_of(host, conn), 0);
    vst_layers layers = layers_of(host, conn);
    CHECK_EQ(layers.fd_allocated, 1);
    CHECK_EQ(layers.ctrl.initialized, 1);
    CHECK_EQ(layers.ctrl.connected, 1);
    CHECK_EQ(layers.ctrl.handlers_done, 1);
    CHECK_EQ(layers.ctrl.failed, 0);
    CHECK_EQ(layers.ctrl.shutr, 0);
    CHECK_EQ(layers.ctrl.shutw, 0);
    CHECK_EQ(layers.data.initialized, 1);
    CHECK_EQ(layers.data.connected, 1);
    CHECK_EQ(layers.data.handlers_done, 1);
    CHECK_EQ(layers.data.failed, 0);
    CHECK_EQ(layers.data.shutr, 0);
    CHECK_EQ(layers.data.shutw, 0);
    CHECK_EQ(vst_conn_shutdown(host->engine, conn, VST_SHUT_WRITE), VST_OK);
    CHECK_EQ(shut_of(host, conn), VST_CONN_SHW);
    layers = layers_of(host, conn);
    CHECK_EQ(layers.ctrl.shutw, 1);
    CHECK_EQ(layers.data.shutw, 1);
    CHECK_EQ(layers.ctrl.shutr, 0);
    CHECK_EQ(layers.data.shutr, 0);
    close(peer);
    HOST_UNTIL(host, vst_conn_recv(host->engine, conn, &byte, 1, &got) == VST_END);
    HOST_UNTIL(host, host->reported[VST_EVENT_CLOSED] == 1);

    conn = session(host, port, &peer);
    CHECK_EQ(vst_conn_shutdown(host->engine, conn, VST_SHUT_READ), VST_OK);
    CHECK_EQ(shut_of(host, conn), VST_CONN_SHR);
    layers = layers_of(host, conn);
    CHECK_EQ(layers.ctrl.shutr, 1);
    CHECK_EQ(layers.data.shutr, 1);
    CHECK_EQ(layers.ctrl.shutw, 0);
    CHECK_EQ(vst_conn_abort(host->engine, conn), VST_OK);
    close(peer);
    HOST_UNTIL(host, host->reported[VST_EVENT_CLOSED] == 2);
    uint32_t flags = 99;
    CHECK_EQ(vst_conn_shut(host->engine, conn, &flags), VST_E_STALE);
    CHECK_EQ(flags, 0);
    layers = (vst_layers){.size = sizeof layers, .fd_allocated = 9};
    CHECK_EQ(vst_conn_layers(host->engine, conn, &layers), VST_E_STALE);
    CHECK_EQ(layers.fd_allocated, 0);
    layers.size = 8;
    CHECK_EQ(vst_conn_layers(host->engine, conn, &layers), VST_E_SIZE);
}

static void descriptions(struct host *host, vst_id door)
{
    size_t len;
    vst_backend_options options;
    vst_id backend;
    CHECK_EQ(vst_listener_describe(host->engine, door, line, sizeof line - 1, &len), VST_OK);
    line[len] = 0;
    CHECK(strlen(line) == len && strstr(line, " fd_state=LISTEN ") != NULL);
    CHECK_EQ(vst_listener_describe(host->engine, door, line, 3, &len), VST_E_SPACE);
    CHECK(len > 3);
    CHECK_EQ(vst_listener_describe(host->engine, 0, line, sizeof line, &len), VST_E_ARGUMENT);
    CHECK_EQ(len, 0);
    MUST(vst_backend_options_init(&options, sizeof options) == VST_OK);
    MUST(vst_backend_new(host->engine, &options, &backend, NULL, 0) == VST_OK);
    CHECK_EQ(vst_backend_describe(host->engine, backend, line, sizeof line - 1, &len), VST_OK);
    line[len] = 0;
    CHECK(strlen(line) == len && strstr(line, " servers=0 ") != NULL);
    CHECK_EQ(vst_backend_describe(host->engine, backend, NULL, 0, &len), VST_E_SPACE);
    CHECK_EQ(vst_backend_describe(host->engine, door, line, sizeof line, &len), VST_E_KIND);
}

int main(void)
{
    struct host host;
    uint16_t port;
    host_new(&host, HOST_EPOLL);
    vst_id door = listener(&host, NULL, &port);
    directions(&host, port);
    descriptions(&host, door);
    host.hook = give_up;
    int peer = dial(port);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 3);
    close(peer);
    host_free(&host);
    return verdict();
}
