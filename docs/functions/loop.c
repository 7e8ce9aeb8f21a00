// The built-in loop, for programs that have no poller of their own.
#include <signal.h>
#include <stdio.h>
#include <vestibule.h>

static vst_loop *running;

// Example of vst_loop_new, vst_loop_engine.
vst_loop *make_loop(vst_event_fn on_event, void *data, vst_engine **engine)
{
    vst_engine_options options = {.size = sizeof options, .event = on_event, .data = data};
    vst_loop *loop;
    char why[256];

    if (vst_loop_new(&options, &loop, NULL, why, sizeof why) < 0) {
        fprintf(stderr, "loop: %s\n", why);
        return NULL;
    }
    vst_loop_engine(loop, engine); /* for vst_listener_open and all the others */
    return loop;
}

// Example of vst_loop_stop.
void on_signal(int number)
{
    (void)number;
    vst_loop_stop(running); /* no other function of the library may be called here */
}

// Example of vst_loop_run.
int serve(vst_loop *loop, vst_engine *engine)
{
    const uint64_t grace_ns = UINT64_C(5000000000);
    vst_status status;

    running = loop;
    signal(SIGTERM, on_signal);
    while ((status = vst_loop_run(loop, VST_NEVER)) == VST_OK) /* stopped, by the signal */
        vst_engine_drain(engine, VST_DRAIN_CLOSE, grace_ns);   /* ends with VST_END */
    if (status < 0)
        fprintf(stderr, "loop: %s\n", vst_strerror(status));
    return status == VST_END ? 0 : -1;
}

// Example of vst_loop_free.
void end_loop(vst_loop *loop)
{
    signal(SIGTERM, SIG_IGN); /* its handler uses the loop */
    vst_loop_free(loop);      /* the engine as well; to end connections in order, drain it first */
}
