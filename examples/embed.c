#include <sys/epoll.h>
#include <vestibule.h>

static void watch(void *poll, int32_t fd, vst_id token, uint32_t old, uint32_t new)
{
    struct epoll_event e = {.data.u64 = token};
    int op = new == 0 ? EPOLL_CTL_DEL : old == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    e.events |= (new & VST_IO_IN ? EPOLLIN : 0u) | (new & VST_IO_OUT ? EPOLLOUT : 0u);
    if (!(new & VST_IO_RELEASED)) /* the library closes it next, and epoll forgets it then */
        epoll_ctl(*(int *)poll, op, fd, &e);
}
static void echo(void *poll, vst_engine *engine, const vst_event *event)
{
    char bytes[4096];
    size_t got, sent;
    vst_status s = poll ? VST_WAIT : VST_OK;
    while (event->kind == VST_EVENT_READABLE && /* gives up where whoami.c keeps what is unsent */
           (s = vst_conn_recv(engine, event->id, bytes, sizeof bytes, &got)) == VST_OK &&
           vst_conn_send(engine, event->id, bytes, got, &sent) == VST_OK && sent == got) {}
    if (s != VST_WAIT) vst_conn_close(engine, event->id); /* the last bytes, TLS's end, the FIN */
}
int main(int argc, char **argv) /* embed ADDR:PORT [CERTIFICATE-AND-KEY] */
{
    int poll = epoll_create1(EPOLL_CLOEXEC), n;
    vst_identity id = {.chain.file = argc > 2 ? argv[2] : NULL};
    vst_engine_options eo; vst_tls_server_options to; vst_accept_options ao;
    vst_tls_server *tls = NULL; vst_accept_config *config; vst_engine *engine; vst_id listener;
    vst_engine_options_init(&eo, sizeof eo); vst_tls_server_options_init(&to, sizeof to);
    vst_accept_options_init(&ao, sizeof ao);
    eo.data = &poll; eo.interest = watch; eo.event = echo; to.identities = &id; to.identity_count = 1;
    if (argc < 2 || (argc > 2 && vst_tls_server_new(&to, &tls, NULL, 0))) return 1;
    ao.tls = tls;
    if (vst_accept_config_new(&ao, &config, NULL, 0) || vst_engine_new(&eo, &engine) ||
        vst_listener_open(engine, argv[1], config, NULL, &listener, NULL)) return 1;
    for (vst_wait wait = {.size = sizeof wait}; vst_engine_run(engine, 0, &wait) == VST_OK;) {
        struct epoll_event e; /* a real host waits until wait.deadline_ns: see host.c */
        for (n = wait.flags & VST_WAIT_RUNNABLE ? 0 : 100; epoll_wait(poll, &e, 1, n) > 0; n = 0)
            vst_engine_ready(engine, e.data.u64, e.events & (EPOLLIN | EPOLLOUT), 0, NULL);
    }
}
