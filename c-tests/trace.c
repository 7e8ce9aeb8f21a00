/* The trace: lines of a stable form, in the order of what happened, of the categories that are switched
 * on, and none when none is. From its callback nothing may be called. */
#include "check.h"

enum { LINES = 4096, LONGEST = 512 };

static char lines[LINES][LONGEST];
static size_t count;
static struct host host;

static const char *const categories[] = {"call", "event", "op", "bytes", "tls", "closing"};

/* Words of the form key=value, of which a value in quotes may have spaces. */
static int is_of_the_form(const char *line)
{
    while (*line != '\0') {
        size_t key = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_");
        if (key == 0 || line[key] != '=')
            return 0;
        line += key + 1;
        if (*line == '"') {
            for (line++; *line != '"'; line++)
                if (*line == '\0' || (*line == '\\' && *++line == '\0'))
                    return 0;
            line++;
        } else {
            line += strcspn(line, " \"");
        }
        if (*line == ' ')
            line++;
        else if (*line != '\0')
            return 0;
    }
    return 1;
}

static void on_line(void *data, uint32_t category, const char *line, size_t len)
{
    uint32_t named = 0;
    MUST(data == &host && count < LINES && len < LONGEST);
    memcpy(lines[count], line, len);
    lines[count][len] = '\0';
    CHECK(strlen(lines[count]) == len && strchr(lines[count], '\n') == NULL);
    CHECK(is_of_the_form(lines[count]));
    for (uint32_t bit = 0; bit < sizeof categories / sizeof categories[0]; bit++) {
        char word[32];
        snprintf(word, sizeof word, " cat=%s ", categories[bit]);
        if (strstr(lines[count], word) != NULL)
            named = 1u << bit;
    }
    CHECK_EQ(named, category);
    CHECK(strncmp(lines[count], "t=", 2) == 0 && strstr(lines[count], "fn=- ") == NULL);
    count++;
    /* The engine is not known while it is made. */
    if (host.engine != NULL) {
        CHECK_EQ(vst_engine_trace(host.engine, 0), VST_E_REENTRANT);
        CHECK_EQ(vst_engine_run(host.engine, 0, NULL), VST_E_REENTRANT);
        CHECK_EQ(vst_engine_free(host.engine), VST_E_REENTRANT);
    }
}

/* The next line from `from` on that has all of `words`; `count` if there is none. */
static size_t next(size_t from, const char *first, const char *second)
{
    while (from < count && (strstr(lines[from], first) == NULL || strstr(lines[from], second) == NULL))
        from++;
    return from;
}

static const char *named(vst_id id)
{
    static char word[64];
    snprintf(word, sizeof word, "=0x%016llx", (unsigned long long)id);
    return word;
}

static void show_missing(const char *what)
{
    broken++;
    fprintf(stderr, "no line with %s among these:\n", what);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "%s\n", lines[i]);
}

#define IN_ORDER(at, first, second)                                                                \
    do {                                                                                           \
        (at) = next((at), (first), (second));                                                      \
        if ((at) == count)                                                                         \
            show_missing(first);                                                                   \
    } while (0)

/* What one session leaves, from the client's connect to its end. */
static void a_session(uint16_t port)
{
    char bytes[16];
    size_t got, sent, at = 0;
    int peer;
    count = 0;
    vst_id conn = session(&host, port, &peer);
    CHECK_EQ(vst_conn_recv(host.engine, conn, bytes, sizeof bytes, &got), VST_WAIT);
    say_text(peer, "secret");
    HOST_UNTIL(&host, host.reported[VST_EVENT_READABLE] > 0);
    CHECK_EQ(vst_conn_recv(host.engine, conn, bytes, sizeof bytes, &got), VST_OK);
    CHECK_EQ(vst_conn_send(host.engine, conn, "word", 4, &sent), VST_OK);
    CHECK_EQ(vst_conn_close(host.engine, conn), VST_OK);
    close(peer);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] > 0);
    CHECK_EQ(vst_conn_close(host.engine, conn), VST_E_STALE);

    IN_ORDER(at, " kind=first ", named(conn));
    IN_ORDER(at, " kind=done ", " op=ACCEPT_SESSION");
    IN_ORDER(at, " kind=event ", " event=SESSION");
    IN_ORDER(at, " fn=vst_conn_recv ", " status=VST_WAIT");
    IN_ORDER(at, " event=READABLE", named(conn));
    IN_ORDER(at, " fn=vst_conn_recv ", named(conn));
    IN_ORDER(at, " kind=read ", " bytes=6");
    IN_ORDER(at, " fn=vst_conn_send ", " status=VST_OK");
    IN_ORDER(at, " kind=written ", " bytes=4");
    IN_ORDER(at, " fn=vst_conn_close ", " status=VST_OK");
    IN_ORDER(at, " kind=wanted ", " op=DSHW");
    IN_ORDER(at, " kind=fin_sent ", named(conn));
    IN_ORDER(at, " cat=closing kind=done ", " op=FCLOSE");
    IN_ORDER(at, " kind=end ", " in=6 out=4 ");
    IN_ORDER(at, " event=CLOSED", named(conn));
    IN_ORDER(at, " fn=vst_conn_close ", " status=VST_E_STALE");
    CHECK_EQ(next(0, "secret", ""), count);
    CHECK(next(0, " kind=interest ", " fd=") < count);
    CHECK(next(0, " fn=vst_engine_ready ", " id=0x4") < count);
}

/* One category, and no other. */
static void only(uint32_t category, uint16_t port)
{
    int peer;
    CHECK_EQ(vst_engine_trace(host.engine, category), VST_OK);
    unsigned before = host.reported[VST_EVENT_CLOSED];
    count = 0;
    vst_id conn = session(&host, port, &peer);
    CHECK_EQ(vst_conn_close(host.engine, conn), VST_OK);
    close(peer);
    HOST_UNTIL(&host, host.reported[VST_EVENT_CLOSED] > before);
    char word[32];
    int bit = 0;
    while (category >> bit > 1)
        bit++;
    snprintf(word, sizeof word, " cat=%s ", category == 0 ? "none" : categories[bit]);
    for (size_t i = 0; i < count; i++)
        CHECK(strstr(lines[i], word) != NULL);
    int silent = category == 0 || category == VST_TRACE_BYTES || category == VST_TRACE_TLS;
    CHECK(silent == (count == 0));
}

int main(void)
{
    uint16_t port;
    vst_engine *silent;
    vst_engine_options options = host_options(&host, HOST_EPOLL);
    options.trace = on_line;
    options.trace_categories = VST_TRACE_ALL;
    host_open(&host, &options);
    CHECK(next(0, " fn=vst_engine_wait ", " status=VST_OK") < count);
    listener(&host, NULL, &port);
    CHECK(next(0, " fn=vst_listener_open ", " status=VST_OK") < count);
    a_session(port);
    for (uint32_t category = 1; category <= VST_TRACE_CLOSING; category *= 2)
        only(category, port);
    only(0, port);
    CHECK_EQ(vst_engine_trace(host.engine, VST_TRACE_ALL), VST_OK);
    count = 0;
    host_free(&host);
    CHECK(next(0, " kind=interest ", " new=96") < count);

    vst_engine_options without = {.size = sizeof without};
    MUST(vst_engine_new(&without, &silent, NULL, 0) == VST_OK);
    CHECK_EQ(vst_engine_trace(silent, VST_TRACE_ALL), VST_E_MODE);
    CHECK_EQ(vst_engine_trace(silent, VST_TRACE_ALL + 1), VST_E_ARGUMENT);
    CHECK_EQ(vst_engine_trace(silent, 0), VST_OK);
    CHECK_EQ(vst_engine_free(silent), VST_OK);
    return verdict();
}
