/* See program.h. */
#define _GNU_SOURCE
#include "program.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ADDRESS_TEXT = 512 };

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void say_address(vst_engine *engine, const char *what, vst_id listener)
{
    char text[ADDRESS_TEXT];
    vst_addr address;
    size_t len;

    vst_listener_addr(engine, listener, &address);
    vst_addr_text(&address, text, sizeof text, &len);
    printf("%s %.*s\n", what, (int)len, text);
    fflush(stdout);
}

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

uint64_t ns_until(uint64_t deadline_ns)
{
    uint64_t now = now_ns();

    if (deadline_ns == VST_NEVER)
        return VST_NEVER;
    return deadline_ns <= now ? 0 : deadline_ns - now;
}

uint64_t rounded_up(uint64_t ns, uint64_t unit)
{
    return ns / unit + (ns % unit != 0);
}

uint64_t wait_ns(const vst_wait *wait)
{
    return wait->flags & VST_WAIT_RUNNABLE ? 0 : ns_until(wait->deadline_ns);
}

int wait_ms(const vst_wait *wait)
{
    uint64_t ns = wait_ns(wait), ms = rounded_up(ns, NS_PER_MS);

    return ns == VST_NEVER ? -1 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

vst_tls_server *read_tls(const char *certificate, const char *key)
{
    vst_identity identity = {.chain.file = certificate, .key.file = key};
    vst_tls_server_options options;
    vst_tls_server *tls;
    char why[WHY_BYTES];

    vst_tls_server_options_init(&options, sizeof options);
    options.identities = &identity;
    options.identity_count = 1;
    if (vst_tls_server_new(&options, &tls, why, sizeof why) < 0)
        die("%s", why);
    if (why[0] != '\0')
        fprintf(stderr, "note: %s\n", why);
    return tls;
}
