/* What the tests of links share: connections that an agent opens, and what can be said of them. The engines
 * are in remote_host.h. */
#ifndef VST_REMOTE_H
#define VST_REMOTE_H

#include "remote_host.h"

/* ---- connections ---- */

static inline vst_connect_options remote_options(void)
{
    vst_connect_options options;
    MUST(vst_connect_options_init(&options, sizeof options) == VST_OK);
    options.link = remote.link;
    return options;
}

/* Asks for a connection to a port of the loopback. */
static inline vst_id connects(const vst_connect_options *options, uint16_t port)
{
    vst_connect_config *config;
    vst_id conn;
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
    MUST(vst_connect_config_new(options, &config, NULL, 0) == VST_OK);
    MUST(vst_conn_connect(remote.client.host.engine, address, config, NULL, &conn, NULL, 0)
         == VST_OK);
    vst_connect_config_free(config);
    return conn;
}

static inline uint32_t state_of(vst_id conn)
{
    uint32_t state;
    (void)vst_conn_state(remote.client.host.engine, conn, &state);
    return state;
}

/* An open connection, and the socket of the server that it leads to. */
static inline vst_id opens(const vst_connect_options *options, int *server)
{
    uint16_t port;
    int door = listening(&port);
    vst_id conn = connects(options, port);
    REMOTE_UNTIL(state_of(conn) == VST_STATE_ESTABLISHED);
    CHECK(remote.client.host.last[VST_EVENT_CONNECTED] == conn);
    *server = accept4(door, NULL, NULL, SOCK_CLOEXEC);
    MUST(*server >= 0);
    close(door);
    return conn;
}

/* Whether a connection of the client has a descriptor of its own, and nothing to do with the link. */
static inline int stands_alone(vst_id conn)
{
    char line[4096] = "";
    size_t len;
    CHECK_EQ(vst_conn_describe(remote.client.host.engine, conn, line, sizeof line - 1, &len), VST_OK);
    CHECK_EQ(strstr(line, " link=") != NULL, strstr(line, " channel=") != NULL);
    return strstr(line, " link=") == NULL;
}

static inline const vst_end *end_at(const struct side *side, vst_id conn)
{
    for (unsigned i = 0; i < side->ended; i++)
        if (side->ends[i].conn == conn)
            return &side->ends[i];
    return NULL;
}

/* How a connection of the client ended. */
static inline const vst_end *end_of(vst_id conn)
{
    REMOTE_UNTIL(end_at(&remote.client, conn) != NULL);
    return end_at(&remote.client, conn);
}

/* It ended, at the agent, like this. */
static inline void failed_there(vst_id conn, uint32_t at, uint32_t why, int sys_errno, const char *text)
{
    const vst_end *end = end_of(conn);
    CHECK_EQ(end->at, at);
    CHECK_EQ(end->why, why);
    CHECK_EQ(end->sys_errno, sys_errno);
    CHECK_EQ(end->remote, 1);
    if (strstr(end->text, text) == NULL)
        fprintf(stderr, "not \"%s\" in: %s\n", text, end->text), broken++;
}

/* What failed at the agent is told as if it had failed here, but for where it was. */
static inline void same_failure(vst_id here, vst_id there, uint32_t at, uint32_t why)
{
    const vst_end *local = end_of(here), *far = end_of(there);
    CHECK_EQ(local->at, at);
    CHECK_EQ(local->why, why);
    CHECK_EQ(local->remote, 0);
    CHECK_EQ(far->at, at);
    CHECK_EQ(far->why, why);
    CHECK_EQ(far->sys_errno, local->sys_errno);
    CHECK_EQ(far->alert, local->alert);
    CHECK_EQ(far->host_code, local->host_code);
    CHECK_EQ(far->remote, 1);
    CHECK(far->text_len > 0);
}

/* ---- bytes ---- */

static inline void sends(vst_id conn, const char *text)
{
    size_t taken;
    CHECK_EQ(vst_conn_send(remote.client.host.engine, conn, text, strlen(text), &taken), VST_OK);
    CHECK_EQ(taken, strlen(text));
}

/* Drives until a connection of an engine has read exactly this text. */
static inline void engine_reads(vst_engine *engine, vst_id conn, const char *text)
{
    char bytes[256];
    size_t had = 0, got;
    REMOTE_UNTIL(had == strlen(text)
                 || (vst_conn_recv(engine, conn, bytes + had, strlen(text) - had, &got) != VST_OK
                         ? 0
                         : (had += got, had == strlen(text))));
    CHECK(had == strlen(text) && memcmp(bytes, text, had) == 0);
}

static inline void reads(vst_id conn, const char *text)
{
    engine_reads(remote.client.host.engine, conn, text);
}

/* The status of a read once it is no VST_WAIT; no byte comes. */
static inline vst_status reads_end(vst_id conn)
{
    vst_status status = VST_WAIT;
    char byte;
    size_t got;
    REMOTE_UNTIL((status = vst_conn_recv(remote.client.host.engine, conn, &byte, 1, &got))
                 != VST_WAIT);
    CHECK_EQ(got, 0);
    return status;
}

/* Drives until exactly this text has arrived on a socket. */
static inline void hears(int fd, const char *text)
{
    char bytes[256];
    size_t had = 0;
    ssize_t got;
    REMOTE_UNTIL(had == strlen(text)
                 || ((got = hear(fd, bytes + had, strlen(text) - had)) > 0
                     && (had += (size_t)got, had == strlen(text))));
    CHECK(memcmp(bytes, text, had) == 0);
}

/* What ends a socket: 0 the end of its bytes, or an errno. */
static inline int hears_end(int fd)
{
    ssize_t got = -1;
    char byte;
    REMOTE_UNTIL((got = hear(fd, &byte, 1)) >= 0 || errno != EAGAIN);
    CHECK(got <= 0);
    return got == 0 ? 0 : errno;
}

#endif
