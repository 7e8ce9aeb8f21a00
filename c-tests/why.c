/* Whatever makes something of what the host says writes why it cannot, for every failure there is, and
 * an empty sentence when it can. */
#include "check.h"

#define ROOM 256
static char why[ROOM];

static const char *dirty(void)
{
    memset(why, 'x', ROOM);
    return why;
}

/* A sentence that has `due` in it. */
static void said(vst_status status, vst_status due_status, const char *due)
{
    CHECK_EQ(status, due_status);
    CHECK(memchr(why, 0, ROOM) != NULL);
    if (memchr(why, 0, ROOM) == NULL || strstr(why, due) == NULL || (*due == 0 && *why != 0)) {
        fprintf(stderr, "not \"%s\" in: %.*s\n", due, ROOM, why);
        broken++;
    }
}
#define SAID(call, status, due) (dirty(), said((call), (status), (due)))

static void servers_of_tls(void)
{
    vst_tls_server *made;
    vst_tls_server_options options, good;
    MUST(vst_tls_server_options_init(&good, sizeof good) == VST_OK);
    options = good;
    options.alpn = "h2,,http/1.1";
    SAID(vst_tls_server_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "alpn");
    options = good;
    options.client_auth = 99;
    SAID(vst_tls_server_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "client_auth");
    options = good;
    options.max_version = 0x0301;
    SAID(vst_tls_server_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "max_version");
    options = good;
    options.flags = 1u << 31;
    SAID(vst_tls_server_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "flags");
    options = good;
    options.size = 3;
    SAID(vst_tls_server_new(&options, &made, why, ROOM), VST_E_SIZE, vst_strerror(VST_E_SIZE));
    SAID(vst_tls_server_new(NULL, &made, why, ROOM), VST_E_NULL, vst_strerror(VST_E_NULL));
    SAID(vst_tls_server_new(&good, NULL, why, ROOM), VST_E_NULL, vst_strerror(VST_E_NULL));
    SAID(vst_tls_server_self_signed("\xff", &made, why, ROOM), VST_E_ARGUMENT,
         vst_strerror(VST_E_ARGUMENT));
    SAID(vst_tls_server_self_signed("localhost", &made, why, ROOM), VST_OK, "");
    vst_tls_server_free(made);
}

static void clients_of_tls(void)
{
    vst_tls_client *made;
    vst_tls_client_options options;
    MUST(vst_tls_client_options_init(&options, sizeof options) == VST_OK);
    options.flags = VST_TLS_DANGEROUSLY_SKIP_VERIFICATION;
    SAID(vst_tls_client_new(&options, &made, why, ROOM), VST_OK, "");
    vst_tls_client_free(made);
    options.flags = 1u << 31;
    SAID(vst_tls_client_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "flags");
}

static void configurations(void)
{
    vst_accept_config *accepting_made;
    vst_accept_options accepting_options;
    MUST(vst_accept_options_init(&accepting_options, sizeof accepting_options) == VST_OK);
    SAID(vst_accept_config_new(&accepting_options, &accepting_made, why, ROOM), VST_OK, "");
    vst_accept_config_free(accepting_made);
    accepting_options.accept_proxy = "\xff";
    SAID(vst_accept_config_new(&accepting_options, &accepting_made, why, ROOM), VST_E_ARGUMENT,
         vst_strerror(VST_E_ARGUMENT));
    accepting_options.accept_proxy = NULL;
    accepting_options.handler_count = 1;
    SAID(vst_accept_config_new(&accepting_options, &accepting_made, why, ROOM), VST_E_NULL,
         vst_strerror(VST_E_NULL));

    vst_connect_config *made;
    vst_connect_options options, good;
    MUST(vst_connect_options_init(&good, sizeof good) == VST_OK);
    SAID(vst_connect_config_new(&good, &made, why, ROOM), VST_OK, "");
    vst_connect_config_free(made);
    options = good;
    options.socks_user = "u";
    SAID(vst_connect_config_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "socks");
    options = good;
    options.send_proxy = VST_SEND_PROXY_V1;
    options.proxy_tlvs = VST_PROXY_TLV_ALPN;
    SAID(vst_connect_config_new(&options, &made, why, ROOM), VST_E_ARGUMENT, "proxy_tlvs");
    options = good;
    options.source = "nowhere";
    SAID(vst_connect_config_new(&options, &made, why, ROOM), VST_E_CONFIG, "\"nowhere\"");
    CHECK(made == NULL);
}

static void rules_and_tables(void)
{
    static const char text[] = "tcp-request connection reject";
    vst_table *table;
    vst_rules *rules;
    SAID(vst_table_new("seen", "type ip size 10", &table, why, ROOM), VST_OK, "");
    const vst_table *twice[] = {table, table};
    SAID(vst_rules_new((const uint8_t *)text, sizeof text - 1, twice, 2, NULL, &rules, why, ROOM),
         VST_E_ARGUMENT, "\"seen\"");
    SAID(vst_rules_new((const uint8_t *)text, sizeof text - 1, twice, 1, NULL, &rules, why, ROOM),
         VST_OK, "");
    vst_rules_free(rules);
    vst_table_free(table);
    SAID(vst_table_new("seen", NULL, &table, why, ROOM), VST_E_NULL, vst_strerror(VST_E_NULL));
}

static void servers_of_backends(void)
{
    struct host host;
    vst_backend_options backend_options;
    vst_server_options options;
    vst_id backend;
    uint32_t number;
    host_new(&host, HOST_EPOLL);
    MUST(vst_backend_options_init(&backend_options, sizeof backend_options) == VST_OK);
    MUST(vst_backend_new(host.engine, &backend_options, &backend) == VST_OK);
    MUST(vst_server_options_init(&options, sizeof options) == VST_OK);
    options.name = "one";
    options.addresses = "127.0.0.1:1";
    SAID(vst_backend_add(host.engine, backend, &options, &number, why, ROOM), VST_OK, "");
    SAID(vst_backend_add(host.engine, backend, &options, &number, why, ROOM), VST_E_CONFIG, "name");
    SAID(vst_backend_add(host.engine, 0, &options, &number, why, ROOM), VST_E_ARGUMENT,
         vst_strerror(VST_E_ARGUMENT));
    options.flags = 1u << 31;
    SAID(vst_backend_add(host.engine, backend, &options, &number, why, ROOM), VST_E_ARGUMENT,
         "flags");
    SAID(vst_backend_add(NULL, backend, &options, &number, why, ROOM), VST_E_NULL,
         vst_strerror(VST_E_NULL));
    host_free(&host);
}

int main(void)
{
    servers_of_tls();
    clients_of_tls();
    configurations();
    rules_and_tables();
    servers_of_backends();
    return verdict();
}
