/* The counters of the engine as text: copied out completely or not at all, and served by a listener that
 * does nothing else. */
#include "check.h"

#define CANARY 0x5a

/* The text, in memory of its own. */
static char *metrics(struct host *host)
{
    size_t len = 0, again = 0;
    char *text;
    CHECK_EQ(vst_metrics_text(host->engine, NULL, 0, &len), VST_E_SPACE);
    MUST(len > 0);
    text = malloc(len + 1);
    memset(text, CANARY, len + 1);
    CHECK_EQ(vst_metrics_text(host->engine, text, len - 1, &again), VST_E_SPACE);
    CHECK(again == len && text[0] == CANARY);
    CHECK_EQ(vst_metrics_text(host->engine, text, len, &again), VST_OK);
    CHECK(again == len && text[len] == CANARY && text[len - 1] == '\n');
    text[len] = 0;
    return text;
}

static int has(const char *text, const char *line)
{
    const char *found = strstr(text, line);
    return found != NULL && (found == text || found[-1] == '\n');
}

int main(void)
{
    vst_monitor_options monitor = {.size = sizeof monitor,
                                   .flags = VST_MONITOR_EVERYONE,
                                   .answer = VST_MONITOR_ANSWER_METRICS};
    vst_accept_options options;
    vst_accept_config *config;
    vst_addr addr;
    vst_id id;
    struct host host;
    uint16_t port;
    int peer, scraper;
    size_t len = 1;
    ssize_t n = 1;
    char *text, all[32768];

    host_new(&host, HOST_EPOLL);
    listener(&host, NULL, &port);
    session(&host, port, &peer);
    text = metrics(&host);
    CHECK(has(text, "vestibule_sessions_total 1\n"));
    CHECK(has(text, "vestibule_connections 1\n"));
    CHECK(has(text, "vestibule_op_passed_total{op=\"ACCEPT_SESSION\"} 1\n"));
    free(text);

    CHECK_EQ(vst_metrics_text(NULL, NULL, 0, &len), VST_E_NULL);
    CHECK_EQ(len, 0);
    CHECK_EQ(vst_metrics_text(host.engine, all, sizeof all, NULL), VST_E_NULL);

    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    options.monitor = &monitor;
    MUST(vst_accept_config_new(&options, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(host.engine, "127.0.0.1:0", config, NULL, &id, NULL, NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host.engine, id, &addr) == VST_OK);
    scraper = dial(addr.port);
    say(scraper, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 34);
    for (len = 0; n > 0; len += (size_t)n)
        HOST_UNTIL(&host, (n = hear(scraper, all + len, sizeof all - 1 - len)) >= 0);
    all[len] = 0;
    CHECK(strncmp(all, "HTTP/1.0 200 OK\r\n", 17) == 0);
    CHECK(has(all, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    CHECK(has(all, "vestibule_connections 2\n"));
    close(scraper);
    close(peer);
    host_free(&host);
    return verdict();
}
