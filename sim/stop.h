/* SIGINT and SIGTERM as an event of the loop: the first asks for an orderly end, the second for an
 * immediate one. Made before any thread is started, so that all of them leave the signals alone. */
#ifndef PEAL_SIM_STOP_H
#define PEAL_SIM_STOP_H

#include <sys/signalfd.h>

#include "io/loop.h"

struct stop {
    struct loop *loop;
    struct loop_op op;
    int fd;
    uint32_t count; /* signals so far */
    struct signalfd_siginfo info;
    void (*on_signal)(void *arg, uint32_t count);
    void *arg;
};

/* ERR_IO: errno tells. */
enum err stop_init(struct stop *s, struct loop *l, void (*on_signal)(void *arg, uint32_t count),
                   void *arg);
void stop_fini(struct stop *s);

#endif
