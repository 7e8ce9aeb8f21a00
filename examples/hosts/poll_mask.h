/* Between VST_IO_* and the events of poll(2). Those of epoll are the same numbers. */
#ifndef VESTIBULE_EXAMPLE_POLL_MASK_H
#define VESTIBULE_EXAMPLE_POLL_MASK_H

#include <poll.h>
#include <vestibule.h>

static inline uint32_t to_poll(uint32_t io)
{
    return (io & VST_IO_IN ? POLLIN : 0u) | (io & VST_IO_OUT ? POLLOUT : 0u) |
           (io & VST_IO_HANGUP ? POLLRDHUP : 0u);
}

/* Errors and hang-ups are reported also where nobody asked for them. */
static inline uint32_t from_poll(uint32_t events)
{
    return (events & POLLIN ? VST_IO_IN : 0u) | (events & POLLOUT ? VST_IO_OUT : 0u) |
           (events & POLLRDHUP ? VST_IO_HANGUP : 0u) |
           (events & (POLLERR | POLLHUP) ? VST_IO_ERROR : 0u);
}

#endif
