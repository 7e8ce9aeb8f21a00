/* The listeners of proxy: one in each thread. See threads.h.
 *
 * Either each has a socket of its own on the same port (SO_REUSEPORT), and the kernel chooses one for each client
 * by a hash of the addresses; or all accept from one socket, and who is free takes the next client. */
#define _GNU_SOURCE
#include "proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static int failed(const char *address)
{
    die("listen on %s: %s", address, strerror(errno));
}

/* ---- one socket for all --------------------------------------------------------------------- */

static socklen_t socket_address(const char *text, struct sockaddr_storage *to)
{
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
    struct sockaddr_in *v4 = (struct sockaddr_in *)to;
    struct sockaddr_un *path = (struct sockaddr_un *)to;
    char why[WHY];
    vst_addr from;

    if (vst_addr_parse(text, &from, why, sizeof why) < 0)
        die("listen on %s: %s", text, why);
    memset(to, 0, sizeof *to);
    switch (from.family) {
    case VST_ADDR_IPV4:
        v4->sin_family = AF_INET;
        v4->sin_port = htons(from.port);
        memcpy(&v4->sin_addr, from.bytes, sizeof v4->sin_addr);
        return sizeof *v4;
    case VST_ADDR_IPV6:
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(from.port);
        v6->sin6_scope_id = from.scope;
        memcpy(&v6->sin6_addr, from.bytes, sizeof v6->sin6_addr);
        return sizeof *v6;
    default:
        path->sun_family = AF_UNIX;
        memcpy(path->sun_path, from.bytes, from.len);
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + from.len);
    }
}

static int listening_socket(const char *address)
{
    struct sockaddr_storage at;
    socklen_t len = socket_address(address, &at);
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        failed(address);
    if (at.ss_family == AF_UNIX)
        unlink(((struct sockaddr_un *)&at)->sun_path); /* of an earlier run: nobody removes it at the end */
    else if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
             setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) /* accepted sockets inherit it */
        failed(address);
    if (bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, BACKLOG) < 0)
        failed(address);
    return fd;
}

/* Every thread gets a descriptor of its own for the socket, which its library closes. */
static vst_id take_part(struct proxy *proxy, int shared, const vst_accept_config *config)
{
    int fd = fcntl(shared, F_DUPFD_CLOEXEC, 0);
    vst_id listener;
    char why[WHY];

    if (fd < 0)
        failed(proxy->args.listen);
    proxy->host.shared_listener = fd;
    if (vst_listener_adopt(proxy->host.engine, fd, config, NULL, &listener, NULL, why, sizeof why) < 0)
        die("listen on %s: %s", proxy->args.listen, why);
    return listener;
}

/* ---- a socket for each ---------------------------------------------------------------------- */

/* The first finds the port out, where the kernel chooses it. */
static vst_id listen_beside(struct proxy *proxy, const char *address, const vst_accept_config *config)
{
    vst_listener_options options = {.size = sizeof options};

    if (proxy->args.thread_count > 1)
        options.flags = VST_LISTENER_REUSEPORT;
    return host_listen_as(&proxy->host, address, config, &options);
}

/* ---- either --------------------------------------------------------------------------------- */

vst_id threads_listen(struct proxy *proxies, const vst_accept_config *config)
{
    const struct arguments *args = &proxies->args;
    int is_unix = strncmp(args->listen, "unix:", 5) == 0; /* of which no two can be at one path */
    int shared = args->thread_count > 1 && (is_unix || args->one_socket) ? listening_socket(args->listen) : -1;
    char address[ADDRESS_TEXT];
    vst_id listener, first = 0;
    vst_addr addr;

    snprintf(address, sizeof address, "%s", args->listen);
    for (unsigned i = 0; i < args->thread_count; i++) {
        struct proxy *proxy = &proxies[i];

        listener = shared >= 0 ? take_part(proxy, shared, config) : listen_beside(proxy, address, config);
        vst_listener_set_name(proxy->host.engine, listener, args->listen);
        if (i == 0) {
            first = listener;
            vst_listener_addr(proxy->host.engine, listener, &addr);
            text_of(&addr, address, sizeof address);
        }
    }
    if (shared >= 0)
        close(shared);
    return first;
}
