/* One small server, an echo behind a PROXY header, under four hosts: level-triggered epoll,
 * edge-triggered epoll, poll, and select by way of fdset and fdclr. A thread with 200 connections sends
 * data of odd sizes, half-closes and resets; what comes back is the same under all. */
#include "check.h"

#define CONNECTIONS 200
#define LARGEST 100003

struct client {
    uint16_t port;
    unsigned echoed, reset;
    uint64_t bytes, sum;
};

/* A connection of the server: what it has read and not yet written. */
struct echo {
    unsigned char bytes[4096];
    size_t from, to;
    int ended;
};

static void pump(struct host *host, vst_id conn, struct echo *echo)
{
    for (;;) {
        size_t n;
        vst_status status;
        if (echo->from < echo->to) {
            status = vst_conn_send(host->engine, conn, echo->bytes + echo->from,
                                   echo->to - echo->from, &n);
            echo->from += n;
            /* It takes no more; what it sent before could still be read, and is not needed. */
            if (status < 0)
                vst_conn_abort(host->engine, conn);
        } else if (echo->ended) {
            vst_conn_close(host->engine, conn);
            return;
        } else {
            status = vst_conn_recv(host->engine, conn, echo->bytes, sizeof echo->bytes, &n);
            echo->from = 0;
            echo->to = n;
            echo->ended = status == VST_END;
            if (status == VST_END)
                continue;
        }
        if (status != VST_OK) {
            CHECK(status == VST_WAIT || status == VST_E_RESET || status == VST_E_FAILED);
            return;
        }
    }
}

static void on_event(struct host *host, const vst_event *event)
{
    void *user = event->user;
    vst_addr source, destination;
    switch (event->kind) {
    case VST_EVENT_SESSION:
        user = calloc(1, sizeof(struct echo));
        CHECK_EQ(vst_conn_set_user(host->engine, event->id, user), VST_OK);
        CHECK_EQ(vst_conn_addrs(host->engine, event->id, &source, &destination), VST_OK);
        CHECK(source.family == VST_ADDR_IPV4 && source.bytes[0] == 192 && source.port == 1000);
        pump(host, event->id, user);
        break;
    case VST_EVENT_READABLE:
    case VST_EVENT_WRITABLE:
        pump(host, event->id, user);
        break;
    case VST_EVENT_CLOSED:
        free(user);
        break;
    default:
        break;
    }
}

/* Sends `size` bytes while reading what comes back, then half-closes and reads to the end. */
static void converse(struct client *client, size_t size, unsigned seed)
{
    static unsigned char out[LARGEST], in[4096];
    size_t sent = 0, heard = 0;
    int fd = dial(client->port), half_closed = 0;
    say_text(fd, "PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n");
    for (size_t i = 0; i < size; i++)
        out[i] = (unsigned char)(i * 31 + seed);
    MUST(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    for (;;) {
        if (sent == size && !half_closed)
            half_closed = shutdown(fd, SHUT_WR) == 0;
        struct pollfd one = {.fd = fd, .events = (short)(POLLIN | (sent < size ? POLLOUT : 0))};
        MUST(poll(&one, 1, (int)(PATIENCE_NS / 1000000)) == 1);
        if (sent < size && one.revents & POLLOUT) {
            size_t piece = size - sent < 1 + seed * 37u % 5000 ? size - sent : 1 + seed * 37u % 5000;
            ssize_t n = send(fd, out + sent, piece, MSG_NOSIGNAL);
            sent += n > 0 ? (size_t)n : 0;
        }
        ssize_t n = hear(fd, in, sizeof in);
        if (n == 0)
            break;
        MUST(n > 0 || errno == EAGAIN);
        for (ssize_t i = 0; i < n; i++) {
            MUST(heard < size && in[i] == out[heard]);
            client->sum = client->sum * 31 + in[i];
            heard++;
        }
    }
    MUST(heard == size);
    client->bytes += heard;
    client->echoed++;
    close(fd);
}

static void *run_client(void *given)
{
    struct client *client = given;
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        size_t size = i % 20 == 19 ? LARGEST : (size_t)i * i % 7919;
        if (i % 10 != 7) {
            converse(client, size, i);
            continue;
        }
        int fd = dial(client->port);
        say_text(fd, "PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\nlost");
        reset_on_close(fd);
        close(fd);
        client->reset++;
    }
    return NULL;
}

static struct client serve(enum host_kind kind)
{
    struct host host;
    struct client client = {0};
    vst_engine_counters counters = {.size = sizeof counters};
    pthread_t thread;
    host_new(&host, kind);
    host.patience_ends += 4 * PATIENCE_NS;
    host.hook = on_event;
    listener(&host, "127.0.0.1", &client.port);
    MUST(pthread_create(&thread, NULL, run_client, &client) == 0);
    /* A connection that is reset at once may never have been a session. */
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] + host.reported[VST_EVENT_REFUSED] == CONNECTIONS);
    MUST(pthread_join(thread, NULL) == 0);
    CHECK_EQ(vst_engine_get_counters(host.engine, &counters), VST_OK);
    CHECK_EQ(counters.accepted_total, CONNECTIONS);
    CHECK_EQ(counters.buffers_in_use, 0);
    CHECK_EQ(host.wait.conns, 0);
    CHECK_EQ(host.reported[VST_EVENT_SESSION], host.reported[VST_EVENT_CLOSED]);
    host_free(&host);
    return client;
}

int main(void)
{
    struct client due = serve(HOST_EPOLL);
    CHECK_EQ(due.echoed, CONNECTIONS - CONNECTIONS / 10);
    CHECK_EQ(due.reset, CONNECTIONS / 10);
    for (enum host_kind kind = HOST_EDGE; kind <= HOST_SELECT; kind++) {
        struct client is = serve(kind);
        CHECK_EQ(is.echoed, due.echoed);
        CHECK_EQ(is.reset, due.reset);
        CHECK_EQ(is.bytes, due.bytes);
        CHECK(is.sum == due.sum);
    }
    return verdict();
}
