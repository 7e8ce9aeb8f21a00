/* The sessions that proxy answers itself: an operator's, and those of its built-in server. See proxy.h. */
#include "proxy.h"

#include <stdio.h>
#include <stdlib.h>
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

/* ---- the part of each thread ---------------------------------------------------------------- */

static void add_up(struct proxy *proxy, struct command *command)
{
    for (unsigned p = 0; p < proxy->args.pool_count; p++) {
        const struct pool *pool = &proxy->args.pools[p];

        for (unsigned i = 0; i < pool->count; i++) {
            struct tally *tally = &command->tallies[p][i];
            vst_backend_counters counted = {.size = sizeof counted};
            vst_server_status server = {.size = sizeof server};

            vst_server_state(proxy->host.engine, pool->backend, i, &server);
            vst_server_get_counters(proxy->host.engine, pool->backend, i, &counted);
            tally->state = server.state;
            tally->is_down |= !server.up;
            tally->streams += counted.streams;
            tally->streams_most += counted.streams_most;
            tally->streams_total += counted.streams_total;
            tally->connect_errors += counted.connect_errors_total;
        }
    }
}

/* Sets the state of the server with this address, and returns whether there is one. */
static int set_state(struct proxy *proxy, const char *address, uint32_t state)
{
    int found = 0;

    for (unsigned p = 0; p < proxy->args.pool_count; p++) {
        struct pool *pool = &proxy->args.pools[p];

        for (unsigned i = 0; i < pool->count; i++)
            if (strcmp(pool->servers[i], address) == 0)
                found |= vst_server_set_state(proxy->host.engine, pool->backend, i, state) == VST_OK;
    }
    return found;
}

static void do_part(struct proxy *proxy, struct command *command)
{
    switch (command->what) {
    case SHOW:
        add_up(proxy, command);
        break;
    case SET_STATE:
        command->is_done |= set_state(proxy, command->server, command->state);
        break;
    case LEAVE:
        command->is_done |= vst_engine_drain(proxy->host.engine, VST_DRAIN_LAME_DUCK, 0) == VST_OK;
        break;
    case STOP:
        host_drain(&proxy->host);
        break;
    }
}

/* ---- a command, from its beginning to its end ----------------------------------------------- */

static void begin(struct proxy *proxy, struct command given)
{
    struct command *command = malloc(sizeof *command);

    if (command == NULL)
        die("no memory for a command");
    *command = given;
    command->from = proxy;
    do_part(proxy, command);
    threads_pass(proxy, command);
}

void commands_come(struct proxy *proxy)
{
    struct command *command;

    while ((command = threads_take(proxy)) != NULL) {
        if (command->from == proxy) {
            command_done(proxy, command);
        } else {
            do_part(proxy, command);
            threads_pass(proxy, command);
        }
    }
}

/* One line for each server. */
static size_t write_tallies(const struct proxy *proxy, const struct command *command, char *answer, size_t size)
{
    static const char *const states[] = {"", "ready", "drain", "maintenance"};
    size_t len = 0;

    for (unsigned p = 0; p < proxy->args.pool_count; p++) {
        const struct pool *pool = &proxy->args.pools[p];

        for (unsigned i = 0; i < pool->count && len < size; i++) {
            const struct tally *tally = &command->tallies[p][i];

            len += (size_t)snprintf(answer + len, size - len,
                                    "%s %s %s streams=%u most=%u total=%llu errors=%llu\n",
                                    pool->servers[i], states[tally->state], tally->is_down ? "down" : "up",
                                    tally->streams, tally->streams_most,
                                    (unsigned long long)tally->streams_total,
                                    (unsigned long long)tally->connect_errors);
        }
    }
    return len < size ? len : size;
}

static void answer(vst_engine *engine, vst_id operator, const char *text)
{
    say_and_close(engine, operator, text, strlen(text));
}

void command_done(struct proxy *proxy, struct command *command)
{
    char text[ANSWER];

    if (command->what == SHOW)
        say_and_close(proxy->host.engine, command->operator, text,
                      write_tallies(proxy, command, text, sizeof text));
    else if (command->operator != 0)
        answer(proxy->host.engine, command->operator, command->is_done ? "done\n" : "what?\n");
    free(command);
}

/* ---- who commands --------------------------------------------------------------------------- */

void stop_all(struct host *host)
{
    begin((struct proxy *)host, (struct command){.what = STOP});
}

int obey(struct proxy *proxy, vst_id id)
{
    struct command command = {.operator = id, .what = SET_STATE};
    char line[ADDRESS_TEXT];
    size_t len = 0;

    if (vst_conn_recv(proxy->host.engine, id, line, sizeof line - 1, &len) == VST_WAIT)
        return 0;
    line[len] = '\0';
    command.state = sscanf(line, "drain %511s", command.server) == 1   ? VST_ADMIN_DRAIN
                    : sscanf(line, "ready %511s", command.server) == 1 ? VST_ADMIN_READY
                                                                       : 0;
    if (strncmp(line, "show", 4) == 0)
        command.what = SHOW;
    else if (strncmp(line, "leave", 5) == 0)
        command.what = LEAVE;
    if (command.what != SET_STATE || command.state != 0)
        begin(proxy, command);
    else /* the rules are shared: they are read once */
        answer(proxy->host.engine, id,
               strncmp(line, "reload", 6) == 0 && rules_reload(proxy->rules) ? "done\n" : "what?\n");
    return 1;
}
