/* A host over io_uring that moves the bytes itself: its connections are *fed*. See server.h.
 *
 * This program accepts, receives into buffers that it shares with the kernel, and sends, all by the ring. The
 * library gets the bytes, and everything above them is as in the other hosts: TLS, sessions, events.
 *
 * What the connections ask is pulled (vst_fed_next), once all completions of a turn are handled: so nothing
 * that a completion is about goes away while it is handled.
 *
 * Listens on IPv4. Exits with 77 where the kernel has no io_uring for this program, or too old a one. */
#define _GNU_SOURCE
#include "ring.h"
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BUFFERS = 64, /* that the kernel receives into; a power of two */
    BUFFER_BYTES = 16384,
    PAGE = 4096,
    BACKLOG = 1024,
};

/* What the ring does for us. A pointer to it is the user data of the request. */
struct op {
    void (*done)(struct op *op, int res, uint32_t flags);
};

static struct io_uring_buf_ring *buffers;
static char buffer[BUFFERS][BUFFER_BYTES];
static vst_engine *engine;
static vst_wait wait = {.size = sizeof wait};

/* ---- connections ------------------------------------------------------------------------------------ */

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
static int listener, is_accepting; /* listener is -1 once no more are accepted */

static void accept_on(void)
{
    struct io_uring_sqe *sqe;

    if (is_accepting || listener < 0)
        return;
    sqe = ring_request();
    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data(sqe, &accepting);
    is_accepting = 1;
}

static void stop_accepting(void)
{
    if (listener < 0)
        return;
    if (is_accepting)
        ring_cancel(&accepting); /* else the request keeps the listener open */
    close(listener);
    listener = -1;
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
        sqe = ring_request();
        io_uring_prep_recv_multishot(sqe, f->fd, NULL, 0, 0);
        io_uring_sqe_set_data(sqe, &f->receive);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = 0;
        f->is_receiving = 1;
        f->is_cancelling = 0;
    } else if (!f->wants && f->is_receiving && !f->is_cancelling) {
        ring_cancel(&f->receive);
        f->is_cancelling = 1;
    }
    if (!f->is_sending && vst_fed_copy_unsent(engine, f->conn, 0, f->out, sizeof f->out, &n) == VST_OK &&
        n > 0) {
        sqe = ring_request();
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
            ring_cancel(&f->receive);
        if (f->is_sending)
            ring_cancel(&f->send);
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

/* ---- the program ---------------------------------------------------------------------------------- */

static void share_buffers(void)
{
    struct io_uring_buf_reg shared = {.ring_entries = BUFFERS};
    int error;

    buffers = aligned_alloc(PAGE, PAGE);
    if (buffers == NULL)
        die("no memory");
    io_uring_buf_ring_init(buffers);
    shared.ring_addr = (uintptr_t)buffers;
    error = -io_uring_register_buf_ring(&ring, &shared, 0);
    if (error != 0)
        ring_refused(error);
    for (int i = 0; i < BUFFERS; i++)
        give_buffer(i);
}

static void listen_on(const char *address)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    vst_addr addr;
    const int on = 1;

    if (vst_addr_parse(address, &addr, NULL, 0) < 0 || addr.family != VST_ADDR_IPV4)
        die("not an address of IPv4 with a port: %s", address);
    memcpy(&at.sin_addr, addr.bytes, sizeof at.sin_addr);
    at.sin_port = htons(addr.port);
    accepting.done = accepted;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listener, (struct sockaddr *)&at, size) != 0 || listen(listener, BACKLOG) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &size) != 0)
        die("listen on %s: %s", address, strerror(errno));
    printf("ready %s:%u\n", inet_ntoa(at.sin_addr), (unsigned)ntohs(at.sin_port));
    fflush(stdout);
    accept_on();
}

static struct op waking;
static vst_id wakers;

static void woken(struct op *op, int res, uint32_t flags)
{
    (void)op, (void)flags;
    if (res > 0)
        vst_engine_ready(engine, wakers, VST_IO_IN, 0, &wait);
}

/* The one descriptor of the engine is that of its wakers. */
static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask, void *user)
{
    struct io_uring_sqe *sqe;

    (void)data, (void)old_mask, (void)user;
    if (new_mask & VST_IO_IN) {
        sqe = ring_request();
        io_uring_prep_poll_multishot(sqe, fd, POLLIN);
        io_uring_sqe_set_data(sqe, &waking);
        wakers = token;
    }
    return 0;
}

static void on_event(void *data, vst_engine *same, const vst_event *event)
{
    if (event->kind == VST_EVENT_WOKEN) /* by SIGTERM */
        stop_accepting();
    server_event(data, same, event);
}

static void completed(void *about, int res, uint32_t flags)
{
    struct op *op = about;

    op->done(op, res, flags);
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv, NULL);
    vst_fed_ask ask = {.size = sizeof ask};

    ring_open();
    share_buffers();
    waking.done = woken;
    options.interest = interest;
    options.event = on_event;
    engine = server_engine(&options);
    config = server_config();
    server_drain_on_sigterm(engine);
    listen_on(server_address());
    vst_engine_wait(engine, &wait);
    while (server_goes_on()) {
        ring_wait(&wait, completed);
        vst_engine_run(engine, 0, &wait); /* also when nothing is due: that does no harm */
        while (vst_fed_next(engine, &ask) == VST_OK)
            answer(&ask);
        vst_engine_wait(engine, &wait);
    }
    vst_engine_free(engine);
    vst_accept_config_free(config);
    io_uring_queue_exit(&ring);
    free(buffers);
    return 0;
}
