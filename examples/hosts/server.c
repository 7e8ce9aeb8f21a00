/* See server.h. */
#define _GNU_SOURCE
#include "server.h"

#include "../echo.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *address;
static vst_accept_options accept_options = {.size = sizeof accept_options};
static uint64_t grace_ns = 5 * NS_PER_S;
static sigset_t sigterm;
static int is_drained;
static void (*stop_loop)(void);

static uint64_t number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (end == text || *end != '\0')
        die("not a number: %s", text);
    return value;
}

void server_event(void *data, vst_engine *engine, const vst_event *event)
{
    switch (event->kind) {
    case VST_EVENT_WOKEN:
        vst_engine_drain(engine, VST_DRAIN_CLOSE, grace_ns);
        break;
    case VST_EVENT_DRAINED:
        is_drained = 1;
        if (stop_loop != NULL)
            stop_loop();
        break;
    default:
        echo_event(data, engine, event);
        break;
    }
}

vst_engine_options server_options(int argc, char **argv, void (*stop)(void))
{
    vst_engine_options options = {.size = sizeof options, .event = server_event};

    stop_loop = stop;
    sigemptyset(&sigterm);
    sigaddset(&sigterm, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &sigterm, NULL); /* in every thread */
    for (int i = 1; i < argc; i++) {
        int left = argc - i - 1;

        if (strcmp(argv[i], "--listen") == 0 && left >= 1)
            address = argv[++i];
        else if (strcmp(argv[i], "--accept-proxy") == 0 && left >= 1)
            accept_options.accept_proxy = argv[++i];
        else if (strcmp(argv[i], "--timeout-handshake") == 0 && left >= 1)
            accept_options.timeout_opening_ns = number(argv[++i]) * NS_PER_MS;
        else if (strcmp(argv[i], "--idle") == 0 && left >= 1)
            echo_idle_ns = number(argv[++i]) * NS_PER_MS;
        else if (strcmp(argv[i], "--grace") == 0 && left >= 1)
            grace_ns = number(argv[++i]) * NS_PER_MS;
        else if (strcmp(argv[i], "--events-per-drive") == 0 && left >= 1)
            options.events_per_drive = (uint32_t)number(argv[++i]);
        else if (strcmp(argv[i], "--tls") == 0 && left >= 2 && accept_options.tls == NULL) {
            accept_options.tls = read_tls(argv[i + 1], argv[i + 2]);
            i += 2;
        } else
            die("what is %s?", argv[i]);
    }
    if (address == NULL)
        die("--listen ADDR:PORT is missing; the other options are in server.h");
    return options;
}

vst_engine *server_engine(const vst_engine_options *options)
{
    vst_engine *engine;
    char why[WHY_BYTES];

    if (vst_engine_new(options, &engine, why, sizeof why) < 0)
        die("%s", why);
    return engine;
}

const char *server_address(void)
{
    return address;
}

vst_accept_config *server_config(void)
{
    vst_accept_config *config;
    char why[WHY_BYTES];

    if (vst_accept_config_new(&accept_options, &config, why, sizeof why) < 0)
        die("%s", why);
    vst_tls_server_free((vst_tls_server *)accept_options.tls); /* the configuration keeps it */
    return config;
}

static void *wait_for_sigterm(void *waker)
{
    int number;

    sigwait(&sigterm, &number);
    vst_waker_wake(waker);
    vst_waker_free(waker);
    return NULL;
}

void server_drain_on_sigterm(vst_engine *engine)
{
    vst_waker *waker;
    pthread_t thread;

    if (vst_engine_waker(engine, &waker) < 0 || pthread_create(&thread, NULL, wait_for_sigterm, waker) != 0)
        die("nothing can wait for SIGTERM");
    pthread_detach(thread);
}

void server_listen(vst_engine *engine)
{
    vst_accept_config *config = server_config();
    vst_id listener;
    char why[WHY_BYTES];

    if (vst_listener_open(engine, address, config, NULL, &listener, NULL, why, sizeof why) < 0)
        die("listen on %s: %s", address, why);
    vst_accept_config_free(config); /* the listener keeps it */
    server_drain_on_sigterm(engine);
    say_address(engine, "ready", listener);
}

int server_goes_on(void)
{
    return !is_drained;
}
