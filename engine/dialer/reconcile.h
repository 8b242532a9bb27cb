/* Settling what an engine that is gone left open. */
#ifndef PEAL_DIALER_RECONCILE_H
#define PEAL_DIALER_RECONCILE_H

#include <stdint.h>

#include "base/err.h"

struct dialer;
struct queue_task;

/* At start: waits for Redis, takes back every lease of this engine's earlier life and settles its
 * open attempts. error (DIALER_ERROR_MAX bytes) says why Redis cannot be used. */
enum err reconcile(struct dialer *d, char *error);

/* Attempts of dead engines that are ours now: closed with the journal's result, or as unknown. */
void reconcile_tasks(struct dialer *d, const struct queue_task *tasks, uint32_t n);

#endif
