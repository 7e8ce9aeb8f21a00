/* A host over select, which knows descriptors by their numbers alone. See server.h. */
#define _GNU_SOURCE
#include "server.h"

#include <sys/select.h>
#include <time.h>

static fd_set reading, writing;
static int fds; /* one more than the highest that was watched */

static void fdset(void *data, int32_t fd, uint32_t dir, vst_id token)
{
    (void)data;
    (void)token;
    if (fd >= FD_SETSIZE)
        die("descriptor %d is beyond FD_SETSIZE", fd);
    if (fd >= fds)
        fds = fd + 1;
    if (dir == VST_IO_IN)
        FD_SET(fd, &reading);
    else if (dir == VST_IO_OUT)
        FD_SET(fd, &writing);
    /* select has nothing for VST_IO_HANGUP: then nothing is watched. */
}

static void fdclr(void *data, int32_t fd, uint32_t dir, vst_id token)
{
    (void)data;
    (void)token;
    if (dir & (VST_IO_IN | VST_IO_RELEASED))
        FD_CLR(fd, &reading);
    if (dir & (VST_IO_OUT | VST_IO_RELEASED))
        FD_CLR(fd, &writing);
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv);
    const sigset_t *unblocked = server_hold_sigterm();
    vst_wait wait = {.size = sizeof wait};
    vst_engine *engine;

    options.flags = VST_ENGINE_BY_FD;
    options.fdset = fdset;
    options.fdclr = fdclr;
    engine = server_engine(&options);
    server_listen(engine);
    vst_engine_wait(engine, &wait);
    while (server_goes_on(engine, &wait)) {
        uint64_t now, most = wait_ns(&wait);
        struct timespec bound = {.tv_sec = (time_t)(most / NS_PER_S), .tv_nsec = (long)(most % NS_PER_S)};
        fd_set in = reading, out = writing;
        int n = pselect(fds, &in, &out, NULL, most == VST_NEVER ? NULL : &bound, unblocked);

        now = now_ns();
        /* Nothing is closed until the end of the batch, so a number in the results means one descriptor. */
        vst_engine_batch_begin(engine);
        for (int fd = 0; n > 0 && fd < fds; fd++) {
            uint32_t io = (FD_ISSET(fd, &in) ? VST_IO_IN : 0u) | (FD_ISSET(fd, &out) ? VST_IO_OUT : 0u);

            if (io != 0)
                vst_engine_ready_fd(engine, fd, io, now, NULL);
        }
        vst_engine_batch_end(engine);
        vst_engine_run(engine, now, &wait); /* also for its wait: the end of a batch writes none */
    }
    vst_engine_free(engine);
    return 0;
}
