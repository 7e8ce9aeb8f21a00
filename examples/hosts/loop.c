/* No poller: the library's own loop, vst_loop_*. See server.h. */
#include "server.h"

int main(int argc, char **argv)
{
    vst_engine_options options = server_options(argc, argv, NULL);
    vst_loop *loop;
    vst_engine *engine;
    vst_status status;
    char why[WHY_BYTES];

    if (vst_loop_new(&options, &loop, NULL, why, sizeof why) < 0)
        die("%s", why);
    vst_loop_engine(loop, &engine);
    server_listen(engine);
    status = vst_loop_run(loop, VST_NEVER); /* until a drain is done */
    if (status != VST_END)
        die("vst_loop_run: %s", vst_strerror(status));
    vst_loop_free(loop);
    return 0;
}
