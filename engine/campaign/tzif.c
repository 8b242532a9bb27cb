/* The reader of TZif files (RFC 8536) and of the POSIX TZ string in their footer. Version 1 data
 * is skipped when 64-bit data follows. Everything is checked against the file's end; a file that
 * says nonsense is refused as a whole. */
#include <stdlib.h>

#include "campaign/zone_data.h"

#define HEADER_BYTES 44
#define OFFSET_MAX_S (26 * 3600)

struct tzif_header {
    char version;
    uint32_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const unsigned char *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static enum err read_header(const unsigned char *p, size_t len, struct tzif_header *h)
{
    if (len < HEADER_BYTES || memcmp(p, "TZif", 4) != 0)
        return ERR_INVALID;
    *h = (struct tzif_header){(char)p[4],   be32(p + 20), be32(p + 24), be32(p + 28),
                              be32(p + 32), be32(p + 36), be32(p + 40)};
    if (h->timecnt > ZONE_TRANSITIONS_MAX || h->typecnt == 0 || h->typecnt > ZONE_TYPES_MAX ||
        h->charcnt > 4096 || h->leapcnt > 4096 || h->isstdcnt > h->typecnt ||
        h->isutcnt > h->typecnt)
        return ERR_INVALID;
    return OK;
}

static size_t data_bytes(const struct tzif_header *h, size_t time_bytes)
{
    return (size_t)h->timecnt * (time_bytes + 1) + (size_t)h->typecnt * 6 + h->charcnt +
           (size_t)h->leapcnt * (time_bytes + 4) + h->isstdcnt + h->isutcnt;
}

static enum err read_data(struct zone *z, const unsigned char *p, const struct tzif_header *h,
                          size_t time_bytes)
{
    const unsigned char *types = p + (size_t)h->timecnt * time_bytes;
    const unsigned char *infos = types + h->timecnt;

    for (uint32_t i = 0; i < h->typecnt; i++) {
        int32_t offset = (int32_t)be32(infos + i * 6);
        if (offset < -OFFSET_MAX_S || offset > OFFSET_MAX_S || infos[i * 6 + 4] > 1)
            return ERR_INVALID;
        z->types[i] = (struct zone_type){offset, infos[i * 6 + 4] == 1};
    }
    if (h->timecnt == 0)
        return OK;
    z->at = malloc(h->timecnt * sizeof(*z->at));
    z->type = malloc(h->timecnt);
    if (!z->at || !z->type)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < h->timecnt; i++) {
        z->at[i] = time_bytes == 8 ? be64(p + i * 8) : (int32_t)be32(p + i * 4);
        z->type[i] = types[i];
        if (types[i] >= h->typecnt || (i > 0 && z->at[i] <= z->at[i - 1]))
            return ERR_INVALID;
    }
    z->count = h->timecnt;
    return OK;
}

static enum err read_footer(struct zone *z, const unsigned char *p, size_t len)
{
    const unsigned char *end = len > 1 && p[0] == '\n' ? memchr(p + 1, '\n', len - 1) : NULL;

    if (!end)
        return ERR_INVALID;
    struct slice text = slice_of((const char *)p + 1, (size_t)(end - p - 1));
    if (text.len == 0) /* allowed: nothing is known beyond the table */
        return OK;
    enum err e = zone_footer_parse(text, &z->footer);
    z->has_footer = e == OK;
    return e;
}

struct zone *zone_new(struct slice name)
{
    struct zone *z = calloc(1, sizeof(*z));

    if (z && slice_copy(name, z->name, sizeof(z->name)) != OK) {
        free(z);
        z = NULL;
    }
    return z;
}

static enum err parse_into(struct zone *z, const unsigned char *p, size_t len)
{
    struct tzif_header h;
    size_t time_bytes = 4;
    enum err e = read_header(p, len, &h);

    if (e)
        return e;
    if (h.version >= '2') {
        size_t skip = HEADER_BYTES + data_bytes(&h, 4);
        if (skip > len)
            return ERR_INVALID;
        p += skip;
        len -= skip;
        time_bytes = 8;
        e = read_header(p, len, &h);
        if (e)
            return e;
    }
    size_t bytes = data_bytes(&h, time_bytes);
    if (bytes > len - HEADER_BYTES)
        return ERR_INVALID;
    e = read_data(z, p + HEADER_BYTES, &h, time_bytes);
    if (e || time_bytes == 4)
        return e;
    return read_footer(z, p + HEADER_BYTES + bytes, len - HEADER_BYTES - bytes);
}

enum err zone_parse(struct zone **out, struct slice name, const void *bytes, size_t len)
{
    struct zone *z = zone_new(name);
    enum err e = z ? OK : ERR_NOMEM;

    *out = NULL;
    if (!e && len >= ZONE_FILE_MAX)
        e = ERR_TOO_LONG;
    if (!e)
        e = parse_into(z, bytes, len);
    if (e) {
        zone_close(z);
        return e;
    }
    *out = z;
    return OK;
}

/* The footer: "CET-1CEST,M3.5.0,M10.5.0/3", "<+0330>-3:30", "EST5EDT,M3.2.0,M11.1.0". */
struct cursor {
    const char *p, *end;
};

static bool take(struct cursor *c, char want)
{
    if (c->p == c->end || *c->p != want)
        return false;
    c->p++;
    return true;
}

static bool take_number(struct cursor *c, uint32_t max, uint32_t *out)
{
    const char *start = c->p;

    *out = 0;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9' && c->p - start < 4)
        *out = *out * 10 + (uint32_t)(*c->p++ - '0');
    return c->p > start && *out <= max;
}

static bool take_name(struct cursor *c)
{
    const char *start = c->p;

    if (take(c, '<')) {
        while (c->p < c->end && *c->p != '>')
            c->p++;
        return take(c, '>') && c->p - start >= 4;
    }
    while (c->p < c->end && ((*c->p >= 'a' && *c->p <= 'z') || (*c->p >= 'A' && *c->p <= 'Z')))
        c->p++;
    return c->p - start >= 3;
}

static bool take_time(struct cursor *c, uint32_t hours_max, int32_t *out_s)
{
    uint32_t h, m = 0, s = 0;
    bool minus = take(c, '-');

    if (!minus)
        take(c, '+');
    if (!take_number(c, hours_max, &h))
        return false;
    if (take(c, ':')) {
        if (!take_number(c, 59, &m))
            return false;
        if (take(c, ':') && !take_number(c, 59, &s))
            return false;
    }
    *out_s = (int32_t)(h * 3600 + m * 60 + s) * (minus ? -1 : 1);
    return true;
}

static bool take_rule(struct cursor *c, struct zone_rule *r)
{
    uint32_t month = 1, week = 1, day;

    *r = (struct zone_rule){.time_s = 2 * 3600};
    if (take(c, 'M')) {
        r->kind = ZONE_RULE_MONTH;
        if (!take_number(c, 12, &month) || month == 0 || !take(c, '.') ||
            !take_number(c, 5, &week) || week == 0 || !take(c, '.') || !take_number(c, 6, &day))
            return false;
        r->weekday = (uint8_t)day;
    } else {
        r->kind = take(c, 'J') ? ZONE_RULE_JULIAN : ZONE_RULE_ZERO_BASED;
        if (!take_number(c, 365, &day) || (r->kind == ZONE_RULE_JULIAN && day == 0))
            return false;
        r->day = (uint16_t)day;
    }
    r->month = (uint8_t)month;
    r->week = (uint8_t)week;
    return !take(c, '/') || take_time(c, 167, &r->time_s);
}

enum err zone_footer_parse(struct slice text, struct zone_footer *out)
{
    struct cursor c = {text.p, text.p + text.len};
    int32_t west;

    *out = (struct zone_footer){0};
    if (!take_name(&c) || !take_time(&c, 24, &west))
        return ERR_INVALID;
    out->std_s = -west; /* POSIX counts west of Greenwich */
    if (c.p == c.end)
        return OK;
    out->dst_s = out->std_s + 3600;
    if (!take_name(&c))
        return ERR_INVALID;
    if (c.p < c.end && *c.p != ',') {
        if (!take_time(&c, 24, &west))
            return ERR_INVALID;
        out->dst_s = -west;
    }
    if (!take(&c, ',') || !take_rule(&c, &out->on) || !take(&c, ',') || !take_rule(&c, &out->off) ||
        c.p != c.end)
        return ERR_INVALID;
    out->has_dst = true;
    return OK;
}
