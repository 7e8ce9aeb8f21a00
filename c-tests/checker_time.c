/* A checked engine notices times that are of another clock or go back, and deadlines that are missed. */
#include "checker.h"

static struct checked checked;
static struct host *const host = &checked.host;

static void deadline_missed(void)
{
    vst_accept_options accept;
    vst_accept_config *config;
    vst_addr addr;
    vst_id id;
    int peer;
    checked_new(&checked, HOST_POLL);
    MUST(vst_accept_options_init(&accept, sizeof accept) == VST_OK);
    accept.accept_proxy = "any";
    accept.timeout_proxy_ns = 2 * SECOND;
    MUST(vst_accept_config_new(&accept, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(host->engine, "127.0.0.1:0", config, NULL, &id, NULL, NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host->engine, id, &addr) == VST_OK);
    peer = dial(addr.port);
    ROUNDS_UNTIL(&checked, host->wait.conns == 1);
    MUST(host->wait.deadline_ns != VST_NEVER);
    checked.clock = host->wait.deadline_ns;
    pass(&checked, 5 * SECOND);
    SILENT(&checked);
    CHECK_EQ(host->reported[VST_EVENT_REFUSED], 1);

    close(peer);
    peer = dial(addr.port);
    ROUNDS_UNTIL(&checked, host->wait.conns == 1);
    checked.clock = host->wait.deadline_ns;
    pass(&checked, 5100 * MS);
    SAID(&checked, "a deadline had passed 5.1 s before the next drive call: wait until deadline_ns of "
         "vst_wait at most, then call vst_engine_run");
    close(peer);
    host_free(host);
}

static void clock_back(void)
{
    checked_new(&checked, HOST_POLL);
    pass(&checked, 10 * SECOND);
    checked.clock -= SECOND;
    pass(&checked, 0);
    SILENT(&checked);
    checked.clock -= 5 * SECOND;
    pass(&checked, 0);
    SAID(&checked, "a drive call was given a time 5.0 s before that of the last one: read one clock, "
         "after each poll");
    host_free(host);
}

static void no_time(void)
{
    checked_new(&checked, HOST_POLL);
    CHECK_EQ(vst_engine_run(host->engine, 0, NULL), VST_E_MODE);
    SAID(&checked, "a drive call was given the time 0, and the engine was made with now_ns: give the "
         "time of the host's own clock");
    host_free(host);
}

/* How long it takes from one reading of the clock to the other is not known. */
static void other_clock(void)
{
    static const struct { const char *side; uint64_t by; } cases[] = {
        {"ahead of", 30 * SECOND}, {"behind", 0},
    };
    for (int i = 0; i < 2; i++) {
        char text[SENTENCE];
        unsigned whole = 0, tenth = 0;
        vst_engine_options options = checked_options(&checked, HOST_POLL);
        options.now_ns = 0;
        host_open(host, &options);
        CHECK_EQ(vst_engine_run(host->engine, now_ns(), &host->wait), VST_OK);
        SILENT(&checked);
        CHECK_EQ(vst_engine_run(host->engine,
                                cases[i].by ? now_ns() + cases[i].by : now_ns() - 30 * SECOND,
                                &host->wait), VST_OK);
        CHECK(checked.sentences >= 1);
        sscanf(checked.said[0], "a drive call was given a time %u.%u s ", &whole, &tenth);
        CHECK(whole >= 29 && whole <= 30 + PATIENCE_NS / SECOND);
        snprintf(text, sizeof text, "a drive call was given a time %u.%u s %s CLOCK_MONOTONIC: give the "
                 "time of that clock, read after the poll, or 0", whole, tenth, cases[i].side);
        CHECK(strcmp(checked.said[0], text) == 0);
        host_free(host);
    }
}

int main(void)
{
    deadline_missed();
    clock_back();
    no_time();
    other_clock();
    return verdict();
}
