/* The command line of proxy, and the configurations of vestibule that follow from it. */
#ifndef VESTIBULE_EXAMPLE_OPTIONS_H
#define VESTIBULE_EXAMPLE_OPTIONS_H

#include <stdint.h>
#include <vestibule.h>

enum { POOLS_MOST = 8, SERVERS_MOST = 64, THREADS_MOST = 64, WHY = 512 };

/* Servers of which any can serve a client. */
struct pool {
    char name[64]; /* its name for use_backend; empty without one */
    vst_id backend;
    const char *servers[SERVERS_MOST]; /* their addresses; their numbers are those of the backend */
    unsigned count;
};

struct arguments {
    const char *listen, *accept_proxy, *certificate, *key, *client_ca, *alpn;
    struct pool pools[POOLS_MOST]; /* the first gets the clients for which no use_backend applies */
    const char *balance, *maxconn, *maxqueue, *queue_ms, *retries, *check_ms;
    const char *send_proxy, *backend_tls, *sni, *source, *source_ports;
    const char *socks, *socks_destination, *socks_user, *socks_password;
    const char *handshake_ms, *connect_ms, *idle_ms, *linger_ms, *host, *control, *rules, *trace;
    const char *monitor_net, *health, *metrics;
    const char *threads;
    const char *via_agent, *listen_via_agent, *agent_tls, *agent_channels;
    const char *link_certificate, *link_key, *link_ca;
    vst_id link; /* to the agent, or 0: none */
    uint32_t everyone_gets; /* VST_MONITOR_ANSWER_*, or 0: clients are let in */
    unsigned pool_count;
    unsigned thread_count, thread; /* how many threads there are, and the number of this one */
    uint64_t seed; /* of all threads, so that a source has the same server in each */
    int check, log, no_pass, one_socket, sandbox;
};

/* Reads a command line. Every function here exits with a message if it fails. */
struct arguments parse_arguments(int argc, char **argv);

/* A number that is at most `most`; without a text, otherwise. */
uint64_t number(const char *text, uint64_t most, uint64_t otherwise);

/* The same in milliseconds, of which 0 means no bound. */
uint64_t milliseconds(const char *text, uint64_t otherwise_ns);

/* TLS towards clients, or NULL if none is requested. */
vst_tls_server *server_tls(const struct arguments *args);

/* The configuration for clients. Frees its handle of tls. */
vst_accept_config *accept_config(const struct arguments *args, vst_tls_server *tls,
                                 const vst_rules *rules);

/* The bounds of the streams. */
vst_stream_config *stream_config(const struct arguments *args);

/* Adds a server, ADDRESS or NAME=ADDRESS: to the pool of its name. */
void add_address(struct arguments *args, const char *text);

/* Opens the link to --via-agent; 0 without one. */
vst_id open_link(vst_engine *engine, const struct arguments *args);

/* Takes what the agent hands over under --listen-via-agent, if that is given, as config says. */
void listen_via_agent(vst_engine *engine, const struct arguments *args, const vst_accept_config *config);

/* The name that TLS asks the server at an address for, if none is given: the address, without brackets and
 * port. */
const char *default_name(const char *address, char *name, size_t size);

/* Makes the servers of a pool a backend of the engine; the events about them have the pool as user
 * data. */
void make_backend(vst_engine *engine, const struct arguments *args, struct pool *pool);

#endif
