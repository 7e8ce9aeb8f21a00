/* vst_conn_describe writes everything about a connection in one line of name=value, while it lives and
 * while it closes. */
#include "check.h"

static char line[4096];

static void describe(struct host *host, vst_id conn)
{
    size_t len;
    MUST(vst_conn_describe(host->engine, conn, line, sizeof line - 1, &len) == VST_OK);
    line[len] = 0;
    CHECK(len > 20 && strlen(line) == len);
    CHECK(strchr(line, '\n') == NULL);
    for (const char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
        CHECK(strchr(word, '=') != NULL && word[0] != '=');
    vst_conn_describe(host->engine, conn, line, sizeof line - 1, &len);
    line[len] = 0;
}

int main(void)
{
    struct host host;
    uint16_t port;
    int peer;
    size_t taken;
    uint32_t state;
    host_new(&host, HOST_EPOLL);
    listener(&host, NULL, &port);
    vst_id conn = session(&host, port, &peer);
    describe(&host, conn);
    static const char *const statuses[] = {
        "fd_allocated=true",   "ctrl_init=true",      "ctrl_connected=true",
        "ctrl_handlers_done=true", "ctrl_failed=false", "ctrl_shutr=false",
        "ctrl_shutw=false",    "data_init=true",      "data_connected=true",
        "data_handlers_done=true", "data_failed=false", "data_shutr=false",
        "data_shutw=false",
    };
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        CHECK(strstr(line, statuses[i]) != NULL);
    CHECK(strstr(line, "state=ESTABLISHED") != NULL);
    char fd[16];
    for (int i = 0; i < FDS; i++)
        if (host.watch[i].announced && host.watch[i].mask & VST_IO_HANGUP)
            snprintf(fd, sizeof fd, "fd=%d", i);
    CHECK(strstr(line, fd) != NULL);
    CHECK_EQ(vst_conn_send(host.engine, conn, "hello", 5, &taken), VST_OK);
    CHECK_EQ(vst_conn_close(host.engine, conn), VST_OK);
    describe(&host, conn);
    CHECK(strstr(line, "state=CLOSED") != NULL || strstr(line, "state=ESTABLISHED") != NULL);
    CHECK_EQ(vst_conn_state(host.engine, conn, &state), VST_OK);
    close(peer);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 1);
    host_free(&host);
    return verdict();
}
