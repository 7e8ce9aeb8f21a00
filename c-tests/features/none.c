/* A build without any feature: what is missing says so, and the rest works: a session behind a PROXY header. */
#include "../check.h"

int main(void)
{
    struct host host;
    uint64_t features = 1;
    uint16_t port;
    char why[128];
    CHECK_EQ(vst_features(&features), VST_OK);
    CHECK(features == 0);

    vst_tls_server_options serves = {.size = sizeof serves};
    vst_identity identity = {.chain = {.file = "/nonexistent"}};
    vst_tls_server *server;
    serves.identities = &identity, serves.identity_count = 1;
    CHECK_EQ(vst_tls_server_new(&serves, &server, why, sizeof why), VST_E_UNSUPPORTED);
    CHECK(server == NULL && strstr(why, "has no TLS") != NULL);
    CHECK_EQ(vst_tls_server_self_signed("a.test", &server, why, sizeof why), VST_E_UNSUPPORTED);
    vst_tls_client_options asks = {.size = sizeof asks};
    vst_tls_client *client;
    CHECK_EQ(vst_tls_client_new(&asks, &client, why, sizeof why), VST_E_UNSUPPORTED);
    CHECK(client == NULL && strstr(why, "has no TLS") != NULL);

    vst_loop *loop;
    int sys;
    vst_engine_options looped = {.size = sizeof looped, .event = host_event};
    CHECK_EQ(vst_loop_new(&looped, &loop, &sys, why, sizeof why), VST_E_UNSUPPORTED);
    vst_backend_options balanced = {.size = sizeof balanced};
    vst_id backend;
    vst_addr source, destination;

    host_new(&host, HOST_EPOLL);
    /* Its seed is the system's. */
    CHECK_EQ(vst_backend_new(host.engine, &balanced, &backend, why, sizeof why), VST_OK);
    listener(&host, "127.0.0.0/8", &port);
    int peer = dial(port);
    say_text(peer, "PROXY TCP4 192.0.2.1 192.0.2.2 4000 80\r\n");
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] == 1);
    CHECK_EQ(vst_conn_addrs(host.engine, host.last[VST_EVENT_SESSION], &source, &destination), VST_OK);
    CHECK_EQ(source.port, 4000);
    host_free(&host);
    close(peer);
    return verdict();
}
