/* A certificate that cannot be used is refused when it is loaded, in a sentence with the file, the line
 * and what is wrong. */
#include "check.h"

static char why[512];

static void refused(const char *path, const char *pem, const char *due)
{
    vst_tls_server_options options;
    vst_tls_server *server = (void *)&options;
    vst_identity identity = {.chain.file = path};
    if (pem != NULL) {
        FILE *file = fopen(path, "w");
        MUST(file != NULL && fputs(pem, file) >= 0 && fclose(file) == 0);
    }
    MUST(vst_tls_server_options_init(&options, sizeof options) == VST_OK);
    options.identities = &identity;
    options.identity_count = 1;
    CHECK_EQ(vst_tls_server_new(&options, &server, why, sizeof why), VST_E_CONFIG);
    CHECK(server == NULL);
    if (strstr(why, path) == NULL || strstr(why, due) == NULL) {
        fprintf(stderr, "neither %s nor %s in: %s\n", path, due, why);
        broken++;
    }
    unlink(path);
}

int main(void)
{
    char folder[] = "/tmp/vestibule-XXXXXX", path[64];
    MUST(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/server.pem", folder);
    refused(path, NULL, "No such file");
    refused(path, "", "");
    refused(path, "# a remark\n\n-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
            "line 4");
    refused(path, "# a remark\n-----BEGIN CERTIFICATE-----\nAAAA\n", "line 2");
    refused(path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "");

    /* From memory there is no file to name, and a missing certificate is a mistake. */
    vst_tls_server_options options;
    vst_tls_server *server;
    MUST(vst_tls_server_options_init(&options, sizeof options) == VST_OK);
    CHECK(vst_tls_server_new(&options, &server, why, sizeof why) < 0);
    CHECK(server == NULL);
    options.min_version = 0x0301;
    CHECK_EQ(vst_tls_server_new(&options, &server, why, sizeof why), VST_E_ARGUMENT);

    /* RFC 8446 section 4.6.1. */
    MUST(vst_tls_server_options_init(&options, sizeof options) == VST_OK);
    options.ticket_lifetime_s = 604801;
    CHECK_EQ(vst_tls_server_new(&options, &server, why, sizeof why), VST_E_CONFIG);
    CHECK(strstr(why, "ticket_lifetime is 604801 s") != NULL);

    vst_connect_options connect;
    vst_connect_config *config;
    vst_tls_client_options client_options;
    vst_tls_client *client;
    MUST(vst_tls_client_options_init(&client_options, sizeof client_options) == VST_OK);
    client_options.flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION;
    MUST(vst_tls_client_new(&client_options, &client, why, sizeof why) == VST_OK);
    MUST(vst_connect_options_init(&connect, sizeof connect) == VST_OK);
    connect.tls = client;
    CHECK_EQ(vst_connect_config_new(&connect, &config, why, sizeof why), VST_E_CONFIG);
    CHECK(strstr(why, "server_name") != NULL);
    vst_tls_client_free(client);
    client_options.session_lifetime_s = 604801;
    CHECK_EQ(vst_tls_client_new(&client_options, &client, why, sizeof why), VST_E_CONFIG);
    CHECK(strstr(why, "session_lifetime is 604801 s") != NULL);
    client_options.session_lifetime_s = 0;
    MUST(vst_tls_client_new(&client_options, &client, why, sizeof why) == VST_OK);
    vst_tls_client_free(client);
    client_options.flags = 0;
    client_options.ca.file = path;
    CHECK_EQ(vst_tls_client_new(&client_options, &client, why, sizeof why), VST_E_CONFIG);
    CHECK(client == NULL);
    rmdir(folder);
    return verdict();
}
