/* One row of a campaign's retry rules: what becomes of a lead after an attempt that was not
 * delivered. Lists go by attempt: the first entry holds after the first charged attempt of the
 * lead, the last one for all that follow.
 *
 *   after: "5m, 1h, next day 10:00"      delays, or times of a later day on the lead's clock
 *   next: "retry, other_number + other_trunk, finish"
 *   priority: "0, +10"                   what the lead's priority changes by
 *   attempts: 3                          finish when the lead has so many
 *   counts: no                           does not use up an attempt
 *   finish: not_reached                  the status then
 *   mark: invalid contact                kept with a lead that this rule finishes
 *   comment: busy                        a dated line, appended to the lead's comments
 *
 * Plain data; pure functions. */
#ifndef PEAL_CAMPAIGN_RETRY_H
#define PEAL_CAMPAIGN_RETRY_H

#include "campaign/zone.h"

#define RETRY_STEPS_MAX    8
#define RETRY_STATUS_MAX   32
#define RETRY_MARK_MAX     32
#define RETRY_COMMENT_MAX  64
#define RETRY_LABEL_MAX    64
#define RETRY_PRIORITY_MAX 1000
#define RETRY_DAYS_MAX     45

enum retry_how { /* bits */
                 RETRY_OTHER_TRUNK = 1,
                 RETRY_OTHER_NUMBER =
                     2, /* the next of the lead's numbers, after the last the first again */
                 RETRY_NEXT_NUMBER = 4, /* the next one; after the last: finish */
                 RETRY_OTHER_CALLER_ID = 8,
                 RETRY_FINISH = 16
};

struct retry_delay {
    uint32_t days; /* 0: ms is a delay; else that many days later, at ms of the day */
    uint32_t ms;
};

struct campaign_rule {
    struct retry_delay after[RETRY_STEPS_MAX];
    uint32_t after_count;         /* at least 1, unless all of `how` is RETRY_FINISH */
    uint8_t how[RETRY_STEPS_MAX]; /* bits of enum retry_how; 0: the same again */
    uint32_t how_count;           /* at least 1 */
    int16_t priority[RETRY_STEPS_MAX];
    uint32_t priority_count;
    uint32_t attempts; /* 0: the campaign's */
    int8_t counts;     /* 1, 0; −1: as the result says */
    char finish[RETRY_STATUS_MAX];
    char mark[RETRY_MARK_MAX];       /* "": none */
    char comment[RETRY_COMMENT_MAX]; /* "": the result's name, where the campaign keeps comments */
};

/* Of the attempt-th charged attempt (1…). */
uint8_t retry_how_at(const struct campaign_rule *r, uint32_t attempt);
int32_t retry_priority_at(const struct campaign_rule *r, uint32_t attempt);
/* When it is due again by the rule alone; later than now. */
uint64_t retry_due(const struct campaign_rule *r, uint32_t attempt, const struct zone *zone,
                   uint64_t now_wall_ms);
bool retry_is_final(const struct campaign_rule *r); /* whatever the attempt */

/* What the rule does, as a part of a sentence. */
void retry_say(const struct campaign_rule *r, char *dst, size_t cap);

/* Lists of a rule as a user writes them. ERR_INVALID, ERR_FULL (too many entries); *out is then
 * half done. */
enum err retry_parse_after(struct slice text, struct campaign_rule *out);
enum err retry_parse_next(struct slice text, struct campaign_rule *out);
enum err retry_parse_priority(struct slice text, struct campaign_rule *out);

/* A label against patterns parted by commas: '*' stands for anything, '?' for one character. */
bool retry_label_matches(struct slice patterns, struct slice label);

#endif
