/* An engine has one clock: CLOCK_MONOTONIC, passed in or read, or one of the host, always passed in. A
 * time of another clock is refused and changes nothing, a jump is reported once, and a deadline that has
 * passed takes effect whatever has arrived since. */
#include "check.h"

#define SECOND 1000000000ull
#define HOUR (3600 * SECOND)

static unsigned lines;

static void log_line(void *data, const char *text, size_t len)
{
    (void)data;
    lines++;
    CHECK(len > 20 && memcmp(text, "the clock that drive", 20) == 0);
}

static uint64_t since_1970(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* An engine whose listener gives each client two seconds for its header. */
static void open_host(struct host *host, uint64_t clock_ns, uint16_t *port)
{
    vst_engine_options options = host_options(host, HOST_EPOLL);
    options.flags = 0; /* it breaks the contract on purpose */
    vst_accept_options accept = {
        .size = sizeof accept, .accept_proxy = "any", .timeout_proxy_ns = 2 * SECOND};
    vst_accept_config *config;
    vst_addr addr;
    vst_id door;
    options.now_ns = clock_ns;
    options.log = log_line;
    host_open(host, &options);
    MUST(vst_accept_config_new(&accept, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(host->engine, "127.0.0.1:0", config, NULL, &door, NULL, NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host->engine, door, &addr) == VST_OK);
    *port = addr.port;
}

/* Reports the next readiness, with this time. */
static vst_status ready(struct host *host, uint64_t at)
{
    struct epoll_event event;
    MUST(epoll_wait(host->epoll, &event, 1, (int)(PATIENCE_NS / 1000000)) == 1);
    return vst_engine_ready(host->engine, event.data.u64, from_epoll(event.events), at,
                            &host->wait);
}

static void the_system_s_clock(int reported_first)
{
    struct host host;
    uint16_t port;
    open_host(&host, 0, &port);
    uint64_t own = reported_first ? now_ns() : 0;
    CHECK_EQ(vst_engine_run(host.engine, own, &host.wait), VST_OK);
    int peer = dial(port);
    CHECK_EQ(ready(&host, since_1970()), VST_E_MODE);
    CHECK_EQ(host.wait.conns, 0);
    CHECK_EQ(vst_engine_run(host.engine, since_1970(), &host.wait), VST_E_MODE);
    CHECK_EQ(ready(&host, own), VST_OK);
    CHECK_EQ(host.wait.conns, 1);
    /* Its deadline is as near as before. */
    CHECK(host.wait.deadline_ns < now_ns() + 3 * SECOND);
    CHECK_EQ(vst_engine_run(host.engine, now_ns(), &host.wait), VST_OK);
    CHECK_EQ(vst_engine_run(host.engine, 0, &host.wait), VST_OK);
    CHECK_EQ(lines, 0);
    host_free(&host);
    close(peer);
}

static void a_clock_of_the_host_s_own(void)
{
    struct host host;
    uint16_t port;
    open_host(&host, SECOND, &port);
    CHECK_EQ(vst_engine_run(host.engine, 0, &host.wait), VST_E_MODE);
    CHECK_EQ(vst_engine_run(host.engine, 2 * SECOND, &host.wait), VST_OK);
    CHECK_EQ(vst_engine_run(host.engine, 0, &host.wait), VST_E_MODE);
    int peer = dial(port);
    CHECK_EQ(ready(&host, 0), VST_E_MODE);
    CHECK_EQ(ready(&host, 3 * SECOND), VST_OK);
    CHECK(host.wait.deadline_ns > 3 * SECOND && host.wait.deadline_ns < 6 * SECOND);
    CHECK_EQ(lines, 0);
    CHECK_EQ(vst_engine_run(host.engine, 4 * SECOND + HOUR, &host.wait), VST_OK);
    CHECK_EQ(host.reported[VST_EVENT_REFUSED], 1);
    CHECK_EQ(lines, 1);
    CHECK_EQ(vst_engine_run(host.engine, 5 * SECOND + HOUR, &host.wait), VST_OK);
    CHECK_EQ(vst_engine_run(host.engine, SECOND, &host.wait), VST_OK);
    CHECK_EQ(lines, 2);
    CHECK_EQ(vst_engine_run(host.engine, 2 * SECOND, &host.wait), VST_OK);
    CHECK_EQ(lines, 2);
    host_free(&host);
    close(peer);
}

/* The header has arrived, and its time was over before. */
static void what_comes_after_its_deadline(void)
{
    struct host host;
    uint16_t port;
    open_host(&host, SECOND, &port);
    int peer = dial(port);
    CHECK_EQ(ready(&host, 2 * SECOND), VST_OK);
    say_text(peer, "PROXY UNKNOWN\r\n");
    vst_status reported = ready(&host, 5 * SECOND);
    CHECK(reported == VST_OK || reported == VST_E_STALE);
    CHECK_EQ(host.reported[VST_EVENT_SESSION], 0);
    CHECK_EQ(host.reported[VST_EVENT_REFUSED], 1);
    host_free(&host);
    close(peer);
}

int main(void)
{
    the_system_s_clock(0);
    the_system_s_clock(1);
    a_clock_of_the_host_s_own();
    what_comes_after_its_deadline();
    return verdict();
}
