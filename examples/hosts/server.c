/* See server.h. */
#include "server.h"

#include "../echo.h"

#include <stdlib.h>
#include <string.h>

static const char *address;
static vst_accept_options accept_options = {.size = sizeof accept_options};
static uint64_t grace_ns = 5 * NS_PER_S;
static volatile sig_atomic_t is_stopping;
static int is_draining;

static uint64_t number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (end == text || *end != '\0')
        die("not a number: %s", text);
    return value;
}

vst_engine_options server_options(int argc, char **argv)
{
    vst_engine_options options = {.size = sizeof options, .event = echo_event};

    for (int i = 1; i < argc; i++) {
        int left = argc - i - 1;

        if (strcmp(argv[i], "--listen") == 0 && left >= 1)
            address = argv[++i];
        else if (strcmp(argv[i], "--accept-proxy") == 0 && left >= 1)
            accept_options.accept_proxy = argv[++i];
        else if (strcmp(argv[i], "--timeout-handshake") == 0 && left >= 1)
            accept_options.timeout_opening_ns = number(argv[++i]) * NS_PER_MS;
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

void server_listen(vst_engine *engine)
{
    vst_accept_config *config = server_config();
    vst_id listener;
    char why[WHY_BYTES];

    if (vst_listener_open(engine, address, config, NULL, &listener, NULL, why, sizeof why) < 0)
        die("listen on %s: %s", address, why);
    vst_accept_config_free(config); /* the listener keeps it */
    say_address(engine, "ready", listener);
}

void server_drain(vst_engine *engine)
{
    is_draining = 1;
    vst_engine_drain(engine, VST_DRAIN_CLOSE, grace_ns);
}

int server_is_done(const vst_wait *wait)
{
    return wait->conns + wait->streams + wait->listeners == 0;
}

static void on_terminate(int number)
{
    (void)number;
    is_stopping = 1;
}

const sigset_t *server_hold_sigterm(void)
{
    static sigset_t before;
    struct sigaction action = {.sa_handler = on_terminate};
    sigset_t held;

    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigprocmask(SIG_BLOCK, &held, &before);
    return &before;
}

int server_is_draining(void)
{
    return is_draining;
}

int server_goes_on(vst_engine *engine, vst_wait *wait)
{
    if (is_stopping && !is_draining) {
        server_drain(engine);
        vst_engine_wait(engine, wait); /* what was called outside of callbacks may have moved the deadline */
    }
    return !is_draining || !server_is_done(wait);
}

void **server_record(int fd)
{
    static void **records;
    static size_t size;
    size_t wanted = (size_t)fd + 1;

    if (wanted > size) {
        records = realloc(records, 2 * wanted * sizeof *records);
        if (records == NULL)
            die("no memory");
        memset(records + size, 0, (2 * wanted - size) * sizeof *records);
        size = 2 * wanted;
    }
    return &records[fd];
}
