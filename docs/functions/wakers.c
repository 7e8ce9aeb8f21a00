// Wakers: how other threads reach an engine.
#include <pthread.h>
#include <stdio.h>
#include <vestibule.h>

/* A question that a handler of the engine has asked another thread, with VST_NEXT_LATER. */
struct question {
    vst_id conn;
    uint32_t ticket;
};

/* A list that the threads share. put adds one to its end. */
struct list;
void put(struct list *list, void *item);

// Example of vst_engine_waker.
vst_waker *begin_thread(vst_engine *engine, void *(*run)(void *waker), pthread_t *thread)
{
    vst_waker *waker;
    vst_status status = vst_engine_waker(engine, &waker);

    if (status < 0) {
        fprintf(stderr, "no waker: %s\n", vst_strerror(status));
        return NULL;
    }
    if (pthread_create(thread, NULL, run, waker) != 0) {
        vst_waker_free(waker);
        return NULL;
    }
    return waker;
}

// Example of vst_waker_post.
void answer(vst_waker *waker, const struct question *question, int is_allowed)
{
    int32_t next = is_allowed ? VST_NEXT_DONE : VST_NEXT_FAIL;
    vst_status status = vst_waker_post(waker, question->conn, question->ticket, next, 0);

    /* VST_E_GONE: the engine is freed, and its connections with it. */
    if (status == VST_E_LIMIT)
        fprintf(stderr, "too many answers wait: this client is refused when its time is over\n");
}

// Example of vst_waker_wake.
void hand_to_engine(vst_waker *waker, struct list *list, void *item)
{
    put(list, item);       /* first, so that it is there when the engine's thread looks */
    vst_waker_wake(waker); /* VST_EVENT_WOKEN, which is once for several: take all that is there */
}

// Example of vst_waker_free.
void end_thread(vst_waker *waker, pthread_t thread)
{
    pthread_join(thread, NULL); /* nobody uses the waker any more */
    vst_waker_free(waker);
}
