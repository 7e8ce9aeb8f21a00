/* Servers go down and come up, and the events report the reason: checks, attempts that fail, or a trial.
 * A server without an address gets no stream until it has one. */
#include "backend.h"

/* Drives until the next event about a server, and compares. */
static void expect_event(struct farm *farm, unsigned *words, uint32_t server, uint32_t kind, uint32_t reason)
{
    HOST_UNTIL(&farm->host, farm->words > *words);
    *words += 1;
    CHECK_EQ(farm->words, *words);
    CHECK_EQ(farm->server, server);
    CHECK_EQ(farm->kind, kind);
    CHECK_EQ(farm->reason, reason);
    if (kind != VST_EVENT_SERVER_RESOLVE)
        CHECK_EQ(farm_server(farm, server).up, kind == VST_EVENT_SERVER_UP);
}

static vst_server_options checked(void)
{
    vst_server_options options = server_defaults();
    options.flags = VST_SERVER_CHECK;
    options.check_interval_ns = 10 * MS;
    options.check_rise = 2;
    options.check_fall = 2;
    return options;
}

static void serves(struct farm *farm, int door)
{
    int client = farm_client(farm, "ask"), peer = farm_takes(farm, door, "ask");
    farm_ends(farm, client, peer);
    CHECK(strcmp(farm->ends[farm->ended - 1].termination, "--") == 0);
}

/* A server with checks: at first nothing listens, then something does, then nothing does. */
static void by_checks(struct farm *farm, uint16_t port, unsigned *words)
{
    farm_backend(farm, backend_defaults());
    CHECK_EQ(farm_add(farm, checked(), port), 0);
    CHECK_EQ(farm_server(farm, 0).up, 1);
    expect_event(farm, words, 0, VST_EVENT_SERVER_DOWN, VST_REASON_CHECKS);
    int client = farm_client(farm, "ask");
    HOST_UNTIL(&farm->host, farm->ended > 0);
    CHECK(strcmp(farm->ends[0].termination, "SC") == 0);
    CHECK_EQ(farm->ends[0].server, VST_NO_SERVER);
    CHECK_EQ(farm->ends[0].attempts, 0);
    close(client);

    int door = opened(port);
    expect_event(farm, words, 0, VST_EVENT_SERVER_UP, VST_REASON_CHECKS);
    serves(farm, door);
    close(door);
    expect_event(farm, words, 0, VST_EVENT_SERVER_DOWN, VST_REASON_CHECKS);
    vst_backend_counters counters = farm_counters(farm, 0);
    CHECK_EQ(counters.downs_total, 2);
    CHECK(counters.checks_passed_total >= 2 && counters.checks_failed_total >= 4);
    CHECK(counters.last_change_ns > 0 && counters.last_change_ns <= now_ns());

    /* In maintenance it is not checked, and afterwards it is on trial: one failure makes it go down. */
    vst_engine *engine = farm->host.engine;
    CHECK_EQ(vst_server_set_state(engine, farm->backend, 0, VST_ADMIN_MAINTENANCE), VST_OK);
    CHECK_EQ(vst_server_set_state(engine, farm->backend, 0, VST_ADMIN_READY), VST_OK);
    expect_event(farm, words, 0, VST_EVENT_SERVER_UP, VST_REASON_TRIAL);
    uint64_t failed = farm_counters(farm, 0).checks_failed_total;
    expect_event(farm, words, 0, VST_EVENT_SERVER_DOWN, VST_REASON_CHECKS);
    CHECK_EQ(farm_counters(farm, 0).checks_failed_total, failed + 1);
    CHECK_EQ(vst_server_set_state(engine, farm->backend, 0, VST_ADMIN_MAINTENANCE), VST_OK);
}

/* Answers every check that has come, without waiting; always 0. */
static int answer(int door, const char *text, int *fds, unsigned *count)
{
    int fd = accept4(door, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        MUST(*count < 256);
        fds[(*count)++] = fd;
        say_text(fd, text);
    }
    return 0;
}

/* The bytes of a check are sent, and what the server answers must begin with what is expected. */
static void by_what_is_said(struct farm *farm, uint16_t port, uint16_t check_port, unsigned *words)
{
    char address[32], bytes[8] = {0};
    int fds[256], door = opened(port), check_door = opened(check_port);
    unsigned count = 0;
    vst_server_options options = checked();
    snprintf(address, sizeof address, "127.0.0.1:%u", check_port);
    options.check_address = address;
    options.check_send = (const uint8_t *)"PING";
    options.check_send_len = 4;
    options.check_expect = (const uint8_t *)"PONG";
    options.check_expect_len = 4;
    farm_backend(farm, backend_defaults());
    farm_add(farm, options, port);
    HOST_UNTIL(&farm->host, farm->words > *words || answer(check_door, "PANG", fds, &count));
    expect_event(farm, words, 0, VST_EVENT_SERVER_DOWN, VST_REASON_CHECKS);
    HOST_UNTIL(&farm->host, farm->words > *words || answer(check_door, "PONG!", fds, &count));
    expect_event(farm, words, 0, VST_EVENT_SERVER_UP, VST_REASON_CHECKS);
    CHECK(recv(fds[0], bytes, sizeof bytes, MSG_DONTWAIT) == 4 && strcmp(bytes, "PING") == 0);
    CHECK_EQ(accept(door, NULL, NULL), -1);
    CHECK_EQ(vst_server_set_state(farm->host.engine, farm->backend, 0, VST_ADMIN_MAINTENANCE),
             VST_OK);
    while (count > 0)
        close(fds[--count]);
    close(check_door);
    close(door);
}

/* One failed attempt makes it go down, and after a time it is on trial. */
static void by_attempts(struct farm *farm, uint16_t port, unsigned *words)
{
    vst_backend_options options = backend_defaults();
    vst_server_options server = server_defaults();
    options.flags = VST_BACKEND_NO_RETRIES;
    server.connect_errors = 1;
    server.trial_ns = 100 * MS;
    farm_backend(farm, options);
    farm_add(farm, server, port);
    unsigned before = farm->ended;
    int client = farm_client(farm, "ask");
    expect_event(farm, words, 0, VST_EVENT_SERVER_DOWN, VST_REASON_CONNECT_ERRORS);
    HOST_UNTIL(&farm->host, farm->ended > before);
    CHECK_EQ(farm->ends[before].attempts, 1);
    expect_event(farm, words, 0, VST_EVENT_SERVER_UP, VST_REASON_TRIAL);
    close(client);
}

static void by_name(struct farm *farm, uint16_t port, unsigned *words)
{
    char address[64];
    int door = opened(port);
    farm_backend(farm, backend_defaults());
    CHECK_EQ(farm_add(farm, server_defaults(), 0), 0);
    expect_event(farm, words, 0, VST_EVENT_SERVER_RESOLVE, 0);
    CHECK_EQ(farm_server(farm, 0).addresses, 0);
    CHECK_EQ(farm_server(farm, 0).usable, 0);
    snprintf(address, sizeof address, "127.0.0.1:%u, 127.0.0.1:%u", port, port);
    CHECK_EQ(vst_server_set_addresses(farm->host.engine, farm->backend, 0, address, NULL, 0),
                                      VST_OK);
    CHECK_EQ(farm_server(farm, 0).addresses, 2);
    CHECK_EQ(farm_server(farm, 0).usable, 1);
    serves(farm, door);
    CHECK_EQ(vst_server_set_addresses(farm->host.engine, farm->backend, 0, NULL, NULL, 0), VST_OK);
    CHECK_EQ(farm_server(farm, 0).usable, 0);
    CHECK_EQ(farm_server(farm, 0).up, 1);
    CHECK_EQ(farm->words, *words);
    close(door);
}

int main(void)
{
    struct farm farm;
    uint16_t port, check_port;
    int held[2] = {reserved(&port), reserved(&check_port)};
    unsigned words = 0;
    farm_open(&farm);
    by_checks(&farm, port, &words);
    by_what_is_said(&farm, port, check_port, &words);
    by_attempts(&farm, port, &words);
    by_name(&farm, port, &words);
    close(held[0]);
    close(held[1]);
    host_free(&farm.host);
    return verdict();
}
