/* After headers that announce no addresses (LOCAL, UNKNOWN and UNSPEC) the socket's own addresses apply;
 * a connection without a header has none. */
#include "check.h"

static const char local[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
static const char unspec[] = "\r\n\r\n\0\r\nQUIT\n\x21\0\0\0";
static const char local_with_addresses[] =
    "\r\n\r\n\0\r\nQUIT\n\x20\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\0\1\0\2";

static void announces_nobody(const char *bytes, size_t len, uint32_t version, uint32_t command)
{
    struct host host;
    uint16_t port;
    struct sockaddr_in name;
    socklen_t name_len = sizeof name;
    vst_proxy_header header = {.size = sizeof header};
    vst_addr source, destination;
    host_new(&host, HOST_EPOLL);
    listener(&host, "any", &port);
    int peer = dial(port);
    MUST(getsockname(peer, (struct sockaddr *)&name, &name_len) == 0);
    say(peer, bytes, len);
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] == 1);
    vst_id conn = host.last[VST_EVENT_SESSION];
    CHECK_EQ(vst_conn_proxy_header(host.engine, conn, &header), VST_OK);
    CHECK_EQ(header.version, version);
    CHECK_EQ(header.command, command);
    CHECK_EQ(vst_conn_addrs(host.engine, conn, &source, &destination), VST_OK);
    CHECK_EQ(source.family, VST_ADDR_IPV4);
    CHECK_EQ(source.port, ntohs(name.sin_port));
    CHECK_EQ(destination.port, port);
    host_free(&host);
    close(peer);
}

int main(void)
{
    announces_nobody(local, sizeof local - 1, 2, VST_PROXY_COMMAND_LOCAL);
    announces_nobody(local_with_addresses, sizeof local_with_addresses - 1, 2, VST_PROXY_COMMAND_LOCAL);
    announces_nobody(unspec, sizeof unspec - 1, 2, VST_PROXY_COMMAND_RELAYED);
    announces_nobody("PROXY UNKNOWN\r\n", 15, 1, VST_PROXY_COMMAND_RELAYED);
    announces_nobody("PROXY UNKNOWN ::1 ::2 3 4\r\n", 27, 1, VST_PROXY_COMMAND_RELAYED);

    struct host host;
    uint16_t port;
    int peer;
    uint32_t kind;
    uint8_t byte;
    size_t len;
    vst_proxy_header header = {.size = sizeof header};
    host_new(&host, HOST_EPOLL);
    listener(&host, NULL, &port);
    vst_id conn = session(&host, port, &peer);
    CHECK_EQ(vst_conn_proxy_header(host.engine, conn, &header), VST_NONE);
    CHECK_EQ(header.version, 0);
    CHECK_EQ(vst_conn_proxy_tlv(host.engine, conn, 0, &kind, &byte, 1, &len), VST_NONE);
    host_free(&host);
    close(peer);
    return verdict();
}
