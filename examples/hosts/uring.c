/* uring: a host whose poller is an io_uring.
 *
 *   uring --listen ADDR:PORT [--tls CERT KEY]
 *
 * It tells each client its addresses and echoes, as whoami does, at two places. At --listen are sockets of
 * the library, which the ring polls for it. At the other, 127.0.0.1 and a port that the kernel chooses,
 * connections are *fed*: this program accepts them, receives into buffers that it shares with the kernel,
 * and sends, all by the ring. The library gets their bytes, and everything above the bytes is the same: TLS,
 * sessions, events.
 *
 * The asks of fed connections are pulled (vst_fed_next), once all completions of a turn are handled: so
 * nothing that a completion is about goes away while it is handled.
 *
 * Prints "fed ADDR:PORT" and "ready ADDR:PORT", and runs until it is killed. Exits with 77 where the kernel
 * has no io_uring for this program, or too old a one. */
#define _GNU_SOURCE
#include "../host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    WHY = 512,
    ENTRIES = 1024,      /* of the ring */
    COMPLETIONS = 1024,  /* that are handled before the engine gets a turn */
    BUFFERS = 64,        /* that the kernel receives into; a power of two */
    BUFFER_BYTES = 16384,
    NO_RING = 77,        /* the exit code */
};

/* What the ring does for us. A pointer to it is the user data of the request. */
struct op {
    void (*done)(struct op *op, int res, uint32_t flags);
};

static struct io_uring ring;
static struct io_uring_buf_ring *buffers;
static char buffer[BUFFERS][BUFFER_BYTES];
static vst_engine *engine;
static vst_wait wait = {.size = sizeof wait};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static struct io_uring_sqe *request(void)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

    while (sqe == NULL) { /* full: the kernel takes what is in it */
        io_uring_submit(&ring);
        sqe = io_uring_get_sqe(&ring);
    }
    return sqe;
}

/* Its completion comes all the same, as ECANCELED if nothing else. */
static void cancel(struct op *op)
{
    struct io_uring_sqe *sqe = request();

    io_uring_prep_cancel(sqe, op, 0);
    io_uring_sqe_set_data(sqe, NULL);
}

/* ---- sockets of the library: the ring polls them ------------------------------------------------ */

/* A descriptor. At most one request is under way for it, and it lives until that one is completed. */
struct watch {
    struct op op;
    vst_id token; /* 0 once the library has released the descriptor */
    int fd;
    uint32_t mask;
    enum { IDLE, POLLED, READY } state;
};

static void watch_on(struct watch *w)
{
    struct io_uring_sqe *sqe;
    uint32_t mask = w->mask;

    if (w->token == 0) {
        free(w);
    } else if (mask != 0) {
        sqe = request();
        io_uring_prep_poll_add(sqe, w->fd,
                               (mask & VST_IO_IN ? POLLIN : 0u) | (mask & VST_IO_OUT ? POLLOUT : 0u) |
                                   (mask & VST_IO_HANGUP ? POLLRDHUP : 0u));
        io_uring_sqe_set_data(sqe, &w->op);
        w->state = POLLED;
    }
}

/* One request reports once, and looks at the state there is: that is what a level-triggered poller does. */
static void polled(struct op *op, int res, uint32_t flags)
{
    struct watch *w = (struct watch *)op;
    uint32_t events;

    (void)flags;
    w->state = READY; /* the library may change the mask, or release it, in this call */
    if (res > 0 && w->token != 0) {
        events = (res & POLLIN ? VST_IO_IN : 0u) | (res & POLLOUT ? VST_IO_OUT : 0u) |
                 (res & POLLRDHUP ? VST_IO_HANGUP : 0u) | (res & (POLLERR | POLLHUP) ? VST_IO_ERROR : 0u);
        vst_engine_ready(engine, w->token, events, now_ns(), &wait);
    }
    w->state = IDLE;
    watch_on(w);
}

static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask,
                        void *user)
{
    struct watch *w = user;

    (void)data;
    (void)old_mask;
    if (w == NULL) {
        w = calloc(1, sizeof *w);
        if (w == NULL)
            return ENOMEM;
        *w = (struct watch){.op.done = polled, .token = token, .fd = fd};
        vst_token_set_user(engine, token, w);
    }
    w->mask = new_mask;
    if (new_mask & VST_IO_RELEASED) /* a request that is under way would keep the socket open */
        w->token = 0;
    if (w->state == POLLED)
        cancel(&w->op); /* polled() goes on with what is wanted then */
    else if (w->state == IDLE)
        watch_on(w);
    return 0;
}

/* ---- fed connections: the ring moves their bytes -------------------------------------------------- */

struct fed {
    struct op receive, send;
    vst_id conn;
    int fd;
    int is_receiving, is_sending, is_cancelling;
    int wants;     /* the library takes bytes */
    int has_ended; /* nothing more is received */
    int owes_end;  /* the library has yet to be told that the peer has ended its side */
    int is_closing;
    char *kept; /* what the library has not taken; no more than is received until a cancel has arrived */
    size_t kept_len;
    char out[BUFFER_BYTES]; /* what is being sent */
};

static struct op accepting;
static int listener, is_accepting;

static void accept_on(void)
{
    struct io_uring_sqe *sqe;

    if (is_accepting)
        return;
    sqe = request();
    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data(sqe, &accepting);
    is_accepting = 1;
}

static void give_buffer(int number)
{
    io_uring_buf_ring_add(buffers, buffer[number], BUFFER_BYTES, (unsigned short)number,
                          io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(buffers, 1);
}

/* The last of a connection, once no request about it is under way. */
static void close_fed(struct fed *f)
{
    if (f->is_receiving || f->is_sending)
        return;
    close(f->fd);
    vst_fed_closed(engine, f->conn);
    free(f->kept);
    free(f);
    accept_on(); /* if there was no descriptor for the next one, there is now */
}

static void fail(struct fed *f, int error)
{
    f->has_ended = 1;
    vst_fed_hung_up(engine, f->conn, error);
}

/* Hands in what came. */
static void hand_in(struct fed *f)
{
    size_t n = 0;

    if (f->kept_len > 0 && vst_fed_received(engine, f->conn, f->kept, f->kept_len, &n) == VST_OK) {
        f->kept_len -= n;
        memmove(f->kept, f->kept + n, f->kept_len);
    }
    f->wants = f->wants && f->kept_len == 0; /* if not, it asks again */
    if (f->kept_len == 0 && f->owes_end) {
        f->owes_end = 0;
        vst_fed_ended(engine, f->conn);
    }
}

/* Begins whatever can be begun, and stops what is not wanted any more. */
static void fed_on(struct fed *f)
{
    struct io_uring_sqe *sqe;
    size_t n;

    if (f->wants && !f->has_ended && !f->is_receiving) {
        sqe = request();
        io_uring_prep_recv_multishot(sqe, f->fd, NULL, 0, 0);
        io_uring_sqe_set_data(sqe, &f->receive);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = 0;
        f->is_receiving = 1;
        f->is_cancelling = 0;
    } else if (!f->wants && f->is_receiving && !f->is_cancelling) {
        cancel(&f->receive);
        f->is_cancelling = 1;
    }
    if (!f->is_sending && vst_fed_copy_unsent(engine, f->conn, 0, f->out, sizeof f->out, &n) == VST_OK &&
        n > 0) {
        sqe = request();
        io_uring_prep_send(sqe, f->fd, f->out, n, MSG_NOSIGNAL);
        io_uring_sqe_set_data(sqe, &f->send);
        f->is_sending = 1;
    }
}

static void received(struct op *op, int res, uint32_t flags)
{
    struct fed *f = (struct fed *)op;

    if (!(flags & IORING_CQE_F_MORE))
        f->is_receiving = 0;
    if (flags & IORING_CQE_F_BUFFER) {
        int number = (int)(flags >> IORING_CQE_BUFFER_SHIFT);
        char *grown = res > 0 ? realloc(f->kept, f->kept_len + (size_t)res) : NULL;

        if (grown != NULL) {
            memcpy(grown + f->kept_len, buffer[number], (size_t)res);
            f->kept = grown;
            f->kept_len += (size_t)res;
        }
        give_buffer(number);
        if (res > 0 && grown == NULL)
            res = -ENOMEM;
    }
    if (f->is_closing) {
        close_fed(f);
        return;
    }
    if (res == 0)
        f->has_ended = f->owes_end = 1;
    else if (res < 0 && res != -ECANCELED && res != -ENOBUFS) /* without buffers it is asked again */
        fail(f, -res);
    hand_in(f);
    fed_on(f);
}

static void sent(struct op *op, int res, uint32_t flags)
{
    struct fed *f = (struct fed *)((char *)op - offsetof(struct fed, send));

    (void)flags;
    f->is_sending = 0;
    if (f->is_closing) {
        close_fed(f);
        return;
    }
    if (res >= 0)
        vst_fed_sent(engine, f->conn, (size_t)res);
    else
        fail(f, -res);
    fed_on(f);
}

static void to_addr(vst_addr *addr, const struct sockaddr_in *from)
{
    *addr = (vst_addr){.family = VST_ADDR_IPV4, .port = ntohs(from->sin_port), .len = 4};
    memcpy(addr->bytes, &from->sin_addr, 4);
}

static vst_accept_config *config;

static void accepted(struct op *op, int fd, uint32_t flags)
{
    struct sockaddr_in there, here;
    socklen_t size = sizeof there, same = sizeof here;
    int is_full = fd == -EMFILE || fd == -ENFILE;
    vst_addr peer, local;
    struct fed *f = fd < 0 ? NULL : calloc(1, sizeof *f);
    vst_feed_args args = {.size = sizeof args, .peer = &peer, .local = &local, .data = f};

    (void)op;
    if (!(flags & IORING_CQE_F_MORE))
        is_accepting = 0;
    if (f != NULL && getpeername(fd, (struct sockaddr *)&there, &size) == 0 &&
        getsockname(fd, (struct sockaddr *)&here, &same) == 0) {
        *f = (struct fed){.receive.done = received, .send.done = sent, .fd = fd};
        to_addr(&peer, &there);
        to_addr(&local, &here);
        if (vst_conn_feed(engine, config, &args, &f->conn, NULL, 0) == VST_OK)
            f = NULL, fd = -1; /* it has both now */
    }
    free(f);
    if (fd >= 0)
        close(fd);
    if (!is_full)
        accept_on();
}

static void answer(const vst_fed_ask *ask)
{
    struct fed *f = ask->data;
    const struct linger now = {.l_onoff = 1};

    if (ask->asks & (VST_FED_CLOSE | VST_FED_RESET)) {
        if (ask->asks & VST_FED_RESET)
            setsockopt(f->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        if (f->is_receiving)
            cancel(&f->receive);
        if (f->is_sending)
            cancel(&f->send);
        f->is_closing = 1;
        close_fed(f);
        return;
    }
    if (ask->asks & VST_FED_SHUT_WRITE)
        shutdown(f->fd, SHUT_WR);
    f->wants = (ask->asks & VST_FED_RECEIVE) != 0;
    if (f->wants)
        hand_in(f);
    fed_on(f);
}

/* ---- sessions of either kind: as in whoami.c --------------------------------------------------------- */

struct session {
    size_t from, to;
    char bytes[BUFFER_BYTES];
};

static void echo(vst_id id, struct session *session)
{
    vst_status status;
    size_t n;

    do {
        while (session->from < session->to) {
            status = vst_conn_send(engine, id, session->bytes + session->from,
                                   session->to - session->from, &n);
            if (status == VST_WAIT)
                return;
            if (status != VST_OK) {
                vst_conn_abort(engine, id);
                return;
            }
            session->from += n;
        }
        status = vst_conn_recv(engine, id, session->bytes, sizeof session->bytes, &n);
        session->from = 0;
        session->to = n;
    } while (status == VST_OK);
    if (status != VST_WAIT)
        vst_conn_close(engine, id);
}

static void greet(vst_id id)
{
    struct session *session = calloc(1, sizeof *session);
    vst_addr source, destination;
    size_t len;

    if (session == NULL) {
        vst_conn_abort(engine, id);
        return;
    }
    vst_conn_set_user(engine, id, session);
    vst_conn_addrs(engine, id, &source, &destination);
    vst_addr_text(&source, session->bytes, 256, &len);
    session->bytes[len++] = ' ';
    session->to = len;
    vst_addr_text(&destination, session->bytes + len, 256, &len);
    session->to += len;
    session->bytes[session->to++] = '\n';
    echo(id, session);
}

static void on_event(void *data, vst_engine *same, const vst_event *event)
{
    (void)data;
    (void)same;
    if (event->kind == VST_EVENT_SESSION)
        greet(event->id);
    else if (event->kind == VST_EVENT_READABLE || event->kind == VST_EVENT_WRITABLE)
        echo(event->id, event->user);
    else if (event->kind == VST_EVENT_CLOSED)
        free(event->user);
}

/* ---- the program ---------------------------------------------------------------------------------- */

static void open_ring(void)
{
    struct io_uring_buf_reg shared = {.ring_entries = BUFFERS};
    int error = -io_uring_queue_init(ENTRIES, &ring, 0);

    buffers = aligned_alloc(4096, 4096);
    if (buffers == NULL)
        die("no memory");
    io_uring_buf_ring_init(buffers);
    shared.ring_addr = (uintptr_t)buffers;
    if (error == 0)
        error = -io_uring_register_buf_ring(&ring, &shared, 0);
    if (error != 0) {
        fprintf(stderr, "this kernel does not let us use io_uring: %s\n", strerror(error));
        exit(error == EPERM || error == ENOSYS || error == EINVAL ? NO_RING : 1);
    }
    for (int i = 0; i < BUFFERS; i++)
        give_buffer(i);
}

static void listen_for_fed(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, size) != 0 || listen(listener, 1024) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &size) != 0)
        die("listen: %s", strerror(errno));
    accepting.done = accepted;
    accept_on();
    printf("fed 127.0.0.1:%u\n", (unsigned)ntohs(at.sin_port));
}

static void turn(void)
{
    uint64_t now = now_ns(), left = wait.deadline_ns <= now ? 0 : wait.deadline_ns - now;
    struct __kernel_timespec most = {0};
    struct io_uring_cqe *cqe;
    vst_fed_ask ask = {.size = sizeof ask};

    if (!(wait.flags & VST_WAIT_RUNNABLE)) {
        most.tv_sec = (long long)(left / UINT64_C(1000000000)); /* VST_NEVER is six hundred years */
        most.tv_nsec = (long long)(left % UINT64_C(1000000000));
    }
    io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &most, NULL);
    for (int i = 0; i < COMPLETIONS && io_uring_peek_cqe(&ring, &cqe) == 0; i++) {
        struct op *op = io_uring_cqe_get_data(cqe);
        int res = cqe->res;
        uint32_t flags = cqe->flags;

        io_uring_cqe_seen(&ring, cqe);
        if (op != NULL)
            op->done(op, res, flags);
    }
    vst_engine_run(engine, now_ns(), &wait); /* also when nothing is due: that does no harm */
    while (vst_fed_next(engine, &ask) == VST_OK)
        answer(&ask);
    vst_engine_wait(engine, &wait);
}

int main(int argc, char **argv)
{
    const char *address = NULL;
    vst_engine_options options;
    vst_accept_options accept;
    struct host host = {0};
    char why[WHY], text[WHY];
    vst_addr at;
    size_t len;

    open_ring();
    vst_accept_options_init(&accept, sizeof accept);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--listen") == 0 && i + 1 < argc) {
            address = argv[++i];
        } else if (strcmp(argv[i], "--tls") == 0 && i + 2 < argc) {
            accept.tls = host_tls(argv[i + 1], argv[i + 2]);
            i += 2;
        } else {
            die("what is %s?", argv[i]);
        }
    }
    if (address == NULL)
        die("usage: uring --listen ADDR:PORT [--tls CERT KEY]");
    vst_engine_options_init(&options, sizeof options);
    options.event = on_event;
    options.interest = interest;
    if (vst_engine_new(&options, &engine, why, sizeof why) < 0 ||
        vst_accept_config_new(&accept, &config, why, sizeof why) < 0)
        die("%s", why);
    listen_for_fed();
    host.engine = engine;
    vst_listener_addr(engine, host_listen(&host, address, config, NULL), &at);
    vst_addr_text(&at, text, sizeof text, &len);
    printf("ready %.*s\n", (int)len, text);
    fflush(stdout);
    vst_engine_wait(engine, &wait);
    for (;;)
        turn();
}
