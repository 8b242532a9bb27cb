/* name-addr and addr-spec with header parameters (RFC 3261 20.10, 25.1). Strict about what would
 * change the meaning (unclosed quotes, blanks inside <>, separators in a bare display name),
 * liberal about which other characters a display name is written with. */
#include "sip/scan.h"
#include "sip/uri.h"

static bool has_colon(struct slice uri)
{
    return uri.len > 0 && memchr(uri.p, ':', uri.len) != NULL;
}

/* At '<': takes <uri>. What may stand in it is what may stand in a value, and the two separators.
 */
static bool take_bracketed(struct sip_scan *s, struct slice *uri)
{
    const char *from = ++s->p;
    while (s->p < s->end && (sip_is(*s->p, SIP_C_VALUE) || *s->p == ';' || *s->p == ','))
        s->p++;
    *uri = slice_of(from, (size_t)(s->p - from));
    if (!sip_at(s, '>') || !has_colon(*uri))
        return false;
    s->p++;
    return true;
}

/* An addr-spec without brackets may hold no ',', ';' or '?': they end it or are an error. */
static bool take_bare(struct sip_scan *s, struct slice *uri)
{
    const char *from = s->p;
    while (s->p < s->end && sip_is(*s->p, SIP_C_VALUE) && *s->p != '?')
        s->p++;
    *uri = slice_of(from, (size_t)(s->p - from));
    return has_colon(*uri);
}

static bool take_address(struct sip_scan *s, struct sip_nameaddr *out)
{
    if (sip_at(s, '<'))
        return take_bracketed(s, &out->uri_text);
    if (sip_at(s, '"')) {
        if (!sip_take_quoted(s, &out->display))
            return false;
        out->display = sip_unquote(out->display);
        sip_skip_ws(s);
        return sip_at(s, '<') && take_bracketed(s, &out->uri_text);
    }
    const char *p = s->p;
    while (p < s->end && *p != '<' && *p != '"' && *p != ';' && *p != ',')
        p++;
    if (p < s->end && *p == '<') {
        out->display = slice_trim(slice_of(s->p, (size_t)(p - s->p)));
        s->p = p;
        return take_bracketed(s, &out->uri_text);
    }
    return take_bare(s, &out->uri_text);
}

enum err sip_nameaddr_parse(struct slice text, struct sip_nameaddr *out)
{
    *out = (struct sip_nameaddr){0};
    struct sip_scan s = sip_scan_of(text);
    sip_skip_ws(&s);
    if (sip_at(&s, '*')) {
        s.p++;
        sip_skip_ws(&s);
        out->is_star = s.p == s.end;
        return out->is_star ? OK : ERR_INVALID;
    }
    if (!take_address(&s, out))
        return ERR_INVALID;
    sip_skip_ws(&s);
    if (sip_at(&s, ';'))
        out->params = slice_of(s.p + 1, (size_t)(s.end - s.p - 1));
    struct slice name, value;
    int got;
    while ((got = sip_take_param(&s, &name, &value)) > 0)
        if (name.len == 3 && out->tag.len == 0 && slice_ieq(name, SLICE("tag")))
            out->tag = value;
    return got == 0 && s.p == s.end ? OK : ERR_INVALID;
}

static void write_display(struct buf *b, struct slice display)
{
    buf_putc(b, '"');
    for (uint32_t i = 0; i < display.len; i++) {
        char c = display.p[i];
        if (c == '\r' || c == '\n' || c == 0)
            c = ' ';
        if (c == '"' || c == '\\')
            buf_putc(b, '\\');
        buf_putc(b, c);
    }
    buf_puts(b, "\" ");
}

void sip_nameaddr_write(struct buf *b, struct slice display, struct slice uri, struct slice tag)
{
    if (display.len)
        write_display(b, display);
    buf_putc(b, '<');
    buf_put(b, uri);
    buf_putc(b, '>');
    if (tag.len) {
        buf_puts(b, ";tag=");
        buf_put(b, tag);
    }
}
