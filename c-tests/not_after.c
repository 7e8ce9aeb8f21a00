/* The configuration reports when certificates end, by index and in seconds since 1970, and a
 * configuration that can be used without reservation has no note. */
#include "check.h"

#include <time.h>

int main(void)
{
    char why[64] = "stale";
    vst_tls_server *server;
    vst_tls_client *client;
    vst_tls_client_options options;
    uint64_t end = 9;

    MUST(vst_tls_server_self_signed("a.test", &server, why, sizeof why) == VST_OK);
    CHECK_EQ(why[0], 0);
    CHECK_EQ(vst_tls_server_not_after(server, 0, &end), VST_OK);
    CHECK(end > (uint64_t)time(NULL));
    CHECK_EQ(vst_tls_server_not_after(server, 1, &end), VST_E_ARGUMENT);
    CHECK_EQ(end, 0);
    end = 9;
    CHECK_EQ(vst_tls_server_not_after(NULL, 0, &end), VST_E_NULL);
    CHECK_EQ(end, 0);
    CHECK_EQ(vst_tls_server_not_after(server, 0, NULL), VST_E_NULL);

    MUST(vst_tls_client_options_init(&options, sizeof options) == VST_OK);
    options.flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION;
    strcpy(why, "stale");
    MUST(vst_tls_client_new(&options, &client, why, sizeof why) == VST_OK);
    CHECK_EQ(why[0], 0);
    end = 9;
    CHECK_EQ(vst_tls_client_not_after(client, &end), VST_E_STATE);
    CHECK_EQ(end, 0);
    end = 9;
    CHECK_EQ(vst_tls_client_not_after(NULL, &end), VST_E_NULL);
    CHECK_EQ(end, 0);
    CHECK_EQ(vst_tls_client_not_after(client, NULL), VST_E_NULL);
    vst_tls_client_free(client);
    vst_tls_server_free(server);
    return verdict();
}
