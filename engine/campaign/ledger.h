/* The abandonment ledger, one live answer an entry: what a regulator may ask to see.
 *
 * An entry says when a person answered, what became of them, how long they waited (from the end of
 * their greeting, abandonment_clock) and how many more are estimated to have been taken for
 * machines. It is made from the call's record alone, so the journal can make it again. As text it
 * lies in Redis (queue/ledger.h), fields parted by 0x1f, readable by people:
 *
 *   answered ms · what · waited ms or - · estimated ppm · attempt · Call-ID · lead · number ·
 * engine
 *
 * Pure functions over plain data; any thread. */
#ifndef PEAL_CAMPAIGN_LEDGER_H
#define PEAL_CAMPAIGN_LEDGER_H

#include "base/buf.h"
#include "campaign/abandonment.h"

#define LEDGER_TEXT_MAX   512
#define LEDGER_CSV_MAX    1024
#define LEDGER_COUNTS_MAX 4

enum ledger_what {
    LEDGER_CONNECTED,
    LEDGER_LATE,      /* an agent was heard, but after the limit: abandoned */
    LEDGER_ABANDONED, /* no agent */
    LEDGER_MESSAGE,   /* no agent, our safe-harbour message: abandoned */
    LEDGER_LEFT,      /* hung up before the limit: not counted */
    LEDGER_WHATS
};
const char *ledger_what_name(enum ledger_what w);

struct ledger_entry {
    uint64_t answered_wall_ms;
    enum ledger_what what;
    /* From the end of the greeting to the agent, the message, or the end of the call;
     * CALL_TIME_NONE: not known. */
    uint32_t waited_ms;
    uint32_t false_ppm; /* people taken for machines for each one heard, millionths, estimated */
    uint32_t attempt;
    char call_id[128], lead[64], number[40], engine[64];
};

/* False: no live answer. false_machines: percent of live answers taken for machines. */
bool ledger_entry_of(const struct call_record *r, uint32_t limit_ms, double false_machines,
                     struct slice engine, struct ledger_entry *out);

/* What the entry adds to its day: letters of queue/ledger.h (l live, a abandoned, m message, t too
 * late, e left early). */
const char *ledger_counts_of(enum ledger_what w);

enum err ledger_pack(const struct ledger_entry *e, struct buf *out);
/* ERR_INVALID when the text is not of this form. */
enum err ledger_unpack(struct slice text, struct ledger_entry *out);

/* The CSV: its first line, one entry, and one day of which only the sums are left. Columns live,
 * abandoned, not_counted and estimated_false_machines add up over all lines. Numbers are masked but
 * for `whole_numbers`. Each ends with a newline. */
void ledger_csv_head(struct buf *out);
void ledger_csv_entry(const struct ledger_entry *e, uint64_t place, const struct zone *zone,
                      bool whole_numbers, struct buf *out);
void ledger_csv_day(const struct abandonment_day *day, struct buf *out);
/* "+12025550123" → "+12025***123": the line stays recognisable to who knows it. */
void ledger_mask(const char *number, char *dst, size_t cap);
/* "2026-03-29" */
void ledger_date(int32_t day, char dst[16]);
/* ERR_INVALID when it is no such date. */
enum err ledger_date_parse(struct slice text, int32_t *day);

#endif
