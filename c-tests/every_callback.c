/* Every function from every callback: what is legal there acts, what is not answers VST_E_REENTRANT and
 * does nothing, and no thread waits for another.
 *
 * TLS keys are taken with a function and not reported by a callback. */
#include "check.h"

/* What a callback may call. */
enum license {
    ALL,    /* except what is legal outside callbacks only */
    NOTHING /* of what takes an engine, a loop or a waker */
};

/* What a function takes, or needs. */
enum need {
    ENGINE, /* an engine, a loop or a waker */
    OUTSIDE, /* one of them, outside callbacks */
    FREELY  /* none of them */
};

static struct {
    struct host host;
    const char *callback;
    enum license license;
    unsigned visits;
    int inside;
    vst_id door, conn, partner, backend;
    int peers[2]; /* of `conn` and `partner` */
    vst_waker *waker;
    vst_loop *built_in; /* another one, none of whose calls is running */
    vst_engine *left_engine;
    vst_loop *left_loop;
    vst_accept_config *accept;
    vst_connect_config *connect;
    vst_rules *rules;
    vst_tls_server *server;
    vst_tls_client *tls;
} scene;

enum { VISITS = 3 }; /* each causes callbacks of its own */

static void judge(const char *call, enum need need, vst_status status)
{
    int barred = need == OUTSIDE || (need == ENGINE && scene.license == NOTHING);
    if (barred == (status == VST_E_REENTRANT) && status != VST_E_PANIC && status != VST_E_POISONED)
        return;
    broken++;
    fprintf(stderr, "from %s, %s answers %d\n", scene.callback, call, status);
}

#define TRY(need, call) judge(#call, need, call)
#define DOES(call) judge(#call, FREELY, ((call), VST_OK))

static void engines(vst_engine *e)
{
    uint64_t now = now_ns();
    vst_wait wait = {.size = sizeof wait};
    vst_ready ready = {.token = scene.door, .events = VST_IO_IN};
    vst_event event = {.size = sizeof event};
    vst_engine_counters counters = {.size = sizeof counters};
    vst_drain drain = {.size = sizeof drain};
    vst_conn_info info = {.size = sizeof info};
    vst_allocator allocator = {.size = sizeof allocator};
    vst_waker *waker;
    vst_group *group;
    vst_id token;
    char text[64];
    uint64_t count;
    size_t len;
    TRY(OUTSIDE, vst_engine_free(e));
    TRY(OUTSIDE, vst_engine_next(e, &event));
    TRY(OUTSIDE, vst_engine_batch_begin(e));
    TRY(OUTSIDE, vst_engine_batch_end(e, NULL));
    TRY(ENGINE, vst_engine_ready(e, scene.conn, VST_IO_IN, now, &wait));
    TRY(ENGINE, vst_engine_ready_batch(e, &ready, 1, 0, &wait));
    TRY(ENGINE, vst_engine_ready_fd(e, 0, VST_IO_IN, 0, &wait));
    TRY(ENGINE, vst_engine_run(e, 0, &wait));
    CHECK_EQ(!!(wait.flags & VST_WAIT_NESTED), scene.license == ALL);
    TRY(ENGINE, vst_engine_wait(e, &wait));
    TRY(ENGINE, vst_engine_trace(e, VST_TRACE_ALL));
    TRY(ENGINE, vst_engine_get_counters(e, &counters));
    TRY(ENGINE, vst_engine_drain(e, VST_DRAIN_LAME_DUCK, VST_NEVER));
    TRY(ENGINE, vst_engine_drain_state(e, &drain));
    CHECK_EQ(drain.how, scene.license == ALL ? VST_DRAIN_LAME_DUCK : 0);
    TRY(ENGINE, vst_metrics_text(e, text, sizeof text, &len));
    TRY(ENGINE, vst_engine_waker(e, &waker));
    CHECK_EQ(waker != NULL, scene.license == ALL);
    TRY(ENGINE, vst_waker_post(scene.waker, scene.conn, 1, VST_NEXT_DONE, 0));
    TRY(ENGINE, vst_waker_wake(scene.waker));
    TRY(ENGINE, vst_token_conn(e, scene.conn, &token));
    TRY(ENGINE, vst_token_set_user(e, scene.conn, NULL));
    TRY(ENGINE, vst_engine_next_conn(e, 0, &info));
    TRY(FREELY, vst_set_allocator(&allocator));
    DOES(vst_event_name(VST_EVENT_SESSION));
    DOES(vst_status_name(VST_OK));
    DOES(vst_waker_free(waker));
    TRY(FREELY, vst_group_new(&group));
    DOES(vst_group_free(group));
    TRY(ENGINE, vst_listener_set_name(e, scene.door, "door"));
    TRY(ENGINE, vst_rules_check(e, scene.rules, NULL, 0));
    TRY(FREELY, vst_rules_notes(scene.rules, 0, NULL, 0, &len));
    TRY(FREELY, vst_rules_backends(scene.rules, 0, NULL, 0, &len));
    TRY(FREELY, vst_rules_unknown_backends(scene.rules, &count));
}

static void listeners(vst_engine *e)
{
    vst_listener_counters counters = {.size = sizeof counters};
    vst_addr addr;
    vst_id id;
    char text[64];
    size_t len;
    int sys;
    TRY(ENGINE, vst_listener_open(e, "127.0.0.1:0", scene.accept, NULL, &id, &sys, NULL, 0));
    CHECK_EQ(id != 0, scene.license == ALL);
    TRY(ENGINE, vst_listener_pause(e, id));
    TRY(ENGINE, vst_listener_resume(e, id));
    TRY(ENGINE, vst_listener_close(e, id));
    TRY(ENGINE, vst_listener_adopt(e, -1, scene.accept, NULL, &id, &sys, NULL, 0));
    TRY(ENGINE, vst_listener_addr(e, scene.door, &addr));
    CHECK_EQ(addr.family != VST_ADDR_NONE, scene.license == ALL);
    TRY(ENGINE, vst_listener_set_monitor_fail(e, scene.door, 0));
    TRY(ENGINE, vst_listener_get_counters(e, scene.door, &counters));
    TRY(ENGINE, vst_listener_describe(e, scene.door, text, sizeof text, &len));
}

static void connections(vst_engine *e)
{
    vst_proxy_header header = {.size = sizeof header};
    vst_tls_info info = {.size = sizeof info};
    vst_start_tls start = {.size = sizeof start, .server = scene.server};
    vst_layers layers = {.size = sizeof layers};
    vst_addr a, b;
    vst_id id;
    uint8_t bytes[64];
    char text[512];
    uint32_t state, kind;
    uint64_t in, out;
    vst_iovec piece = {.base = bytes, .len = 1};
    void *user;
    size_t len;
    int fd;
    TRY(ENGINE, vst_conn_accept_fd(e, scene.accept, -1, NULL, &id, NULL, NULL, 0));
    TRY(ENGINE, vst_conn_adopt(e, -1, NULL, &id, NULL, NULL, 0));
    TRY(ENGINE, vst_conn_connect(e, "127.0.0.1:1", scene.connect, NULL, &id, NULL, 0));
    CHECK_EQ(id != 0, scene.license == ALL);
    TRY(ENGINE, vst_conn_abort(e, id));
    TRY(ENGINE, vst_conn_peer_credentials(e, scene.conn, &state, NULL));
    TRY(ENGINE, vst_conn_addrs(e, scene.conn, &a, &b));
    TRY(ENGINE, vst_conn_socket_addrs(e, scene.conn, &a, &b));
    TRY(ENGINE, vst_conn_state(e, scene.conn, &state));
    TRY(ENGINE, vst_conn_fd(e, scene.conn, &fd));
    TRY(ENGINE, vst_conn_bytes(e, scene.conn, &in, &out));
    TRY(ENGINE, vst_conn_set_timeout(e, scene.conn, VST_NEVER));
    TRY(ENGINE, vst_conn_limit_rate(e, scene.conn, VST_SHUT_BOTH, 0, 0));
    TRY(ENGINE, vst_conn_peek(e, scene.conn, bytes, 1, &len));
    TRY(ENGINE, vst_conn_recvv(e, scene.conn, &piece, 0, &len));
    TRY(ENGINE, vst_conn_sendv(e, scene.conn, &piece, 0, &len));
    TRY(ENGINE, vst_conn_shut(e, scene.conn, &state));
    TRY(ENGINE, vst_conn_layers(e, scene.conn, &layers));
    TRY(ENGINE, vst_conn_describe(e, scene.conn, text, sizeof text, &len));
    TRY(ENGINE, vst_conn_user(e, scene.conn, &user));
    TRY(ENGINE, vst_conn_set_user(e, scene.conn, NULL));
    TRY(ENGINE, vst_conn_variable(e, scene.conn, "txn.x", bytes, sizeof bytes, &len));
    TRY(ENGINE, vst_conn_capture(e, scene.conn, 0, bytes, sizeof bytes, &len));
    TRY(ENGINE, vst_conn_chosen_backend(e, scene.conn, &id));
    TRY(ENGINE, vst_conn_proxy_header(e, scene.conn, &header));
    TRY(ENGINE, vst_conn_proxy_tlv(e, scene.conn, 0, &kind, bytes, sizeof bytes, &len));
    TRY(ENGINE, vst_conn_tls_info(e, scene.conn, &info));
    TRY(ENGINE, vst_conn_tls_text(e, scene.conn, VST_TLS_TEXT_ALPN, text, sizeof text, &len));
    TRY(ENGINE, vst_conn_tls_certificate(e, scene.conn, 0, bytes, sizeof bytes, &len));
    TRY(ENGINE, vst_handler_peek(e, scene.conn, bytes, sizeof bytes, &len));
    TRY(ENGINE, vst_handler_consume(e, scene.conn, 0));
    TRY(ENGINE, vst_handler_send(e, scene.conn, "x", 1, &len));
    TRY(ENGINE, vst_conn_handler_done(e, scene.conn, 0, VST_NEXT_DONE, 0, NULL));
    TRY(ENGINE, vst_conn_recv(e, scene.partner, bytes, sizeof bytes, &len));
    TRY(ENGINE, vst_conn_send(e, scene.partner, "hello", 5, &len));
    CHECK_EQ(len, scene.license == ALL && scene.visits == 1 ? 5 : 0);
    TRY(ENGINE, vst_conn_start_tls(e, scene.door, &start, NULL, 0));
    TRY(ENGINE, vst_conn_take_fd(e, scene.door, &fd, bytes, sizeof bytes, &len));
    TRY(ENGINE, vst_conn_forward(e, scene.door, scene.door, NULL, NULL, &id));
    TRY(ENGINE, vst_conn_forward_to(e, scene.door, scene.backend, NULL, NULL, &id));
    TRY(ENGINE, vst_stream_describe(e, scene.door, text, sizeof text, &len));
    TRY(ENGINE, vst_stream_abort(e, scene.door));
    TRY(ENGINE, vst_conn_shutdown(e, scene.partner, VST_SHUT_WRITE));
    TRY(ENGINE, vst_conn_close(e, scene.partner));
}

static void fed(vst_engine *e)
{
    vst_fed_ask ask = {.size = sizeof ask};
    vst_id id;
    char byte;
    size_t len;
    TRY(ENGINE, vst_conn_feed(e, scene.accept, NULL, &id, NULL, 0));
    CHECK_EQ(id != 0, scene.license == ALL);
    TRY(ENGINE, vst_fed_next(e, &ask));
    TRY(ENGINE, vst_fed_set_data(e, id, NULL));
    TRY(ENGINE, vst_fed_copy_unsent(e, id, 0, &byte, 1, &len));
    TRY(ENGINE, vst_fed_opened(e, id, NULL));
    TRY(ENGINE, vst_fed_failed(e, id, ECONNREFUSED));
    TRY(ENGINE, vst_fed_received(e, id, "x", 1, &len));
    CHECK_EQ(len, scene.license == ALL);
    TRY(ENGINE, vst_fed_sent(e, id, 0));
    TRY(ENGINE, vst_fed_ended(e, id));
    TRY(ENGINE, vst_fed_hung_up(e, id, ECONNRESET));
    TRY(ENGINE, vst_fed_closed(e, id));
}

static void links_and_agents(vst_engine *e)
{
    vst_agent_options options = {.size = sizeof options};
    vst_id link, agent;
    uint32_t clients, channels;
    char text[256];
    size_t len;
    TRY(ENGINE, vst_link_open(e, "unix:@nobody", NULL, NULL, &link, NULL, 0));
    CHECK_EQ(link != 0, scene.license == ALL);
    TRY(ENGINE, vst_link_accept(e, link, "x", scene.accept, NULL, NULL, 0));
    TRY(ENGINE, vst_link_stop_accepting(e, link, "x"));
    TRY(ENGINE, vst_link_describe(e, link, text, sizeof text, &len));
    TRY(ENGINE, vst_link_close(e, link));
    TRY(ENGINE, vst_agent_new(e, &options, &agent, NULL, 0));
    CHECK_EQ(agent != 0, scene.license == ALL);
    TRY(ENGINE, vst_agent_add_tls(e, agent, "x", scene.tls));
    TRY(ENGINE, vst_agent_serve(e, agent, scene.door));
    TRY(ENGINE, vst_agent_offer(e, agent, scene.conn, "x"));
    TRY(ENGINE, vst_agent_resolved(e, agent, 1, NULL, 0));
    TRY(ENGINE, vst_agent_load(e, agent, &clients, &channels));
    TRY(ENGINE, vst_agent_describe(e, agent, text, sizeof text, &len));
    TRY(ENGINE, vst_agent_drain(e, agent));
    TRY(ENGINE, vst_agent_close(e, agent));
}

static void backends(vst_engine *e)
{
    vst_backend_options backend = {.size = sizeof backend};
    vst_server_options server = {.size = sizeof server, .name = "a"};
    vst_backend_counters counters = {.size = sizeof counters};
    vst_server_status state = {.size = sizeof state};
    uint32_t number;
    vst_id id;
    char text[64];
    size_t len;
    TRY(ENGINE, vst_backend_new(e, &backend, &id, NULL, 0));
    CHECK_EQ(id != 0, scene.license == ALL);
    TRY(ENGINE, vst_backend_add_server(e, id, &server, &number, NULL, 0));
    TRY(ENGINE, vst_backend_set_name(e, id, "backend"));
    TRY(ENGINE, vst_backend_get_counters(e, id, &counters));
    TRY(ENGINE, vst_backend_describe(e, id, text, sizeof text, &len));
    TRY(ENGINE, vst_server_get_counters(e, id, 0, &counters));
    TRY(ENGINE, vst_server_state(e, id, 0, &state));
    TRY(ENGINE, vst_server_set_weight(e, id, 0, 1));
    TRY(ENGINE, vst_server_set_state(e, id, 0, VST_ADMIN_DRAIN));
    TRY(ENGINE, vst_server_set_addresses(e, id, 0, NULL, NULL, 0));
}

static void no_event(void *data, vst_engine *engine, const vst_event *event)
{
    (void)data, (void)engine, (void)event;
}

static void loops(void)
{
    vst_engine_options options = {.size = sizeof options, .event = no_event};
    vst_engine *engine;
    vst_loop *built_in;
    TRY(ENGINE, vst_loop_engine(scene.built_in, &engine));
    CHECK_EQ(engine != NULL, scene.license == ALL);
    TRY(ENGINE, vst_loop_run(scene.built_in, 0));
    TRY(FREELY, vst_loop_stop(scene.built_in));
    TRY(FREELY, vst_loop_new(&options, &built_in, NULL, NULL, 0));
    CHECK(built_in != NULL);
    TRY(ENGINE, vst_loop_free(built_in));
    if (scene.license == NOTHING) {
        CHECK_EQ(scene.left_loop != NULL, 0);
        scene.left_loop = built_in;
    }
}

static void what_needs_no_engine(void)
{
    vst_engine_options engine = {.size = sizeof engine};
    vst_accept_options accept = {.size = sizeof accept};
    vst_connect_options connect = {.size = sizeof connect};
    vst_stream_options stream = {.size = sizeof stream};
    vst_tls_server_options server = {.size = sizeof server};
    vst_tls_client_options client = {.size = sizeof client,
                                     .flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION};
    vst_listener_options listener;
    vst_backend_options backend;
    vst_server_options of_backend;
    vst_link_options link;
    vst_agent_options agent;
    vst_table_key key = {.form = VST_KEY_INTEGER, .integer = 1};
    vst_table_counters counters = {.size = sizeof counters};
    vst_table_row row = {.size = sizeof row};
    vst_addr addr = {.family = VST_ADDR_NONE};
    vst_engine *made;
    vst_accept_config *accepts;
    vst_connect_config *connects;
    vst_stream_config *streams;
    vst_tls_server *servers;
    vst_tls_client *clients;
    vst_table *table;
    vst_table_snapshot *snapshot;
    vst_rules *rules;
    uint64_t value;
    char text[512];
    size_t len;
    TRY(FREELY, vst_engine_new(&engine, &made, NULL, 0));
    CHECK(made != NULL);
    TRY(ENGINE, vst_engine_free(made));
    if (scene.license == NOTHING)
        scene.left_engine = made;
    TRY(FREELY, vst_engine_options_init(&engine, sizeof engine));
    TRY(FREELY, vst_listener_options_init(&listener, sizeof listener));
    TRY(FREELY, vst_backend_options_init(&backend, sizeof backend));
    TRY(FREELY, vst_server_options_init(&of_backend, sizeof of_backend));
    TRY(FREELY, vst_link_options_init(&link, sizeof link));
    TRY(FREELY, vst_agent_options_init(&agent, sizeof agent));
    TRY(FREELY, vst_accept_config_new(&accept, &accepts, text, sizeof text));
    DOES(vst_accept_config_free(accepts));
    TRY(FREELY, vst_accept_options_init(&accept, sizeof accept));
    TRY(FREELY, vst_connect_config_new(&connect, &connects, text, sizeof text));
    DOES(vst_connect_config_free(connects));
    TRY(FREELY, vst_connect_options_init(&connect, sizeof connect));
    TRY(FREELY, vst_stream_config_new(&stream, &streams, NULL, 0));
    DOES(vst_stream_config_free(streams));
    TRY(FREELY, vst_stream_options_init(&stream, sizeof stream));
    TRY(FREELY, vst_tls_server_new(&server, &servers, text, sizeof text));
    TRY(FREELY, vst_tls_server_options_init(&server, sizeof server));
    TRY(FREELY, vst_tls_server_self_signed("a.test", &servers, text, sizeof text));
    TRY(FREELY, vst_tls_server_not_after(servers, 0, &value));
    TRY(FREELY, vst_tls_server_take_key_log(servers, text, sizeof text, &len));
    DOES(vst_tls_server_free(servers));
    TRY(FREELY, vst_tls_client_new(&client, &clients, text, sizeof text));
    TRY(FREELY, vst_tls_client_not_after(clients, &value));
    TRY(FREELY, vst_tls_client_take_key_log(clients, text, sizeof text, &len));
    DOES(vst_tls_client_free(clients));
    TRY(FREELY, vst_tls_client_options_init(&client, sizeof client));
    TRY(FREELY, vst_table_new("t", "type integer size 10 store gpt0", &table, text, sizeof text));
    TRY(FREELY, vst_table_set(table, &key, VST_DATA_GPT0, 1, 0));
    TRY(FREELY, vst_table_get(table, &key, VST_DATA_GPT0, 0, &value));
    TRY(FREELY, vst_table_dump(table, 0, text, sizeof text, &len));
    TRY(FREELY, vst_table_get_counters(table, &counters));
    TRY(FREELY, vst_table_snapshot_new(table, 0, &snapshot));
    TRY(FREELY, vst_table_snapshot_next(snapshot, &row));
    TRY(FREELY, vst_table_snapshot_value(snapshot, VST_DATA_GPT0, &value));
    DOES(vst_table_snapshot_free(snapshot));
    TRY(FREELY, vst_table_remove(table, &key, 0));
    TRY(FREELY, vst_table_clear(table, NULL));
    DOES(vst_table_free(table));
    TRY(FREELY, vst_rules_new(NULL, 0, NULL, 0, NULL, &rules, text, sizeof text));
    TRY(FREELY, vst_rules_replace(scene.rules, rules));
    DOES(vst_rules_free(rules));
    TRY(FREELY, vst_addr_text(&addr, text, sizeof text, &len));
    TRY(FREELY, vst_addr_parse("192.0.2.1:80", &addr, NULL, 0));
    TRY(FREELY, vst_features(&value));
    DOES(vst_strerror(VST_OK));
    DOES(vst_op_name(0));
    DOES(vst_why_name(0));
    DOES(vst_version());
    DOES(vst_abi_version());
}

static void every_function(void)
{
    vst_engine *e = scene.host.engine;
    if (scene.inside || scene.visits == (scene.license == ALL ? VISITS : 1))
        return;
    scene.inside = 1;
    scene.visits++;
    engines(e);
    listeners(e);
    backends(e);
    fed(e);
    links_and_agents(e);
    loops();
    what_needs_no_engine();
    connections(e);
    scene.inside = 0;
}

/* ---- the callbacks ---- */

static void visit(const char *callback)
{
    if (scene.callback != NULL && strcmp(scene.callback, callback) == 0)
        every_function();
}

static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old, uint32_t new, void *user)
{
    host_interest(data, fd, token, old, new, user);
    visit("interest");
    return 0;
}

static int32_t fdset(void *data, int32_t fd, uint32_t dir, vst_id token, void *user)
{
    host_fdset(data, fd, dir, token, user);
    visit("fdset");
    return 0;
}

static void fdclr(void *data, int32_t fd, uint32_t dir, vst_id token, void *user)
{
    host_fdclr(data, fd, dir, token, user);
    visit("fdclr");
}

static void timer(void *data, uint64_t deadline_ns)
{
    (void)data, (void)deadline_ns;
    visit("timer");
}

static void on_event(struct host *host, const vst_event *event)
{
    (void)host, (void)event;
    visit("event");
}

static void on_ask(void *data, vst_engine *engine, const vst_fed_ask *ask)
{
    (void)data;
    CHECK(engine == scene.host.engine && ask->asks != 0);
    visit("fed");
}

static void log_line(void *data, const char *text, size_t len)
{
    (void)data;
    CHECK(len > 0 && text[0] != '\0');
    visit("log");
}

/* Every function is called in these scenes, so each has its name in a line. */
static void trace_line(void *data, uint32_t category, const char *line, size_t len)
{
    CHECK(data == &scene.host && category != 0);
    CHECK(memmem(line, len, "fn=-", 4) == NULL);
    visit("trace");
}

static int32_t step(void *data, vst_engine *engine, vst_step *step)
{
    CHECK(engine == scene.host.engine);
    step->state = data;
    visit("step");
    return VST_NEXT_DONE;
}

static void discard(void *data, void *state)
{
    CHECK(state == data);
    visit("discard");
}

static void *post(void *data)
{
    CHECK_EQ(vst_waker_post(scene.waker, scene.conn, 1, VST_NEXT_DONE, 0), VST_OK);
    return data;
}

static void post_from_elsewhere(void)
{
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, post, NULL) == 0);
    MUST(pthread_join(thread, NULL) == 0);
}

static void wake(void *data)
{
    (void)data;
    visit("wake");
    /* No code waits for this to return. */
    if (scene.callback != NULL)
        post_from_elsewhere();
}

/* ---- the scenes ---- */

static vst_id adopted(int *peer)
{
    int pair[2];
    vst_id id;
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    MUST(vst_conn_adopt(scene.host.engine, pair[0], NULL, &id, NULL, NULL, 0) == VST_OK);
    *peer = pair[1];
    return id;
}

static void begin(const char *callback, enum license license)
{
    enum host_kind kind = strncmp(callback, "fd", 2) == 0 ? HOST_SELECT : HOST_EPOLL;
    memset(&scene, 0, sizeof scene);
    scene.license = license;
    vst_engine_options options = host_options(&scene.host, kind);
    options.interest = kind == HOST_EPOLL ? interest : NULL;
    options.fdset = kind == HOST_SELECT ? fdset : NULL;
    options.fdclr = kind == HOST_SELECT ? fdclr : NULL;
    options.timer = timer;
    options.log = log_line;
    options.wake = wake;
    options.trace = trace_line;
    options.trace_categories = VST_TRACE_ALL;
    options.fed = on_ask;
    options.now_ns = strcmp(callback, "log") == 0 ? now_ns() : 0;
    scene.host.hook = on_event;
    host_open(&scene.host, &options);
    vst_engine_options plain = {.size = sizeof plain, .event = no_event};
    MUST(vst_loop_new(&plain, &scene.built_in, NULL, NULL, 0) == VST_OK);
    vst_handler handler = {.size = sizeof handler, .step = step, .discard = discard, .data = &scene};
    vst_accept_options accept = {
        .size = sizeof accept, .handlers = &handler, .handler_count = 1};
    MUST(vst_accept_config_new(&accept, &scene.accept, NULL, 0) == VST_OK);
    vst_connect_options connect = {.size = sizeof connect};
    MUST(vst_connect_config_new(&connect, &scene.connect, NULL, 0) == VST_OK);
    MUST(vst_rules_new(NULL, 0, NULL, 0, NULL, &scene.rules, NULL, 0) == VST_OK);
    MUST(vst_tls_server_self_signed("a.test", &scene.server, NULL, 0) == VST_OK);
    vst_tls_client_options client = {.size = sizeof client,
                                     .flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION};
    MUST(vst_tls_client_new(&client, &scene.tls, NULL, 0) == VST_OK);
    MUST(vst_engine_waker(scene.host.engine, &scene.waker) == VST_OK);
    vst_backend_options backend = {.size = sizeof backend};
    MUST(vst_backend_new(scene.host.engine, &backend, &scene.backend, NULL, 0) == VST_OK);
    scene.conn = adopted(&scene.peers[0]);
    scene.partner = adopted(&scene.peers[1]);
    scene.callback = callback;
}

static void let_go(void)
{
    CHECK(scene.visits > 0);
    CHECK_EQ(vst_engine_free(scene.left_engine), VST_OK);
    CHECK_EQ(vst_loop_free(scene.left_loop), VST_OK);
    CHECK_EQ(vst_loop_free(scene.built_in), VST_OK);
    vst_accept_config_free(scene.accept);
    vst_connect_config_free(scene.connect);
    vst_rules_free(scene.rules);
    vst_tls_server_free(scene.server);
    vst_tls_client_free(scene.tls);
    vst_waker_free(scene.waker);
    close(scene.peers[0]);
    close(scene.peers[1]);
}

static void end(void)
{
    scene.callback = NULL;
    host_free(&scene.host);
    let_go();
}

/* A client connects and disconnects, which causes every callback but two. */
static void from(const char *callback, enum license license)
{
    vst_addr addr;
    int peer;
    begin(callback, license);
    MUST(vst_listener_open(scene.host.engine, "127.0.0.1:0", scene.accept, NULL, &scene.door, NULL, NULL, 0)
         == VST_OK);
    MUST(vst_listener_addr(scene.host.engine, scene.door, &addr) == VST_OK);
    vst_id conn = session(&scene.host, addr.port, &peer);
    CHECK_EQ(vst_conn_close(scene.host.engine, conn), VST_OK);
    close(peer);
    HOST_UNTIL(&scene.host, scene.visits > 0);
    end();
}

/* Every connection that is fed asks at once. */
static void from_fed(void)
{
    vst_id conn;
    begin("fed", ALL);
    MUST(vst_listener_open(scene.host.engine, "127.0.0.1:0", scene.accept, NULL, &scene.door, NULL, NULL, 0)
         == VST_OK);
    for (unsigned visits = 1; visits <= VISITS; visits++) {
        MUST(vst_conn_feed(scene.host.engine, scene.accept, NULL, &conn, NULL, 0) == VST_OK);
        CHECK_EQ(scene.visits, visits);
    }
    end();
}

static void from_wake(void (*posts)(void))
{
    begin("wake", NOTHING);
    posts();
    CHECK_EQ(scene.visits, 1);
    CHECK_EQ(vst_engine_run(scene.host.engine, now_ns(), &scene.host.wait), VST_OK);
    end();
}

static void post_from_here(void)
{
    post(NULL);
}

static void from_log(void)
{
    const uint64_t jump = 2ull * 3600 * 1000000000;
    begin("log", NOTHING);
    CHECK_EQ(vst_engine_run(scene.host.engine, now_ns() + jump, &scene.host.wait), VST_OK);
    CHECK_EQ(scene.visits, 1);
    end();
}

/* While an engine is freed its poller is called, and whoever moves bytes; nothing may be called. */
static void from_the_free(const char *callback)
{
    vst_id conn;
    begin("free", NOTHING);
    vst_engine *engine = scene.host.engine;
    MUST(vst_conn_feed(engine, scene.accept, NULL, &conn, NULL, 0) == VST_OK);
    CHECK_EQ(vst_engine_run(engine, now_ns(), &scene.host.wait), VST_OK);
    CHECK(scene.host.announced > 0);
    scene.callback = callback;
    CHECK_EQ(vst_engine_free(engine), VST_OK);
    CHECK_EQ(scene.host.announced, scene.host.released);
    scene.host.engine = NULL;
    close(scene.host.epoll);
    let_go();
}

int main(void)
{
    from("interest", ALL);
    from("fdset", ALL);
    from("fdclr", ALL);
    from("timer", ALL);
    from("event", ALL);
    from("step", ALL);
    from("discard", NOTHING);
    from("trace", NOTHING);
    from_wake(post_from_here);
    from_wake(post_from_elsewhere);
    from_fed();
    from_log();
    from_the_free("interest");
    from_the_free("fed");
    return verdict();
}
