/* What the pacing must know beside the calls: the day of the campaign's zone and the abandonment
 * account; and what it learned, kept with the data as a file of a few KB, written whole at the end
 * of a run and read at the next start. */
#include "dialer/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static void path_of(const struct dialer *d, const struct lane *l, const char *suffix, char *path,
                    size_t cap)
{
    snprintf(path, cap, "%s/pacing%s%s%s", d->config.data_dir, l->group ? "-" : "", l->name,
             suffix);
}

static void load(const struct dialer *d, const struct lane *l)
{
    char path[CAMPAIGN_PATH_MAX + 64], *text = malloc(PACING_SAVE_MAX);
    FILE *f;

    path_of(d, l, "", path, sizeof(path));
    f = fopen(path, "r");
    if (f && text) {
        size_t n = fread(text, 1, PACING_SAVE_MAX, f);
        enum err e = n ? pacing_load(l->pacing, slice_of(text, n)) : ERR_INVALID;

        if (e != OK)
            log_warn("dialer", "what the pacing learned cannot be read; it starts anew",
                     "file=%s error=%s", path, err_name(e));
    }
    if (f)
        fclose(f);
    free(text);
}

static void save(const struct dialer *d, const struct lane *l)
{
    char path[CAMPAIGN_PATH_MAX + 64], fresh[CAMPAIGN_PATH_MAX + 64];
    char *text = malloc(PACING_SAVE_MAX);
    size_t n = text ? pacing_save(l->pacing, text, PACING_SAVE_MAX) : 0;
    FILE *f = NULL;

    path_of(d, l, "", path, sizeof(path));
    path_of(d, l, ".new", fresh, sizeof(fresh));
    if (n)
        f = fopen(fresh, "w");
    bool kept = f && fwrite(text, 1, n, f) == n;
    if (f)
        kept = fclose(f) == 0 && kept;
    if (!kept || rename(fresh, path) != 0)
        log_warn("dialer", "what the pacing learned could not be kept", "file=%s", path);
    free(text);
}

void learned_load(struct dialer *d)
{
    for (uint32_t i = 0; i < d->lane_count; i++)
        load(d, &d->lanes[i]);
}

void learned_save(struct dialer *d)
{
    for (uint32_t i = 0; i < d->lane_count; i++)
        save(d, &d->lanes[i]);
}

void learned_account(struct dialer *d)
{
    struct pacing_account account;
    struct zone_local now;
    uint64_t wall_ms = clock_wall_ms(d->loop->clock);

    zone_to_local(d->campaign->zone, wall_ms, &now);
    if (now.day != d->day) {
        d->day = now.day;
        for (uint32_t i = 0; i < d->lane_count; i++)
            pacing_new_day(d->lanes[i].pacing);
    }
    abandonment_account(&d->ledger.all, &d->abandonment, wall_ms, &account);
    pacing_account(d->lanes[0].pacing, &account);
}
