/* 4,096 engines live at once and not one more; a number that is used again continues its generations, so
 * that an id of the engine before is stale for the next one of the same number. */
#include "check.h"

#define MOST 4096

int main(void)
{
    static vst_engine *engines[MOST + 1];
    struct host host;
    uint16_t port;
    int peer;
    uint32_t state;
    vst_engine_options options;
    host_new(&host, HOST_EPOLL);
    listener(&host, NULL, &port);
    vst_id old = session(&host, port, &peer);
    host_free(&host);
    close(peer);

    MUST(vst_engine_options_init(&options, sizeof options) == VST_OK);
    for (int i = 0; i < MOST; i++)
        MUST(vst_engine_new(&options, &engines[i], NULL, 0) == VST_OK);
    CHECK_EQ(vst_engine_new(&options, &engines[MOST], NULL, 0), VST_E_LIMIT);
    CHECK(engines[MOST] == NULL);
    /* One of them has the number of the old engine: it alone reports the id as stale. */
    int stale = 0, foreign = 0;
    for (int i = 0; i < MOST; i++) {
        vst_status status = vst_conn_state(engines[i], old, &state);
        stale += status == VST_E_STALE;
        foreign += status == VST_E_ENGINE;
    }
    CHECK_EQ(stale, 1);
    CHECK_EQ(foreign, MOST - 1);
    CHECK_EQ(vst_engine_free(engines[17]), VST_OK);
    CHECK_EQ(vst_engine_new(&options, &engines[17], NULL, 0), VST_OK);
    for (int i = 0; i < MOST; i++)
        CHECK_EQ(vst_engine_free(engines[i]), VST_OK);

    /* The first connection of the next engine with that number is not the old one. */
    for (int round = 0; round < 20; round++) {
        host_new(&host, HOST_EPOLL);
        listener(&host, NULL, &port);
        vst_id id = session(&host, port, &peer);
        CHECK(id != old);
        vst_status status = vst_conn_state(host.engine, old, &state);
        CHECK(status == VST_E_STALE || status == VST_E_ENGINE);
        host_free(&host);
        close(peer);
    }
    return verdict();
}
