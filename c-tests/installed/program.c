/* A program that is built against the installed library: it opens a listener, and says so. */
#include <stdio.h>

#include <vestibule.h>

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    (void)data, (void)engine, (void)event;
}

int main(void)
{
    vst_engine_options options = {.size = sizeof options, .event = on_event};
    vst_accept_options accept = {.size = sizeof accept};
    vst_accept_config *config = NULL;
    vst_engine *engine = NULL;
    vst_id listener;
    char why[256] = "";
    vst_status status = vst_abi_version() == VST_ABI_VERSION ? VST_OK : VST_E_UNSUPPORTED;
    if (status == VST_OK)
        status = vst_engine_new(&options, &engine, why, sizeof why);
    if (status == VST_OK)
        status = vst_accept_config_new(&accept, &config, why, sizeof why);
    if (status == VST_OK)
        status = vst_listener_open(engine, "127.0.0.1:0", config, NULL, &listener, NULL, why, sizeof why);
    printf("%s %s %s\n", vst_version(), vst_status_name(status), why);
    vst_accept_config_free(config);
    vst_engine_free(engine);
    return status != VST_OK;
}
