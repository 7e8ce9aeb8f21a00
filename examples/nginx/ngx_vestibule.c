
/*
 * An engine of vestibule in the event loop of an nginx worker: descriptors are
 * watched by ngx_connection_t, deadlines are one timer, and RUNNABLE is a
 * posted event.  docs/hosts/nginx.md says what maps to what, and why.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_vestibule.h"


#if !(NGX_HAVE_CLOCK_MONOTONIC)
#error vestibule's deadlines are times of CLOCK_MONOTONIC, and so must nginx's be
#endif


#define NGX_VESTIBULE_NS_PER_MS  1000000

/* how long the timer runs that keeps a worker until its connections end */
#define NGX_VESTIBULE_HOLD_MSEC  60000


static vst_engine         *ngx_vestibule_engine;

/* the timer of the next deadline; posted while the engine is RUNNABLE */
static ngx_event_t         ngx_vestibule_run_event;

/* nginx's debug log wants to know the descriptor of every timer */
static ngx_connection_t    ngx_vestibule_no_connection;

/* what watches each descriptor, by its number */
static ngx_connection_t  **ngx_vestibule_watched;


/* What every call outside callbacks ends with. */

static void
ngx_vestibule_settle(vst_status status, const vst_wait *wait)
{
    ngx_msec_t      due;
    ngx_uint_t      live;
    ngx_event_t    *ev;
    ngx_msec_int_t  delay;

    ev = &ngx_vestibule_run_event;

    /* stale is a descriptor that was released after it was reported as ready */

    if (status < 0 && status != VST_E_STALE) {
        ngx_log_error(NGX_LOG_ALERT, ev->log, 0,
                      "vestibule: the engine failed with status %D, "
                      "this worker ends and its connections are reset",
                      status);
        ngx_terminate = 1;
        return;
    }

    /* not ngx_posted_events: these are run until there are none, unpolled */

    if (wait->flags & VST_WAIT_RUNNABLE) {
        ngx_post_event(ev, &ngx_posted_next_events);
    }

    /*
     * A worker that shuts down leaves when no timer is left but cancelable
     * ones, so one that is not has to run while there are connections, also
     * when none of them has a deadline.
     */

    live = wait->conns + wait->streams;
    ev->cancelable = (live == 0);

    delay = NGX_VESTIBULE_HOLD_MSEC;

    if (wait->deadline_ns != VST_NEVER) {
        due = wait->deadline_ns / NGX_VESTIBULE_NS_PER_MS
              + (wait->deadline_ns % NGX_VESTIBULE_NS_PER_MS != 0);
        delay = ngx_min(delay, (ngx_msec_int_t) (due - ngx_current_msec));
        delay = ngx_max(delay, 0);

    } else if (!live) {

        if (ev->timer_set) {
            ngx_del_timer(ev);
        }

        return;
    }

    /* ngx_add_timer() leaves a timer as it is for less than 300 ms */

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    ngx_add_timer(ev, delay);
}


static void
ngx_vestibule_run_handler(ngx_event_t *ev)
{
    vst_wait  wait = { .size = sizeof(vst_wait) };

    ngx_vestibule_settle(vst_engine_run(ngx_vestibule_engine, 0, &wait), &wait);
}


/*
 * nginx has no hook for the beginning of a graceful shutdown, but it calls the
 * read handlers of idle connections with close set, and those of all
 * connections with error set when worker_shutdown_timeout has passed.
 */

static void
ngx_vestibule_drain(ngx_connection_t *c)
{
    vst_wait  wait = { .size = sizeof(vst_wait) };

    c->close = 0;

    vst_engine_drain(ngx_vestibule_engine, VST_DRAIN_CLOSE,
                     c->error ? 1 : VST_NEVER);

    ngx_vestibule_settle(vst_engine_wait(ngx_vestibule_engine, &wait), &wait);
}


static void
ngx_vestibule_ready_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c = ev->data;

    vst_id      token;
    uint32_t    io;
    vst_wait    wait = { .size = sizeof(vst_wait) };
    vst_status  status;

    if (c->close) {
        ngx_vestibule_drain(c);
        return;
    }

    token = (vst_id) (uintptr_t) c->data;
    io = ev->write ? VST_IO_OUT
                   : VST_IO_IN | (ev->pending_eof ? VST_IO_HANGUP : 0);

    status = vst_engine_ready(ngx_vestibule_engine, token, io, 0, &wait);
    ngx_vestibule_settle(status, &wait);
}


/* shared: ngx_close_connection() does not close what is vestibule's. */

static void
ngx_vestibule_take(ngx_connection_t *c)
{
    c->shared = 1;
    c->read->handler = ngx_vestibule_ready_handler;
    c->write->handler = ngx_vestibule_ready_handler;

    ngx_vestibule_watched[c->fd] = c;
}


/* The number may be another connection's by now. */

void
ngx_vestibule_forget(ngx_connection_t *c)
{
    if (ngx_vestibule_watched[c->fd] == c) {
        ngx_vestibule_watched[c->fd] = NULL;
    }
}


/*
 * An edge-triggered engine announces a descriptor once and releases it once,
 * which is what ngx_add_conn() and ngx_del_conn() are for.  That holds for
 * connections; listeners and wakers, which are level-triggered, are not used.
 */

static void
ngx_vestibule_interest(void *data, int32_t fd, vst_id token,
    uint32_t old_mask, uint32_t mask)
{
    ngx_connection_t  *c;

    c = ngx_vestibule_watched[fd];

    if (mask & VST_IO_RELEASED) {

        if (c) {
            ngx_del_conn(c, mask & VST_IO_CLOSING ? NGX_CLOSE_EVENT : 0);
            ngx_vestibule_forget(c);
        }

        /* an accepted one is closed with its session of nginx */

        if (c && c->listening == NULL) {
            ngx_close_connection(c);
        }

        return;
    }

    /* what cannot be watched, as nginx then logs, ends by its timeouts */

    if (c == NULL) {
        c = ngx_get_connection(fd, ngx_vestibule_run_event.log);
        if (c == NULL) {
            return;
        }

        c->read->log = c->log;
        c->write->log = c->log;
        ngx_vestibule_take(c);
    }

    c->data = (void *) (uintptr_t) token;

    ngx_add_conn(c);
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
    struct rlimit       limit;
    vst_engine_options  options;

    if (!(ngx_event_flags & NGX_USE_CLEAR_EVENT) || ngx_add_conn == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "vestibule needs an edge-triggered event method: "
                      "\"use epoll\"");
        return NGX_ERROR;
    }

    ngx_vestibule_no_connection.fd = (ngx_socket_t) -1;
    ngx_vestibule_run_event.data = &ngx_vestibule_no_connection;
    ngx_vestibule_run_event.handler = ngx_vestibule_run_handler;
    ngx_vestibule_run_event.log = cycle->log;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "getrlimit(RLIMIT_NOFILE) failed");
        return NGX_ERROR;
    }

    ngx_vestibule_watched = ngx_pcalloc(cycle->pool, limit.rlim_cur
                                                   * sizeof(ngx_connection_t *));
    if (ngx_vestibule_watched == NULL) {
        return NGX_ERROR;
    }

    vst_engine_options_init(&options, sizeof(vst_engine_options));
    options.trigger = VST_TRIGGER_EDGE;
    options.interest = ngx_vestibule_interest;
    options.event = event;
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
ngx_vestibule_accept(ngx_connection_t *c, const vst_accept_config *config,
    void *user)
{
    char        why[NGX_VESTIBULE_WHY];
    vst_id      id;
    int32_t     err;
    vst_wait    wait = { .size = sizeof(vst_wait) };
    ngx_uint_t  level;
    vst_status  status;

    /* a phase before this one may have waited for bytes */

    if ((c->read->active || c->write->active) && ngx_del_conn(c, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    c->idle = 1;
    ngx_vestibule_take(c);

    status = vst_conn_accept_fd(ngx_vestibule_engine, config, c->fd, user, &id,
                                &err, why, sizeof(why));

    if (status != VST_OK) {
        /* ENOTCONN: the client has reset it since it was accepted */

        level = (err == NGX_ENOTCONN) ? NGX_LOG_INFO : NGX_LOG_ERR;

        ngx_log_error(level, c->log, 0,
                      "vestibule did not take the connection: %s", why);
        ngx_vestibule_forget(c);
        c->shared = 0;
        return NGX_ERROR;
    }

    /* the connection may be closed by now */

    ngx_vestibule_settle(vst_engine_wait(ngx_vestibule_engine, &wait), &wait);

    return NGX_OK;
}
