/* Engines of a group, each in a thread of its own: one checks the server that all have, each reports what it
 * found; what the host sets in one counts in all; the metrics are those of all, and count what a member that
 * is freed had counted. */
#include "backend.h"

enum { MEMBERS = 3, TEXT = 65536 };

struct member {
    pthread_t thread;
    vst_loop *loop;
    vst_engine *engine;
    vst_waker *waker;
    vst_id backend;
    uint16_t port; /* what the text is served at */
    /* Shared with the thread of main, under `lock`. */
    void (*what)(struct member *); /* to be done in the engine's thread */
    int asks; /* the text of the metrics is wanted */
    unsigned downs, ups;
    vst_server_status server;
    char text[TEXT];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static vst_group *group;

/* Waits for a condition, with the lock held. */
#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        struct timespec end_;                                                                      \
        clock_gettime(CLOCK_REALTIME, &end_);                                                      \
        end_.tv_sec += (time_t)(PATIENCE_NS / 1000000000);                                         \
        while (!(condition))                                                                       \
            MUST(pthread_cond_timedwait(&changed, &lock, &end_) == 0);                             \
    } while (0)

static void fetch(struct member *member)
{
    size_t len = 0;
    vst_status status = vst_metrics_text(member->engine, member->text, TEXT - 1, &len);
    CHECK(status == VST_OK || (status == VST_WAIT && len == 0));
    member->text[len] = 0;
    member->asks = status == VST_WAIT;
}

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    struct member *member = data;
    pthread_mutex_lock(&lock);
    CHECK(engine == member->engine);
    member->downs += event->kind == VST_EVENT_SERVER_DOWN;
    member->ups += event->kind == VST_EVENT_SERVER_UP;
    if (event->kind == VST_EVENT_SERVER_DOWN || event->kind == VST_EVENT_SERVER_UP)
        CHECK_EQ(event->reason, VST_REASON_CHECKS);
    if (event->kind == VST_EVENT_WOKEN && member->asks)
        fetch(member);
    if (event->kind == VST_EVENT_WOKEN && member->what != NULL) {
        member->what(member);
        member->what = NULL;
    }
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

/* Does something in the thread of a member. */
static void in_thread(struct member *member, void (*what)(struct member *))
{
    member->what = what;
    CHECK_EQ(vst_waker_wake(member->waker), VST_OK);
    UNTIL(member->what == NULL);
}

static void look(struct member *member)
{
    member->server.size = sizeof member->server;
    CHECK_EQ(vst_server_state(member->engine, member->backend, 0, &member->server), VST_OK);
}

static void drain_server(struct member *member)
{
    CHECK_EQ(vst_server_set_state(member->engine, member->backend, 0, VST_ADMIN_DRAIN), VST_OK);
    CHECK_EQ(vst_server_set_weight(member->engine, member->backend, 0, 9), VST_OK);
}

/* A listener that serves the text to everybody. */
static void serve_text(struct member *member)
{
    vst_monitor_options monitor = {.size = sizeof monitor,
                                   .flags = VST_MONITOR_EVERYONE,
                                   .answer = VST_MONITOR_ANSWER_METRICS};
    vst_accept_options options = {.size = sizeof options, .monitor = &monitor};
    vst_accept_config *config;
    vst_addr addr;
    vst_id id;
    MUST(vst_accept_config_new(&options, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(member->engine, "127.0.0.1:0", config, NULL, &id, NULL, NULL, 0) == VST_OK);
    vst_accept_config_free(config);
    MUST(vst_listener_addr(member->engine, id, &addr) == VST_OK);
    member->port = addr.port;
}

static void *run(void *data)
{
    struct member *member = data;
    CHECK_EQ(vst_loop_run(member->loop, VST_NEVER), VST_OK);
    vst_waker_free(member->waker);
    CHECK_EQ(vst_loop_free(member->loop), VST_OK);
    return NULL;
}

static void begin(struct member *member, uint16_t port)
{
    vst_engine_options options = {
        .size = sizeof options, .data = member, .event = on_event, .group = group};
    vst_backend_options backend = backend_defaults();
    vst_server_options server = server_defaults();
    char address[32];
    uint32_t number;
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    server.name = "one";
    server.addresses = address;
    server.flags = VST_SERVER_CHECK;
    server.check_interval_ns = 10 * MS;
    MUST(vst_loop_new(&options, &member->loop, NULL, NULL, 0) == VST_OK);
    MUST(vst_loop_engine(member->loop, &member->engine) == VST_OK);
    MUST(vst_engine_waker(member->engine, &member->waker) == VST_OK);
    MUST(vst_backend_new(member->engine, &backend, &member->backend, NULL, 0) == VST_OK);
    MUST(vst_backend_set_name(member->engine, member->backend, "shared") == VST_OK);
    MUST(vst_backend_add_server(member->engine, member->backend, &server, &number, NULL, 0) == VST_OK);
    serve_text(member);
    MUST(pthread_create(&member->thread, NULL, run, member) == 0);
}

static void end(struct member *member)
{
    CHECK_EQ(vst_loop_stop(member->loop), VST_OK);
    pthread_mutex_unlock(&lock);
    MUST(pthread_join(member->thread, NULL) == 0);
    pthread_mutex_lock(&lock);
}

/* A number of the text; -1 if it is not there. */
static long long number_in(const char *text, const char *sample)
{
    const char *found = strstr(text, sample);
    return found == NULL ? -1 : strtoll(found + strlen(sample), NULL, 10);
}

static const char *const FAILED_CHECKS =
    "\nvestibule_server_checks_failed_total{backend=\"shared\",number=\"0\",server=\"one\"} ";

/* What a monitor is told, over a connection that main waits for. */
static void scrape(uint16_t port, char *text)
{
    struct pollfd wait = {.events = POLLIN};
    size_t len = 0;
    ssize_t got = 1;
    wait.fd = dial(port);
    say_text(wait.fd, "GET /metrics HTTP/1.0\r\n\r\n");
    while (got != 0) {
        MUST(poll(&wait, 1, (int)(PATIENCE_NS / MS)) == 1);
        got = recv(wait.fd, text + len, TEXT - 1 - len, MSG_DONTWAIT);
        MUST(got >= 0 || errno == EAGAIN);
        len += got > 0 ? (size_t)got : 0;
    }
    text[len] = 0;
    close(wait.fd);
}

/* A handle of another kind is no group. */
static void wrong_handle(void)
{
    vst_accept_config *config = accepting(NULL);
    vst_engine_options options = {.size = sizeof options, .group = (vst_group *)(void *)config};
    vst_engine *engine = (void *)config;
    char why[128];
    CHECK_EQ(vst_engine_new(&options, &engine, why, sizeof why), VST_E_KIND);
    CHECK(engine == NULL);
    CHECK(strncmp(why, "group", 5) == 0);
    vst_accept_config_free(config);
}

int main(void)
{
    static struct member members[MEMBERS];
    static char text[TEXT];
    uint16_t port;
    int held = reserved(&port);
    MUST(vst_group_new(&group) == VST_OK);
    wrong_handle();
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MEMBERS; i++)
        begin(&members[i], port);
    vst_group_free(group); /* the members keep it */

    /* Nothing listens there, which one of them finds out; then something does. */
    for (int i = 0; i < MEMBERS; i++)
        UNTIL(members[i].downs == 1);
    int door = opened(port);
    for (int i = 0; i < MEMBERS; i++)
        UNTIL(members[i].ups == 1);

    in_thread(&members[1], drain_server);
    uint64_t patience_ends = now_ns() + PATIENCE_NS;
    for (int i = 0; i < MEMBERS; i++)
        do {
            in_thread(&members[i], look);
            MUST(now_ns() < patience_ends);
        } while (members[i].server.state != VST_ADMIN_DRAIN || members[i].server.weight != 9);

    in_thread(&members[0], fetch);
    UNTIL(!members[0].asks);
    long long failed = number_in(members[0].text, FAILED_CHECKS);
    CHECK(failed >= 3);
    pthread_mutex_unlock(&lock);
    scrape(members[2].port, text);
    pthread_mutex_lock(&lock);
    CHECK_EQ(number_in(text, FAILED_CHECKS), failed);
    CHECK_EQ(number_in(text, "\nvestibule_monitored_total "), 0);

    /* The one that checks is freed: another does, and its checks still count. */
    end(&members[0]);
    close(door);
    for (int i = 1; i < MEMBERS; i++)
        UNTIL(members[i].downs == 2);
    in_thread(&members[2], fetch);
    UNTIL(!members[2].asks);
    CHECK(number_in(members[2].text, FAILED_CHECKS) >= failed + 3);
    CHECK_EQ(number_in(members[2].text, "\nvestibule_monitored_total "), 1);
    end(&members[1]);
    end(&members[2]);
    pthread_mutex_unlock(&lock);
    close(held);
    return verdict();
}
