// Examples of the functions of listeners.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <vestibule.h>

// Example of vst_listener_options_init, vst_listener_open.
vst_id listen_on(vst_engine *engine, const char *address,
                 const vst_accept_config *config)
{
    vst_listener_options options;
    vst_id listener;
    char why[256];

    vst_listener_options_init(&options, sizeof options);
    options.max_conns = 10000;
    if (vst_listener_open(engine, address, config, &options, &listener, NULL, why,
                          sizeof why) < 0)
        fprintf(stderr, "no listener: %s\n", why);
    return listener; // 0 on failure
}

// Example of vst_listener_adopt.
vst_id adopt_socket_of_systemd(vst_engine *engine, const vst_accept_config *config)
{
    const int first_fd = 3; // SD_LISTEN_FDS_START
    const char *pid = getenv("LISTEN_PID");
    vst_id listener = 0;
    char why[256];

    if (pid == NULL || atol(pid) != (long)getpid())
        return 0; // not started by systemd
    if (vst_listener_adopt(engine, first_fd, config, NULL, &listener, NULL, why,
                           sizeof why) < 0) {
        fprintf(stderr, "no listener: %s\n", why);
        close(first_fd); // on failure it is still ours
    }
    return listener;
}

// Example of vst_listener_addr.
void print_port(vst_engine *engine, vst_id listener)
{
    vst_addr addr;

    // For a listener at 127.0.0.1:0: the port that the kernel chose.
    if (vst_listener_addr(engine, listener, &addr) == VST_OK)
        printf("listening on port %u\n", addr.port);
}

// Example of vst_listener_pause, vst_listener_resume.
void on_database(vst_engine *engine, vst_id listener, int is_up)
{
    // Clients that come meanwhile wait in the kernel's queue.
    vst_status status = is_up ? vst_listener_resume(engine, listener)
                              : vst_listener_pause(engine, listener);

    if (status < 0 && status != VST_E_STATE) // STATE: the engine drains
        fprintf(stderr, "listener: %s\n", vst_strerror(status));
}

// Example of vst_listener_close.
int move_listener(vst_engine *engine, vst_id *listener, const char *address,
                  const vst_accept_config *config)
{
    vst_id opened;
    char why[256];

    if (vst_listener_open(engine, address, config, NULL, &opened, NULL, why,
                          sizeof why) < 0) {
        fprintf(stderr, "the old listener stays: %s\n", why);
        return 0;
    }
    vst_listener_close(engine, *listener); // its connections go on
    *listener = opened;
    return 1;
}

// Example of vst_listener_set_name.
void name_listener(vst_engine *engine, vst_id listener)
{
    // Rules ask for it, as in { so_name public }, and metrics have it.
    vst_status status = vst_listener_set_name(engine, listener, "public");

    if (status < 0)
        fprintf(stderr, "no name: %s\n", vst_strerror(status));
}
