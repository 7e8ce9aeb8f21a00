/* A checked engine notices calls that a host does not make, errors that it does not look at, callbacks that
 * take long, and a child process that calls. */
#include "checker.h"

static struct checked checked;
static struct host *const host = &checked.host;

static vst_accept_config *config;

static vst_id feed(void)
{
    vst_id conn;
    MUST(vst_conn_feed(host->engine, config, NULL, &conn, NULL, 0) == VST_OK);
    return conn;
}

/* Drive calls that are not vst_engine_run: a hundred, and one after so long. */
static void idle_calls(uint64_t ns)
{
    vst_id token = host->watch[announced_fd(host, 1)].token;
    for (int i = 0; i < 100; i++)
        CHECK_EQ(vst_engine_wait(host->engine, &host->wait), VST_OK);
    SILENT(&checked);
    checked.clock += ns;
    CHECK_EQ(hand_in(&checked, token, 0), VST_OK);
}

static void ignore_ask(void *data, vst_engine *engine, const vst_fed_ask *ask)
{
    (void)data, (void)engine, (void)ask;
}

/* Many events are caused in a callback, and each drive call reports one. */
static void feed_many(struct host *fed, const vst_event *event)
{
    if (event->kind == VST_EVENT_SESSION && fed->reported[VST_EVENT_SESSION] == 1)
        for (int i = 0; i < 300; i++)
            feed();
}

static void never_run(void)
{
    uint16_t port;
    vst_engine_options options = checked_options(&checked, HOST_POLL);
    options.events_per_drive = 1;
    options.fed = ignore_ask;
    host_open(host, &options);
    listener(host, NULL, &port);
    host->hook = feed_many;
    feed();
    idle_calls(2500 * MS);
    CHECK(host->wait.flags & VST_WAIT_RUNNABLE);
    SAID(&checked, "the engine has been RUNNABLE for 2.5 s and 101 drive calls, none of which was "
         "vst_engine_run: call it before waiting while vst_wait has VST_WAIT_RUNNABLE");
    pass(&checked, SECOND);
    SILENT(&checked);
    host_free(host);
}

static void not_pulled(void)
{
    vst_engine_options options = checked_options(&checked, HOST_POLL);
    uint16_t port;
    int peer;
    options.event = NULL;
    host_open(host, &options);
    listener(host, NULL, &port);
    peer = dial(port);
    MUST(wait_for(announced_fd(host, 1), POLLIN));
    round_of(&checked);
    idle_calls(2500 * MS);
    SAID(&checked, "events have waited for 2.5 s and 103 drive calls, and vst_engine_next was not "
         "called: call it until it returns VST_NONE before waiting");
    close(peer);
    host_free(host);
}

static void asks_not_taken(void)
{
    uint16_t port;
    checked_new(&checked, HOST_POLL);
    listener(host, NULL, &port);
    feed();
    idle_calls(2500 * MS);
    SAID(&checked, "asks of fed connections have waited for 2.5 s and 101 drive calls, and vst_fed_next "
         "was not called: call it until it returns VST_NONE before waiting");
    host_free(host);
}

static void batch_not_ended(void)
{
    uint16_t port;
    checked_new(&checked, HOST_POLL);
    listener(host, NULL, &port);
    CHECK_EQ(vst_engine_batch_begin(host->engine), VST_OK);
    idle_calls(10500 * MS);
    SAID(&checked, "a batch has been open for 10.5 s and 101 drive calls, so that no interest is "
         "reported and no descriptor closed: call vst_engine_batch_end after the results of each "
         "poll");
    CHECK_EQ(vst_engine_batch_end(host->engine, NULL), VST_OK);
    host_free(host);
}

/* Time passes in the callback. */
static void take_long(struct host *slow, const vst_event *event)
{
    if (event->kind == VST_EVENT_SESSION)
        CHECK_EQ(vst_engine_run(slow->engine, checked.clock += 1500 * MS, NULL), VST_OK);
}

static void slow_callback(void)
{
    uint16_t port;
    int fd, peer;
    checked_new(&checked, HOST_POLL);
    host->hook = take_long;
    listener(host, NULL, &port);
    checked_session(&checked, port, &fd, &peer);
    SAID(&checked, "the callback event took 1.5 s, in which no other connection of the engine was "
         "served: do such work on another thread, or in parts");
    close(peer);
    host_free(host);
}

static void status_ignored(void)
{
    checked_new(&checked, HOST_POLL);
    for (int i = 0; i < 16; i++) {
        CHECK_EQ(vst_engine_ready(host->engine, 0, 0, checked.clock, NULL), VST_E_ARGUMENT);
        if (i == 0)
            checked.sentences = 0; /* what is wrong with it has a sentence too */
        if (i < 15)
            SILENT(&checked);
    }
    SAID(&checked, "16 drive calls in a row returned -2 (%s): look at what drive calls return",
         vst_strerror(VST_E_ARGUMENT));
    host_free(host);
}

static void forked(void)
{
    pid_t child;
    int status;
    checked_new(&checked, HOST_POLL);
    child = fork();
    MUST(child >= 0);
    if (child == 0) {
        CHECK_EQ(vst_engine_run(host->engine, checked.clock, NULL), VST_E_THREAD);
        SAID(&checked, "a call was made in a child process on an engine of its parent, and returned "
             "VST_E_THREAD: a child that does not exec makes an engine of its own");
        CHECK_EQ(vst_engine_free(host->engine), VST_E_THREAD);
        SILENT(&checked);
        /* Not _exit: valgrind would count what the engine holds, which the child may not free. */
        execlp(broken ? "false" : "true", "child", (char *)NULL);
        _exit(2);
    }
    MUST(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    pass(&checked, SECOND);
    SILENT(&checked);
    host_free(host);
}

/* There would be nobody to report to. */
static void needs_a_log(void)
{
    vst_engine_options options = checked_options(&checked, HOST_POLL);
    vst_engine *engine;
    char why[128];
    options.log = NULL;
    CHECK_EQ(vst_engine_new(&options, &engine, why, sizeof why), VST_E_ARGUMENT);
    CHECK(strcmp(why, "log: it is missing, and VST_ENGINE_CHECKED reports there") == 0);
}

int main(void)
{
    config = accepting(NULL);
    never_run();
    not_pulled();
    asks_not_taken();
    batch_not_ended();
    slow_callback();
    status_ignored();
    forked();
    needs_a_log();
    vst_accept_config_free(config);
    return verdict();
}
