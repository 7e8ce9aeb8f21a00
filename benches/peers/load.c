/* load: the clients of the proxies that are compared. Their time is not counted.
 *
 *   load ADDR:PORT --clients K --warm-up N --exchanges N --up BYTES --down BYTES
 *        [--once] [--proxy] [--tls] [--sources N]
 *
 * K clients make exchanges with a backend (backend.c) behind ADDR:PORT, one after the other: they send as many
 * bytes, and wait for as many. They keep their connections, unless with --once each exchange has its own: the
 * client shuts its write side behind its bytes, the answer comes behind that end, and then the end. With
 * --proxy a connection begins with a PROXY header, with --tls with a full handshake of TLS 1.3.
 *
 * Prints "warm" after the exchanges of the warm-up, waits for a line on its standard input, makes the others,
 * prints "done", and ends with its standard input. Nothing is under way at either moment. Anything unexpected
 * ends it with status 1. */
#define _GNU_SOURCE
#include "address.h"
#include "client.h"
#include "request.h"

#include <getopt.h>
#include <sys/epoll.h>

enum { POLLED = 64 };

struct size {
    unsigned long long clients, warm_up, exchanges;
};

static unsigned long long number(const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    if (end == text || *end != '\0')
        die("not a number: %s", text);
    return value;
}

static void parse(int argc, char **argv, struct job *job, struct size *size)
{
    static const struct option known[] = {
        {"clients", required_argument, NULL, 'c'},
        {"warm-up", required_argument, NULL, 'w'},
        {"exchanges", required_argument, NULL, 'e'},
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
        case 'c': size->clients = number(optarg); break;
        case 'w': size->warm_up = number(optarg); break;
        case 'e': size->exchanges = number(optarg); break;
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

static void check(const struct job *job, const struct size *size)
{
    if (size->clients == 0 || job->sources == 0 || job->up < REQUEST_BYTES || job->down == 0)
        die("there must be clients, sources, an answer, and %d bytes for a request", REQUEST_BYTES);
    if (job->proxy && (job->tls != NULL || !job->once))
        die("--proxy goes with --once and without --tls");
}

static void run(struct job *job, struct client *clients, const struct size *size, unsigned long long exchanges)
{
    struct epoll_event polled[POLLED];

    job->left = exchanges;
    for (size_t i = 0; i < size->clients; i++)
        client_begin(&clients[i], job);
    while (job->busy > 0) {
        int n = epoll_wait(job->epoll, polled, POLLED, -1);

        if (n < 0 && errno != EINTR)
            die("epoll_wait: %s", strerror(errno));
        for (int i = 0; i < n; i++)
            client_progress(polled[i].data.ptr, job);
    }
}

static void say(const char *line)
{
    puts(line);
    fflush(stdout);
}

static bool line_comes(void)
{
    int byte;

    do
        byte = getchar();
    while (byte != '\n' && byte != EOF);
    return byte != EOF;
}

int main(int argc, char **argv)
{
    struct job job = {.sources = 1};
    struct size size = {0};
    struct client *clients;

    parse(argc, argv, &job, &size);
    check(&job, &size);
    clients = calloc(size.clients, sizeof *clients);
    if (clients == NULL)
        die("out of memory");
    for (size_t i = 0; i < size.clients; i++)
        clients[i].link.fd = -1;
    job.epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    run(&job, clients, &size, size.warm_up);
    say("warm");
    if (!line_comes())
        return 0;
    run(&job, clients, &size, size.exchanges);
    say("done");
    line_comes(); /* until then its clock can be read */
    return 0;
}
