/* A server with one slot serves the clients that wait in the order in which they came. A stream that
 * waits too long, or finds the queue full, ends with two letters that show it; and time in the queue is
 * counted once. */
#include "backend.h"

enum { CLIENTS = 4 };

/* The stream that has the slot ends, and the next one is served. */
static void in_order(struct farm *farm, uint16_t port, int door)
{
    static const char *const words[CLIENTS] = {"one", "two", "three", "four"};
    int clients[CLIENTS];
    vst_server_options server = server_defaults();
    server.maxconn = 1;
    farm_backend(farm, backend_defaults());
    farm_add(farm, server, port);
    unsigned before = farm->ended;
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = farm_client(farm, words[i]);
        CHECK_EQ(farm_counters(farm, VST_NO_SERVER).queued, i);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        int peer = farm_takes(farm, door, words[i]);
        vst_backend_counters now = farm_counters(farm, VST_NO_SERVER);
        CHECK_EQ(now.streams, 1);
        CHECK_EQ(now.queued, CLIENTS - 1 - i);
        CHECK_EQ(accept(door, NULL, NULL), -1);
        farm_ends(farm, clients[i], peer);
        CHECK_EQ(farm->ends[before + i].attempts, 1);
        CHECK_EQ(farm->ends[before + i].queued_ns > 0, i > 0);
        CHECK(farm->ends[before + i].queued_ns <= farm->ends[before + i].lasted_ns);
    }
    vst_backend_counters all = farm_counters(farm, VST_NO_SERVER);
    CHECK_EQ(all.streams_most, 1);
    CHECK_EQ(all.streams_total, CLIENTS);
    CHECK_EQ(all.queued, 0);
    CHECK_EQ(all.queued_most, CLIENTS - 1);
    CHECK_EQ(all.queued_total, CLIENTS - 1);
}

/* No stream gives its slot back: one waits until its time is over, and one may not even wait. */
static void in_vain(struct farm *farm, uint16_t port, int door)
{
    const uint64_t patience = 300 * MS;
    vst_backend_options options = backend_defaults();
    vst_server_options server = server_defaults();
    options.maxqueue = 1;
    options.queue_timeout_ns = patience;
    server.maxconn = 1;
    farm_backend(farm, options);
    farm_add(farm, server, port);
    unsigned before = farm->ended;
    int first = farm_client(farm, "stays"), peer = farm_takes(farm, door, "stays");
    int waits = dial(farm->port), turned_away = dial(farm->port);
    say_text(waits, "waits");
    say_text(turned_away, "leaves");
    HOST_UNTIL(&farm->host, farm->ended == before + 2);
    const vst_stream_end *full = &farm->ends[before], *late = &farm->ends[before + 1];
    CHECK(strcmp(full->termination, "PQ") == 0);
    CHECK_EQ(full->queued_ns, 0);
    CHECK(strcmp(late->termination, "sQ") == 0);
    CHECK_EQ(late->why, VST_WHY_TIMED_OUT);
    CHECK(late->queued_ns >= patience && late->queued_ns <= late->lasted_ns);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(farm->ends[before + (unsigned)i].server, VST_NO_SERVER);
        CHECK_EQ(farm->ends[before + (unsigned)i].attempts, 0);
    }
    farm_ends(farm, first, peer);
    vst_backend_counters all = farm_counters(farm, VST_NO_SERVER);
    CHECK_EQ(all.queue_full_total, 1);
    CHECK_EQ(all.queue_timeouts_total, 1);
    CHECK_EQ(all.streams_total, 1);
    close(waits);
    close(turned_away);
}

/* A stream that has waited, and whose server cannot be reached when it gets its slot, does not wait in a
 * queue while it is tried again. */
static void counted_once(struct farm *farm, uint16_t port, int *door)
{
    const uint64_t pause = 50 * MS;
    vst_backend_options options = backend_defaults();
    vst_server_options server = server_defaults();
    options.flags = VST_BACKEND_NO_REDISPATCH;
    options.turn_around_ns = pause;
    options.retries = 1;
    server.maxconn = 1;
    farm_backend(farm, options);
    farm_add(farm, server, port);
    unsigned before = farm->ended;
    int first = farm_client(farm, "first"), peer = farm_takes(farm, *door, "first");
    int second = farm_client(farm, "second");
    close(*door);
    farm_ends(farm, first, peer);
    HOST_UNTIL(&farm->host, farm->ended == before + 2);
    const vst_stream_end *end = &farm->ends[before + 1];
    CHECK(strcmp(end->termination, "SC") == 0);
    CHECK_EQ(end->attempts, 2);
    CHECK(end->queued_ns > 0);
    CHECK(end->queued_ns + pause <= end->lasted_ns);
    close(second);
    *door = opened(port);
}

int main(void)
{
    struct farm farm;
    uint16_t port;
    int held = reserved(&port), door = opened(port);
    farm_open(&farm);
    in_order(&farm, port, door);
    in_vain(&farm, port, door);
    counted_once(&farm, port, &door);
    close(door);
    close(held);
    host_free(&farm.host);
    return verdict();
}
