/* The rules of whoami and proxy: a file that may be read again while they serve. */
#ifndef VESTIBULE_EXAMPLE_RULES_H
#define VESTIBULE_EXAMPLE_RULES_H

#include <stddef.h>
#include <vestibule.h>

struct rule_file {
    const char *path; /* or NULL: there are no rules */
    char *folder;     /* what is before its last slash */
    int opened;       /* the folder: a program that gives up all others still reads the file */
    vst_engine *engine;
    vst_rules *rules;
};

/* Reads the rules in the file path, for the backends of an engine, or NULL if none may be named; exits
 * with the mistake if there is one. */
void rules_open(struct rule_file *file, const char *path, vst_engine *engine);

/* The folder of the file, or NULL if there are no rules. */
const char *rules_folder(const struct rule_file *file);

/* Reads the file again: connections that begin from now on use the new rules. A mistake changes nothing
 * and is printed on stderr. Returns whether the file was read. */
int rules_reload(struct rule_file *file);

#endif
