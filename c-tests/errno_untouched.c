/* errno is as it was when a call returns, whatever happened inside. */
#include "check.h"

#define MARK 4711
#define KEEPS(call)                                                                                \
    do {                                                                                           \
        errno = MARK;                                                                              \
        (void)(call);                                                                              \
        CHECK_EQ(errno, MARK);                                                                     \
    } while (0)

/* The calls of a handler, each of which must keep errno. */
static int32_t step(void *data, vst_engine *engine, vst_step *step)
{
    char text[8];
    size_t len;
    (void)data;
    KEEPS(vst_handler_peek(engine, step->conn, text, sizeof text, &len));
    KEEPS(vst_handler_consume(engine, step->conn, 0));
    KEEPS(vst_handler_send(engine, step->conn, "x", 1, &len));
    KEEPS(vst_conn_handler_done(engine, step->conn, step->ticket, VST_NEXT_FAIL, 1, "no"));
    return VST_NEXT_LATER;
}

static void handlers(struct host *host)
{
    vst_handler one = {.size = sizeof one, .step = step};
    vst_start_tls start = {.size = sizeof start};
    vst_accept_options options;
    vst_accept_config *config;
    vst_waker *waker;
    vst_addr addr;
    vst_id door;
    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    options.handlers = &one;
    options.handler_count = 1;
    MUST(vst_accept_config_new(&options, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(host->engine, "127.0.0.1:0", config, NULL, &door, NULL, NULL,
                           0) == VST_OK);
    MUST(vst_listener_addr(host->engine, door, &addr) == VST_OK);
    vst_accept_config_free(config);
    KEEPS(vst_engine_waker(host->engine, &waker));
    int peer = dial(addr.port);
    char byte;
    HOST_UNTIL(host, hear(peer, &byte, 1) == 0);
    close(peer);
    HOST_UNTIL(host, host->reported[VST_EVENT_REFUSED] == 1);
    vst_id gone = host->last[VST_EVENT_REFUSED];
    /* The post signals the waker's descriptor, and the run clears it. */
    KEEPS(vst_waker_post(waker, gone, 1, VST_NEXT_DONE, 0));
    KEEPS(vst_engine_run(host->engine, 0, NULL));
    KEEPS(vst_conn_handler_done(host->engine, gone, 1, VST_NEXT_DONE, 0, NULL));
    KEEPS(vst_conn_start_tls(host->engine, gone, &start, NULL, 0));
    KEEPS(vst_waker_free(waker));
    CHECK_EQ(vst_listener_close(host->engine, door), VST_OK);
}

int main(void)
{
    struct host host;
    uint16_t port;
    int peer, sys, fd;
    char text[2048];
    size_t len;
    uint32_t number;
    uint64_t mask;
    void *user;
    vst_addr a, b;
    vst_id id, stream;
    vst_engine *made;
    vst_wait wait = {.size = sizeof wait};
    vst_event event = {.size = sizeof event};
    vst_engine_counters counters = {.size = sizeof counters};
    vst_proxy_header header = {.size = sizeof header};
    vst_tls_info info = {.size = sizeof info};
    vst_engine_options engine_options = {.size = sizeof engine_options};
    vst_accept_options accept_options = {.size = sizeof accept_options};
    vst_connect_options connect_options = {.size = sizeof connect_options};
    vst_accept_config *accept_made;
    vst_connect_config *connect_made;
    vst_tls_server *server;
    vst_tls_client *client;
    vst_tls_server_options server_options = {.size = sizeof server_options};
    vst_tls_client_options client_options = {.size = sizeof client_options};
    vst_identity missing = {.chain.file = "/nowhere/chain.pem"};
    host_new(&host, HOST_EPOLL);
    host.breaks_contract = 1;
    vst_id door = listener(&host, NULL, &port), conn = session(&host, port, &peer);
    vst_engine *e = host.engine;

    KEEPS(vst_strerror(VST_E_SYSTEM));
    KEEPS(vst_abi_version());
    KEEPS(vst_version());
    KEEPS(vst_features(&mask));
    KEEPS(vst_op_name(3));
    KEEPS(vst_why_name(3));
    KEEPS(vst_engine_new(&engine_options, &made, NULL, 0));
    KEEPS(vst_engine_free(made));
    KEEPS(vst_accept_config_new(&accept_options, &accept_made, text, sizeof text));
    KEEPS(vst_connect_config_new(&connect_options, &connect_made, text, sizeof text));
    server_options.identities = &missing;
    server_options.identity_count = 1;
    KEEPS(vst_tls_server_new(&server_options, &server, text, sizeof text));
    CHECK(server == NULL);
    KEEPS(vst_tls_server_self_signed("a.test", &server, text, sizeof text));
    KEEPS(vst_tls_server_free(server));
    client_options.ca.file = "/nowhere/ca.pem";
    KEEPS(vst_tls_client_new(&client_options, &client, text, sizeof text));

    KEEPS(vst_listener_open(e, "unix:/nowhere/socket", accept_made, NULL, &id, &sys, NULL, 0));
    CHECK_EQ(sys, ENOENT);
    KEEPS(vst_listener_open(e, "192.0.2.1:1", accept_made, NULL, &id, &sys, NULL, 0));
    CHECK_EQ(sys, EADDRNOTAVAIL);
    KEEPS(vst_listener_adopt(e, 1, accept_made, NULL, &id, &sys, NULL, 0));
    KEEPS(vst_listener_adopt(e, -1, accept_made, NULL, &id, &sys, NULL, 0));
    KEEPS(vst_conn_accept_fd(e, accept_made, -1, NULL, &id, &sys, NULL, 0));
    CHECK_EQ(sys, EBADF);
    KEEPS(vst_conn_adopt(e, -1, NULL, &id, &sys, NULL, 0));
    KEEPS(vst_listener_addr(e, door, &a));
    KEEPS(vst_listener_pause(e, door));
    KEEPS(vst_listener_resume(e, door));

    KEEPS(vst_engine_ready(e, conn, VST_IO_IN, 0, &wait));
    for (fd = 0; fd < FDS; fd++)
        if (host.watch[fd].announced)
            KEEPS(vst_engine_ready(e, host.watch[fd].token, VST_IO_IN | VST_IO_OUT, 0, &wait));
    KEEPS(vst_engine_ready_batch(e, NULL, 0, 0, &wait));
    KEEPS(vst_engine_ready_fd(e, 0, VST_IO_IN, 0, &wait));
    KEEPS(vst_engine_run(e, 0, &wait));
    KEEPS(vst_engine_wait(e, &wait));
    KEEPS(vst_engine_batch_begin(e));
    KEEPS(vst_engine_batch_end(e, NULL));
    KEEPS(vst_engine_next(e, &event));
    KEEPS(vst_engine_get_counters(e, &counters));

    KEEPS(vst_conn_recv(e, conn, text, sizeof text, &len));
    KEEPS(vst_conn_send(e, conn, "x", 1, &len));
    KEEPS(vst_conn_user(e, conn, &user));
    KEEPS(vst_conn_set_user(e, conn, NULL));
    KEEPS(vst_conn_state(e, conn, &number));
    KEEPS(vst_conn_peek(e, conn, text, 1, &len));
    KEEPS(vst_conn_set_timeout(e, conn, VST_NEVER));
    KEEPS(vst_conn_limit_rate(e, conn, VST_SHUT_BOTH, VST_NEVER, 0));
    KEEPS(vst_conn_addrs(e, conn, &a, &b));
    KEEPS(vst_conn_socket_addrs(e, conn, &a, &b));
    KEEPS(vst_addr_text(&a, text, sizeof text, &len));
    KEEPS(vst_conn_proxy_header(e, conn, &header));
    KEEPS(vst_conn_proxy_tlv(e, conn, 0, &number, (uint8_t *)text, sizeof text, &len));
    KEEPS(vst_conn_tls_info(e, conn, &info));
    KEEPS(vst_conn_tls_text(e, conn, 1, text, sizeof text, &len));
    KEEPS(vst_conn_tls_certificate(e, conn, 0, (uint8_t *)text, sizeof text, &len));
    KEEPS(vst_conn_describe(e, conn, text, sizeof text, &len));

    /* A connect that is refused, and a stream that ends with it. */
    KEEPS(vst_conn_connect(e, "127.0.0.1:1", connect_made, NULL, &id, NULL, 0));
    KEEPS(vst_conn_forward(e, conn, id, NULL, NULL, &stream));
    KEEPS(vst_engine_run(e, 0, &wait));
    KEEPS(vst_stream_abort(e, stream));
    KEEPS(vst_engine_run(e, 0, &wait));
    close(peer);
    conn = session(&host, port, &peer);
    KEEPS(vst_conn_shutdown(e, conn, VST_SHUT_WRITE));
    KEEPS(vst_conn_close(e, conn));
    KEEPS(vst_conn_abort(e, conn));
    close(peer);
    conn = session(&host, port, &peer);
    KEEPS(vst_conn_take_fd(e, conn, &fd, text, sizeof text, &len));
    close(fd);
    KEEPS(vst_listener_close(e, door));
    KEEPS(vst_accept_config_free(accept_made));
    KEEPS(vst_connect_config_free(connect_made));
    KEEPS(vst_engine_run(e, 0, &wait));

    handlers(&host);

    vst_loop *loop;
    engine_options.event = host_event;
    KEEPS(vst_loop_new(&engine_options, &loop, &sys, NULL, 0));
    KEEPS(vst_loop_engine(loop, &made));
    KEEPS(vst_loop_run(loop, 0));
    KEEPS(vst_loop_stop(loop));
    KEEPS(vst_loop_run(loop, VST_NEVER));
    KEEPS(vst_loop_free(loop));
    errno = 0;
    host_free(&host);
    close(peer);
    return verdict();
}
