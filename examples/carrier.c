/* Many connections in one. See carrier.h.
 *
 * A frame is a header (whose, what, how much) and, for BYTES, that many bytes. Who sends BYTES needs credit
 * for them: WINDOW in the beginning, and more as the library says that it has room. So what comes is always
 * taken at once, nothing is kept here, and both sides can always read the carrier: it stalls for nobody.
 *
 * Nothing is queued but connections: what each has to say is written down in it, and put into frames when it
 * is its turn and there is room. */
#include "carrier.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER = 9,        /* uint32_t id, uint8_t kind, uint32_t length; in network order */
    PART_MOST = 16384, /* the bytes of one frame: what a connection sends before it is another's turn */
    WINDOW = 65536,    /* the first credit: no more than fed_inbox_bytes */
    TURN_MOST = PART_MOST + 4 * HEADER, /* what a connection says in one turn */
    OUTPUT_BYTES = 4 * TURN_MOST,
    BUCKETS = 1024,
};

/* Kinds of frames. Each is a bit, so that a mask can tell which are due. */
enum kind {
    OPEN = 1,   /* a connection begins */
    BYTES = 2,  /* length bytes follow */
    CREDIT = 4, /* length more bytes may be sent */
    END = 8,    /* no more BYTES from this side */
    RESET = 16, /* nothing more from either side */
};

/* One connection. */
struct stream {
    struct carrier *carrier;
    struct stream *next_in_bucket, *next_in_turn;
    uint32_t id;
    vst_id conn;       /* the fed connection; 0 once the library has done with it */
    uint32_t due;      /* OPEN, END, RESET that are to be sent */
    int sent_end, has_end;
    uint32_t credit;   /* how many bytes we may send */
    uint32_t promised; /* how many bytes the other side may send, those of granted among them */
    uint32_t granted;  /* credit for the other side that is to be sent */
    int has_turn;
};

struct carrier {
    vst_engine *engine;
    const vst_accept_config *arriving;
    vst_id conn; /* 0 while it is being opened */
    int is_draining;
    uint32_t last_id, streams;
    struct stream *buckets[BUCKETS];   /* by id */
    struct stream *turns, **last_turn; /* those that may have something to say, first come first */
    size_t in_len, out_from, out_to;
    char in[HEADER + PART_MOST], out[OUTPUT_BYTES];
};

static struct stream **place_of(struct carrier *c, uint32_t id)
{
    struct stream **at = &c->buckets[id % BUCKETS];

    while (*at != NULL && (*at)->id != id)
        at = &(*at)->next_in_bucket;
    return at;
}

static struct stream *stream_new(struct carrier *c, uint32_t id)
{
    struct stream *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->carrier = c;
    s->id = id;
    s->credit = s->promised = WINDOW;
    *place_of(c, id) = s;
    c->streams++;
    return s;
}

static void stream_free(struct stream *s)
{
    *place_of(s->carrier, s->id) = s->next_in_bucket;
    s->carrier->streams--;
    free(s);
}

static void give_turn(struct stream *s)
{
    struct carrier *c = s->carrier;

    if (s->has_turn)
        return;
    s->has_turn = 1;
    s->next_in_turn = NULL;
    *c->last_turn = s;
    c->last_turn = &s->next_in_turn;
}

/* ---- what is sent ------------------------------------------------------------------------------ */

static void put_header(struct stream *s, enum kind kind, uint32_t length)
{
    char *to = s->carrier->out + s->carrier->out_to;
    uint32_t id = htonl(s->id), count = htonl(length);

    memcpy(to, &id, 4);
    to[4] = (char)kind;
    memcpy(to + 5, &count, 4);
    s->carrier->out_to += HEADER;
    s->due &= ~(uint32_t)kind;
}

/* Says what a connection has to say: TURN_MOST bytes at most. */
static void take_turn(struct stream *s)
{
    struct carrier *c = s->carrier;
    size_t n = s->credit < PART_MOST ? s->credit : PART_MOST;

    if (s->due & OPEN) {
        put_header(s, OPEN, 0);
        vst_fed_opened(c->engine, s->conn, NULL); /* it need not wait: the other side may still reset it */
    }
    if (s->granted > 0 && s->conn != 0) {
        put_header(s, CREDIT, s->granted);
        s->granted = 0;
    }
    /* Whatever waits by now, which may be more or less than when it was asked. */
    if (n > 0 && s->conn != 0 &&
        vst_fed_copy_unsent(c->engine, s->conn, 0, c->out + c->out_to + HEADER, n, &n) == VST_OK &&
        n > 0) {
        put_header(s, BYTES, (uint32_t)n);
        c->out_to += n;
        s->credit -= (uint32_t)n;
        vst_fed_sent(c->engine, s->conn, n);
        give_turn(s); /* again, behind the others */
    }
    if (s->due & END) { /* due only when nothing is unsent */
        put_header(s, END, 0);
        s->sent_end = 1;
    }
    if (s->due & RESET)
        put_header(s, RESET, 0);
    if (s->conn == 0 && !s->has_turn)
        stream_free(s);
}

void carrier_write(struct carrier *c)
{
    size_t n;

    while (c->conn != 0) {
        if (c->out_from == c->out_to)
            c->out_from = c->out_to = 0;
        while (c->turns != NULL && c->out_to + TURN_MOST <= OUTPUT_BYTES) {
            struct stream *s = c->turns;

            c->turns = s->next_in_turn;
            if (c->turns == NULL)
                c->last_turn = &c->turns;
            s->has_turn = 0;
            take_turn(s);
        }
        if (c->out_from == c->out_to)
            break;
        switch (vst_conn_send(c->engine, c->conn, c->out + c->out_from, c->out_to - c->out_from, &n)) {
        case VST_OK:
            c->out_from += n;
            break;
        case VST_WAIT: /* VST_EVENT_WRITABLE follows */
            return;
        default:
            vst_conn_abort(c->engine, c->conn);
            return;
        }
    }
    if (c->is_draining && c->streams == 0)
        vst_conn_close(c->engine, c->conn);
}

/* ---- what comes -------------------------------------------------------------------------------- */

/* A connection comes out of the carrier. If it cannot be had, the other side is told so. */
static int arrive(struct carrier *c, uint32_t id)
{
    struct stream *s = stream_new(c, id);
    const vst_feed_args args = {.size = sizeof args, .data = s};

    if (s == NULL)
        return 0;
    if (vst_conn_feed(c->engine, c->arriving, &args, &s->conn, NULL, 0) != VST_OK) {
        s->due = RESET;
        give_turn(s);
    }
    return 1;
}

/* Handles a frame. Returns whether it is one that the other side may send. */
static int handle(struct carrier *c, uint32_t id, unsigned kind, uint32_t length, const char *bytes)
{
    struct stream *s = *place_of(c, id);
    size_t n;

    if (kind == OPEN)
        return s == NULL && c->arriving != NULL && arrive(c, id);
    if (s == NULL || s->conn == 0)
        return 1; /* we have given it up, and the other side did not know that yet */
    switch (kind) {
    case BYTES:
        if (length > s->promised || s->has_end)
            return 0;
        s->promised -= length;
        vst_fed_received(c->engine, s->conn, bytes, length, &n); /* all: there is room for what was promised */
        return 1;
    case CREDIT:
        if (length > WINDOW - s->credit)
            return 0;
        s->credit += length;
        give_turn(s);
        return 1;
    case END:
        if (s->has_end)
            return 0;
        s->has_end = 1;
        vst_fed_ended(c->engine, s->conn);
        return 1;
    case RESET:
        vst_fed_closed(c->engine, s->conn); /* unasked, so it counts as a failure */
        s->conn = 0;
        s->due = 0;
        give_turn(s); /* its last */
        return 1;
    default:
        return 0;
    }
}

void carrier_read(struct carrier *c)
{
    vst_status status = VST_OK;

    while (status == VST_OK) {
        unsigned kind = (unsigned char)c->in[4];
        uint32_t id, length;
        size_t whole = HEADER, n;

        memcpy(&id, c->in, 4);
        memcpy(&length, c->in + 5, 4);
        length = ntohl(length);
        if (c->in_len >= HEADER && kind == BYTES)
            whole += length;
        if (whole > sizeof c->in ||
            (c->in_len == whole && !handle(c, ntohl(id), kind, length, c->in + HEADER))) {
            fprintf(stderr, "the other side broke the rules\n");
            vst_conn_abort(c->engine, c->conn);
            return;
        }
        if (c->in_len == whole) {
            c->in_len = 0;
            whole = HEADER;
        }
        status = vst_conn_recv(c->engine, c->conn, c->in + c->in_len, whole - c->in_len, &n);
        c->in_len += n;
    }
    if (status != VST_WAIT)
        vst_conn_close(c->engine, c->conn);
    carrier_write(c);
}

/* ---- what is asked ----------------------------------------------------------------------------- */

void carrier_add(struct carrier *c, vst_id conn)
{
    struct stream *s;

    while (*place_of(c, ++c->last_id) != NULL)
        ; /* still in use, after four thousand million others */
    s = stream_new(c, c->last_id);
    if (s == NULL) {
        vst_fed_failed(c->engine, conn, ENOMEM);
        return;
    }
    vst_fed_set_data(c->engine, conn, s);
    s->conn = conn;
    s->due = OPEN;
    give_turn(s);
    carrier_write(c);
}

/* The library has done with a connection. In an orderly end both sides have sent END; where the other has
 * not, it must learn that nobody reads on. */
static void close_stream(struct stream *s, uint32_t asks)
{
    vst_id conn = s->conn;

    if (s->due & OPEN)
        s->due = 0; /* the other side has never heard of it */
    else if (asks & VST_FED_RESET)
        s->due = RESET;
    else
        s->due = (s->sent_end ? 0u : END) | (s->has_end ? 0u : RESET);
    s->conn = 0;
    vst_fed_closed(s->carrier->engine, conn);
}

void carrier_asked(const vst_fed_ask *ask)
{
    struct stream *s = ask->data;
    struct carrier *c = s->carrier;
    uint32_t room = ask->room < WINDOW ? (uint32_t)ask->room : WINDOW;

    if (ask->asks & (VST_FED_CLOSE | VST_FED_RESET)) {
        close_stream(s, ask->asks);
    } else {
        if (ask->asks & VST_FED_SHUT_WRITE)
            s->due |= END;
        if (ask->asks & VST_FED_RECEIVE && room >= s->promised + WINDOW / 2) {
            s->granted += room - s->promised; /* not for every few bytes */
            s->promised = room;
        }
    }
    give_turn(s); /* VST_FED_SEND is nothing else */
    carrier_write(c);
}

/* ---- its life ---------------------------------------------------------------------------------- */

struct carrier *carrier_new(vst_engine *engine, const vst_accept_config *arriving)
{
    struct carrier *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->engine = engine;
    c->arriving = arriving;
    c->last_turn = &c->turns;
    return c;
}

void carrier_opened(struct carrier *c, vst_id conn)
{
    c->conn = conn;
    carrier_read(c);
}

void carrier_drain(struct carrier *c)
{
    c->is_draining = 1;
    carrier_write(c);
}

void carrier_free(struct carrier *c)
{
    for (int i = 0; i < BUCKETS; i++)
        while (c->buckets[i] != NULL) {
            struct stream *s = c->buckets[i];

            if (s->due & OPEN)
                vst_fed_failed(c->engine, s->conn, ECONNREFUSED);
            else if (s->conn != 0)
                vst_fed_closed(c->engine, s->conn);
            stream_free(s);
        }
    free(c);
}
