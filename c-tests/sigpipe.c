/* SIGPIPE has its default action and kills the process that gets it: writing to peers that have closed
 * never causes it, neither with send nor in a stream, whether its bytes are copied or spliced. */
#include "check.h"

#include <dirent.h>
#include <stddef.h>

static vst_connect_config *outgoing;
static const char *server_address;
static char bytes[1 << 16];

static void on_event(struct host *host, const vst_event *event)
{
    vst_id server, stream;
    if (event->kind != VST_EVENT_SESSION || server_address == NULL)
        return;
    CHECK_EQ(vst_conn_connect(host->engine, server_address, outgoing, NULL, &server, NULL, 0),
                              VST_OK);
    CHECK_EQ(vst_conn_forward(host->engine, event->id, server, NULL, NULL, &stream), VST_OK);
}

static void open_host(struct host *host, enum host_kind kind, unsigned max_pipes, uint16_t *port)
{
    vst_engine_options options = host_options(host, kind);
    options.max_pipes = max_pipes;
    options.flags |= max_pipes == 0 ? VST_ENGINE_NO_PIPES : 0;
    host->hook = on_event;
    host_open(host, &options);
    listener(host, NULL, port);
}

/* Descriptors of this process that are pipes. */
static int pipes(void)
{
    int count = 0;
    char target[64];
    struct dirent *entry;
    DIR *numbers = opendir("/proc/self/fd");
    MUST(numbers != NULL);
    while ((entry = readdir(numbers)) != NULL) {
        ssize_t size = readlinkat(dirfd(numbers), entry->d_name, target, sizeof target);
        count += size > 5 && memcmp(target, "pipe:", 5) == 0;
    }
    closedir(numbers);
    return count;
}

/* A name without a place in the file system. */
static int listening_unix(char *address, size_t size)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int door = socket(AF_UNIX, SOCK_STREAM, 0);
    int length = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "vestibule-%d", (int)getpid());
    snprintf(address, size, "unix:@%s", name.sun_path + 1);
    socklen_t whole = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    MUST(bind(door, (struct sockaddr *)&name, whole) == 0);
    MUST(listen(door, 8) == 0);
    return door;
}

/* A session whose peer has reset it. */
static void send_to_nobody(void)
{
    struct host host;
    uint16_t port;
    int peer;
    size_t taken;
    server_address = NULL;
    open_host(&host, HOST_EPOLL, 0, &port);
    vst_id conn = session(&host, port, &peer);
    reset_on_close(peer);
    close(peer);
    vst_status status = VST_OK;
    for (int round = 0; round < 100 && status == VST_OK; round++)
        status = vst_conn_send(host.engine, conn, bytes, sizeof bytes, &taken);
    CHECK(status == VST_E_RESET || status == VST_E_FAILED);
    CHECK_EQ(taken, 0);
    if (host.reported[VST_EVENT_CLOSED] == 0)
        vst_conn_close(host.engine, conn);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 1);
    host_free(&host);
}

/* A stream whose server closes while the stream holds bytes of the client. */
static void stream_to_nobody(enum host_kind kind, unsigned max_pipes, int door)
{
    struct host host;
    uint16_t port;
    int before = pipes();
    open_host(&host, kind, max_pipes, &port);
    int client = dial(port);
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] == 1);
    MUST(wait_for(door, POLLIN));
    int server = accept(door, NULL, NULL);
    MUST(server >= 0 && fcntl(client, F_SETFL, O_NONBLOCK) == 0);
    /* The server reads nothing: all buffers in between fill, and the stream's pipe with them. */
    int wanted = max_pipes > 0 ? 2 : 0, full = 0;
    while ((full < 3 || pipes() - before != wanted) && now_ns() < host.patience_ends) {
        full++;
        while (send(client, bytes, sizeof bytes, MSG_NOSIGNAL) > 0)
            full = 0;
        host_turn(&host);
    }
    CHECK_EQ(pipes() - before, wanted);
    /* On TCP the writer gets a reset; on a unix socket EPIPE. */
    reset_on_close(server);
    close(server);
    HOST_UNTIL(&host, host.reported[VST_EVENT_STREAM_END] == 1);
    /* Bytes that it held were discarded with their pipe. */
    CHECK_EQ(pipes(), before);
    sigset_t blocked;
    MUST(pthread_sigmask(SIG_BLOCK, NULL, &blocked) == 0);
    CHECK(!sigismember(&blocked, SIGPIPE));
    close(client);
    host_free(&host);
}

int main(void)
{
    const enum host_kind kinds[] = {HOST_EPOLL, HOST_EDGE};
    char unix_address[128], tcp_address[32];
    uint16_t server_port;
    MUST(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    outgoing = connecting(VST_SEND_PROXY_NONE);
    send_to_nobody();
    int tcp = listening(&server_port);
    snprintf(tcp_address, sizeof tcp_address, "127.0.0.1:%u", server_port);
    int local = listening_unix(unix_address, sizeof unix_address);
    for (int i = 0; i < 8; i++) {
        int is_unix = i & 4;
        server_address = is_unix ? unix_address : tcp_address;
        stream_to_nobody(kinds[i & 1], i & 2 ? 64 : 0, is_unix ? local : tcp);
    }
    close(tcp);
    close(local);
    vst_connect_config_free(outgoing);
    return verdict();
}
