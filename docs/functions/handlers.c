// Handlers of the host's own. A handler is a step in opening a connection; an accept configuration
// or a connect configuration has a list of them.
#include <string.h>
#include <vestibule.h>

// Example of vst_handler_consume, vst_handler_send.
static int32_t agree_to_tls(vst_engine *engine, vst_step *step, size_t request)
{
    size_t taken;
    vst_status status = vst_handler_send(engine, step->conn, "S", 1, &taken);

    if (status == VST_WAIT)
        return VST_NEXT_WRITE; /* the step is called again, and the request is still there */
    if (status < 0)
        return VST_NEXT_FAIL;
    vst_handler_consume(engine, step->conn, request);
    return VST_NEXT_DONE; /* what comes from now on is TLS */
}

// Example of vst_handler_peek.
int32_t before_tls(void *data, vst_engine *engine, vst_step *step)
{
    static const uint8_t ssl_request[8] = {0, 0, 0, 8, 4, 210, 22, 47}; /* of Postgres */
    uint8_t came[sizeof ssl_request];
    size_t len;

    (void)data;
    if (vst_handler_peek(engine, step->conn, came, sizeof came, &len) < 0)
        return VST_NEXT_FAIL;
    if (len < sizeof came)
        return VST_NEXT_READ; /* called again with all that has come by then */
    /* Bytes behind the request, before the answer, would be taken for the beginning of TLS. */
    if (len == sizeof came && memcmp(came, ssl_request, sizeof came) == 0)
        return agree_to_tls(engine, step, sizeof came);
    step->text = "the client did not ask for TLS";
    return VST_NEXT_FAIL;
}

// Example of vst_conn_handler_done.
void on_permission(vst_engine *engine, vst_id conn, uint32_t ticket, int is_allowed)
{
    /* conn and ticket are those of the step that returned VST_NEXT_LATER. VST_E_STALE, when the
     * client has gone or the handler's timeout has passed, needs no care. */
    if (is_allowed)
        vst_conn_handler_done(engine, conn, ticket, VST_NEXT_DONE, 0, NULL);
    else
        vst_conn_handler_done(engine, conn, ticket, VST_NEXT_FAIL, 1, "not on the list");
}
