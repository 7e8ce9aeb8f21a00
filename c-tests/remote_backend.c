/* Servers of a backend that an agent reaches: streams and health checks go over the link, attempts that fail
 * at the agent are repeated, and the end of a stream says where it failed. */
#include "backend.h"
#include "remote.h"

static struct {
    vst_id backend, stream;
    uint16_t port; /* where clients connect */
    vst_stream_end end; /* of the last stream; `text` is not kept */
    vst_end of_server;
    int has_server;
    unsigned ended;
    uint32_t word, reason; /* the last event about a server */
} scene;

static void of_client(struct host *host, const vst_event *event)
{
    switch (event->kind) {
    case VST_EVENT_SESSION:
        CHECK_EQ(vst_conn_forward_to(host->engine, event->id, scene.backend, NULL, NULL,
                                     &scene.stream), VST_OK);
        break;
    case VST_EVENT_STREAM_END:
        scene.end = *event->stream;
        scene.has_server = event->end_server != NULL;
        if (scene.has_server)
            scene.of_server = *event->end_server;
        scene.ended++;
        break;
    case VST_EVENT_SERVER_UP:
    case VST_EVENT_SERVER_DOWN:
        scene.word = event->kind;
        scene.reason = event->reason;
        break;
    default:
        break;
    }
}

static void begin(void)
{
    vst_backend_options options = {.size = sizeof options, .turn_around_ns = MS};
    memset(&scene, 0, sizeof scene);
    remote_new();
    remote.of_client = of_client;
    listener(&remote.client.host, NULL, &scene.port);
    MUST(vst_backend_new(remote.client.host.engine, &options, &scene.backend, NULL, 0) == VST_OK);
}

static void add(uint16_t port, uint64_t flags, uint64_t check_flags)
{
    vst_connect_options connect = remote_options(), check = remote_options();
    vst_server_options options = {.size = sizeof options, .name = "a",
                                  .flags = check_flags, .check_interval_ns = 10 * MS,
                                  .check_rise = 2, .check_fall = 2};
    vst_connect_config *config, *of_check;
    char address[32];
    uint32_t server;
    connect.flags = flags;
    MUST(vst_connect_config_new(&connect, &config, NULL, 0) == VST_OK);
    MUST(vst_connect_config_new(&check, &of_check, NULL, 0) == VST_OK);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
    options.addresses = address;
    options.connect = config;
    options.check_connect = of_check;
    MUST(vst_backend_add_server(remote.client.host.engine, scene.backend, &options, &server, NULL, 0)
         == VST_OK);
    vst_connect_config_free(config);
    vst_connect_config_free(of_check);
}

static int asks(const char *text)
{
    int client = dial(scene.port);
    say_text(client, text);
    return client;
}

/* The next connection of the server on which a request arrives. */
static int takes(int door, const char *text)
{
    int fd = -1;
    char first;
    ssize_t got = -1;
    for (;;) {
        REMOTE_UNTIL((fd = accept4(door, NULL, NULL, SOCK_CLOEXEC)) >= 0);
        REMOTE_UNTIL((got = recv(fd, &first, 1, MSG_DONTWAIT | MSG_PEEK)) >= 0 || errno != EAGAIN);
        if (got == 1)
            break;
        /* It was that of a check. */
        close(fd);
    }
    hears(fd, text);
    return fd;
}

static void streams_go_over_the_link(uint64_t flags)
{
    uint16_t port;
    int held = reserved(&port), door = opened(port);
    begin();
    add(port, flags, 0);
    int client = asks("a request"), server = takes(door, "a request");
    MUST(shutdown(client, SHUT_WR) == 0);
    CHECK_EQ(hears_end(server), 0);
    say_text(server, "an answer");
    close(server);
    hears(client, "an answer");
    CHECK_EQ(hears_end(client), 0);
    close(client);
    REMOTE_UNTIL(scene.ended == 1);
    CHECK(strcmp(scene.end.termination, "--") == 0 && scene.has_server);
    CHECK(scene.of_server.bytes_in == 9 && scene.of_server.bytes_out == 9);
    CHECK_EQ(scene.of_server.remote, 0);
    close(door);

    /* Nobody listens any more: every attempt is made, and fails at the agent. */
    client = asks("again");
    REMOTE_UNTIL(scene.ended == 2);
    CHECK_EQ(scene.end.attempts, 4);
    CHECK(strcmp(scene.end.termination, "SC") == 0);
    CHECK_EQ(scene.end.why, VST_WHY_REFUSED);
    if (scene.has_server)
        CHECK(scene.of_server.remote == 1 && scene.of_server.sys_errno == ECONNREFUSED);
    close(client);
    close(held);
    remote_finish();
}

static int is_up(void)
{
    vst_server_status state = {.size = sizeof state};
    CHECK_EQ(vst_server_state(remote.client.host.engine, scene.backend, 0, &state), VST_OK);
    return state.up == 1;
}

static void checks_go_over_the_link(void)
{
    uint16_t port;
    int held = reserved(&port);
    begin();
    add(port, VST_CONNECT_NO_DESCRIPTOR, VST_SERVER_CHECK);
    REMOTE_UNTIL(scene.word == VST_EVENT_SERVER_DOWN);
    CHECK(scene.reason == VST_REASON_CHECKS && !is_up());
    int door = opened(port);
    REMOTE_UNTIL(scene.word == VST_EVENT_SERVER_UP);
    CHECK(scene.reason == VST_REASON_CHECKS && is_up());
    int client = asks("ask"), server = takes(door, "ask");
    close(server);
    close(client);
    REMOTE_UNTIL(scene.ended == 1);
    close(door);
    REMOTE_UNTIL(scene.word == VST_EVENT_SERVER_DOWN);
    vst_backend_counters counters = {.size = sizeof counters};
    CHECK_EQ(vst_backend_get_counters(remote.client.host.engine, scene.backend, &counters), VST_OK);
    CHECK(counters.checks_passed_total >= 2 && counters.checks_failed_total >= 4);
    close(held);
    side_free(&remote.client);
    side_free(&remote.agent);
}

int main(void)
{
    streams_go_over_the_link(0);
    streams_go_over_the_link(VST_CONNECT_NO_DESCRIPTOR);
    checks_go_over_the_link();
    return verdict();
}
