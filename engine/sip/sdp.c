/* The SDP parser (RFC 8866): lines into a table, then what audio needs from c=, m= and a=. Broken
 * structure is a fault; a broken attribute is only not understood, as an unknown one would be, and
 * stays in the line table. */
#include "sip/sdp.h"

#include "sip/scan.h"

enum sdp_dir sdp_dir_reverse(enum sdp_dir d)
{
    return (enum sdp_dir)(((d & SDP_SENDONLY) ? SDP_RECVONLY : 0) |
                          ((d & SDP_RECVONLY) ? SDP_SENDONLY : 0));
}

struct slice sdp_dir_name(enum sdp_dir d)
{
    static const struct slice names[] = {
        {"inactive", 8}, {"sendonly", 8}, {"recvonly", 8}, {"sendrecv", 8}};
    return names[d & SDP_SENDRECV];
}

struct parse {
    struct sdp *s;
    const char *line; /* where the present line begins */
};

static enum err fault(struct parse *ps, enum err e, const char *what)
{
    ps->s->fault = what;
    ps->s->fault_at = (uint32_t)(ps->line - ps->s->text.p);
    return e;
}

/* The next word, blanks before it skipped; empty at the end. */
static struct slice word(struct slice *rest)
{
    struct slice s = slice_trim(*rest), w;
    slice_cut(s, ' ', &w, rest);
    return w;
}

/* Decimal digits at the front of s; false when there are none or above max. */
static bool number(struct slice s, uint64_t max, uint64_t *out, struct slice *rest)
{
    struct sip_scan scan = sip_scan_of(s);
    if (!sip_take_number(&scan, max, out))
        return false;
    *rest = slice_of(scan.p, (size_t)(scan.end - scan.p));
    return true;
}

/* ---- o= and c= ---- */

/* nettype addrtype address[/ttl[/count]] */
static bool parse_address(struct slice v, struct slice *host, bool *is_ip6)
{
    struct slice net = word(&v), type = word(&v), address = word(&v), ttl;
    slice_cut(address, '/', host, &ttl);
    *is_ip6 = slice_ieq(type, SLICE("IP6"));
    return slice_ieq(net, SLICE("IN")) && (*is_ip6 || slice_ieq(type, SLICE("IP4"))) &&
           host->len > 0 && slice_trim(v).len == 0;
}

static enum err parse_origin(struct parse *ps, struct slice v)
{
    struct sdp_origin *o = &ps->s->origin;
    o->user = word(&v);
    /* Some peers write more than 64 bits; the text stays in the table, the number is then 0. */
    (void)slice_u64(word(&v), UINT64_MAX, &o->session_id);
    (void)slice_u64(word(&v), UINT64_MAX, &o->version);
    if (o->user.len == 0 || !parse_address(v, &o->host, &o->is_ip6))
        return fault(ps, ERR_INVALID, "o= is not user, session, version and an address");
    return OK;
}

static enum err parse_connection(struct parse *ps, struct slice v)
{
    struct sdp *s = ps->s;
    struct sdp_conn c = {0};
    if (!parse_address(v, &c.host, &c.is_ip6))
        return fault(ps, ERR_INVALID, "c= is not IN, IP4 or IP6 and an address");
    struct sdp_conn *to = s->nmedia ? &s->media[s->nmedia - 1].conn : &s->conn;
    *to = c;
    return OK;
}

/* ---- m= ---- */

/* RFC 3551 table 4: names of payload types that need no rtpmap. */
static const struct {
    uint8_t pt, channels;
    uint32_t rate_hz;
    struct slice name;
} static_types[] = {
    {0, 1, 8000, {"PCMU", 4}},  {3, 1, 8000, {"GSM", 3}},  {4, 1, 8000, {"G723", 4}},
    {8, 1, 8000, {"PCMA", 4}},  {9, 1, 8000, {"G722", 4}}, {10, 2, 44100, {"L16", 3}},
    {11, 1, 44100, {"L16", 3}}, {13, 1, 8000, {"CN", 2}},  {15, 1, 8000, {"G728", 4}},
    {18, 1, 8000, {"G729", 4}},
};

static void add_format(struct sdp_media *m, struct slice text)
{
    struct sdp_format *f = &m->formats[m->nformats++];
    *f = (struct sdp_format){.text = text, .pt = SDP_PT_NONE};
    uint64_t pt;
    if (!slice_istarts(m->proto, SLICE("RTP/")) || slice_u64(text, 127, &pt) != OK)
        return;
    f->pt = (uint8_t)pt;
    for (size_t i = 0; i < sizeof(static_types) / sizeof(static_types[0]); i++) {
        if (static_types[i].pt == pt) {
            f->encoding = static_types[i].name;
            f->rate_hz = static_types[i].rate_hz;
            f->channels = static_types[i].channels;
        }
    }
}

static enum err parse_media(struct parse *ps, struct slice v)
{
    struct sdp *s = ps->s;
    if (s->nmedia == SDP_MEDIA_MAX)
        return fault(ps, ERR_TOO_LONG, "there are more medias than can be kept");
    struct sdp_media *m = &s->media[s->nmedia++];
    memset(m, 0, offsetof(struct sdp_media, formats));
    m->dir = s->dir;
    m->first_line = (uint16_t)(s->nlines - 1);
    m->kind = word(&v);
    struct slice port = word(&v), count;
    uint64_t n = 0;
    if (!number(port, UINT16_MAX, &n, &count) || (count.len && count.p[0] != '/'))
        return fault(ps, ERR_INVALID, "the port of m= is not a number from 0 to 65535");
    m->port = (uint16_t)n;
    m->rtcp_port = n > 0 && n < UINT16_MAX ? (uint16_t)(n + 1) : 0;
    m->proto = word(&v);
    for (struct slice f = word(&v); f.len > 0; f = word(&v)) {
        if (m->nformats == SDP_FORMATS_MAX)
            return fault(ps, ERR_TOO_LONG, "an m= line has more formats than can be kept");
        add_format(m, f);
    }
    if (m->nformats == 0)
        return fault(ps, ERR_INVALID, "m= is not a kind, a port, a protocol and formats");
    return OK;
}

/* ---- a= ---- */

static struct sdp_format *find_format(struct sdp_media *m, struct slice text)
{
    for (unsigned i = 0; i < m->nformats; i++)
        if (slice_eq(m->formats[i].text, text))
            return &m->formats[i];
    return NULL;
}

/* rtpmap:PT NAME/RATE[/CHANNELS] */
static void parse_rtpmap(struct sdp_media *m, struct slice v)
{
    struct sdp_format *f = find_format(m, word(&v));
    struct slice name, rate, channels;
    uint32_t hz;
    uint64_t n = 1;
    if (!f)
        return;
    slice_cut(slice_trim(v), '/', &name, &rate);
    slice_cut(rate, '/', &rate, &channels);
    if (name.len == 0 || slice_u32(rate, &hz) != OK)
        return;
    if (channels.len && slice_u64(channels, UINT8_MAX, &n) != OK)
        return;
    f->encoding = name;
    f->rate_hz = hz;
    f->channels = (uint8_t)n;
}

/* rtcp:PORT [IN IP4 ADDRESS] (RFC 3605) */
static void parse_rtcp(struct sdp_media *m, struct slice v)
{
    uint64_t port;
    struct sdp_conn c = {0};
    if (slice_u64(word(&v), UINT16_MAX, &port) != OK || port == 0)
        return;
    if (slice_trim(v).len && !parse_address(v, &c.host, &c.is_ip6))
        return;
    m->rtcp_port = (uint16_t)port;
    m->rtcp_conn = c;
    m->has_rtcp = true;
}

/* Milliseconds; a fraction is cut off. */
static void parse_ms(struct slice v, uint16_t *out)
{
    uint64_t n;
    struct slice rest;
    if (number(slice_trim(v), UINT16_MAX, &n, &rest) && (rest.len == 0 || rest.p[0] == '.'))
        *out = (uint16_t)n;
}

static bool parse_dir(struct slice name, enum sdp_dir *out)
{
    for (unsigned d = SDP_INACTIVE; d <= SDP_SENDRECV; d++) {
        if (slice_eq(name, sdp_dir_name((enum sdp_dir)d))) {
            *out = (enum sdp_dir)d;
            return true;
        }
    }
    return false;
}

static void parse_attribute(struct sdp *s, struct slice v)
{
    struct slice name, value;
    slice_cut(v, ':', &name, &value);
    if (s->nmedia == 0) {
        parse_dir(name, &s->dir);
        return;
    }
    struct sdp_media *m = &s->media[s->nmedia - 1];
    if (slice_eq(name, SLICE("rtpmap"))) {
        parse_rtpmap(m, value);
    } else if (slice_eq(name, SLICE("fmtp"))) {
        struct sdp_format *f = find_format(m, word(&value));
        if (f)
            f->fmtp = slice_trim(value);
    } else if (slice_eq(name, SLICE("rtcp"))) {
        parse_rtcp(m, value);
    } else if (slice_eq(name, SLICE("rtcp-mux"))) {
        m->rtcp_mux = true;
    } else if (slice_eq(name, SLICE("ptime"))) {
        parse_ms(value, &m->ptime_ms);
    } else if (slice_eq(name, SLICE("maxptime"))) {
        parse_ms(value, &m->maxptime_ms);
    } else {
        parse_dir(name, &m->dir);
    }
}

/* ---- the whole ---- */

static enum err parse_line(struct parse *ps, struct slice line)
{
    struct sdp *s = ps->s;
    if (line.len < 2 || line.p[1] != '=' || line.p[0] < 'a' || line.p[0] > 'z')
        return fault(ps, ERR_INVALID, "a line is not a letter, '=' and a value");
    if (memchr(line.p, '\r', line.len) || memchr(line.p, 0, line.len))
        return fault(ps, ERR_INVALID, "a line holds a CR or a NUL");
    if (s->nlines == SDP_LINES_MAX)
        return fault(ps, ERR_TOO_LONG, "there are more lines than can be kept");
    struct slice value = slice_from(line, 2);
    if (s->nlines == 0 && (line.p[0] != 'v' || !slice_eq(slice_trim(value), SLICE("0"))))
        return fault(ps, ERR_INVALID, "the first line is not v=0");
    s->lines[s->nlines++] = (struct sdp_line){line.p[0], value};
    switch (line.p[0]) {
    case 'o':
        return s->nmedia ? OK : parse_origin(ps, value);
    case 's':
        if (s->nmedia == 0)
            s->name = value;
        return OK;
    case 'c':
        return parse_connection(ps, value);
    case 'm':
        return parse_media(ps, value);
    case 'a':
        parse_attribute(s, value);
        return OK;
    default:
        return OK;
    }
}

/* Takes one line off *rest; false when only blank lines are left. */
static bool next_line(struct slice *rest, struct slice *line)
{
    if (slice_trim(*rest).len == 0)
        return false;
    slice_cut(*rest, '\n', line, rest);
    if (line->len && line->p[line->len - 1] == '\r')
        line->len--;
    return true;
}

static enum err finish(struct parse *ps)
{
    struct sdp *s = ps->s;
    ps->line = s->text.p + s->text.len;
    if (s->nlines == 0)
        return fault(ps, ERR_INVALID, "the description is empty");
    if (s->origin.user.len == 0)
        return fault(ps, ERR_INVALID, "there is no o= line");
    for (unsigned i = 0; i < s->nmedia; i++) {
        struct sdp_media *m = &s->media[i];
        uint16_t end = i + 1u < s->nmedia ? m[1].first_line : s->nlines;
        m->nlines = (uint16_t)(end - m->first_line);
        if (m->conn.host.len == 0)
            m->conn = s->conn;
        if (m->rtcp_conn.host.len == 0)
            m->rtcp_conn = m->conn;
        if (m->conn.host.len == 0 && m->port != 0)
            return fault(ps, ERR_INVALID, "a media has no c= and the session has none");
    }
    return OK;
}

enum err sdp_parse(struct slice text, struct sdp *out)
{
    /* The tables are the bulk; their counts bound them. */
    memset(out, 0, offsetof(struct sdp, media));
    out->text = text.p ? text : SLICE("");
    out->dir = SDP_SENDRECV;
    out->fault = NULL;
    out->fault_at = 0;
    struct parse ps = {out, out->text.p};
    struct slice rest = out->text, line;
    while (next_line(&rest, &line)) {
        ps.line = line.p;
        enum err e = parse_line(&ps, line);
        if (e != OK)
            return e;
    }
    return finish(&ps);
}

void sdp_write(struct buf *b, const struct sdp *s)
{
    for (unsigned i = 0; i < s->nlines; i++) {
        buf_putc(b, s->lines[i].type);
        buf_putc(b, '=');
        buf_put(b, s->lines[i].value);
        buf_put(b, SLICE("\r\n"));
    }
}

bool sdp_attr(const struct sdp *s, int media, struct slice name, struct slice *value)
{
    unsigned from = 0, end = s->nmedia ? s->media[0].first_line : s->nlines;
    if (media >= 0) {
        if (media >= s->nmedia)
            return false;
        from = s->media[media].first_line;
        end = from + s->media[media].nlines;
    }
    for (unsigned i = from; i < end; i++) {
        struct slice n, v;
        if (s->lines[i].type != 'a')
            continue;
        slice_cut(s->lines[i].value, ':', &n, &v);
        if (slice_eq(n, name)) {
            *value = v;
            return true;
        }
    }
    return false;
}
