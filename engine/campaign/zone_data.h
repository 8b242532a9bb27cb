/* What a zone is made of; shared by its reader (tzif.c) and its arithmetic (zone.c). */
#ifndef PEAL_CAMPAIGN_ZONE_DATA_H
#define PEAL_CAMPAIGN_ZONE_DATA_H

#include "campaign/zone.h"

#define ZONE_TYPES_MAX 256

enum zone_rule_kind { ZONE_RULE_MONTH, ZONE_RULE_JULIAN, ZONE_RULE_ZERO_BASED };
struct zone_rule { /* POSIX TZ: Mm.w.d, Jn or n, and /time */
    enum zone_rule_kind kind;
    uint8_t month, week, weekday; /* 1…12, 1…5, 0 Sunday … 6 */
    uint16_t day;
    int32_t time_s; /* -167…167 h (RFC 8536 3.3.1) */
};

struct zone_footer {
    int32_t std_s, dst_s;
    bool has_dst;
    struct zone_rule on, off;
};

struct zone_type {
    int32_t offset_s;
    bool dst;
};

struct zone {
    char name[ZONE_NAME_MAX];
    uint32_t count; /* of transitions */
    int64_t *at;    /* ascending */
    uint8_t *type;
    struct zone_type types[ZONE_TYPES_MAX];
    bool has_footer;
    struct zone_footer footer;
};

struct zone *zone_new(struct slice name); /* UTC until filled */
enum err zone_footer_parse(struct slice text, struct zone_footer *out);

/* Days since 1970-01-01 and back; month and day may be out of range. */
int64_t zone_days(int64_t year, int32_t month, int32_t day);
void zone_civil(int64_t days, int64_t *year, uint8_t *month, uint8_t *day);

#endif
