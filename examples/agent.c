/* agent: opens connections for other processes, and hands over connections that it has accepted.
 *
 *   agent --clients unix:PATH|ADDR:PORT [--clients ...] [--client-tls CERT KEY CA] [--insecure]
 *         [--uid N] [--gid N] [--allow LIST] [--max-conns N] [--max-opens N] [--window BYTES]
 *         [--no-pass] [--tls PROFILE=CA|system|insecure]
 *         [--serve NAME=ADDR:PORT[,CERT,KEY]] [--accept-proxy CIDR,...]
 *         [--drop-to USER] [--sandbox] [--host epoll|epoll-et|mio] [--log]
 *
 * Clients, such as `proxy --via-agent`, make links to --clients. Over TCP they need a certificate of CA;
 * unix sockets have the mode 0660, and --uid and --gid, which may be repeated, say whose processes may be
 * clients. LISTEN_FDS (systemd's socket activation) brings sockets instead of --clients, or beside them;
 * those that wait there when this program stops are left to the next one.
 *
 * --allow says where clients may have connections opened to: 192.0.2.1:80, 10.0.0.0/8:443,
 * *.example.net:443, unix:/path, separated by commas; without it, nowhere. Each client may have --max-conns
 * connections, --max-opens new ones in a second, and --window bytes that wait to be sent on. Connections
 * over unix sockets whose bytes are not changed here are passed as descriptors, unless --no-pass. --tls,
 * which may be repeated, is TLS towards servers that clients ask for by the name PROFILE.
 *
 * What connects to the address of a --serve, with TLS and behind a PROXY header where the options say so,
 * is handed over to a client that takes connections under NAME; where none does, it is closed.
 *
 * --drop-to changes the user once everything is open, and --sandbox then gives up whatever is not needed to
 * serve (sandbox.c).
 *
 * Prints "NAME ADDR" for each --serve and "ready ADDR" for each socket of --clients. SIGINT and SIGTERM
 * stop it: clients are told to go elsewhere, and have five seconds for what is open. --log prints a line on
 * stderr for each client and each connection that ends. */
#define _GNU_SOURCE
#include "agent_options.h"
#include "host.h"
#include "lookup.h"
#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ADDRESS_TEXT = 512, SOCKET_MODE = 0660, FIRST_INHERITED = 3 };

struct agent {
    struct host host; /* first: callbacks get a pointer to it */
    struct agent_arguments args;
    struct lookups *lookups;
    vst_id id;
};

/* Their addresses are the user data of links and of connections that were opened for clients. What is
 * handed over has its struct served. */
static char links, opened;

static const char *text_of(const vst_addr *addr, char *text, size_t size)
{
    size_t len = 0;

    vst_addr_text(addr, text, size - 1, &len);
    text[len < size ? len : 0] = '\0';
    return text;
}

/* ---- what happens --------------------------------------------------------------------------- */

static void log_end(const char *what, const vst_end *end)
{
    char peer[ADDRESS_TEXT];

    fprintf(stderr, "%s peer=%s in=%llu out=%llu time=%.3fs end=\"%s\"\n", what,
            text_of(&end->peer, peer, sizeof peer), (unsigned long long)end->bytes_in,
            (unsigned long long)end->bytes_out, (double)end->lasted_ns / 1e9, end->text);
}

/* Somebody has made a link. */
static void welcome(struct agent *agent, vst_engine *engine, vst_id conn)
{
    vst_status status = vst_agent_serve(engine, agent->id, conn);
    uint32_t uid = 0, gid = 0;

    if (status == VST_OK)
        return;
    if (agent->args.log && status == VST_E_DENIED &&
        vst_conn_peer_credentials(engine, conn, &uid, &gid) == VST_OK)
        fprintf(stderr, "client of uid %u and gid %u is not admitted\n", uid, gid);
    else if (agent->args.log)
        fprintf(stderr, "client is not served: %s\n", vst_strerror(status));
    vst_conn_abort(engine, conn);
}

static void hand_over(struct agent *agent, vst_engine *engine, vst_id conn, const struct served *served)
{
    vst_status status = vst_agent_offer(engine, agent->id, conn, served->name);

    if (status == VST_OK)
        return;
    if (agent->args.log)
        fprintf(stderr, "nobody takes a connection under %s: %s\n", served->name, vst_strerror(status));
    vst_conn_close(engine, conn);
}

static void on_event(void *data, vst_engine *engine, const vst_event *event)
{
    struct agent *agent = data;

    switch (event->kind) {
    case VST_EVENT_SESSION:
        if (event->user == &links)
            welcome(agent, engine, event->id);
        else
            hand_over(agent, engine, event->id, event->user);
        break;
    case VST_EVENT_AGENT_RESOLVE:
        lookups_begin(agent->lookups, event);
        break;
    case VST_EVENT_WOKEN:
        lookups_answer(agent->lookups);
        break;
    case VST_EVENT_REFUSED:
        if (agent->args.log)
            log_end("refused", event->end);
        break;
    case VST_EVENT_CLOSED:
        if (agent->args.log)
            log_end(event->user == &links ? "client" : "connection", event->end);
        break;
    case VST_EVENT_PAUSED:
        fprintf(stderr, "listener rests: %s\n",
                event->sys_errno != 0 ? strerror(event->sys_errno) : "limit reached");
        break;
    default: /* RESUMED, LISTENER_CLOSED: nothing to do; READABLE: of a session that is being closed */
        break;
    }
}

/* ---- where it listens ----------------------------------------------------------------------- */

/* Each connection takes a descriptor; the soft limit is low for programs that use select. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void listen_for_clients(struct agent *agent, const char *address)
{
    vst_accept_config *config = link_config(&agent->args, strncmp(address, "unix:", 5) != 0);
    vst_listener_options options;

    vst_listener_options_init(&options, sizeof options);
    options.user = &links;
    options.flags = VST_LISTENER_MODE;
    options.mode = SOCKET_MODE;
    say_address(agent->host.engine, "ready", host_listen_as(&agent->host, address, config, &options));
    vst_accept_config_free(config);
}

static int is_unix(int fd)
{
    int family = 0;
    socklen_t size = sizeof family;

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0)
        die("descriptor %d is no socket", fd);
    return family == AF_UNIX;
}

static void adopt(struct agent *agent, int fd)
{
    vst_accept_config *config = link_config(&agent->args, !is_unix(fd));
    vst_listener_options options;
    char why[WHY];
    vst_id listener;

    vst_listener_options_init(&options, sizeof options);
    options.user = &links;
    if (vst_listener_adopt(agent->host.engine, fd, config, &options, &listener, NULL, why, sizeof why) < 0)
        die("descriptor %d: %s", fd, why);
    say_address(agent->host.engine, "ready", listener);
    vst_accept_config_free(config);
}

/* Takes the sockets of socket activation, and returns how many there are. */
static unsigned adopt_inherited(struct agent *agent)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    unsigned long inherited = 0;

    /* The variables may be meant for another process that has left them to us. */
    if (pid != NULL && count != NULL && strtoul(pid, NULL, 10) == (unsigned long)getpid())
        inherited = strtoul(count, NULL, 10);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    for (unsigned long i = 0; i < inherited && i < LISTENERS_MOST; i++)
        adopt(agent, FIRST_INHERITED + (int)i);
    if (inherited > 0)
        agent->host.drains = VST_DRAIN_PAUSE;
    return (unsigned)inherited;
}

static void listen_for_others(struct agent *agent, struct served *served)
{
    vst_accept_config *config = served_config(&agent->args, served);

    say_address(agent->host.engine, served->name, host_listen(&agent->host, served->address, config, served));
    vst_accept_config_free(config);
}

/* ---- what is given up ----------------------------------------------------------------------- */

static void drop_to(const char *name)
{
    const struct passwd *user = getpwnam(name);

    if (user == NULL)
        die("there is no user %s", name);
    if (setgroups(1, &user->pw_gid) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
        die("cannot become %s: %s", name, strerror(errno));
}

/* Names are looked up with what is in these folders: configuration, and libraries that are loaded when
 * the first name comes. */
static const char *const for_names[] = {"/etc", "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/run/systemd/resolve",
                                        "/run/resolvconf", "/run/NetworkManager", NULL};

int main(int argc, char **argv)
{
    struct agent agent = {.args = parse_agent_arguments(argc, argv)};
    struct agent_arguments *args = &agent.args;

    raise_descriptor_limit();
    host_open(&agent.host, args->host, on_event);
    agent.lookups = lookups_open(agent.host.engine);
    agent.id = make_agent(agent.host.engine, args, &opened);
    for (unsigned i = 0; i < args->served_count; i++)
        listen_for_others(&agent, &args->served[i]);
    if (adopt_inherited(&agent) + args->client_count == 0)
        die("--clients says where clients make their links");
    for (unsigned i = 0; i < args->client_count; i++)
        listen_for_clients(&agent, args->clients[i]);
    if (args->drop_to != NULL)
        drop_to(args->drop_to);
    if (args->sandbox)
        sandbox_enter(&(struct sandbox){.readable = for_names, .refuses_writing = 1, .log = args->log});
    host_serve(&agent.host, 0);
    return 0;
}
