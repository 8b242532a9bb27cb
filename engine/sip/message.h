/* A SIP message (RFC 3261 7) parsed where it lies: one pass over the bytes, no allocation, every
 * field a slice of the caller's buffer, which must outlive the struct. Folded header lines are
 * unfolded in place (CRLF and the blanks become spaces), so the buffer must be writable and values
 * never hold a line break. The headers that every layer needs (top Via, From, To, Call-ID, CSeq,
 * Content-Length, Max-Forwards) are checked and typed by sip_parse; the others when asked for.
 * Limits: SIP_HEADERS_MAX headers, SIP_MESSAGE_MAX bytes. Any thread. */
#ifndef PEAL_SIP_MESSAGE_H
#define PEAL_SIP_MESSAGE_H

#include "sip/header.h"
#include "sip/names.h"
#include "sip/uri.h"

#define SIP_HEADERS_MAX 96
#define SIP_MESSAGE_MAX 65535

struct sip_header {
    struct slice name;  /* as it stood in the message */
    struct slice value; /* trimmed, unfolded */
    uint8_t id;         /* enum sip_hdr */
};

struct sip_fault {
    const char *what; /* a sentence without its full stop; NULL when there is none */
    uint32_t at;      /* offset into the data given */
    uint16_t status;  /* the response to give to a request: 400, 505, 513 … */
};

struct sip_msg {
    struct slice raw; /* the whole message, without bytes past its body */
    bool is_request;
    enum sip_method method; /* of the request, or of CSeq in a response */
    uint16_t status;        /* responses */
    struct slice method_name;
    struct slice uri_text; /* requests: the Request-URI as written */
    struct sip_uri uri;    /* requests; scheme OTHER is for the user agent to refuse with 416 */
    struct slice phrase;   /* responses; may be empty */

    struct sip_via via; /* the topmost */
    struct sip_nameaddr from, to;
    struct slice call_id;
    struct sip_cseq cseq;
    int16_t max_forwards; /* -1 when the header is absent */
    bool has_content_length;
    uint32_t content_length;
    struct slice body;

    uint16_t nheaders;
    uint8_t first[SIP_H_COUNT]; /* index + 1 of the first header of each id; 0 when absent */
    struct sip_header headers[SIP_HEADERS_MAX];

    struct sip_fault fault;
};

/* Parses one datagram or one framed message. Blank lines (CRLF) before the start line are skipped.
 * Bytes past Content-Length are left out (RFC 3261 18.3); fewer are a fault.
 * ERR_INVALID: m->fault says what, where and with which status to answer; what was understood
 * before the fault, headers included, is in *m, so that a rejection can be built (see
 * sip_can_reject). ERR_TOO_LONG: over one of the limits, likewise. */
enum err sip_parse(struct sip_msg *m, char *data, size_t len);

/* Whether a faulty message is a request that a response can be given to: its top Via was understood
 * and it is no ACK. Everything else is to be dropped. */
bool sip_can_reject(const struct sip_msg *m);

/* "at byte 213: the CSeq number is not below 2^31"; returns dst. */
const char *sip_fault_format(const struct sip_fault *f, char *dst, size_t cap);

/* ---- headers ---- */

static inline bool sip_has(const struct sip_msg *m, enum sip_hdr id)
{
    return m->first[id] != 0;
}

/* The value of the first header of this id; SLICE_NONE when absent (a present empty one has p). */
static inline struct slice sip_get(const struct sip_msg *m, enum sip_hdr id)
{
    return m->first[id] ? m->headers[m->first[id] - 1].value : SLICE_NONE;
}

/* The first header with this name, known or not. */
bool sip_get_named(const struct sip_msg *m, struct slice name, struct slice *value);

/* Header lines of this id (a line with a comma list counts as one). */
unsigned sip_count(const struct sip_msg *m, enum sip_hdr id);

/* Walks all values of an id in order: separate lines and comma lists alike. Not for headers whose
 * value may hold a bare comma (Date, the authentication headers): use sip_line_next for those. */
struct sip_iter {
    const struct sip_msg *m;
    struct slice rest;
    enum sip_hdr id;
    uint16_t at;
};

void sip_iter_init(struct sip_iter *it, const struct sip_msg *m, enum sip_hdr id);
bool sip_iter_next(struct sip_iter *it, struct slice *item);
bool sip_line_next(struct sip_iter *it, struct slice *line); /* whole header values */

/* The next Via, Route, Record-Route, Contact, P-Asserted-Identity … parsed. ERR_NOT_FOUND at the
 * end, ERR_INVALID where an element is broken (the walk may go on after it). */
enum err sip_iter_via(struct sip_iter *it, struct sip_via *out);
enum err sip_iter_nameaddr(struct sip_iter *it, struct sip_nameaddr *out);

/* ---- typed headers; ERR_NOT_FOUND when absent, ERR_INVALID when malformed ---- */

enum err sip_get_nameaddr(const struct sip_msg *m, enum sip_hdr id, struct sip_nameaddr *out);
/* Contact's URI: what most of a dialog needs. */
enum err sip_get_contact(const struct sip_msg *m, struct sip_nameaddr *na, struct sip_uri *uri);
enum err sip_get_u32(const struct sip_msg *m, enum sip_hdr id,
                     uint32_t *out); /* Expires, Min-SE… */
enum err sip_get_session_expires(const struct sip_msg *m, struct sip_session_expires *out);
enum err sip_get_rack(const struct sip_msg *m, struct sip_rack *out);
enum err sip_get_retry_after(const struct sip_msg *m, struct sip_retry_after *out);
/* The Reason of this protocol ("Q.850", "SIP"); empty protocol: the first one. */
enum err sip_get_reason(const struct sip_msg *m, struct slice protocol, struct sip_reason *out);

/* Option bits of all Require / Supported / Proxy-Require / Unsupported headers. 0 when none. */
uint32_t sip_get_options(const struct sip_msg *m, enum sip_hdr id);
/* SIP_METHOD_BIT of each method in Allow; 0 when there is no Allow. */
uint32_t sip_get_allow(const struct sip_msg *m);

/* ---- framing on a stream (RFC 3261 18.3, RFC 5626 3.5.1) ---- */

enum sip_frame_kind {
    SIP_FRAME_MORE,    /* not complete yet: read on and call again with all bytes */
    SIP_FRAME_MESSAGE, /* the first len bytes are a message */
    SIP_FRAME_PING,    /* CRLFCRLF: answer with CRLF, drop len bytes */
    SIP_FRAME_BLANK,   /* a CRLF between messages (a pong): drop len bytes */
    SIP_FRAME_BAD      /* the stream cannot be followed further: close it; what says why */
};

struct sip_frame {
    enum sip_frame_kind kind;
    uint32_t len;
    const char *what;
};

/* What was found so far, so that a slow stream is not scanned again and again. All zero before
 * each new message (sip_frame resets it when it gives anything but MORE and BAD). */
struct sip_framer {
    uint32_t scanned;
    uint32_t total; /* head and body, once the head is complete */
};

/* data: everything received and not yet dropped. A message over max_len bytes is BAD, as is one
 * without Content-Length. */
struct sip_frame sip_frame(struct sip_framer *f, const char *data, size_t len, size_t max_len);

#endif
