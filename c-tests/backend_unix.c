/* A server may be a unix socket, beside others with TCP. While its program does not run its path does
 * not exist, and streams go to the other. */
#include "backend.h"

static struct farm farm;

/* A unix socket that listens, without blocking in accept. */
static int opened_at(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    MUST(fd >= 0 && strlen(path) < sizeof name.sun_path);
    strcpy(name.sun_path, path);
    MUST(bind(fd, (struct sockaddr *)&name, sizeof name) == 0 && listen(fd, 64) == 0);
    return fd;
}

/* A stream to the server behind a door, both ways and to its end. */
static void served_by(uint32_t server, int door)
{
    unsigned before = farm.ended;
    int client = farm_client(&farm, "ask");
    int peer = farm_takes(&farm, door, "ask");
    say_text(peer, "answer");
    farm_hears(&farm, client, "answer");
    farm_ends(&farm, client, peer);
    const vst_stream_end *end = &farm.ends[before];
    CHECK_EQ(end->server, server);
    CHECK_EQ(end->bytes_up, 3);
    CHECK_EQ(end->bytes_down, 6);
    CHECK(strcmp(end->termination, "--") == 0);
}

int main(void)
{
    char folder[] = "/tmp/vestibule-XXXXXX", path[64], address[80];
    uint16_t port;
    uint32_t local = 9;
    MUST(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/server", folder);
    snprintf(address, sizeof address, "unix:%s", path);
    int unix_door = opened_at(path), held = reserved(&port), door = opened(port);

    vst_backend_options options = backend_defaults();
    options.retries = 1; /* and the retry goes to another server */
    farm_open(&farm);
    farm_backend(&farm, options);
    vst_server_options server = server_defaults();
    server.name = "local";
    server.addresses = address;
    MUST(vst_backend_add_server(farm.host.engine, farm.backend, &server, &local, NULL, 0) == VST_OK);
    uint32_t far = farm_add(&farm, server_defaults(), port);
    CHECK(local == 0 && far == 1);
    served_by(local, unix_door);
    served_by(far, door);
    served_by(local, unix_door);
    served_by(far, door);

    /* It is its turn, and nothing listens there: the other gets the stream. */
    close(unix_door);
    MUST(unlink(path) == 0);
    served_by(far, door);
    CHECK(farm_counters(&farm, local).connect_errors_total > 0);
    unix_door = opened_at(path);
    /* The other's own turn was not used up by that. */
    served_by(far, door);
    served_by(local, unix_door);

    close(unix_door);
    close(door);
    close(held);
    MUST(unlink(path) == 0 && rmdir(folder) == 0);
    host_free(&farm.host);
    return verdict();
}
