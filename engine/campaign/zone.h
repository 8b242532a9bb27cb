/* Time zones, read from the system's compiled tzdata (TZif, RFC 8536) by a reader of our own: no
 * process-wide TZ, so any number of zones may be used by any thread and on a virtual clock. Beyond
 * the table's last transition the file's POSIX TZ footer rules.
 *
 * A zone is immutable after zone_open and may be shared between threads. Leap seconds are not
 * counted (Unix time has none). Bounds: files up to ZONE_FILE_MAX, ZONE_TRANSITIONS_MAX entries. */
#ifndef PEAL_CAMPAIGN_ZONE_H
#define PEAL_CAMPAIGN_ZONE_H

#include "base/slice.h"

#define ZONE_NAME_MAX        64
#define ZONE_FILE_MAX        (256 * 1024)
#define ZONE_TRANSITIONS_MAX 8192

struct zone;

struct zone_local {
    int32_t year;
    uint8_t month, day; /* 1…12, 1…31 */
    uint8_t weekday;    /* 0 Monday … 6 Sunday */
    uint32_t day_ms;    /* wall-clock milliseconds since 00:00 as a clock on the wall shows it */
    int32_t offset_s;   /* east of UTC */
    bool dst;
};

/* name: "Europe/Ljubljana", "UTC". ERR_NOT_FOUND: no such zone (nor a usable name); ERR_INVALID:
 * the file is not TZif. The folder is $TZDIR or /usr/share/zoneinfo. "UTC" needs no file. */
enum err zone_open(struct zone **out, struct slice name);
/* From the bytes of a TZif file; for tests and the fuzzer. */
enum err zone_parse(struct zone **out, struct slice name, const void *bytes, size_t len);
void zone_close(struct zone *z);
const char *zone_name(const struct zone *z);

int32_t zone_offset_s(const struct zone *z, int64_t unix_s, bool *dst);
void zone_to_local(const struct zone *z, uint64_t wall_ms, struct zone_local *out);

/* The instant at which that date's clock shows day_ms. A time that a spring change skips gives the
 * instant of the change; a time that happens twice in autumn gives its first. day may be out of
 * its month's range (it is normalised). */
uint64_t zone_from_local(const struct zone *z, int32_t year, int32_t month, int32_t day,
                         uint32_t day_ms);

/* All instants at which that date's clock shows day_ms, earlier first: 1, or 2 in the hour that
 * autumn repeats. A skipped time gives 1: the instant of the change. */
uint32_t zone_instants(const struct zone *z, int32_t year, int32_t month, int32_t day,
                       uint32_t day_ms, uint64_t out[2]);

/* A small cache of zones by name, for leads with zones of their own. Owning thread only. */
struct zone_cache;
enum err zone_cache_open(struct zone_cache **out);
void zone_cache_close(struct zone_cache *c);
/* NULL when there is no such zone; the answer "no" is cached too. Valid until the cache closes. */
const struct zone *zone_cache_get(struct zone_cache *c, struct slice name);

#endif
