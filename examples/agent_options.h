/* The command line of agent, and the configurations of vestibule that follow from it. */
#ifndef VESTIBULE_EXAMPLE_AGENT_OPTIONS_H
#define VESTIBULE_EXAMPLE_AGENT_OPTIONS_H

#include <stdint.h>
#include <vestibule.h>

enum { LISTENERS_MOST = 16, PROFILES_MOST = 16, IDS_MOST = 16, WHY = 512 };

/* Where connections come in that are handed over to clients. */
struct served {
    const char *name, *address, *certificate, *key; /* the last two NULL: without TLS */
};

struct profile {
    const char *name, *trust;
};

struct agent_arguments {
    const char *clients[LISTENERS_MOST];
    struct served served[LISTENERS_MOST];
    struct profile profiles[PROFILES_MOST];
    uint32_t uids[IDS_MOST], gids[IDS_MOST];
    unsigned client_count, served_count, profile_count, uid_count, gid_count;
    const char *client_certificate, *client_key, *client_ca;
    const char *allow, *max_conns, *max_opens, *window, *accept_proxy, *drop_to, *host;
    int insecure, no_pass, sandbox, log;
};

/* Reads a command line. Every function here exits with a message if it fails. */
struct agent_arguments parse_agent_arguments(int argc, char **argv);

/* The configuration of links: those over TCP have TLS, in which clients show a certificate. */
vst_accept_config *link_config(const struct agent_arguments *args, int over_tcp);

/* The configuration of connections that are handed over. */
vst_accept_config *served_config(const struct agent_arguments *args, const struct served *served);

/* Makes the agent. user comes with the events of the connections that it opens. */
vst_id make_agent(vst_engine *engine, const struct agent_arguments *args, void *user);

#endif
