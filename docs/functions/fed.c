// Fed connections: the host moves their bytes, here over non-blocking sockets of its own, and calls
// these functions when its poller finds one ready. What is asked is pulled after that, so that
// nothing is closed and freed while one of them runs.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vestibule.h>

/* What the host has below one connection. */
struct below {
    vst_id conn;
    int fd;
    uint64_t room; /* how many bytes the connection takes now */
};

/* A non-blocking socket that connects to this address, or -1 and errno. */
int begin_to_connect(const vst_addr *to);

// Example of vst_conn_feed.
struct below *feed(vst_engine *engine, const vst_accept_config *config, int fd,
                   const vst_addr *peer)
{
    struct below *below = calloc(1, sizeof *below);
    vst_feed_args args = {.size = sizeof args, .peer = peer, .data = below};
    char why[256];

    if (below == NULL)
        return NULL;
    below->fd = fd;
    if (vst_conn_feed(engine, config, &args, &below->conn, why, sizeof why) < 0) {
        fprintf(stderr, "a connection cannot be fed: %s\n", why);
        free(below);
        return NULL;
    }
    return below; /* VST_EVENT_SESSION follows, or VST_EVENT_CLOSED */
}

// Example of vst_fed_set_data.
static void open_below(vst_engine *engine, const vst_fed_ask *ask)
{
    struct below *below = calloc(1, sizeof *below);

    if (below == NULL) {
        vst_fed_failed(engine, ask->conn, ENOMEM);
        return;
    }
    below->conn = ask->conn;
    below->fd = begin_to_connect(&ask->to);
    if (below->fd < 0) {
        vst_fed_failed(engine, ask->conn, errno);
        free(below);
        return;
    }
    vst_fed_set_data(engine, ask->conn, below); /* every later ask comes with it */
}

// Example of vst_fed_opened, vst_fed_failed.
void connected(vst_engine *engine, struct below *below)
{
    int error = 0;
    socklen_t size = sizeof error;

    getsockopt(below->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) {
        vst_fed_opened(engine, below->conn, NULL);
    } else {
        vst_fed_failed(engine, below->conn, error); /* the last report about it */
        close(below->fd);
        free(below);
    }
}

// Example of vst_fed_copy_unsent, vst_fed_sent.
void send_unsent(vst_engine *engine, struct below *below)
{
    char bytes[16384];
    size_t waiting;

    while (vst_fed_copy_unsent(engine, below->conn, 0, bytes, sizeof bytes, &waiting) == VST_OK &&
           waiting > 0) {
        ssize_t taken = send(below->fd, bytes, waiting, MSG_NOSIGNAL);

        if (taken < 0) {
            if (errno != EAGAIN)
                vst_fed_hung_up(engine, below->conn, errno);
            return; /* the bytes stay in the connection: again when the socket is writable */
        }
        vst_fed_sent(engine, below->conn, (size_t)taken);
    }
}

// Example of vst_fed_received, vst_fed_ended.
void receive(vst_engine *engine, struct below *below)
{
    char bytes[16384];
    size_t most = below->room < sizeof bytes ? (size_t)below->room : sizeof bytes, taken;
    ssize_t got;

    if (most == 0)
        return; /* until VST_FED_RECEIVE is asked */
    got = recv(below->fd, bytes, most, 0);
    if (got > 0) {
        below->room -= (uint64_t)got;
        /* All of them are taken, since there are no more than room said. */
        vst_fed_received(engine, below->conn, bytes, (size_t)got, &taken);
    } else if (got == 0) {
        vst_fed_ended(engine, below->conn);
    } else if (errno != EAGAIN) {
        vst_fed_hung_up(engine, below->conn, errno);
    }
}

// Example of vst_fed_hung_up.
void report_failure(vst_engine *engine, struct below *below)
{
    int error = 0;
    socklen_t size = sizeof error;

    /* For POLLERR, also while nothing is to be read: a stream that waits learns of it only so. */
    getsockopt(below->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
        vst_fed_hung_up(engine, below->conn, error);
}

// Example of vst_fed_closed.
static void close_below(vst_engine *engine, struct below *below, uint32_t asks)
{
    const struct linger at_once = {.l_onoff = 1};

    if (asks & VST_FED_RESET)
        setsockopt(below->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(below->fd);
    vst_fed_closed(engine, below->conn); /* the last report about it */
    free(below);
}

// Example of vst_fed_next.
void do_what_is_asked(vst_engine *engine)
{
    vst_fed_ask ask = {.size = sizeof ask};

    while (vst_fed_next(engine, &ask) == VST_OK) {
        struct below *below = ask.data;

        if (ask.asks & VST_FED_OPEN) {
            open_below(engine, &ask);
        } else if (ask.asks & (VST_FED_CLOSE | VST_FED_RESET)) {
            close_below(engine, below, ask.asks);
        } else {
            below->room = ask.asks & VST_FED_RECEIVE ? ask.room : 0;
            if (ask.asks & VST_FED_SEND)
                send_unsent(engine, below);
            if (ask.asks & VST_FED_SHUT_WRITE)
                shutdown(below->fd, SHUT_WR);
        }
    }
}
