/* The seed of the chaos host (chaos.h), and chance, which follows from it. Any program takes the seed as an
 * argument, --chaos=SEED; without one there is no chaos. A program that fails prints it. What threads and the
 * kernel do does not follow from it: a failure may need a few runs to come again. */
#ifndef VST_SEED_H
#define VST_SEED_H

#include "checks.h"

static const char seed_argument[] = "--chaos=";

/* Kinds of lies. A seed has some of them: readiness that is invented or repeated would hide that the
 * library has lost some. */
enum lie {
    LIE_LATER = 1, /* what is found is handed in later, and in parts */
    LIE_AGAIN = 2,
    LIE_INVENTED = 4,
    LIE_RELEASED = 8, /* for descriptors that were released */
    LIE_GROUPS = 16,  /* in batches, in brackets, by number */
    LIE_TIME = 32,
    LIE_EDGE = 64, /* epoll is edge-triggered, where the test says level-triggered */
    LIES = 128,
};

static uint64_t chaos_seed; /* 0: the host does what is usual */
static uint64_t chance_state;
static unsigned chaos_lies; /* the kinds that the seed has */
static unsigned chaos_rounds; /* in which the host may have lied */

static inline void seed_at_exit(int status, void *unused)
{
    (void)unused;
    if (status != 0)
        fprintf(stderr, "with %s%llu\n", seed_argument, (unsigned long long)chaos_seed);
    else
        printf("%u rounds\n", chaos_rounds);
}

/* A number below `bound`: xorshift64*. */
static inline unsigned chance(unsigned bound)
{
    chance_state ^= chance_state >> 12;
    chance_state ^= chance_state << 25;
    chance_state ^= chance_state >> 27;
    return (unsigned)((chance_state * UINT64_C(0x2545F4914F6CDD1D)) >> 32) % bound;
}

/* The C library calls constructors with the arguments of main. */
__attribute__((constructor)) static void seed_read(int argc, char **argv)
{
    const size_t len = sizeof seed_argument - 1;
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], seed_argument, len) == 0)
            chaos_seed = strtoull(argv[i] + len, NULL, 10);
    if (chaos_seed == 0)
        return;
    /* Spreads small seeds over all bits. */
    chance_state = chaos_seed * UINT64_C(0x9E3779B97F4A7C15);
    chaos_lies = 1 + chance(LIES - 1);
    MUST(on_exit(seed_at_exit, NULL) == 0);
}

/* Whether to lie in this way: once in so many times, if the seed does. */
static inline int lie(enum lie kind, unsigned times)
{
    return chaos_lies & kind && chance(times) == 0;
}

#endif
