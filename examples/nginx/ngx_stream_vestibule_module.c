
/*
 * vestibule in the stream module of nginx:
 *
 *     stream {
 *         server {
 *             listen 8443;
 *             vestibule_certificate cert.pem key.pem;
 *             vestibule_pass 127.0.0.1:8080;
 *         }
 *     }
 *
 *     vestibule_pass ADDR:PORT;             streams to this server
 *     vestibule_send_proxy on | off;        it gets a PROXY header, version 2
 *     vestibule_echo on | off;              sessions: a line with the client's
 *                                           address and ours, then its bytes
 *     vestibule_idle_timeout TIME;          ends a session that is silent for
 *                                           so long
 *     vestibule_accept_proxy NETWORKS;      a PROXY header comes first
 *     vestibule_certificate CERT KEY;       TLS with the client
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_stream.h>
#include "ngx_vestibule.h"


#define NGX_STREAM_VESTIBULE_ECHO  16384

/* enough for every address as text */
#define NGX_STREAM_VESTIBULE_ADDR  512


typedef struct {
    ngx_flag_t           echo;
    ngx_flag_t           send_proxy;
    ngx_msec_t           idle_timeout;
    ngx_str_t            pass;
    ngx_str_t            accept_proxy;

    vst_tls_server      *tls;
    vst_accept_config   *accept;
    vst_connect_config  *connect;
} ngx_stream_vestibule_srv_conf_t;


/* bytes of an echo session that the client has not taken yet */

typedef struct {
    size_t               from;
    size_t               to;
    u_char               bytes[NGX_STREAM_VESTIBULE_ECHO];
} ngx_stream_vestibule_ctx_t;


extern ngx_module_t  ngx_stream_vestibule_module;


/* Nothing is read while bytes wait to be sent: that is the backpressure. */

static void
ngx_stream_vestibule_send_and_recv(ngx_stream_session_t *s, vst_engine *engine,
    vst_id client)
{
    size_t                       n;
    vst_status                   status;
    ngx_stream_vestibule_ctx_t  *ctx;

    ctx = ngx_stream_get_module_ctx(s, ngx_stream_vestibule_module);

    do {
        while (ctx->from < ctx->to) {
            status = vst_conn_send(engine, client, ctx->bytes + ctx->from,
                                   ctx->to - ctx->from, &n);

            if (status == VST_WAIT) {
                return;
            }

            if (status != VST_OK) {
                vst_conn_abort(engine, client);
                return;
            }

            ctx->from += n;
        }

        status = vst_conn_recv(engine, client, ctx->bytes, sizeof(ctx->bytes),
                               &ctx->to);
        ctx->from = 0;

    } while (status == VST_OK);

    if (status != VST_WAIT) {
        vst_conn_close(engine, client);
    }
}


static void
ngx_stream_vestibule_greet(ngx_stream_session_t *s, vst_engine *engine,
    vst_id client)
{
    char                             *text;
    size_t                            len;
    vst_addr                          source, destination;
    ngx_stream_vestibule_ctx_t       *ctx;
    ngx_stream_vestibule_srv_conf_t  *conf;

    conf = ngx_stream_get_module_srv_conf(s, ngx_stream_vestibule_module);

    ctx = ngx_palloc(s->connection->pool, sizeof(ngx_stream_vestibule_ctx_t));
    if (ctx == NULL) {
        vst_conn_abort(engine, client);
        return;
    }

    /* 0 is without a bound */

    vst_conn_set_timeout(engine, client, (uint64_t) conf->idle_timeout
                                         * NGX_VESTIBULE_NS_PER_MS);

    vst_conn_addrs(engine, client, &source, &destination);

    text = (char *) ctx->bytes;
    vst_addr_text(&source, text, NGX_STREAM_VESTIBULE_ADDR, &len);
    text[len++] = ' ';
    ctx->to = len;

    vst_addr_text(&destination, text + len, NGX_STREAM_VESTIBULE_ADDR, &len);
    ctx->to += len;
    text[ctx->to++] = '\n';
    ctx->from = 0;

    ngx_stream_set_ctx(s, ctx, ngx_stream_vestibule_module);
    ngx_stream_vestibule_send_and_recv(s, engine, client);
}


static void
ngx_stream_vestibule_connect(ngx_stream_session_t *s, vst_engine *engine,
    vst_id client)
{
    char                              why[NGX_VESTIBULE_WHY];
    vst_id                            server, stream;
    vst_connect_args                  args = { .size = sizeof(args) };
    ngx_stream_vestibule_srv_conf_t  *conf;

    conf = ngx_stream_get_module_srv_conf(s, ngx_stream_vestibule_module);

    args.client = client;

    if (vst_conn_connect(engine, (char *) conf->pass.data, conf->connect, &args,
                         &server, why, sizeof(why)))
    {
        ngx_log_error(NGX_LOG_ERR, s->connection->log, 0,
                      "vestibule cannot connect to %V: %s", &conf->pass, why);
        vst_conn_abort(engine, client);

    } else if (vst_conn_forward(engine, client, server, NULL, s, &stream)) {
        ngx_log_error(NGX_LOG_ERR, s->connection->log, 0,
                      "vestibule cannot join the client with %V", &conf->pass);
        vst_conn_abort(engine, server);
        vst_conn_abort(engine, client);
    }
}


/* The last event: what nginx's access log and limits have waited for. */

static void
ngx_stream_vestibule_finalize(ngx_stream_session_t *s, const vst_event *event)
{
    ngx_uint_t             rc, level;
    const vst_end         *end;
    const vst_stream_end  *stream;

    end = event->end;
    stream = event->stream;

    s->received = end->bytes_in;
    s->connection->sent = end->bytes_out;

    rc = NGX_STREAM_OK;
    level = NGX_LOG_INFO;

    if (stream && stream->reached_ns == VST_NEVER) {
        rc = NGX_STREAM_BAD_GATEWAY;
        level = NGX_LOG_ERR;

    } else if (end->at != 0 && end->at <= VST_OP_ACCEPT_SESSION) {
        rc = NGX_STREAM_BAD_REQUEST;
    }

    if (stream ? stream->why : end->why) {
        ngx_log_error(level, s->connection->log, 0, "vestibule: %s",
                      stream ? stream->text : end->text);
    }

    ngx_stream_finalize_session(s, rc);
}


static void
ngx_stream_vestibule_event(void *data, vst_engine *engine,
    const vst_event *event)
{
    ngx_stream_session_t             *s;
    ngx_stream_vestibule_srv_conf_t  *conf;

    s = event->user;

    /* a connection to a server that could not be joined with its client */

    if (s == NULL) {
        return;
    }

    switch (event->kind) {

    case VST_EVENT_SESSION:
        conf = ngx_stream_get_module_srv_conf(s, ngx_stream_vestibule_module);

        if (conf->echo) {
            ngx_stream_vestibule_greet(s, engine, event->id);

        } else {
            ngx_stream_vestibule_connect(s, engine, event->id);
        }

        break;

    case VST_EVENT_READABLE:
    case VST_EVENT_WRITABLE:
        ngx_stream_vestibule_send_and_recv(s, engine, event->id);
        break;

    case VST_EVENT_CLOSED:
    case VST_EVENT_STREAM_END:
        ngx_stream_vestibule_finalize(s, event);
        break;

    default: /* DRAINING: a session goes on until its client ends it */
        break;
    }
}


static void
ngx_stream_vestibule_handler(ngx_stream_session_t *s)
{
    ngx_connection_t                 *c = s->connection;
    ngx_stream_vestibule_srv_conf_t  *conf;

    conf = ngx_stream_get_module_srv_conf(s, ngx_stream_vestibule_module);

    if (c->type != SOCK_STREAM || c->ssl || c->buffer) {
        ngx_log_error(NGX_LOG_ERR, c->log, 0,
                      "vestibule takes only connections of TCP that nginx has "
                      "not read from: \"listen\" must have neither \"udp\" nor "
                      "\"ssl\" here, and \"ssl_preread\" must be off");

    } else if (ngx_vestibule_accept(s, conf->accept) == NGX_OK) {
        return;
    }

    ngx_stream_finalize_session(s, NGX_STREAM_INTERNAL_SERVER_ERROR);
}


static void
ngx_stream_vestibule_cleanup(void *data)
{
    ngx_stream_vestibule_srv_conf_t  *conf = data;

    vst_tls_server_free(conf->tls);
    vst_accept_config_free(conf->accept);
    vst_connect_config_free(conf->connect);
}


static void *
ngx_stream_vestibule_create_srv_conf(ngx_conf_t *cf)
{
    ngx_pool_cleanup_t               *cln;
    ngx_stream_vestibule_srv_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_stream_vestibule_srv_conf_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (conf == NULL || cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_stream_vestibule_cleanup;
    cln->data = conf;

    conf->echo = NGX_CONF_UNSET;
    conf->send_proxy = NGX_CONF_UNSET;
    conf->idle_timeout = NGX_CONF_UNSET_MSEC;

    return conf;
}


static char *
ngx_stream_vestibule_set_handler(ngx_conf_t *cf, void *post, void *data)
{
    ngx_stream_core_srv_conf_t  *cscf;

    cscf = ngx_stream_conf_get_module_srv_conf(cf, ngx_stream_core_module);
    cscf->handler = ngx_stream_vestibule_handler;

    return NGX_CONF_OK;
}


/*
 * The configurations are made in the master, which may read the keys, and are
 * used in the workers.
 */

static char *
ngx_stream_vestibule_merge_srv_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_stream_vestibule_srv_conf_t  *conf = child;

    char                         why[NGX_VESTIBULE_WHY];
    vst_addr                     addr;
    vst_accept_options           accept = { .size = sizeof(accept) };
    vst_connect_options          connect = { .size = sizeof(connect) };
    ngx_stream_core_srv_conf_t  *cscf;

    cscf = ngx_stream_conf_get_module_srv_conf(cf, ngx_stream_core_module);

    if (cscf->handler != ngx_stream_vestibule_handler) {
        return NGX_CONF_OK;
    }

    ngx_conf_init_value(conf->echo, 0);
    ngx_conf_init_value(conf->send_proxy, 0);
    ngx_conf_init_msec_value(conf->idle_timeout, 0);

    if (conf->echo == (conf->pass.data != NULL)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the server in %s:%ui needs one of "
                           "\"vestibule_echo on\" and \"vestibule_pass\"",
                           cscf->file_name, cscf->line);
        return NGX_CONF_ERROR;
    }

    accept.tls = conf->tls;
    accept.accept_proxy = (char *) conf->accept_proxy.data;
    connect.send_proxy = conf->send_proxy ? VST_SEND_PROXY_V2
                                          : VST_SEND_PROXY_NONE;

    if ((conf->pass.data
         && vst_addr_parse((char *) conf->pass.data, &addr, why, sizeof(why)))
        || vst_accept_config_new(&accept, &conf->accept, why, sizeof(why))
        || vst_connect_config_new(&connect, &conf->connect, why, sizeof(why)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "vestibule: %s", why);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_stream_vestibule_certificate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_vestibule_srv_conf_t  *vscf = conf;

    char                     why[NGX_VESTIBULE_WHY];
    ngx_str_t               *value = cf->args->elts;
    vst_identity             identity = { .chain.len = 0 };
    vst_tls_server_options   options = { .size = sizeof(options) };

    if (vscf->tls) {
        return "is duplicate";
    }

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK
        || ngx_conf_full_name(cf->cycle, &value[2], 1) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    identity.chain.file = (char *) value[1].data;
    identity.key.file = (char *) value[2].data;

    options.identities = &identity;
    options.identity_count = 1;

    if (vst_tls_server_new(&options, &vscf->tls, why, sizeof(why))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "vestibule: %s", why);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_stream_vestibule_init_process(ngx_cycle_t *cycle)
{
    return ngx_vestibule_init_engine(cycle, ngx_stream_vestibule_event);
}


static void
ngx_stream_vestibule_exit_process(ngx_cycle_t *cycle)
{
    ngx_vestibule_free_engine();
}


static ngx_conf_post_t  ngx_stream_vestibule_post = {
    ngx_stream_vestibule_set_handler
};


static ngx_command_t  ngx_stream_vestibule_commands[] = {

    { ngx_string("vestibule_echo"),
      NGX_STREAM_SRV_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_STREAM_SRV_CONF_OFFSET,
      offsetof(ngx_stream_vestibule_srv_conf_t, echo),
      &ngx_stream_vestibule_post },

    { ngx_string("vestibule_pass"),
      NGX_STREAM_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_STREAM_SRV_CONF_OFFSET,
      offsetof(ngx_stream_vestibule_srv_conf_t, pass),
      &ngx_stream_vestibule_post },

    { ngx_string("vestibule_send_proxy"),
      NGX_STREAM_SRV_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_STREAM_SRV_CONF_OFFSET,
      offsetof(ngx_stream_vestibule_srv_conf_t, send_proxy),
      NULL },

    { ngx_string("vestibule_idle_timeout"),
      NGX_STREAM_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_STREAM_SRV_CONF_OFFSET,
      offsetof(ngx_stream_vestibule_srv_conf_t, idle_timeout),
      NULL },

    { ngx_string("vestibule_accept_proxy"),
      NGX_STREAM_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_STREAM_SRV_CONF_OFFSET,
      offsetof(ngx_stream_vestibule_srv_conf_t, accept_proxy),
      NULL },

    { ngx_string("vestibule_certificate"),
      NGX_STREAM_SRV_CONF|NGX_CONF_TAKE2,
      ngx_stream_vestibule_certificate,
      NGX_STREAM_SRV_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_stream_module_t  ngx_stream_vestibule_module_ctx = {
    NULL, NULL,                            /* configuration as a whole */
    NULL, NULL,                            /* main configuration */
    ngx_stream_vestibule_create_srv_conf,
    ngx_stream_vestibule_merge_srv_conf
};


ngx_module_t  ngx_stream_vestibule_module = {
    NGX_MODULE_V1,
    &ngx_stream_vestibule_module_ctx,      /* module context */
    ngx_stream_vestibule_commands,         /* module directives */
    NGX_STREAM_MODULE,                     /* module type */
    NULL, NULL,                            /* init master, init module */
    ngx_stream_vestibule_init_process,     /* init process */
    NULL, NULL,                            /* threads */
    ngx_stream_vestibule_exit_process,     /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* what load_module looks for; nginx's own build generates it */

ngx_module_t  *ngx_modules[] = { &ngx_stream_vestibule_module, NULL };
char          *ngx_module_names[] = { "ngx_stream_vestibule_module", NULL };
char          *ngx_module_order[] = { NULL };
