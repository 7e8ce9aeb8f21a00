/* Threads that look names up for an agent. See lookup.h. */
#define _GNU_SOURCE
#include "lookup.h"

#include "program.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A client can ask for any number of names. So many threads look them up, and so many wait for one. */
enum { THREADS_MOST = 8, WAITING_MOST = 1024 };

struct lookup {
    struct lookup *next;
    vst_id agent;
    uint64_t ticket;
    vst_addr found;
    int32_t error; /* why nothing was found */
    char name[];
};

struct list {
    struct lookup *first, **last;
};

struct lookups {
    vst_engine *engine;
    vst_waker *waker;     /* of the engine */
    pthread_mutex_t lock; /* for all that follows */
    struct list waiting, done;
    unsigned threads, waiting_count;
};

static void append(struct list *list, struct lookup *one)
{
    one->next = NULL;
    *list->last = one;
    list->last = &one->next;
}

static struct lookup *take_first(struct list *list)
{
    struct lookup *one = list->first;

    if (one != NULL) {
        list->first = one->next;
        if (list->first == NULL)
            list->last = &list->first;
    }
    return one;
}

/* ---- in a thread ----------------------------------------------------------------------------- */

static int32_t errno_of(int error)
{
    switch (error) {
    case EAI_SYSTEM:
        return errno;
    case EAI_AGAIN:
        return EAGAIN;
    case EAI_MEMORY:
        return ENOMEM;
    default:
        return ENOENT;
    }
}

static void copy_address(vst_addr *to, const struct sockaddr *from)
{
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;

        *to = (vst_addr){.family = VST_ADDR_IPV4, .len = 4};
        memcpy(to->bytes, &v4->sin_addr, 4);
    } else if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

        *to = (vst_addr){.family = VST_ADDR_IPV6, .len = 16, .scope = v6->sin6_scope_id};
        memcpy(to->bytes, &v6->sin6_addr, 16);
    }
}

static void look_up(struct lookup *one)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(one->name, NULL, &hints, &found);

    if (error != 0) {
        one->error = errno_of(error);
        return;
    }
    copy_address(&one->found, found->ai_addr);
    freeaddrinfo(found);
}

static void *run(void *data)
{
    struct lookups *lookups = data;
    struct lookup *one;

    pthread_mutex_lock(&lookups->lock);
    while ((one = take_first(&lookups->waiting)) != NULL) {
        lookups->waiting_count--;
        pthread_mutex_unlock(&lookups->lock);
        look_up(one);
        pthread_mutex_lock(&lookups->lock);
        append(&lookups->done, one);
        vst_waker_wake(lookups->waker); /* once the engine is freed, this does nothing */
    }
    lookups->threads--;
    pthread_mutex_unlock(&lookups->lock);
    return NULL;
}

/* ---- on the engine's thread ------------------------------------------------------------------ */

struct lookups *lookups_open(vst_engine *engine)
{
    struct lookups *lookups = calloc(1, sizeof *lookups);

    if (lookups == NULL || pthread_mutex_init(&lookups->lock, NULL) != 0 ||
        vst_engine_waker(engine, &lookups->waker) < 0)
        die("no memory");
    lookups->engine = engine;
    lookups->waiting.last = &lookups->waiting.first;
    lookups->done.last = &lookups->done.first;
    return lookups;
}

/* Whether there is a thread for the name that waits now. */
static int has_thread(struct lookups *lookups)
{
    pthread_attr_t detached;
    pthread_t thread;

    if (lookups->threads == THREADS_MOST)
        return 1;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &detached, run, lookups) == 0)
        lookups->threads++;
    pthread_attr_destroy(&detached);
    return lookups->threads > 0;
}

void lookups_begin(struct lookups *lookups, const vst_event *event)
{
    size_t size = strlen(event->text) + 1;
    struct lookup *one = calloc(1, sizeof *one + size);
    int begun = 0;

    pthread_mutex_lock(&lookups->lock);
    if (one != NULL && lookups->waiting_count < WAITING_MOST && has_thread(lookups)) {
        one->agent = event->id;
        one->ticket = event->ticket;
        memcpy(one->name, event->text, size);
        append(&lookups->waiting, one);
        lookups->waiting_count++;
        begun = 1;
    }
    pthread_mutex_unlock(&lookups->lock);
    if (!begun) {
        free(one);
        vst_agent_resolved(lookups->engine, event->id, event->ticket, NULL, EAGAIN);
    }
}

void lookups_answer(struct lookups *lookups)
{
    struct lookup *one;

    pthread_mutex_lock(&lookups->lock);
    one = lookups->done.first;
    lookups->done.first = NULL;
    lookups->done.last = &lookups->done.first;
    pthread_mutex_unlock(&lookups->lock);
    while (one != NULL) {
        struct lookup *next = one->next;

        /* A client that has given it up meanwhile is none of our business. */
        vst_agent_resolved(lookups->engine, one->agent, one->ticket, &one->found, one->error);
        free(one);
        one = next;
    }
}
