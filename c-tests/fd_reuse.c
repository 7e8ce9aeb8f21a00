/* A descriptor number that is closed and used again inside one batch of the poller's results. A late
 * readiness that is reported by token is stale and does nothing; a host that reports by number brackets
 * the batch, and no number is closed, and so none used again, inside. */
#include "check.h"

static void by_token(void)
{
    struct host host;
    uint16_t port;
    int first, second;
    host_new(&host, HOST_EPOLL);
    listener(&host, NULL, &port);
    vst_id conn = session(&host, port, &first);
    int number = -1;
    for (int fd = 0; fd < FDS; fd++)
        if (host.watch[fd].announced)
            number = fd;
    vst_id token = host.watch[number].token;

    /* The batch: the first entry ends the connection and opens one under the same number. */
    CHECK_EQ(vst_conn_abort(host.engine, conn), VST_OK);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 1);
    close(first);
    vst_id next = session(&host, port, &second);
    CHECK(next != conn);
    /* When a new connection has the number, the late event for the old one does nothing. */
    for (int fd = 0; fd < FDS; fd++)
        CHECK(host.watch[fd].token != token);
    unsigned changes = host.changes, reported = 0, still = 0;
    for (int kind = 0; kind < 16; kind++)
        reported += host.reported[kind];
    CHECK_EQ(vst_engine_ready(host.engine, token, VST_IO_IN | VST_IO_ERROR, 0, &host.wait),
             VST_E_STALE);
    vst_ready list = {.token = token, .events = VST_IO_IN};
    CHECK_EQ(vst_engine_ready_batch(host.engine, &list, 1, 0, &host.wait), VST_OK);
    for (int kind = 0; kind < 16; kind++)
        still += host.reported[kind];
    CHECK_EQ(still, reported);
    CHECK_EQ(host.changes, changes);
    host_free(&host);
    close(second);
}

static void by_number(void)
{
    struct host host;
    uint16_t port;
    int first;
    vst_engine_options options = host_options(&host, HOST_EPOLL);
    options.flags = 0;
    host_open(&host, &options);
    host.breaks_contract = 1;
    CHECK_EQ(vst_engine_ready_fd(host.engine, 0, VST_IO_IN, 0, NULL), VST_E_MODE);
    host_free(&host);

    options = host_options(&host, HOST_EPOLL);
    options.flags |= VST_ENGINE_BY_FD;
    host_open(&host, &options);
    listener(&host, NULL, &port);
    vst_id conn = session(&host, port, &first);
    int number = -1;
    for (int fd = 0; fd < FDS; fd++)
        if (host.watch[fd].announced)
            number = fd;

    CHECK_EQ(vst_engine_batch_end(host.engine, NULL), VST_E_STATE);
    CHECK_EQ(vst_engine_batch_begin(host.engine), VST_OK);
    CHECK_EQ(vst_engine_batch_begin(host.engine), VST_E_STATE);
    CHECK_EQ(vst_conn_abort(host.engine, conn), VST_OK);
    CHECK_EQ(vst_engine_run(host.engine, 0, &host.wait), VST_OK);
    CHECK(host.watch[number].announced);
    CHECK(fcntl(number, F_GETFD) != -1);
    CHECK_EQ(host.released, 0);
    int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(other != number);
    close(other);
    /* The second result of the batch, of the same number, does no harm. */
    vst_status status = vst_engine_ready_fd(host.engine, number, VST_IO_ERROR, 0, &host.wait);
    CHECK(status == VST_OK || status == VST_E_STALE);
    CHECK_EQ(vst_engine_batch_end(host.engine, &host.wait), VST_OK);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 1);
    CHECK_EQ(host.released, 1);
    CHECK(fcntl(number, F_GETFD) == -1 && errno == EBADF);
    CHECK_EQ(vst_engine_ready_fd(host.engine, number, VST_IO_IN, 0, &host.wait), VST_E_STALE);
    host_free(&host);
    close(first);
}

int main(void)
{
    by_token();
    by_number();
    return verdict();
}
