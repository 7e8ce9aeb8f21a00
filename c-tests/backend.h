/* What the tests of backends share: a host that joins every session with one backend and keeps how each
 * stream ended, and servers whose ports stay reserved while no program listens on them. */
#ifndef VST_BACKEND_H
#define VST_BACKEND_H

#include "check.h"

enum { STREAMS = 16 };

#define MS UINT64_C(1000000)

struct farm {
    struct host host; /* first: the event hook gets a pointer to it */
    vst_id backend;
    uint16_t port; /* where clients connect */
    vst_id streams[STREAMS];
    vst_stream_end ends[STREAMS]; /* in the order of their ends; `text` is not kept */
    unsigned begun, ended;
    /* The last event about a server, and about which. */
    uint32_t kind, server, reason;
    unsigned words;
};

static inline void farm_event(struct host *host, const vst_event *event)
{
    struct farm *farm = (struct farm *)host;
    switch (event->kind) {
    case VST_EVENT_SESSION:
        MUST(farm->begun < STREAMS);
        CHECK_EQ(vst_conn_forward_to(host->engine, event->id, farm->backend, NULL, farm,
                                     &farm->streams[farm->begun]),
                 VST_OK);
        farm->begun++;
        break;
    case VST_EVENT_STREAM_END:
        CHECK(event->user == farm);
        CHECK(event->stream->backend == farm->backend);
        CHECK_EQ(event->stream->_reserved, 0);
        farm->ends[farm->ended++] = *event->stream;
        break;
    case VST_EVENT_SERVER_UP:
    case VST_EVENT_SERVER_DOWN:
    case VST_EVENT_SERVER_RESOLVE:
        CHECK(event->id == farm->backend);
        CHECK(event->user == farm);
        farm->kind = event->kind;
        farm->server = event->server;
        farm->reason = event->reason;
        farm->words++;
        break;
    default:
        CHECK(!"an event that no stream causes");
    }
}

/* An engine with a listener; backends are made with farm_backend. */
static inline void farm_open(struct farm *farm)
{
    memset(farm, 0, sizeof *farm);
    host_new(&farm->host, HOST_EPOLL);
    farm->host.hook = farm_event;
    listener(&farm->host, NULL, &farm->port);
}

static inline vst_backend_options backend_defaults(void)
{
    vst_backend_options options;
    MUST(vst_backend_options_init(&options, sizeof options) == VST_OK);
    return options;
}

static inline vst_server_options server_defaults(void)
{
    vst_server_options options;
    MUST(vst_server_options_init(&options, sizeof options) == VST_OK);
    return options;
}

/* Another backend, which sessions are joined with from here on. */
static inline void farm_backend(struct farm *farm, vst_backend_options options)
{
    options.user = farm;
    MUST(vst_backend_new(farm->host.engine, &options, &farm->backend, NULL, 0) == VST_OK);
}

/* Adds a server at a port of the loopback, or, with 0, at none. */
static inline uint32_t farm_add(struct farm *farm, vst_server_options options, uint16_t port)
{
    char name[16], address[32];
    uint32_t server;
    snprintf(name, sizeof name, "port %u", port);
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    options.name = name;
    options.addresses = port != 0 ? address : NULL;
    MUST(vst_backend_add_server(farm->host.engine, farm->backend, &options, &server, NULL, 0) == VST_OK);
    return server;
}

static inline vst_backend_counters farm_counters(struct farm *farm, uint32_t server)
{
    vst_backend_counters counters = {.size = sizeof counters};
    vst_engine *engine = farm->host.engine;
    MUST((server == VST_NO_SERVER ? vst_backend_get_counters(engine, farm->backend, &counters)
                                    : vst_server_get_counters(engine, farm->backend, server, &counters))
         == VST_OK);
    CHECK_EQ(counters.size, sizeof counters);
    return counters;
}

static inline vst_server_status farm_server(struct farm *farm, uint32_t server)
{
    vst_server_status state = {.size = sizeof state};
    MUST(vst_server_state(farm->host.engine, farm->backend, server, &state) == VST_OK);
    return state;
}

/* A client that has sent something, and whose stream has begun. */
static inline int farm_client(struct farm *farm, const char *text)
{
    unsigned before = farm->begun;
    int fd = dial(farm->port);
    say_text(fd, text);
    HOST_UNTIL(&farm->host, farm->begun > before);
    return fd;
}

/* Drives until exactly this text has arrived on a socket. */
static inline void farm_hears(struct farm *farm, int fd, const char *text)
{
    char bytes[64];
    size_t had = 0;
    HOST_UNTIL(&farm->host, had == strlen(text) || ({
        ssize_t got = hear(fd, bytes + had, sizeof bytes - had);
        had += got > 0 ? (size_t)got : 0;
        0;
    }));
    CHECK(had == strlen(text) && memcmp(bytes, text, had) == 0);
}

/* The next connection of a server on which this text arrives: on those of checks nothing does before
 * they end. */
static inline int farm_takes(struct farm *farm, int door, const char *text)
{
    int fd = -1;
    char first;
    for (;;) {
        HOST_UNTIL(&farm->host, (fd = accept4(door, NULL, NULL, SOCK_CLOEXEC)) >= 0);
        ssize_t got = -1;
        HOST_UNTIL(&farm->host, (got = recv(fd, &first, 1, MSG_DONTWAIT | MSG_PEEK)) >= 0
                                    || errno != EAGAIN);
        if (got == 1)
            break;
        close(fd);
    }
    farm_hears(farm, fd, text);
    return fd;
}

/* A client whose stream reaches no server: it is told so, and closes. */
static inline void farm_refused(struct farm *farm, int client)
{
    unsigned before = farm->ended;
    char byte;
    HOST_UNTIL(&farm->host, hear(client, &byte, 1) >= 0 || errno != EAGAIN);
    close(client);
    HOST_UNTIL(&farm->host, farm->ended > before);
}

/* Ends both sides of a stream in order. */
static inline void farm_ends(struct farm *farm, int client, int server)
{
    unsigned before = farm->ended;
    close(server);
    close(client);
    HOST_UNTIL(&farm->host, farm->ended > before);
}

/* ---- servers ---- */

/* A port reserved for the test: bound, so that no other socket is given it, and without a listener. */
static inline int reserved(uint16_t *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t len = sizeof name;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    MUST(bind(fd, (struct sockaddr *)&name, len) == 0);
    MUST(getsockname(fd, (struct sockaddr *)&name, &len) == 0);
    *port = ntohs(name.sin_port);
    return fd;
}

/* Begins to listen on a reserved port, without blocking in accept. When the result is closed, connects
 * are refused again. */
static inline int opened(uint16_t port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    MUST(bind(fd, (struct sockaddr *)&name, sizeof name) == 0 && listen(fd, 64) == 0);
    return fd;
}

#endif
