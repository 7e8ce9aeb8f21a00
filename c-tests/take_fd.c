/* vst_conn_take_fd gives a raw session's descriptor back: with the bytes behind the PROXY header,
 * after RELEASED without CLOSING, and with no further event. */
#include "check.h"

static uint32_t last_word;

static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old, uint32_t new, void *user)
{
    if (new & VST_IO_RELEASED)
        last_word = new;
    return host_interest(data, fd, token, old, new, user);
}

/* A host that has a callback for each direction, and takes the descriptor in the first about it. */
static struct {
    vst_id conn;
    int fd;
    unsigned calls, released;
} taken = {.fd = -1};

static int32_t takes(void *data, int32_t fd, uint32_t dir, vst_id token, void *user)
{
    struct host *host = data;
    char ahead[8];
    size_t len;
    if (host_fdset(data, fd, dir, token, user) != 0 || host->reported[VST_EVENT_SESSION] == 0)
        return 0;
    taken.calls++;
    CHECK_EQ(taken.released, 0);
    if (taken.fd == -1) {
        taken.conn = host->last[VST_EVENT_SESSION];
        CHECK_EQ(vst_conn_take_fd(host->engine, taken.conn, &taken.fd, ahead, sizeof ahead, &len), VST_OK);
    }
    return 0;
}

static void clears(void *data, int32_t fd, uint32_t dir, vst_id token, void *user)
{
    CHECK_EQ(taken.released, 0);
    taken.released += (dir & VST_IO_RELEASED) != 0;
    host_fdclr(data, fd, dir, token, user);
}

/* Nothing is said of a descriptor after its release, also where more than one direction was to be told. */
static void is_taken_between_two_directions(void)
{
    struct host host;
    uint16_t port;
    vst_engine_options options = host_options(&host, HOST_SELECT);
    options.fdset = takes;
    options.fdclr = clears;
    host_open(&host, &options);
    vst_id door = listener(&host, NULL, &port);
    int peer = dial(port);
    HOST_UNTIL(&host, taken.fd != -1);
    CHECK(taken.calls == 1 && taken.released == 1);
    taken.released = 0;
    CHECK_EQ(vst_listener_close(host.engine, door), VST_OK);
    host_free(&host);
    close(taken.fd);
    close(peer);
}

int main(void)
{
    is_taken_between_two_directions();

    struct host host;
    uint16_t port;
    int fd;
    char ahead[64], byte;
    size_t len;
    uint32_t state;
    vst_engine_options options = host_options(&host, HOST_EPOLL);
    options.interest = interest;
    host_open(&host, &options);
    listener(&host, "any", &port);
    int peer = dial(port);
    say_text(peer, "PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\nfirst bytes");
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] == 1);
    vst_id conn = host.last[VST_EVENT_SESSION];

    CHECK_EQ(vst_conn_take_fd(host.engine, conn, &fd, ahead, 3, &len), VST_E_SPACE);
    CHECK_EQ(fd, -1);
    CHECK_EQ(len, 11);
    CHECK_EQ(last_word, 0);
    CHECK_EQ(vst_conn_take_fd(host.engine, conn, &fd, ahead, sizeof ahead, &len), VST_OK);
    CHECK(len == 11 && memcmp(ahead, "first bytes", 11) == 0);
    CHECK_EQ(host.announced - host.released, 1);
    if (last_word != 0)
        CHECK_EQ(last_word, VST_IO_RELEASED);
    CHECK_EQ(vst_conn_state(host.engine, conn, &state), VST_E_STALE);
    CHECK_EQ(vst_engine_run(host.engine, 0, &host.wait), VST_OK);
    CHECK_EQ(host.wait.conns, 0);
    CHECK_EQ(host.reported[VST_EVENT_CLOSED], 0);

    /* It is ours, and it works. */
    MUST(fd >= 0);
    say_text(fd, "x");
    CHECK(wait_for(peer, POLLIN) && hear(peer, &byte, 1) == 1 && byte == 'x');
    say_text(peer, "y");
    CHECK(wait_for(fd, POLLIN) && hear(fd, &byte, 1) == 1 && byte == 'y');
    host_free(&host);
    CHECK(fcntl(fd, F_GETFD) != -1);
    close(fd);
    close(peer);
    return verdict();
}
