/* Framing of messages on a stream (RFC 3261 18.3): where the head ends, and how long the body is.
 * It reads the same CRLFs and the same Content-Length as sip_parse, or gives the stream up. */
#include "sip/message.h"
#include "sip/scan.h"

static struct sip_frame bad(const char *what)
{
    return (struct sip_frame){SIP_FRAME_BAD, 0, what};
}

/* Offset just past CRLFCRLF, 0 when it has not come yet; *scanned is where to go on next time. */
static size_t find_head_end(const char *data, size_t len, uint32_t *scanned)
{
    size_t at = *scanned > 3 ? *scanned - 3 : 0; /* the mark may lie across the border */
    while (at < len) {
        const char *cr = memchr(data + at, '\r', len - at);
        if (!cr)
            break;
        at = (size_t)(cr - data);
        if (len - at >= 4 && memcmp(cr, "\r\n\r\n", 4) == 0)
            return at + 4;
        at++;
    }
    *scanned = (uint32_t)len;
    return 0;
}

/* The end of the header line at p (its CRLF), continuation lines included. */
static const char *line_end(const char *p, const char *end)
{
    for (;;) {
        const char *cr = memchr(p, '\r', (size_t)(end - p));
        if (!cr || end - cr < 2)
            return end;
        if (cr[1] == '\n' && (end - cr < 3 || !sip_is(cr[2], SIP_C_WS)))
            return cr;
        p = cr + 1;
    }
}

/* Blanks and folds off both ends; a fold inside stays and is then no number. */
static bool content_length(struct slice line, struct slice *value)
{
    struct sip_scan s = sip_scan_of(line);
    struct slice name = sip_take(&s, SIP_C_TOKEN);
    sip_skip_ws(&s);
    if (!sip_at(&s, ':') || sip_hdr_find(name) != SIP_H_CONTENT_LENGTH)
        return false;
    *value = slice_trim(slice_of(s.p + 1, (size_t)(s.end - s.p - 1)));
    return true;
}

static const char *body_length(const char *data, size_t head, uint64_t *out)
{
    const char *p = data, *end = data + head;
    bool found = false;
    while (p < end) {
        const char *stop = line_end(p, end);
        struct slice value;
        if (content_length(slice_of(p, (size_t)(stop - p)), &value)) {
            if (found)
                return "a message on a stream has two Content-Length headers";
            if (slice_u64(value, UINT32_MAX, out) != OK)
                return "the Content-Length on a stream is not a number";
            found = true;
        }
        p = end - stop >= 2 ? stop + 2 : end;
    }
    return found ? NULL : "a message on a stream has no Content-Length";
}

struct sip_frame sip_frame(struct sip_framer *f, const char *data, size_t len, size_t max_len)
{
    if (f->total == 0 && len > 0 && data[0] == '\r') {
        if (len < 2)
            return (struct sip_frame){SIP_FRAME_MORE, 0, NULL};
        if (data[1] != '\n')
            return bad("a lone CR stands between two messages on a stream");
        *f = (struct sip_framer){0};
        if (len >= 4 && data[2] == '\r' && data[3] == '\n')
            return (struct sip_frame){SIP_FRAME_PING, 4, NULL};
        if (len == 3 && data[2] == '\r')
            return (struct sip_frame){SIP_FRAME_MORE, 0, NULL};
        return (struct sip_frame){SIP_FRAME_BLANK, 2, NULL};
    }
    if (f->total == 0) {
        size_t head = find_head_end(data, len > max_len ? max_len : len, &f->scanned);
        if (head == 0) {
            if (len >= max_len)
                return bad("the head of a message on a stream is longer than allowed");
            return (struct sip_frame){SIP_FRAME_MORE, 0, NULL};
        }
        uint64_t body = 0;
        const char *what = body_length(data, head, &body);
        if (what)
            return bad(what);
        if (body > max_len - head)
            return bad("a message on a stream is longer than allowed");
        f->total = (uint32_t)(head + body);
    }
    if (len < f->total)
        return (struct sip_frame){SIP_FRAME_MORE, 0, NULL};
    struct sip_frame out = {SIP_FRAME_MESSAGE, f->total, NULL};
    *f = (struct sip_framer){0};
    return out;
}
