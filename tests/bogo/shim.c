/* The shim of BoringSSL's test runner: one TLS peer that is told by flags what to be, as
 * ssl/test/PORTING.md of BoringSSL has it. All of TLS goes through vestibule.h, on the built-in loop.
 *
 * It connects to the runner, says which shim it is, is server or client of TLS there, and sends what
 * it reads back with every bit turned. Exits with 0; with 1 and a sentence on standard error when a
 * connection failed or an expectation does; with 89 when it cannot be what the flags say. */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestibule.h"

enum { FAILED = 1, UNIMPLEMENTED = 89 };
enum { READ_MOST = 16384, WHY = 512, TEXT = 512, ALPN = 1024 };

/* What the flags say. There are two: of the first connection, and of those that resume. */
struct options {
    /* The same in all connections. */
    int server, no_ticket, no_tls12, no_tls13, verify_peer, require_certificate, reject_alpn;
    long port, resume_count, min_version, max_version;
    const char *shim_id, *cert_file, *key_file, *trust_cert, *host_name, *advertise_alpn, *select_alpn;
    /* Each connection's own. */
    int writes_first, shuts_down, check_close_notify, expect_session_miss;
    long read_size, expect_version, expect_curve, expect_cipher;
    const char *expect_alpn, *expect_server_name;
};
enum { FIRST, RESUMED, KINDS };
static struct options options[KINDS];

enum form { SWITCH, NUMBER, WORD };
struct flag {
    const char *name;
    enum form form;
    size_t at;
};
#define AT(field) offsetof(struct options, field)

static const struct flag FLAGS[] = {
    {"-server", SWITCH, AT(server)},
    {"-port", NUMBER, AT(port)},
    {"-shim-id", WORD, AT(shim_id)},
    {"-resume-count", NUMBER, AT(resume_count)},
    {"-cert-file", WORD, AT(cert_file)},
    {"-key-file", WORD, AT(key_file)},
    {"-trust-cert", WORD, AT(trust_cert)},
    {"-host-name", WORD, AT(host_name)},
    {"-no-ticket", SWITCH, AT(no_ticket)},
    {"-no-tls12", SWITCH, AT(no_tls12)},
    {"-no-tls13", SWITCH, AT(no_tls13)},
    {"-min-version", NUMBER, AT(min_version)},
    {"-max-version", NUMBER, AT(max_version)},
    {"-verify-peer", SWITCH, AT(verify_peer)},
    {"-require-any-client-certificate", SWITCH, AT(require_certificate)},
    {"-advertise-alpn", WORD, AT(advertise_alpn)},
    {"-select-alpn", WORD, AT(select_alpn)},
    {"-reject-alpn", SWITCH, AT(reject_alpn)},
    /* Each connection's own. */
    {"-shim-writes-first", SWITCH, AT(writes_first)},
    {"-shim-shuts-down", SWITCH, AT(shuts_down)},
    {"-check-close-notify", SWITCH, AT(check_close_notify)},
    {"-read-size", NUMBER, AT(read_size)},
    {"-expect-session-miss", SWITCH, AT(expect_session_miss)},
    {"-expect-version", NUMBER, AT(expect_version)},
    {"-expect-curve-id", NUMBER, AT(expect_curve)},
    {"-expect-cipher", NUMBER, AT(expect_cipher)},
    {"-expect-alpn", WORD, AT(expect_alpn)},
    {"-expect-server-name", WORD, AT(expect_server_name)},
};

/* These say how BoringSSL is to be called, or what it is to leave out that is never done here, or
 * expect what the interface does not show; the runner sees most of that as well. */
static const char *const IGNORED[] = {
    "-async", "-decline-alpn", "-enable-all-curves", "-enable-ed25519", "-enable-ocsp-stapling",
    "-enable-signed-cert-timestamps", "-expect-extended-master-secret", "-expect-hrr",
    "-expect-no-hrr", "-expect-no-offer-early-data", "-expect-no-session", "-expect-no-session-id",
    "-expect-secure-renegotiation", "-expect-session-id", "-expect-ticket-renewal",
    "-expect-tls13-downgrade", "-forbid-renegotiation-after-handshake", "-implicit-handshake",
    "-ipv6", "-no-ssl3", "-no-tls1", "-no-tls11", "-permute-extensions", "-renegotiate-ignore",
    "-server-preference", "-use-early-callback", "-use-null-client-ca-list",
    "-use-old-client-cert-callback",
};
static const char *const IGNORED_WITH_WORD[] = {
    "-curves", "-expect-advertised-alpn", "-expect-certificate-types", "-expect-client-ca-list",
    "-expect-msg-callback", "-expect-peer-signature-algorithm", "-expect-peer-verify-pref",
    "-expect-ticket-age-skew", "-handshaker-path", "-max-cert-list", "-signing-prefs",
    "-verify-prefs",
};

static vst_loop *loop;
static vst_engine *engine;

/* One connection: bytes that were read and not sent yet, and how it went. */
static struct peer {
    const struct options *told;
    int resumes, ended, truncated, broken;
    size_t from, to;
    char bytes[READ_MOST];
} peer;

static void unimplemented(const char *what)
{
    printf("not implemented: %s\n", what);
    exit(UNIMPLEMENTED);
}

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(FAILED);
}

static void must(int right, const char *what)
{
    if (!right)
        fail(what);
}

/* An expectation that does not hold fails the shim once the connection has ended in order. */
static void expect(int right, const char *what)
{
    if (!right)
        fprintf(stderr, "unexpected %s\n", what);
    peer.broken |= !right;
}

/* ---- flags ---- */

static const struct flag *find(const char *name)
{
    for (size_t i = 0; i < sizeof FLAGS / sizeof *FLAGS; i++)
        if (strcmp(FLAGS[i].name, name) == 0)
            return &FLAGS[i];
    return NULL;
}

static int is_among(const char *name, const char *const *names, size_t count)
{
    while (count > 0)
        if (strcmp(names[--count], name) == 0)
            return 1;
    return 0;
}
#define IS_AMONG(name, names) is_among(name, names, sizeof names / sizeof *names)

/* A flag that is for one kind of connection begins with that; else it is for both. */
static const char *bare(const char *name, int *only)
{
    static const char *const PREFIXES[KINDS] = {"-on-initial", "-on-resume"};

    for (*only = 0; *only < KINDS; ++*only)
        if (strncmp(name, PREFIXES[*only], strlen(PREFIXES[*only])) == 0)
            return name + strlen(PREFIXES[*only]);
    return name;
}

static void put(struct options *to, const struct flag *flag, const char *word)
{
    void *field = (char *)to + flag->at;

    if (flag->form == SWITCH)
        *(int *)field = 1;
    else if (flag->form == NUMBER)
        *(long *)field = strtol(word, NULL, 0);
    else
        *(const char **)field = word;
}

static void read_flags(char **argv)
{
    while (*argv != NULL) {
        int only;
        const char *name = *argv++, *bare_name = bare(name, &only), *word = NULL;
        const struct flag *flag = find(bare_name);

        if (IS_AMONG(bare_name, IGNORED))
            continue;
        if (flag == NULL ? !IS_AMONG(bare_name, IGNORED_WITH_WORD)
                         : only < KINDS && flag->at < AT(writes_first))
            unimplemented(name);
        if ((flag == NULL || flag->form != SWITCH) && (word = *argv++) == NULL)
            unimplemented(name);
        for (int kind = 0; flag != NULL && kind < KINDS; kind++)
            if (only == KINDS || only == kind)
                put(&options[kind], flag, word);
    }
}

/* ---- what TLS is configured with ---- */

static uint32_t lowest(const struct options *o)
{
    return o->no_tls12 || o->min_version > VST_TLS_1_2 ? VST_TLS_1_3 : VST_TLS_1_2;
}

static uint32_t highest(const struct options *o)
{
    int none = o->max_version != 0 && o->max_version < VST_TLS_1_2;
    uint32_t most = o->no_tls13 || o->max_version == VST_TLS_1_2 ? VST_TLS_1_2 : VST_TLS_1_3;

    if (none || most < lowest(o))
        unimplemented("a version below TLS 1.2");
    return most;
}

static vst_identity identity(const struct options *o)
{
    return (vst_identity){.chain.file = o->cert_file, .key.file = o->key_file};
}

/* From the wire's form, each name behind its length, to names between commas. */
static const char *protocols(const char *wire)
{
    static char list[ALPN];
    size_t len = 0;

    while (wire != NULL && *wire != 0) {
        size_t name = (unsigned char)*wire++;
        if (strlen(wire) < name || len + name + 1 >= ALPN || memchr(wire, ',', name) != NULL)
            unimplemented("an application protocol of that name");
        memcpy(list + len, wire, name);
        len += name;
        wire += name;
        list[len++] = *wire != 0 ? ',' : 0;
    }
    return wire == NULL ? NULL : list;
}

static int trusts(const struct options *o)
{
    return o->trust_cert != NULL && *o->trust_cert != 0;
}

static vst_tls_server *new_server(const struct options *o)
{
    vst_tls_server_options tls;
    vst_tls_server *server;
    vst_identity own = identity(o);
    char why[WHY];

    if (o->cert_file == NULL)
        unimplemented("a server without a certificate");
    vst_tls_server_options_init(&tls, sizeof tls);
    tls.flags = o->no_ticket ? VST_TLS_SERVER_NO_TICKETS : 0;
    tls.min_version = lowest(o);
    tls.max_version = highest(o);
    tls.identities = &own;
    tls.identity_count = 1;
    /* No client has what is refused here. */
    tls.alpn = o->reject_alpn ? "rejected" : o->select_alpn;
    if (o->verify_peer || o->require_certificate) {
        tls.client_auth =
            o->require_certificate ? VST_CLIENT_AUTH_REQUIRED : VST_CLIENT_AUTH_OPTIONAL;
        /* A runner that shows a certificate names whom to trust; so do not the oldest. */
        if (o->shim_id == NULL)
            unimplemented("client certificates that expired in 2016");
        tls.client_ca.file = trusts(o) ? o->trust_cert : o->cert_file;
    }
    if (vst_tls_server_new(&tls, &server, why, sizeof why) != VST_OK)
        fail(why);
    return server;
}

static vst_tls_client *new_client(const struct options *o)
{
    vst_tls_client_options tls;
    vst_tls_client *client;
    vst_identity own = identity(o);
    char why[WHY];

    vst_tls_client_options_init(&tls, sizeof tls);
    /* The runner's certificates are for no name that it tells. */
    tls.flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION;
    tls.min_version = lowest(o);
    tls.max_version = highest(o);
    tls.identity = o->cert_file != NULL ? &own : NULL;
    tls.alpn = protocols(o->advertise_alpn);
    if (vst_tls_client_new(&tls, &client, why, sizeof why) != VST_OK)
        fail(why);
    return client;
}

/* ---- one connection ---- */

static void expect_text(vst_id id, uint32_t what, const char *due, const char *name)
{
    char text[TEXT];
    size_t len;

    if (due == NULL)
        return;
    expect(vst_conn_tls_text(engine, id, what, text, sizeof text, &len) >= VST_OK
               && len == strlen(due) && memcmp(text, due, len) == 0, name);
}

static void check_facts(vst_id id)
{
    const struct options *told = peer.told;
    vst_tls_info info = {.size = sizeof info};

    must(vst_conn_tls_info(engine, id, &info) == VST_OK, "TLS tells nothing of itself");
    expect(info.resumed == (uint32_t)(peer.resumes && !told->expect_session_miss), "resumption");
    expect(told->expect_version == 0 || info.version == told->expect_version, "version");
    expect(told->expect_cipher == 0 || info.cipher == told->expect_cipher, "cipher suite");
    /* A resumed session of TLS 1.2 exchanges no keys. */
    expect(told->expect_curve == 0 || (info.resumed && info.version == VST_TLS_1_2)
               || info.group == told->expect_curve, "group");
    expect_text(id, VST_TLS_TEXT_ALPN, told->expect_alpn, "application protocol");
    if (told->server)
        expect_text(id, VST_TLS_TEXT_SNI, told->expect_server_name, "server name");
}

static void turn(char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] ^= (char)0xff;
}

/* Sends back what it reads until one of both has to wait. */
static void echo(vst_id id)
{
    size_t most = peer.told->read_size != 0 ? (size_t)peer.told->read_size : READ_MOST, count;
    vst_status status;

    do {
        while (peer.from < peer.to) {
            status = vst_conn_send(engine, id, peer.bytes + peer.from, peer.to - peer.from, &count);
            if (status != VST_OK)
                return;
            peer.from += count;
        }
        status = vst_conn_recv(engine, id, peer.bytes, most < READ_MOST ? most : READ_MOST, &count);
        turn(peer.bytes, count);
        peer.from = 0;
        peer.to = peer.told->shuts_down ? 0 : count;
    } while (status == VST_OK);
    peer.ended = status == VST_END;
    peer.truncated = status == VST_E_TRUNCATED || status == VST_E_RESET;
    if (peer.ended || peer.truncated)
        vst_conn_close(engine, id);
}

static void begin(vst_id id)
{
    static const char HELLO[] = "hello";
    size_t taken = sizeof HELLO - 1;

    check_facts(id);
    if (peer.told->writes_first)
        must(vst_conn_send(engine, id, HELLO, sizeof HELLO - 1, &taken) == VST_OK, "no hello leaves");
    must(taken == sizeof HELLO - 1, "half a hello left");
    if (peer.told->shuts_down)
        must(vst_conn_shutdown(engine, id, VST_SHUT_WRITE) == VST_OK, "it cannot be shut down");
    echo(id);
}

/* Where the runner does not ask for it, an end of its that is no close_notify is no failure; and one that
 * is may be followed by a reset, since the runner does not wait for ours. */
static void end(const vst_end *how)
{
    int over = peer.truncated || (peer.ended && how->why == VST_WHY_RESET);
    int forgiven = over && !peer.told->check_close_notify;

    if (how->why != 0 && !forgiven) {
        fprintf(stderr, "%s\n", how->text);
        peer.broken = 1;
    }
    vst_loop_stop(loop);
}

static void on_event(void *data, vst_engine *on, const vst_event *event)
{
    (void)data, (void)on;
    if (event->kind == VST_EVENT_SESSION || event->kind == VST_EVENT_TLS_DONE)
        begin(event->id);
    else if (event->kind == VST_EVENT_READABLE || event->kind == VST_EVENT_WRITABLE)
        echo(event->id);
    else if (event->kind == VST_EVENT_CLOSED)
        end(event->end);
}

static int connected(int family, const struct sockaddr *to, socklen_t len)
{
    int fd = socket(family, SOCK_STREAM, 0);

    if (fd >= 0 && connect(fd, to, len) == 0)
        return fd;
    close(fd);
    return -1;
}

/* A connection to the runner, which listens on either loopback, and knows by the number whose it is.
 * Runners of before 2023 give none. */
static int dial(const struct options *o)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = v4.sin_port};
    uint64_t id = o->shim_id != NULL ? strtoull(o->shim_id, NULL, 10) : 0;
    unsigned char little[sizeof id];
    int fd;

    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.sin6_addr = in6addr_loopback;
    fd = connected(AF_INET6, (const void *)&v6, sizeof v6);
    if (fd < 0)
        fd = connected(AF_INET, (const void *)&v4, sizeof v4);
    must(fd >= 0, "no runner listens");
    for (size_t i = 0; i < sizeof little; i++)
        little[i] = (unsigned char)(id >> (8 * i));
    must(o->shim_id == NULL || write(fd, little, sizeof little) == sizeof little, "no runner reads");
    return fd;
}

int main(int argc, char **argv)
{
    const struct options *o = &options[FIRST];
    vst_engine_options how = {.size = sizeof how, .event = on_event};
    vst_tls_server *server = NULL;
    vst_tls_client *client = NULL;
    vst_accept_options accept;
    vst_accept_config *config = NULL;
    char why[WHY];
    vst_id id;

    if (argc == 2 && strcmp(argv[1], "-is-handshaker-supported") == 0)
        return puts("No") < 0;
    read_flags(argv + 1);
    if (o->server)
        server = new_server(o);
    else
        client = new_client(o);
    vst_accept_options_init(&accept, sizeof accept);
    accept.tls = server;
    must(vst_accept_config_new(&accept, &config, why, sizeof why) == VST_OK, why);
    must(vst_loop_new(&how, &loop, NULL, why, sizeof why) == VST_OK, why);
    must(vst_loop_engine(loop, &engine) == VST_OK, "no engine");
    for (long i = 0; i <= o->resume_count && !peer.broken; i++) {
        int fd = dial(o);
        /* A number is no name to ask for. */
        vst_start_tls tls = {.size = sizeof tls, .client = client,
                             .server_name = o->host_name != NULL ? o->host_name : "127.0.0.1"};

        peer = (struct peer){.told = &options[i == 0 ? FIRST : RESUMED], .resumes = i != 0};
        if (o->server)
            must(vst_conn_accept_fd(engine, config, fd, NULL, &id, NULL, why, sizeof why) == VST_OK, why);
        else
            must(vst_conn_adopt(engine, fd, NULL, &id, NULL, why, sizeof why) == VST_OK
                     && vst_conn_start_tls(engine, id, &tls, why, sizeof why) == VST_OK, why);
        must(vst_loop_run(loop, VST_NEVER) == VST_OK, "the loop failed");
    }
    vst_loop_free(loop);
    vst_accept_config_free(config);
    vst_tls_server_free(server);
    vst_tls_client_free(client);
    return peer.broken ? FAILED : 0;
}
