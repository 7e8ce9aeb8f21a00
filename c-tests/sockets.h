/* Sockets of a test, on the loopback. */
#ifndef VST_SOCKETS_H
#define VST_SOCKETS_H

#include "checks.h"

static inline int wait_for(int fd, short events)
{
    struct pollfd one = {.fd = fd, .events = events};
    return poll(&one, 1, (int)(PATIENCE_NS / 1000000)) == 1;
}

/* A listening socket of the test, on a port that the kernel chose. */
static inline int listening(uint16_t *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t len = sizeof name;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(fd >= 0 && bind(fd, (struct sockaddr *)&name, len) == 0 && listen(fd, 64) == 0);
    MUST(getsockname(fd, (struct sockaddr *)&name, &len) == 0);
    *port = ntohs(name.sin_port);
    return fd;
}

/* A blocking socket connected to the loopback. */
static inline int dial(uint16_t port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof name) == 0);
    return fd;
}

static inline void say(int fd, const void *bytes, size_t len)
{
    MUST(send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len);
}

static inline void say_text(int fd, const char *text)
{
    say(fd, text, strlen(text));
}

/* The next close of this socket is a reset. */
static inline void reset_on_close(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
}

/* Reads what has arrived without waiting: bytes, 0 for the end, -1 for nothing or an error. */
static inline ssize_t hear(int fd, void *to, size_t size)
{
    return recv(fd, to, size, MSG_DONTWAIT);
}

#endif
