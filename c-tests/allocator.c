/* All memory of the library comes from the host's allocator, that of its cryptography included, and all of
 * it goes back there. */
#include "check.h"

#include <malloc.h>
#include <stdatomic.h>

static atomic_size_t live, calls;

static void *take(void *data, size_t size, size_t align)
{
    void *memory = NULL;
    CHECK(data == &live);
    CHECK(size > 0 && (align & (align - 1)) == 0);
    if (posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, size) != 0)
        return NULL;
    atomic_fetch_add(&live, size);
    atomic_fetch_add(&calls, 1);
    return memory;
}

static void give(void *data, void *memory, size_t size, size_t align)
{
    CHECK(data == &live);
    CHECK((uintptr_t)memory % align == 0);
    atomic_fetch_sub(&live, size);
    free(memory);
}

int main(int argc, char **argv)
{
    uint64_t features = 0;
    vst_allocator mine = {.size = sizeof mine, .data = &live, .alloc = take, .dealloc = give};
    vst_allocator bad = mine;
    MUST(argc > 1);
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

    /* What the C library takes for itself meanwhile is not the library's. */
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
    /* posix_memalign serves both: what is in use beyond the host's count is its overhead. */
    CHECK(now.uordblks + now.hblkhd >= before.uordblks + before.hblkhd + taken);
    host_free(&host);
    vst_tls_server_free(server);
    /* What is kept for the process: tables of the cryptography, the hook for panics. */
    CHECK(atomic_load(&live) < taken);
    return verdict();
}
