// Examples of the functions of connections. struct session is what the host keeps for
// one, as its user data; on_bytes, serve_legacy and so on are what the host does with it.
#define _GNU_SOURCE // accept4
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vestibule.h>

enum { RING_BYTES = 4096, OUT_BYTES = 4096 };

struct ring {
    char bytes[RING_BYTES];
    size_t first;
    size_t used;
};

struct session {
    enum { UNKNOWN, HTTP_1, HTTP_2 } protocol;
    // What the peer has not taken yet begins at from and ends before to.
    char out[OUT_BYTES];
    size_t from;
    size_t to;
};

void on_bytes(struct session *session, const char *bytes, size_t len);
void on_request_end(struct session *session);
void on_incomplete_request(struct session *session);
// Closes fd and frees first_bytes.
void serve_legacy(int fd, void *first_bytes, size_t len);

// Example of vst_conn_accept_fd.
void accept_one(vst_engine *engine, const vst_accept_config *config, int listening)
{
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    int32_t sys_errno;
    vst_id conn;
    char why[256];

    if (fd < 0)
        return;
    // VST_EVENT_SESSION comes when the handshakes are done, VST_EVENT_CLOSED if they fail.
    if (vst_conn_accept_fd(engine, config, fd, NULL, &conn, &sys_errno, why,
                           sizeof why) < 0) {
        if (sys_errno != ENOTCONN) // the client has gone already
            fprintf(stderr, "a client is lost: %s\n", why);
        close(fd); // on failure it is still ours
    }
}

// Example of vst_conn_adopt.
vst_id talk_to_worker(vst_engine *engine, int *worker_fd, struct session *session)
{
    int pair[2];
    vst_id conn;
    char why[256];

    *worker_fd = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return 0;
    if (vst_conn_adopt(engine, pair[0], session, &conn, NULL, why, sizeof why) < 0) {
        fprintf(stderr, "no connection to the worker: %s\n", why);
        close(pair[0]); // on failure it is still ours
        close(pair[1]);
        return 0;
    }
    *worker_fd = pair[1]; // for the child
    return conn;
}

// Example of vst_conn_connect.
vst_id connect_to(vst_engine *engine, const char *address,
                  const vst_connect_config *config, struct session *session)
{
    vst_connect_args args = {.size = sizeof args, .user = session};
    vst_id conn;
    char why[256];

    // VST_EVENT_CONNECTED comes when it is open, VST_EVENT_CLOSED if it cannot be opened.
    if (vst_conn_connect(engine, address, config, &args, &conn, why, sizeof why) < 0)
        fprintf(stderr, "no connection: %s\n", why);
    return conn; // 0 on failure
}

// Example of vst_conn_recv.
void read_request(vst_engine *engine, vst_id conn, struct session *session)
{
    char bytes[4096];
    size_t got;
    vst_status status;

    while ((status = vst_conn_recv(engine, conn, bytes, sizeof bytes, &got)) == VST_OK)
        on_bytes(session, bytes, got);
    if (status == VST_WAIT)
        return; // VST_EVENT_READABLE says when to come back
    if (status == VST_END) {
        on_request_end(session);
        return;
    }
    on_incomplete_request(session); // also VST_E_TRUNCATED: somebody may have cut it
    vst_conn_abort(engine, conn);   // too late after VST_E_RESET, and does no harm
}

// Example of vst_conn_send.
void flush(vst_engine *engine, vst_id conn, struct session *session)
{
    while (session->from < session->to) {
        size_t taken;
        vst_status status = vst_conn_send(engine, conn, session->out + session->from,
                                          session->to - session->from, &taken);

        if (status == VST_WAIT)
            return; // VST_EVENT_WRITABLE says when to come back
        if (status < 0) {
            vst_conn_abort(engine, conn); // the peer takes no more; no event says so
            return;
        }
        session->from += taken; // may be only a part
    }
    session->from = session->to = 0;
}

// Example of vst_conn_shutdown.
void on_request_sent(vst_engine *engine, vst_id conn)
{
    // The server sees the end of the request; its answer can still be read.
    vst_status status = vst_conn_shutdown(engine, conn, VST_SHUT_WRITE);

    if (status < 0)
        fprintf(stderr, "no half-close: %s\n", vst_strerror(status));
}

// Example of vst_conn_close, vst_conn_abort.
void end_session(vst_engine *engine, vst_id conn, int is_complete)
{
    if (is_complete)
        vst_conn_close(engine, conn); // what was written is sent first
    else
        vst_conn_abort(engine, conn); // a reset: nobody takes it for complete
    // VST_EVENT_CLOSED comes last: the host frees there what it keeps for the session.
}

// Example of vst_conn_take_fd.
int hand_to_legacy(vst_engine *engine, vst_id conn)
{
    void *first_bytes = NULL;
    size_t len;
    int32_t fd;
    vst_status status = vst_conn_take_fd(engine, conn, &fd, NULL, 0, &len);

    if (status == VST_E_SPACE) { // the library has read len bytes already
        first_bytes = malloc(len);
        if (first_bytes != NULL)
            status = vst_conn_take_fd(engine, conn, &fd, first_bytes, len, &len);
    }
    if (status < 0) {
        free(first_bytes);
        return 0; // the session goes on: it has TLS, or unsent bytes
    }
    serve_legacy(fd, first_bytes, len);
    return 1;
}

// Example of vst_conn_set_user.
void on_session(vst_engine *engine, vst_id conn)
{
    struct session *session = calloc(1, sizeof *session);

    if (session == NULL) {
        vst_conn_abort(engine, conn);
        return;
    }
    // Each event has it now as user, VST_EVENT_CLOSED last: free it there.
    vst_conn_set_user(engine, conn, session);
}

// Example of vst_conn_user.
void on_answer(vst_engine *engine, vst_id conn, const char *answer, size_t len)
{
    void *user;
    struct session *session;

    if (vst_conn_user(engine, conn, &user) < 0)
        return; // stale: the client has gone while the answer was looked up
    session = user;
    if (len > sizeof session->out - session->to) {
        vst_conn_abort(engine, conn);
        return;
    }
    memcpy(session->out + session->to, answer, len);
    session->to += len;
    flush(engine, conn, session);
}

// Example of vst_conn_recvv.
vst_status fill(vst_engine *engine, vst_id conn, struct ring *ring)
{
    size_t room = RING_BYTES - ring->used;
    size_t at = (ring->first + ring->used) % RING_BYTES;
    size_t here = room < RING_BYTES - at ? room : RING_BYTES - at;
    vst_iovec pieces[2] = {{ring->bytes + at, here}, {ring->bytes, room - here}};
    vst_status status;
    size_t got;

    if (room == 0)
        return VST_OK;
    // No piece may be empty.
    status = vst_conn_recvv(engine, conn, pieces, room > here ? 2 : 1, &got);
    ring->used += got; // 0 unless VST_OK
    return status;
}

// Example of vst_conn_sendv.
vst_status send_pieces(vst_engine *engine, vst_id conn, vst_iovec **next,
                       size_t *count)
{
    vst_status status = VST_OK;
    size_t taken;

    while (*count > 0 && status == VST_OK) {
        status = vst_conn_sendv(engine, conn, *next, *count, &taken);
        for (; *count > 0 && taken >= (*next)->len; ++*next, --*count)
            taken -= (*next)->len;
        if (*count > 0) {
            (*next)->base = (char *)(*next)->base + taken;
            (*next)->len -= taken;
        }
    }
    return status; // VST_WAIT: the same again at VST_EVENT_WRITABLE
}

// Example of vst_conn_peek.
void choose_protocol(vst_engine *engine, vst_id conn, struct session *session)
{
    // RFC 9113 section 3.4.
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    char first[sizeof preface - 1];
    size_t got;
    vst_status status = vst_conn_peek(engine, conn, first, sizeof first, &got);
    int is_like = memcmp(first, preface, got) == 0;

    if (status == VST_WAIT && is_like)
        return; // too few to tell: VST_EVENT_READABLE comes when there are more
    session->protocol = status == VST_OK && is_like ? HTTP_2 : HTTP_1;
    // The next read gets the same bytes, or the error, if that is what came.
    read_request(engine, conn, session);
}

// Example of vst_conn_set_timeout.
void bound_silence(vst_engine *engine, vst_id conn, int is_our_turn)
{
    const uint64_t idle_ns = UINT64_C(60) * 1000 * 1000 * 1000;

    // A client that waits for our answer may be silent. Else the session ends, with
    // VST_WHY_IDLE in its end.
    vst_conn_set_timeout(engine, conn, is_our_turn ? VST_NEVER : idle_ns);
}

// Example of vst_conn_limit_rate.
void slow_down(vst_engine *engine, vst_id client)
{
    // Uploads of 1 MB a second at most, and downloads of ten. The client may be part of a
    // stream.
    vst_conn_limit_rate(engine, client, VST_SHUT_READ, 1000 * 1000, 0);
    vst_conn_limit_rate(engine, client, VST_SHUT_WRITE, 10 * 1000 * 1000, 0);
}

// Example of vst_conn_fd.
void log_round_trip(vst_engine *engine, vst_id conn)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    int32_t fd; // stays the library's: for questions and options only

    if (vst_conn_fd(engine, conn, &fd) == VST_OK &&
        getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
        fprintf(stderr, "round trip %u us, %u segments sent again\n",
                info.tcpi_rtt, info.tcpi_total_retrans);
}

// Example of vst_conn_bytes.
void log_bytes(vst_engine *engine, vst_id conn)
{
    uint64_t in, out;

    if (vst_conn_bytes(engine, conn, &in, &out) == VST_OK)
        fprintf(stderr, "%" PRIu64 " bytes read, %" PRIu64 " written\n", in, out);
}

// Example of vst_conn_start_tls.
void on_starttls_command(vst_engine *engine, vst_id conn, const vst_tls_server *tls,
                         size_t bytes_after)
{
    static const char ready[] = "220 ready to start TLS\r\n";
    vst_start_tls start = {.size = sizeof start, .server = tls};
    size_t len = sizeof ready - 1, taken;
    char why[256];

    // What came in the same read behind the command must not count as secure.
    if (bytes_after > 0 ||
        vst_conn_send(engine, conn, ready, len, &taken) != VST_OK || taken < len) {
        vst_conn_abort(engine, conn);
        return;
    }
    // Nothing is read or written from here until VST_EVENT_TLS_DONE.
    if (vst_conn_start_tls(engine, conn, &start, why, sizeof why) < 0) {
        fprintf(stderr, "no TLS: %s\n", why);
        vst_conn_abort(engine, conn);
    }
}
