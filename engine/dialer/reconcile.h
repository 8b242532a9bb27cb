/* Settling what an engine that is gone left open. */
#ifndef PEAL_DIALER_RECONCILE_H
#define PEAL_DIALER_RECONCILE_H

#include <stdbool.h>

#include "base/err.h"

struct dialer;
struct queue_task;

enum err reconcile_init(struct dialer *d); /* ERR_NOMEM */
void reconcile_fini(struct dialer *d);

/* At start: waits for Redis, takes back every lease of this engine's earlier life and settles its
 * open attempts. error (DIALER_ERROR_MAX bytes) says why Redis cannot be used. */
enum err reconcile(struct dialer *d, char *error);

/* While running: asks for what other engines left open, unless some is still being settled. */
void reconcile_ask(struct dialer *d);
/* Closes in Redis the attempts whose records have become safe; each tick. */
void reconcile_safe_records(struct dialer *d);
/* Is this claimed task's next attempt in our journal, so that Redis must have lost it? Then it is
 * closed by its record, and true. */
bool reconcile_known(struct dialer *d, const struct queue_task *task);
bool reconcile_idle(const struct dialer *d);

#endif
