/* A slice borrows bytes: it never owns, is not NUL-terminated, and must not outlive its buffer. */
#ifndef PEAL_BASE_SLICE_H
#define PEAL_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct slice {
    const char *p; /* may be NULL only when len is 0 */
    uint32_t len;
};

#define SLICE(lit)   ((struct slice){(lit), (uint32_t)(sizeof(lit) - 1)}) /* of a string literal */
#define SLICE_NONE   ((struct slice){NULL, 0})
#define SLICE_FMT    "%.*s"
#define SLICE_ARG(s) (int)(s).len, ((s).p ? (s).p : "")

static inline struct slice slice_of(const char *p, size_t len)
{
    return (struct slice){p, (uint32_t)len};
}

static inline struct slice slice_cstr(const char *s)
{
    return s ? slice_of(s, strlen(s)) : SLICE_NONE;
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool slice_ieq(struct slice a, struct slice b); /* ASCII case-insensitive */
bool slice_starts(struct slice s, struct slice prefix);
bool slice_istarts(struct slice s, struct slice prefix);
struct slice slice_trim(struct slice s);              /* spaces, tabs, CR and LF off both ends */
struct slice slice_from(struct slice s, uint32_t at); /* the rest from `at`; empty past the end */
int slice_cmp(struct slice a, struct slice b);        /* bytewise order, like strcmp */

/* Index of the first `c`, or -1. */
int32_t slice_find(struct slice s, char c);

/* Splits at the first `c`: *head gets what is before it, *tail what is after. Without `c`, *head is
 * the whole, *tail is empty and the result false. head and tail may alias &s's own storage. */
bool slice_cut(struct slice s, char c, struct slice *head, struct slice *tail);

/* Whole slice as a decimal number; ERR_INVALID on empty, signs or other characters, ERR_TOO_LONG
 * when above max. *out is untouched on error. */
enum err slice_u64(struct slice s, uint64_t max, uint64_t *out);
enum err slice_u32(struct slice s, uint32_t *out);

/* Copies into a NUL-terminated buffer; ERR_TOO_LONG (and "" in dst) when it does not fit. */
enum err slice_copy(struct slice s, char *dst, size_t cap);

#endif
