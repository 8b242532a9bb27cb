/* Whose number it is, for imports that leave out leads with a number of another lead: a table of
 * hashes of numbers with hashes of ids, 16 bytes a number. Two numbers of equal 64-bit hash would
 * be taken for one: among a million, once in thirty million imports. */
#ifndef PEAL_DIALER_IMPORT_NUMBERS_H
#define PEAL_DIALER_IMPORT_NUMBERS_H

#include "base/slice.h"

struct import_numbers;

enum err import_numbers_open(struct import_numbers **out);
void import_numbers_close(struct import_numbers *t); /* t may be NULL */

/* Keeps the number as this lead's, unless it is another's: *other then. ERR_NOMEM. */
enum err import_numbers_take(struct import_numbers *t, struct slice number, struct slice id,
                             bool *other);
/* Is it another lead's? Keeps nothing. */
bool import_numbers_is_others(const struct import_numbers *t, struct slice number, struct slice id);

#endif
