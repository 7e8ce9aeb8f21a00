/* One engine with fed connections, and what can be said of one of them. */
#ifndef VST_FED_ONE_H
#define VST_FED_ONE_H

#include "fed.h"

static struct fed fed;

static inline void describe(vst_id conn, char *line, size_t size)
{
    size_t len;
    MUST(vst_conn_describe(fed.host.engine, conn, line, size - 1, &len) == VST_OK);
    line[len] = 0;
}

static inline int says(vst_id conn, const char *word)
{
    char line[4096];
    describe(conn, line, sizeof line);
    return strstr(line, word) != NULL;
}

/* The call is answered like this, and the connection is as before it. */
#define CHANGES_NOTHING(conn, call, due)                                                           \
    do {                                                                                           \
        char before_[4096], after_[4096];                                                          \
        unsigned asked_ = fed.asked;                                                               \
        describe(conn, before_, sizeof before_);                                                   \
        CHECK_EQ(call, due);                                                                       \
        describe(conn, after_, sizeof after_);                                                     \
        CHECK(strcmp(before_, after_) == 0);                                                       \
        CHECK_EQ(fed.asked, asked_);                                                               \
    } while (0)

static inline void send_text(vst_id conn, const char *text, size_t due)
{
    size_t taken;
    CHECK_EQ(vst_conn_send(fed.host.engine, conn, text, strlen(text), &taken), VST_OK);
    CHECK_EQ(taken, due);
}

static inline void reads(vst_id conn, size_t size, const char *text)
{
    char bytes[64];
    size_t got;
    CHECK_EQ(vst_conn_recv(fed.host.engine, conn, bytes, size, &got), VST_OK);
    CHECK(got == strlen(text) && memcmp(bytes, text, got) == 0);
}

static inline vst_status reads_none(vst_id conn)
{
    char byte;
    size_t got;
    vst_status status = vst_conn_recv(fed.host.engine, conn, &byte, 1, &got);
    CHECK_EQ(got, 0);
    return status;
}

/* An outgoing connection that is open. */
static inline vst_id opened_one(void)
{
    vst_id conn = fed_outgoing(&fed, "192.0.2.1:80", NULL);
    CHECK_EQ(vst_fed_opened(fed.host.engine, conn, NULL), VST_OK);
    CHECK(fed.host.last[VST_EVENT_CONNECTED] == conn);
    return conn;
}

static inline void it_ended(vst_id conn, uint32_t at, uint32_t why, int sys_errno)
{
    uint32_t state;
    const vst_end *end = fed_end(&fed, conn);
    MUST(end != NULL);
    CHECK_EQ(end->at, at);
    CHECK_EQ(end->why, why);
    CHECK_EQ(end->sys_errno, sys_errno);
    CHECK_EQ(vst_conn_state(fed.host.engine, conn, &state), VST_E_STALE);
}

#endif
