/* Who changes stored records: the account of the process, and whom sudo names. */
#ifndef PEAL_REPORT_AUDIT_H
#define PEAL_REPORT_AUDIT_H

#include "base/slice.h"

#define AUDIT_WHO_MAX 128

void audit_who(char who[AUDIT_WHO_MAX]); /* "amy", "root for amy", "uid 1001" */

#endif
