/* The name of the account, for audits. */
#include "report/audit.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void audit_who(char who[AUDIT_WHO_MAX])
{
    const struct passwd *p = getpwuid(getuid());
    const char *behind = getenv("SUDO_USER");

    if (!p)
        snprintf(who, AUDIT_WHO_MAX, "uid %u", (unsigned)getuid());
    else if (behind && behind[0])
        snprintf(who, AUDIT_WHO_MAX, "%.50s for %.60s", p->pw_name, behind);
    else
        snprintf(who, AUDIT_WHO_MAX, "%.120s", p->pw_name);
}
