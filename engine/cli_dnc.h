/* What the parts of `peal dnc` share. */
#ifndef PEAL_CLI_DNC_H
#define PEAL_CLI_DNC_H

#include "api/dnc.h"
#include "cli_redis.h"

struct dnc_words {
    const char *redis_url, *data_dir, *why, *who, *file, *rejects;
    const struct number_country *home;
    char list[GATE_LIST_MAX + 1];
    uint64_t until_wall_ms;
    bool removes;  /* import: takes away */
    uint32_t last; /* log: so many entries */
    const char **numbers;
    uint32_t number_count;
};

/* Each returns the exit code. */
int dnc_import(struct cli_redis *r, const struct dnc_words *w);
int dnc_check(struct cli_redis *r, const struct dnc_words *w);
int dnc_list(struct cli_redis *r);
int dnc_log(struct cli_redis *r, const struct dnc_words *w);

void dnc_instant(uint64_t wall_ms, char dst[32]); /* "2026-03-30 09:00:00 UTC" */
uint64_t dnc_number_of(struct slice text);        /* 0 when it is none */

#endif
