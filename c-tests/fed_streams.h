/* One engine whose sessions become streams with fed connections, and what is seen of them. */
#ifndef VST_FED_STREAMS_H
#define VST_FED_STREAMS_H

#include "fed.h"

static struct fed fed;

static struct {
    vst_connect_config *connect; /* what clients are joined with, at `address` */
    const char *address;
    vst_id backend; /* or this, if it is set */
    vst_id stream, client, server;
    vst_stream_end end; /* of the last stream; its text is not kept */
    vst_end of_client, of_server;
    unsigned ended;
    uint32_t up_or_down, reason; /* the last event about a server */
    unsigned words;
} scene;

static inline void on_event(struct host *host, const vst_event *event)
{
    switch (event->kind) {
    case VST_EVENT_SESSION:
        if (scene.backend == 0 && scene.address == NULL)
            break;
        scene.client = event->id;
        if (scene.backend != 0) {
            CHECK_EQ(vst_conn_forward_to(host->engine, event->id, scene.backend, NULL, NULL,
                                         &scene.stream), VST_OK);
            break;
        }
        vst_connect_args args = {.size = sizeof args, .client = event->id};
        CHECK_EQ(vst_conn_connect(host->engine, scene.address, scene.connect, &args, &scene.server,
                                  NULL, 0), VST_OK);
        CHECK_EQ(vst_conn_forward(host->engine, event->id, scene.server, NULL, NULL, &scene.stream),
                 VST_OK);
        break;
    case VST_EVENT_STREAM_END:
        CHECK(event->id == scene.stream);
        scene.ended++;
        scene.end = *event->stream;
        scene.of_client = *event->end;
        memset(&scene.of_server, 0, sizeof scene.of_server);
        if (event->end_server)
            scene.of_server = *event->end_server;
        break;
    case VST_EVENT_SERVER_UP:
    case VST_EVENT_SERVER_DOWN:
        scene.words++;
        scene.up_or_down = event->kind;
        scene.reason = event->reason;
        break;
    default:
        break;
    }
}

/* An engine on which every session is joined with this. */
static inline void begin(vst_engine_options *options, const char *address, vst_connect_config *connect)
{
    memset(&scene, 0, sizeof scene);
    fed.event = on_event;
    fed_open(&fed, options);
    scene.address = address;
    scene.connect = connect;
}

static inline void end(void)
{
    host_free(&fed.host);
    vst_connect_config_free(scene.connect);
}

static inline void opens(vst_id conn)
{
    CHECK_EQ(vst_fed_opened(fed.host.engine, conn, NULL), VST_OK);
}

static inline void ends(vst_id conn)
{
    CHECK_EQ(vst_fed_ended(fed.host.engine, conn), VST_OK);
}

/* It was asked to be closed, in this way, and is. */
static inline void is_closed(vst_id conn, uint32_t how)
{
    CHECK_EQ(fed_times(&fed, conn, how), 1);
    CHECK_EQ(vst_fed_closed(fed.host.engine, conn), VST_OK);
}

static inline void ended_as(const char *termination, uint64_t up, uint64_t down)
{
    CHECK(strcmp(scene.end.termination, termination) == 0);
    CHECK_EQ(scene.end.bytes_up, up);
    CHECK_EQ(scene.end.bytes_down, down);
}

#endif
