/* SIP, SIPS and tel URIs: see uri.h. The parse is one walk from left to right: scheme, user part
 * (an '@' can stand nowhere else), host and port, parameters, headers. */
#include "sip/uri.h"

#include <arpa/inet.h>

#include "sip/scan.h"

/* ---- parsing ---- */

/* Every character is of the class and every '%' starts a %xx. */
static bool all_of(struct slice s, unsigned mask)
{
    for (uint32_t i = 0; i < s.len; i++) {
        if (!sip_is(s.p[i], mask))
            return false;
        if (s.p[i] == '%' &&
            (s.len - i < 3 || sip_hex_digit(s.p[i + 1]) < 0 || sip_hex_digit(s.p[i + 2]) < 0))
            return false;
    }
    return true;
}

/* scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), then ':'. */
static bool take_scheme(struct sip_scan *s, struct slice *scheme)
{
    const char *from = s->p;
    while (s->p < s->end && *s->p != ':') {
        char c = *s->p, lower = (char)(c | 0x20);
        bool alpha = lower >= 'a' && lower <= 'z';
        bool later = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!alpha && (!later || s->p == from))
            return false;
        s->p++;
    }
    *scheme = slice_of(from, (size_t)(s->p - from));
    if (s->p == s->end || scheme->len == 0)
        return false;
    s->p++;
    return true;
}

static enum sip_scheme scheme_find(struct slice s)
{
    if (s.len == 3 && (s.p[0] | 0x20) == 's' && (s.p[1] | 0x20) == 'i' && (s.p[2] | 0x20) == 'p')
        return SIP_SCHEME_SIP;
    if (slice_ieq(s, SLICE("sips")))
        return SIP_SCHEME_SIPS;
    return slice_ieq(s, SLICE("tel")) ? SIP_SCHEME_TEL : SIP_SCHEME_OTHER;
}

static bool take_userinfo(struct sip_scan *s, struct sip_uri *u)
{
    const char *at = memchr(s->p, '@', (size_t)(s->end - s->p));
    if (!at)
        return true;
    u->has_user = true;
    slice_cut(slice_of(s->p, (size_t)(at - s->p)), ':', &u->user, &u->password);
    s->p = at + 1;
    return u->user.len > 0 && all_of(u->user, SIP_C_USER) && all_of(u->password, SIP_C_PASS);
}

static bool take_params(struct sip_scan *s, struct sip_uri *u)
{
    if (sip_at(s, ';')) {
        s->p++;
        u->params = sip_take(s, SIP_C_PARAM);
        if (!all_of(u->params, SIP_C_PARAM))
            return false;
    }
    return true;
}

static bool parse_sip(struct sip_scan *s, struct sip_uri *u)
{
    if (!take_userinfo(s, u) ||
        !sip_take_hostport(s, false, &u->host, &u->host_is_ipv6, &u->port) || !take_params(s, u))
        return false;
    if (sip_at(s, '?')) {
        u->headers = slice_of(s->p + 1, (size_t)(s->end - s->p - 1));
        s->p = s->end;
        return u->headers.len > 0 && all_of(u->headers, SIP_C_HEADER);
    }
    return s->p == s->end;
}

static bool is_phone_char(char c, bool global)
{
    if ((c >= '0' && c <= '9') || c == '-' || c == '.' || c == '(' || c == ')')
        return true;
    return !global && (sip_hex_digit(c) >= 0 || c == '*' || c == '#');
}

static bool parse_tel(struct sip_scan *s, struct sip_uri *u)
{
    const char *from = s->p;
    bool global = sip_at(s, '+'), any = false;
    if (global)
        s->p++;
    for (; s->p < s->end && is_phone_char(*s->p, global); s->p++)
        any = any || sip_hex_digit(*s->p) >= 0 || *s->p == '*' || *s->p == '#';
    u->user = slice_of(from, (size_t)(s->p - from));
    return any && take_params(s, u) && s->p == s->end;
}

/* Of other schemes only what could break out of a header is refused. */
static bool is_printable(struct slice s)
{
    for (uint32_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"')
            return false;
    }
    return true;
}

enum err sip_uri_parse(struct slice text, struct sip_uri *out)
{
    *out = (struct sip_uri){.text = text};
    struct sip_scan s = sip_scan_of(text);
    struct slice scheme;
    if (!take_scheme(&s, &scheme))
        return ERR_INVALID;
    out->scheme = scheme_find(scheme);
    switch (out->scheme) {
    case SIP_SCHEME_SIP:
    case SIP_SCHEME_SIPS:
        return parse_sip(&s, out) ? OK : ERR_INVALID;
    case SIP_SCHEME_TEL:
        return parse_tel(&s, out) ? OK : ERR_INVALID;
    case SIP_SCHEME_OTHER:
        break;
    }
    return s.p < s.end && is_printable(text) ? OK : ERR_INVALID;
}

/* ---- parameters ---- */

bool sip_param_next(struct slice *rest, struct slice *name, struct slice *value)
{
    struct sip_scan s = sip_scan_of(*rest);
    while (s.p < s.end) {
        const char *from = s.p, *equals = NULL;
        struct slice quoted;
        while (s.p < s.end && *s.p != ';') {
            if (*s.p == '"' && equals) {
                if (!sip_take_quoted(&s, &quoted))
                    s.p = s.end;
                continue;
            }
            if (*s.p == '=' && !equals)
                equals = s.p;
            s.p++;
        }
        const char *stop = s.p;
        if (s.p < s.end)
            s.p++;
        *name = slice_trim(slice_of(from, (size_t)((equals ? equals : stop) - from)));
        *value = equals ? slice_trim(slice_of(equals + 1, (size_t)(stop - equals - 1))) : SLICE("");
        if (name->len > 0) {
            *rest = slice_of(s.p, (size_t)(s.end - s.p));
            return true;
        }
    }
    *rest = slice_of(s.p, 0);
    return false;
}

bool sip_param_get(struct slice params, struct slice name, struct slice *value)
{
    struct slice n, v;
    while (sip_param_next(&params, &n, &v)) {
        if (slice_ieq(n, name)) {
            *value = v;
            return true;
        }
    }
    return false;
}

bool sip_uri_param(const struct sip_uri *u, struct slice name, struct slice *value)
{
    return sip_param_get(u->params, name, value);
}

bool sip_uri_is_loose(const struct sip_uri *u)
{
    struct slice value;
    return sip_uri_param(u, SLICE("lr"), &value);
}

/* ---- comparison ---- */

#define ESCAPED 0x100

/* The next character, %xx undone. What is reserved stays apart from its escaped form
 * (RFC 3261 19.1.4): such an escape comes out with ESCAPED set. -1 at the end. */
static int next_char(struct slice *s)
{
    if (s->len == 0)
        return -1;
    int c = (unsigned char)s->p[0], hi, lo;
    uint32_t step = 1;
    if (c == '%' && s->len >= 3 && (hi = sip_hex_digit(s->p[1])) >= 0 &&
        (lo = sip_hex_digit(s->p[2])) >= 0) {
        c = hi * 16 + lo;
        step = 3;
        if (c != 0 && strchr(";/?:@&=+$,%", c))
            c |= ESCAPED;
    }
    *s = slice_from(*s, step);
    return c;
}

static bool same_text(struct slice a, struct slice b, bool fold)
{
    for (;;) {
        int x = next_char(&a), y = next_char(&b);
        if (fold && x >= 'A' && x <= 'Z')
            x |= 0x20;
        if (fold && y >= 'A' && y <= 'Z')
            y |= 0x20;
        if (x != y)
            return false;
        if (x < 0)
            return true;
    }
}

static bool same_host(const struct sip_uri *a, const struct sip_uri *b)
{
    if (a->host_is_ipv6 != b->host_is_ipv6)
        return false;
    char x[INET6_ADDRSTRLEN], y[INET6_ADDRSTRLEN];
    struct in6_addr xa, ya;
    if (!a->host_is_ipv6 || slice_copy(a->host, x, sizeof(x)) || slice_copy(b->host, y, sizeof(y)))
        return slice_ieq(a->host, b->host);
    return inet_pton(AF_INET6, x, &xa) == 1 && inet_pton(AF_INET6, y, &ya) == 1 &&
           memcmp(&xa, &ya, sizeof(xa)) == 0;
}

/* In one URI only, these make the two differ. */
static bool is_decisive_param(struct slice name)
{
    return slice_ieq(name, SLICE("user")) || slice_ieq(name, SLICE("ttl")) ||
           slice_ieq(name, SLICE("method")) || slice_ieq(name, SLICE("maddr")) ||
           slice_ieq(name, SLICE("transport"));
}

/* Whether `name` stands in params, and with this value (should it stand there twice, in either). */
static bool find_param(struct slice params, struct slice name, struct slice value, bool *same)
{
    struct slice n, v;
    bool found = false;
    *same = false;
    while (sip_param_next(&params, &n, &v)) {
        if (slice_ieq(n, name)) {
            found = true;
            *same = *same || same_text(v, value, true);
        }
    }
    return found;
}

/* tel: every parameter decides (RFC 3966 4). */
static bool params_cover(const struct sip_uri *a, const struct sip_uri *b)
{
    struct slice rest = a->params, name, value;
    while (sip_param_next(&rest, &name, &value)) {
        bool same;
        if (find_param(b->params, name, value, &same)) {
            if (!same)
                return false;
        } else if (a->scheme == SIP_SCHEME_TEL || is_decisive_param(name)) {
            return false;
        }
    }
    return true;
}

static bool headers_cover(struct slice a, struct slice b)
{
    struct slice item, rest;
    while (a.len > 0) {
        slice_cut(a, '&', &item, &a);
        bool found = false;
        for (rest = b; rest.len > 0 && !found;) {
            struct slice other, n1, v1, n2, v2;
            slice_cut(rest, '&', &other, &rest);
            slice_cut(item, '=', &n1, &v1);
            slice_cut(other, '=', &n2, &v2);
            found = same_text(n1, n2, true) && same_text(v1, v2, false);
        }
        if (!found)
            return false;
    }
    return true;
}

/* Visual separators do not count. */
static bool same_number(struct slice a, struct slice b)
{
    for (;;) {
        while (a.len && strchr("-.()", a.p[0]))
            a = slice_from(a, 1);
        while (b.len && strchr("-.()", b.p[0]))
            b = slice_from(b, 1);
        if (a.len == 0 || b.len == 0)
            return a.len == b.len;
        char x = a.p[0], y = b.p[0];
        if (x != y && (sip_hex_digit(x) < 0 || sip_hex_digit(x) != sip_hex_digit(y)))
            return false;
        a = slice_from(a, 1);
        b = slice_from(b, 1);
    }
}

bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b)
{
    if (a->scheme != b->scheme)
        return false;
    if (a->scheme == SIP_SCHEME_OTHER)
        return slice_eq(a->text, b->text);
    if (a->scheme == SIP_SCHEME_TEL) {
        if (!same_number(a->user, b->user))
            return false;
    } else if (a->has_user != b->has_user || a->port != b->port || !same_host(a, b) ||
               !same_text(a->user, b->user, false) || !same_text(a->password, b->password, false)) {
        return false;
    }
    return params_cover(a, b) && params_cover(b, a) && headers_cover(a->headers, b->headers) &&
           headers_cover(b->headers, a->headers);
}

/* ---- writing ---- */

static void write_base(struct buf *b, const struct sip_uri *u)
{
    static const char *const schemes[] = {"", "sip:", "sips:", "tel:"};
    buf_puts(b, schemes[u->scheme]);
    buf_put(b, u->user);
    if (u->scheme == SIP_SCHEME_TEL)
        return;
    if (u->password.len) {
        buf_putc(b, ':');
        buf_put(b, u->password);
    }
    if (u->has_user)
        buf_putc(b, '@');
    if (u->host_is_ipv6)
        buf_putc(b, '[');
    buf_put(b, u->host);
    if (u->host_is_ipv6)
        buf_putc(b, ']');
    if (u->port) {
        buf_putc(b, ':');
        buf_u64(b, u->port);
    }
}

void sip_uri_write(struct buf *b, const struct sip_uri *u)
{
    if (u->scheme == SIP_SCHEME_OTHER) {
        buf_put(b, u->text);
        return;
    }
    write_base(b, u);
    if (u->params.len) {
        buf_putc(b, ';');
        buf_put(b, u->params);
    }
    if (u->headers.len) {
        buf_putc(b, '?');
        buf_put(b, u->headers);
    }
}

void sip_uri_write_request(struct buf *b, const struct sip_uri *u)
{
    if (u->scheme == SIP_SCHEME_OTHER) {
        buf_put(b, u->text);
        return;
    }
    write_base(b, u);
    struct slice rest = u->params, name, value;
    while (sip_param_next(&rest, &name, &value)) {
        if (slice_ieq(name, SLICE("method")))
            continue;
        buf_putc(b, ';');
        buf_put(b, name);
        if (value.len) {
            buf_putc(b, '=');
            buf_put(b, value);
        }
    }
}

void sip_user_write_escaped(struct buf *b, struct slice plain)
{
    for (uint32_t i = 0; i < plain.len; i++) {
        char c = plain.p[i];
        if (sip_is(c, SIP_C_USER) && c != '%' && c != '#') {
            buf_putc(b, c);
        } else {
            buf_putc(b, '%');
            buf_hex(b, &c, 1);
        }
    }
}

void sip_unescape(struct buf *b, struct slice escaped)
{
    int c;
    while ((c = next_char(&escaped)) >= 0)
        buf_putc(b, (char)(c & 0xff));
}
