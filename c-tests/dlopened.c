/* A program that has only the library's name: it loads it, compares the version, finds every function by
 * dlsym, serves connections, and unloads it; threads that used it end afterwards. */
#include "check.h"

#include <dlfcn.h>

#define NAMES(X)                                                                                   \
    X(abi_version)                                                                                 \
    X(engine_options_init)                                                                         \
    X(engine_new)                                                                                  \
    X(engine_free)                                                                                 \
    X(engine_ready)                                                                                \
    X(engine_run)                                                                                  \
    X(engine_wait)                                                                                 \
    X(accept_options_init)                                                                         \
    X(accept_config_new)                                                                           \
    X(accept_config_free)                                                                          \
    X(tls_server_self_signed)                                                                      \
    X(tls_server_free)                                                                             \
    X(listener_open)                                                                               \
    X(listener_addr)                                                                               \
    X(conn_recv)                                                                                   \
    X(conn_send)                                                                                   \
    X(conn_close)

/* The header gives each function its type, and the library its address. */
static struct {
#define MEMBER(name) __typeof__(vst_##name) *name;
    NAMES(MEMBER)
} vst;

static int epoll_fd;
static unsigned sessions, closed;
static void *library;
/* The library stays loaded until both threads are at this point, and is unloaded before they end. */
static pthread_barrier_t used, gone;

static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old, uint32_t new, void *user)
{
    uint32_t is = new & VST_IO_RELEASED ? 0 : new;
    struct epoll_event event = {.events = to_epoll(is), .data.u64 = token};
    int op = is == 0 ? EPOLL_CTL_DEL : old == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    (void)data, (void)user;
    if (old != 0 || is != 0)
        CHECK(epoll_ctl(epoll_fd, op, fd, &event) == 0);
    return 0;
}

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    char bytes[64];
    size_t got, taken;
    (void)data;
    sessions += event->kind == VST_EVENT_SESSION;
    closed += event->kind == VST_EVENT_CLOSED;
    if (event->kind != VST_EVENT_SESSION && event->kind != VST_EVENT_READABLE)
        return;
    vst_status status;
    while ((status = vst.conn_recv(engine, event->id, bytes, sizeof bytes, &got)) == VST_OK)
        CHECK_EQ(vst.conn_send(engine, event->id, bytes, got, &taken), VST_OK);
    if (status == VST_END)
        CHECK_EQ(vst.conn_close(engine, event->id), VST_OK);
}

static void *serve(void *unused)
{
    vst_engine_options options;
    vst_accept_options accepts;
    vst_accept_config *config;
    vst_tls_server *tls = NULL;
    vst_engine *engine;
    vst_wait wait = {.size = sizeof wait};
    vst_addr addr;
    vst_id door;
    char bytes[8] = {0};
    uint64_t ends = now_ns() + PATIENCE_NS;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    MUST(vst.engine_options_init(&options, sizeof options) == VST_OK);
    options.interest = interest;
    options.event = on_event;
    MUST(vst.engine_new(&options, &engine, NULL, 0) == VST_OK);
    MUST(vst.accept_options_init(&accepts, sizeof accepts) == VST_OK);
    MUST(vst.accept_config_new(&accepts, &config, NULL, 0) == VST_OK);
    /* The cryptographic code keeps data per thread, which must not outlive that code. */
    vst_status made = vst.tls_server_self_signed("a.test", &tls, NULL, 0);
    CHECK(made == VST_OK || made == VST_E_UNSUPPORTED);
    vst.tls_server_free(tls);
    MUST(vst.listener_open(engine, "127.0.0.1:0", config, NULL, &door, NULL, NULL, 0)
         == VST_OK);
    vst.accept_config_free(config);
    MUST(vst.listener_addr(engine, door, &addr) == VST_OK);
    int peer = dial(addr.port);
    say_text(peer, "hello");
    shutdown(peer, SHUT_WR);
    while (closed == 0 && now_ns() < ends) {
        struct epoll_event event;
        if (epoll_wait(epoll_fd, &event, 1, 20) == 1)
            vst.engine_ready(engine, event.data.u64, from_epoll(event.events), 0, &wait);
        CHECK_EQ(vst.engine_run(engine, 0, &wait), VST_OK);
        /* The end is waited for on both sides. */
        if (recv(peer, bytes, sizeof bytes, MSG_DONTWAIT | MSG_PEEK) == 5)
            CHECK(hear(peer, bytes, sizeof bytes) == 5);
    }
    CHECK(sessions == 1 && closed == 1 && memcmp(bytes, "hello", 5) == 0);
    CHECK_EQ(vst.engine_free(engine), VST_OK);
    close(peer);
    close(epoll_fd);
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&gone);
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    MUST(argc == 2);
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        fprintf(stderr, "%s\n", dlerror());
    MUST(library != NULL);
#define FIND(name)                                                                                 \
    *(void **)&vst.name = dlsym(library, "vst_" #name);                                            \
    MUST(vst.name != NULL);
    NAMES(FIND)
    MUST(vst.abi_version() == VST_ABI_VERSION);
    MUST(pthread_barrier_init(&used, NULL, 2) == 0 && pthread_barrier_init(&gone, NULL, 2) == 0);
    MUST(pthread_create(&thread, NULL, serve, NULL) == 0);
    pthread_barrier_wait(&used);
    CHECK_EQ(dlclose(library), 0);
    pthread_barrier_wait(&gone);
    MUST(pthread_join(thread, NULL) == 0);
    return verdict();
}
