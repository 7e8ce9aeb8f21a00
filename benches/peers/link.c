/* See link.h. */
#include "link.h"

#include "failure.h"

#include <limits.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

/* One suite and one group, so that no target has less to compute than another. */
#define SUITE "TLS_AES_256_GCM_SHA384"
#define GROUP "X25519"

enum { READ_AHEAD = 1 << 16 };

SSL_CTX *link_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (context == NULL || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(context, SUITE) || !SSL_CTX_set1_groups_list(context, GROUP))
        die("TLS cannot be set up");
    /* Without a session to resume every handshake is a full one. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* An end without close_notify counts as one: what is compared is what an end costs. */
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD);
    return context;
}

void link_tls(struct link *link, SSL_CTX *context)
{
    link->ssl = SSL_new(context);
    if (link->ssl == NULL || !SSL_set_fd(link->ssl, link->fd))
        die("a session of TLS cannot be made");
    SSL_set_connect_state(link->ssl);
}

/* LINK_WAIT or LINK_END. */
static long tls_result(const struct link *link, int result, const char *call)
{
    int error = SSL_get_error(link->ssl, result);

    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return LINK_WAIT;
    if (error == SSL_ERROR_ZERO_RETURN)
        return LINK_END;
    if (error == SSL_ERROR_SYSCALL)
        die("%s: %s", call, errno == 0 ? "an end within TLS" : strerror(errno));
    die("%s: %s", call, ERR_reason_error_string(ERR_get_error()));
}

static long socket_result(ssize_t result, const char *call)
{
    if (result < 0 && errno == EAGAIN)
        return LINK_WAIT;
    if (result < 0)
        die("%s: %s", call, strerror(errno));
    return result;
}

bool link_handshake(struct link *link)
{
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(link->ssl);
    if (result != 1 && tls_result(link, result, "a handshake") == LINK_END)
        die("a handshake: the end");
    return result == 1;
}

static int at_most_int(size_t len)
{
    return len > INT_MAX ? INT_MAX : (int)len;
}

long link_send(struct link *link, const void *bytes, size_t len)
{
    int result;

    if (link->ssl == NULL)
        return socket_result(send(link->fd, bytes, len, MSG_NOSIGNAL), "send");
    ERR_clear_error();
    result = SSL_write(link->ssl, bytes, at_most_int(len));
    return result > 0 ? result : tls_result(link, result, "SSL_write");
}

long link_receive(struct link *link, void *memory, size_t len)
{
    int result;

    if (link->ssl == NULL)
        return socket_result(recv(link->fd, memory, len, 0), "recv");
    ERR_clear_error();
    errno = 0;
    result = SSL_read(link->ssl, memory, at_most_int(len));
    return result > 0 ? result : tls_result(link, result, "SSL_read");
}

long link_discard(struct link *link, void *memory, size_t len)
{
    if (link->ssl == NULL)
        return socket_result(recv(link->fd, memory, len, MSG_TRUNC), "recv");
    return link_receive(link, memory, len);
}

void link_shut(struct link *link)
{
    if (link->ssl != NULL) {
        ERR_clear_error();
        if (SSL_shutdown(link->ssl) < 0)
            die("SSL_shutdown failed");
    }
    must(shutdown(link->fd, SHUT_WR), "shutdown");
}

void link_close(struct link *link)
{
    SSL_free(link->ssl);
    close(link->fd);
    *link = (struct link){.fd = -1};
}
