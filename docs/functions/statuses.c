// Examples of the functions of statuses.
#include <stdio.h>
#include <vestibule.h>

// Example of vst_status_name, vst_strerror.
void report(const char *call, vst_status status)
{
    if (status < 0)
        fprintf(stderr, "%s: %s: %s\n", call, vst_status_name(status),
                vst_strerror(status));
}
