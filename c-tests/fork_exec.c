/* Every descriptor of the library is close-on-exec: a child that execs while everything is in use holds
 * none of them. */
#include "check.h"

#include <dirent.h>

/* The exec'd child: nothing above stderr is open but what reads the list. */
static int child(void)
{
    DIR *list = opendir("/proc/self/fd");
    struct dirent *entry;
    int open_fds = 0;
    MUST(list != NULL);
    while ((entry = readdir(list)) != NULL) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd > 2 && fd != dirfd(list)) {
            char path[64], target[128] = {0};
            snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
            if (readlink(path, target, sizeof target - 1) >= 0
                && strncmp(target, "socket:", 7) == 0) {
                fprintf(stderr, "the child has %s open\n", target);
                open_fds++;
            }
        }
    }
    closedir(list);
    return open_fds != 0;
}

int main(int argc, char **argv)
{
    struct host host;
    uint16_t port, server_port;
    int peer, status;
    vst_id server, stream;
    char address[32];
    if (argc > 1 && strcmp(argv[1], "child") == 0)
        return child();
    int door = listening(&server_port);
    vst_connect_config *outgoing = connecting(VST_SEND_PROXY_NONE);
    host_new(&host, HOST_EPOLL);
    listener(&host, NULL, &port);
    vst_id client = session(&host, port, &peer);
    snprintf(address, sizeof address, "127.0.0.1:%u", server_port);
    CHECK_EQ(vst_conn_connect(host.engine, address, outgoing, NULL, &server, NULL, 0), VST_OK);
    CHECK_EQ(vst_conn_forward(host.engine, client, server, NULL, NULL, &stream), VST_OK);

    /* A listener that was taken over without the flag gets it too. */
    int bare = socket(AF_INET, SOCK_STREAM, 0);
    MUST(bare >= 0 && listen(bare, 1) == 0);
    vst_accept_config *config = accepting(NULL);
    vst_id adopted;
    CHECK_EQ(vst_listener_adopt(host.engine, bare, config, NULL, &adopted, NULL, NULL, 0), VST_OK);
    vst_accept_config_free(config);

    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        execl(argv[0], argv[0], "child", (char *)NULL);
        _exit(127);
    }
    MUST(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

    /* And the parent continues. */
    say_text(peer, "hello");
    MUST(wait_for(door, POLLIN));
    int accepted = accept(door, NULL, NULL);
    char bytes[8];
    HOST_UNTIL(&host, recv(accepted, bytes, sizeof bytes, MSG_DONTWAIT | MSG_PEEK) == 5);
    close(accepted);
    close(door);
    close(peer);
    vst_connect_config_free(outgoing);
    host_free(&host);
    return verdict();
}
