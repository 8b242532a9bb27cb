/* Raising what the system lets this process use. */
#include "io/limits.h"

#include <sys/resource.h>

enum err limits_raise_files(uint64_t wanted, uint64_t *got)
{
    struct rlimit now, try;

    *got = 0;
    if (getrlimit(RLIMIT_NOFILE, &now))
        return ERR_IO;
    *got = now.rlim_cur;
    if (now.rlim_cur >= wanted)
        return OK;
    if (now.rlim_max < wanted) { /* allowed to a privileged process only */
        try = (struct rlimit){wanted, wanted};
        if (setrlimit(RLIMIT_NOFILE, &try) == 0) {
            *got = wanted;
            return OK;
        }
    }
    try = (struct rlimit){wanted < now.rlim_max ? wanted : now.rlim_max, now.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &try) == 0)
        *got = try.rlim_cur;
    return *got >= wanted ? OK : ERR_REFUSED;
}
