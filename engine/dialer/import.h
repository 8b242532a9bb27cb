/* Leads of a CSV file into the queue, with progress on a terminal and bad rows in a reject file. */
#ifndef PEAL_DIALER_IMPORT_H
#define PEAL_DIALER_IMPORT_H

#include "base/err.h"

struct dialer;

/* Turns the loop until all leads are acknowledged by Redis. Bad rows go to DATA/rejected.csv with
 * line number and reason. error (DIALER_ERROR_MAX bytes) says why it could not go on. */
enum err import_leads(struct dialer *d, char *error);

#endif
