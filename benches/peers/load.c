/* load: the clients of the proxies that are compared. Their time is not counted.
 *
 *   load ADDR:PORT --clients K --up BYTES --down BYTES [--once] [--proxy] [--tls] [--sources N]
 *
 * K clients make exchanges with a backend (backend.c) behind ADDR:PORT, one after the other: they send as many
 * bytes, and wait for as many. They keep their connections, unless with --once each exchange has its own: the
 * client shuts its write side behind its bytes, the answer comes behind that end, and then the end. With
 * --proxy a connection begins with a PROXY header, with --tls with a full handshake of TLS 1.3.
 *
 * Each line of standard input is a number: so many exchanges are made, and "done" is printed. Nothing is under
 * way then. It ends with its input. Anything unexpected ends it with status 1. */
#define _GNU_SOURCE
#include "address.h"
#include "client.h"
#include "request.h"

#include <getopt.h>
#include <sys/epoll.h>

enum { POLLED = 64 };

static unsigned long long number(const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    if (end == text || *end != '\0')
        die("not a number: %s", text);
    return value;
}

static void parse(int argc, char **argv, struct job *job, size_t *clients)
{
    static const struct option known[] = {
        {"clients", required_argument, NULL, 'c'},
        {"up", required_argument, NULL, 'u'},
        {"down", required_argument, NULL, 'd'},
        {"sources", required_argument, NULL, 's'},
        {"once", no_argument, NULL, 'o'},
        {"proxy", no_argument, NULL, 'p'},
        {"tls", no_argument, NULL, 't'},
        {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) >= 0)
        switch (option) {
        case 'c': *clients = (size_t)number(optarg); break;
        case 'u': job->up = number(optarg); break;
        case 'd': job->down = number(optarg); break;
        case 's': job->sources = (unsigned)number(optarg); break;
        case 'o': job->once = true; break;
        case 'p': job->proxy = true; break;
        case 't': job->tls = link_context(); break;
        default: exit(2);
        }
    if (optind != argc - 1)
        die("where to is to be given, as ADDR:PORT");
    job->target = address_of(argv[optind]);
}

static void check(const struct job *job, size_t clients)
{
    if (clients == 0 || job->sources == 0 || job->up < REQUEST_BYTES || job->down == 0)
        die("there must be clients, sources, an answer, and %d bytes for a request", REQUEST_BYTES);
    if (job->proxy && (job->tls != NULL || !job->once))
        die("--proxy goes with --once and without --tls");
}

static void run(struct job *job, struct client *clients, size_t count, uint64_t exchanges)
{
    struct epoll_event polled[POLLED];

    job->left = exchanges;
    for (size_t i = 0; i < count; i++)
        client_begin(&clients[i], job);
    while (job->busy > 0) {
        int n = epoll_wait(job->epoll, polled, POLLED, -1);

        if (n < 0 && errno != EINTR)
            die("epoll_wait: %s", strerror(errno));
        for (int i = 0; i < n; i++)
            client_progress(polled[i].data.ptr, job);
    }
}

int main(int argc, char **argv)
{
    struct job job = {.sources = 1};
    unsigned long long exchanges;
    size_t count = 0;
    struct client *clients;

    parse(argc, argv, &job, &count);
    check(&job, count);
    clients = calloc(count, sizeof *clients);
    if (clients == NULL)
        die("out of memory");
    for (size_t i = 0; i < count; i++)
        clients[i].link.fd = -1;
    job.epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    while (scanf("%llu", &exchanges) == 1) {
        run(&job, clients, count, exchanges);
        puts("done");
        fflush(stdout);
    }
    return 0;
}
