/* The library is loaded by its name, used and unloaded a thousand times, and memory stays where it was. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

#include <vestibule.h>

enum { TIMES = 1000, WARM = 50, GROWTH_MAX = 2 * 1024 * 1024 };

static long resident(void)
{
    long pages[2] = {0, 0};
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL && fscanf(file, "%ld %ld", &pages[0], &pages[1]) != 2)
        pages[1] = 0;
    if (file != NULL)
        fclose(file);
    return pages[1] * sysconf(_SC_PAGESIZE);
}

static int use(void)
{
    void *library = dlopen("libvestibule.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return fprintf(stderr, "%s\n", dlerror()), -1;
    __typeof__(vst_abi_version) *version = (__typeof__(version))dlsym(library, "vst_abi_version");
    __typeof__(vst_tls_server_self_signed) *make = (__typeof__(make))dlsym(library, "vst_tls_server_self_signed");
    __typeof__(vst_tls_server_free) *end = (__typeof__(end))dlsym(library, "vst_tls_server_free");
    vst_tls_server *tls = NULL;
    if (version == NULL || make == NULL || end == NULL || version() != VST_ABI_VERSION)
        return fprintf(stderr, "another library\n"), -1;
    vst_status status = make("a.test", &tls, NULL, 0);
    end(tls);
    return dlclose(library) != 0 || (status != VST_OK && status != VST_E_UNSUPPORTED) ? -1 : 0;
}

int main(void)
{
    long before = 0;
    for (int i = 0; i < TIMES; i++) {
        if (i == WARM)
            before = resident();
        if (use() != 0)
            return 1;
    }
    long grown = resident() - before;
    printf("grown by %ld bytes\n", grown);
    return grown > GROWTH_MAX;
}
