/* A server is drained, put into maintenance and made ready again while streams run: none of them is cut,
 * and new ones go to servers that take them. */
#include "backend.h"

static struct farm farm;
static int doors[2];

static void set(uint32_t server, uint32_t state)
{
    CHECK_EQ(vst_server_set_state(farm.host.engine, farm.backend, server, state), VST_OK);
    CHECK_EQ(farm_server(&farm, server).state, state);
    CHECK_EQ(farm_server(&farm, server).usable, state == VST_ADMIN_READY);
    CHECK_EQ(farm_server(&farm, server).up, 1);
}

struct pair {
    int client, peer;
};

/* A stream that goes to this server. */
static struct pair joined(uint32_t server)
{
    struct pair pair = {.client = farm_client(&farm, "ask")};
    pair.peer = farm_takes(&farm, doors[server], "ask");
    return pair;
}

static void goes_on(struct pair pair)
{
    say_text(pair.client, "more");
    farm_hears(&farm, pair.peer, "more");
    say_text(pair.peer, "and more");
    farm_hears(&farm, pair.client, "and more");
}

static void refused(void)
{
    unsigned before = farm.ended;
    int client = farm_client(&farm, "ask");
    HOST_UNTIL(&farm.host, farm.ended > before);
    CHECK(strcmp(farm.ends[before].termination, "SC") == 0);
    CHECK_EQ(farm.ends[before].server, VST_NO_SERVER);
    close(client);
}

int main(void)
{
    uint16_t ports[2];
    int held[2];
    farm_open(&farm);
    farm_backend(&farm, backend_defaults());
    for (uint32_t i = 0; i < 2; i++) {
        held[i] = reserved(&ports[i]);
        doors[i] = opened(ports[i]);
        farm_add(&farm, server_defaults(), ports[i]);
    }
    struct pair first = joined(0), second = joined(1);

    set(0, VST_ADMIN_DRAIN);
    struct pair third = joined(1), fourth = joined(1);
    goes_on(first);
    set(1, VST_ADMIN_MAINTENANCE);
    refused();
    goes_on(first);
    goes_on(second);
    set(0, VST_ADMIN_READY);
    struct pair fifth = joined(0);
    set(1, VST_ADMIN_READY);

    /* With a weight of 0 it gets no stream; with 3, beside one of 1, it gets three of four. */
    vst_engine *engine = farm.host.engine;
    CHECK_EQ(vst_server_set_weight(engine, farm.backend, 0, 0), VST_OK);
    CHECK_EQ(farm_server(&farm, 0).usable, 0);
    struct pair sixth = joined(1);
    CHECK_EQ(vst_server_set_weight(engine, farm.backend, 0, 3), VST_OK);
    CHECK_EQ(farm_server(&farm, 0).weight, 3);
    uint64_t had = farm_counters(&farm, 0).streams_total;
    int clients[4];
    for (int i = 0; i < 4; i++)
        clients[i] = farm_client(&farm, "ask");
    HOST_UNTIL(&farm.host, farm_counters(&farm, VST_NO_SERVER).streams == 10);
    CHECK_EQ(farm_counters(&farm, 0).streams_total, had + 3);

    struct pair all[] = {first, second, third, fourth, fifth, sixth};
    unsigned before = farm.ended;
    for (int i = 0; i < 6; i++)
        farm_ends(&farm, all[i].client, all[i].peer);
    for (int i = 0; i < 6; i++)
        CHECK(strcmp(farm.ends[before + (unsigned)i].termination, "--") == 0);
    CHECK_EQ(farm.words, 0);
    for (int i = 0; i < 4; i++)
        close(clients[i]);
    for (int i = 0; i < 2; i++) {
        close(doors[i]);
        close(held[i]);
    }
    host_free(&farm.host);
    return verdict();
}
