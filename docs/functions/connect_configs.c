// Connect configurations. They are made once, and used for any number of connections.
#include <stdio.h>
#include <vestibule.h>

#define SECOND_NS UINT64_C(1000000000)

// Example of vst_connect_options_init, vst_connect_config_new.
vst_connect_config *to_web_servers(const vst_tls_client *tls)
{
    vst_connect_options options;
    vst_connect_config *config;
    char why[256];

    vst_connect_options_init(&options, sizeof options);
    options.send_proxy = VST_SEND_PROXY_V2;
    options.tls = tls;
    options.server_name = "www.example.net"; /* must be in the servers' certificates */
    options.timeout_connect_ns = 2 * SECOND_NS;
    if (vst_connect_config_new(&options, &config, why, sizeof why) < 0) {
        fprintf(stderr, "connections to web servers: %s\n", why);
        return NULL;
    }
    return config;
}

// Example of vst_connect_config_free.
int add_web_servers(vst_engine *engine, vst_id backend, vst_connect_config *config)
{
    vst_server_options first = {.size = sizeof first, .name = "web1", .connect = config};
    vst_server_options second = {.size = sizeof second, .name = "web2", .connect = config};
    uint32_t number;
    int failed;

    first.addresses = "192.0.2.1:443";
    second.addresses = "192.0.2.2:443";
    failed = vst_backend_add_server(engine, backend, &first, &number, NULL, 0) < 0 ||
             vst_backend_add_server(engine, backend, &second, &number, NULL, 0) < 0;
    vst_connect_config_free(config); /* the servers keep it */
    return failed ? -1 : 0;
}
