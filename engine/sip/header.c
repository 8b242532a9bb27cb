/* Header values: see header.h. */
#include "sip/header.h"

#include "sip/scan.h"

/* ---- Via (RFC 3261 20.42, RFC 3581) ---- */

static bool take_word(struct sip_scan *s, struct slice word)
{
    if ((size_t)(s->end - s->p) < word.len || !slice_ieq(slice_of(s->p, word.len), word))
        return false;
    s->p += word.len;
    return true;
}

/* sent-protocol: blanks may stand around the slashes. */
static bool take_protocol(struct sip_scan *s, struct sip_via *v)
{
    if (s->end - s->p > 8 && memcmp(s->p, "SIP/2.0/", 8) == 0) {
        s->p += 8;
    } else {
        static const struct slice words[] = {{"SIP", 3}, {"/", 1}, {"2.0", 3}, {"/", 1}};
        for (unsigned i = 0; i < 4; i++) {
            if (!take_word(s, words[i]))
                return false;
            sip_skip_ws(s);
        }
    }
    v->transport_name = sip_take(s, SIP_C_TOKEN);
    v->transport = sip_transport_find(v->transport_name);
    const char *from = s->p;
    sip_skip_ws(s);
    return v->transport_name.len > 0 && s->p > from;
}

static bool via_param(struct sip_via *v, struct slice name, struct slice value)
{
    if (slice_ieq(name, SLICE("branch"))) {
        v->branch = value;
    } else if (slice_ieq(name, SLICE("rport"))) {
        struct sip_scan s = sip_scan_of(value);
        uint64_t port = 0;
        v->has_rport = true;
        if (value.len && (!sip_take_number(&s, UINT16_MAX, &port) || s.p != s.end))
            return false;
        v->rport = (uint16_t)port;
    } else if (slice_ieq(name, SLICE("received"))) {
        v->received = value;
    } else if (slice_ieq(name, SLICE("maddr"))) {
        v->maddr = value;
    }
    return true;
}

enum err sip_via_parse(struct slice value, struct sip_via *out)
{
    *out = (struct sip_via){0};
    struct sip_scan s = sip_scan_of(value);
    sip_skip_ws(&s);
    const char *from = s.p;
    if (!take_protocol(&s, out) ||
        !sip_take_hostport(&s, true, &out->host, &out->host_is_ipv6, &out->port))
        return ERR_INVALID;
    sip_skip_ws(&s);
    const char *params = s.p;
    struct slice name, v;
    int got;
    while ((got = sip_take_param(&s, &name, &v)) > 0)
        if (!via_param(out, name, v))
            return ERR_INVALID;
    if (got < 0)
        return ERR_INVALID;
    out->text = slice_trim(slice_of(from, (size_t)(s.p - from)));
    if (s.p > params)
        out->params = slice_trim(slice_of(params + 1, (size_t)(s.p - params - 1)));
    return OK;
}

/* ---- numbers ---- */

static bool take_cseq(struct sip_scan *s, struct sip_cseq *out)
{
    uint64_t number;
    if (!sip_take_number(s, INT32_MAX, &number) || s->p == s->end || !sip_is(*s->p, SIP_C_WS))
        return false;
    sip_skip_ws(s);
    out->number = (uint32_t)number;
    out->method_name = sip_take(s, SIP_C_TOKEN);
    out->method = sip_method_find(out->method_name);
    sip_skip_ws(s);
    return out->method_name.len > 0 && s->p == s->end;
}

enum err sip_cseq_parse(struct slice value, struct sip_cseq *out)
{
    struct sip_scan s = sip_scan_of(value);
    *out = (struct sip_cseq){0};
    sip_skip_ws(&s);
    return take_cseq(&s, out) ? OK : ERR_INVALID;
}

enum err sip_rack_parse(struct slice value, struct sip_rack *out)
{
    struct sip_scan s = sip_scan_of(value);
    uint64_t rseq;
    *out = (struct sip_rack){0};
    sip_skip_ws(&s);
    if (!sip_take_number(&s, UINT32_MAX, &rseq) || s.p == s.end || !sip_is(*s.p, SIP_C_WS))
        return ERR_INVALID;
    out->rseq = (uint32_t)rseq;
    sip_skip_ws(&s);
    return take_cseq(&s, &out->cseq) ? OK : ERR_INVALID;
}

/* Takes a number that ends at a blank, ';', ',', '(' or the end. */
static bool take_delta(struct sip_scan *s, uint32_t max, uint32_t *out)
{
    uint64_t v;
    sip_skip_ws(s);
    if (!sip_take_number(s, max, &v))
        return false;
    if (s->p < s->end && !sip_is(*s->p, SIP_C_WS) && *s->p != ';' && *s->p != '(')
        return false;
    *out = (uint32_t)v;
    sip_skip_ws(s);
    return true;
}

enum err sip_number_parse(struct slice value, uint32_t max, uint32_t *out)
{
    struct sip_scan s = sip_scan_of(value);
    uint32_t v;
    if (!take_delta(&s, max, &v))
        return ERR_INVALID;
    *out = v;
    return OK;
}

enum err sip_session_expires_parse(struct slice value, struct sip_session_expires *out)
{
    struct sip_scan s = sip_scan_of(value);
    struct slice name, v;
    int got;
    *out = (struct sip_session_expires){0};
    if (!take_delta(&s, UINT32_MAX, &out->seconds))
        return ERR_INVALID;
    while ((got = sip_take_param(&s, &name, &v)) > 0) {
        if (!slice_ieq(name, SLICE("refresher")))
            continue;
        if (slice_ieq(v, SLICE("uac")))
            out->refresher = SIP_REFRESHER_UAC;
        else if (slice_ieq(v, SLICE("uas")))
            out->refresher = SIP_REFRESHER_UAS;
        else
            return ERR_INVALID;
    }
    return got == 0 && s.p == s.end ? OK : ERR_INVALID;
}

/* A comment: parentheses nest, a backslash quotes. */
static bool skip_comment(struct sip_scan *s)
{
    unsigned depth = 0;
    for (; s->p < s->end; s->p++) {
        if (*s->p == '\\' && s->p + 1 < s->end) {
            s->p++;
        } else if (*s->p == '(') {
            depth++;
        } else if (*s->p == ')' && --depth == 0) {
            s->p++;
            return true;
        }
    }
    return false;
}

enum err sip_retry_after_parse(struct slice value, struct sip_retry_after *out)
{
    struct sip_scan s = sip_scan_of(value);
    struct slice name, v;
    int got;
    *out = (struct sip_retry_after){0};
    if (!take_delta(&s, UINT32_MAX, &out->seconds))
        return ERR_INVALID;
    if (sip_at(&s, '(') && !skip_comment(&s))
        return ERR_INVALID;
    while ((got = sip_take_param(&s, &name, &v)) > 0)
        if (slice_ieq(name, SLICE("duration")) && slice_u32(v, &out->duration_s) != OK)
            return ERR_INVALID;
    return got == 0 && s.p == s.end ? OK : ERR_INVALID;
}

/* ---- Reason (RFC 3326) ---- */

enum err sip_reason_parse(struct slice value, struct sip_reason *out)
{
    struct sip_scan s = sip_scan_of(value);
    struct slice name, v;
    int got;
    *out = (struct sip_reason){0};
    sip_skip_ws(&s);
    out->protocol = sip_take(&s, SIP_C_TOKEN);
    if (out->protocol.len == 0)
        return ERR_INVALID;
    while ((got = sip_take_param(&s, &name, &v)) > 0) {
        if (slice_ieq(name, SLICE("cause"))) {
            uint64_t cause;
            if (slice_u64(v, UINT16_MAX, &cause) != OK)
                return ERR_INVALID;
            out->cause = (uint16_t)cause;
        } else if (slice_ieq(name, SLICE("text"))) {
            out->text = sip_unquote(v);
        }
    }
    return got == 0 && s.p == s.end ? OK : ERR_INVALID;
}

/* ---- challenges and credentials (RFC 3261 25.1) ---- */

enum err sip_auth_parse(struct slice value, struct sip_auth *out)
{
    struct sip_scan s = sip_scan_of(value);
    sip_skip_ws(&s);
    out->scheme = sip_take(&s, SIP_C_TOKEN);
    const char *from = s.p;
    sip_skip_ws(&s);
    out->params = slice_of(s.p, (size_t)(s.end - s.p));
    return out->scheme.len > 0 && s.p > from && s.p < s.end ? OK : ERR_INVALID;
}

bool sip_auth_next(struct slice *rest, struct slice *name, struct slice *value, bool *was_quoted)
{
    struct sip_scan s = sip_scan_of(*rest);
    while (s.p < s.end && (sip_is(*s.p, SIP_C_WS) || *s.p == ','))
        s.p++;
    *name = sip_take(&s, SIP_C_TOKEN);
    sip_skip_ws(&s);
    if (name->len == 0 || !sip_at(&s, '='))
        return false;
    s.p++;
    sip_skip_ws(&s);
    bool quoted = sip_at(&s, '"');
    if (quoted) {
        if (!sip_take_quoted(&s, value))
            return false;
        *value = sip_unquote(*value);
    } else {
        *value = sip_take(&s, SIP_C_VALUE);
        if (value->len == 0)
            return false;
    }
    if (was_quoted)
        *was_quoted = quoted;
    sip_skip_ws(&s);
    if (s.p < s.end && *s.p != ',')
        return false;
    *rest = slice_of(s.p, (size_t)(s.end - s.p));
    return true;
}

bool sip_auth_get(const struct sip_auth *a, struct slice name, struct slice *value)
{
    struct slice rest = a->params, n, v;
    while (sip_auth_next(&rest, &n, &v, NULL)) {
        if (slice_ieq(n, name)) {
            *value = v;
            return true;
        }
    }
    return false;
}

/* ---- lists and types ---- */

bool sip_content_is(struct slice content_type, struct slice type)
{
    struct slice head, params;
    slice_cut(content_type, ';', &head, &params);
    return slice_ieq(slice_trim(head), type);
}

bool sip_list_next(struct slice *rest, struct slice *item)
{
    struct sip_scan s = sip_scan_of(*rest);
    while (s.p < s.end && (sip_is(*s.p, SIP_C_WS) || *s.p == ','))
        s.p++;
    const char *from = s.p;
    bool in_brackets = false;
    while (s.p < s.end && (*s.p != ',' || in_brackets)) {
        struct slice quoted;
        if (*s.p == '"' && !in_brackets) {
            if (!sip_take_quoted(&s, &quoted))
                s.p = s.end; /* not closed: the rest is one broken element */
            continue;
        }
        if (*s.p == '<')
            in_brackets = true;
        else if (*s.p == '>')
            in_brackets = false;
        s.p++;
    }
    *item = slice_trim(slice_of(from, (size_t)(s.p - from)));
    *rest = slice_of(s.p, (size_t)(s.end - s.p));
    return item->len > 0;
}
