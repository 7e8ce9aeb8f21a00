// Groups: engines in several threads that serve the same purpose.
#include <stdio.h>
#include <vestibule.h>

// Example of vst_group_new, vst_group_free.
int make_loops(vst_engine_options options, vst_loop **loops, unsigned count)
{
    vst_group *group;
    char why[256];
    vst_status status = vst_group_new(&group);

    options.group = group;
    for (unsigned i = 0; status >= 0 && i < count; i++)
        status = vst_loop_new(&options, &loops[i], NULL, why, sizeof why);
    if (status < 0)
        fprintf(stderr, "no loop for each thread: %s\n", vst_strerror(status));
    // The engines keep the group. Each is given the same backends, under the same names.
    vst_group_free(group);
    return status < 0;
}
