/* What the command line of proxy says, and what vestibule makes of it. */
#ifndef VESTIBULE_EXAMPLE_OPTIONS_H
#define VESTIBULE_EXAMPLE_OPTIONS_H

#include <stdint.h>
#include <vestibule.h>

enum { BACKENDS_MOST = 64, WHY = 512 };

struct arguments {
    const char *listen, *accept_proxy, *certificate, *key, *client_ca, *alpn;
    const char *backends[BACKENDS_MOST]; /* their numbers are those of the servers */
    const char *balance, *maxconn, *maxqueue, *queue_ms, *retries, *check_ms;
    const char *send_proxy, *backend_tls, *sni;
    const char *socks, *socks_destination, *socks_user, *socks_password;
    const char *handshake_ms, *connect_ms, *idle_ms, *host, *control;
    const char *monitor_net, *health, *metrics;
    uint32_t everyone_gets; /* VST_ANSWER_*, or 0: clients are let in */
    unsigned backend_count;
    int check, log;
};

/* Reads a command line. Everything here exits with a message when it cannot do its part. */
struct arguments parse_arguments(int argc, char **argv);

/* TLS towards clients, or NULL when none is asked for. */
vst_tls_server *server_tls(const struct arguments *args);

/* What clients go through. Gives up its handle of tls. */
vst_accept_config *accept_config(const struct arguments *args, vst_tls_server *tls);

/* What bounds the streams. */
vst_stream_config *stream_config(const struct arguments *args);

/* The servers, as one backend of the engine; user comes with the news about them. */
vst_id make_backend(vst_engine *engine, const struct arguments *args, void *user);

#endif
