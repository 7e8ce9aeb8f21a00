/* What the command line of proxy says, and what vestibule makes of it. */
#ifndef VESTIBULE_EXAMPLE_OPTIONS_H
#define VESTIBULE_EXAMPLE_OPTIONS_H

#include <stdint.h>
#include <vestibule.h>

enum { POOLS_MOST = 8, SERVERS_MOST = 64, WHY = 512 };

/* Servers that stand for each other. */
struct pool {
    char name[64]; /* by which use_backend knows it; empty without one */
    vst_id backend;
    const char *servers[SERVERS_MOST]; /* their addresses; their numbers are those of the backend */
    unsigned count;
};

struct arguments {
    const char *listen, *accept_proxy, *certificate, *key, *client_ca, *alpn;
    struct pool pools[POOLS_MOST]; /* the first gets whom no use_backend sends elsewhere */
    const char *balance, *maxconn, *maxqueue, *queue_ms, *retries, *check_ms;
    const char *send_proxy, *backend_tls, *sni;
    const char *socks, *socks_destination, *socks_user, *socks_password;
    const char *handshake_ms, *connect_ms, *idle_ms, *linger_ms, *host, *control, *rules;
    const char *monitor_net, *health, *metrics;
    uint32_t everyone_gets; /* VST_ANSWER_*, or 0: clients are let in */
    unsigned pool_count;
    int check, log;
};

/* Reads a command line. Everything here exits with a message when it cannot do its part. */
struct arguments parse_arguments(int argc, char **argv);

/* TLS towards clients, or NULL when none is asked for. */
vst_tls_server *server_tls(const struct arguments *args);

/* What clients go through. Gives up its handle of tls. */
vst_accept_config *accept_config(const struct arguments *args, vst_tls_server *tls,
                                 const vst_rules *rules);

/* What bounds the streams. */
vst_stream_config *stream_config(const struct arguments *args);

/* Adds a server, ADDRESS or NAME=ADDRESS: to the pool of its name. */
void add_address(struct arguments *args, const char *text);

/* Makes the servers of a pool a backend of the engine; the pool comes with the news about them. */
void make_backend(vst_engine *engine, const struct arguments *args, struct pool *pool);

#endif
