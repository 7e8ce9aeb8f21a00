/* A host over select, which knows descriptors by their numbers alone. See server.h. */
#define _GNU_SOURCE
#include "server.h"

#include <errno.h>
#include <sys/select.h>
#include <time.h>

static fd_set reading, writing;
static int fds; /* one more than the highest that was watched */

/* A connection that is refused here ends, and a listener tries again later. */
static int32_t fdset(void *data, int32_t fd, uint32_t dir, vst_id token, void *user)
{
    (void)data, (void)token, (void)user;
    if (fd >= FD_SETSIZE)
        return EMFILE;
    if (fd >= fds)
        fds = fd + 1;
    if (dir == VST_IO_IN)
        FD_SET(fd, &reading);
    else if (dir == VST_IO_OUT)
        FD_SET(fd, &writing);
    return 0; /* select has nothing for VST_IO_HANGUP: then nothing is watched */
}

static void fdclr(void *data, int32_t fd, uint32_t dir, vst_id token, void *user)
{
    (void)data, (void)token, (void)user;
    if (dir & (VST_IO_IN | VST_IO_RELEASED))
        FD_CLR(fd, &reading);
    if (dir & (VST_IO_OUT | VST_IO_RELEASED))
        FD_CLR(fd, &writing);
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv, NULL);
    vst_wait wait = {.size = sizeof wait};
    vst_engine *engine;

    options.flags = VST_ENGINE_BY_FD;
    options.fdset = fdset;
    options.fdclr = fdclr;
    engine = server_engine(&options);
    server_listen(engine);
    vst_engine_wait(engine, &wait);
    while (server_goes_on()) {
        uint64_t now, most = wait_ns(&wait);
        struct timespec bound = {.tv_sec = (time_t)(most / NS_PER_S), .tv_nsec = (long)(most % NS_PER_S)};
        fd_set in = reading, out = writing;
        int n = pselect(fds, &in, &out, NULL, most == VST_NEVER ? NULL : &bound, NULL);

        now = now_ns();
        /* Nothing is closed until the end of the batch, so a number in the results means one descriptor. */
        vst_engine_batch_begin(engine);
        for (int fd = 0; n > 0 && fd < fds; fd++) {
            uint32_t io = (FD_ISSET(fd, &in) ? VST_IO_IN : 0u) | (FD_ISSET(fd, &out) ? VST_IO_OUT : 0u);

            if (io != 0)
                vst_engine_ready_fd(engine, fd, io, now, NULL);
        }
        vst_engine_batch_end(engine, &wait);
        if ((wait.flags & VST_WAIT_RUNNABLE) || wait.deadline_ns <= now)
            vst_engine_run(engine, now, &wait);
    }
    vst_engine_free(engine);
    return 0;
}
