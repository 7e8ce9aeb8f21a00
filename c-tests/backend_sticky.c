/* A client whose server a table remembers gets that server again, whatever the balancing method would
 * choose; the host can read and change what is remembered, and the metrics have the table under its
 * name. */
#include "backend.h"

enum { SERVERS = 3 };

static const char RULES[] = "tcp-request connection track-sc0 src table clients";
static const char NAME[] = "web \"front\"";

static struct farm farm;
static int held[SERVERS], doors[SERVERS];

/* A listener whose clients are counted in a table. */
static void open_counted(vst_table *table)
{
    const vst_table *tables[] = {table};
    vst_accept_options options;
    vst_accept_config *config;
    vst_rules *rules;
    vst_addr addr;
    vst_id id;
    host_new(&farm.host, HOST_EPOLL);
    farm.host.hook = farm_event;
    MUST(vst_rules_new((const uint8_t *)RULES, strlen(RULES), tables, 1, NULL, &rules, NULL, 0)
         == VST_OK);
    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    options.rules = rules;
    MUST(vst_accept_config_new(&options, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(farm.host.engine, "127.0.0.1:0", config, NULL, &id, NULL, NULL,
                           0) == VST_OK);
    MUST(vst_listener_set_name(farm.host.engine, id, NAME) == VST_OK);
    vst_accept_config_free(config);
    vst_rules_free(rules);
    MUST(vst_listener_addr(farm.host.engine, id, &addr) == VST_OK);
    farm.port = addr.port;
}

/* The client's next stream goes to this server. */
static void visits(int server)
{
    int client = farm_client(&farm, "ask");
    int peer = farm_takes(&farm, doors[server], "ask");
    farm_ends(&farm, client, peer);
    CHECK_EQ(farm.ends[farm.ended - 1].server, (uint32_t)server);
    CHECK_EQ(farm.ends[farm.ended - 1].attempts, 1);
}

int main(void)
{
    vst_table_key key = {.form = VST_KEY_IP, .bytes = (const uint8_t *)"\x7f\0\0\1", .len = 4};
    vst_table *table;
    uint64_t server;
    size_t len;
    static char text[65536];
    MUST(vst_table_new("clients", "type ip size 10 expire 1h store server_id", &table, NULL, 0)
         == VST_OK);
    open_counted(table);
    farm_backend(&farm, backend_defaults());
    MUST(vst_backend_set_name(farm.host.engine, farm.backend, "mail") == VST_OK);
    for (int i = 0; i < SERVERS; i++) {
        uint16_t port;
        held[i] = reserved(&port);
        doors[i] = opened(port);
        farm_add(&farm, server_defaults(), port);
    }

    visits(0);
    visits(0);
    CHECK_EQ(vst_table_get(table, &key, VST_DATA_SERVER_ID, 0, &server), VST_OK);
    CHECK_EQ(server, 1);
    CHECK_EQ(vst_table_set(table, &key, VST_DATA_SERVER_ID, 3, 0), VST_OK);
    visits(2);
    visits(2);
    CHECK_EQ(vst_server_set_state(farm.host.engine, farm.backend, 2, VST_ADMIN_DRAIN), VST_OK);
    visits(2);
    CHECK_EQ(vst_server_set_state(farm.host.engine, farm.backend, 2, VST_ADMIN_MAINTENANCE), VST_OK);
    visits(1);
    CHECK_EQ(vst_server_set_state(farm.host.engine, farm.backend, 2, VST_ADMIN_READY), VST_OK);
    visits(1);
    CHECK_EQ(vst_table_get(table, &key, VST_DATA_SERVER_ID, 0, &server), VST_OK);
    CHECK_EQ(server, 2);
    CHECK_EQ(farm_counters(&farm, VST_NO_SERVER).retries_total, 0);

    CHECK_EQ(vst_metrics_text(farm.host.engine, text, sizeof text - 1, &len), VST_OK);
    text[len] = 0;
    CHECK(strstr(text, "\nvestibule_table_entries{table=\"clients\",number=\"0\"} 1\n") != NULL);
    CHECK(strstr(text, "\nvestibule_table_size{table=\"clients\",number=\"0\"} 10\n") != NULL);
    CHECK(strstr(text, "\nvestibule_backend_streams_total{backend=\"mail\",number=\"0\"} 7\n") != NULL);
    CHECK(strstr(text, "{listener=\"web \\\"front\\\"\",number=\"0\"} 7\n") != NULL);
    for (int i = 0; i < SERVERS; i++) {
        close(doors[i]);
        close(held[i]);
    }
    host_free(&farm.host);
    vst_table_free(table);
    return verdict();
}
