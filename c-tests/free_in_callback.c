/* An engine cannot be freed in one of its own callbacks, and an attempt changes nothing. */
#include "check.h"

static unsigned tries;

static void on_event(struct host *host, const vst_event *event)
{
    (void)event;
    tries++;
    CHECK_EQ(vst_engine_free(host->engine), VST_E_REENTRANT);
    CHECK_EQ(vst_engine_batch_begin(host->engine), VST_E_REENTRANT);
    CHECK_EQ(vst_engine_batch_end(host->engine, NULL), VST_E_REENTRANT);
}

static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old, uint32_t new, void *user)
{
    struct host *host = data;
    tries++;
    CHECK_EQ(vst_engine_free(host->engine), VST_E_REENTRANT);
    return host_interest(data, fd, token, old, new, user);
}

static void timer(void *data, uint64_t deadline_ns)
{
    struct host *host = data;
    (void)deadline_ns;
    tries++;
    CHECK_EQ(vst_engine_free(host->engine), VST_E_REENTRANT);
}

int main(void)
{
    struct host host;
    uint16_t port;
    int peer;
    vst_engine_options options = host_options(&host, HOST_EPOLL);
    options.interest = interest;
    options.timer = timer;
    host_open(&host, &options);
    host.hook = on_event;
    listener(&host, "any", &port);
    peer = dial(port);
    say_text(peer, "PROXY UNKNOWN\r\n");
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] == 1);
    vst_id conn = host.last[VST_EVENT_SESSION];
    size_t taken;
    CHECK_EQ(vst_conn_send(host.engine, conn, "hello", 5, &taken), VST_OK);
    CHECK_EQ(vst_conn_close(host.engine, conn), VST_OK);
    close(peer);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] == 1);
    CHECK(tries >= 3);
    host_free(&host);
    CHECK_EQ(vst_engine_free(NULL), VST_OK);
    return verdict();
}
