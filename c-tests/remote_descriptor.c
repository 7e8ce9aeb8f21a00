/* The descriptor of a raw connection is passed over a unix socket unless one side says no; then the agent
 * has nothing more to do with it. An agent that passes one that was not asked for is left. */
#include "remote.h"

#include <stddef.h>

/* Whether the connection is passed, with these flags of the three who have a say. */
static void is_passed(uint64_t connect, uint64_t link, uint64_t agent, int due)
{
    vst_connect_options options;
    uint32_t clients, channels;
    int server;
    remote_prepare(0);
    remote.link_options.flags = link;
    remote.agent_options.flags = agent;
    remote_open();
    options = remote_options();
    options.flags = connect;
    vst_id conn = opens(&options, &server);
    CHECK_EQ(stands_alone(conn), due);
    sends(conn, "ask");
    hears(server, "ask");
    say_text(server, "answer");
    reads(conn, "answer");
    CHECK_EQ(vst_agent_load(remote.agent.host.engine, remote.the_agent, &clients, &channels), VST_OK);
    CHECK_EQ(clients, 1);
    CHECK_EQ(channels, !due);
    REMOTE_UNTIL(remote.agent.host.wait.conns == (due ? 1 : 2));
    if (due) {
        /* Its end was reported there when it was passed, and the agent may go. */
        CHECK_EQ(remote.agent.host.reported[VST_EVENT_CLOSED], 1);
        CHECK_EQ(remote.agent.ends[0].why, 0);
        CHECK_EQ(vst_agent_close(remote.agent.host.engine, remote.the_agent), VST_OK);
        REMOTE_UNTIL(remote.words[remote.said - 1] == VST_EVENT_LINK_DOWN);
        sends(conn, "without an agent");
        hears(server, "without an agent");
        MUST(vst_agent_new(remote.agent.host.engine, &remote.agent_options, &remote.the_agent, NULL, 0)
             == VST_OK);
        REMOTE_UNTIL(remote.words[remote.said - 1] == VST_EVENT_LINK_UP);
    }
    CHECK_EQ(vst_conn_close(remote.client.host.engine, conn), VST_OK);
    CHECK_EQ(hears_end(server), 0);
    close(server);
    CHECK_EQ(end_of(conn)->why, 0);
    remote_finish();
}

/* The number of a passed descriptor is this process's own, and may be taken over. */
static void a_passed_descriptor_can_be_taken_over(void)
{
    vst_connect_options options;
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    int server, fd;
    size_t len;
    char byte;
    remote_new();
    options = remote_options();
    vst_id conn = opens(&options, &server);
    vst_addr local, peer;
    CHECK_EQ(vst_conn_socket_addrs(remote.client.host.engine, conn, &local, &peer), VST_OK);
    MUST(vst_conn_take_fd(remote.client.host.engine, conn, &fd, &byte, 1, &len) == VST_OK);
    CHECK(fd >= 0 && len == 0);
    MUST(getpeername(fd, (struct sockaddr *)&name, &size) == 0 && name.sin_family == AF_INET);
    say_text(fd, "by hand");
    hears(server, "by hand");
    close(fd);
    close(server);

    options.flags = VST_CONNECT_NO_DESCRIPTOR;
    conn = opens(&options, &server);
    CHECK(vst_conn_take_fd(remote.client.host.engine, conn, &fd, &byte, 1, &len) < 0);
    CHECK_EQ(fd, -1);
    CHECK_EQ(vst_conn_abort(remote.client.host.engine, conn), VST_OK);
    close(server);
    remote_finish();
}

/* ---- an agent that is played by hand ---- */

static void say_passing(int fd, const void *frame, size_t len, int passed)
{
    char control[CMSG_SPACE(sizeof passed)] = "";
    struct iovec bytes = {.iov_base = (void *)frame, .iov_len = len};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof passed);
    memcpy(CMSG_DATA(rights), &passed, sizeof passed);
    MUST(sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)len);
}

static int hand_made_agent(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const char *text = strchr(remote.address, '@');
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text));
    memcpy(name.sun_path + 1, text + 1, strlen(text + 1));
    MUST(fd >= 0 && bind(fd, (struct sockaddr *)&name, size) == 0 && listen(fd, 8) == 0);
    return fd;
}

/* The link is given up when the agent does this, and the descriptor is closed. */
static void is_a_fault(const char *frame, size_t len, uint64_t hello, uint64_t link, uint64_t connect)
{
    char greeting[] = "\0\020\001\001\0\0\0\0vst-link\0\001\0\001\0\0\0\020", byte;
    int ends[2], agent = -1;
    vst_connect_options options;
    remote_prepare(0);
    remote.link_options.flags = link;
    int door = hand_made_agent();
    client_open();
    options = remote_options();
    options.flags = connect;
    vst_id conn = connects(&options, 1);
    REMOTE_UNTIL((agent = accept4(door, NULL, NULL, SOCK_CLOEXEC)) >= 0);
    greeting[3] = (char)hello;
    say(agent, greeting, 24);
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    say_passing(agent, frame, len, ends[0]);
    close(ends[0]);
    /* It is told why, as the last thing. */
    ssize_t got = 0;
    char last = 0;
    REMOTE_UNTIL(({
        while ((got = hear(agent, &byte, 1)) == 1)
            last = byte;
        got == 0;
    }));
    CHECK(last != 0);
    close(agent);
    CHECK_EQ(hears_end(ends[1]), 0);
    REMOTE_UNTIL(remote.said >= 2);
    CHECK_EQ(remote.words[1], VST_EVENT_LINK_DOWN);
    CHECK(strstr(remote.down, "descriptor") != NULL);
    close(ends[1]);
    close(door);
    CHECK_EQ(vst_conn_abort(remote.client.host.engine, conn), VST_OK);
    CHECK_EQ(vst_link_close(remote.client.host.engine, remote.link), VST_OK);
    REMOTE_UNTIL(remote.words[remote.said - 1] == VST_EVENT_LINK_CLOSED);
    side_free(&remote.client);
}

static void a_descriptor_that_was_not_asked_for_is_a_fault(void)
{
    static const char ping[] = "\0\010\002\0\0\0\0\0\0\0\0\0\0\0\0\001";
    static const char opened[] = "\0\006\021\001\0\0\0\001\0\0\0\0\0\0";
    static const char incoming[] = "\0\014\024\001\0\0\0\002\0\0\0\0\003web\0\0\0\0";
    is_a_fault(ping, 16, 1, 0, 0);
    is_a_fault(opened, 14, 1, 0, VST_CONNECT_NO_DESCRIPTOR);
    is_a_fault(opened, 14, 1, VST_LINK_NO_DESCRIPTORS, 0);
    is_a_fault(incoming, 20, 1, VST_LINK_NO_DESCRIPTORS, 0);
    is_a_fault(incoming, 20, 0, 0, 0);
}

int main(void)
{
    is_passed(0, 0, 0, 1);
    is_passed(VST_CONNECT_NO_DESCRIPTOR, 0, 0, 0);
    is_passed(0, VST_LINK_NO_DESCRIPTORS, 0, 0);
    is_passed(0, 0, VST_AGENT_NO_DESCRIPTORS, 0);
    a_passed_descriptor_can_be_taken_over();
    a_descriptor_that_was_not_asked_for_is_a_fault();
    return verdict();
}
