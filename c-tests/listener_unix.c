/* A unix path is taken over from a listener that has it, unless the host forbids that; a path at which
 * nothing listens any more is free either way. */
#include "check.h"

int main(void)
{
    struct host host;
    char folder[] = "/tmp/vestibule-XXXXXX", path[64], address[80], why[256];
    vst_listener_options options;
    vst_id first, second = 9;
    int32_t sys;
    MUST(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/door", folder);
    snprintf(address, sizeof address, "unix:%s", path);
    host_new(&host, HOST_EPOLL);
    vst_accept_config *config = accepting(NULL);
    MUST(vst_listener_options_init(&options, sizeof options) == VST_OK);
    options.flags = VST_LISTENER_UNIX_EXCLUSIVE;
#define OPEN(out) \
    vst_listener_open(host.engine, address, config, &options, out, &sys, why, sizeof why)

    MUST(OPEN(&first) == VST_OK);
    CHECK_EQ(OPEN(&second), VST_E_SYSTEM);
    CHECK_EQ(second, 0);
    CHECK_EQ(sys, EADDRINUSE);
    CHECK(why[0] != '\0');
    options.flags = 0;
    CHECK_EQ(OPEN(&second), VST_OK);

    /* The path belongs to the second now: the first leaves it unchanged. */
    CHECK_EQ(vst_listener_close(host.engine, first), VST_OK);
    HOST_UNTIL(&host, host.last[VST_EVENT_LISTENER_CLOSED] == first);
    CHECK_EQ(access(path, F_OK), 0);
    CHECK_EQ(vst_listener_close(host.engine, second), VST_OK);
    HOST_UNTIL(&host, host.last[VST_EVENT_LISTENER_CLOSED] == second);
    CHECK(access(path, F_OK) != 0);
    options.flags = VST_LISTENER_UNIX_EXCLUSIVE;
    CHECK_EQ(OPEN(&first), VST_OK);

    vst_accept_config_free(config);
    host_free(&host);
    rmdir(folder);
    return verdict();
}
