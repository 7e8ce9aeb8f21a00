/* bufferevent: a proxy over libevent's bufferevents, as a program would be written that embeds them.
 *
 *   bufferevent --backend ADDR:PORT [--backend ...] [--tls CERT KEY]
 *
 * Listens on a port of loopback, prints "ready ADDR:PORT", and joins each client with the next backend. An end
 * is passed on behind the bytes before it; the other direction goes on. A side that takes nothing holds up the
 * other one at HIGH_WATER bytes. */
#define _GNU_SOURCE
#include "address.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <getopt.h>
#include <openssl/ssl.h>
#include <stdbool.h>

enum { BACKENDS_MOST = 64, HIGH_WATER = 1 << 16, IDLE_S = 30 };

struct stream;

/* One of the two connections of a stream. */
struct side {
    struct bufferevent *bufferevent; /* NULL until it is needed */
    struct side *other;
    struct stream *stream;
    bool is_open; /* the connection is established, and TLS where it has it */
    bool has_end; /* nothing more will come */
    bool is_shut; /* nothing more will be sent */
};

struct stream {
    struct side client, server;
};

static struct event_base *base;
static SSL_CTX *tls;
static struct sockaddr_in backends[BACKENDS_MOST];
static unsigned backend_count;
static const struct timeval *idle;

static void close_stream(struct stream *stream)
{
    bufferevent_free(stream->client.bufferevent);
    if (stream->server.bufferevent != NULL)
        bufferevent_free(stream->server.bufferevent);
    free(stream);
}

static size_t unsent(const struct side *side)
{
    return evbuffer_get_length(bufferevent_get_output(side->bufferevent));
}

/* Passes the other side's end on, once all bytes before it have gone. */
static void pass_end(struct side *side)
{
    SSL *ssl = bufferevent_openssl_get_ssl(side->bufferevent);

    if (!side->other->has_end || !side->is_open || side->is_shut || unsent(side) > 0)
        return;
    side->is_shut = true;
    if (ssl != NULL)
        SSL_shutdown(ssl);
    shutdown(bufferevent_getfd(side->bufferevent), SHUT_WR);
    if (side->other->is_shut)
        close_stream(side->stream);
}

static void on_bytes(struct bufferevent *bufferevent, void *arg)
{
    struct side *side = arg, *other = side->other;

    if (other->bufferevent == NULL)
        return;
    bufferevent_write_buffer(other->bufferevent, bufferevent_get_input(bufferevent));
    if (unsent(other) >= HIGH_WATER)
        bufferevent_disable(bufferevent, EV_READ);
}

/* All that was to be sent has gone. */
static void on_drained(struct bufferevent *bufferevent, void *arg)
{
    struct side *side = arg;

    (void)bufferevent;
    if (!side->other->has_end)
        bufferevent_enable(side->other->bufferevent, EV_READ);
    pass_end(side);
}

static void begin(struct side *side);

static void on_event(struct bufferevent *bufferevent, short what, void *arg)
{
    struct side *side = arg, *client = &side->stream->client;

    if (what & BEV_EVENT_CONNECTED) {
        side->is_open = true;
        if (side == client)
            begin(side->other);
        else
            pass_end(side);
    } else if ((what & BEV_EVENT_EOF) && side->other->bufferevent != NULL) {
        on_bytes(bufferevent, arg);
        side->has_end = true;
        pass_end(side->other);
    } else {
        close_stream(side->stream);
    }
}

static void use(struct side *side, struct bufferevent *bufferevent)
{
    if (bufferevent == NULL)
        die("a bufferevent cannot be made");
    side->bufferevent = bufferevent;
    bufferevent_setcb(bufferevent, on_bytes, on_drained, on_event, side);
    bufferevent_setwatermark(bufferevent, EV_READ, 0, HIGH_WATER);
    bufferevent_set_max_single_read(bufferevent, HIGH_WATER);
    bufferevent_set_max_single_write(bufferevent, HIGH_WATER);
    bufferevent_set_timeouts(bufferevent, idle, idle);
    bufferevent_enable(bufferevent, EV_READ | EV_WRITE);
}

/* The connection to the next backend. */
static void begin(struct side *side)
{
    static unsigned next;
    const struct sockaddr_in *backend = &backends[next++ % backend_count];

    use(side, bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE));
    if (bufferevent_socket_connect(side->bufferevent, (const struct sockaddr *)backend, sizeof *backend) == 0)
        send_at_once(bufferevent_getfd(side->bufferevent));
}

static void on_client(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int len,
                      void *arg)
{
    struct stream *stream = calloc(1, sizeof *stream);
    struct side *client;

    (void)listener, (void)address, (void)len, (void)arg;
    if (stream == NULL)
        die("out of memory");
    client = &stream->client;
    *client = (struct side){.other = &stream->server, .stream = stream};
    stream->server = (struct side){.other = client, .stream = stream};
    send_at_once(fd);
    if (tls != NULL) {
        use(client, bufferevent_openssl_socket_new(base, fd, SSL_new(tls), BUFFEREVENT_SSL_ACCEPTING,
                                                   BEV_OPT_CLOSE_ON_FREE));
        bufferevent_openssl_set_allow_dirty_shutdown(client->bufferevent, 1);
    } else {
        use(client, bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE));
        client->is_open = true;
        begin(&stream->server);
    }
}

static SSL_CTX *read_tls(const char *certificate, const char *key)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (context == NULL || SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        die("%s and %s cannot be used", certificate, key);
    return context;
}

static void parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"backend", required_argument, NULL, 'b'},
        {"tls", required_argument, NULL, 't'},
        {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) >= 0)
        if (option == 'b' && backend_count < BACKENDS_MOST)
            backends[backend_count++] = address_of(optarg);
        else if (option == 't' && optind < argc)
            tls = read_tls(optarg, argv[optind++]);
        else
            die("the head of bufferevent.c says what can be given");
    if (backend_count == 0)
        die("a backend is to be given");
}

int main(int argc, char **argv)
{
    struct event_config *config = event_config_new();
    struct timeval seconds = {.tv_sec = IDLE_S};
    int fd = listen_on_loopback();

    parse(argc, argv);
    if (config == NULL || event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) != 0)
        die("libevent cannot be configured");
    base = event_base_new_with_config(config);
    if (base == NULL)
        die("libevent does not start");
    event_config_free(config);
    /* One queue for all: a heap would be asked at every byte. */
    idle = event_base_init_common_timeout(base, &seconds);
    if (evconnlistener_new(base, on_client, NULL, LEV_OPT_CLOSE_ON_FREE, 0, fd) == NULL)
        die("libevent does not listen");
    printf("ready 127.0.0.1:%u\n", port_of(fd));
    fflush(stdout);
    return event_base_dispatch(base) < 0;
}
