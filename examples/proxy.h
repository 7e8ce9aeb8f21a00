/* What the parts of proxy share. */
#ifndef VESTIBULE_EXAMPLE_PROXY_H
#define VESTIBULE_EXAMPLE_PROXY_H

#include "host.h"
#include "options.h"
#include "rules.h"

enum { ADDRESS_TEXT = 512 };

struct proxy {
    struct host host; /* first: callbacks get a pointer to it */
    struct arguments args;
    struct rule_file rules;
    vst_stream_config *stream;
};

/* An address as text, in memory of the caller's. */
const char *text_of(const vst_addr *addr, char *text, size_t size);

/* The server that runs without arguments: one answer to every request. */
void say_hello(vst_engine *engine, vst_id id);

/* Executes an operator's command: a line, which arrives in one piece. */
void obey(struct proxy *proxy, vst_engine *engine, vst_id id);

#endif
