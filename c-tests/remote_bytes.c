/* A connection that an agent opens is as any other: bytes go both ways, each direction ends by itself, and
 * a reset comes behind the bytes that came before it; in frames, and over a passed descriptor. */
#include "remote.h"

/* The byte at this place of a long text. */
static char nth(size_t place)
{
    return (char)(place * 7 + place / 251);
}

static vst_connect_options by(uint64_t flags)
{
    vst_connect_options options = remote_options();
    options.flags = flags;
    return options;
}

static void each_direction_ends_by_itself(uint64_t flags)
{
    vst_connect_options options = by(flags);
    vst_engine *engine = remote.client.host.engine;
    int server;
    vst_id conn = opens(&options, &server);
    sends(conn, "a request");
    CHECK_EQ(vst_conn_shutdown(engine, conn, VST_SHUT_WRITE), VST_OK);
    hears(server, "a request");
    CHECK_EQ(hears_end(server), 0);
    /* The answer comes after the end of the request. */
    say_text(server, "an answer");
    reads(conn, "an answer");
    CHECK_EQ(state_of(conn), VST_STATE_ESTABLISHED);
    close(server);
    /* Both directions have ended, and with them the connection. */
    CHECK_EQ(reads_end(conn), VST_END);
    const vst_end *end = end_of(conn);
    CHECK(end->at == 0 && end->why == 0 && end->remote == 0 && end->lost == 0);
    CHECK(end->bytes_in == 9 && end->bytes_out == 9);
    CHECK(end->peer.family == VST_ADDR_IPV4);

    /* The other way round: the server ends first. */
    conn = opens(&options, &server);
    say_text(server, "welcome");
    MUST(shutdown(server, SHUT_WR) == 0);
    reads(conn, "welcome");
    CHECK_EQ(reads_end(conn), VST_END);
    sends(conn, "thanks");
    hears(server, "thanks");
    CHECK_EQ(vst_conn_close(engine, conn), VST_OK);
    CHECK_EQ(hears_end(server), 0);
    close(server);
    CHECK_EQ(end_of(conn)->why, 0);
}

/* More than all windows hold, both ways at once. */
static void many_bytes_arrive_in_their_order(uint64_t flags)
{
    enum { ALL = 3000000 };
    static char piece[50000], heard[50000];
    size_t sent = 0, came = 0, said = 0, got = 0, taken;
    vst_connect_options options = by(flags);
    vst_engine *engine = remote.client.host.engine;
    int server, wrong = 0;
    vst_id conn = opens(&options, &server);
    MUST(fcntl(server, F_SETFL, O_NONBLOCK) == 0);
    while (came < ALL || got < ALL) {
        MUST(remote_turn());
        size_t n = ALL - sent < sizeof piece ? ALL - sent : sizeof piece;
        for (size_t i = 0; i < n; i++)
            piece[i] = nth(sent + i);
        CHECK(vst_conn_send(engine, conn, piece, n, &taken) >= VST_OK);
        sent += taken;
        ssize_t read = hear(server, heard, sizeof heard);
        for (ssize_t i = 0; i < read; i++)
            wrong += heard[i] != nth(came + (size_t)i);
        came += read > 0 ? (size_t)read : 0;

        n = ALL - said < sizeof piece ? ALL - said : sizeof piece;
        for (size_t i = 0; i < n; i++)
            piece[i] = nth(said + i);
        read = n > 0 ? send(server, piece, n, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
        said += read > 0 ? (size_t)read : 0;
        CHECK(vst_conn_recv(engine, conn, heard, sizeof heard, &n) >= VST_OK);
        for (size_t i = 0; i < n; i++)
            wrong += heard[i] != nth(got + i);
        got += n;
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(vst_conn_close(engine, conn), VST_OK);
    CHECK_EQ(hears_end(server), 0);
    close(server);
    const vst_end *end = end_of(conn);
    CHECK(end->bytes_in == ALL && end->bytes_out == ALL && end->lost == 0 && end->why == 0);
}

/* What was sent before the close arrives; so does what the peer says meanwhile, which nobody reads. */
static void a_close_delivers_what_was_sent_before_it(uint64_t flags)
{
    static char bytes[60000];
    static char heard[60000];
    vst_connect_options options = by(flags);
    size_t taken, had = 0;
    ssize_t got;
    int server;
    vst_id conn = opens(&options, &server);
    memset(bytes, 'x', sizeof bytes);
    CHECK_EQ(vst_conn_send(remote.client.host.engine, conn, bytes, sizeof bytes, &taken), VST_OK);
    CHECK_EQ(vst_conn_close(remote.client.host.engine, conn), VST_OK);
    size_t due = taken;
    REMOTE_UNTIL(had == due || ((got = hear(server, heard, sizeof heard)) > 0
                                && (had += (size_t)got, had == due)));
    CHECK_EQ(hears_end(server), 0);
    CHECK(end_at(&remote.client, conn) == NULL);
    close(server);
    CHECK(end_of(conn)->why == 0 && end_of(conn)->lost == 0);
}

static void a_reset_comes_behind_the_bytes_before_it(uint64_t flags)
{
    vst_connect_options options = by(flags);
    int server;
    vst_id conn = opens(&options, &server);
    say_text(server, "the last words");
    reads(conn, "the last");
    reset_on_close(server);
    close(server);
    if (flags) {
        /* Over a descriptor the system throws them away. */
        reads(conn, " words");
        CHECK_EQ(reads_end(conn), VST_E_RESET);
    } else {
        char rest[16];
        size_t got;
        vst_status status = VST_OK;
        REMOTE_UNTIL((status = vst_conn_recv(remote.client.host.engine, conn, rest, sizeof rest,
                                             &got)) == VST_E_RESET);
    }
    const vst_end *end = end_of(conn);
    CHECK_EQ(end->why, VST_WHY_RESET);
    CHECK_EQ(end->sys_errno, ECONNRESET);
    CHECK_EQ(end->remote, flags != 0);
}

static void an_abort_resets_the_server(uint64_t flags)
{
    vst_connect_options options = by(flags);
    int server;
    vst_id conn = opens(&options, &server);
    sends(conn, "half a");
    hears(server, "half a");
    CHECK_EQ(vst_conn_abort(remote.client.host.engine, conn), VST_OK);
    CHECK_EQ(hears_end(server), ECONNRESET);
    close(server);
    CHECK_EQ(end_of(conn)->why, VST_WHY_ABORTED);
    CHECK_EQ(end_of(conn)->remote, 0);
}

int main(void)
{
    const uint64_t ways[] = {VST_CONNECT_NO_DESCRIPTOR, 0};
    for (int i = 0; i < 2; i++) {
        remote_new();
        each_direction_ends_by_itself(ways[i]);
        many_bytes_arrive_in_their_order(ways[i]);
        a_close_delivers_what_was_sent_before_it(ways[i]);
        a_reset_comes_behind_the_bytes_before_it(ways[i]);
        an_abort_resets_the_server(ways[i]);
        remote_finish();
    }
    return verdict();
}
