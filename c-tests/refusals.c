/* Every connection that ends before its session gives one record: where, why, and the peer; limited per
 * second, listener and kind, and those that were not reported are counted in the next that is. */
#include "check.h"

static unsigned malformed, empty;
static uint64_t suppressed;
static char text[256];

static void on_event(struct host *host, const vst_event *event)
{
    uint32_t state;
    if (event->kind != VST_EVENT_REFUSED)
        return;
    const vst_end *end = event->end;
    MUST(end != NULL && event->end_server == NULL);
    CHECK_EQ(end->size, sizeof *end);
    CHECK_EQ(end->at, VST_OP_ACCEPT_PROXY);
    CHECK(end->conn == event->id && end->listener == *(vst_id *)host->mine);
    CHECK_EQ(vst_conn_state(host->engine, event->id, &state), VST_E_STALE);
    CHECK(end->alert == -1 && end->quiet == 0);
    CHECK(end->peer.family == VST_ADDR_IPV4 && end->peer.port != 0);
    CHECK_EQ(end->announced_source.family, VST_ADDR_NONE);
    CHECK_EQ(strlen(end->text), end->text_len);
    snprintf(text, sizeof text, "%s", end->text);
    malformed += end->why == VST_WHY_MALFORMED;
    empty += end->why == VST_WHY_EMPTY;
    if (end->why == VST_WHY_MALFORMED) {
        suppressed += end->suppressed;
        CHECK(end->bytes_in > 0);
    }
}

static void refused(struct host *host, uint16_t port, const char *bytes)
{
    vst_engine_counters counters = {.size = sizeof counters};
    CHECK_EQ(vst_engine_get_counters(host->engine, &counters), VST_OK);
    uint64_t before = counters.refused_total;
    int peer = dial(port);
    say_text(peer, bytes);
    shutdown(peer, SHUT_WR);
    while (counters.refused_total == before && host_turn(host))
        CHECK_EQ(vst_engine_get_counters(host->engine, &counters), VST_OK);
    CHECK_EQ(counters.refused_total, before + 1);
    close(peer);
}

int main(void)
{
    struct host host;
    vst_listener_options options;
    vst_addr addr;
    vst_id door;
    vst_engine_counters counters = {.size = sizeof counters};
    host_new(&host, HOST_EPOLL);
    host.breaks_contract = 1;
    host.hook = on_event;
    host.mine = &door;
    vst_accept_config *config = accepting("127.0.0.0/8");
    MUST(vst_listener_options_init(&options, sizeof options) == VST_OK);
    CHECK_EQ(options.refused_per_second, 10);
    options.refused_per_second = 2;
    MUST(vst_listener_open(host.engine, "127.0.0.1:0", config, &options, &door, NULL, NULL,
                           0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host.engine, door, &addr) == VST_OK);

    refused(&host, addr.port, "");
    CHECK_EQ(empty, 1);
    CHECK(strstr(text, "ACCEPT_PROXY") != NULL);
    for (int i = 0; i < 20; i++)
        refused(&host, addr.port, "GET / HTTP/1.1\r\n\r\n");
    /* All within a second, or nearly: then two a second are reported. */
    CHECK(malformed >= 2 && malformed <= 8);
    CHECK_EQ(vst_engine_get_counters(host.engine, &counters), VST_OK);
    CHECK_EQ(counters.refused_total, 21);
    CHECK_EQ(counters.accepted_total, 21);
    CHECK_EQ(counters.sessions_total, 0);
    CHECK_EQ(counters.suppressed_total, 20 - malformed);
    /* Another kind is not held back by them. */
    refused(&host, addr.port, "PROXY TCP4");
    CHECK(strstr(text, "TRUNCATED") != NULL);
    /* Two seconds later, by the host's clock, one is reported again, with the number of those that were
     * not. */
    CHECK_EQ(vst_engine_run(host.engine, now_ns() + 2000000000u, &host.wait), VST_OK);
    unsigned before = malformed;
    int peer = dial(addr.port);
    say_text(peer, "GET / HTTP/1.1\r\n\r\n");
    for (int fd = 0; fd < FDS; fd++)
        if (host.watch[fd].announced)
            CHECK_EQ(vst_engine_ready(host.engine, host.watch[fd].token, VST_IO_IN,
                                      now_ns() + 2500000000u, &host.wait), VST_OK);
    for (int round = 0; round < 100 && malformed == before; round++)
        for (int fd = 0; fd < FDS; fd++)
            if (host.watch[fd].announced)
                vst_engine_ready(host.engine, host.watch[fd].token, VST_IO_IN,
                                 now_ns() + 2500000000u, &host.wait);
    CHECK_EQ(malformed, before + 1);
    CHECK_EQ(suppressed, 20 - before);
    close(peer);
    host_free(&host);
    return verdict();
}
