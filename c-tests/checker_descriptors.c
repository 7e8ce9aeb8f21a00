/* A checked engine notices descriptors that are not watched, or not as their masks say, and those that are
 * not any more what was announced. */
#include "checker.h"

static struct checked checked;
static struct host *const host = &checked.host;

static void read_all(struct host *reader, const vst_event *event)
{
    char bytes[64];
    size_t got;
    vst_status status = VST_WAIT;
    if (event->kind == VST_EVENT_READABLE)
        do
            status = vst_conn_recv(reader->engine, event->id, bytes, sizeof bytes, &got);
        while (status == VST_OK);
    CHECK_EQ(status, VST_WAIT);
}

static void never_watched(void)
{
    uint16_t port;
    int fd, peer;
    checked_new(&checked, HOST_POLL);
    listener(host, NULL, &port);
    fd = announced_fd(host, 1);
    peer = dial(port);
    MUST(wait_for(fd, POLLIN));
    for (int i = 0; i < 2; i++)
        pass(&checked, SECOND);
    SILENT(&checked);
    pass(&checked, SECOND);
    SAID(&checked, "descriptor %d (token %#llx) has been readable for 2.0 s and its readiness was "
         "never handed in: watch it for the mask of the interest callback", fd, TOKEN(host, fd));
    close(peer);
    host_free(host);
}

/* A host that registers a level-triggered descriptor edge-triggered gets its first readiness alone. */
static void readiness_lost(void)
{
    uint16_t port;
    int fd, peer;
    checked_new(&checked, HOST_POLL);
    host->hook = read_all;
    listener(host, NULL, &port);
    checked_session(&checked, port, &fd, &peer);
    say_text(peer, "one");
    MUST(wait_for(fd, POLLIN));
    round_of(&checked);
    say_text(peer, "two");
    MUST(wait_for(fd, POLLIN));
    for (int i = 0; i < 3; i++)
        pass(&checked, SECOND);
    SAID(&checked, "descriptor %d (token %#llx) has been readable for 2.0 s since its last readiness, "
         "and none was handed in: hand in all that the poller reports, and register edge-triggered "
         "only where the mask has VST_IO_EDGE", fd, TOKEN(host, fd));
    close(peer);
    host_free(host);
}

static void not_edge(void)
{
    uint16_t port;
    int fd, peer;
    checked_new(&checked, HOST_EDGE);
    host->hook = read_all;
    listener(host, NULL, &port);
    checked_session(&checked, port, &fd, &peer);
    /* The other mask first, so that what came before does not count. */
    CHECK_EQ(hand_in(&checked, host->watch[fd].token, VST_IO_IN), VST_OK);
    for (int i = 0; i < 999; i++)
        CHECK_EQ(hand_in(&checked, host->watch[fd].token, VST_IO_OUT), VST_OK);
    SILENT(&checked);
    CHECK_EQ(hand_in(&checked, host->watch[fd].token, VST_IO_OUT), VST_OK);
    SAID(&checked, "descriptor %d (token %#llx) was handed in 1000 times in a row with VST_IO_OUT, and "
         "nothing moved in between: its mask has VST_IO_EDGE, so register it edge-triggered", fd,
         TOKEN(host, fd));
    close(peer);
    host_free(host);
}

static void not_in_mask(void)
{
    uint16_t port;
    int fd, peer;
    checked_new(&checked, HOST_POLL);
    host->hook = read_all;
    listener(host, NULL, &port);
    checked_session(&checked, port, &fd, &peer);
    for (int i = 0; i < 200; i++)
        CHECK_EQ(hand_in(&checked, host->watch[fd].token, VST_IO_OUT), VST_OK);
    SILENT(&checked);
    pass(&checked, 2 * SECOND);
    CHECK_EQ(hand_in(&checked, host->watch[fd].token, VST_IO_OUT), VST_OK);
    SAID(&checked, "descriptor %d (token %#llx) was handed in 201 times in a row with VST_IO_OUT, and "
         "its mask is VST_IO_IN|VST_IO_HANGUP: watch it for the mask of the last interest callback and "
         "for nothing else", fd, TOKEN(host, fd));
    close(peer);
    host_free(host);
}

static void closed(void)
{
    uint16_t port;
    int fd, peer, other;
    checked_new(&checked, HOST_POLL);
    listener(host, NULL, &port);
    checked_session(&checked, port, &fd, &peer);
    other = dup(peer);
    close(fd);
    pass(&checked, SECOND);
    SAID(&checked, "descriptor %d (token %#llx) was closed by somebody else: it belongs to the library "
         "until VST_IO_RELEASED, so end its connection by vst_conn_close, or take it by "
         "vst_conn_take_fd", fd, TOKEN(host, fd));
    pass(&checked, SECOND);
    SILENT(&checked);
    MUST(dup2(other, fd) == fd); /* the library closes that number */
    close(other);
    close(peer);
    host_free(host);
}

static void reused(void)
{
    uint16_t port;
    int fd, peer;
    checked_new(&checked, HOST_POLL);
    listener(host, NULL, &port);
    checked_session(&checked, port, &fd, &peer);
    MUST(dup2(peer, fd) == fd);
    pass(&checked, SECOND);
    SAID(&checked, "descriptor %d (token %#llx) is another file than the one that was announced: its "
         "number was closed and used again, and it belongs to the library until VST_IO_RELEASED", fd,
         TOKEN(host, fd));
    close(peer);
    host_free(host);
}

int main(void)
{
    never_watched();
    readiness_lost();
    not_edge();
    not_in_mask();
    closed();
    reused();
    return verdict();
}
