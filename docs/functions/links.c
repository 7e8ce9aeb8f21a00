// Links, in a process that has no network of its own, and agents, in the one that opens connections
// for it.
#include <stdio.h>
#include <vestibule.h>

#define SECOND_NS UINT64_C(1000000000)

/* A name that another thread has looked up for VST_EVENT_AGENT_RESOLVE. */
struct lookup {
    vst_id agent;
    uint64_t ticket;
    int error; /* an errno, or 0 */
    vst_addr found;
};

// Example of vst_link_options_init, vst_link_open.
vst_id open_link(vst_engine *engine, const char *address)
{
    vst_link_options options;
    vst_id link;
    char why[256];

    vst_link_options_init(&options, sizeof options);
    options.keepalive_ns = 5 * SECOND_NS;
    /* address: unix:/run/agent.sock. NULL: nothing but bytes, which is right for a unix socket. */
    if (vst_link_open(engine, address, NULL, &options, &link, why, sizeof why) < 0) {
        fprintf(stderr, "link to the agent: %s\n", why);
        return 0;
    }
    return link; /* it may be used before VST_EVENT_LINK_UP: connections wait for it */
}

// Example of vst_link_accept.
int accept_from_agent(vst_engine *engine, vst_id link, const vst_accept_config *config)
{
    char why[256];

    /* "web" is the name under which the agent offers them (vst_agent_offer). */
    if (vst_link_accept(engine, link, "web", config, NULL, why, sizeof why) < 0) {
        fprintf(stderr, "connections from the agent: %s\n", why);
        return -1;
    }
    return 0;
}

// Example of vst_link_stop_accepting.
void leave_new_connections_to_others(vst_engine *engine, vst_id link)
{
    vst_status status = vst_link_stop_accepting(engine, link, "web");

    if (status == VST_E_STATE)
        fprintf(stderr, "no connections were taken under web\n");
}

// Example of vst_link_describe.
void on_link_down(vst_engine *engine, const vst_event *event)
{
    char line[1024];
    size_t len;

    fprintf(stderr, "the agent does not answer: %s\n", event->text);
    if (vst_link_describe(engine, event->id, line, sizeof line, &len) == VST_OK)
        fprintf(stderr, "%.*s\n", (int)len, line);
}

// Example of vst_link_close.
void close_link(vst_engine *engine, vst_id link)
{
    vst_status status = vst_link_close(engine, link);

    /* Connections that it carries go on; VST_EVENT_LINK_CLOSED follows the last of them. */
    if (status < 0 && status != VST_E_STATE)
        fprintf(stderr, "the link cannot be closed: %s\n", vst_strerror(status));
}

// Example of vst_agent_options_init, vst_agent_new.
vst_id make_agent(vst_engine *engine, uint32_t uid_of_clients)
{
    vst_agent_options options;
    vst_id agent;
    char why[256];

    vst_agent_options_init(&options, sizeof options);
    options.allow = "10.0.0.0/8:5432,*.example.net:443"; /* without this: nowhere */
    options.uids = &uid_of_clients;
    options.uid_count = 1;
    if (vst_agent_new(engine, &options, &agent, why, sizeof why) < 0) {
        fprintf(stderr, "agent: %s\n", why);
        return 0;
    }
    return agent;
}

// Example of vst_agent_add_tls.
int let_agent_do_tls(vst_engine *engine, vst_id agent)
{
    const vst_tls_client_options options = {.size = sizeof options}; /* the system's roots */
    vst_tls_client *tls;
    vst_status status;
    char why[256];

    if (vst_tls_client_new(&options, &tls, why, sizeof why) < 0) {
        fprintf(stderr, "TLS of the agent: %s\n", why);
        return -1;
    }
    status = vst_agent_add_tls(engine, agent, "public", tls); /* clients: link_tls = "public" */
    vst_tls_client_free(tls);
    return status < 0 ? -1 : 0;
}

// Example of vst_agent_serve.
void on_session_of_client(vst_engine *engine, vst_id agent, vst_id conn)
{
    vst_status status = vst_agent_serve(engine, agent, conn);

    if (status < 0) {
        fprintf(stderr, "not a client of the agent: %s\n", vst_strerror(status));
        vst_conn_abort(engine, conn); /* it is still the host's */
    }
}

// Example of vst_agent_offer.
void on_session_from_outside(vst_engine *engine, vst_id agent, vst_id conn)
{
    vst_status status = vst_agent_offer(engine, agent, conn, "web");

    if (status == VST_OK)
        return;
    if (status == VST_NONE)
        fprintf(stderr, "no client takes connections under web\n");
    vst_conn_close(engine, conn); /* it is still the host's */
}

// Example of vst_agent_resolved.
void on_looked_up(vst_engine *engine, const struct lookup *lookup)
{
    const vst_addr *found = lookup->error == 0 ? &lookup->found : NULL;
    vst_status status =
        vst_agent_resolved(engine, lookup->agent, lookup->ticket, found, lookup->error);

    if (status < 0 && status != VST_E_STATE) /* the client may have given it up meanwhile */
        fprintf(stderr, "a name that was looked up: %s\n", vst_strerror(status));
}

// Example of vst_agent_drain.
void begin_to_stop(vst_engine *engine, vst_id agent, vst_id listener)
{
    vst_listener_pause(engine, listener); /* new clients go to the agent that takes over */
    vst_agent_drain(engine, agent);       /* clients it has open new connections there */
}

// Example of vst_agent_load.
int is_idle(vst_engine *engine, vst_id agent)
{
    uint32_t clients, channels;

    if (vst_agent_load(engine, agent, &clients, &channels) < 0)
        return 1; /* it is closed */
    if (clients > 0)
        printf("%u clients with %u connections are left\n", clients, channels);
    return clients == 0;
}

// Example of vst_agent_describe.
void print_agent(vst_engine *engine, vst_id agent)
{
    char line[1024];
    size_t len;
    vst_status status = vst_agent_describe(engine, agent, line, sizeof line, &len);

    if (status == VST_OK)
        printf("%.*s\n", (int)len, line);
    else
        printf("agent: %s\n", vst_strerror(status));
}

// Example of vst_agent_close.
void stop_now(vst_engine *engine, vst_id *agent)
{
    vst_agent_close(engine, *agent); /* resets what it has open; see vst_agent_drain */
    *agent = 0;
}
