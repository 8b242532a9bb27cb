/* Calling rules: the law of a place as a file that a campaign names (`calling_rules: FILE`), and
 * the house's own exceptions in another of the same form (`exceptions: FILE`), which hold beside.
 *
 *   name: debt-collection
 *   windows: mon-fri 08:00-22:00, sat-sun 09:00-20:00, holidays 09:00-20:00
 *   holidays: holidays-xx.txt          beside this file
 *   zones: [Europe/Moscow, Asia/Omsk]  candidates of a lead whose zone is not known
 *   limits:                            of calls to one number, whichever campaign makes them
 *     - { calls: 1, per: day }         day, week (from Monday), month: of the callee's calendar
 *     - { calls: 7, per: 7d }          a duration: the last so many days
 *   lock_out: 72h                      no call to a number after an abandoned one
 *   regions:                           by the lead's `region`; these hold beside the above
 *     - { region: "fl, florida", windows: daily 08:00-20:00, limits: [{ calls: 3, per: 24h }] }
 *
 *   numbers:                           whose owners are elsewhere than their numbers say
 *     - { prefix: "+1907", zones: [America/Anchorage], region: ak }
 *
 * Of prefixes the longest counts: its zones, for leads that name none, instead of those of the
 * numbering plan; its region, for leads without one. Rules only ever take away: what a campaign's
 * own windows close stays closed. Immutable. */
#ifndef PEAL_CAMPAIGN_CALLING_H
#define PEAL_CAMPAIGN_CALLING_H

#include "campaign/calendar.h"
#include "campaign/number.h"

#define CALLING_FILE_MAX     (1024 * 1024)
#define CALLING_LIMITS_MAX   8    /* of one list */
#define CALLING_REGIONS_MAX  256  /* entries */
#define CALLING_REGION_MAX   32   /* bytes of a region's name */
#define CALLING_NUMBERS_MAX  4096 /* prefixes */
#define CALLING_NUMBER_ZONES 4
#define CALLING_CALLS_MAX    1000
#define CALLING_ROLLING_MAX  (35u * 86400u * 1000u) /* calls are remembered so long */

enum calling_span { CALLING_ROLLING, CALLING_DAY, CALLING_WEEK, CALLING_MONTH };

struct calling_limit { /* at most `calls` to one number */
    uint32_t calls;
    enum calling_span per;
    uint32_t rolling_ms; /* of CALLING_ROLLING */
};

struct calling_limits {
    uint32_t count;
    struct calling_limit list[CALLING_LIMITS_MAX];
};

/* What holds for everybody, or for one region. */
struct calling_law {
    struct windows windows;
    struct holidays *holidays; /* NULL: none */
    struct calling_limits limits;
    uint32_t lock_out_ms; /* 0: none */
};

struct calling_region {
    char *names; /* as in the file, parted by commas */
    struct calling_law law;
};

struct calling_number {
    char prefix[NUMBER_E164_MAX];    /* "+1907" */
    char region[CALLING_REGION_MAX]; /* "": as it is */
    struct zone *zones[CALLING_NUMBER_ZONES];
    uint32_t zone_count; /* 0: as the numbering plan says */
};

struct calling_rules {
    char name[64];
    struct calling_law law;
    struct zone *zones[CALENDAR_ZONES_MAX];
    uint32_t zone_count;
    struct calling_region *regions;
    uint32_t region_count;
    struct calling_number *numbers; /* by prefix */
    uint32_t number_count;
};

/* error (CAMPAIGN_ERROR_MAX bytes) gets "FILE:LINE: …". From memory, the files that it names are
 * not read. */
enum err calling_parse(struct calling_rules **out, const char *path, struct slice text,
                       char *error);
enum err calling_load(struct calling_rules **out, const char *path, char *error);
void calling_free(struct calling_rules *r);

/* What holds in a region beside the rules for all; NULL: nothing of its own. */
const struct calling_law *calling_in(const struct calling_rules *r, struct slice region);

/* What is said of a number (E.164), by its longest prefix; NULL: nothing, or no rules. */
const struct calling_number *calling_number(const struct calling_rules *r, const char *e164);

/* Limits that may hold for one lead at once. */
uint32_t calling_limits_most(const struct calling_rules *r);

/* Since when calls count against a limit, and when that day, week or month is over (0: it rolls).
 * Of several zones, the earliest and the latest. */
void calling_period(const struct calling_limit *l, const struct zone *const *zones, uint32_t count,
                    uint64_t now_wall_ms, uint64_t *since_wall_ms, uint64_t *until_wall_ms);

#endif
