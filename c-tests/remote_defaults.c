/* What the options of links and agents stand for, as the other side sees it (docs/remote-protocol.md): what
 * HELLO announces, how much a connection may send at first, and when a sign of life is asked for. */
#include "check.h"

#define SECOND UINT64_C(1000000000)

enum { HELLO = 1, PING = 2, CLOSED = 26, OPENED = 17, FRAME = 8 };

static struct host host;
static uint64_t now; /* a clock of the test, so that nothing is waited for */

static void begin(void)
{
    vst_engine_options options = host_options(&host, HOST_EPOLL);
    options.now_ns = now = SECOND;
    host_open(&host, &options);
    host.breaks_contract = 1; /* its clock jumps */
}

/* Does all that can be done by now. */
static void turn(void)
{
    struct epoll_event list[16];
    int found;
    do {
        CHECK_EQ(vst_engine_run(host.engine, now, &host.wait), VST_OK);
        found = epoll_wait(host.epoll, list, 16, 0);
        for (int i = 0; i < found; i++)
            CHECK(vst_engine_ready(host.engine, list[i].data.u64, from_epoll(list[i].events), now,
                                   &host.wait) >= VST_E_STALE);
    } while (found > 0 || host.wait.flags & VST_WAIT_RUNNABLE);
}

static uint32_t number(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The next frame that the engine has sent, and its length; 0 when there is none. */
static size_t frame(int fd, uint8_t *to)
{
    turn();
    if (hear(fd, to, FRAME) != FRAME)
        return 0;
    size_t len = (size_t)to[0] << 8 | to[1];
    CHECK_EQ(hear(fd, to + FRAME, len), (ssize_t)len);
    return FRAME + len;
}

static void greets(int fd, uint32_t channels, int passes)
{
    uint8_t bytes[512];
    CHECK_EQ(frame(fd, bytes), 24);
    CHECK(bytes[2] == HELLO && memcmp(bytes + FRAME, "vst-link", 8) == 0);
    CHECK_EQ(bytes[3], passes);
    CHECK_EQ(number(bytes + 20), channels);
}

static void say_hello(int fd)
{
    say(fd, "\0\020\001\001\0\0\0\0vst-link\0\001\0\001\0\0\0\020", 24);
}

/* A sign of life is asked for after this time of silence, in seconds; 0: never. */
static void pings_after(int fd, uint64_t seconds)
{
    uint8_t bytes[512];
    turn();
    now += seconds ? seconds * SECOND - SECOND / 2 : 2 * 3600 * SECOND;
    CHECK_EQ(frame(fd, bytes), 0);
    if (seconds == 0)
        return;
    now += SECOND;
    CHECK_EQ(frame(fd, bytes), 16);
    CHECK_EQ(bytes[2], PING);
    /* Then nothing, until the other side counts as gone. */
    now += seconds * SECOND;
    CHECK_EQ(frame(fd, bytes), 0);
}

/* ---- links ---- */

static void link_with(const vst_link_options *options, uint32_t channels, int passes, uint64_t seconds)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char address[sizeof name.sun_path + 8];
    static unsigned count;
    vst_id link;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), len;
    len = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "vestibule-d%d-%u", (int)getpid(), count++);
    snprintf(address, sizeof address, "unix:@%s", name.sun_path + 1);
    MUST(fd >= 0 && bind(fd, (struct sockaddr *)&name, (socklen_t)(sizeof name.sun_family + 1 + len)) == 0
         && listen(fd, 4) == 0);
    begin();
    MUST(vst_link_open(host.engine, address, NULL, options, &link, NULL, 0) == VST_OK);
    turn();
    int agent = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    MUST(agent >= 0);
    greets(agent, channels, passes);
    say_hello(agent);
    turn();
    CHECK_EQ(host.reported[VST_EVENT_LINK_UP], 1);
    pings_after(agent, seconds);
    host_free(&host);
    close(agent);
    close(fd);
}

static void links(void)
{
    vst_link_options options = {.size = sizeof options};
    link_with(NULL, 10000, 1, 10);
    link_with(&options, 10000, 1, 10);
    options.channels_per_conn = 7;
    options.flags = VST_LINK_NO_DESCRIPTORS;
    options.keepalive_ns = 3 * SECOND;
    link_with(&options, 7, 0, 3);
    options.keepalive_ns = VST_NEVER;
    link_with(&options, 7, 0, 0);
}

/* ---- agents ---- */

static void agent_with(vst_agent_options options, uint32_t channels, int passes, uint32_t window,
                       uint64_t seconds)
{
    char open[] = "\0\014\020\0\0\0\0\001\0\001\0\0\004\177\0\0\001\0\0\0", allow[32];
    uint8_t bytes[512];
    uint16_t port;
    int door = listening(&port), pair[2];
    vst_id agent, conn;
    size_t len = 0;
    snprintf(allow, sizeof allow, "127.0.0.1:%u", (unsigned)port);
    if (window)
        options.allow = allow;
    begin();
    MUST(vst_agent_new(host.engine, &options, &agent, NULL, 0) == VST_OK);
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    MUST(vst_conn_adopt(host.engine, pair[0], NULL, &conn, NULL, NULL, 0) == VST_OK);
    CHECK_EQ(vst_agent_serve(host.engine, agent, conn), VST_OK);
    say_hello(pair[1]);
    greets(pair[1], channels, passes);
    open[17] = (char)(port >> 8), open[18] = (char)port;
    say(pair[1], open, 20);
    for (uint64_t ends = now_ns() + PATIENCE_NS; len == 0 && now_ns() < ends;)
        len = frame(pair[1], bytes);
    MUST(len > FRAME + 4);
    /* Where nothing is allowed, nothing is opened. */
    CHECK_EQ(bytes[2], window ? OPENED : CLOSED);
    if (window)
        CHECK_EQ(number(bytes + FRAME), window);
    pings_after(pair[1], seconds);
    host_free(&host);
    close(pair[1]);
    close(door);
}

static void agents(void)
{
    vst_agent_options options = {.size = sizeof options};
    agent_with(options, 10000, 1, 65536, 10);
    agent_with(options, 10000, 1, 0, 10);
    options.channels_max = 3;
    options.flags = VST_AGENT_NO_DESCRIPTORS;
    options.channel_window_bytes = 8192;
    options.keepalive_ns = 2 * SECOND;
    agent_with(options, 3, 0, 8192, 2);
    /* No window is larger than all of them together. */
    options.window_bytes = 4096;
    options.keepalive_ns = VST_NEVER;
    agent_with(options, 3, 0, 4096, 0);
}

int main(void)
{
    links();
    agents();
    return verdict();
}
