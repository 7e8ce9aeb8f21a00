/* Mistakes of hosts that no other program makes: each is answered by a status or has no effect, and the engine
 * goes on. */
#include "check.h"

static struct host host;
static vst_accept_config *config;
static uint16_t port;
static vst_id door, conn;
static int peer;

static void ids_that_are_none(void)
{
    char bytes[4];
    size_t n;
    CHECK_EQ(vst_conn_recv(host.engine, 0, bytes, 4, &n), VST_E_ARGUMENT);
    CHECK_EQ(vst_conn_close(host.engine, 12345), VST_E_ARGUMENT);
    CHECK_EQ(vst_conn_close(host.engine, UINT64_MAX), VST_E_ARGUMENT);
    CHECK_EQ(vst_engine_ready(host.engine, 0, VST_IO_IN, 0, NULL), VST_E_ARGUMENT);
    /* The address of something of the host's. */
    CHECK(vst_conn_close(host.engine, (vst_id)(uintptr_t)&host) < 0);
}

static void an_id_for_a_token_and_the_reverse(void)
{
    int32_t fd;
    CHECK_EQ(vst_engine_ready(host.engine, conn, VST_IO_IN, 0, NULL), VST_E_KIND);
    CHECK_EQ(vst_conn_fd(host.engine, conn, &fd), VST_OK);
    CHECK_EQ(vst_conn_close(host.engine, host.watch[fd].token), VST_E_KIND);
}

/* The others of the batch have their readiness all the same. */
static void a_wrong_token_in_a_batch(void)
{
    char bytes[4];
    size_t n;
    int32_t fd;
    CHECK_EQ(vst_conn_recv(host.engine, conn, bytes, 4, &n), VST_WAIT);
    CHECK_EQ(vst_conn_fd(host.engine, conn, &fd), VST_OK);
    say_text(peer, "last");
    MUST(wait_for(fd, POLLIN));
    unsigned before = host.reported[VST_EVENT_READABLE];
    vst_ready list[] = {{.token = conn, .events = VST_IO_IN},
                        {.token = host.watch[fd].token, .events = VST_IO_IN}};
    CHECK_EQ(vst_engine_ready_batch(host.engine, list, 2, 0, NULL), VST_E_KIND);
    CHECK_EQ(host.reported[VST_EVENT_READABLE], before + 1);
    CHECK_EQ(vst_conn_recv(host.engine, conn, bytes, 4, &n), VST_OK);
}

static void raw_bits_of_epoll(void)
{
    int32_t fd;
    CHECK_EQ(vst_conn_fd(host.engine, conn, &fd), VST_OK);
    CHECK_EQ(vst_engine_ready(host.engine, host.watch[fd].token, EPOLLIN | EPOLLRDHUP, 0, NULL),
             VST_E_ARGUMENT);
    CHECK_EQ(vst_engine_ready(host.engine, host.watch[fd].token, EPOLLIN | EPOLLHUP, 0, NULL),
             VST_E_ARGUMENT);
}

static void other_units_of_time(void)
{
    CHECK_EQ(vst_engine_run(host.engine, now_ns() / 1000000, NULL), VST_E_MODE);
    CHECK_EQ(vst_engine_run(host.engine, now_ns() * 1000, NULL), VST_E_MODE);
    CHECK_EQ(vst_engine_run(host.engine, (uint64_t)time(NULL), NULL), VST_E_MODE);
    CHECK_EQ(vst_engine_run(host.engine, 0, NULL), VST_OK);
}

static void the_other_way_of_being_driven(void)
{
    vst_event event = {.size = sizeof event};
    CHECK_EQ(vst_engine_next(host.engine, &event), VST_E_MODE);
    CHECK_EQ(vst_engine_ready_fd(host.engine, 0, VST_IO_IN, 0, NULL), VST_E_MODE);
    CHECK_EQ(vst_engine_batch_end(host.engine, NULL), VST_E_STATE);
    CHECK_EQ(vst_engine_batch_begin(host.engine), VST_OK);
    CHECK_EQ(vst_engine_batch_begin(host.engine), VST_E_STATE);
    CHECK_EQ(vst_engine_batch_end(host.engine, NULL), VST_OK);
}

static void descriptors_that_are_no_connections(void)
{
    vst_id id;
    int32_t sys;
    uint16_t unused;
    int pipes[2], listens = listening(&unused), udp = socket(AF_INET, SOCK_DGRAM, 0);
    MUST(pipe(pipes) == 0);
    CHECK_EQ(vst_conn_accept_fd(host.engine, config, -1, NULL, &id, &sys, NULL, 0), VST_E_SYSTEM);
    CHECK_EQ(sys, EBADF);
    CHECK_EQ(vst_conn_accept_fd(host.engine, config, pipes[0], NULL, &id, &sys, NULL, 0), VST_E_SYSTEM);
    CHECK_EQ(sys, ENOTSOCK);
    CHECK_EQ(vst_conn_accept_fd(host.engine, config, listens, NULL, &id, &sys, NULL, 0), VST_E_ARGUMENT);
    CHECK(vst_conn_adopt(host.engine, udp, NULL, &id, &sys, NULL, 0) < 0);
    CHECK(vst_listener_adopt(host.engine, peer, config, NULL, &id, &sys, NULL, 0) < 0);
    /* They stay the host's. */
    CHECK(close(pipes[0]) == 0 && close(pipes[1]) == 0 && close(listens) == 0 && close(udp) == 0);
}

static void sizes_and_directions_that_are_none(void)
{
    char bytes[4];
    size_t n;
    CHECK_EQ(vst_conn_recv(host.engine, conn, bytes, 0, &n), VST_E_ARGUMENT);
    CHECK_EQ(vst_conn_recv(host.engine, conn, bytes, SIZE_MAX, &n), VST_E_ARGUMENT);
    CHECK_EQ(vst_conn_send(host.engine, conn, NULL, 1, &n), VST_E_NULL);
    CHECK_EQ(vst_conn_send(host.engine, conn, NULL, 0, &n), VST_OK);
    CHECK_EQ(vst_conn_shutdown(host.engine, conn, 0), VST_E_ARGUMENT);
    CHECK_EQ(vst_conn_shutdown(host.engine, conn, 4), VST_E_ARGUMENT);
    CHECK_EQ(vst_conn_describe(host.engine, conn, bytes, 4, &n), VST_E_SPACE);
    CHECK(n > 4);
}

static void texts_that_are_none(void)
{
    vst_id id;
    char why[128];
    vst_listener_options options = {.size = sizeof options};
    CHECK_EQ(vst_listener_open(host.engine, "not an address", config, &options, &id, NULL, why, sizeof why),
             VST_E_ARGUMENT);
    CHECK(why[0] != '\0' && id == 0);
    CHECK(vst_listener_open(host.engine, "\xff\xfe", config, &options, &id, NULL, why, sizeof why) < 0);
    CHECK(vst_listener_set_name(host.engine, door, "\xff") < 0);
    vst_rules *rules;
    const uint8_t text[] = "tcp-request nothing";
    CHECK_EQ(vst_rules_new(text, sizeof text - 1, NULL, 0, NULL, &rules, why, sizeof why), VST_E_CONFIG);
    CHECK(rules == NULL);
}

/* valgrind and its like object to what is read of a handle that is freed. */
static int is_watched(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}

/* The words in front of handles. */
static void handles(void)
{
    vst_accept_options accept = {.size = sizeof accept};
    vst_connect_options connect = {.size = sizeof connect};
    vst_accept_config *freed;
    vst_connect_config *other;
    vst_id id;
    vst_engine *engine;
    vst_engine_options options = {.size = sizeof options};
    MUST(vst_connect_config_new(&connect, &other, NULL, 0) == VST_OK);
    CHECK_EQ(vst_listener_open(host.engine, "127.0.0.1:0", (vst_accept_config *)other, NULL, &id, NULL, NULL,
                               0),
             VST_E_KIND);
    vst_accept_config_free((vst_accept_config *)other); /* nothing happens */
    vst_connect_config_free(other);
    if (is_watched())
        return;
    MUST(vst_accept_config_new(&accept, &freed, NULL, 0) == VST_OK);
    vst_accept_config_free(freed);
    CHECK_EQ(vst_listener_open(host.engine, "127.0.0.1:0", freed, NULL, &id, NULL, NULL, 0), VST_E_STALE);
    vst_accept_config_free(freed);
    MUST(vst_engine_new(&options, &engine, NULL, 0) == VST_OK);
    CHECK_EQ(vst_engine_free(engine), VST_OK);
    CHECK_EQ(vst_engine_wait(engine, &host.wait), VST_E_STALE);
    CHECK_EQ(vst_engine_free(engine), VST_E_STALE);
}

static void closed_twice_and_used_afterwards(void)
{
    char bytes[4];
    size_t n;
    vst_id stream;
    CHECK_EQ(vst_conn_close(host.engine, conn), VST_OK);
    CHECK_EQ(vst_conn_close(host.engine, conn), VST_E_STATE);
    CHECK_EQ(vst_conn_recv(host.engine, conn, bytes, 4, &n), VST_E_STATE);
    CHECK_EQ(vst_conn_send(host.engine, conn, "x", 1, &n), VST_E_STATE);
    CHECK(vst_conn_forward(host.engine, conn, conn, NULL, NULL, &stream) < 0 && stream == 0);
    close(peer);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 1);
    CHECK_EQ(vst_conn_close(host.engine, conn), VST_E_STALE);
    CHECK_EQ(vst_conn_abort(host.engine, conn), VST_E_STALE);
    CHECK_EQ(host.reported[VST_EVENT_CLOSED], 1);
}

int main(void)
{
    vst_engine_options options = host_options(&host, HOST_EPOLL);
    options.flags = VST_ENGINE_CHECKED; /* not by number */
    host_open(&host, &options);
    host.breaks_contract = 1;
    door = listener(&host, NULL, &port);
    config = accepting(NULL);
    conn = session(&host, port, &peer);
    ids_that_are_none();
    an_id_for_a_token_and_the_reverse();
    a_wrong_token_in_a_batch();
    raw_bits_of_epoll();
    other_units_of_time();
    the_other_way_of_being_driven();
    descriptors_that_are_no_connections();
    sizes_and_directions_that_are_none();
    texts_that_are_none();
    handles();
    closed_twice_and_used_afterwards();
    vst_accept_config_free(config);
    host_free(&host);
    return verdict();
}
