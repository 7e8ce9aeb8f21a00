// Examples of the functions of accept configurations.
#include <stdio.h>
#include <vestibule.h>

// Example of vst_accept_options_init, vst_accept_config_new, vst_accept_config_free.
vst_id listen_behind_balancer(vst_engine *engine, const vst_tls_server *tls)
{
    vst_accept_options options;
    vst_accept_config *config;
    vst_id listener;
    char why[256];

    vst_accept_options_init(&options, sizeof options);
    // The load balancers: nobody else may say who the client is.
    options.accept_proxy = "10.0.0.0/8";
    options.tls = tls;
    if (vst_accept_config_new(&options, &config, why, sizeof why) < 0) {
        fprintf(stderr, "accept configuration: %s\n", why);
        return 0;
    }
    if (vst_listener_open(engine, "[::]:443", config, NULL, &listener, NULL, why,
                          sizeof why) < 0)
        fprintf(stderr, "no listener: %s\n", why);
    vst_accept_config_free(config); // the listener keeps it
    return listener;
}
