#include <errno.h>
#include <sys/epoll.h>
#include <vestibule.h>

static int32_t watch(void *poll, int32_t fd, vst_id token, uint32_t old_mask, uint32_t mask, void *user)
{
    struct epoll_event e = {.data.u64 = token};
    int op = mask == 0 ? EPOLL_CTL_DEL : old_mask == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    (void)user; e.events |= (mask & VST_IO_IN ? EPOLLIN : 0u) | (mask & VST_IO_OUT ? EPOLLOUT : 0u);
    if (mask & VST_IO_RELEASED) return 0; /* the library closes it next, and epoll forgets it then */
    return epoll_ctl(*(int *)poll, op, fd, &e) == 0 ? 0 : errno;
}
static void echo(void *poll, vst_engine *engine, const vst_event *event)
{
    char bytes[4096];
    size_t got, sent;
    vst_status s = event->kind == VST_EVENT_READABLE ? VST_OK : VST_WAIT;
    while (s == VST_OK) {
        s = vst_conn_recv(engine, event->id, bytes, sizeof bytes, &got);
        if (s == VST_OK && (vst_conn_send(engine, event->id, bytes, got, &sent) || sent < got))
            s = VST_END; /* a reader too slow for us: whoami.c keeps the rest for it */
    }
    if (s != VST_WAIT) vst_conn_close(engine, event->id); /* the last bytes, TLS's end, the FIN */
    (void)poll;
}
int main(int argc, char **argv) /* embed ADDR:PORT [tls] */
{
    int poll = epoll_create1(0); struct epoll_event e; vst_wait wait = {.size = sizeof wait};
    vst_engine_options options = {.size = sizeof options, .data = &poll, .interest = watch, .event = echo};
    vst_tls_server *tls = NULL; vst_accept_config *config; vst_engine *engine; vst_id listener;
    if (argc > 2 && vst_tls_server_self_signed("localhost", &tls, NULL, 0)) return 1;
    vst_accept_options accept = {.size = sizeof accept, .tls = tls}; /* zero is the default, everywhere */
    if (argc < 2 || vst_accept_config_new(&accept, &config, NULL, 0) ||
        vst_engine_new(&options, &engine, NULL, 0) ||
        vst_listener_open(engine, argv[1], config, NULL, &listener, NULL, NULL, 0)) return 1;
    while (vst_engine_run(engine, 0, &wait) == VST_OK) /* host.c waits until wait.deadline_ns */
        if (epoll_wait(poll, &e, 1, wait.flags & VST_WAIT_RUNNABLE ? 0 : 100) == 1)
            vst_engine_ready(engine, e.data.u64, (e.events & ~EPOLLOUT ? VST_IO_IN : 0u) |
                             (e.events & ~EPOLLIN ? VST_IO_OUT : 0u), 0, NULL);
}
