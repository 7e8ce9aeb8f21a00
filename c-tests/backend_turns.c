/* Streams go to the servers of a backend in turn, each end reports to which and after how many attempts,
 * and the counters are equal to a recount of the ends. */
#include "backend.h"

enum { SERVERS = 2, CLIENTS = 6 };

int main(void)
{
    struct farm farm;
    uint16_t ports[SERVERS];
    int held[SERVERS], doors[SERVERS], clients[CLIENTS], peers[CLIENTS];
    unsigned counted[SERVERS] = {0};
    farm_open(&farm);
    farm_backend(&farm, backend_defaults());
    for (uint32_t i = 0; i < SERVERS; i++) {
        held[i] = reserved(&ports[i]);
        doors[i] = opened(ports[i]);
        CHECK_EQ(farm_add(&farm, server_defaults(), ports[i]), i);
        CHECK_EQ(farm_server(&farm, i).state, VST_ADMIN_READY);
        CHECK_EQ(farm_server(&farm, i).up, 1);
        CHECK_EQ(farm_server(&farm, i).weight, 1);
        CHECK_EQ(farm_server(&farm, i).addresses, 1);
        CHECK_EQ(farm_server(&farm, i).usable, 1);
    }

    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = farm_client(&farm, "ask");
        peers[i] = farm_takes(&farm, doors[i % SERVERS], "ask");
        say_text(peers[i], "answer");
        farm_hears(&farm, clients[i], "answer");
    }
    CHECK_EQ(farm_counters(&farm, VST_NO_SERVER).streams, CLIENTS);
    for (uint32_t i = 0; i < SERVERS; i++)
        CHECK_EQ(farm_counters(&farm, i).streams, CLIENTS / SERVERS);

    for (int i = 0; i < CLIENTS; i++) {
        farm_ends(&farm, clients[i], peers[i]);
        const vst_stream_end *end = &farm.ends[i];
        CHECK_EQ(end->size, sizeof *end);
        CHECK_EQ(end->server, i % SERVERS);
        CHECK_EQ(end->attempts, 1);
        CHECK_EQ(end->queued_ns, 0);
        CHECK_EQ(end->bytes_up, 3);
        CHECK_EQ(end->bytes_down, 6);
        CHECK(strcmp(end->termination, "--") == 0);
        counted[end->server]++;
    }
    for (uint32_t i = 0; i < SERVERS; i++) {
        vst_backend_counters server = farm_counters(&farm, i);
        CHECK_EQ(server.streams, 0);
        CHECK_EQ(server.streams_most, CLIENTS / SERVERS);
        CHECK_EQ(server.streams_total, counted[i]);
        CHECK_EQ(server.queued_total, 0);
        CHECK_EQ(server.connect_errors_total, 0);
        close(doors[i]);
        close(held[i]);
    }
    vst_backend_counters all = farm_counters(&farm, VST_NO_SERVER);
    CHECK_EQ(all.streams, 0);
    CHECK_EQ(all.streams_most, CLIENTS);
    CHECK_EQ(all.streams_total, CLIENTS);
    CHECK_EQ(all.queued_total + all.connect_errors_total, 0);
    CHECK_EQ(all.retries_total + all.redispatches_total, 0);
    CHECK_EQ(all.downs_total + all.last_change_ns, 0);
    host_free(&farm.host);
    return verdict();
}
