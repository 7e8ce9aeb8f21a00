/* The threads of proxy. See threads.h. */
#define _GNU_SOURCE
#include "proxy.h"

#include <signal.h>
#include <stdlib.h>

/* ---- mailboxes ------------------------------------------------------------------------------ */

static void open_mailbox(struct proxy *proxy)
{
    struct mailbox *mailbox = &proxy->mailbox;

    mailbox->last = &mailbox->first;
    if (pthread_mutex_init(&mailbox->lock, NULL) != 0 ||
        (proxy->next != proxy && vst_engine_waker(proxy->host.engine, &mailbox->waker) < 0))
        die("no memory for a thread");
}

/* Returns 0 if the thread has ended. */
static int put(struct mailbox *mailbox, struct command *command)
{
    int is_open;

    pthread_mutex_lock(&mailbox->lock);
    is_open = !mailbox->is_closed;
    if (is_open) {
        command->next = NULL;
        *mailbox->last = command;
        mailbox->last = &command->next;
    }
    pthread_mutex_unlock(&mailbox->lock);
    if (is_open)
        vst_waker_wake(mailbox->waker);
    return is_open;
}

struct command *threads_take(struct proxy *proxy)
{
    struct mailbox *mailbox = &proxy->mailbox;
    struct command *command;

    pthread_mutex_lock(&mailbox->lock);
    command = mailbox->first;
    if (command != NULL)
        mailbox->first = command->next;
    if (mailbox->first == NULL)
        mailbox->last = &mailbox->first;
    pthread_mutex_unlock(&mailbox->lock);
    return command;
}

void threads_pass(struct proxy *proxy, struct command *command)
{
    struct proxy *to = proxy->next, *const from = command->from;

    for (; to != from; to = to->next)
        if (put(&to->mailbox, command))
            return; /* it belongs to that thread now */
    if (to == proxy)
        command_done(proxy, command);
    else if (!put(&to->mailbox, command))
        free(command); /* nobody waits for it any more */
}

/* What has come and was not taken goes on its way. */
static void close_mailbox(struct proxy *proxy)
{
    struct command *command;

    pthread_mutex_lock(&proxy->mailbox.lock);
    proxy->mailbox.is_closed = 1;
    pthread_mutex_unlock(&proxy->mailbox.lock);
    while ((command = threads_take(proxy)) != NULL)
        if (command->from == proxy)
            free(command);
        else
            threads_pass(proxy, command);
}

/* ---- threads -------------------------------------------------------------------------------- */

struct proxy *threads_open(const struct arguments *args, vst_event_fn event)
{
    vst_engine_options options = {.size = sizeof options, .event = event}; /* the same for every engine */
    struct proxy *proxies = calloc(args->thread_count, sizeof *proxies);

    if (proxies == NULL || (args->thread_count > 1 && vst_group_new(&options.group) < 0))
        die("no memory for %u threads", args->thread_count);
    for (unsigned i = 0; i < args->thread_count; i++) {
        struct proxy *proxy = &proxies[i];

        proxy->args = *args;
        proxy->args.thread = i;
        proxy->next = &proxies[(i + 1) % args->thread_count];
        host_open_as(&proxy->host, args->host, &options);
        if (args->trace != NULL)
            host_trace(&proxy->host, args->trace);
        open_mailbox(proxy);
    }
    vst_group_free(options.group); /* its members keep it */
    host_take_signals(&proxies->host);
    return proxies;
}

static void *run(void *data)
{
    struct proxy *proxy = data;
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL); /* signals are for the first thread */
    host_serve(&proxy->host, 0);
    close_mailbox(proxy);
    return NULL;
}

void threads_serve(struct proxy *proxies, vst_id listener)
{
    const unsigned count = proxies->args.thread_count;

    for (unsigned i = 1; i < count; i++)
        if (pthread_create(&proxies[i].id, NULL, run, &proxies[i]) != 0)
            die("no thread of %u can be made", count);
    host_serve(&proxies->host, listener);
    close_mailbox(proxies);
    for (unsigned i = 1; i < count; i++)
        pthread_join(proxies[i].id, NULL);
    for (unsigned i = 0; i < count; i++) {
        vst_waker_free(proxies[i].mailbox.waker);
        pthread_mutex_destroy(&proxies[i].mailbox.lock);
    }
    free(proxies);
}
