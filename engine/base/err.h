/* Error codes of everything that can fail because of the outside: peers, files, users, Redis.
 * 0 is OK. What only a programmer can get wrong is an assert, not an error code. */
#ifndef PEAL_BASE_ERR_H
#define PEAL_BASE_ERR_H

enum err {
    OK = 0,
    ERR_AGAIN,       /* nothing now, try later */
    ERR_FULL,        /* a bounded queue, pool or table refused; its counter says so */
    ERR_NOMEM,       /* the system gave no memory */
    ERR_INVALID,     /* malformed input */
    ERR_TOO_LONG,    /* input or output beyond a named maximum */
    ERR_NOT_FOUND,   /* no such object */
    ERR_EXISTS,      /* it is there already */
    ERR_STATE,       /* not possible in the present state */
    ERR_TIMEOUT,     /* a limit of time ran out */
    ERR_CLOSED,      /* the far side or the owner closed it */
    ERR_REFUSED,     /* the far side or a policy said no */
    ERR_IO,          /* the system call failed; errno tells more */
    ERR_AUTH,        /* credentials missing or wrong */
    ERR_UNSUPPORTED, /* known, but not done here */
    ERR_CANCELLED,   /* the owner took it back */
    ERR_COUNT
};

/* A short lower-case name ("too_long"), for logs and records. Never NULL. */
const char *err_name(enum err e);

#endif
