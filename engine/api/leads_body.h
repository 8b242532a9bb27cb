/* A body with leads: JSON Lines or CSV as files have them, one JSON object, or an array of objects,
 * which become JSON Lines. Pure. */
#ifndef PEAL_API_LEADS_BODY_H
#define PEAL_API_LEADS_BODY_H

#include "base/slice.h"

#define LEADS_BODY_ROWS_MAX 1000
#define LEADS_BODY_SAYS_MAX 160

/* *made: to be freed, what *text borrows unless that is the body. ERR_TOO_LONG: too many rows;
 * ERR_INVALID: no leads; a sentence in says. */
enum err leads_body_read(struct slice body, struct slice *text, char **made,
                         char says[LEADS_BODY_SAYS_MAX]);

#endif
