/* A backup gets a stream only while no other server may: all are down, or in maintenance. */
#include "backend.h"

static struct farm farm;
static int doors[3];

/* A stream that goes to this server, and its end. */
static void served_by(uint32_t server)
{
    unsigned before = farm.ended;
    int client = farm_client(&farm, "ask");
    int peer = farm_takes(&farm, doors[server], "ask");
    farm_ends(&farm, client, peer);
    CHECK_EQ(farm.ends[before].server, server);
    CHECK(strcmp(farm.ends[before].termination, "--") == 0);
}

static void set(uint32_t server, uint32_t state)
{
    CHECK_EQ(vst_server_set_state(farm.host.engine, farm.backend, server, state), VST_OK);
}

int main(void)
{
    uint16_t ports[3];
    int held[3];
    vst_backend_options options = backend_defaults();
    options.flags = VST_BACKEND_NO_RETRIES;
    farm_open(&farm);
    farm_backend(&farm, options);
    for (uint32_t i = 0; i < 3; i++) {
        vst_server_options server = server_defaults();
        server.flags = i == 2 ? VST_SERVER_BACKUP : 0;
        server.connect_errors = 1;
        server.trial_ns = 3600 * 1000 * MS;
        held[i] = reserved(&ports[i]);
        doors[i] = opened(ports[i]);
        CHECK_EQ(farm_add(&farm, server, ports[i]), i);
    }
    for (uint32_t i = 0; i < 4; i++)
        served_by(i % 2);
    CHECK_EQ(farm_counters(&farm, 2).streams_total, 0);

    set(0, VST_ADMIN_MAINTENANCE);
    served_by(1);
    set(1, VST_ADMIN_DRAIN);
    served_by(2);
    served_by(2);
    set(1, VST_ADMIN_READY);
    served_by(1);

    /* The last of the others refuses, and is down from then on. */
    close(doors[1]);
    unsigned before = farm.ended;
    int client = farm_client(&farm, "ask");
    HOST_UNTIL(&farm.host, farm.ended > before);
    CHECK(strcmp(farm.ends[before].termination, "SC") == 0);
    CHECK(farm.kind == VST_EVENT_SERVER_DOWN && farm.server == 1);
    close(client);
    served_by(2);

    set(0, VST_ADMIN_READY);
    served_by(0);
    CHECK_EQ(farm_counters(&farm, 2).streams_total, 3);
    close(doors[0]);
    close(doors[2]);
    for (int i = 0; i < 3; i++)
        close(held[i]);
    host_free(&farm.host);
    return verdict();
}
