/* Reads rules from a file, and again. See rules.h. */
#define _GNU_SOURCE
#include "rules.h"

#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WHY = 1024 };

/* Opens the folder of the file, so that it is found there whatever becomes of the way to it. */
static void open_folder(struct rule_file *file)
{
    const char *slash = strrchr(file->path, '/');
    size_t len = slash == NULL ? 1 : slash == file->path ? 1 : (size_t)(slash - file->path);

    file->folder = strndup(slash == NULL ? "." : file->path, len);
    if (file->folder == NULL)
        die("no memory for %s", file->path);
    file->opened = open(file->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (file->opened < 0)
        die("%s: %s", file->folder, strerror(errno));
}

static FILE *open_file(const struct rule_file *file)
{
    const char *slash = strrchr(file->path, '/');
    int fd = openat(file->opened, slash == NULL ? file->path : slash + 1, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? NULL : fdopen(fd, "rb");
}

/* The bytes of the file, to be freed, or NULL. */
static uint8_t *contents(const struct rule_file *rules, size_t *len)
{
    FILE *file = open_file(rules);
    uint8_t *bytes = NULL, *more;
    size_t room = 0, got = 1;

    *len = 0;
    while (file != NULL && got > 0) {
        if (*len == room) {
            room = 2 * room + 4096;
            if ((more = realloc(bytes, room)) == NULL)
                die("no memory for %s", rules->path);
            bytes = more;
        }
        *len += got = fread(bytes + *len, 1, room - *len, file);
    }
    if (file == NULL || ferror(file)) {
        free(bytes);
        bytes = NULL;
    }
    if (file != NULL)
        fclose(file);
    return bytes;
}

/* Prints what is no mistake in the rules, but should be known. */
static void print_notes(const struct rule_file *file, const vst_rules *rules)
{
    char note[WHY];
    size_t len, i;

    for (i = 0; vst_rules_notes(rules, i, note, sizeof note, &len) == VST_OK; i++)
        fprintf(stderr, "%s: note: %.*s\n", file->path, (int)len, note);
}

/* The rules in the file now, or NULL and why. What its rules have counted is kept. */
static vst_rules *read_rules(const struct rule_file *file, char *why)
{
    vst_rules *rules = NULL;
    size_t len;
    uint8_t *text = contents(file, &len);

    if (text == NULL)
        snprintf(why, WHY, "%s", strerror(errno));
    else if (vst_rules_new(text, len, NULL, 0, file->rules, &rules, why, WHY) < 0)
        rules = NULL;
    free(text);
    if (rules != NULL && file->engine != NULL &&
        vst_rules_check(file->engine, rules, why, WHY) < 0) {
        vst_rules_free(rules);
        rules = NULL;
    }
    return rules;
}

void rules_open(struct rule_file *file, const char *path, vst_engine *engine)
{
    char why[WHY];

    file->path = path;
    file->engine = engine;
    file->rules = NULL;
    file->folder = NULL;
    if (path != NULL) {
        open_folder(file);
        file->rules = read_rules(file, why);
    }
    if (path != NULL && file->rules == NULL)
        die("%s: %s", path, why);
    if (path != NULL)
        print_notes(file, file->rules);
}

const char *rules_folder(const struct rule_file *file)
{
    return file->folder;
}

int rules_reload(struct rule_file *file)
{
    char why[WHY] = "no --rules";
    vst_rules *fresh = NULL;

    if (file->path != NULL)
        fresh = read_rules(file, why);
    if (fresh != NULL && vst_rules_replace(file->rules, fresh) < 0) {
        snprintf(why, sizeof why, "a line looks for a ClientHello, and TLS ends here");
        vst_rules_free(fresh);
        fresh = NULL;
    }
    if (fresh == NULL) {
        fprintf(stderr, "rules stay: %s: %s\n", file->path != NULL ? file->path : "-", why);
    } else {
        print_notes(file, fresh);
        vst_rules_free(fresh);
        printf("rules read: %s\n", file->path);
        fflush(stdout);
    }
    return fresh != NULL;
}
