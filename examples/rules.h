/* The rules of whoami and proxy: a file that may be read again while they serve. */
#ifndef VESTIBULE_EXAMPLE_RULES_H
#define VESTIBULE_EXAMPLE_RULES_H

#include <stddef.h>
#include <vestibule.h>

struct rule_file {
    const char *path; /* or NULL: there are no rules */
    vst_engine *engine;
    vst_rules *rules;
};

/* Reads the rules that path names, for the backends of an engine, or NULL where nobody asks for one;
 * exits with the mistake if there is one. */
void rules_open(struct rule_file *file, const char *path, vst_engine *engine);

/* Reads the file again: connections that begin from now on begin with what it says. A mistake
 * changes nothing and is printed on stderr. Answers whether it was read. */
int rules_reload(struct rule_file *file);

#endif
