/* Small pieces of terminal text. */
#include "report/text.h"

static bool starts_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* Bytes of an escape sequence at s[at], or 0. */
static uint32_t escape_len(struct slice s, uint32_t at)
{
    uint32_t i = at;

    if (s.p[i] != '\x1b' || i + 1 >= s.len || s.p[i + 1] != '[')
        return 0;
    for (i += 2; i < s.len; i++) {
        if (s.p[i] >= '@' && s.p[i] <= '~')
            return i + 1 - at;
    }
    return s.len - at;
}

uint32_t text_columns(struct slice s)
{
    uint32_t columns = 0;

    for (uint32_t i = 0; i < s.len;) {
        uint32_t skip = escape_len(s, i);
        columns += !skip && starts_character(s.p[i]);
        i += skip ? skip : 1;
    }
    return columns;
}

void text_put_cut(struct buf *b, struct slice s, uint32_t columns)
{
    uint32_t used = 0;
    bool cut = text_columns(s) > columns;
    uint32_t most = cut && columns ? columns - 1 : columns;

    for (uint32_t i = 0; i < s.len;) {
        uint32_t skip = escape_len(s, i);
        if (skip) { /* colours are kept to the end, so that a reset is never lost */
            buf_put(b, slice_of(s.p + i, skip));
            i += skip;
            continue;
        }
        used += starts_character(s.p[i]);
        if (used <= most)
            buf_putc(b, s.p[i]);
        i++;
    }
    if (cut && columns)
        buf_puts(b, "…");
}

void text_put_spaces(struct buf *b, uint32_t n)
{
    while (n--)
        buf_putc(b, ' ');
}

void text_put_bar(struct buf *b, uint64_t value, uint64_t most, uint32_t columns)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    uint64_t parts = most ? value * columns * 8 / most : 0;

    if (parts > (uint64_t)columns * 8)
        parts = (uint64_t)columns * 8;
    if (value && !parts)
        parts = 1;
    for (uint64_t i = 0; i < parts / 8; i++)
        buf_puts(b, "█");
    buf_puts(b, eighths[parts % 8]);
    text_put_spaces(b, columns - (uint32_t)((parts + 7) / 8));
}

void text_put_number(struct buf *b, uint64_t v)
{
    if (v >= 1000) {
        text_put_number(b, v / 1000);
        buf_printf(b, ",%03u", (unsigned)(v % 1000));
    } else {
        buf_u64(b, v);
    }
}

void text_put_ms(struct buf *b, uint64_t ms)
{
    if (ms < 1000)
        buf_printf(b, "%u ms", (unsigned)ms);
    else if (ms < 60000)
        buf_printf(b, "%.1f s", (double)ms / 1000.0);
    else if (ms < 3600000)
        buf_printf(b, "%u:%02u min", (unsigned)(ms / 60000), (unsigned)(ms / 1000 % 60));
    else
        buf_printf(b, "%llu:%02u:%02u h", (unsigned long long)(ms / 3600000),
                   (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60));
}
