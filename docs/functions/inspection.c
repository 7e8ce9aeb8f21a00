// Examples of the functions that tell what is known of a connection, a listener or a
// backend.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vestibule.h>

// Example of vst_conn_state.
int is_usable(vst_engine *engine, vst_id conn)
{
    uint32_t state;

    // An id that is stale has VST_STATE_CLOSED too.
    vst_conn_state(engine, conn, &state);
    return state == VST_STATE_ESTABLISHED;
}

// Example of vst_conn_peer_credentials.
int is_operator(vst_engine *engine, vst_id conn)
{
    uint32_t uid;

    if (vst_conn_peer_credentials(engine, conn, &uid, NULL) != VST_OK)
        return 0; // VST_NONE: it came over TCP
    return uid == 0 || uid == geteuid();
}

// Example of vst_conn_addrs.
void log_client(vst_engine *engine, vst_id conn)
{
    vst_addr client, destination;
    char text[512];
    size_t len;

    // As a PROXY header has announced them, where one came.
    if (vst_conn_addrs(engine, conn, &client, &destination) == VST_OK &&
        vst_addr_text(&client, text, sizeof text, &len) == VST_OK)
        fprintf(stderr, "client %.*s\n", (int)len, text);
}

// Example of vst_conn_socket_addrs.
void log_balancer(vst_engine *engine, vst_id conn)
{
    vst_addr balancer, local;
    char text[512];
    size_t len;

    // Who is connected to us, and not the client that its PROXY header announced.
    if (vst_conn_socket_addrs(engine, conn, &balancer, &local) == VST_OK &&
        vst_addr_text(&balancer, text, sizeof text, &len) == VST_OK)
        fprintf(stderr, "by load balancer %.*s\n", (int)len, text);
}

// Example of vst_engine_next_conn.
void list_connections(vst_engine *engine)
{
    vst_conn_info info = {.size = sizeof info};
    vst_id after = 0;

    while (vst_engine_next_conn(engine, after, &info) == VST_OK) {
        printf("%#" PRIx64 " %" PRIu64 " bytes in, %" PRIu64 " out, %" PRIu64 " s\n",
               info.id, info.bytes_in, info.bytes_out, info.age_ns / 1000000000);
        after = info.id;
    }
}

// Example of vst_conn_proxy_header.
int is_health_check(vst_engine *engine, vst_id conn)
{
    vst_proxy_header header = {.size = sizeof header};

    if (vst_conn_proxy_header(engine, conn, &header) != VST_OK)
        return 0; // VST_NONE: it came without one
    // The load balancer has connected for itself, and not for a client.
    return header.command == VST_PROXY_COMMAND_LOCAL;
}

// Example of vst_conn_proxy_tlv.
size_t announced_name(vst_engine *engine, vst_id conn, char *name, size_t size)
{
    const uint32_t authority = 0x02; // PP2_TYPE_AUTHORITY: a name, as in SNI
    uint32_t kind;
    size_t len;
    vst_status status = VST_OK;

    for (uint32_t i = 0; status == VST_OK || status == VST_E_SPACE; i++) {
        status = vst_conn_proxy_tlv(engine, conn, i, &kind, (uint8_t *)name, size,
                                    &len);
        if (status == VST_OK && kind == authority)
            return len; // any bytes, and no NUL at the end
    }
    return 0;
}

// Example of vst_conn_tls_info.
int is_authenticated(vst_engine *engine, vst_id conn)
{
    vst_tls_info info = {.size = sizeof info};

    if (vst_conn_tls_info(engine, conn, &info) != VST_OK)
        return 0; // VST_NONE: no TLS
    return info.verified == VST_VERIFIED_VALID;
}

// Example of vst_conn_tls_text.
int speaks_http2(vst_engine *engine, vst_id conn)
{
    char protocol[255]; // as long as a name of ALPN can be
    size_t len;
    vst_status status = vst_conn_tls_text(engine, conn, VST_TLS_TEXT_ALPN, protocol,
                                          sizeof protocol, &len);

    if (status != VST_OK)
        return 0; // VST_NONE: no TLS, or no protocol was agreed on
    return len == 2 && memcmp(protocol, "h2", len) == 0;
}

// Example of vst_conn_tls_certificate.
uint8_t *copy_certificate(vst_engine *engine, vst_id conn, size_t *len)
{
    uint8_t *der;

    if (vst_conn_tls_certificate(engine, conn, 0, NULL, 0, len) != VST_E_SPACE)
        return NULL; // VST_NONE: the peer has sent none
    der = malloc(*len);
    if (der != NULL)
        vst_conn_tls_certificate(engine, conn, 0, der, *len, len);
    return der;
}

// Example of vst_conn_shut.
int may_still_answer(vst_engine *engine, vst_id conn)
{
    uint32_t flags;

    if (vst_conn_shut(engine, conn, &flags) < 0)
        return 0;
    return !(flags & (VST_CONN_SHW | VST_CONN_ERR));
}

// Example of vst_conn_layers.
const char *where_it_hangs(vst_engine *engine, vst_id conn)
{
    vst_layers layers = {.size = sizeof layers};

    if (vst_conn_layers(engine, conn, &layers) < 0)
        return "gone";
    if (!layers.ctrl.connected)
        return "the socket is not connected";
    if (!layers.ctrl.handlers_done)
        return "a header, a rule or a handler before TLS is not done";
    if (!layers.data.connected)
        return "the TLS handshake is not done";
    if (!layers.data.handlers_done)
        return "a rule or a handler after TLS is not done";
    return "nowhere";
}

// Example of vst_conn_describe.
void log_connection(vst_engine *engine, vst_id conn)
{
    char line[2048]; // mostly enough
    size_t len;
    vst_status status = vst_conn_describe(engine, conn, line, sizeof line, &len);

    if (status == VST_OK)
        fprintf(stderr, "%.*s\n", (int)len, line);
    else
        fprintf(stderr, "%#" PRIx64 ": %s\n", conn, vst_strerror(status));
}

// Example of vst_listener_describe.
void log_listener(vst_engine *engine, vst_id listener)
{
    char line[1024]; // mostly enough
    size_t len;
    vst_status status = vst_listener_describe(engine, listener, line, sizeof line,
                                              &len);

    if (status == VST_OK)
        fprintf(stderr, "%.*s\n", (int)len, line);
    else
        fprintf(stderr, "%#" PRIx64 ": %s\n", listener, vst_strerror(status));
}

// Example of vst_backend_describe.
void log_backend(vst_engine *engine, vst_id backend)
{
    char *line;
    size_t len;

    // It grows with the servers: the first call only asks for the length.
    if (vst_backend_describe(engine, backend, NULL, 0, &len) != VST_E_SPACE)
        return;
    line = malloc(len);
    if (line != NULL &&
        vst_backend_describe(engine, backend, line, len, &len) == VST_OK)
        fprintf(stderr, "%.*s\n", (int)len, line);
    free(line);
}
