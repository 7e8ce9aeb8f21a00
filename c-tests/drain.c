/* An engine is drained: nothing more is accepted, sessions are requested to end, and what is left in the
 * end is reset and counted. */
#include "check.h"

#define NOTHING_LEFT(host)                                                                         \
    ((host).wait.conns == 0 && (host).wait.streams == 0 && (host).wait.listeners == 0)

static void drains(enum host_kind kind)
{
    const uint64_t grace_ns = 300ull * 1000 * 1000;
    vst_drain state = {.size = sizeof state};
    struct host host;
    uint16_t port;
    int peers[3];
    char byte;

    host_new(&host, kind);
    listener(&host, NULL, &port);
    for (int i = 0; i < 3; i++)
        session(&host, port, &peers[i]);
    CHECK_EQ(vst_engine_drain_state(host.engine, &state), VST_OK);
    CHECK(state.how == 0 && state.deadline_ns == VST_NEVER && state.conns == 3);

    CHECK_EQ(vst_engine_drain(host.engine, 0, 0), VST_E_ARGUMENT);
    CHECK_EQ(vst_engine_drain(host.engine, 4, 0), VST_E_ARGUMENT);
    CHECK_EQ(vst_engine_drain(host.engine, VST_DRAIN_LAME_DUCK, 0), VST_OK);
    CHECK_EQ(host.reported[VST_EVENT_DRAINING], 0);
    CHECK_EQ(vst_engine_drain(host.engine, VST_DRAIN_CLOSE, grace_ns), VST_OK);
    CHECK_EQ(host.reported[VST_EVENT_DRAINING], 3);
    CHECK_EQ(vst_engine_drain(host.engine, VST_DRAIN_PAUSE, 0), VST_E_STATE);

    /* Nothing listens any more. */
    vst_accept_config *config = accepting(NULL);
    vst_id late = 9;
    int own = listening(&port);
    CHECK_EQ(vst_listener_open(host.engine, "127.0.0.1:0", config, NULL, &late, NULL, NULL, 0),
             VST_E_STATE);
    CHECK_EQ(late, 0);
    CHECK_EQ(vst_listener_adopt(host.engine, own, config, NULL, &late, NULL, NULL, 0), VST_E_STATE);
    CHECK(late == 0 && close(own) == 0);
    vst_accept_config_free(config);

    /* One ends as requested. */
    CHECK_EQ(vst_conn_close(host.engine, host.last[VST_EVENT_DRAINING]), VST_OK);
    CHECK_EQ(vst_engine_drain_state(host.engine, &state), VST_OK);
    CHECK_EQ(state.how, VST_DRAIN_CLOSE);
    CHECK(state.deadline_ns != VST_NEVER);
    HOST_UNTIL(&host, NOTHING_LEFT(host));
    CHECK(now_ns() >= state.deadline_ns);
    CHECK_EQ(vst_engine_drain_state(host.engine, &state), VST_OK);
    CHECK_EQ(state.aborted, 2);
    CHECK_EQ(host.reported[VST_EVENT_CLOSED], 3);
    for (int i = 0; i < 3; i++) {
        CHECK(wait_for(peers[i], POLLIN) && hear(peers[i], &byte, 1) <= 0);
        close(peers[i]);
    }
    host_free(&host);
}

static void a_paused_listener_stays_so(void)
{
    struct host host;
    uint16_t port;
    host_new(&host, HOST_EPOLL);
    vst_id door = listener(&host, NULL, &port);
    CHECK_EQ(vst_engine_drain(host.engine, VST_DRAIN_LAME_DUCK, 0), VST_OK);
    CHECK_EQ(vst_listener_pause(host.engine, door), VST_OK);
    CHECK_EQ(vst_listener_resume(host.engine, door), VST_OK);
    CHECK(listener(&host, NULL, &port) != 0);
    CHECK_EQ(vst_engine_drain(host.engine, VST_DRAIN_PAUSE, 0), VST_OK);
    CHECK_EQ(vst_listener_resume(host.engine, door), VST_E_STATE);
    host_free(&host);
}

int main(void)
{
    drains(HOST_EPOLL);
    drains(HOST_EDGE);
    drains(HOST_POLL);
    a_paused_listener_stays_so();
    return verdict();
}
