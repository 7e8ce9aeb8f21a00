/* The link of proxy to an agent, from its command line. See options.h. */
#include "options.h"

#include "host.h"

#include <string.h>

enum { NAME_TEXT = 256 };

/* TLS towards the agent, in which both sides show certificates of one authority. */
static vst_tls_client *link_tls(const struct arguments *args)
{
    const vst_identity identity = {.chain.file = args->link_certificate, .key.file = args->link_key};
    vst_tls_client_options options;
    vst_tls_client *tls;
    char why[WHY];

    if (args->link_certificate == NULL)
        return NULL;
    vst_tls_client_options_init(&options, sizeof options);
    options.ca.file = args->link_ca;
    options.identity = &identity;
    if (vst_tls_client_new(&options, &tls, why, sizeof why) < 0)
        die("%s", why);
    return tls;
}

/* How the agent is connected to. */
static vst_connect_config *agent_config(const struct arguments *args)
{
    vst_tls_client *tls = link_tls(args);
    char name[NAME_TEXT], why[WHY];
    vst_connect_options options;
    vst_connect_config *config;

    vst_connect_options_init(&options, sizeof options);
    if (tls != NULL) {
        options.tls = tls;
        options.server_name = default_name(args->via_agent, name, sizeof name);
    }
    if (vst_connect_config_new(&options, &config, why, sizeof why) < 0)
        die("%s", why);
    vst_tls_client_free(tls);
    return config;
}

vst_id open_link(vst_engine *engine, const struct arguments *args)
{
    vst_link_options options;
    vst_connect_config *how;
    char why[WHY];
    vst_id link;

    if (args->via_agent == NULL)
        return 0;
    if (args->sandbox && strncmp(args->via_agent, "unix:", 5) != 0)
        die("--sandbox allows no sockets but unix sockets: --via-agent has to be one");
    how = agent_config(args);
    vst_link_options_init(&options, sizeof options);
    options.flags = args->no_pass ? VST_LINK_NO_DESCRIPTORS : 0;
    options.channels_per_conn =
        (uint32_t)number(args->agent_channels, UINT32_MAX, options.channels_per_conn);
    if (vst_link_open(engine, args->via_agent, how, &options, &link, why, sizeof why) < 0)
        die("--via-agent %s: %s", args->via_agent, why);
    vst_connect_config_free(how);
    return link;
}

void listen_via_agent(vst_engine *engine, const struct arguments *args, const vst_accept_config *config)
{
    char why[WHY];

    if (args->listen_via_agent == NULL)
        return;
    if (args->link == 0)
        die("--listen-via-agent needs --via-agent");
    if (vst_link_accept(engine, args->link, args->listen_via_agent, config, NULL, why, sizeof why) < 0)
        die("--listen-via-agent %s: %s", args->listen_via_agent, why);
}
