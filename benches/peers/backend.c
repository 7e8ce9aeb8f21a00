/* backend: the server behind the proxies that are compared. Its time is not counted.
 *
 *   backend PORTS
 *
 * Listens on as many ports of loopback, and prints "ready ADDR:PORT ADDR:PORT ...". A client says with its
 * first bytes what it will send and what it wants (request.h). */
#define _GNU_SOURCE
#include "address.h"
#include "request.h"

#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { PORTS_MOST = 64, POLLED = 64, CHUNK = 1 << 18 };

struct conn {
    int fd; /* of a listener, if it is one of `listeners` */
    bool is_answering;
    uint64_t got;  /* bytes of the running exchange */
    uint64_t left; /* of the answer */
    struct request request;
};

static struct conn listeners[PORTS_MOST];
static char memory[CHUNK], answer[CHUNK];
static int epoll;

static void watch(struct conn *conn, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = conn};

    must(epoll_ctl(epoll, EPOLL_CTL_ADD, conn->fd, &event), "epoll_ctl");
}

static void accept_all(const struct conn *listener)
{
    int fd;

    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct conn *conn = calloc(1, sizeof *conn);

        if (conn == NULL)
            die("out of memory");
        conn->fd = fd;
        send_at_once(fd);
        watch(conn, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        die("accept4: %s", strerror(errno));
}

static bool request_is_known(const struct conn *conn)
{
    return conn->got >= sizeof conn->request;
}

static void keep_request(struct conn *conn, size_t len)
{
    size_t missing = sizeof conn->request - (size_t)conn->got;

    memcpy((char *)&conn->request + conn->got, memory, len < missing ? len : missing);
}

/* Reads what there is. True if the answer is due; closes what has ended. */
static bool receive(struct conn *conn, bool *is_closed)
{
    for (;;) {
        bool discards = request_is_known(conn);
        ssize_t n = recv(conn->fd, memory, sizeof memory, discards ? MSG_TRUNC : 0);

        if (n < 0 && errno == EAGAIN)
            return false;
        if (n <= 0) {
            bool is_asked = n == 0 && conn->request.once && conn->got >= conn->request.up;

            *is_closed = !is_asked || conn->got == 0;
            return !*is_closed;
        }
        if (!discards)
            keep_request(conn, (size_t)n);
        conn->got += (uint64_t)n;
        if (request_is_known(conn) && conn->got >= conn->request.up && !conn->request.once)
            return true;
    }
}

/* True once all of the answer is sent. */
static bool reply(struct conn *conn, bool *is_closed)
{
    while (conn->left > 0) {
        ssize_t n = send(conn->fd, answer, conn->left < CHUNK ? (size_t)conn->left : CHUNK, MSG_NOSIGNAL);

        if (n < 0) {
            *is_closed = errno != EAGAIN;
            return false;
        }
        conn->left -= (uint64_t)n;
    }
    return true;
}

static void progress(struct conn *conn)
{
    bool is_closed = false;

    for (;;) {
        if (!conn->is_answering) {
            if (!receive(conn, &is_closed))
                break;
            conn->is_answering = true;
            conn->left = conn->request.down;
        }
        if (!reply(conn, &is_closed))
            break;
        is_closed = conn->request.once;
        if (is_closed)
            break;
        conn->is_answering = false;
        conn->got = 0;
    }
    if (is_closed) {
        close(conn->fd);
        free(conn);
    }
}

int main(int argc, char **argv)
{
    struct epoll_event polled[POLLED];
    int ports = argc == 2 ? atoi(argv[1]) : 0;

    if (ports < 1 || ports > PORTS_MOST)
        die("usage: backend PORTS, at most %d", PORTS_MOST);
    memset(answer, ANSWER_BYTE, sizeof answer);
    epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    printf("ready");
    for (struct conn *listener = listeners; listener < listeners + ports; listener++) {
        listener->fd = listen_on_loopback();
        watch(listener, EPOLLIN);
        printf(" 127.0.0.1:%u", port_of(listener->fd));
    }
    puts("");
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(epoll, polled, POLLED, -1);

        if (n < 0 && errno != EINTR)
            die("epoll_wait: %s", strerror(errno));
        for (int i = 0; i < n; i++) {
            struct conn *conn = polled[i].data.ptr;

            if (conn >= listeners && conn < listeners + ports)
                accept_all(conn);
            else
                progress(conn);
        }
    }
}
