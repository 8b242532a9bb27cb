/* What `peal check` says of a campaign's rules, in sentences. */
#ifndef PEAL_CLI_CHECK_H
#define PEAL_CLI_CHECK_H

#include "campaign/file.h"
#include "cli.h"

void check_say_rules(const struct campaign *c);

#endif
