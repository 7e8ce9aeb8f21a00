/* One of two sockets that share a port leaves, and no client is lost: neither one of a steady stream of them, nor
 * one whose handshake is under way at that moment. Linux resets these when it closes the socket, unless
 * net.ipv4.tcp_migrate_req is 1. */
#include "check.h"

#include <linux/filter.h>
#include <stdatomic.h>

enum {
    ROUNDS = 30,    /* of a socket that comes and leaves */
    CLIENTS = 128,  /* at the same time; some may have to wait until their SYN is sent again */
    SERVED = 40,    /* by a socket before it leaves */
    HALF_OPEN = 32, /* of which about half are at either socket */
};

/* ---- the servers: each tells its clients a byte, and waits for them to go ---- */

static void serve(struct host *host, const vst_event *event)
{
    const char *name = host->mine;
    size_t sent;

    if (event->kind == VST_EVENT_SESSION)
        CHECK(vst_conn_send(host->engine, event->id, name, 1, &sent) == VST_OK && sent == 1);
    if (event->kind == VST_EVENT_READABLE)
        vst_conn_abort(host->engine, event->id);
}

/* Another socket at the port, or the first if that is 0. */
static void join(struct host *host, char *name, uint16_t *port)
{
    vst_listener_options options = {.size = sizeof options, .flags = VST_LISTENER_REUSEPORT, .backlog = 1024};
    vst_accept_config *config = accepting(NULL);
    char address[32];
    vst_id id = 0;
    vst_addr addr;

    host_new(host, HOST_EPOLL);
    host->hook = serve;
    host->mine = name;
    snprintf(address, sizeof address, "127.0.0.1:%u", *port);
    MUST(vst_listener_open(host->engine, address, config, &options, &id, NULL, NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host->engine, id, &addr) == VST_OK);
    *port = addr.port;
}

/* Both are driven in turns, without waiting, so that what happens to one is seen by the other at once. */
static void turn(struct host *host)
{
    host_wait_epoll(host, 0);
    CHECK_EQ(vst_engine_run(host->engine, now_ns(), &host->wait), VST_OK);
}

#define TURN_UNTIL(what)                                                                           \
    do {                                                                                           \
        uint64_t until_ = now_ns() + PATIENCE_NS;                                                  \
        while (!(what) && now_ns() < until_) {                                                     \
            turn(&stays);                                                                          \
            if (leaves.engine != NULL)                                                             \
                turn(&leaves);                                                                     \
        }                                                                                          \
        MUST(what);                                                                                \
    } while (0)

static struct host stays, leaves;

static void leave(void)
{
    CHECK_EQ(vst_engine_drain(leaves.engine, VST_DRAIN_CLOSE, VST_NEVER), VST_OK);
}

/* ---- a steady stream of clients, in a thread of their own ---- */

static struct {
    uint16_t port;
    atomic_int is_over;
    atomic_uint served[2], lost, under_way; /* served by the one that stays, and by the one that leaves */
} storm;

static void begin(int epoll)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(storm.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(fd >= 0 && (connect(fd, (struct sockaddr *)&name, sizeof name) == 0 || errno == EINPROGRESS));
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
    storm.under_way++;
}

static void *storm_on(void *none)
{
    struct epoll_event list[CLIENTS];
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    MUST(epoll >= 0);
    for (int i = 0; i < CLIENTS; i++)
        begin(epoll);
    while (storm.under_way > 0) {
        int found = epoll_wait(epoll, list, CLIENTS, (int)(PATIENCE_NS / 1000000));

        MUST(found > 0);
        for (int i = 0; i < found; i++) {
            int fd = list[i].data.fd;
            char name;

            if (recv(fd, &name, 1, 0) == 1)
                storm.served[name == 'l']++;
            else
                storm.lost++;
            reset_on_close(fd); /* no port is kept in TIME_WAIT */
            close(fd);
            storm.under_way--;
            if (!storm.is_over)
                begin(epoll);
        }
    }
    close(epoll);
    return none;
}

static void a_stream_of_clients_does_not_notice(void)
{
    pthread_t thread;

    storm.port = 0;
    join(&stays, "s", &storm.port);
    MUST(pthread_create(&thread, NULL, storm_on, NULL) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        unsigned before = storm.served[1];

        join(&leaves, "l", &storm.port);
        TURN_UNTIL(storm.served[1] >= before + SERVED);
        leave();
        TURN_UNTIL(leaves.reported[VST_EVENT_DRAINED] == 1);
        host_free(&leaves);
    }
    storm.is_over = 1;
    TURN_UNTIL(storm.under_way == 0);
    MUST(pthread_join(thread, NULL) == 0);
    host_free(&stays);
    if (storm.lost > 0)
        fprintf(stderr, "of %u clients %u are lost, in %d rounds\n",
                storm.served[0] + storm.served[1] + storm.lost, storm.lost, ROUNDS);
    CHECK_EQ(storm.lost, 0);
}

/* ---- clients whose handshake is not over: they have the SYN-ACK, and their ACK was dropped ---- */

static int listening_fd(const struct host *host)
{
    for (int fd = 0; fd < FDS; fd++) {
        int listens = 0;
        socklen_t len = sizeof listens;

        if (host->watch[fd].announced && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens)
            return fd;
    }
    MUST(!"it listens");
    return -1;
}

static void drop_all_but_syn(int fd)
{
    enum { FLAGS = 13, SYN = 2 }; /* of a TCP header, where a socket's filter begins */
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {.len = sizeof steps / sizeof *steps, .filter = steps};

    MUST(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0);
}

static void who_is_in_a_handshake_is_served(void)
{
    int peers[HALF_OPEN], lost = 0, fd;
    uint16_t port = 0;
    char name;

    join(&stays, "s", &port);
    join(&leaves, "l", &port);
    TURN_UNTIL(leaves.announced == 1);
    fd = listening_fd(&leaves);
    drop_all_but_syn(fd);
    for (int i = 0; i < HALF_OPEN; i++)
        peers[i] = dial(port);
    leave();
    for (int i = 0; i < HALF_OPEN; i++)
        say_text(peers[i], "x"); /* behind it, the kernel has the ACK again */
    for (int i = 0; i < HALF_OPEN; i++) {
        struct pollfd one = {.fd = peers[i], .events = POLLIN};

        TURN_UNTIL(poll(&one, 1, 0) == 1);
        lost += hear(peers[i], &name, 1) != 1;
        reset_on_close(peers[i]);
        close(peers[i]);
    }
    CHECK_EQ(lost, 0);
    TURN_UNTIL(leaves.reported[VST_EVENT_DRAINED] == 1);
    host_free(&leaves);
    host_free(&stays);
}

int main(void)
{
    who_is_in_a_handshake_is_served();
    a_stream_of_clients_does_not_notice();
    return verdict();
}
