/* The sessions that proxy answers itself: an operator's, and those of its built-in server. See proxy.h. */
#include "proxy.h"

#include <stdio.h>
#include <string.h>

enum { ANSWER = 16384 };

const char *text_of(const vst_addr *addr, char *text, size_t size)
{
    size_t len = 0;

    vst_addr_text(addr, text, size - 1, &len);
    text[len < size ? len : 0] = '\0';
    return text;
}

/* Sends the text and ends in order. A fresh connection takes this much at once; one that does not is
 * broken. What the peer has sent is not even read: closing in order reads what is left, so that no reset
 * destroys the answer. */
static void say_and_close(vst_engine *engine, vst_id id, const char *text, size_t len)
{
    size_t taken;

    if (vst_conn_send(engine, id, text, len, &taken) == VST_OK && taken == len)
        vst_conn_close(engine, id);
    else
        vst_conn_abort(engine, id);
}

void say_hello(vst_engine *engine, vst_id id)
{
    char text[ADDRESS_TEXT], answer[ADDRESS_TEXT + 256];
    vst_addr client, destination;

    vst_conn_addrs(engine, id, &client, &destination);
    say_and_close(engine, id, answer,
                  (size_t)snprintf(answer, sizeof answer,
                                   "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n"
                                   "Connection: close\r\n\r\nhello from vestibule, %s\n",
                                   text_of(&client, text, sizeof text)));
}

/* One line for each server. */
static size_t show(const struct pool *pool, vst_engine *engine, char *answer, size_t size)
{
    static const char *const states[] = {"", "ready", "drain", "maintenance"};
    size_t len = 0;

    for (unsigned i = 0; i < pool->count && len < size; i++) {
        vst_backend_counters counted = {.size = sizeof counted};
        vst_server_status server = {.size = sizeof server};

        vst_server_state(engine, pool->backend, i, &server);
        vst_server_get_counters(engine, pool->backend, i, &counted);
        len += (size_t)snprintf(answer + len, size - len,
                                "%s %s %s streams=%u most=%u total=%llu errors=%llu\n",
                                pool->servers[i], states[server.state],
                                server.up ? "up" : "down", counted.streams, counted.streams_most,
                                (unsigned long long)counted.streams_total,
                                (unsigned long long)counted.connect_errors_total);
    }
    return len < size ? len : size;
}

static size_t show_all(struct proxy *proxy, vst_engine *engine, char *answer, size_t size)
{
    size_t len = 0;

    for (unsigned p = 0; p < proxy->args.pool_count; p++)
        len += show(&proxy->args.pools[p], engine, answer + len, size - len);
    return len;
}

/* Sets the state of the server with this address, and returns whether there is one. */
static int set_state(struct proxy *proxy, vst_engine *engine, const char *address, uint32_t state)
{
    int found = 0;

    for (unsigned p = 0; p < proxy->args.pool_count; p++) {
        struct pool *pool = &proxy->args.pools[p];

        for (unsigned i = 0; i < pool->count; i++)
            if (strcmp(pool->servers[i], address) == 0)
                found |= vst_server_set_state(engine, pool->backend, i, state) == VST_OK;
    }
    return found;
}

void obey(struct proxy *proxy, vst_engine *engine, vst_id id)
{
    char line[ADDRESS_TEXT], name[ADDRESS_TEXT] = "", answer[ANSWER] = "what?\n";
    size_t len = 0;
    vst_status status = vst_conn_recv(engine, id, line, sizeof line - 1, &len);
    uint32_t state;

    if (status == VST_WAIT)
        return;
    line[len] = '\0';
    len = strlen(answer);
    state = sscanf(line, "drain %511s", name) == 1   ? VST_ADMIN_DRAIN
            : sscanf(line, "ready %511s", name) == 1 ? VST_ADMIN_READY
                                                     : 0;
    if (strncmp(line, "show", 4) == 0)
        len = show_all(proxy, engine, answer, sizeof answer);
    else if ((strncmp(line, "reload", 6) == 0 && rules_reload(&proxy->rules)) ||
             (strncmp(line, "leave", 5) == 0 &&
              vst_engine_drain(engine, VST_DRAIN_LAME_DUCK, 0) == VST_OK) ||
             (state != 0 && set_state(proxy, engine, name, state)))
        len = (size_t)snprintf(answer, sizeof answer, "done\n");
    say_and_close(engine, id, answer, len);
}
