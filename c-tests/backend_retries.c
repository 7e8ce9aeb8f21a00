/* A server that refuses is tried again, and the last attempt is made on another one; the server that is
 * reached gets the same first bytes as if it had been the first, the header included. */
#include "backend.h"

enum { RETRIES = 2 };

int main(void)
{
    struct farm farm;
    uint16_t deaf, heard;
    char due[128];
    struct sockaddr_in mine;
    socklen_t len = sizeof mine;
    int held[2] = {reserved(&deaf), reserved(&heard)};
    int door = opened(heard);
    vst_backend_options options = backend_defaults();
    vst_server_options server = server_defaults();
    vst_connect_config *connect = connecting(VST_SEND_PROXY_V1);
    options.retries = RETRIES;
    options.turn_around_ns = MS;
    server.connect = connect;
    farm_open(&farm);
    farm_backend(&farm, options);
    CHECK_EQ(farm_add(&farm, server, deaf), 0);
    CHECK_EQ(farm_add(&farm, server, heard), 1);
    vst_connect_config_free(connect);

    int client = farm_client(&farm, "first words");
    MUST(getsockname(client, (struct sockaddr *)&mine, &len) == 0);
    snprintf(due, sizeof due, "PROXY TCP4 127.0.0.1 127.0.0.1 %u %u\r\nfirst words",
             ntohs(mine.sin_port), farm.port);
    CHECK(strlen(due) < 64);
    int peer = farm_takes(&farm, door, due);
    farm_ends(&farm, client, peer);
    CHECK_EQ(farm.ends[0].server, 1);
    CHECK_EQ(farm.ends[0].attempts, RETRIES + 1);
    CHECK_EQ(farm.ends[0].queued_ns, 0);
    CHECK_EQ(farm.ends[0].bytes_up, 11);
    CHECK(strcmp(farm.ends[0].termination, "--") == 0);
    vst_backend_counters first = farm_counters(&farm, 0), second = farm_counters(&farm, 1);
    CHECK_EQ(first.connect_errors_total, RETRIES);
    CHECK_EQ(first.retries_total, RETRIES - 1);
    CHECK_EQ(first.redispatches_total, 1);
    CHECK_EQ(first.streams_total, RETRIES);
    CHECK_EQ(second.streams_total, 1);
    CHECK_EQ(second.connect_errors_total, 0);

    /* Without redispatch only the server it was given first is tried. */
    options.flags = VST_BACKEND_NO_REDISPATCH;
    farm_backend(&farm, options);
    CHECK_EQ(farm_add(&farm, server_defaults(), deaf), 0);
    CHECK_EQ(farm_add(&farm, server_defaults(), heard), 1);
    client = farm_client(&farm, "in vain");
    HOST_UNTIL(&farm.host, farm.ended == 2);
    CHECK_EQ(farm.ends[1].server, 0);
    CHECK_EQ(farm.ends[1].attempts, RETRIES + 1);
    CHECK_EQ(farm.ends[1].why, VST_WHY_REFUSED);
    CHECK_EQ(farm.ends[1].bytes_up, 0);
    CHECK(strcmp(farm.ends[1].termination, "SC") == 0);
    CHECK_EQ(farm_counters(&farm, 0).connect_errors_total, RETRIES + 1);
    CHECK_EQ(farm_counters(&farm, 1).streams_total, 0);
    close(client);
    close(door);
    close(held[0]);
    close(held[1]);
    host_free(&farm.host);
    return verdict();
}
