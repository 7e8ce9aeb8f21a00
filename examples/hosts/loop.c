/* No poller: the library's own loop, vst_loop_*. See server.h. */
#include "server.h"

enum { LOOK_MS = 10 };

static vst_loop *loop;

static void on_signal(int number)
{
    (void)number;
    vst_loop_stop(loop); /* the one function that a signal handler may call */
}

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv);
    struct sigaction action = {.sa_handler = on_signal};
    vst_wait wait = {.size = sizeof wait};
    vst_engine *engine;
    char why[WHY_BYTES];

    if (vst_loop_new(&options, &loop, NULL, why, sizeof why) < 0)
        die("%s", why);
    vst_loop_engine(loop, &engine);
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    server_listen(engine);
    if (vst_loop_run(loop, VST_NEVER) < 0)
        die("vst_loop_run failed");
    server_drain(engine);
    /* The loop does not stop by itself when the engine is empty, so it is looked at after each round. */
    do {
        vst_loop_run(loop, LOOK_MS * NS_PER_MS);
        vst_engine_wait(engine, &wait);
    } while (!server_is_done(&wait));
    signal(SIGTERM, SIG_IGN);
    vst_loop_free(loop);
    return 0;
}
