/* What every example needs and none is about: messages, the clock, certificates. */
#ifndef VESTIBULE_EXAMPLE_PROGRAM_H
#define VESTIBULE_EXAMPLE_PROGRAM_H

#include <stdint.h>
#include <vestibule.h>

enum { WHY_BYTES = 512 };

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* Prints "program: ..." and a final newline on stderr and exits with 1. */
_Noreturn void die(const char *format, ...);

/* Prints a line of two words: what, and the listener's address. */
void say_address(vst_engine *engine, const char *what, vst_id listener);

/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);

/* How long it is until then: 0 if that has passed, VST_NEVER for VST_NEVER. */
uint64_t ns_until(uint64_t deadline_ns);

/* A duration in larger units. Rounded down, the last unit before a deadline would be a busy loop. */
uint64_t rounded_up(uint64_t ns, uint64_t unit);

/* How long a poller may wait, in nanoseconds: 0 while the engine is RUNNABLE, VST_NEVER without a
 * deadline. */
uint64_t wait_ns(const vst_wait *wait);

/* The same in milliseconds, for pollers that take an int: -1 without a deadline. */
int wait_ms(const vst_wait *wait);

/* Reads a certificate with its chain and its key, two files in PEM. */
vst_tls_server *read_tls(const char *certificate, const char *key);

#endif
