/* Every way in which the wait for the peer's end can end, over the kernel: a peer that reads what was
 * sent gets all of it, and what is cut is in the record. */
#include "check.h"

enum { WINDOW = 16 * 1024, ANSWER = 3 * 1024 * 1024, PIECE = 32 * 1024 };

/* Bounds of the drain that an upload exceeds many times over, and of the linger time. */
enum { DRAIN_BYTES = 64 * 1024 };
#define DRAIN_NS (1000ull * 1000 * 1000)
#define LINGER_NS (1000ull * 1000 * 1000)

static char piece[PIECE];
static vst_end last;
static char said[512];

static void on_event(struct host *host, const vst_event *event)
{
    (void)host;
    if (event->kind != VST_EVENT_CLOSED)
        return;
    MUST(event->end != NULL);
    last = *event->end;
    MUST(last.text_len < sizeof said);
    memcpy(said, last.text, last.text_len + 1);
}

static vst_id open_door(struct host *host, uint16_t *port)
{
    vst_accept_options options;
    vst_accept_config *config;
    vst_id door;
    vst_addr addr;
    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    options.drain_bytes = DRAIN_BYTES;
    options.drain_ns = DRAIN_NS;
    options.linger_ns = LINGER_NS;
    MUST(vst_accept_config_new(&options, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(host->engine, "127.0.0.1:0", config, NULL, &door, NULL, NULL,
                           0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host->engine, door, &addr) == VST_OK);
    *port = addr.port;
    return door;
}

/* A peer with a small window, and its session. */
static vst_id meet(struct host *host, uint16_t port, int *peer)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    int window = WINDOW;
    unsigned before = host->reported[VST_EVENT_SESSION];
    *peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(*peer >= 0);
    MUST(setsockopt(*peer, SOL_SOCKET, SO_RCVBUF, &window, sizeof window) == 0);
    MUST(connect(*peer, (struct sockaddr *)&name, sizeof name) == 0);
    HOST_UNTIL(host, host->reported[VST_EVENT_SESSION] > before);
    return host->last[VST_EVENT_SESSION];
}

/* What arrived without waiting; *over is set once nothing more can arrive. */
static size_t take(int peer, size_t most, int *over)
{
    static char to[PIECE];
    ssize_t n = hear(peer, to, most < sizeof to ? most : sizeof to);
    *over = n == 0 || (n < 0 && errno != EAGAIN);
    return n > 0 ? (size_t)n : 0;
}

/* A session that has sent this much, which the kernel took, and was closed. The peer has read
 * `heard`. */
static vst_id say_and_close(struct host *host, uint16_t port, int *peer, size_t all, size_t *heard)
{
    vst_id id = meet(host, port, peer);
    size_t taken = 0;
    *heard = 0;
    while (taken < all) {
        size_t n = 0, left = all - taken;
        vst_status status =
            vst_conn_send(host->engine, id, piece, left < PIECE ? left : PIECE, &n);
        MUST(status == VST_OK || status == VST_WAIT);
        taken += n;
        if (status == VST_WAIT) {
            int over;
            *heard += take(*peer, PIECE, &over);
            MUST(!over && host_turn(host));
        }
    }
    MUST(vst_conn_close(host->engine, id) == VST_OK);
    MUST(vst_engine_wait(host->engine, &host->wait) == VST_OK);
    return id;
}

static void must_end(struct host *host, unsigned before, uint32_t at, uint32_t why)
{
    HOST_UNTIL(host, host->reported[VST_EVENT_CLOSED] > before);
    CHECK_EQ(last.at, at);
    CHECK_EQ(last.why, why);
    if (at != 0)
        CHECK(strstr(said, "CCLOSE") != NULL);
}

static void uploads_while_it_reads(struct host *host, uint16_t port)
{
    unsigned before = host->reported[VST_EVENT_CLOSED];
    size_t heard, uploaded = 0;
    int peer, over = 0;
    say_and_close(host, port, &peer, ANSWER, &heard);
    while (!over && host_turn(host)) {
        ssize_t n = send(peer, piece, PIECE, MSG_DONTWAIT | MSG_NOSIGNAL);
        uploaded += n > 0 ? (size_t)n : 0;
        heard += take(peer, WINDOW / 2, &over);
        if (heard == ANSWER)
            over = 1;
    }
    CHECK_EQ(heard, ANSWER);
    CHECK(uploaded > 4 * DRAIN_BYTES);
    MUST(wait_for(peer, POLLIN));
    CHECK_EQ(hear(peer, piece, 1), 0);
    close(peer);
    must_end(host, before, 0, 0);
    CHECK_EQ(last.lost, 0);
    CHECK(last.discarded > 4 * DRAIN_BYTES);
}

static void takes_nothing(struct host *host, uint16_t port, int uploads)
{
    unsigned before = host->reported[VST_EVENT_CLOSED];
    size_t heard, more;
    int peer, over = 0;
    say_and_close(host, port, &peer, ANSWER, &heard);
    while (host->reported[VST_EVENT_CLOSED] == before && host_turn(host))
        if (uploads)
            (void)!send(peer, piece, 100, MSG_DONTWAIT | MSG_NOSIGNAL);
    must_end(host, before, VST_OP_CCLOSE, VST_WHY_TIMED_OUT);
    while ((more = take(peer, PIECE, &over)) > 0)
        heard += more;
    CHECK(over);
    CHECK(last.lost > 0);
    CHECK_EQ(heard + last.lost, ANSWER);
    CHECK(last.in_op_ns >= LINGER_NS);
    close(peer);
}

static void resets(struct host *host, uint16_t port, size_t all)
{
    unsigned before = host->reported[VST_EVENT_CLOSED];
    size_t heard;
    int peer, over = 0, whole = all < WINDOW / 2;
    say_and_close(host, port, &peer, all, &heard);
    if (whole) {
        MUST(wait_for(peer, POLLIN));
        while (!over)
            heard += take(peer, PIECE, &over);
        /* The end is acknowledged at once, and not only together with the next bytes. */
        MUST(setsockopt(peer, IPPROTO_TCP, TCP_QUICKACK, &whole, sizeof whole) == 0);
    }
    reset_on_close(peer);
    close(peer);
    if (whole)
        must_end(host, before, 0, 0);
    else
        must_end(host, before, VST_OP_CCLOSE, VST_WHY_RESET);
    CHECK_EQ(last.lost > 0, !whole);
}

/* The peer has read everything, and then sends nothing, or goes on sending. */
static void has_all(struct host *host, uint16_t port, int speaks)
{
    unsigned before = host->reported[VST_EVENT_CLOSED];
    size_t heard;
    int peer, over = 0;
    say_and_close(host, port, &peer, 1000, &heard);
    MUST(wait_for(peer, POLLIN));
    while (!over)
        heard += take(peer, PIECE, &over);
    CHECK_EQ(heard, 1000);
    while (host->reported[VST_EVENT_CLOSED] == before && host_turn(host))
        if (speaks)
            (void)!send(peer, piece, PIECE, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (speaks)
        must_end(host, before, VST_OP_CCLOSE, VST_WHY_TOO_LARGE);
    else
        must_end(host, before, 0, 0);
    CHECK_EQ(last.lost, 0);
    close(peer);
}

/* Received and not read, and nothing was sent: it ends in order nevertheless. */
static void unread(struct host *host, uint16_t port)
{
    unsigned before = host->reported[VST_EVENT_CLOSED];
    int peer;
    vst_id id = meet(host, port, &peer);
    say_text(peer, "a request that nobody reads");
    MUST(vst_conn_close(host->engine, id) == VST_OK);
    MUST(wait_for(peer, POLLIN));
    CHECK_EQ(hear(peer, piece, 1), 0);
    say_text(peer, "and more");
    close(peer);
    must_end(host, before, 0, 0);
    CHECK_EQ(last.discarded, 27 + 8);
}

int main(void)
{
    struct host host;
    uint16_t port;
    host_new(&host, HOST_EPOLL);
    host.hook = on_event;
    open_door(&host, &port);
    uploads_while_it_reads(&host, port);
    takes_nothing(&host, port, 0);
    takes_nothing(&host, port, 1);
    resets(&host, port, ANSWER);
    resets(&host, port, 1000);
    has_all(&host, port, 0);
    has_all(&host, port, 1);
    unread(&host, port);
    host_free(&host);
    return verdict();
}
