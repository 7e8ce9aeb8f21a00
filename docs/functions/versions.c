// Which library this is, its memory, and the names of its numbers.
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <vestibule.h>

/* The host's allocator. */
void *arena_take(void *arena, size_t size, size_t align);
void arena_give(void *arena, void *memory, size_t size, size_t align);

// Example of vst_abi_version.
int fits(void)
{
    if (vst_abi_version() == VST_ABI_VERSION)
        return 1;
    fprintf(stderr, "the library has the binary interface %u, and this program needs %d\n",
            vst_abi_version(), VST_ABI_VERSION);
    return 0;
}

// Example of vst_version, vst_features.
void print_version(void)
{
    uint64_t features = 0;

    vst_features(&features);
    printf("vestibule %s%s%s\n", vst_version(),
           features & VST_FEATURE_LOOP ? ", with a loop" : "",
           features & VST_FEATURE_AWS_LC ? ", TLS by aws-lc" : "");
}

// Example of vst_set_allocator.
int use_arena(void *arena)
{
    const vst_allocator allocator = {
        .size = sizeof allocator, .data = arena, .alloc = arena_take, .dealloc = arena_give};
    vst_status status = vst_set_allocator(&allocator);

    if (status == VST_E_STATE)
        fprintf(stderr, "the library has memory already: call this first in main\n");
    else if (status < 0)
        fprintf(stderr, "memory of the library: %s\n", vst_strerror(status));
    return status == VST_OK ? 0 : -1;
}

// Example of vst_op_name, vst_why_name.
void log_end(const vst_end *end)
{
    /* For a log that programs read; end->text is a sentence for people. */
    fprintf(stderr, "end conn=%016" PRIx64 " op=%s why=%s errno=%d\n", end->conn,
            vst_op_name(end->at), vst_why_name(end->why), (int)end->sys_errno);
}
