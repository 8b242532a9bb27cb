/* What the columns of a list of leads mean, by their names; any case.
 *
 *   - number, phone: the lead's number; number2 … number8 (or number_2): further ones
 *   - number_mobile, phone_work …: the same, of this kind: mobile, home, work, fixed, voip, other
 *   - kind, kind2 …: the kind of number, number2 …: any word
 *   - id (external_id), name, zone, priority
 *   - expires: an instant, or a date at whose end the lead expires
 *   - call_back: not called before this instant, or this date; on the campaign's clock where the
 *     text tells no offset
 *
 * Any other name is a custom field. Numbers are tried in the order of their columns, left to right.
 */
#ifndef PEAL_CAMPAIGN_LEADS_COLUMNS_H
#define PEAL_CAMPAIGN_LEADS_COLUMNS_H

#include "campaign/leads.h"

enum column_kind {
    COLUMN_IGNORED, /* has no name */
    COLUMN_NUMBER,
    COLUMN_KIND,
    COLUMN_ID,
    COLUMN_NAME,
    COLUMN_ZONE,
    COLUMN_PRIORITY,
    COLUMN_EXPIRES,
    COLUMN_CALL_BACK,
    COLUMN_FIELD
};

struct column {
    enum column_kind kind;
    uint8_t which;  /* COLUMN_NUMBER, COLUMN_KIND: the number in its name, 1 without one */
    uint8_t slot;   /* … and the place among the lead's numbers; columns_finish sets it */
    const char *of; /* COLUMN_NUMBER: the kind in its name, or NULL */
    char *name;     /* as it stands; owned */
};

/* By its name; kind, which and of are set. */
void column_find(struct slice name, struct column *out);

/* Slots for the numbers of a whole header. ERR_INVALID with a reason: no number, too many, a name
 * that comes twice, a kind without its number. */
enum err columns_finish(struct column *columns, uint32_t count, char reason[LEADS_REASON_MAX]);

/* The word of a cell: lower case, blanks as "_". ERR_INVALID: too long, or other characters than
 * letters, digits, "-", "_" and ".". */
enum err columns_kind_word(struct slice text, char dst[LEADS_KIND_MAX + 1]);

#endif
