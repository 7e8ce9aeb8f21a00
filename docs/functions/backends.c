// Backends: groups of servers, of which each stream gets one.
#include <inttypes.h>
#include <stdio.h>
#include <vestibule.h>

#define SECOND_NS UINT64_C(1000000000)

// Example of vst_backend_options_init, vst_backend_new, vst_backend_set_name.
vst_id make_backend(vst_engine *engine)
{
    vst_backend_options options;
    vst_id backend;
    char why[256];

    vst_backend_options_init(&options, sizeof options);
    options.balance = VST_BALANCE_LEAST_CONNECTIONS;
    options.maxqueue = 100;
    options.queue_timeout_ns = 2 * SECOND_NS;
    if (vst_backend_new(engine, &options, &backend, why, sizeof why) < 0) {
        fprintf(stderr, "backend: %s\n", why);
        return 0;
    }
    vst_backend_set_name(engine, backend, "cache"); /* for use_backend, and for metrics */
    return backend;
}

// Example of vst_server_options_init, vst_backend_add_server.
uint32_t add_server(vst_engine *engine, vst_id backend, const char *name, const char *address)
{
    static const uint8_t ping[] = "PING\r\n", pong[] = "+PONG";
    vst_server_options options;
    uint32_t server;
    char why[256];

    vst_server_options_init(&options, sizeof options);
    options.name = name;
    options.addresses = address;
    options.maxconn = 500;
    options.flags = VST_SERVER_CHECK;
    options.check_send = ping;
    options.check_send_len = sizeof ping - 1; /* without the NUL */
    options.check_expect = pong;
    options.check_expect_len = sizeof pong - 1;
    if (vst_backend_add_server(engine, backend, &options, &server, why, sizeof why) < 0)
        fprintf(stderr, "server %s: %s\n", name, why);
    return server; /* VST_NO_SERVER if it failed */
}

// Example of vst_server_set_weight.
void warm_up(vst_engine *engine, vst_id backend, uint32_t server, uint32_t percent)
{
    const uint32_t full = 100;
    uint32_t weight = percent < full ? percent : full;

    /* 0 would mean no new streams at all. */
    vst_server_set_weight(engine, backend, server, weight > 0 ? weight : 1);
}

// Example of vst_server_set_state.
int take_out(vst_engine *engine, vst_id backend, uint32_t server)
{
    vst_status status = vst_server_set_state(engine, backend, server, VST_ADMIN_DRAIN);

    if (status < 0) {
        fprintf(stderr, "server %u: %s\n", server, vst_strerror(status));
        return -1;
    }
    return 0; /* streams that it has go on; VST_ADMIN_READY brings it back */
}

// Example of vst_server_get_counters.
int may_be_stopped(vst_engine *engine, vst_id backend, uint32_t server)
{
    vst_backend_counters counters = {.size = sizeof counters};

    if (vst_server_get_counters(engine, backend, server, &counters) < 0)
        return 0;
    return counters.streams == 0 && counters.queued == 0;
}

// Example of vst_server_set_addresses.
void on_looked_up(vst_engine *engine, vst_id backend, uint32_t server, const char *addresses)
{
    char why[256];

    /* For VST_EVENT_SERVER_RESOLVE, and whenever they change: "192.0.2.1:80,[2001:db8::1]:80". */
    if (vst_server_set_addresses(engine, backend, server, addresses, why, sizeof why) < 0)
        fprintf(stderr, "server %u keeps its addresses: %s\n", server, why);
}

// Example of vst_server_state.
void print_server(vst_engine *engine, vst_id backend, uint32_t server)
{
    static const char *const names[] = {
        [VST_ADMIN_READY] = "ready",
        [VST_ADMIN_DRAIN] = "drain",
        [VST_ADMIN_MAINTENANCE] = "maintenance",
    };
    vst_server_status status = {.size = sizeof status};

    if (vst_server_state(engine, backend, server, &status) < 0)
        return;
    printf("server %u: %s, %s, weight %u%s\n", server, names[status.state],
           status.up ? "up" : "down", status.weight, status.usable ? "" : ", gets no streams");
}

// Example of vst_backend_get_counters.
void print_backend(vst_engine *engine, vst_id backend)
{
    vst_backend_counters counters = {.size = sizeof counters};

    if (vst_backend_get_counters(engine, backend, &counters) < 0)
        return;
    printf("streams %u (most %u), queued %u\n", counters.streams, counters.streams_most,
           counters.queued);
    printf("turned away %" PRIu64 ", failed attempts %" PRIu64 "\n",
           counters.queue_full_total + counters.queue_timeouts_total,
           counters.connect_errors_total);
}
