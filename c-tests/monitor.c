/* Monitors are answered and closed, whatever else the listener requires of others; the state that they
 * get is changed while the listener runs. */
#include "check.h"

static vst_monitor_options monitoring(const char *net, uint32_t answer)
{
    vst_monitor_options monitor = {.size = sizeof monitor, .answer = answer, .monitor_net = net};
    return monitor;
}

/* The status for a configuration with these monitors, and the sentence. */
static vst_status status_of(const vst_monitor_options *monitor, const char *proxy, char *why)
{
    vst_accept_options options;
    vst_accept_config *config = NULL;
    vst_status status;
    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    options.accept_proxy = proxy;
    options.monitor = monitor;
    status = vst_accept_config_new(&options, &config, why, 200);
    CHECK((status == VST_OK) == (config != NULL));
    vst_accept_config_free(config);
    return status;
}

static void bad_options_are_named(void)
{
    char why[200] = "", text[] = "x";
    vst_monitor_options monitor = monitoring("10.0.0.0/8", VST_MONITOR_ANSWER_TEXT);
    CHECK_EQ(status_of(&monitor, NULL, why), VST_OK);
    CHECK_EQ(status_of(&monitor, "192.0.2.0/24,unix", why), VST_OK);
    CHECK_EQ(status_of(&monitor, "10.1.2.3", why), VST_E_CONFIG);
    CHECK(strstr(why, "monitor_net") != NULL && strstr(why, "VST_MONITOR_TRUSTED") != NULL);
    CHECK_EQ(status_of(&monitor, "any", why), VST_E_CONFIG);
    monitor.flags = VST_MONITOR_TRUSTED;
    CHECK_EQ(status_of(&monitor, "any", why), VST_OK);
    monitor.flags = VST_MONITOR_EVERYONE;
    CHECK_EQ(status_of(&monitor, NULL, why), VST_E_CONFIG);
    monitor.monitor_net = NULL;
    CHECK_EQ(status_of(&monitor, NULL, why), VST_OK);
    CHECK_EQ(status_of(&monitor, "any", why), VST_OK);
    monitor.flags = 0;
    CHECK_EQ(status_of(&monitor, NULL, why), VST_E_CONFIG);
    monitor.monitor_net = "10.0.0.0/8,nonsense";
    CHECK_EQ(status_of(&monitor, NULL, why), VST_E_CONFIG);
    CHECK(strstr(why, "nonsense") != NULL);

    monitor = monitoring("any", VST_MONITOR_ANSWER_TEXT);
    monitor.flags = 4;
    CHECK_EQ(status_of(&monitor, NULL, why), VST_E_ARGUMENT);
    monitor = monitoring("any", 0); /* the text */
    CHECK_EQ(status_of(&monitor, NULL, why), VST_OK);
    monitor.answer = VST_MONITOR_ANSWER_BYTES + 1;
    CHECK_EQ(status_of(&monitor, NULL, why), VST_E_ARGUMENT);
    monitor.answer = VST_MONITOR_ANSWER_BYTES;
    CHECK_EQ(status_of(&monitor, NULL, why), VST_E_ARGUMENT);
    monitor.well = monitor.failing = text;
    monitor.well_len = 1;
    CHECK_EQ(status_of(&monitor, NULL, why), VST_E_ARGUMENT);
    monitor.failing_len = 1;
    CHECK_EQ(status_of(&monitor, NULL, why), VST_OK);
    monitor.answer = VST_MONITOR_ANSWER_HTTP;
    CHECK_EQ(status_of(&monitor, NULL, why), VST_E_ARGUMENT);
    monitor.answer = VST_MONITOR_ANSWER_BYTES;
    monitor.well = calloc(1, VST_MONITOR_ANSWER_MAX_BYTES + 1);
    monitor.well_len = VST_MONITOR_ANSWER_MAX_BYTES;
    CHECK_EQ(status_of(&monitor, NULL, why), VST_OK);
    monitor.well_len++;
    CHECK_EQ(status_of(&monitor, NULL, why), VST_E_ARGUMENT);
    free((void *)monitor.well);
    monitor = monitoring("any", VST_MONITOR_ANSWER_TEXT);
    monitor.size--;
    CHECK_EQ(status_of(&monitor, NULL, why), VST_E_SIZE);
}

/* A listener for which this end of the loopback is a monitor. */
static vst_id monitored(struct host *host, vst_monitor_options monitor, uint16_t *port)
{
    vst_accept_options options;
    vst_accept_config *config;
    vst_id id = 0;
    vst_addr addr;
    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    options.accept_proxy = "192.0.2.0/24";
    options.monitor = &monitor;
    MUST(vst_accept_config_new(&options, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(host->engine, "127.0.0.1:0", config, NULL, &id, NULL, NULL,
                           0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host->engine, id, &addr) == VST_OK);
    *port = addr.port;
    return id;
}

/* Everything a monitor receives until its end. */
static const char *heard(struct host *host, uint16_t port)
{
    static char all[4096];
    size_t len = 0;
    ssize_t n = 1;
    int fd = dial(port);
    say(fd, "GET / HTTP/1.0\r\n\r\n", 18);
    while (n > 0) {
        HOST_UNTIL(host, (n = hear(fd, all + len, sizeof all - 1 - len)) >= 0);
        len += (size_t)n;
    }
    all[len] = 0;
    close(fd);
    return all;
}

static void answers(enum host_kind kind)
{
    vst_engine_counters counters = {.size = sizeof counters};
    vst_listener_counters of = {.size = sizeof of};
    vst_monitor_options monitor = monitoring("127.0.0.0/8", VST_MONITOR_ANSWER_BYTES);
    struct host host;
    uint16_t text, http, own;
    vst_id texts, https;
    char well[] = "fine", failing[] = "broken";

    host_new(&host, kind);
    texts = monitored(&host, monitoring("127.0.0.1", VST_MONITOR_ANSWER_TEXT), &text);
    https = monitored(&host, monitoring("::1,127.0.0.1", VST_MONITOR_ANSWER_HTTP), &http);
    monitor.well = well, monitor.well_len = 4;
    monitor.failing = failing, monitor.failing_len = 6;
    monitored(&host, monitor, &own);
    memset(well, '?', sizeof well);

    CHECK(strcmp(heard(&host, text), "OK") == 0);
    CHECK(strncmp(heard(&host, http), "HTTP/1.0 200 OK\r\n", 17) == 0);
    CHECK(strcmp(heard(&host, own), "fine") == 0);
    CHECK_EQ(vst_listener_set_monitor_fail(host.engine, texts, 1), VST_OK);
    CHECK(strcmp(heard(&host, text), "FAIL") == 0);
    CHECK(strncmp(heard(&host, http), "HTTP/1.0 200 OK\r\n", 17) == 0);
    CHECK_EQ(vst_listener_set_monitor_fail(host.engine, texts, 0), VST_OK);
    CHECK(strcmp(heard(&host, text), "OK") == 0);
    CHECK_EQ(vst_engine_drain(host.engine, VST_DRAIN_LAME_DUCK, 0), VST_OK);
    CHECK(strncmp(heard(&host, http), "HTTP/1.0 503 ", 13) == 0);
    CHECK(strcmp(heard(&host, own), "broken") == 0);

    CHECK_EQ(vst_listener_set_monitor_fail(host.engine, https, 2), VST_E_ARGUMENT);
    CHECK_EQ(vst_listener_set_monitor_fail(host.engine, 0, 1), VST_E_ARGUMENT);
    CHECK_EQ(vst_listener_set_monitor_fail(NULL, https, 1), VST_E_NULL);
    HOST_UNTIL(&host, host.wait.conns == 0);
    CHECK_EQ(vst_engine_get_counters(host.engine, &counters), VST_OK);
    CHECK(counters.monitored_total == 8 && counters.accepted_total == 8);
    CHECK(counters.refused_total == 0 && counters.sessions_total == 0 && counters.buffers_in_use == 0);
    CHECK(host.reported[VST_EVENT_REFUSED] == 0 && host.reported[VST_EVENT_CLOSED] == 0);
    CHECK_EQ(vst_listener_get_counters(host.engine, https, &of), VST_OK);
    CHECK(of.conns == 0 && of.accepted_total == 3 && of.monitored_total == 3 && of.refused_total == 0);
    CHECK_EQ(vst_listener_get_counters(host.engine, https, NULL), VST_E_NULL);
    CHECK_EQ(vst_listener_close(host.engine, https), VST_OK);
    CHECK_EQ(vst_listener_get_counters(host.engine, https, &of), VST_E_STALE);
    CHECK_EQ(vst_listener_set_monitor_fail(host.engine, https, 1), VST_E_STALE);
    host_free(&host);
}

int main(void)
{
    bad_options_are_named();
    answers(HOST_EPOLL);
    answers(HOST_EDGE);
    answers(HOST_POLL);
    answers(HOST_SELECT);
    return verdict();
}
