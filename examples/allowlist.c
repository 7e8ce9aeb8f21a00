/* allowlist: accepts the clients that are on a list, which another thread reads.
 *
 *   allowlist --listen ADDR:PORT --allow FILE [--host epoll|epoll-et|mio]
 *
 * FILE has one address a line. It is read again for every client, by a thread of its own, since that may
 * be slow: it is a file on a disk here, and may be a database or a service elsewhere. The engine's
 * thread never waits for it. The handler puts the question on a list and answers LATER; the other thread
 * brings the answer through a waker, the one object of vestibule that every thread may use.
 *
 * A client that is accepted is greeted. One for which there is no answer within two seconds is refused,
 * and an answer that comes afterwards is dropped.
 *
 * Prints "ready ADDR:PORT" when it serves. */
#include "host.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { WHY = 512, ADDRESS = 128, WAITING_MOST = 1024 };

#define LOOK_UP_NS (UINT64_C(2000) * 1000 * 1000)

/* They are in the end report. */
enum { CODE_NOT_ON_LIST = 1, CODE_BUSY = 2, CODE_NO_LIST = 3 };

/* The question for the other thread, with what brings the answer back. */
struct question {
    vst_id conn;
    uint32_t ticket;
    char address[ADDRESS];
};

/* Between the two threads: a ring of questions. */
struct desk {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct question ring[WAITING_MOST];
    size_t first, count;
    int closed;
    const char *file;
    vst_waker *waker;
};

struct allowlist {
    struct host host; /* first: callbacks get a pointer to it */
    struct desk desk;
};

/* ---- the engine's thread -------------------------------------------------------------------- */

/* The client's address, without its port. */
static void address_of(vst_engine *engine, vst_id conn, char *text)
{
    vst_addr source, destination;
    size_t len = 0;

    if (vst_conn_addrs(engine, conn, &source, &destination) == VST_OK) {
        vst_addr_text(&source, text, ADDRESS - 1, &len);
        len = len < ADDRESS ? len : 0;
    }
    text[len] = '\0';
    if (strrchr(text, ':') != NULL)
        *strrchr(text, ':') = '\0';
}

/* Puts a question on the list; 0 when the list is full. */
static int put(struct desk *desk, const struct question *question)
{
    int fits;

    pthread_mutex_lock(&desk->lock);
    fits = desk->count < WAITING_MOST;
    if (fits) {
        desk->ring[(desk->first + desk->count++) % WAITING_MOST] = *question;
        pthread_cond_signal(&desk->more);
    }
    pthread_mutex_unlock(&desk->lock);
    return fits;
}

/* The handler. It is called once for every client: it never wants to read or write. */
static int32_t look_up_later(void *data, vst_engine *engine, vst_step *step)
{
    struct question question = {.conn = step->conn, .ticket = step->ticket};

    address_of(engine, step->conn, question.address);
    if (put(data, &question))
        return VST_NEXT_LATER;
    step->code = CODE_BUSY;
    step->text = "too many clients wait to be looked up";
    return VST_NEXT_FAIL;
}

/* ---- the other thread ----------------------------------------------------------------------- */

/* Takes the next question, as soon as there is one; 0 when no more will come. */
static int take(struct desk *desk, struct question *question)
{
    int some;

    pthread_mutex_lock(&desk->lock);
    while (desk->count == 0 && !desk->closed)
        pthread_cond_wait(&desk->more, &desk->lock);
    some = desk->count > 0;
    if (some) {
        *question = desk->ring[desk->first];
        desk->first = (desk->first + 1) % WAITING_MOST;
        desk->count--;
    }
    pthread_mutex_unlock(&desk->lock);
    return some;
}

/* 0, or the code of the reason. */
static int32_t is_on_list(const char *file, const char *address)
{
    int32_t code = CODE_NOT_ON_LIST;
    char line[ADDRESS];
    FILE *list = fopen(file, "re");

    if (list == NULL)
        return CODE_NO_LIST; /* if a list cannot be read, no client is accepted */
    while (code != 0 && fgets(line, sizeof line, list) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] != '\0' && strcmp(line, address) == 0)
            code = 0;
    }
    fclose(list);
    return code;
}

static void *look_up(void *data)
{
    struct desk *desk = data;
    struct question question;

    while (take(desk, &question)) {
        int32_t code = is_on_list(desk->file, question.address);
        int32_t answer = code == 0 ? VST_NEXT_DONE : VST_NEXT_FAIL;

        /* VST_E_GONE when the program is about to end, VST_E_LIMIT when thousands of answers wait:
         * either way this client is refused when its time is over. */
        (void)vst_waker_post(desk->waker, question.conn, question.ticket, answer, code);
    }
    return NULL;
}

static void close_desk(struct desk *desk, pthread_t thread)
{
    pthread_mutex_lock(&desk->lock);
    desk->closed = 1;
    pthread_cond_signal(&desk->more);
    pthread_mutex_unlock(&desk->lock);
    pthread_join(thread, NULL);
    vst_waker_free(desk->waker);
}

/* ---- what happens --------------------------------------------------------------------------- */

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    static const char greeting[] = "welcome\n";
    size_t taken;

    (void)data;
    switch (event->kind) {
    case VST_EVENT_SESSION:
        vst_conn_send(engine, event->id, greeting, sizeof greeting - 1, &taken);
        vst_conn_close(engine, event->id);
        break;
    case VST_EVENT_REFUSED: /* the code of the answer is in host_code, and in the text */
        fprintf(stderr, "refused: %s\n", event->end->text);
        break;
    default:
        break;
    }
}

/* ---- the program ---------------------------------------------------------------------------- */

static vst_accept_config *clients(struct desk *desk)
{
    vst_handler asking = {.size = sizeof asking, .step = look_up_later, .data = desk};
    vst_accept_options options;
    vst_accept_config *config;
    char why[WHY];

    asking.timeout_ns = LOOK_UP_NS;
    vst_accept_options_init(&options, sizeof options);
    options.handlers = &asking;
    options.handler_count = 1;
    if (vst_accept_config_new(&options, &config, why, sizeof why) < 0)
        die("%s", why);
    return config;
}

static void usage(void)
{
    die("usage: allowlist --listen ADDR:PORT --allow FILE [--host epoll|epoll-et|mio]");
}

int main(int argc, char **argv)
{
    const char *listen = NULL, *kind = "epoll";
    static struct allowlist allowlist = {.desk = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                                  .more = PTHREAD_COND_INITIALIZER}};
    struct desk *desk = &allowlist.desk;
    vst_accept_config *config;
    vst_id listener;
    pthread_t thread;

    for (int i = 1; i < argc; i++) {
        int left = argc - i - 1;

        if (strcmp(argv[i], "--listen") == 0 && left >= 1)
            listen = argv[++i];
        else if (strcmp(argv[i], "--allow") == 0 && left >= 1)
            desk->file = argv[++i];
        else if (strcmp(argv[i], "--host") == 0 && left >= 1)
            kind = argv[++i];
        else
            usage();
    }
    if (listen == NULL || desk->file == NULL)
        usage();

    host_open(&allowlist.host, kind, on_event);
    if (vst_engine_waker(allowlist.host.engine, &desk->waker) < 0)
        die("no waker can be had");
    if (pthread_create(&thread, NULL, look_up, desk) != 0)
        die("no thread can be had");
    config = clients(desk);
    listener = host_listen(&allowlist.host, listen, config, NULL);
    vst_accept_config_free(config);
    host_serve(&allowlist.host, listener);
    close_desk(desk, thread);
    return 0;
}
