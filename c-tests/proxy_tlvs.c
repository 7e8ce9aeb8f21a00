/* The TLVs of a PROXY header of version 2 are readable as they arrived: values with a NUL and with 0xff,
 * an empty one, unknown types; and what we send arrives the same way. */
#include "check.h"

static const uint8_t header[] = {
    '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n', 0x21, 0x11, 0, 29,
    192, 0, 2, 1, 192, 0, 2, 2, 0x03, 0xe8, 0x07, 0xd0,
    0xe0, 0, 5, 'a', 0, 0xff, 'b', 0, /* of the application's own range */
    0xf7, 0, 0,                       /* an unknown type, and empty */
    0x02, 0, 3, 'x', '.', 'y',        /* AUTHORITY */
};

int main(void)
{
    static vst_id inner;
    struct host host;
    uint16_t port;
    uint32_t kind;
    uint8_t value[64];
    size_t len;
    char address[32];
    vst_proxy_header is = {.size = sizeof is};
    vst_addr source, destination;
    host_new(&host, HOST_EPOLL);
    listener(&host, "any", &port);
    int peer = dial(port);
    say(peer, header, sizeof header);
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] == 1);
    vst_id conn = host.last[VST_EVENT_SESSION];
    vst_engine *e = host.engine;

    CHECK_EQ(vst_conn_proxy_header(e, conn, &is), VST_OK);
    CHECK_EQ(is.version, 2);
    CHECK_EQ(is.command, VST_PROXY_COMMAND_RELAYED);
    CHECK_EQ(is.transport, VST_PROXY_TRANSPORT_TCP);
    CHECK_EQ(is.tlv_count, 3);
    CHECK_EQ(vst_conn_proxy_tlv(e, conn, 0, &kind, value, sizeof value, &len), VST_OK);
    CHECK(kind == 0xe0 && len == 5 && memcmp(value, "a\0\xff" "b\0", 5) == 0);
    CHECK_EQ(vst_conn_proxy_tlv(e, conn, 0, &kind, value, 4, &len), VST_E_SPACE);
    CHECK(kind == 0xe0 && len == 5);
    CHECK_EQ(vst_conn_proxy_tlv(e, conn, 1, &kind, value, sizeof value, &len), VST_OK);
    CHECK(kind == 0xf7 && len == 0);
    CHECK_EQ(vst_conn_proxy_tlv(e, conn, 2, &kind, value, sizeof value, &len), VST_OK);
    CHECK(kind == 2 && len == 3 && memcmp(value, "x.y", 3) == 0);
    CHECK_EQ(vst_conn_proxy_tlv(e, conn, 3, &kind, value, sizeof value, &len), VST_NONE);
    CHECK(kind == 0 && len == 0);
    CHECK_EQ(vst_conn_addrs(e, conn, &source, &destination), VST_OK);
    CHECK(source.family == VST_ADDR_IPV4 && source.port == 1000 && source.len == 4);
    CHECK(memcmp(source.bytes, "\300\0\2\1", 4) == 0 && destination.port == 2000);
    CHECK_EQ(vst_addr_text(&source, (char *)value, sizeof value, &len), VST_OK);
    CHECK(len == 14 && memcmp(value, "192.0.2.1:1000", 14) == 0);
    CHECK_EQ(vst_conn_socket_addrs(e, conn, &source, &destination), VST_OK);
    CHECK(source.bytes[0] == 127 && destination.port == port);

    /* Sent on to a listener of our own, on behalf of the first, with TLVs of ours. */
    vst_tlv tlvs[] = {{0xe1, 3, (const uint8_t *)"\0\xff\0"}, {0xe2, 0, NULL}};
    vst_connect_args more = {.size = sizeof more, .tlv_count = 2, .client = conn, .tlvs = tlvs};
    vst_connect_options options;
    vst_connect_config *config;
    MUST(vst_connect_options_init(&options, sizeof options) == VST_OK);
    options.send_proxy = VST_SEND_PROXY_V2;
    options.proxy_tlvs = VST_PROXY_TLV_CRC32C;
    MUST(vst_connect_config_new(&options, &config, NULL, 0) == VST_OK);
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    CHECK_EQ(vst_conn_connect(e, address, config, &more, &inner, NULL, 0), VST_OK);
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] == 2 && host.reported[VST_EVENT_CONNECTED] == 1);
    conn = host.last[VST_EVENT_SESSION];
    int found = 0;
    for (uint32_t i = 0; vst_conn_proxy_tlv(e, conn, i, &kind, value, sizeof value, &len) == VST_OK;
         i++) {
        if (kind == 0xe1)
            found += len == 3 && memcmp(value, "\0\xff\0", 3) == 0;
        if (kind == 0xe2)
            found += len == 0;
        if (kind == 3) /* CRC32C */
            found += len == 4;
    }
    CHECK_EQ(found, 3);
    CHECK_EQ(vst_conn_addrs(e, conn, &source, &destination), VST_OK);
    CHECK(source.port == 1000 && memcmp(source.bytes, "\300\0\2\1", 4) == 0);

    /* A type that does not exist, and more than a header holds. */
    static uint8_t much[65000];
    vst_id none;
    tlvs[0].kind = 256;
    CHECK_EQ(vst_conn_connect(e, address, config, &more, &none, NULL, 0), VST_E_ARGUMENT);
    vst_tlv large[] = {{0xe1, sizeof much, much}, {0xe2, sizeof much, much}};
    more.tlvs = large;
    CHECK_EQ(vst_conn_connect(e, address, config, &more, &none, NULL, 0), VST_E_ARGUMENT);
    vst_connect_config_free(config);
    host_free(&host);
    close(peer);
    return verdict();
}
