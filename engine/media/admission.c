/* Two limits and two counts of seconds: closed above the one, open again below its half. */
#include "media/admission.h"

#include <stdio.h>

void admission_init(struct admission *a, uint64_t limit_us)
{
    *a = (struct admission){.limit_us = limit_us};
}

static void shut(struct admission *a, bool closed)
{
    a->closed = closed;
    a->closed_times += closed;
    a->bad_s = a->good_s = 0;
}

void admission_set_limit(struct admission *a, uint64_t limit_us)
{
    a->limit_us = limit_us;
    if (limit_us == 0)
        shut(a, false);
}

bool admission_judge(struct admission *a, uint64_t late_us, uint64_t skipped)
{
    bool was = a->closed;

    a->late_us = late_us;
    a->skipped = skipped;
    if (a->limit_us == 0)
        return false;
    a->closed_s += a->closed;
    a->bad_s = late_us > a->limit_us || skipped ? a->bad_s + 1 : 0;
    a->good_s = late_us <= a->limit_us / 2 && !skipped ? a->good_s + 1 : 0;
    if (!a->closed && (a->bad_s >= ADMISSION_BAD_S || skipped))
        shut(a, true);
    else if (a->closed && a->good_s >= ADMISSION_GOOD_S)
        shut(a, false);
    return a->closed != was;
}

const char *admission_why(const struct admission *a, char text[ADMISSION_TEXT_MAX])
{
    text[0] = '\0';
    if (a->closed && a->skipped)
        snprintf(text, ADMISSION_TEXT_MAX,
                 "audio was so late that %llu slots were left out: this machine has more calls "
                 "than it can bear",
                 (unsigned long long)a->skipped);
    else if (a->closed)
        snprintf(text, ADMISSION_TEXT_MAX,
                 "audio is late (%.1f ms, limit %.1f ms): this machine has as many calls as it "
                 "can bear",
                 (double)a->late_us / 1000, (double)a->limit_us / 1000);
    return text;
}
