
/*
 * An engine of vestibule in the event loop of an nginx worker: descriptors are
 * watched by ngx_connection_t, deadlines are one timer, and RUNNABLE is a
 * posted event.  docs/hosts/nginx.md says what maps to what, and why.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_vestibule.h"


#define NGX_VESTIBULE_NS_PER_S   (1000ULL * NGX_VESTIBULE_NS_PER_MS)

/* how long the timer runs that keeps a worker until its connections end */
#define NGX_VESTIBULE_HOLD_MSEC  60000


static void ngx_vestibule_run_handler(ngx_event_t *ev);
static void ngx_vestibule_hold_handler(ngx_event_t *ev);


static vst_engine        *ngx_vestibule_engine;
static vst_event_fn       ngx_vestibule_event_handler;

/* nginx's debug log wants to know the descriptor of every timer */
static ngx_connection_t   ngx_vestibule_no_connection = {
    .fd = (ngx_socket_t) -1
};

/* runs the engine: a timer, posted when that is now */
static ngx_event_t        ngx_vestibule_run_event = {
    .data = &ngx_vestibule_no_connection,
    .handler = ngx_vestibule_run_handler,
    .cancelable = 1
};

/* a timer while the engine is drained: a worker stays as long as it has one */
static ngx_event_t        ngx_vestibule_hold_event = {
    .data = &ngx_vestibule_no_connection,
    .handler = ngx_vestibule_hold_handler
};

/* how long the drain leaves open connections, in ns; 0 if it has not begun */
static uint64_t           ngx_vestibule_grace;


/* Stale is a descriptor that was released after it was reported as ready. */

static void
ngx_vestibule_check(vst_status status)
{
    if (status < 0 && status != VST_E_STALE) {
        ngx_log_error(NGX_LOG_ALERT, ngx_vestibule_run_event.log, 0,
                      "vestibule: the engine failed with status %D, "
                      "this worker ends and its connections are reset",
                      status);
        ngx_terminate = 1;
    }
}


static void
ngx_vestibule_run_handler(ngx_event_t *ev)
{
    ngx_vestibule_check(vst_engine_run(ngx_vestibule_engine, 0, NULL));
}


static void
ngx_vestibule_timer(void *data, uint64_t deadline)
{
    uint64_t         now;
    ngx_event_t     *ev = &ngx_vestibule_run_event;
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    now = ts.tv_sec * NGX_VESTIBULE_NS_PER_S + ts.tv_nsec;

    /*
     * Neither a timer of 0 nor ngx_posted_events: these are run until there
     * are none, unpolled.
     */

    if (deadline <= now) {
        ngx_post_event(ev, &ngx_posted_next_events);
        return;
    }

    /* ngx_add_timer() leaves a timer as it is for less than 300 ms */

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    ngx_add_timer(ev, (deadline - now) / NGX_VESTIBULE_NS_PER_MS + 1);
}


static void
ngx_vestibule_hold_handler(ngx_event_t *ev)
{
    ngx_add_timer(ev, NGX_VESTIBULE_HOLD_MSEC);
}


/*
 * nginx has no hook for the beginning of a graceful shutdown, but it calls the
 * read handlers of idle connections with close set, and those of all
 * connections with error set when worker_shutdown_timeout has passed.
 */

static void
ngx_vestibule_drain(ngx_connection_t *c)
{
    uint64_t  grace;

    c->close = 0;

    grace = c->error ? 1 : VST_NEVER;

    if (grace == ngx_vestibule_grace) {
        return;
    }

    ngx_vestibule_grace = grace;
    ngx_add_timer(&ngx_vestibule_hold_event, NGX_VESTIBULE_HOLD_MSEC);

    ngx_vestibule_check(vst_engine_drain(ngx_vestibule_engine, VST_DRAIN_CLOSE,
                                         grace));
}


static void
ngx_vestibule_event(void *data, vst_engine *engine, const vst_event *event)
{
    if (event->kind == VST_EVENT_DRAINED) {
        ngx_del_timer(&ngx_vestibule_hold_event);
        return;
    }

    ngx_vestibule_event_handler(data, engine, event);
}


static void
ngx_vestibule_ready_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c = ev->data;

    vst_id    token;
    uint32_t  io;

    if (c->close) {
        ngx_vestibule_drain(c);
        return;
    }

    token = (vst_id) (uintptr_t) c->data;
    io = ev->write ? VST_IO_OUT
                   : VST_IO_IN | (ev->pending_eof ? VST_IO_HANGUP : 0);

    ngx_vestibule_check(vst_engine_ready(ngx_vestibule_engine, token, io, 0,
                                         NULL));
}


/* shared: ngx_close_connection() does not close what is vestibule's. */

static void
ngx_vestibule_take(ngx_connection_t *c)
{
    c->shared = 1;
    c->read->handler = ngx_vestibule_ready_handler;
    c->write->handler = ngx_vestibule_ready_handler;
}


/* What watches a descriptor: of an accepted one, its connection of nginx. */

static ngx_connection_t *
ngx_vestibule_get_connection(int32_t fd, vst_id token)
{
    void                  *user;
    vst_id                 id;
    ngx_connection_t      *c;
    ngx_stream_session_t  *s;

    if (vst_token_conn(ngx_vestibule_engine, token, &id) == VST_OK
        && vst_conn_user(ngx_vestibule_engine, id, &user) == VST_OK
        && user != NULL)
    {
        s = user;
        return s->connection;
    }

    c = ngx_get_connection(fd, ngx_vestibule_run_event.log);
    if (c == NULL) {
        return NULL;
    }

    c->read->log = c->log;
    c->write->log = c->log;
    ngx_vestibule_take(c);

    return c;
}


/* An accepted one is closed with its session of nginx. */

static void
ngx_vestibule_release_connection(ngx_connection_t *c)
{
    if (c->listening == NULL) {
        ngx_close_connection(c);
    }
}


/*
 * An edge-triggered engine announces a descriptor once and releases it once,
 * which is what ngx_add_conn() and ngx_del_conn() are for.  That holds for
 * connections; listeners and wakers, which are level-triggered, are not used.
 */

static int32_t
ngx_vestibule_interest(void *data, int32_t fd, vst_id token,
    uint32_t old_mask, uint32_t mask, void *user)
{
    ngx_err_t          err;
    ngx_connection_t  *c = user;

    if (mask & VST_IO_RELEASED) {
        ngx_del_conn(c, mask & VST_IO_CLOSING ? NGX_CLOSE_EVENT : 0);
        ngx_vestibule_release_connection(c);
        return 0;
    }

    /* nginx logs that worker_connections are not enough */

    c = ngx_vestibule_get_connection(fd, token);
    if (c == NULL) {
        return ENFILE;
    }

    c->data = (void *) (uintptr_t) token;

    if (ngx_add_conn(c) != NGX_OK) {
        err = ngx_errno;
        ngx_vestibule_release_connection(c);
        return err;
    }

    vst_token_set_user(ngx_vestibule_engine, token, c);

    return 0;
}


static void
ngx_vestibule_log(void *data, const char *text, size_t len)
{
    ngx_log_error(NGX_LOG_ALERT, ngx_vestibule_run_event.log, 0,
                  "vestibule: %*s", len, text);
}


ngx_int_t
ngx_vestibule_init_engine(ngx_cycle_t *cycle, vst_event_fn event)
{
    char                why[NGX_VESTIBULE_WHY];
    vst_engine_options  options;

    if (!(ngx_event_flags & NGX_USE_CLEAR_EVENT) || ngx_add_conn == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "vestibule needs an edge-triggered event method: "
                      "\"use epoll\"");
        return NGX_ERROR;
    }

    ngx_vestibule_run_event.log = cycle->log;
    ngx_vestibule_hold_event.log = cycle->log;
    ngx_vestibule_event_handler = event;

    vst_engine_options_init(&options, sizeof(vst_engine_options));
    options.trigger = VST_TRIGGER_EDGE;
    options.interest = ngx_vestibule_interest;
    options.event = ngx_vestibule_event;
    options.timer = ngx_vestibule_timer;
    options.log = ngx_vestibule_log;

    if (vst_engine_new(&options, &ngx_vestibule_engine, why, sizeof(why)) < 0) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "vestibule: %s", why);
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_vestibule_free_engine(void)
{
    vst_engine_free(ngx_vestibule_engine);
    ngx_vestibule_engine = NULL;
}


ngx_int_t
ngx_vestibule_accept(ngx_stream_session_t *s, const vst_accept_config *config)
{
    char               why[NGX_VESTIBULE_WHY];
    vst_id             id;
    int32_t            err;
    ngx_uint_t         level;
    ngx_connection_t  *c;

    c = s->connection;

    /* a phase before this one may have waited for bytes */

    if ((c->read->active || c->write->active) && ngx_del_conn(c, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    c->idle = 1;
    ngx_vestibule_take(c);

    if (vst_conn_accept_fd(ngx_vestibule_engine, config, c->fd, s, &id, &err,
                           why, sizeof(why))
        != VST_OK)
    {
        /* ENOTCONN: the client has reset it since it was accepted */

        level = (err == NGX_ENOTCONN) ? NGX_LOG_INFO : NGX_LOG_ERR;

        ngx_log_error(level, c->log, 0,
                      "vestibule did not take the connection: %s", why);
        c->shared = 0;
        return NGX_ERROR;
    }

    return NGX_OK;
}
