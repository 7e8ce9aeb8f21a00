/* An io_uring, and what is asked of it. */
#ifndef VESTIBULE_EXAMPLE_RING_H
#define VESTIBULE_EXAMPLE_RING_H

#include <liburing.h>
#include <vestibule.h>

extern struct io_uring ring;

/* Makes it, or exits. */
void ring_open(void);

/* Exits: with 77 if the error means that this kernel has no io_uring for this program, or too old a one. */
_Noreturn void ring_refused(int error);

/* A request to be filled in. about comes back with its completions. */
struct io_uring_sqe *ring_request(void);

/* Cancels the request with this user data. Its completion comes all the same, as ECANCELED if nothing else. */
void ring_cancel(void *about);

/* Submits what was asked for and waits until something is completed, or as long as wait allows; then calls
 * done with each completion. */
void ring_wait(const vst_wait *wait, void (*done)(void *about, int res, uint32_t flags));

#endif
