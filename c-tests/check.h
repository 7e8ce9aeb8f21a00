/* What the C tests share: checks, sockets, a small host, and listeners and sessions of it. */
#ifndef VST_CHECK_H
#define VST_CHECK_H

#include "checks.h"
#include "poller.h"
#include "sockets.h"

static inline vst_accept_config *accepting(const char *accept_proxy)
{
    vst_accept_options options;
    vst_accept_config *config = NULL;
    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    options.accept_proxy = accept_proxy;
    MUST(vst_accept_config_new(&options, &config, NULL, 0) == VST_OK);
    return config;
}

static inline vst_connect_config *connecting(uint32_t send_proxy)
{
    vst_connect_options options;
    vst_connect_config *config = NULL;
    MUST(vst_connect_options_init(&options, sizeof options) == VST_OK);
    options.send_proxy = send_proxy;
    MUST(vst_connect_config_new(&options, &config, NULL, 0) == VST_OK);
    return config;
}

/* Opens a listener on the loopback, and writes its port. */
static inline vst_id listener(struct host *host, const char *accept_proxy, uint16_t *port)
{
    vst_accept_config *config = accepting(accept_proxy);
    vst_id id = 0;
    vst_addr addr;
    MUST(vst_listener_open(host->engine, "127.0.0.1:0", config, NULL, &id, NULL, NULL,
                           0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host->engine, id, &addr) == VST_OK);
    *port = addr.port;
    return id;
}

/* A session, and the socket of its peer. */
static inline vst_id session(struct host *host, uint16_t port, int *peer)
{
    unsigned before = host->reported[VST_EVENT_SESSION];
    *peer = dial(port);
    HOST_UNTIL(host, host->reported[VST_EVENT_SESSION] > before);
    return host->last[VST_EVENT_SESSION];
}

#endif
