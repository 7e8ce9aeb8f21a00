/* smtp: a minimal mail server, with TLS that begins in the middle (STARTTLS).
 *
 *   smtp --listen ADDR:PORT --tls CERT KEY [--host epoll|epoll-et|mio]
 *
 * It implements as much of SMTP (RFC 5321) as shows where TLS begins (RFC 3207): a banner, EHLO that
 * offers STARTTLS, and mail that is accepted after TLS only, counted, and discarded. The session is one
 * from the first byte to the last: vst_conn_start_tls begins TLS, VST_EVENT_TLS_DONE reports that the
 * handshake is complete, and reading and writing go on as before.
 *
 *   curl --ssl-reqd --cacert ca.pem --mail-from a@a.test --mail-rcpt b@b.test -T mail.txt \
 *       smtp://localhost:2525/localhost
 *
 * Prints "ready ADDR:PORT" when it serves. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The longest line of a mail (RFC 5321 section 4.5.3.1.6); commands are shorter. */
enum { WHY = 512, LINE = 1000, ANSWER = 256 };

/* What is done once the answer was sent. */
enum next { GO_ON, BEGIN_TLS, END };

struct session {
    int is_secure;
    int in_mail; /* between DATA and the line with a dot only */
    unsigned long mail_bytes;
    enum next next;
    size_t out_from, out_to; /* what the client has not taken yet */
    char out[ANSWER];
    size_t in_len; /* what it has sent and has not been processed */
    char in[LINE];
};

struct smtp {
    struct host host; /* first: callbacks get a pointer to it */
    vst_tls_server *tls;
};

/* ---- the protocol: a line in, an answer out ------------------------------------------------- */

/* Nothing is read while an answer waits, so there is never more than one. */
static void say(struct session *session, const char *text, enum next next)
{
    session->out_from = 0;
    session->out_to = (size_t)snprintf(session->out, ANSWER, "%s\r\n", text);
    session->next = next;
}

/* Bytes behind the command came in the clear, perhaps from an attacker in between. They must not be
 * taken for something that was sent after TLS began (CVE-2011-0411). */
static void starttls(struct session *session)
{
    if (session->is_secure)
        say(session, "503 5.5.1 TLS is there already", GO_ON);
    else if (session->in_len > 0)
        say(session, "554 5.5.1 nothing may follow STARTTLS before TLS", END);
    else
        say(session, "220 2.0.0 ready to start TLS", BEGIN_TLS);
}

static int is(const char *line, const char *verb)
{
    size_t len = strlen(verb);

    return strncasecmp(line, verb, len) == 0 && (line[len] == '\0' || line[len] == ' ');
}

static void obey(struct session *session, const char *line)
{
    if (is(line, "EHLO"))
        say(session, session->is_secure ? "250 mail.test" : "250-mail.test\r\n250 STARTTLS", GO_ON);
    else if (is(line, "HELO"))
        say(session, "250 mail.test", GO_ON);
    else if (is(line, "STARTTLS"))
        starttls(session);
    else if (is(line, "NOOP") || is(line, "RSET"))
        say(session, "250 2.0.0 as you like", GO_ON);
    else if (is(line, "QUIT"))
        say(session, "221 2.0.0 goodbye", END);
    else if (!session->is_secure)
        say(session, "530 5.7.0 Must issue a STARTTLS command first", GO_ON);
    else if (is(line, "MAIL") || is(line, "RCPT"))
        say(session, "250 2.1.0 fine", GO_ON);
    else if (is(line, "DATA")) {
        session->in_mail = 1;
        session->mail_bytes = 0;
        say(session, "354 go on, and end with a dot alone", GO_ON);
    } else
        say(session, "502 5.5.1 what?", GO_ON);
}

static void take_mail(struct session *session, const char *line, size_t len)
{
    char text[ANSWER];

    if (strcmp(line, ".") != 0) {
        session->mail_bytes += len;
        return;
    }
    session->in_mail = 0;
    snprintf(text, sizeof text, "250 2.0.0 %lu bytes, and thank you", session->mail_bytes);
    say(session, text, GO_ON);
}

/* Processes one line; returns whether there was a whole one. */
static int take_line(struct session *session)
{
    char line[LINE];
    char *end = memchr(session->in, '\n', session->in_len);
    size_t len;

    if (end == NULL)
        return 0;
    len = (size_t)(end - session->in) + 1;
    memcpy(line, session->in, len);
    line[len > 1 && line[len - 2] == '\r' ? len - 2 : len - 1] = '\0';
    session->in_len -= len;
    memmove(session->in, end + 1, session->in_len);
    if (session->in_mail)
        take_mail(session, line, len);
    else
        obey(session, line);
    return 1;
}

/* ---- the bytes ------------------------------------------------------------------------------ */

static void begin_tls(struct smtp *smtp, vst_engine *engine, vst_id id, struct session *session)
{
    vst_start_tls start = {.size = sizeof start, .server = smtp->tls};

    session->next = GO_ON;
    /* VST_EVENT_TLS_DONE comes next, or VST_EVENT_CLOSED when the handshake fails. */
    if (vst_conn_start_tls(engine, id, &start, NULL, 0) < 0)
        vst_conn_abort(engine, id);
}

/* Goes on until something has to wait: the event that ends the wait comes back here. */
static void serve(struct smtp *smtp, vst_engine *engine, vst_id id, struct session *session)
{
    vst_status status = VST_OK;
    size_t count;

    while (status == VST_OK) {
        if (session->out_from < session->out_to) {
            status = vst_conn_send(engine, id, session->out + session->out_from,
                                   session->out_to - session->out_from, &count);
            session->out_from += count;
        } else if (session->next == BEGIN_TLS) {
            begin_tls(smtp, engine, id, session);
            return;
        } else if (session->next == END) {
            status = VST_END;
        } else if (!take_line(session)) {
            if (session->in_len == LINE) {
                say(session, "500 5.5.2 that line is too long", END);
                continue;
            }
            status = vst_conn_recv(engine, id, session->in + session->in_len,
                                   LINE - session->in_len, &count);
            session->in_len += count;
        }
    }
    /* Our end, the client's, or a failure that closes the connection anyway. */
    if (status != VST_WAIT)
        vst_conn_close(engine, id);
}

static void open_session(struct smtp *smtp, vst_engine *engine, vst_id id)
{
    struct session *session = calloc(1, sizeof *session);

    if (session == NULL) {
        vst_conn_abort(engine, id);
        return;
    }
    vst_conn_set_user(engine, id, session);
    say(session, "220 mail.test ESMTP", GO_ON);
    serve(smtp, engine, id, session);
}

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    struct session *session = event->user;

    switch (event->kind) {
    case VST_EVENT_SESSION:
        open_session(data, engine, event->id);
        break;
    case VST_EVENT_TLS_DONE:
        /* What was agreed on before is discarded (RFC 3207 section 4.2): there is nothing here. */
        session->is_secure = 1;
        serve(data, engine, event->id, session);
        break;
    case VST_EVENT_READABLE:
    case VST_EVENT_WRITABLE:
        serve(data, engine, event->id, session);
        break;
    case VST_EVENT_CLOSED:
        if (event->end->why != 0)
            fprintf(stderr, "ended: %s\n", event->end->text);
        free(session);
        break;
    case VST_EVENT_REFUSED:
        fprintf(stderr, "refused: %s\n", event->end->text);
        break;
    default:
        break;
    }
}

/* ---- the program ---------------------------------------------------------------------------- */

static void usage(void)
{
    die("usage: smtp --listen ADDR:PORT --tls CERT KEY [--host epoll|epoll-et|mio]");
}

int main(int argc, char **argv)
{
    const char *listen = NULL, *kind = "epoll";
    struct smtp smtp = {.tls = NULL};
    vst_accept_options accept;
    vst_accept_config *config;
    vst_id listener;
    char why[WHY];

    for (int i = 1; i < argc; i++) {
        int left = argc - i - 1;

        if (strcmp(argv[i], "--listen") == 0 && left >= 1)
            listen = argv[++i];
        else if (strcmp(argv[i], "--host") == 0 && left >= 1)
            kind = argv[++i];
        else if (strcmp(argv[i], "--tls") == 0 && left >= 2 && smtp.tls == NULL) {
            smtp.tls = read_tls(argv[i + 1], argv[i + 2]);
            i += 2;
        } else
            usage();
    }
    if (listen == NULL || smtp.tls == NULL)
        usage();

    host_open(&smtp.host, kind, on_event);
    /* Without tls: connections begin in the clear. */
    vst_accept_options_init(&accept, sizeof accept);
    if (vst_accept_config_new(&accept, &config, why, sizeof why) < 0)
        die("%s", why);
    listener = host_listen(&smtp.host, listen, config, NULL);
    vst_accept_config_free(config);
    host_serve(&smtp.host, listener);
    vst_tls_server_free(smtp.tls);
    return 0;
}
