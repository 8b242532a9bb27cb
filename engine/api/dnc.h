/* The do-not-call lists as texts say them, and what they know of a number, for `peal dnc` and the
 * API. */
#ifndef PEAL_API_DNC_H
#define PEAL_API_DNC_H

#include "api/ask.h"
#include "base/json.h"
#include "campaign/number.h"
#include "queue/dnc.h"

#define DNC_SAYS_MAX 200 /* a sentence of what is wrong */

/* "global", "own", "campaign NAME", "channel phone". ERR_INVALID. */
enum err dnc_read_list(struct slice text, char list[GATE_LIST_MAX + 1], char says[DNC_SAYS_MAX]);
/* "2026-12-31" (through that day, UTC), "2026-12-31T18:00Z", "2026-12-31T18:00:30Z". ERR_INVALID.
 */
enum err dnc_read_until(struct slice text, uint64_t *wall_ms, char says[DNC_SAYS_MAX]);
/* A number, or "+1900*"; of home's country without a "+" (NULL: it needs one). Fills number and
 * prefix of the entry; digits: what number borrows. ERR_INVALID. */
enum err dnc_read_number(struct slice text, const struct number_country *home,
                         char digits[NUMBER_E164_MAX], struct queue_dnc_entry *entry,
                         char says[DNC_SAYS_MAX]);

/* Adds or removes. False: ask->e; ERR_FULL: the list takes no more. */
bool dnc_change(struct ask *ask, const struct queue_dnc_entry *entry, bool adds, bool *changed);

/* One list that holds a number. */
struct dnc_holder {
    char list[GATE_LIST_MAX + 1];
    char prefix[GATE_DIGITS_MAX + 1];      /* by this one; "": not by a prefix */
    uint32_t import;                       /* by this one; 0: not by an import */
    uint64_t since_wall_ms, until_wall_ms; /* 0: not known; for good */
    char who[GATE_WHO_MAX + 1], why[GATE_WHY_MAX + 1], file[DNC_FILE_MAX + 1];
};
struct dnc_found {
    char number[NUMBER_E164_MAX];
    uint64_t calls; /* in the last 35 days */
    uint64_t locked_until_wall_ms;
    char locked_why[GATE_WHY_MAX + 1];
    uint32_t holders;
    struct dnc_holder holder[];
};
/* Of an E.164 number; to be freed. NULL: ask->e. */
struct dnc_found *dnc_look_up(struct ask *ask, const char *number);
void dnc_found_json(const struct dnc_found *f, struct json *j);

/* The lists there are, to be freed; NULL: ask->e. */
struct dnc_lists {
    uint32_t count;
    struct slice name[DNC_LISTS_MAX];
    char text[DNC_LISTS_MAX][GATE_LIST_MAX + 1];
};
struct dnc_lists *dnc_lists_read(struct ask *ask);

#endif
