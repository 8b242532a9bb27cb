/* How the machine bears its calls, looked at once a second: closes the door to new calls when the
 * audio is late (media/admission.h), and writes what it saw as a JSON line where that is wanted.
 * A room of calls on a modelled line has no health. Control thread only. */
#ifndef PEAL_CALL_HEALTH_H
#define PEAL_CALL_HEALTH_H

#include "call/call.h"
#include "media/admission.h"

struct health;

struct health_config {
    uint32_t late_limit_ms; /* of admission; 0: every call is admitted */
    const char *path;       /* of the lines, begun anew; NULL: none */
    const char *who;        /* of the log's lines: "dialer", "serve" */
};

enum err health_open(struct health **out, struct call_env *env, const struct health_config *config);
/* Turns the loop until what was written is in the kernel's hands. */
void health_close(struct health *h);

/* NULL as h: admitted. */
bool health_admits(const struct health *h);
void health_set_limit(struct health *h, uint32_t late_limit_ms); /* as of the configuration */
struct admission *health_admission(struct health *h); /* NULL of NULL */

#endif
