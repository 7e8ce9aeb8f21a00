// Monitors, such as the health checks of a load balancer, and metrics.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <vestibule.h>

// Example of vst_listener_set_monitor_fail.
void on_database(vst_engine *engine, vst_id listener, int is_up)
{
    /* Load balancers send no clients while a failure is reported. Who comes is served. */
    vst_status status = vst_listener_set_monitor_fail(engine, listener, is_up ? 0 : 1);

    if (status < 0)
        fprintf(stderr, "monitors are not told: %s\n", vst_strerror(status));
}

// Example of vst_listener_get_counters.
void print_listener(vst_engine *engine, vst_id listener)
{
    vst_listener_counters counters = {.size = sizeof counters};

    if (vst_listener_get_counters(engine, listener, &counters) < 0)
        return;
    printf("%u connections, %" PRIu64 " accepted, %" PRIu64 " refused, %" PRIu64 " of monitors\n",
           counters.conns, counters.accepted_total, counters.refused_total,
           counters.monitored_total);
}

// Example of vst_metrics_text.
char *metrics(vst_engine *engine, size_t *len)
{
    char *text = NULL;
    size_t capacity = 0;

    while (vst_metrics_text(engine, text, capacity, len) == VST_E_SPACE) {
        free(text);
        capacity = *len + *len / 8; /* numbers may become longer in between */
        text = malloc(capacity);
        if (text == NULL)
            return NULL;
    }
    return text; /* *len bytes, without a NUL at their end; to be freed */
}
