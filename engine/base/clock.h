/* Time. Monotonic microseconds for everything that is measured or waited for; wall-clock
 * milliseconds (Unix time) only to stamp records. A clock may be virtual: then it stands still
 * until it is set, and tests and simulations move it. */
#ifndef PEAL_BASE_CLOCK_H
#define PEAL_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock {
    bool is_virtual;
    uint64_t now_us;      /* virtual: monotonic now */
    uint64_t wall_ms_at0; /* virtual: wall clock when now_us was 0 */
};

void clock_init_real(struct clock *c);
void clock_init_virtual(struct clock *c, uint64_t now_us, uint64_t wall_ms_at0);

uint64_t clock_us(const struct clock *c); /* monotonic */
uint64_t clock_wall_ms(const struct clock *c);

static inline uint64_t clock_ms(const struct clock *c)
{
    return clock_us(c) / 1000;
}

/* Virtual clocks only. */
void clock_advance_us(struct clock *c, uint64_t us);

/* "2026-01-31T09:30:00.123Z" into dst (at least 25 bytes). */
void clock_format_utc(uint64_t wall_ms, char *dst, size_t cap);

#endif
