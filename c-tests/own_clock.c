/* A host may have a clock of its own, which began after the system's: it passes the clock's present time
 * when it makes the engine, and all deadlines are times of that clock. */
#include "check.h"

#define SECOND 1000000000u

int main(void)
{
    struct host host;
    vst_accept_options accept;
    vst_accept_config *config;
    vst_id door;
    vst_addr addr;
    vst_engine_options options = host_options(&host, HOST_EPOLL);
    options.now_ns = SECOND;
    host_open(&host, &options);
    MUST(vst_accept_options_init(&accept, sizeof accept) == VST_OK);
    accept.accept_proxy = "any";
    accept.timeout_proxy_ns = 2ull * SECOND;
    MUST(vst_accept_config_new(&accept, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(host.engine, "127.0.0.1:0", config, NULL, &door, NULL, NULL,
                           0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host.engine, door, &addr) == VST_OK);

    int peer = dial(addr.port);
    uint64_t patience_ends = now_ns() + PATIENCE_NS;
    while (host.wait.conns == 0) {
        struct epoll_event event;
        MUST(now_ns() < patience_ends);
        if (epoll_wait(host.epoll, &event, 1, 1000) == 1)
            CHECK_EQ(vst_engine_ready(host.engine, event.data.u64, from_epoll(event.events),
                                      2ull * SECOND, &host.wait), VST_OK);
    }
    CHECK(host.wait.deadline_ns > 2ull * SECOND && host.wait.deadline_ns <= 4ull * SECOND);
    CHECK_EQ(vst_engine_run(host.engine, 3ull * SECOND, &host.wait), VST_OK);
    CHECK_EQ(host.reported[VST_EVENT_REFUSED], 0);
    /* A command has the time of the last drive call. */
    CHECK_EQ(vst_listener_pause(host.engine, door), VST_OK);
    CHECK_EQ(vst_engine_run(host.engine, 5ull * SECOND, &host.wait), VST_OK);
    CHECK_EQ(host.reported[VST_EVENT_REFUSED], 1);
    close(peer);
    host_free(&host);
    return verdict();
}
