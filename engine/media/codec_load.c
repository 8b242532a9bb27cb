#include "media/codec_load.h"

#include "media/codec.h"

#define WINDOW_US    100000
#define CALM_US      2000000
#define LATE_MUCH_US 3000 /* half of what listeners begin to notice */
#define LATE_FEW_US  1000
#define SHARE_MUCH   40 /* percent of the time */
#define SHARE_FEW    20

static void judge(struct codec_load *l, uint64_t now_us)
{
    uint64_t share = l->spent_us * 100 / (now_us - l->window_us);

    if (l->late_us > LATE_MUCH_US || share > SHARE_MUCH) {
        l->complexity = (uint8_t)(l->complexity ? l->complexity - 1 : 0);
        l->calm_us = 0;
    } else if (l->late_us > LATE_FEW_US || share > SHARE_FEW) {
        l->calm_us = 0;
    } else if (l->calm_us == 0) {
        l->calm_us = now_us;
    } else if (now_us - l->calm_us >= CALM_US) {
        l->calm_us = now_us;
        if (l->complexity < CODEC_COMPLEXITY_MAX)
            l->complexity++;
    }
}

uint32_t codec_load_note(struct codec_load *l, uint64_t now_us, uint64_t late_us, uint64_t spent_us)
{
    if (l->window_us == 0) {
        l->window_us = now_us;
        l->complexity = CODEC_COMPLEXITY_FIRST;
    }
    l->spent_us += spent_us;
    if (late_us > l->late_us)
        l->late_us = late_us;
    if (now_us - l->window_us >= WINDOW_US) {
        judge(l, now_us);
        l->window_us = now_us;
        l->spent_us = l->late_us = 0;
    }
    return l->complexity;
}
