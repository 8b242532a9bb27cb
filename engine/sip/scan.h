/* Character classes and the strict walk over ";name=value", shared by the parsers of this room.
 * A scan is a pair of pointers; nothing is read at or past `end`. Private to sip/. */
#ifndef PEAL_SIP_SCAN_H
#define PEAL_SIP_SCAN_H

#include "base/slice.h"

enum {
    SIP_C_TOKEN = 1,   /* RFC 3261 token */
    SIP_C_USER = 2,    /* may stand in a user part unescaped ('#' tolerated: star codes) */
    SIP_C_HOST = 4,    /* host name or IPv4; '_' tolerated */
    SIP_C_PARAM = 8,   /* uri-parameter: paramchar, and ';' '=' between them */
    SIP_C_VALUE = 16,  /* an unquoted parameter value of a header, liberal */
    SIP_C_PASS = 32,   /* password */
    SIP_C_HEADER = 64, /* URI headers: hnv, and '&' '=' between them */
    SIP_C_WS = 128     /* space and tab */
};

extern const uint8_t sip_class[256];

static inline bool sip_is(char c, unsigned mask)
{
    return (sip_class[(unsigned char)c] & mask) != 0;
}

struct sip_scan {
    const char *p, *end;
};

static inline struct sip_scan sip_scan_of(struct slice s)
{
    return (struct sip_scan){s.p, s.len ? s.p + s.len : s.p};
}

static inline void sip_skip_ws(struct sip_scan *s)
{
    while (s->p < s->end && sip_is(*s->p, SIP_C_WS))
        s->p++;
}

static inline bool sip_at(const struct sip_scan *s, char c)
{
    return s->p < s->end && *s->p == c;
}

/* Takes the longest run of a class; may be empty. */
static inline struct slice sip_take(struct sip_scan *s, unsigned mask)
{
    const char *from = s->p;
    while (s->p < s->end && sip_is(*s->p, mask))
        s->p++;
    return slice_of(from, (size_t)(s->p - from));
}

/* Takes decimal digits; false when there is none or the number is above max (below 2^60). */
bool sip_take_number(struct sip_scan *s, uint64_t max, uint64_t *out);

/* At a quote: takes the quoted string, quotes included. False when it is not closed. */
bool sip_take_quoted(struct sip_scan *s, struct slice *out);

/* hostname, IPv4 or [IPv6], then optionally a colon (with blanks about it when ws) and a port. */
bool sip_take_hostport(struct sip_scan *s, bool ws, struct slice *host, bool *is_ipv6,
                       uint16_t *port);

/* The next parameter of a header: 1 taken, 0 at the end or at a comma, -1 malformed. A quoted
 * value is given with its quotes; value.p is NULL when there is no '='. */
int sip_take_param(struct sip_scan *s, struct slice *name, struct slice *value);

static inline struct slice sip_unquote(struct slice s)
{
    if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
        return slice_of(s.p + 1, s.len - 2);
    return s;
}

int sip_hex_digit(char c); /* 0…15, -1 when it is none */

#endif
