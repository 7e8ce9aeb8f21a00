/* A host over poll. See server.h. */
#define _GNU_SOURCE
#include "poll_mask.h"
#include "server.h"

#include <stdlib.h>
#include <time.h>

/* By descriptor: what poll watches, and the token. poll skips the entries whose fd is negative. */
static struct pollfd *polled;
static vst_id *tokens;
static vst_ready *ready;
static size_t size;

/* Called only at the end of vst_engine_ready_batch, when all of polled has been looked at: so no result is
 * taken for one of a newer descriptor with the same number. */
static void interest(void *data, int32_t fd, vst_id token, uint32_t old_mask, uint32_t new_mask)
{
    size_t wanted = (size_t)fd + 1;

    (void)data;
    (void)old_mask;
    if (wanted > size) {
        polled = realloc(polled, 2 * wanted * sizeof *polled);
        tokens = realloc(tokens, 2 * wanted * sizeof *tokens);
        ready = realloc(ready, 2 * wanted * sizeof *ready);
        if (polled == NULL || tokens == NULL || ready == NULL)
            die("no memory");
        for (; size < 2 * wanted; size++)
            polled[size] = (struct pollfd){.fd = -1};
    }
    tokens[fd] = token;
    polled[fd].events = (short)to_poll(new_mask);
    /* An empty mask must go, too: poll reports errors and hang-ups also for that, without end. */
    polled[fd].fd = polled[fd].events != 0 ? fd : -1;
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv);
    const sigset_t *unblocked = server_hold_sigterm();
    vst_wait wait = {.size = sizeof wait};
    vst_engine *engine;

    options.interest = interest;
    engine = server_engine(&options);
    server_listen(engine);
    vst_engine_wait(engine, &wait);
    while (server_goes_on(engine, &wait)) {
        uint64_t now, most = wait_ns(&wait);
        struct timespec bound = {.tv_sec = (time_t)(most / NS_PER_S), .tv_nsec = (long)(most % NS_PER_S)};
        int n = ppoll(polled, size, most == VST_NEVER ? NULL : &bound, unblocked);
        size_t count = 0;

        for (size_t fd = 0; n > 0 && fd < size; fd++)
            if (polled[fd].fd >= 0 && polled[fd].revents != 0)
                ready[count++] = (vst_ready){.token = tokens[fd], .events = from_poll((uint32_t)polled[fd].revents)};
        now = now_ns();
        if (count > 0)
            vst_engine_ready_batch(engine, ready, count, now, &wait);
        if ((wait.flags & VST_WAIT_RUNNABLE) || wait.deadline_ns <= now)
            vst_engine_run(engine, now, &wait);
    }
    vst_engine_free(engine);
    free(polled);
    free(tokens);
    free(ready);
    return 0;
}
