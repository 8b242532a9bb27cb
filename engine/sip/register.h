/* Client registration with a trunk or registrar (RFC 3261 10): REGISTER with digest, refreshed
 * before it runs out, tried again with growing pauses (2 s doubling to 5 min, ± 25 %, or what
 * Retry-After says) while it is refused or unreachable. */
#ifndef PEAL_SIP_REGISTER_H
#define PEAL_SIP_REGISTER_H

#include "sip/ua.h"

struct sip_registration;

enum sip_registration_state {
    SIP_REG_TRYING,     /* not registered, a REGISTER is out or waits for its time */
    SIP_REG_REGISTERED, /* until expires_s from now, renewed in time */
    SIP_REG_FAILED,     /* refused or unreachable: code; tried again in retry_ms */
    SIP_REG_GONE        /* after sip_register_stop: the binding is removed (or gave no answer) */
};

struct sip_registration_status {
    enum sip_registration_state state;
    uint16_t code;      /* last final status; 408 on silence, 503 when it could not be sent */
    uint32_t expires_s; /* granted */
    uint32_t retry_ms;  /* FAILED: pause before the next try */
    uint32_t attempts;  /* failures in a row */
};
/* Called at each change of state, and at every further failure. From timers and messages only. */
typedef void sip_register_fn(void *arg, const struct sip_registration_status *status);

struct sip_register {
    const char *registrar; /* "sip:trunk.test" */
    struct sip_path to;
    const char *aor;          /* "sip:user@trunk.test" */
    uint32_t keep_alive_ms;   /* CRLFs so often while registered (RFC 5626 4.4); 0: none */
    const char *contact_user; /* NULL: none */
    const char *auth_user, *auth_password; /* NULL: a challenge is a failure */
    uint32_t expires_s;                    /* asked for; 0: 3600 */
};

/* Params are copied. ERR_FULL, ERR_TOO_LONG. */
enum err sip_register_start(struct sip_ua *ua, const struct sip_register *params,
                            sip_register_fn *changed, void *arg, struct sip_registration **out);
/* Removes the binding (Expires: 0), then SIP_REG_GONE, then r is gone. */
void sip_register_stop(struct sip_registration *r);
const struct sip_registration_status *sip_register_status(const struct sip_registration *r);

#endif
