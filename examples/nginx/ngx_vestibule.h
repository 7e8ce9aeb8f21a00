
/*
 * An engine of vestibule in the event loop of an nginx worker.
 */


#ifndef _NGX_VESTIBULE_H_INCLUDED_
#define _NGX_VESTIBULE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_stream.h>
#include <vestibule.h>


/* enough for every sentence that the library writes */
#define NGX_VESTIBULE_WHY        512

#define NGX_VESTIBULE_NS_PER_MS  1000000


/*
 * Makes the engine of this worker, event being its event callback, and frees
 * it.  Freeing resets what is open, and reports no event for it.
 */

ngx_int_t ngx_vestibule_init_engine(ngx_cycle_t *cycle, vst_event_fn event);
void ngx_vestibule_free_engine(void);

/*
 * Hands the connection of a session to the engine; the session is the user
 * data of its events.  On success its descriptor is vestibule's; the
 * ngx_connection_t stays nginx's, watches the descriptor, and is closed as
 * usual when VST_EVENT_CLOSED or VST_EVENT_STREAM_END has come, which may be
 * before this returns.  On failure nothing has changed, and what went wrong
 * has been logged.
 */

ngx_int_t ngx_vestibule_accept(ngx_stream_session_t *s,
    const vst_accept_config *config);


#endif /* _NGX_VESTIBULE_H_INCLUDED_ */
