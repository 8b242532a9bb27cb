/* The JSON writer (RFC 8259). Text from peers may be anything: what is not UTF-8 becomes U+FFFD,
 * one for each maximal ill-formed part (Unicode 15, section 3.9), so the output is always valid.
 * Runs that need no escape are copied whole. */
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

void json_init(struct json *j, struct buf *out)
{
    *j = (struct json){.out = out};
}

/* Length of the well-formed UTF-8 sequence at p, or 0; *bad gets the length of the ill-formed part
 * (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF). */
static uint32_t sequence(const unsigned char *p, uint32_t len, uint32_t *bad)
{
    unsigned char low = 0x80, high = 0xbf;
    uint32_t need, i;

    *bad = 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    need = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    for (i = 1; i < need; i++) {
        if (i >= len || p[i] < low || p[i] > high) {
            *bad = i;
            return 0;
        }
        low = 0x80;
        high = 0xbf;
    }
    return need;
}

static void put_control(struct buf *b, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char shorts[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

    buf_putc(b, '\\');
    if (c >= 32) {
        buf_putc(b, (char)c);
    } else if (shorts[c]) {
        buf_putc(b, shorts[c]);
    } else {
        buf_put(b, SLICE("u00"));
        buf_putc(b, digits[c >> 4]);
        buf_putc(b, digits[c & 15]);
    }
}

static void put_text(struct buf *b, struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    uint32_t run = 0, i = 0;

    buf_putc(b, '"');
    while (i < s.len) {
        uint32_t step = 1, bad = 0;

        if (p[i] >= 0x80)
            step = sequence(p + i, s.len - i, &bad);
        else if (p[i] < 0x20 || p[i] == '"' || p[i] == '\\')
            step = 0;
        if (step) {
            i += step;
            continue;
        }
        buf_put(b, slice_of(s.p + run, i - run));
        if (bad) {
            buf_put(b, SLICE("\xef\xbf\xbd"));
            i += bad;
        } else {
            put_control(b, p[i++]);
        }
        run = i;
    }
    if (run < s.len)
        buf_put(b, slice_of(s.p + run, s.len - run));
    buf_putc(b, '"');
}

/* Comma and name before any value. */
static struct buf *begin(struct json *j, const char *name)
{
    uint32_t level = j->depth < JSON_DEPTH_MAX ? j->depth : JSON_DEPTH_MAX;

    assert(!name == !(j->depth && j->depth <= JSON_DEPTH_MAX && j->closer[level] == '}') ||
           j->depth > JSON_DEPTH_MAX);
    if (j->need_comma[level])
        buf_putc(j->out, ',');
    j->need_comma[level] = true;
    if (name) {
        put_text(j->out, slice_cstr(name));
        buf_putc(j->out, ':');
    }
    return j->out;
}

static void open_level(struct json *j, const char *name, char opener, char closer)
{
    buf_putc(begin(j, name), opener);
    j->depth++;
    if (j->depth > JSON_DEPTH_MAX) {
        j->out->overflow = true;
        return;
    }
    j->need_comma[j->depth] = false;
    j->closer[j->depth] = closer;
}

void json_begin_object(struct json *j, const char *name)
{
    open_level(j, name, '{', '}');
}

void json_begin_array(struct json *j, const char *name)
{
    open_level(j, name, '[', ']');
}

void json_end(struct json *j)
{
    assert(j->depth > 0);
    if (j->depth <= JSON_DEPTH_MAX)
        buf_putc(j->out, j->closer[j->depth]);
    j->depth--;
}

void json_str(struct json *j, const char *name, struct slice value)
{
    put_text(begin(j, name), value);
}

void json_cstr(struct json *j, const char *name, const char *value)
{
    if (value)
        json_str(j, name, slice_cstr(value));
    else
        json_put_null(j, name);
}

void json_u64(struct json *j, const char *name, uint64_t value)
{
    buf_u64(begin(j, name), value);
}

void json_i64(struct json *j, const char *name, int64_t value)
{
    struct buf *b = begin(j, name);

    if (value < 0)
        buf_putc(b, '-');
    buf_u64(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* The shortest of 15 or 17 digits that reads back as the same number. */
void json_num(struct json *j, const char *name, double value)
{
    char text[32];
    double back;

    if (!isfinite(value)) {
        json_put_null(j, name);
        return;
    }
    snprintf(text, sizeof(text), "%.15g", value);
    if (sscanf(text, "%lf", &back) != 1 || memcmp(&back, &value, sizeof(back)) != 0)
        snprintf(text, sizeof(text), "%.17g", value);
    for (char *c = text; *c; c++)
        if (*c == ',') /* a locale's decimal sign */
            *c = '.';
    buf_puts(begin(j, name), text);
}

void json_bool(struct json *j, const char *name, bool value)
{
    buf_puts(begin(j, name), value ? "true" : "false");
}

void json_put_null(struct json *j, const char *name)
{
    buf_puts(begin(j, name), "null");
}
