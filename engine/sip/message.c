/* The message parser: start line, header lines into a table, then the checks that every message
 * must pass. Line ends are found sixteen bytes at a time; names are looked up by length. The first
 * fault is kept and the walk goes on, so that a bad request can still be answered.
 *
 * Only CRLF ends a line: a lone CR or LF is a fault, since others may read it as a line end and
 * see other headers than we do. NUL and other control characters are left alone (RFC 4475 3.1.1.2
 * has them in quoted strings); writers must not assume text. */
#include "sip/message.h"

#include <stdio.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "sip/scan.h"

struct parse {
    struct sip_msg *m;
    char *base, *p, *end;
};

static void fault_at(struct parse *ps, const char *at, uint16_t status, const char *what)
{
    if (ps->m->fault.what)
        return;
    ps->m->fault = (struct sip_fault){what, (uint32_t)(at - ps->base), status};
}

/* ---- lines ---- */

static char *find_line_end(char *p, char *end)
{
#ifdef __SSE2__
    const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, cr), _mm_cmpeq_epi8(v, lf));
        int mask = _mm_movemask_epi8(hit);
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
    }
#endif
    while (p < end && *p != '\r' && *p != '\n')
        p++;
    return p;
}

/* Takes one line; with fold, also the lines that continue it, joined in place. */
static struct slice take_line(struct parse *ps, bool fold)
{
    char *from = ps->p, *q = ps->p;
    for (;;) {
        q = find_line_end(q, ps->end);
        if (ps->end - q < 2) {
            fault_at(ps, q, 400, "the message ends inside its head");
            ps->p = ps->end;
            return slice_of(from, (size_t)(q - from));
        }
        if (q[0] != '\r' || q[1] != '\n') {
            fault_at(ps, q, 400, "a CR or LF stands alone in the head");
            q++;
            continue;
        }
        if (!fold || ps->end - q < 3 || (q[2] != ' ' && q[2] != '\t'))
            break;
        q[0] = q[1] = ' ';
        q += 2;
    }
    ps->p = q + 2;
    return slice_of(from, (size_t)(q - from));
}

/* ---- start line ---- */

static bool is_version(struct slice s)
{
    return s.len == 7 && (memcmp(s.p, "SIP/2.0", 7) == 0 || slice_ieq(s, SLICE("SIP/2.0")));
}

static void parse_status_line(struct parse *ps, struct slice line)
{
    struct slice version, rest, code;
    slice_cut(line, ' ', &version, &rest);
    if (!is_version(version)) {
        fault_at(ps, line.p, 505, "the SIP version is not 2.0");
        return;
    }
    slice_cut(rest, ' ', &code, &ps->m->phrase);
    uint64_t status;
    if (code.len != 3 || slice_u64(code, 699, &status) != OK || status < 100) {
        fault_at(ps, rest.p, 400, "the status code is not a number from 100 to 699");
        return;
    }
    ps->m->status = (uint16_t)status;
}

static void parse_request_line(struct parse *ps, struct slice line)
{
    struct sip_msg *m = ps->m;
    struct sip_scan s = sip_scan_of(line);
    m->is_request = true;
    m->method_name = sip_take(&s, SIP_C_TOKEN);
    m->method = sip_method_find(m->method_name);
    if (m->method_name.len == 0 || !sip_at(&s, ' ')) {
        fault_at(ps, s.p, 400, "the request line does not begin with a method and one space");
        return;
    }
    struct slice version;
    slice_cut(slice_of(s.p + 1, (size_t)(s.end - s.p - 1)), ' ', &m->uri_text, &version);
    if (sip_uri_parse(m->uri_text, &m->uri) != OK)
        fault_at(ps, s.p + 1, 400, "the Request-URI is malformed");
    if (is_version(version))
        return;
    const char *at = version.len ? version.p : s.end;
    bool other = slice_istarts(version, SLICE("SIP/")) && slice_find(version, ' ') < 0;
    fault_at(ps, at, other ? 505 : 400,
             other ? "the SIP version is not 2.0"
                   : "the request line does not end with one space and SIP/2.0");
}

/* ---- header lines ---- */

/* Headers that hold one value and may stand once (RFC 3261 7.3.1). */
static const bool single[SIP_H_COUNT] = {
    [SIP_H_CALL_ID] = true,      [SIP_H_CSEQ] = true,
    [SIP_H_FROM] = true,         [SIP_H_TO] = true,
    [SIP_H_MAX_FORWARDS] = true, [SIP_H_CONTENT_LENGTH] = true,
    [SIP_H_CONTENT_TYPE] = true, [SIP_H_EXPIRES] = true,
    [SIP_H_MIN_SE] = true,       [SIP_H_SESSION_EXPIRES] = true,
    [SIP_H_RSEQ] = true,         [SIP_H_RACK] = true,
    [SIP_H_REFER_TO] = true,     [SIP_H_REPLACES] = true,
    [SIP_H_EVENT] = true,
};

static void add_header(struct parse *ps, struct slice name, struct slice value)
{
    struct sip_msg *m = ps->m;
    enum sip_hdr id = sip_hdr_find(name);
    if (m->nheaders == SIP_HEADERS_MAX) {
        fault_at(ps, name.p, 513, "there are more headers than can be kept");
        return;
    }
    if (m->first[id] == 0)
        m->first[id] = (uint8_t)(m->nheaders + 1);
    else if (single[id])
        fault_at(ps, name.p, 400, "a header that may stand once stands there twice");
    m->headers[m->nheaders++] = (struct sip_header){name, value, (uint8_t)id};
}

static void parse_header_line(struct parse *ps, struct slice line)
{
    struct sip_scan s = sip_scan_of(line);
    struct slice name = sip_take(&s, SIP_C_TOKEN);
    sip_skip_ws(&s);
    if (name.len == 0 || !sip_at(&s, ':')) {
        fault_at(ps, s.p, 400, "a header line has no name and colon");
        return;
    }
    s.p++;
    sip_skip_ws(&s);
    while (s.end > s.p && sip_is(s.end[-1], SIP_C_WS))
        s.end--;
    add_header(ps, name, slice_of(s.p, (size_t)(s.end - s.p)));
}

static void parse_head(struct parse *ps)
{
    while (ps->end - ps->p >= 2 && ps->p[0] == '\r' && ps->p[1] == '\n')
        ps->p += 2;
    ps->m->raw.p = ps->p;
    struct slice line = take_line(ps, false);
    if (slice_istarts(line, SLICE("SIP/")))
        parse_status_line(ps, line);
    else
        parse_request_line(ps, line);
    for (;;) {
        if (ps->end - ps->p >= 2 && ps->p[0] == '\r' && ps->p[1] == '\n') {
            ps->p += 2;
            return;
        }
        if (ps->p == ps->end) {
            fault_at(ps, ps->p, 400, "the blank line after the headers is missing");
            return;
        }
        parse_header_line(ps, take_line(ps, true));
    }
}

/* ---- what every message must have (RFC 3261 8.1.1) ---- */

static bool need(struct parse *ps, enum sip_hdr id, const char *missing)
{
    if (ps->m->first[id])
        return true;
    fault_at(ps, ps->p, 400, missing);
    return false;
}

static void check_party(struct parse *ps, enum sip_hdr id, struct sip_nameaddr *out,
                        const char *missing, const char *malformed)
{
    if (!need(ps, id, missing))
        return;
    struct slice value = sip_get(ps->m, id);
    if (sip_nameaddr_parse(value, out) != OK || out->is_star)
        fault_at(ps, value.p, 400, malformed);
}

static void check_call_id(struct parse *ps)
{
    if (!need(ps, SIP_H_CALL_ID, "there is no Call-ID"))
        return;
    struct slice id = sip_get(ps->m, SIP_H_CALL_ID);
    for (uint32_t i = 0; i < id.len; i++)
        if ((unsigned char)id.p[i] <= ' ' || id.p[i] == 0x7f)
            fault_at(ps, id.p + i, 400, "the Call-ID holds a blank or a control character");
    if (id.len == 0)
        fault_at(ps, id.p, 400, "the Call-ID is empty");
    ps->m->call_id = id;
}

static void check_cseq(struct parse *ps)
{
    struct sip_msg *m = ps->m;
    if (!need(ps, SIP_H_CSEQ, "there is no CSeq"))
        return;
    struct slice value = sip_get(m, SIP_H_CSEQ);
    if (sip_cseq_parse(value, &m->cseq) != OK)
        fault_at(ps, value.p, 400, "the CSeq is not a number below 2^31 and a method");
    else if (m->is_request && !slice_eq(m->cseq.method_name, m->method_name))
        fault_at(ps, value.p, 400, "the method of CSeq is not that of the request");
    if (!m->is_request) {
        m->method = m->cseq.method;
        m->method_name = m->cseq.method_name;
    }
}

static void check_via(struct parse *ps)
{
    if (!need(ps, SIP_H_VIA, "there is no Via"))
        return;
    struct slice value = sip_get(ps->m, SIP_H_VIA);
    if (sip_via_parse(value, &ps->m->via) != OK) {
        fault_at(ps, value.p, 400, "the topmost Via is malformed");
        ps->m->via = (struct sip_via){0};
    }
}

static void check_max_forwards(struct parse *ps)
{
    ps->m->max_forwards = -1;
    if (!ps->m->first[SIP_H_MAX_FORWARDS])
        return;
    struct slice value = sip_get(ps->m, SIP_H_MAX_FORWARDS);
    uint64_t n;
    if (slice_u64(value, 255, &n) == OK)
        ps->m->max_forwards = (int16_t)n;
    else
        fault_at(ps, value.p, 400, "Max-Forwards is not a number from 0 to 255");
}

static void check_body(struct parse *ps)
{
    struct sip_msg *m = ps->m;
    size_t left = (size_t)(ps->end - ps->p);
    m->body = slice_of(ps->p, left);
    if (m->first[SIP_H_CONTENT_LENGTH]) {
        struct slice value = sip_get(m, SIP_H_CONTENT_LENGTH);
        uint64_t n;
        if (slice_u64(value, UINT32_MAX, &n) != OK) {
            fault_at(ps, value.p, 400, "Content-Length is not a number");
        } else {
            m->has_content_length = true;
            m->content_length = (uint32_t)n;
            if (n > left)
                fault_at(ps, value.p, 400, "the body is shorter than Content-Length says");
            else
                m->body.len = (uint32_t)n;
        }
    }
    m->raw.len = (uint32_t)(m->body.p + m->body.len - m->raw.p);
}

enum err sip_parse(struct sip_msg *m, char *data, size_t len)
{
    /* The header table is the bulk and needs no clearing: nheaders bounds it. */
    memset(m, 0, offsetof(struct sip_msg, headers));
    m->fault = (struct sip_fault){0};
    if (len > SIP_MESSAGE_MAX) {
        m->fault = (struct sip_fault){"the message is longer than 65535 bytes", 0, 513};
        return ERR_TOO_LONG;
    }
    struct parse ps = {m, data, data, data + len};
    parse_head(&ps);
    check_via(&ps);
    check_party(&ps, SIP_H_FROM, &m->from, "there is no From", "From is malformed");
    check_party(&ps, SIP_H_TO, &m->to, "there is no To", "To is malformed");
    check_call_id(&ps);
    check_cseq(&ps);
    check_max_forwards(&ps);
    check_body(&ps);
    if (!m->fault.what)
        return OK;
    return m->fault.status == 513 ? ERR_TOO_LONG : ERR_INVALID;
}

bool sip_can_reject(const struct sip_msg *m)
{
    return m->is_request && m->method != SIP_ACK && m->via.host.len > 0;
}

const char *sip_fault_format(const struct sip_fault *f, char *dst, size_t cap)
{
    snprintf(dst, cap, "at byte %u: %s", f->at, f->what ? f->what : "no fault");
    return dst;
}
