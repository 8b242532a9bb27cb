/* When a campaign may dial at all: `starts` and `ends`, in its own zone.
 *
 *   starts: 2026-03-02          from that day's 00:00
 *   starts: 2026-03-02 14:30
 *   ends: 2026-03-31            through that day
 *   ends: 2026-03-31 18:00      until that minute
 *
 * Before its start nothing is dialled; after its end it drains: live calls go on to their end, the
 * engines end, leads stay queued. Pure functions. */
#ifndef PEAL_CAMPAIGN_DATES_H
#define PEAL_CAMPAIGN_DATES_H

#include "campaign/file.h"

enum campaign_phase { CAMPAIGN_AHEAD, CAMPAIGN_OPEN, CAMPAIGN_OVER };
enum campaign_phase campaign_phase(const struct campaign *c, uint64_t wall_ms);

/* "begins 2026-03-02 00:00 (Europe/Ljubljana)" or "is over since …"; "" while it is open. */
const char *campaign_phase_text(const struct campaign *c, uint64_t wall_ms, char text[96]);

/* An instant as above; end: a day alone means its last moment. ERR_INVALID: it is none. */
enum err campaign_instant(const struct zone *zone, struct slice text, bool end, uint64_t *wall_ms);

#endif
