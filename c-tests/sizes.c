/* Structs of another size than ours: smaller ones are read up to their size and never written past,
 * larger ones are accepted while what we do not know is 0, and out-parameters are never written past.
 * Canaries are behind every one of them. */
#include "check.h"

#include <stddef.h>

#define CANARY 0xA5
#define ROOM 1024

static unsigned char room[ROOM] __attribute__((aligned(16)));

/* `size` bytes to write in, and canaries behind. */
static void *fresh(size_t size)
{
    memset(room, 0, size);
    memset(room + size, CANARY, ROOM - size);
    return room;
}

static int is_untouched_behind(size_t size)
{
    for (size_t i = size; i < ROOM; i++)
        if (room[i] != CANARY)
            return 0;
    return 1;
}

static void stamp(uint32_t size)
{
    memcpy(room, &size, sizeof size);
}

typedef vst_status (*fill)(void *to, uint32_t size);

#define FILLS(name)                                                                                \
    static vst_status fill_##name(void *to, uint32_t size)                                         \
    {                                                                                              \
        return vst_##name##_init(to, size);                                                        \
    }
FILLS(engine_options)
FILLS(accept_options)
FILLS(connect_options)
FILLS(listener_options)
FILLS(tls_server_options)
FILLS(tls_client_options)
FILLS(backend_options)
FILLS(server_options)
FILLS(link_options)
FILLS(agent_options)

static void inits(fill init, size_t size, size_t first)
{
    uint32_t is;
    fresh(size);
    CHECK_EQ(init(room, (uint32_t)size), VST_OK);
    memcpy(&is, room, sizeof is);
    CHECK_EQ(is, size);
    CHECK(is_untouched_behind(size));
    /* A later, larger version of the struct: its unknown tail becomes 0. */
    memset(room, CANARY, ROOM);
    CHECK_EQ(init(room, (uint32_t)size + 64), VST_OK);
    for (size_t i = size; i < size + 64; i++)
        CHECK_EQ(room[i], 0);
    CHECK(is_untouched_behind(size + 64));
    /* A size that no version had. */
    memset(room, CANARY, ROOM);
    CHECK_EQ(init(room, 3), VST_E_SIZE);
    CHECK_EQ(init(room, 0), VST_E_SIZE);
    CHECK(is_untouched_behind(0));
    CHECK_EQ(init(room, (uint32_t)first - 1), VST_E_SIZE);
    /* One that ends in the middle of a field. */
    CHECK_EQ(init(room, (uint32_t)size - 1), VST_E_SIZE);
    CHECK_EQ(init(room, (uint32_t)size + 1), VST_E_SIZE);
    CHECK(is_untouched_behind(0));
}

typedef vst_status (*use)(void *options);

static vst_status use_engine(void *options)
{
    vst_engine *made;
    vst_status status = vst_engine_new(options, &made, NULL, 0);
    CHECK((status == VST_OK) == (made != NULL));
    vst_engine_free(made);
    return status;
}

static vst_status use_accept(void *options)
{
    vst_accept_config *made;
    vst_status status = vst_accept_config_new(options, &made, NULL, 0);
    CHECK((status == VST_OK) == (made != NULL));
    vst_accept_config_free(made);
    return status;
}

static vst_status use_connect(void *options)
{
    vst_connect_config *made;
    vst_status status = vst_connect_config_new(options, &made, NULL, 0);
    CHECK((status == VST_OK) == (made != NULL));
    vst_connect_config_free(made);
    return status;
}

static struct host host;
static vst_id conn;

static int32_t step(void *data, vst_engine *engine, vst_step *step)
{
    (void)data, (void)engine, (void)step;
    return VST_NEXT_LATER;
}

/* A handler as a later version may have it. */
struct later_handler {
    vst_handler known;
    uint64_t more;
};

/* Handlers are in a list, so all must have the size of the first, whichever that is. */
static void lists_of_handlers(void)
{
    struct later_handler later[2] = {{{.size = sizeof *later, .step = step}, 0},
                                     {{.size = sizeof *later, .step = step}, 0}};
    vst_handler one = {.size = sizeof one, .step = step}, list[2] = {one, one};
    vst_accept_options options;
    MUST(vst_accept_options_init(&options, sizeof options) == VST_OK);
    options.handlers = list;
    options.handler_count = 2;
    CHECK_EQ(use_accept(&options), VST_OK);
    for (int i = 0; i < 2; i++) {
        list[i].size--;
        CHECK_EQ(use_accept(&options), VST_E_SIZE);
        list[i].size += 2;
        CHECK_EQ(use_accept(&options), VST_E_SIZE);
        list[i].size = 0;
        CHECK_EQ(use_accept(&options), VST_E_SIZE);
        list[i].size = sizeof *list;
    }
    options.handlers = &later->known;
    CHECK_EQ(use_accept(&options), VST_OK);
    later[1].more = 1;
    CHECK_EQ(use_accept(&options), VST_E_SIZE);
    later[1].more = 0;
    later[1].known.step = NULL;
    CHECK_EQ(use_accept(&options), VST_E_NULL);
}

static vst_status begin_tls(void *options)
{
    return vst_conn_start_tls(host.engine, conn, options, NULL, 0);
}

/* Fields that are 0 are a mistake here, which is checked once the size is valid. */
static void start_tls(void)
{
    fresh(sizeof(vst_start_tls) + 64);
    stamp(sizeof(vst_start_tls));
    CHECK_EQ(begin_tls(room), VST_E_ARGUMENT);
    stamp(sizeof(vst_start_tls) + 64);
    CHECK_EQ(begin_tls(room), VST_E_ARGUMENT);
    room[sizeof(vst_start_tls) + 63] = 1;
    CHECK_EQ(begin_tls(room), VST_E_SIZE);
    stamp(sizeof(vst_start_tls) - 1);
    CHECK_EQ(begin_tls(room), VST_E_SIZE);
    stamp(0);
    CHECK_EQ(begin_tls(room), VST_E_SIZE);
}

static vst_status use_listener(void *options)
{
    vst_accept_config *config = accepting(NULL);
    vst_id made;
    vst_status status =
        vst_listener_open(host.engine, "127.0.0.1:0", config, options, &made, NULL, NULL, 0);
    CHECK((status == VST_OK) == (made != 0));
    if (made != 0)
        CHECK_EQ(vst_listener_close(host.engine, made), VST_OK);
    vst_accept_config_free(config);
    return status;
}

static vst_status use_feed(void *args)
{
    vst_accept_config *config = accepting(NULL);
    vst_id made;
    vst_status status = vst_conn_feed(host.engine, config, args, &made, NULL, 0);
    CHECK((status == VST_OK) == (made != 0));
    if (made != 0)
        CHECK_EQ(vst_fed_closed(host.engine, made), VST_OK);
    vst_accept_config_free(config);
    return status;
}

/* No arguments of a connection have a function that fills them in: they are all zero but the size. */
static vst_status fill_feed_args(void *to, uint32_t size)
{
    memset(to, 0, size);
    memcpy(to, &size, sizeof size);
    return VST_OK;
}

static vst_status write_ask(void *to)
{
    return vst_fed_next(host.engine, to);
}

static vst_id backend;

static vst_status use_backend(void *options)
{
    vst_id made;
    vst_status status = vst_backend_new(host.engine, options, &made, NULL, 0);
    CHECK((status == VST_OK) == (made != 0));
    return status;
}

static vst_status use_server(void *options)
{
    /* A struct that is too small for its name has no name. */
    char name[16] = "";
    uint32_t size, made;
    memcpy(&size, options, sizeof size);
    if (size >= sizeof(vst_server_options)) {
        static unsigned count;
        snprintf(name, sizeof name, "%u", count++);
        ((vst_server_options *)options)->name = name;
    }
    vst_status status = vst_backend_add_server(host.engine, backend, options, &made, NULL, 0);
    CHECK((status == VST_OK) == (made != VST_NO_SERVER));
    return status;
}

static vst_status use_link(void *options)
{
    vst_id made;
    vst_status status = vst_link_open(host.engine, "unix:@nobody", NULL, options, &made, NULL, 0);
    CHECK((status == VST_OK) == (made != 0));
    if (made != 0)
        CHECK_EQ(vst_link_close(host.engine, made), VST_OK);
    return status;
}

static vst_status use_agent(void *options)
{
    vst_id made;
    vst_status status = vst_agent_new(host.engine, options, &made, NULL, 0);
    CHECK((status == VST_OK) == (made != 0));
    if (made != 0)
        CHECK_EQ(vst_agent_close(host.engine, made), VST_OK);
    return status;
}

static void reads(fill init, use take, size_t size, size_t first)
{
    fresh(size + 64);
    CHECK_EQ(init(room, (uint32_t)size), VST_OK);
    CHECK_EQ(take(room), VST_OK);
    CHECK(is_untouched_behind(size + 64));
    stamp((uint32_t)size + 64);
    CHECK_EQ(take(room), VST_OK);
    room[size + 63] = 1;
    CHECK_EQ(take(room), VST_E_SIZE);
    room[size + 63] = 0;
    room[size] = 1;
    CHECK_EQ(take(room), VST_E_SIZE);
    room[size] = 0;
    /* As an older host has it. */
    stamp((uint32_t)first);
    CHECK_EQ(take(room), VST_OK);
    stamp((uint32_t)first - 1);
    CHECK_EQ(take(room), VST_E_SIZE);
    /* One that ends in the middle of a field, of which half a pointer would be read. */
    stamp((uint32_t)size - 1);
    CHECK_EQ(take(room), VST_E_SIZE);
    stamp((uint32_t)size + 1);
    CHECK_EQ(take(room), VST_E_SIZE);
    stamp(0);
    CHECK_EQ(take(room), VST_E_SIZE);
    stamp(UINT32_MAX);
    CHECK_EQ(take(room), VST_E_SIZE);
}

static vst_status write_wait(void *to)
{
    return vst_engine_wait(host.engine, to);
}

static vst_status write_run(void *to)
{
    return vst_engine_run(host.engine, 0, to);
}

static vst_status write_counters(void *to)
{
    return vst_engine_get_counters(host.engine, to);
}

static vst_id door_id;

static vst_status write_listener_counters(void *to)
{
    return vst_listener_get_counters(host.engine, door_id, to);
}

static vst_status write_conn_info(void *to)
{
    return vst_engine_next_conn(host.engine, 0, to);
}

static vst_status write_header(void *to)
{
    return vst_conn_proxy_header(host.engine, conn, to);
}

static vst_status write_tls_info(void *to)
{
    return vst_conn_tls_info(host.engine, conn, to);
}

static vst_status write_backend_counters(void *to)
{
    return vst_backend_get_counters(host.engine, backend, to);
}

static vst_status write_server_counters(void *to)
{
    return vst_server_get_counters(host.engine, backend, 0, to);
}

static vst_status write_server(void *to)
{
    return vst_server_state(host.engine, backend, 0, to);
}

static void writes(use give, size_t size, size_t first, vst_status due)
{
    uint32_t is;
    fresh(size);
    stamp((uint32_t)size);
    CHECK_EQ(give(room), due);
    memcpy(&is, room, sizeof is);
    CHECK_EQ(is, size);
    CHECK(is_untouched_behind(size));
    /* What a later host has in addition is unknown to us: it becomes 0. */
    fresh(size + 64);
    stamp((uint32_t)size + 64);
    memset(room + size, CANARY, 64);
    CHECK_EQ(give(room), due);
    for (size_t i = size; i < size + 64; i++)
        CHECK_EQ(room[i], 0);
    CHECK(is_untouched_behind(size + 64));
    /* As an older host has it. */
    fresh(first);
    stamp((uint32_t)first);
    CHECK_EQ(give(room), due);
    CHECK(is_untouched_behind(first));
    stamp((uint32_t)first - 1);
    CHECK_EQ(give(room), VST_E_SIZE);
    stamp((uint32_t)size + 1);
    CHECK_EQ(give(room), VST_E_SIZE);
    CHECK(is_untouched_behind(first));
    stamp(0);
    CHECK_EQ(give(room), VST_E_SIZE);
    CHECK(is_untouched_behind(first));
}

/* One out-parameter of each shape, with canaries behind. */
static void outs(uint16_t port)
{
    static const char proxied[] = "PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\nahead";
    uint32_t state;
    size_t len;
    vst_addr *addr = fresh(sizeof(vst_addr));
    memset(room, CANARY, ROOM);
    CHECK_EQ(vst_conn_addrs(host.engine, conn, addr, addr + 1), VST_OK);
    CHECK(is_untouched_behind(2 * sizeof(vst_addr)));
    CHECK_EQ(addr->bytes[107], 0);
    memset(room, CANARY, ROOM);
    CHECK_EQ(vst_conn_state(host.engine, conn, (uint32_t *)room), VST_OK);
    CHECK(is_untouched_behind(sizeof state));
    memset(room, CANARY, ROOM);
    CHECK_EQ(vst_features((uint64_t *)room), VST_OK);
    CHECK(is_untouched_behind(sizeof(uint64_t)));

    /* Texts: exactly as long as reported, no NUL behind; nothing when one byte is missing. */
    memset(room, CANARY, ROOM);
    vst_addr four = {.family = VST_ADDR_IPV4, .port = 80, .len = 4, .bytes = {192, 0, 2, 1}};
    CHECK_EQ(vst_addr_text(&four, (char *)room, 12, &len), VST_OK);
    CHECK(len == 12 && memcmp(room, "192.0.2.1:80", 12) == 0 && is_untouched_behind(12));
    memset(room, CANARY, ROOM);
    CHECK_EQ(vst_addr_text(&four, (char *)room, 11, &len), VST_E_SPACE);
    CHECK(len == 12 && is_untouched_behind(0));
    CHECK_EQ(vst_conn_describe(host.engine, conn, (char *)room, 10, &len), VST_E_SPACE);
    CHECK(len > 10 && is_untouched_behind(0));
    CHECK_EQ(vst_conn_describe(host.engine, conn, NULL, 0, &len), VST_E_SPACE);

    /* A sentence is cut to its room, with its NUL. */
    vst_tls_server *none;
    memset(room, CANARY, ROOM);
    CHECK_EQ(vst_tls_server_self_signed("caf\xc3\xa9.test", &none, (char *)room, 8), VST_E_CONFIG);
    CHECK(none == NULL && strlen((char *)room) <= 7 && is_untouched_behind(8));
    memset(room, CANARY, ROOM);
    CHECK_EQ(vst_tls_server_self_signed("caf\xc3\xa9.test", &none, (char *)room, 0), VST_E_CONFIG);
    CHECK(is_untouched_behind(0));

    /* Bytes behind a header: nothing happens while there is no room for them. */
    unsigned before = host.reported[VST_EVENT_SESSION];
    int peer = dial(port), fd;
    say_text(peer, proxied);
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] > before);
    vst_id late = host.last[VST_EVENT_SESSION];
    memset(room, CANARY, ROOM);
    CHECK_EQ(vst_conn_take_fd(host.engine, late, &fd, room, 4, &len), VST_E_SPACE);
    CHECK(fd == -1 && len == 5 && is_untouched_behind(0));
    CHECK_EQ(vst_conn_recv(host.engine, late, room, 3, &len), VST_OK);
    CHECK(len == 3 && memcmp(room, "ahe", 3) == 0 && is_untouched_behind(3));
    close(peer);
}

/* An invalid size is answered before anything is done. */
static void nothing_is_done(int peer)
{
    vst_wait bad = {.size = sizeof bad - 1, .conns = 77};
    size_t len;
    vst_ready ready[2] = {{.events = VST_IO_IN}, {.events = VST_IO_IN}};
    CHECK_EQ(vst_conn_recv(host.engine, conn, room, 1, &len), VST_WAIT);
    for (int fd = 0; fd < FDS; fd++)
        if (host.watch[fd].announced && host.watch[fd].mask & VST_IO_IN
            && host.watch[fd].token != 0)
            ready[0].token = host.watch[fd].token; /* the last is that of the connection */
    ready[1] = ready[0];
    say_text(peer, "x");
    unsigned reported = host.reported[VST_EVENT_READABLE];
    CHECK_EQ(vst_engine_ready(host.engine, ready[0].token, VST_IO_IN, 0, &bad), VST_E_SIZE);
    CHECK_EQ(vst_engine_ready_batch(host.engine, ready, 1, 0, &bad), VST_E_SIZE);
    CHECK_EQ(vst_engine_ready_fd(host.engine, 0, VST_IO_IN, 0, &bad), VST_E_SIZE);
    CHECK_EQ(vst_engine_run(host.engine, 0, &bad), VST_E_SIZE);
    CHECK_EQ(vst_engine_wait(host.engine, &bad), VST_E_SIZE);
    /* Nor is anything of a list done that is not valid to its end. */
    ready[1]._reserved = 1;
    CHECK_EQ(vst_engine_ready_batch(host.engine, ready, 2, 0, NULL), VST_E_ARGUMENT);
    ready[1]._reserved = 0, ready[1].events = 1u << 31;
    CHECK_EQ(vst_engine_ready_batch(host.engine, ready, 2, 0, NULL), VST_E_ARGUMENT);
    CHECK_EQ(host.reported[VST_EVENT_READABLE], reported);
    CHECK_EQ(bad.conns, 77);
    CHECK_EQ(vst_engine_ready_batch(host.engine, ready, 1, 0, NULL), VST_OK);
    CHECK_EQ(host.reported[VST_EVENT_READABLE], reported + 1);
    CHECK_EQ(vst_conn_recv(host.engine, conn, room, 1, &len), VST_OK);
}

int main(void)
{
    uint16_t port;
    int peer;
    vst_engine_options options = host_options(&host, HOST_EPOLL);
    host_open(&host, &options);
    host.breaks_contract = 1;
    vst_accept_options door;
    vst_accept_config *config;
    vst_id id;
    vst_addr addr;
    MUST(vst_accept_options_init(&door, sizeof door) == VST_OK);
    door.accept_proxy = "any";
    MUST(vst_accept_config_new(&door, &config, NULL, 0) == VST_OK);
    MUST(vst_listener_open(host.engine, "127.0.0.1:0", config, NULL, &id, NULL, NULL, 0) == VST_OK);
    MUST(vst_listener_addr(host.engine, id, &addr) == VST_OK);
    vst_accept_config_free(config);
    port = addr.port;
    peer = dial(port);
    say_text(peer, "PROXY UNKNOWN\r\n");
    HOST_UNTIL(&host, host.reported[VST_EVENT_SESSION] == 1);
    conn = host.last[VST_EVENT_SESSION];

    inits(fill_engine_options, sizeof(vst_engine_options), offsetof(vst_engine_options, wake));
    inits(fill_accept_options, sizeof(vst_accept_options), offsetof(vst_accept_options, monitor));
    inits(fill_connect_options, sizeof(vst_connect_options),
          offsetof(vst_connect_options, handlers));
    inits(fill_listener_options, sizeof(vst_listener_options), sizeof(vst_listener_options));
    inits(fill_tls_server_options, sizeof(vst_tls_server_options), sizeof(vst_tls_server_options));
    inits(fill_tls_client_options, sizeof(vst_tls_client_options), sizeof(vst_tls_client_options));
    inits(fill_backend_options, sizeof(vst_backend_options), sizeof(vst_backend_options));
    inits(fill_server_options, sizeof(vst_server_options), sizeof(vst_server_options));
    inits(fill_link_options, sizeof(vst_link_options), 40);
    inits(fill_agent_options, sizeof(vst_agent_options), 96);
    reads(fill_link_options, use_link, sizeof(vst_link_options), 40);
    reads(fill_agent_options, use_agent, sizeof(vst_agent_options), 96);
    reads(fill_engine_options, use_engine, sizeof(vst_engine_options),
          offsetof(vst_engine_options, wake));
    reads(fill_accept_options, use_accept, sizeof(vst_accept_options),
          offsetof(vst_accept_options, monitor));
    reads(fill_connect_options, use_connect, sizeof(vst_connect_options),
          offsetof(vst_connect_options, handlers));
    reads(fill_listener_options, use_listener, sizeof(vst_listener_options),
          sizeof(vst_listener_options));
    reads(fill_feed_args, use_feed, sizeof(vst_feed_args), sizeof(vst_feed_args));
    reads(fill_backend_options, use_backend, sizeof(vst_backend_options),
          sizeof(vst_backend_options));
    vst_backend_options backend_options;
    MUST(vst_backend_options_init(&backend_options, sizeof backend_options) == VST_OK);
    MUST(vst_backend_new(host.engine, &backend_options, &backend, NULL, 0) == VST_OK);
    reads(fill_server_options, use_server, sizeof(vst_server_options), sizeof(vst_server_options));
    writes(write_backend_counters, sizeof(vst_backend_counters), sizeof(vst_backend_counters), VST_OK);
    writes(write_server_counters, sizeof(vst_backend_counters), sizeof(vst_backend_counters), VST_OK);
    writes(write_server, sizeof(vst_server_status), sizeof(vst_server_status), VST_OK);
    writes(write_wait, sizeof(vst_wait), sizeof(vst_wait), VST_OK);
    writes(write_run, sizeof(vst_wait), sizeof(vst_wait), VST_OK);
    writes(write_counters, sizeof(vst_engine_counters),
           offsetof(vst_engine_counters, monitored_total), VST_OK);
    door_id = id;
    writes(write_conn_info, sizeof(vst_conn_info), 344, VST_OK);
    writes(write_listener_counters, sizeof(vst_listener_counters), sizeof(vst_listener_counters),
           VST_OK);
    writes(write_ask, sizeof(vst_fed_ask), sizeof(vst_fed_ask), VST_NONE);
    writes(write_header, sizeof(vst_proxy_header), sizeof(vst_proxy_header), VST_OK);
    writes(write_tls_info, sizeof(vst_tls_info), sizeof(vst_tls_info), VST_NONE);
    nothing_is_done(peer);
    lists_of_handlers();
    start_tls();
    outs(port);
    host_free(&host);
    close(peer);
    return verdict();
}
