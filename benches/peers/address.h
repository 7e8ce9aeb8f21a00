/* Addresses of IPv4 as ADDR:PORT, and listeners on loopback. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include "failure.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum { BACKLOG = 4096 };

static inline struct sockaddr_in address_of(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *colon = strchr(text, ':');
    char host[INET_ADDRSTRLEN];

    if (colon == NULL || (size_t)(colon - text) >= sizeof host)
        die("not ADDR:PORT: %s", text);
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        die("not an address of IPv4: %s", host);
    address.sin_port = htons((uint16_t)atoi(colon + 1));
    return address;
}

static inline unsigned port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;

    must(getsockname(fd, (struct sockaddr *)&address, &len), "getsockname");
    return ntohs(address.sin_port);
}

/* A listener on a port of 127.0.0.1 that the kernel chooses. */
static inline int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");

    must(bind(fd, (struct sockaddr *)&address, sizeof address), "bind");
    must(listen(fd, BACKLOG), "listen");
    return fd;
}

static inline void send_at_once(int fd)
{
    int on = 1;

    must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

#endif
