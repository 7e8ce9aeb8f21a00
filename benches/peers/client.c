/* See client.h. */
#define _GNU_SOURCE
#include "client.h"

#include "address.h"
#include "request.h"

#include <sys/epoll.h>

/* The sources are 127.0.0.2 and on. */
enum { FIRST_SOURCE = 2, CHUNK = 1 << 18 };

/* Announced sources: 10.0.0.0 and on, so that a table of clients has so many entries. */
enum { ANNOUNCED = 1024, ANNOUNCED_NET = 10 << 24, ANNOUNCED_PORT = 40000, PROXY_V2_IPV4 = 28 };

/* What an exchange sends first: the PROXY header, and the request with bytes up to the smallest exchange. */
enum { SMALL = 64, OPENING_MOST = PROXY_V2_IPV4 + SMALL };

static char memory[CHUNK];
static const char filling[CHUNK];

/* PROXY protocol, 2.2: signature, version and command, family, length, source, destination, ports. */
static size_t write_proxy(unsigned char *at)
{
    static const unsigned char begin[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
    static uint32_t count;
    uint32_t source = htonl(ANNOUNCED_NET + count++ % ANNOUNCED), destination = htonl(INADDR_LOOPBACK);
    uint16_t ports[] = {htons(ANNOUNCED_PORT), htons(ANNOUNCED_PORT)};
    size_t len = sizeof begin - 1;

    memcpy(at, begin, len);
    memcpy(at + len, &source, sizeof source);
    memcpy(at + len + sizeof source, &destination, sizeof destination);
    memcpy(at + len + sizeof source + sizeof destination, ports, sizeof ports);
    return PROXY_V2_IPV4;
}

static size_t write_opening(const struct job *job, unsigned char *at)
{
    struct request request = {.up = job->up, .down = job->down, .once = job->once};
    size_t len = job->proxy ? write_proxy(at) : 0;
    size_t small = job->up < SMALL ? (size_t)job->up : SMALL;

    memset(at + len, 0, small);
    memcpy(at + len, &request, sizeof request);
    return len + small;
}

/* True once it has gone. All of it fits into the buffer of a socket that is empty. */
static bool send_opening(struct client *client, struct job *job)
{
    unsigned char bytes[OPENING_MOST];
    size_t len = write_opening(job, bytes);
    long n = link_send(&client->link, bytes, len);

    if (n == LINK_WAIT)
        return false;
    if ((size_t)n != len)
        die("the first bytes of an exchange went in parts");
    client->left = job->up - (len - (job->proxy ? PROXY_V2_IPV4 : 0));
    return true;
}

static void open_socket(struct client *client, const struct job *job)
{
    static unsigned count;
    struct sockaddr_in source = {.sin_family = AF_INET};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = client};
    int fd = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"), on = 1;

    client->link = (struct link){.fd = fd};
    send_at_once(fd);
    source.sin_addr.s_addr = htonl((INADDR_LOOPBACK & IN_CLASSA_NET) + FIRST_SOURCE + count++ % job->sources);
    /* The port is chosen by connect, which knows the destination too. */
    must(setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on), "IP_BIND_ADDRESS_NO_PORT");
    must(bind(fd, (struct sockaddr *)&source, sizeof source), "bind");
    if (connect(fd, (const struct sockaddr *)&job->target, sizeof job->target) < 0 && errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    must(epoll_ctl(job->epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    client->state = CONNECTING;
}

/* Takes an exchange of the job. False if nothing can be done before its socket is ready, or none is left. */
static bool take(struct client *client, struct job *job)
{
    client->state = IDLE;
    if (job->left == 0)
        return false;
    job->left--;
    job->busy++;
    if (client->link.fd < 0) {
        open_socket(client, job);
        return false;
    }
    client->state = OPENING;
    return true;
}

static bool connected(struct client *client, const struct job *job)
{
    int error = 0;
    socklen_t len = sizeof error;

    must(getsockopt(client->link.fd, SOL_SOCKET, SO_ERROR, &error, &len), "SO_ERROR");
    if (error != 0)
        die("connect: %s", strerror(error));
    if (job->tls != NULL)
        link_tls(&client->link, job->tls);
    client->state = job->tls != NULL ? HANDSHAKE : OPENING;
    return true;
}

static size_t part(const struct client *client)
{
    return client->left < CHUNK ? (size_t)client->left : CHUNK;
}

/* The answer cannot come before this is done, so its readiness is still to be told then. */
static bool send_rest(struct client *client, const struct job *job)
{
    while (client->left > 0) {
        long n = link_send(&client->link, filling, part(client));

        if (n == LINK_WAIT)
            return false;
        client->left -= (uint64_t)n;
    }
    if (job->once)
        link_shut(&client->link);
    client->left = job->down;
    client->state = RECEIVING;
    return false;
}

static bool receive(struct client *client, const struct job *job)
{
    while (client->left > 0) {
        bool is_last = client->left <= sizeof memory;
        long n = (is_last ? link_receive : link_discard)(&client->link, memory, part(client));

        if (n == LINK_WAIT)
            return false;
        if (n == LINK_END)
            die("the end, %llu bytes before that of the answer", (unsigned long long)client->left);
        if (is_last && (memory[0] != ANSWER_BYTE || memory[n - 1] != ANSWER_BYTE))
            die("the answer has other bytes");
        client->left -= (uint64_t)n;
    }
    client->state = job->once ? ENDING : IDLE;
    return true;
}

static bool end(struct client *client)
{
    long n = link_receive(&client->link, memory, sizeof memory);

    if (n == LINK_WAIT)
        return false;
    if (n != LINK_END)
        die("bytes behind the answer");
    link_close(&client->link);
    client->state = IDLE;
    return true;
}

static bool step(struct client *client, struct job *job)
{
    switch (client->state) {
    case CONNECTING:
        return connected(client, job);
    case HANDSHAKE:
        if (!link_handshake(&client->link))
            return false;
        client->state = OPENING;
        return true;
    case OPENING:
        if (!send_opening(client, job))
            return false;
        client->state = SENDING;
        return true;
    case SENDING:
        return send_rest(client, job);
    case RECEIVING:
        return receive(client, job);
    case ENDING:
        return end(client);
    case IDLE:
        break;
    }
    return false;
}

void client_begin(struct client *client, struct job *job)
{
    if (take(client, job))
        client_progress(client, job);
}

void client_progress(struct client *client, struct job *job)
{
    while (client->state != IDLE && step(client, job))
        if (client->state == IDLE) {
            job->busy--;
            if (!take(client, job))
                return;
        }
}
