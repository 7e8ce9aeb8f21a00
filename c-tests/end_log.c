/* However many connections end, each end is reported once. A limit applies to the log only: an end that
 * exceeds the limit of its kind is marked so, and the next that does not counts those. */
#include "check.h"

enum { ENDS = 20, MOST = 2 };

static unsigned loud, quiet;
static uint64_t suppressed;

static void on_event(struct host *host, const vst_event *event)
{
    if (event->kind == VST_EVENT_SESSION)
        CHECK_EQ(vst_conn_close(host->engine, event->id), VST_OK);
    if (event->kind != VST_EVENT_CLOSED)
        return;
    const vst_end *end = event->end;
    MUST(end != NULL);
    CHECK(end->quiet <= 1);
    CHECK_EQ(end->why, 0);
    CHECK(!end->quiet || end->suppressed == 0);
    quiet += end->quiet;
    loud += !end->quiet;
    suppressed += end->suppressed;
}

static void comes_and_goes(struct host *host, uint16_t port)
{
    unsigned before = host->reported[VST_EVENT_CLOSED];
    int peer = dial(port);
    shutdown(peer, SHUT_WR);
    HOST_UNTIL(host, host->reported[VST_EVENT_CLOSED] > before);
    close(peer);
}

int main(void)
{
    struct host host;
    vst_listener_options options;
    vst_addr addr;
    vst_id door;
    host_new(&host, HOST_EPOLL);
    host.breaks_contract = 1;
    host.hook = on_event;
    vst_accept_config *config = accepting(NULL);
    MUST(vst_listener_options_init(&options, sizeof options) == VST_OK);
    CHECK_EQ(options.ends_per_second, UINT32_MAX);
    options.ends_per_second = MOST;
    MUST(vst_listener_open(host.engine, "127.0.0.1:0", config, &options, &door, NULL, NULL,
                           0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host.engine, door, &addr) == VST_OK);

    for (int i = 0; i < ENDS; i++)
        comes_and_goes(&host, addr.port);
    CHECK_EQ(host.reported[VST_EVENT_CLOSED], ENDS);
    CHECK_EQ(loud + quiet, ENDS);
    /* All within a second, or nearly: then two a second are for the log. */
    CHECK(loud >= MOST && loud <= 4 * MOST);
    CHECK(suppressed <= quiet);

    /* Two seconds later, by the host's clock, one is for the log again and counts the others. */
    unsigned before = loud;
    CHECK_EQ(vst_engine_run(host.engine, now_ns() + 2000000000u, &host.wait), VST_OK);
    comes_and_goes(&host, addr.port);
    CHECK_EQ(loud, before + 1);
    CHECK_EQ(suppressed, quiet);
    host_free(&host);
    return verdict();
}
