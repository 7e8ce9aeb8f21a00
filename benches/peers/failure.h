/* Programs of a measurement end at the first thing that they do not expect: there is no figure then. */
#ifndef FAILURE_H
#define FAILURE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define die(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), exit(1))

/* Ends the program if a system call has failed. */
static inline int must(int result, const char *call)
{
    if (result < 0)
        die("%s: %s", call, strerror(errno));
    return result;
}

#endif
