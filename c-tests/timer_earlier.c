/* The timer callback gets only deadlines that moved earlier, and by the end of every call it has got one
 * that is not later than that in vst_wait. */
#include "check.h"

static uint64_t armed = VST_NEVER;
static unsigned timer_calls;

/* A host's timer is not set any more once it has fired, and the run that follows reports the next
 * deadline. */
static void timer(void *data, uint64_t deadline_ns)
{
    struct host *host = data;
    static unsigned runs;
    if (host->runs != runs)
        armed = VST_NEVER;
    runs = host->runs;
    CHECK(deadline_ns < armed);
    armed = deadline_ns;
    timer_calls++;
}

static void run_at(struct host *host, uint64_t now)
{
    host->runs++;
    armed = VST_NEVER;
    CHECK_EQ(vst_engine_run(host->engine, now, &host->wait), VST_OK);
    CHECK(armed <= host->wait.deadline_ns);
}

int main(void)
{
    struct host host;
    vst_accept_options options;
    vst_accept_config *config;
    vst_addr addr;
    vst_id door;
    int peers[3];
    vst_engine_options engine = host_options(&host, HOST_EPOLL);
    engine.timer = timer;
    host_open(&host, &engine);
    host.breaks_contract = 1; /* it is told times that are still to come */
    CHECK_EQ(host.wait.deadline_ns, VST_NEVER);
    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    options.accept_proxy = "any";
    options.timeout_proxy_ns = 3000000000u;
    MUST(vst_accept_config_new(&options, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(host.engine, "127.0.0.1:0", config, NULL, &door, NULL, NULL,
                           0) == VST_OK);
    MUST(vst_listener_addr(host.engine, door, &addr) == VST_OK);
    vst_accept_config_free(config);

    /* Three that send no header: the first deadline stays, later ones are not reported. */
    uint64_t start = now_ns();
    for (unsigned i = 0; i < 3; i++) {
        peers[i] = dial(addr.port);
        HOST_UNTIL(&host, host.wait.conns == i + 1);
        CHECK(armed <= host.wait.deadline_ns);
    }
    CHECK(timer_calls >= 1);
    CHECK(armed > start && armed <= start + 4000000000u);

    /* Time is the host's: half a minute later they are all refused, without any real wait. */
    for (int round = 0; round < 20 && host.wait.conns > 0; round++)
        run_at(&host, start + 30000000000u + (uint64_t)round * 5000000000u);
    CHECK_EQ(host.wait.conns, 0);
    CHECK_EQ(host.reported[VST_EVENT_REFUSED], 3);
    CHECK_EQ(host.wait.deadline_ns, VST_NEVER);
    host_free(&host);
    for (unsigned i = 0; i < 3; i++)
        close(peers[i]);
    return verdict();
}
