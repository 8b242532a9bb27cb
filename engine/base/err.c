/* The names of the error codes: one table, checked against the enum at compile time. */
#include "base/err.h"

static const char *const names[] = {
    [OK] = "ok",
    [ERR_AGAIN] = "again",
    [ERR_FULL] = "full",
    [ERR_NOMEM] = "no_memory",
    [ERR_INVALID] = "invalid",
    [ERR_TOO_LONG] = "too_long",
    [ERR_NOT_FOUND] = "not_found",
    [ERR_EXISTS] = "exists",
    [ERR_STATE] = "state",
    [ERR_TIMEOUT] = "timeout",
    [ERR_CLOSED] = "closed",
    [ERR_REFUSED] = "refused",
    [ERR_IO] = "io",
    [ERR_AUTH] = "auth",
    [ERR_UNSUPPORTED] = "unsupported",
    [ERR_CANCELLED] = "cancelled",
};

_Static_assert(sizeof(names) / sizeof(names[0]) == ERR_COUNT, "every error code has a name");

const char *err_name(enum err e)
{
    if ((unsigned)e >= ERR_COUNT)
        return "unknown";
    return names[e];
}
