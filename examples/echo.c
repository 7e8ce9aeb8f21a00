/* See echo.h. The smallest use of sessions: what comes after all other steps is read and written here. */
#include "echo.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ECHO_BYTES = 16384 };

uint64_t echo_idle_ns;

/* One session: bytes that were read, or made, and that the peer has not taken yet. */
struct session {
    size_t from;
    size_t to;
    char bytes[ECHO_BYTES];
};

/* Writes "IP PORT", or "unix:PATH -", and returns its length. */
static size_t print_end(char *text, size_t size, const vst_addr *addr)
{
    char ip[INET6_ADDRSTRLEN];
    size_t len;

    if (addr->family == VST_ADDR_IPV4 || addr->family == VST_ADDR_IPV6) {
        inet_ntop(addr->family == VST_ADDR_IPV4 ? AF_INET : AF_INET6, addr->bytes, ip, sizeof ip);
        return (size_t)snprintf(text, size, "%s %u", ip, (unsigned)addr->port);
    }
    vst_addr_text(addr, text, size, &len); /* also escapes what a peer put into a path */
    return len + (size_t)snprintf(text + len, size - len, " -");
}

static void greet(vst_engine *engine, vst_id id, struct session *session)
{
    vst_addr source, destination;
    char *text = session->bytes;
    size_t len;

    vst_conn_addrs(engine, id, &source, &destination);
    len = print_end(text, ECHO_BYTES, &source);
    text[len++] = ' ';
    len += print_end(text + len, ECHO_BYTES - len, &destination);
    text[len++] = '\n';
    session->to = len;
}

/* Writes what is pending, then reads more, until one of both has to wait. Nothing is read while anything
 * is pending: that is the backpressure. The event that ends the wait calls this again. */
static void echo(vst_engine *engine, vst_id id, struct session *session)
{
    vst_status status;
    size_t count;

    do {
        while (session->from < session->to) {
            status = vst_conn_send(engine, id, session->bytes + session->from,
                                   session->to - session->from, &count);
            if (status == VST_WAIT)
                return;
            if (status != VST_OK) {
                vst_conn_abort(engine, id); /* the peer does not read any more */
                return;
            }
            session->from += count;
        }
        status = vst_conn_recv(engine, id, session->bytes, ECHO_BYTES, &count);
        session->from = 0;
        session->to = count;
    } while (status == VST_OK);

    /* VST_END, or a failure that closes the connection anyway: then this is too late and does no harm.
     * Either way VST_EVENT_CLOSED comes last. */
    if (status != VST_WAIT)
        vst_conn_close(engine, id);
}

static void open_session(vst_engine *engine, vst_id id)
{
    struct session *session = malloc(sizeof *session);

    if (session == NULL) {
        vst_conn_abort(engine, id);
        return;
    }
    session->from = 0;
    vst_conn_set_user(engine, id, session);
    vst_conn_set_timeout(engine, id, echo_idle_ns);
    greet(engine, id, session);
    echo(engine, id, session);
}

void echo_event(void *data, vst_engine *engine, const vst_event *event)
{
    (void)data;
    switch (event->kind) {
    case VST_EVENT_SESSION:
        open_session(engine, event->id);
        break;
    case VST_EVENT_READABLE:
    case VST_EVENT_WRITABLE:
        echo(engine, event->id, event->user);
        break;
    case VST_EVENT_CLOSED:
        free(event->user);
        break;
    case VST_EVENT_REFUSED:
        fprintf(stderr, "refused: %s\n", event->end->text);
        break;
    default: /* PAUSED, RESUMED, LISTENER_CLOSED: nothing to do */
        break;
    }
}
