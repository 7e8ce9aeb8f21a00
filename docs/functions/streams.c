// Streams: a client's connection joined with one to a server.
#include <stdio.h>
#include <vestibule.h>

#define SECOND_NS UINT64_C(1000000000)

// Example of vst_stream_options_init, vst_stream_config_new.
vst_stream_config *timeouts_for_web(void)
{
    vst_stream_options options;
    vst_stream_config *config;
    char why[256];

    vst_stream_options_init(&options, sizeof options);
    options.timeout_client_ns = 60 * SECOND_NS;
    options.timeout_server_ns = 60 * SECOND_NS;
    options.timeout_tunnel_ns = 3600 * SECOND_NS; /* once bytes have gone both ways */
    if (vst_stream_config_new(&options, &config, why, sizeof why) < 0) {
        fprintf(stderr, "timeouts: %s\n", why);
        return NULL;
    }
    return config;
}

// Example of vst_stream_config_free.
void use_other_timeouts(vst_stream_config **timeouts, vst_stream_config *fresh)
{
    vst_stream_config_free(*timeouts); /* streams that use it keep it */
    *timeouts = fresh;
}

// Example of vst_conn_forward.
void on_session(vst_engine *engine, vst_id client, const char *server,
                const vst_connect_config *how, const vst_stream_config *timeouts)
{
    /* A PROXY header tells the server who the client is. */
    const vst_connect_args args = {.size = sizeof args, .client = client};
    vst_id onward, stream;
    char why[256];

    if (vst_conn_connect(engine, server, how, &args, &onward, why, sizeof why) < 0) {
        fprintf(stderr, "%s: %s\n", server, why);
        vst_conn_close(engine, client);
    } else if (vst_conn_forward(engine, client, onward, timeouts, NULL, &stream) < 0) {
        vst_conn_abort(engine, onward);
        vst_conn_close(engine, client);
    }
}

// Example of vst_conn_forward_to.
void on_session_for_backend(vst_engine *engine, vst_id client, vst_id backend, void *user)
{
    vst_id stream;
    vst_status status = vst_conn_forward_to(engine, client, backend, NULL, user, &stream);

    if (status < 0) {
        fprintf(stderr, "a client cannot be forwarded: %s\n", vst_strerror(status));
        vst_conn_close(engine, client);
    }
    /* VST_EVENT_STREAM_END follows, also when no server can be reached; it comes with user. */
}

// Example of vst_stream_abort.
void end_stream(vst_engine *engine, vst_id stream)
{
    vst_status status = vst_stream_abort(engine, stream);

    if (status == VST_E_STALE)
        printf("the stream has ended already\n");
    else if (status < 0)
        printf("not ended: %s\n", vst_strerror(status));
}

// Example of vst_stream_describe.
void print_stream(vst_engine *engine, vst_id stream)
{
    char line[2048];
    size_t len;
    vst_status status = vst_stream_describe(engine, stream, line, sizeof line, &len);

    if (status == VST_OK)
        printf("%.*s\n", (int)len, line);
    else
        printf("stream: %s\n", vst_strerror(status));
}
