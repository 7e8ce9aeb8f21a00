/* A host over poll. See server.h. */
#define _GNU_SOURCE
#include "poll_mask.h"
#include "server.h"

#include <errno.h>
#include <time.h>

enum { FDS_MOST = 65536 };

/* By descriptor: what poll watches, and the token. poll skips the entries whose fd is negative. */
static struct pollfd polled[FDS_MOST];
static vst_id tokens[FDS_MOST];
static vst_ready ready[FDS_MOST];
static int32_t fds; /* one more than the highest that was watched */

/* Called only at the end of vst_engine_ready_batch, when all of polled has been looked at: so no result is
 * taken for one of a newer descriptor with the same number. */
static int32_t interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask, void *user)
{
    (void)data, (void)old_mask, (void)user;
    if (fd >= FDS_MOST)
        return EMFILE;
    while (fds <= fd)
        polled[fds++].fd = -1;
    tokens[fd] = token;
    polled[fd].events = (short)to_poll(new_mask);
    /* An empty mask must go, too: poll reports errors and hang-ups also for that, without end. */
    polled[fd].fd = polled[fd].events != 0 ? fd : -1;
    return 0;
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv, NULL);
    vst_wait wait = {.size = sizeof wait};
    vst_engine *engine;

    options.interest = interest;
    engine = server_engine(&options);
    server_listen(engine);
    vst_engine_wait(engine, &wait);
    while (server_goes_on()) {
        uint64_t now, most = wait_ns(&wait);
        struct timespec bound = {.tv_sec = (time_t)(most / NS_PER_S), .tv_nsec = (long)(most % NS_PER_S)};
        int n = ppoll(polled, (nfds_t)fds, most == VST_NEVER ? NULL : &bound, NULL);
        size_t count = 0;

        for (int32_t fd = 0; n > 0 && fd < fds; fd++)
            if (polled[fd].fd >= 0 && polled[fd].revents != 0)
                ready[count++] = (vst_ready){.token = tokens[fd], .events = from_poll((uint32_t)polled[fd].revents)};
        now = now_ns();
        if (count > 0)
            vst_engine_ready_batch(engine, ready, count, now, &wait);
        if ((wait.flags & VST_WAIT_RUNNABLE) || wait.deadline_ns <= now)
            vst_engine_run(engine, now, &wait);
    }
    vst_engine_free(engine);
    return 0;
}
