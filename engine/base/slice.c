/* Text over borrowed bytes. ASCII only where case matters: SIP and HTTP tokens are ASCII, and a
 * locale must never change what a header is called. */
#include "base/slice.h"

static unsigned char lower(char c)
{
    unsigned char u = (unsigned char)c;

    return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

static bool equal_folded(const char *a, const char *b, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

bool slice_ieq(struct slice a, struct slice b)
{
    return a.len == b.len && equal_folded(a.p, b.p, a.len);
}

bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.p, prefix.p, prefix.len) == 0);
}

bool slice_istarts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && equal_folded(s.p, prefix.p, prefix.len);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
    while (s.len && is_space(s.p[s.len - 1]))
        s.len--;
    while (s.len && is_space(*s.p)) {
        s.p++;
        s.len--;
    }
    return s;
}

struct slice slice_from(struct slice s, uint32_t at)
{
    if (s.len == 0)
        return s;
    if (at > s.len)
        at = s.len;
    return (struct slice){s.p + at, s.len - at};
}

int slice_cmp(struct slice a, struct slice b)
{
    uint32_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.p, b.p, common) : 0;

    if (order)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

int32_t slice_find(struct slice s, char c)
{
    const char *at = s.len ? memchr(s.p, c, s.len) : NULL;

    return at ? (int32_t)(at - s.p) : -1;
}

bool slice_cut(struct slice s, char c, struct slice *head, struct slice *tail)
{
    int32_t at = slice_find(s, c);

    if (at < 0) {
        *tail = slice_from(s, s.len);
        *head = s;
        return false;
    }
    *tail = slice_from(s, (uint32_t)at + 1);
    *head = slice_of(s.p, (size_t)at);
    return true;
}

enum err slice_u64(struct slice s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    bool above = false;

    if (s.len == 0)
        return ERR_INVALID;
    for (uint32_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';

        if (digit > 9)
            return ERR_INVALID;
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, digit, &value))
            above = true;
    }
    if (above || value > max)
        return ERR_TOO_LONG;
    *out = value;
    return OK;
}

enum err slice_u32(struct slice s, uint32_t *out)
{
    uint64_t value;
    enum err e = slice_u64(s, UINT32_MAX, &value);

    if (e == OK)
        *out = (uint32_t)value;
    return e;
}

enum err slice_copy(struct slice s, char *dst, size_t cap)
{
    if (cap == 0)
        return ERR_TOO_LONG;
    if (s.len >= cap) {
        dst[0] = '\0';
        return ERR_TOO_LONG;
    }
    if (s.len)
        memcpy(dst, s.p, s.len);
    dst[s.len] = '\0';
    return OK;
}
