/* A checked engine notices readiness that is of no descriptor of its, and bits that are not its own. */
#include "checker.h"

static struct checked checked;
static struct host *const host = &checked.host;

/* A token may come late when it was in a batch already; not a second later, and again. */
static void release_ignored(uint16_t port)
{
    int fd, peer;
    vst_id conn = checked_session(&checked, port, &fd, &peer), token = host->watch[fd].token;
    CHECK_EQ(vst_conn_abort(host->engine, conn), VST_OK);
    CHECK_EQ(hand_in(&checked, token, VST_IO_IN), VST_E_STALE);
    pass(&checked, 1500 * MS);
    CHECK_EQ(hand_in(&checked, token, VST_IO_IN), VST_E_STALE);
    SILENT(&checked);
    CHECK_EQ(hand_in(&checked, token, VST_IO_IN), VST_E_STALE);
    SAID(&checked, "descriptor %d (token %#llx) was handed in 1.5 s after its release: stop watching it "
         "and forget its token when VST_IO_RELEASED comes", fd, (unsigned long long)token);
    close(peer);
}

static void unknown_token(uint16_t port)
{
    int fd, peer;
    vst_id conn = checked_session(&checked, port, &fd, &peer);
    CHECK_EQ(hand_in(&checked, conn, VST_IO_IN), VST_E_KIND);
    SAID(&checked, "readiness was handed in for the token %#llx, which was not announced: hand in the "
         "token that came with the interest in the descriptor, not another id or a pointer",
         (unsigned long long)conn);
    pass(&checked, SECOND);
    CHECK_EQ(hand_in(&checked, 42, VST_IO_IN), VST_E_ARGUMENT);
    SAID(&checked, "readiness was handed in for the token 0x2a, which was not announced: hand in the "
         "token that came with the interest in the descriptor, not another id or a pointer");
    pass(&checked, SECOND);
    CHECK_EQ(vst_engine_ready_fd(host->engine, FDS, VST_IO_IN, checked.clock, NULL), VST_E_STALE);
    SAID(&checked, "readiness was handed in for the number %d, which was not announced: hand in the "
         "token that came with the interest in the descriptor, not another id or a pointer", FDS);
    close(peer);
}

static void poller_bits(uint16_t port)
{
    int fd, peer;
    vst_ready entry = {.events = EPOLLIN | EPOLLHUP};
    checked_session(&checked, port, &fd, &peer);
    entry.token = host->watch[fd].token;
    CHECK_EQ(hand_in(&checked, entry.token, EPOLLIN | EPOLLRDHUP), VST_E_ARGUMENT);
    SAID(&checked, "descriptor %d (token %#llx) was handed in with 0x2001, in which EPOLLRDHUP (0x2000) "
         "is none of VST_IO_IN, VST_IO_OUT, VST_IO_HANGUP and VST_IO_ERROR: translate the poller's "
         "bits one by one", fd, TOKEN(host, fd));
    /* At most one of a kind a second. */
    CHECK_EQ(vst_engine_ready_batch(host->engine, &entry, 1, checked.clock, NULL), VST_E_ARGUMENT);
    CHECK_EQ(hand_in(&checked, entry.token, POLLNVAL), VST_E_ARGUMENT);
    SILENT(&checked);
    pass(&checked, SECOND);
    CHECK_EQ(vst_engine_ready_fd(host->engine, fd, EPOLLET | EPOLLHUP, checked.clock, NULL),
             VST_E_ARGUMENT);
    SAID(&checked, "descriptor %d (token %#llx) was handed in with 0x80000010, in which EPOLLHUP (0x10)|EPOLLET "
         "(0x80000000) is none of VST_IO_IN, VST_IO_OUT, VST_IO_HANGUP and VST_IO_ERROR: translate "
         "the poller's bits one by one (2 more of this kind before)", fd, TOKEN(host, fd));
    close(peer);
}

/* EPOLLOUT has the number of VST_IO_HANGUP. */
static void false_hangup(uint16_t port)
{
    int fd, peer;
    checked_session(&checked, port, &fd, &peer);
    CHECK_EQ(hand_in(&checked, host->watch[fd].token, EPOLLOUT), VST_OK);
    SAID(&checked, "descriptor %d (token %#llx) was handed in with VST_IO_HANGUP, and its peer has not "
         "ended its side: VST_IO_HANGUP is 4, which is EPOLLOUT in epoll, so translate the poller's "
         "bits one by one", fd, TOKEN(host, fd));
    shutdown(peer, SHUT_WR);
    MUST(wait_for(fd, POLLRDHUP));
    pass(&checked, SECOND);
    CHECK_EQ(hand_in(&checked, host->watch[fd].token, VST_IO_HANGUP), VST_OK);
    SILENT(&checked);
    close(peer);
}

int main(void)
{
    static void (*const tests[])(uint16_t) =
        {release_ignored, unknown_token, poller_bits, false_hangup};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        uint16_t port;
        vst_engine_options options = checked_options(&checked, HOST_POLL);
        options.flags |= VST_ENGINE_BY_FD;
        host_open(host, &options);
        listener(host, NULL, &port);
        tests[i](port);
        host_free(host);
    }
    return verdict();
}
