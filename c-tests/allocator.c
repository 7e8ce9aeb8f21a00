/* All memory of the library comes from the host's allocator, that of its cryptography included, and all of
 * it goes back there. */
#include "check.h"

#include <malloc.h>
#include <stdatomic.h>
#include <sys/mman.h>

/* The host's memory is not malloc's, so that what malloc gives meanwhile shows. It is used once. */
#define ARENA (256u << 20)
/* What the C library may take for itself: buffers of a stream, a resolver's state. */
#define OF_THE_C_LIBRARY 8192

static char *arena;
static atomic_size_t used, live, calls;

static void *take(void *data, size_t size, size_t align)
{
    CHECK(data == &live);
    CHECK(size > 0 && align > 0 && (align & (align - 1)) == 0);
    size_t from = atomic_fetch_add(&used, size + align), at = (from + align - 1) & ~(align - 1);
    if (at + size > ARENA)
        return NULL;
    atomic_fetch_add(&live, size);
    atomic_fetch_add(&calls, 1);
    return arena + at;
}

static void give(void *data, void *memory, size_t size, size_t align)
{
    CHECK(data == &live);
    CHECK((uintptr_t)memory % align == 0);
    CHECK((char *)memory >= arena && (char *)memory + size <= arena + ARENA);
    atomic_fetch_sub(&live, size);
}

/* valgrind has a malloc of its own, which mallinfo2 does not know. */
static int is_watched(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}

int main(int argc, char **argv)
{
    uint64_t features = 0;
    vst_allocator mine = {.size = sizeof mine, .data = &live, .alloc = take, .dealloc = give};
    vst_allocator bad = mine;
    arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MUST(argc > 1 && arena != MAP_FAILED);
    CHECK(vst_abi_version() == VST_ABI_VERSION);
    MUST(vst_features(&features) == VST_OK);
    if (!(features & VST_FEATURE_ALLOCATOR)) {
        CHECK_EQ(vst_set_allocator(&mine), VST_E_UNSUPPORTED);
        return verdict();
    }
    CHECK_EQ(vst_set_allocator(NULL), VST_E_NULL);
    bad.alloc = NULL;
    CHECK_EQ(vst_set_allocator(&bad), VST_E_NULL);
    CHECK_EQ(vst_set_allocator(&mine), VST_OK);
    CHECK_EQ(vst_set_allocator(&mine), VST_E_STATE);

    struct mallinfo2 before = mallinfo2();
    size_t of_mine = atomic_load(&live);
    vst_identity files = {.chain.file = argv[1], .key.file = argv[1]};
    vst_tls_server_options of_server = {.size = sizeof of_server, .identities = &files};
    of_server.identity_count = 1;
    vst_tls_server *server;
    MUST(vst_tls_server_new(&of_server, &server, NULL, 0) == VST_OK);
    struct host host;
    host_new(&host, HOST_EPOLL);
    CHECK(atomic_load(&calls) > 10);
    size_t taken = atomic_load(&live) - of_mine;
    struct mallinfo2 now = mallinfo2();
    CHECK(is_watched() || now.uordblks + now.hblkhd <= before.uordblks + before.hblkhd + OF_THE_C_LIBRARY);
    host_free(&host);
    vst_tls_server_free(server);
    /* What is kept for the process: tables of the cryptography, the hook for panics. */
    CHECK(atomic_load(&live) < taken);
    return verdict();
}
