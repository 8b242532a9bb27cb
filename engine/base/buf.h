/* A bounded text writer over a buffer of the caller's. Writing past the end sets `overflow` and is
 * otherwise ignored, so a writer is checked once, at its end. Never allocates, never terminates:
 * use buf_slice() for what was written. */
#ifndef PEAL_BASE_BUF_H
#define PEAL_BASE_BUF_H

#include <stdarg.h>

#include "base/slice.h"

struct buf {
    char *p;
    size_t len, cap;
    bool overflow;
};

static inline struct buf buf_on(char *p, size_t cap)
{
    return (struct buf){p, 0, cap, false};
}

static inline struct slice buf_slice(const struct buf *b)
{
    return slice_of(b->p, b->len);
}

void buf_put(struct buf *b, struct slice s);
void buf_puts(struct buf *b, const char *cstr);
void buf_putc(struct buf *b, char c);
void buf_u64(struct buf *b, uint64_t v);              /* decimal; no printf on hot paths */
void buf_hex(struct buf *b, const void *p, size_t n); /* lower-case hexadecimal */
/* A text of 1024 bytes or more needs one byte of room beyond its end, else it overflows. */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* OK, or ERR_TOO_LONG when anything did not fit. */
enum err buf_end(const struct buf *b);

#endif
