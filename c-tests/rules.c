/* Rules are evaluated in their phases: a refusal contains the phase and the line; the variables that
 * they set, what they capture and the backend that they choose can be read; they are replaced while
 * connections are being opened, and freed in any order. */
#include "check.h"

static vst_rules *compiled(const char *text, const vst_rules *before)
{
    char why[512] = "";
    vst_rules *rules = NULL;
    vst_status status = vst_rules_new((const uint8_t *)text, strlen(text), NULL, 0, before, &rules,
                                      why, sizeof why);
    if (status != VST_OK)
        fprintf(stderr, "%s\n", why);
    MUST(status == VST_OK && rules != NULL);
    return rules;
}

/* Opens a listener with the rules, which it keeps. */
static vst_id ruled(struct host *host, const vst_rules *rules, uint16_t *port)
{
    vst_accept_options options;
    vst_accept_config *config;
    vst_addr addr;
    vst_id door;
    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    CHECK(options.rules == NULL);
    options.rules = rules;
    MUST(vst_accept_config_new(&options, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(host->engine, "127.0.0.1:0", config, NULL, &door, NULL, NULL,
                           0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(host->engine, door, &addr) == VST_OK);
    *port = addr.port;
    return door;
}

/* The last end that was reported. */
static struct {
    uint32_t at, why;
    char text[256], captures[64];
} ended;

static void on_event(struct host *host, const vst_event *event)
{
    (void)host;
    if (event->end == NULL)
        return;
    ended.at = event->end->at;
    ended.why = event->end->why;
    snprintf(ended.text, sizeof ended.text, "%s", event->end->text);
    snprintf(ended.captures, sizeof ended.captures, "%s", event->end->captures);
}

/* A client that connects is refused by the line, and gets no byte. */
static void refused(struct host *host, uint16_t port, uint32_t at, const char *line)
{
    unsigned before = host->reported[VST_EVENT_REFUSED];
    char byte;
    int peer = dial(port);
    /* It may be closed already. */
    (void)!send(peer, "x", 1, MSG_NOSIGNAL);
    HOST_UNTIL(host, host->reported[VST_EVENT_REFUSED] > before);
    CHECK_EQ(ended.at, at);
    CHECK_EQ(ended.why, VST_WHY_DENIED);
    CHECK(strstr(ended.text, line) != NULL);
    CHECK(recv(peer, &byte, 1, 0) <= 0);
    close(peer);
}

static void every_phase_says_no(struct host *host)
{
    static const struct { const char *phase; uint32_t op; } phases[] = {
        {"accept", VST_OP_ACCEPT_RULES},
        {"connection", VST_OP_TCP_RULES},
        {"content", VST_OP_INSPECT},
        {"session", VST_OP_SESSION_RULES},
    };
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        char text[128];
        uint16_t port;
        int peer;
        snprintf(text, sizeof text, "# the second line\ntcp-request %s reject if { src 127.0.0.1 }",
                 phases[i].phase);
        vst_rules *rules = compiled(text, NULL);
        vst_id door = ruled(host, rules, &port);
        refused(host, port, phases[i].op, "line 2");
        /* The same listener without the line accepts. */
        vst_rules *none = compiled("", NULL);
        CHECK_EQ(vst_rules_replace(rules, none), VST_OK);
        vst_rules_free(rules);
        vst_rules_free(none);
        vst_id conn = session(host, port, &peer);
        CHECK_EQ(vst_conn_abort(host->engine, conn), VST_OK);
        close(peer);
        CHECK_EQ(vst_listener_close(host->engine, door), VST_OK);
    }
}

static void variables_can_be_read(struct host *host)
{
    vst_rules *rules = compiled("tcp-request connection set-var(sess.from) src\n"
                                "tcp-request connection set-var(sess.port) dst_port\n"
                                "tcp-request connection set-var(sess.local) src_is_local\n"
                                "tcp-request connection set-var(sess.door) so_name\n"
                                "tcp-request connection set-var(sess.absent) fc_pp_authority", NULL);
    uint16_t port;
    int peer;
    char value[64], number[8];
    size_t len = 99;
    vst_id door = ruled(host, rules, &port);
    vst_rules_free(rules);
    CHECK_EQ(vst_listener_set_name(host->engine, door, "d\xc3\xa9j\xc3\xa0 vu"), VST_OK);
    vst_id conn = session(host, port, &peer);
#define READ(name, size) vst_conn_variable(host->engine, conn, name, value, size, &len)
#define IS(name, due)                                                                              \
    do {                                                                                           \
        memset(value, '~', sizeof value);                                                          \
        CHECK_EQ(READ(name, sizeof value), VST_OK);                                                \
        CHECK_EQ(len, strlen(due));                                                                \
        CHECK(memcmp(value, due, strlen(due)) == 0 && value[strlen(due)] == '~');                  \
    } while (0)
    snprintf(number, sizeof number, "%u", (unsigned)port);
    IS("sess.from", "127.0.0.1");
    IS("sess.port", number);
    IS("sess.local", "1");
    IS("sess.door", "d\xc3\xa9j\xc3\xa0 vu");
    CHECK_EQ(READ("sess.absent", sizeof value), VST_NONE);
    CHECK_EQ(len, 0);
    CHECK_EQ(READ("sess.From", sizeof value), VST_NONE);
    static const char *const nobodys[] = {"", "from", "SESS.from", "sess.", "sess.a b", "proc.from"};
    for (size_t i = 0; i < sizeof nobodys / sizeof *nobodys; i++)
        CHECK_EQ(READ(nobodys[i], sizeof value), VST_E_ARGUMENT);
    memset(value, '~', sizeof value);
    CHECK_EQ(READ("sess.from", 8), VST_E_SPACE);
    CHECK_EQ(len, 9);
    CHECK(value[8] == '~');
    CHECK_EQ(READ("sess.from", 9), VST_OK);
    CHECK_EQ(READ("\xff", sizeof value), VST_E_ARGUMENT);
    len = 99;
    CHECK_EQ(vst_conn_variable(host->engine, door, "sess.from", value, sizeof value, &len), VST_E_KIND);
    CHECK_EQ(len, 0);
    CHECK_EQ(vst_conn_abort(host->engine, conn), VST_OK);
    HOST_UNTIL(host, host->last[VST_EVENT_CLOSED] == conn);
    CHECK_EQ(READ("sess.from", sizeof value), VST_E_STALE);
    close(peer);

    /* A connection without rules has no variables and chooses nothing. */
    listener(host, NULL, &port);
    conn = session(host, port, &peer);
    vst_id backend = 9;
    CHECK_EQ(READ("sess.from", sizeof value), VST_NONE);
    CHECK_EQ(vst_conn_chosen_backend(host->engine, conn, &backend), VST_NONE);
    CHECK_EQ(backend, 0);
    close(peer);
}

static void a_backend_is_chosen_by_its_name(struct host *host)
{
    vst_rules *rules = compiled("use_backend mail if { src 127.0.0.1 }", NULL);
    vst_backend_options options;
    vst_id mail, other, chosen = 9;
    uint16_t port;
    char byte, why[256];
    int peer;
    MUST(vst_backend_options_init(&options, sizeof options) == VST_OK);
    MUST(vst_backend_new(host->engine, &options, &other, NULL, 0) == VST_OK);
    MUST(vst_backend_new(host->engine, &options, &mail, NULL, 0) == VST_OK);
    vst_id door = ruled(host, rules, &port), conn = session(host, port, &peer);
#define CHOSEN() vst_conn_chosen_backend(host->engine, conn, &chosen)
#define CHECKED() vst_rules_check(host->engine, rules, why, sizeof why)
    CHECK_EQ(vst_backend_set_name(host->engine, other, "Mail"), VST_OK);
    CHECK_EQ(CHECKED(), VST_E_CONFIG);
    CHECK(strstr(why, "line 1, column 13") != NULL && strstr(why, "`mail`") != NULL);
    CHECK_EQ(vst_rules_check(host->engine, rules, NULL, 0), VST_E_CONFIG);
    CHECK_EQ(vst_backend_set_name(host->engine, mail, "mail"), VST_OK);
    CHECK_EQ(CHECKED(), VST_OK);
    CHECK_EQ(why[0], '\0');
    vst_rules_free(rules);
    CHECK_EQ(CHOSEN(), VST_OK);
    CHECK(chosen == mail);
    CHECK_EQ(vst_listener_set_name(host->engine, conn, "x"), VST_E_KIND);
    CHECK_EQ(vst_listener_set_name(host->engine, mail, "x"), VST_E_KIND);
    CHECK_EQ(vst_backend_set_name(host->engine, conn, "x"), VST_E_KIND);
    CHECK_EQ(vst_backend_set_name(host->engine, door, "x"), VST_E_KIND);

    /* No backend has the name any more: the session ends, and the record contains why. */
    CHECK_EQ(vst_backend_set_name(host->engine, mail, "post"), VST_OK);
    CHECK_EQ(CHOSEN(), VST_E_CONFIG);
    CHECK_EQ(chosen, 0);
    HOST_UNTIL(host, recv(peer, &byte, 1, MSG_DONTWAIT) == 0);
    close(peer);
    HOST_UNTIL(host, host->last[VST_EVENT_CLOSED] == conn);
    CHECK_EQ(ended.at, 0);
    CHECK_EQ(ended.why, VST_WHY_DENIED);
    CHECK(strstr(ended.text, "\"mail\"") != NULL);

    chosen = 9;
    CHECK_EQ(vst_conn_chosen_backend(host->engine, door, &chosen), VST_E_KIND);
    CHECK_EQ(chosen, 0);
    CHECK_EQ(vst_backend_set_name(host->engine, mail, "\xff"), VST_E_ARGUMENT);
    CHECK_EQ(vst_listener_close(host->engine, door), VST_OK);
    CHECK_EQ(vst_listener_set_name(host->engine, door, "x"), VST_E_STALE);
}

/* A connection that is being opened continues with the rules it began with, whatever replaces them and
 * whichever handle is freed when; the counts continue. */
static void rules_change_while_they_are_asked(struct host *host)
{
    static const char table[] = "stick-table type ip size 1k expire 1m store conn_cnt,conn_cur\n";
    char text[512], value[8];
    size_t len;
    uint16_t port;
    unsigned before;
    snprintf(text, sizeof text,
             "%stcp-request inspect-delay 1m\n"
             "tcp-request connection track-sc0 src\n"
             "tcp-request content set-var(sess.by) req.len if { req.len ge 3 }\n", table);
    vst_rules *rules = compiled(text, NULL);
    ruled(host, rules, &port);
    vst_engine_counters counters = {.size = sizeof counters};
    CHECK_EQ(vst_engine_get_counters(host->engine, &counters), VST_OK);
    uint64_t accepted = counters.accepted_total;
    int early = dial(port);
    say_text(early, "ab");
    HOST_UNTIL(host, vst_engine_get_counters(host->engine, &counters) == VST_OK &&
                     counters.accepted_total > accepted);

    snprintf(text, sizeof text,
             "%stcp-request connection track-sc0 src\n"
             "tcp-request connection set-var(sess.seen) sc0_conn_cnt\n"
             "tcp-request connection reject if { sc0_conn_cur gt 2 }\n", table);
    vst_rules *by = compiled(text, rules);
    CHECK_EQ(vst_rules_replace(rules, by), VST_OK);
    vst_rules_free(by);
    int late, third;
    vst_id conn = session(host, port, &late);
    CHECK_EQ(vst_conn_variable(host->engine, conn, "sess.seen", value, sizeof value, &len), VST_OK);
    CHECK(len == 1 && value[0] == '2');
    vst_rules_free(rules);

    /* The early one still waits for its third byte. */
    before = host->reported[VST_EVENT_SESSION];
    say_text(early, "c");
    HOST_UNTIL(host, host->reported[VST_EVENT_SESSION] > before);
    conn = host->last[VST_EVENT_SESSION];
    CHECK_EQ(vst_conn_variable(host->engine, conn, "sess.by", value, sizeof value, &len), VST_OK);
    CHECK(len == 1 && value[0] == '3');
    CHECK_EQ(vst_conn_variable(host->engine, conn, "sess.seen", value, sizeof value, &len), VST_NONE);
    CHECK_EQ(vst_conn_recv(host->engine, conn, value, sizeof value, &len), VST_OK);
    CHECK(len == 3 && memcmp(value, "abc", 3) == 0);

    /* Both are still counted, so a third is one too many; then there is room again. */
    refused(host, port, VST_OP_TCP_RULES, "line 4");
    unsigned closed = host->reported[VST_EVENT_CLOSED];
    CHECK_EQ(vst_conn_abort(host->engine, conn), VST_OK);
    HOST_UNTIL(host, host->reported[VST_EVENT_CLOSED] > closed);
    session(host, port, &third);
    close(early);
    close(late);
    close(third);
}

/* What was captured is told when a session ends, when it is refused, and when its stream ends. */
static void captures_are_told_at_the_end(struct host *host)
{
    vst_rules *rules = compiled("tcp-request session capture src len 20\n"
                                "tcp-request session capture fc_pp_authority len 20\n"
                                "tcp-request session capture dst_port len 20\n", NULL);
    uint16_t port, server_port;
    char due[64], address[32];
    int peer, to = listening(&server_port);
    ruled(host, rules, &port);
    snprintf(due, sizeof due, "127.0.0.1|-|%u", (unsigned)port);

    vst_id conn = session(host, port, &peer);
    CHECK_EQ(vst_conn_abort(host->engine, conn), VST_OK);
    HOST_UNTIL(host, host->last[VST_EVENT_CLOSED] == conn);
    CHECK(strcmp(ended.captures, due) == 0);
    close(peer);

    vst_connect_config *config = connecting(VST_SEND_PROXY_NONE);
    vst_id server, stream;
    conn = session(host, port, &peer);
    vst_connect_args args = {.size = sizeof args, .client = conn};
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)server_port);
    CHECK_EQ(vst_conn_connect(host->engine, address, config, &args, &server, NULL, 0), VST_OK);
    CHECK_EQ(vst_conn_forward(host->engine, conn, server, NULL, NULL, &stream), VST_OK);
    vst_connect_config_free(config);
    CHECK_EQ(vst_stream_abort(host->engine, stream), VST_OK);
    HOST_UNTIL(host, host->last[VST_EVENT_STREAM_END] == stream);
    CHECK(strcmp(ended.captures, due) == 0);
    close(peer);
    close(to);

    vst_rules *by = compiled("tcp-request session capture dst_port len 20\n"
                             "tcp-request session reject", rules);
    CHECK_EQ(vst_rules_replace(rules, by), VST_OK);
    vst_rules_free(by);
    vst_rules_free(rules);
    refused(host, port, VST_OP_SESSION_RULES, "line 2");
    CHECK(strcmp(ended.captures, strrchr(due, '|') + 1) == 0);
}

int main(void)
{
    struct host host;
    host_new(&host, HOST_EPOLL);
    host.hook = on_event;
    every_phase_says_no(&host);
    variables_can_be_read(&host);
    a_backend_is_chosen_by_its_name(&host);
    rules_change_while_they_are_asked(&host);
    captures_are_told_at_the_end(&host);
    host_free(&host);
    return verdict();
}
