/* Special information tones: three tones one after another, low, middle and high.
 *
 * In North America the first two are low or high of their kind and short or long, which tells the
 * category (GR-1162); elsewhere (ITU-T E.180: 950, 1400, 1800 Hz of 330 ms) there is one. */
#include <math.h>

#include "dsp/num.h"
#include "dsp/tones.h"

#define SHORT_LONG_MS  327 /* between 274 and 380 */
#define SEGMENT_MIN_MS 200
#define SEGMENT_MAX_MS 460
#define GAP_MAX_MS     60
#define LEVEL_SPREAD   8.0f /* 9 dB between the parts */

/* Which of the three this tone can be; 0 for none. */
static unsigned place(const struct segment *g)
{
    uint32_t length = g->end_ms - g->start_ms;
    if (g->tones != 1 ||
        !in_range(length + g->slack_ms, SEGMENT_MIN_MS, SEGMENT_MAX_MS + 2u * g->slack_ms))
        return 0;
    float f = g->f_hz[0];
    if (f >= 895 && f <= 1005)
        return 1;
    if (f >= 1345 && f <= 1455)
        return 2;
    return f >= 1745 && f <= 1830 ? 3 : 0;
}

static char pitch(float f, float low, float high, float within)
{
    if (fabsf(f - low) <= within)
        return 'L';
    return fabsf(f - high) <= within ? 'H' : '?';
}

static enum dsp_sit category(const struct segment *first, const struct segment *second)
{
    static const struct {
        char length[2], pitch[2];
        enum dsp_sit sit;
    } table[] = {
        {{'S', 'S'}, {'L', 'L'}, SIT_IC},         {{'L', 'S'}, {'H', 'L'}, SIT_VC},
        {{'S', 'L'}, {'L', 'H'}, SIT_RO_INTRA},   {{'S', 'L'}, {'H', 'L'}, SIT_RO_INTER},
        {{'L', 'L'}, {'H', 'H'}, SIT_NC_INTRA},   {{'L', 'L'}, {'L', 'L'}, SIT_NC_INTER},
        {{'L', 'S'}, {'L', 'H'}, SIT_RESERVED_1}, {{'S', 'S'}, {'H', 'H'}, SIT_RESERVED_2},
    };
    char l1 = first->end_ms - first->start_ms < SHORT_LONG_MS ? 'S' : 'L';
    char l2 = second->end_ms - second->start_ms < SHORT_LONG_MS ? 'S' : 'L';
    char p1 = pitch(first->f_hz[0], 913.8f, 985.2f, 18);
    char p2 = pitch(second->f_hz[0], 1370.6f, 1428.5f, 22);
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].length[0] == l1 && table[i].length[1] == l2 && table[i].pitch[0] == p1 &&
            table[i].pitch[1] == p2)
            return table[i].sit;
    return SIT_ITU;
}

static bool follows(const struct segment *before, const struct segment *g)
{
    int32_t gap = (int32_t)(g->start_ms - before->end_ms);
    float ratio = before->power / g->power;
    return gap <= GAP_MAX_MS && gap >= -GAP_MAX_MS && ratio < LEVEL_SPREAD &&
           ratio > 1 / LEVEL_SPREAD;
}

/* True when the segment is or may be part of a SIT, so that it is not a beep. */
bool sit_segment(struct leg *l, const struct segment *g, struct sink *s)
{
    struct sit_track *t = &l->sit;
    unsigned which = place(g);
    if (which == 1) {
        t->seg[0] = *g;
        t->count = 1;
        return false; /* what follows will tell */
    }
    if (which == 2 && t->count == 1 && follows(&t->seg[0], g)) {
        t->seg[1] = *g;
        t->count = 2;
        return true;
    }
    bool whole = which == 3 && t->count == 2 && follows(&t->seg[1], g);
    t->count = 0;
    if (!whole)
        return false;
    enum dsp_sit sit = category(&t->seg[0], &t->seg[1]);
    struct dsp_event *e = sink_add(s, DSP_SIT, sit, t->seg[0].start_ms, g->end_ms);
    if (e) {
        e->confidence = sit == SIT_ITU ? 0.9f : 0.97f;
        e->level_ddb = num_level_ddb(t->seg[0].power);
        e->freq_hz[0] = (uint16_t)(t->seg[0].f_hz[0] + 0.5f);
        e->freq_hz[1] = (uint16_t)(t->seg[1].f_hz[0] + 0.5f);
    }
    return true;
}
