/* The lines that proxy writes for an operator. See proxy.h. */
#define _GNU_SOURCE
#include "proxy.h"

#include <stdio.h>

/* The address of a stream's server. */
static const char *server_of(const struct proxy *proxy, const vst_stream_end *stream)
{
    if (stream->server != VST_NO_SERVER)
        for (unsigned p = 0; p < proxy->args.pool_count; p++)
            if (proxy->args.pools[p].backend == stream->backend)
                return proxy->args.pools[p].servers[stream->server];
    return "-";
}

void log_end(const struct proxy *proxy, const char *what, const vst_event *event)
{
    const vst_end *client = event->end, *server = event->end_server;
    const vst_stream_end *stream = event->stream;
    char peer[ADDRESS_TEXT], source[ADDRESS_TEXT];

    flockfile(stderr); /* other threads write whole lines too */
    fprintf(stderr, "%s peer=%s for=%s in=%llu out=%llu time=%.3fs end=\"%s\"", what,
            text_of(&client->peer, peer, sizeof peer),
            text_of(&client->announced_source, source, sizeof source),
            (unsigned long long)client->bytes_in, (unsigned long long)client->bytes_out,
            (double)client->lasted_ns / 1e9, stream != NULL ? stream->text : client->text);
    if (stream != NULL)
        fprintf(stderr, " state=%s server=%s attempts=%u queued=%.3fs", stream->termination,
                server_of(proxy, stream), stream->attempts, (double)stream->queued_ns / 1e9);
    if (server != NULL)
        fprintf(stderr, " server_end=\"%s\"", server->text);
    if (client->captures_len > 0)
        fprintf(stderr, " captures=\"%s\"", client->captures);
    if (client->suppressed > 0)
        fprintf(stderr, " suppressed=%llu", (unsigned long long)client->suppressed);
    if (client->remote || (server != NULL && server->remote))
        fprintf(stderr, " remote");
    fputc('\n', stderr);
    funlockfile(stderr);
}

void log_server(const struct proxy *proxy, const char *how, const vst_event *event)
{
    const struct pool *pool = event->user;
    static const char *const reasons[] = {
        [VST_REASON_CHECKS] = "checks",
        [VST_REASON_CONNECT_ERRORS] = "connect errors",
        [VST_REASON_TRIAL] = "another chance",
    };

    /* A server is up or down in all engines of a group, and each of them reports it. */
    if (proxy->args.thread != 0)
        return;
    fprintf(stderr, "server %s is %s: %s\n", pool->servers[event->server], how,
            reasons[event->reason]);
}
