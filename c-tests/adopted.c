/* Descriptors that the host brings: a listener, a connection that it accepted, and one that is open
 * already. On failure they stay the host's; on success the library closes them. */
#include "check.h"

static int closed(int fd)
{
    return fcntl(fd, F_GETFD) == -1 && errno == EBADF;
}

static void listener_adopt(void)
{
    struct host host;
    uint16_t port;
    vst_id id;
    vst_addr addr;
    int sys;
    vst_accept_config *config = accepting(NULL);
    host_new(&host, HOST_EPOLL);
    int bare = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(vst_listener_adopt(host.engine, bare, config, NULL, &id, &sys, NULL, 0),
                                VST_E_ARGUMENT);
    CHECK_EQ(id, 0);
    CHECK(!closed(bare));
    close(bare);
    CHECK(vst_listener_adopt(host.engine, bare, config, NULL, &id, &sys, NULL, 0) < 0);

    int fd = listening(&port);
    CHECK_EQ(vst_listener_adopt(host.engine, fd, config, NULL, &id, &sys, NULL, 0), VST_OK);
    CHECK_EQ(vst_listener_addr(host.engine, id, &addr), VST_OK);
    CHECK_EQ(addr.port, port);
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    int peer;
    session(&host, port, &peer);
    CHECK_EQ(vst_listener_close(host.engine, id), VST_OK);
    HOST_UNTIL(&host, host.reported[VST_EVENT_LISTENER_CLOSED] == 1);
    CHECK(closed(fd));
    vst_accept_config_free(config);
    host_free(&host);
    close(peer);
}

static void accept_fd(void)
{
    struct host host;
    uint16_t port;
    vst_id id;
    vst_proxy_header header = {.size = sizeof header};
    vst_addr source, destination;
    void *user;
    int sys, mine;
    vst_accept_config *config = accepting("any");
    host_new(&host, HOST_EPOLL);
    int door = listening(&port);
    CHECK_EQ(vst_conn_accept_fd(host.engine, config, door, NULL, &id, &sys, NULL, 0), VST_E_ARGUMENT);
    CHECK_EQ(id, 0);
    CHECK_EQ(vst_conn_accept_fd(host.engine, config, -1, NULL, &id, &sys, NULL, 0), VST_E_SYSTEM);
    CHECK_EQ(sys, EBADF);

    int peer = dial(port), fd = accept(door, NULL, NULL);
    MUST(fd >= 0);
    CHECK_EQ(vst_conn_accept_fd(host.engine, config, fd, &mine, &id, &sys, NULL, 0), VST_OK);
    CHECK(id != 0);
    say_text(peer, "PROXY TCP6 2001:db8::1 2001:db8::2 1000 2000\r\n");
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] == 1);
    CHECK(host.last[VST_EVENT_SESSION] == id);
    CHECK_EQ(vst_conn_user(host.engine, id, &user), VST_OK);
    CHECK(user == &mine);
    CHECK_EQ(vst_conn_proxy_header(host.engine, id, &header), VST_OK);
    CHECK(header.version == 1 && header.command == VST_PROXY_COMMAND_RELAYED
          && header.transport == VST_PROXY_TRANSPORT_TCP && header.tlv_count == 0);
    CHECK_EQ(vst_conn_addrs(host.engine, id, &source, &destination), VST_OK);
    CHECK(source.family == VST_ADDR_IPV6 && source.port == 1000 && source.bytes[15] == 1);
    CHECK(destination.port == 2000 && destination.bytes[15] == 2);

    /* One that fails in its handshake was known to the host, so its end is reported as CLOSED. */
    int rude = dial(port), other = accept(door, NULL, NULL);
    CHECK_EQ(vst_conn_accept_fd(host.engine, config, other, NULL, &id, &sys, NULL, 0), VST_OK);
    say_text(rude, "GET / HTTP/1.1\r\n\r\n");
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 1);
    CHECK(host.last[VST_EVENT_CLOSED] == id);
    CHECK_EQ(host.reported[VST_EVENT_REFUSED], 0);
    vst_accept_config_free(config);
    host_free(&host);
    CHECK(closed(fd));
    close(peer);
    close(rude);
    close(door);
}

static void conn_adopt(void)
{
    struct host host;
    vst_id id;
    int sys, pair[2], mine;
    char bytes[8];
    size_t len;
    host_new(&host, HOST_EPOLL);
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    CHECK_EQ(vst_conn_adopt(host.engine, pair[0], &mine, &id, &sys, NULL, 0), VST_OK);
    say_text(pair[1], "hello");
    HOST_UNTIL(&host, host.reported[VST_EVENT_READABLE] == 1);
    CHECK_EQ(host.reported[VST_EVENT_SESSION], 0);
    CHECK_EQ(vst_conn_recv(host.engine, id, bytes, sizeof bytes, &len), VST_OK);
    CHECK(len == 5 && memcmp(bytes, "hello", 5) == 0);
    CHECK_EQ(vst_conn_send(host.engine, id, "bye", 3, &len), VST_OK);
    CHECK_EQ(vst_conn_shutdown(host.engine, id, VST_SHUT_WRITE), VST_OK);
    CHECK_EQ(vst_conn_shutdown(host.engine, id, VST_SHUT_WRITE), VST_OK);
    CHECK_EQ(vst_conn_send(host.engine, id, "bye", 3, &len), VST_E_STATE);
    CHECK(wait_for(pair[1], POLLIN) && hear(pair[1], bytes, sizeof bytes) == 3);
    HOST_UNTIL(&host, hear(pair[1], bytes, 1) == 0);
    close(pair[1]);
    vst_status status = VST_WAIT;
    HOST_UNTIL(&host, (status = vst_conn_recv(host.engine, id, bytes, 1, &len)) != VST_WAIT);
    CHECK_EQ(status, VST_END);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 1);
    CHECK(closed(pair[0]));
    host_free(&host);
}

int main(void)
{
    listener_adopt();
    accept_fd();
    conn_adopt();
    return verdict();
}
