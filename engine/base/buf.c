/* The bounded text writer. Overflow is sticky: after a part that did not fit nothing more is
 * written, so a text that is cut never has a hole in its middle. */
#include "base/buf.h"

#include <stdio.h>

#define FORMATTED_MAX 1024

static char *reserve(struct buf *b, size_t n)
{
    char *at;

    if (b->overflow || n > b->cap - b->len) {
        b->overflow = true;
        return NULL;
    }
    at = b->p + b->len;
    b->len += n;
    return at;
}

void buf_put(struct buf *b, struct slice s)
{
    char *at;

    if (s.len == 0)
        return;
    at = reserve(b, s.len);
    if (at)
        memcpy(at, s.p, s.len);
}

void buf_puts(struct buf *b, const char *cstr)
{
    buf_put(b, slice_cstr(cstr));
}

void buf_putc(struct buf *b, char c)
{
    char *at = reserve(b, 1);

    if (at)
        *at = c;
}

void buf_u64(struct buf *b, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    buf_put(b, slice_of(digits + at, sizeof(digits) - at));
}

void buf_hex(struct buf *b, const void *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = p;
    char *at = n > SIZE_MAX / 2 ? reserve(b, SIZE_MAX) : reserve(b, n * 2);

    if (!at)
        return;
    for (size_t i = 0; i < n; i++) {
        *at++ = digits[from[i] >> 4];
        *at++ = digits[from[i] & 15];
    }
}

/* vsnprintf needs room for a NUL that the text itself does not: a text that fills the buffer to
 * its last byte is formatted aside, up to FORMATTED_MAX - 1 bytes; a longer one overflows. */
static void put_exact(struct buf *b, size_t n, const char *fmt, va_list args)
{
    char aside[FORMATTED_MAX];

    if (n >= sizeof(aside)) {
        b->overflow = true;
        return;
    }
    vsnprintf(aside, sizeof(aside), fmt, args);
    buf_put(b, slice_of(aside, n));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    size_t room = b->cap - b->len;
    va_list args, again;
    int n;

    if (b->overflow)
        return;
    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(room ? b->p + b->len : NULL, room, fmt, args);
    if (n < 0 || (size_t)n > room)
        b->overflow = true;
    else if ((size_t)n < room)
        b->len += (size_t)n;
    else
        put_exact(b, (size_t)n, fmt, again);
    va_end(again);
    va_end(args);
}

enum err buf_end(const struct buf *b)
{
    return b->overflow ? ERR_TOO_LONG : OK;
}
