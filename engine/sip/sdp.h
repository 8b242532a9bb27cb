/* Session descriptions (RFC 8866) parsed without copying. Every line stays in the line table, in
 * order, so nothing unknown is lost; what audio needs is typed as well. Limits: SDP_LINES_MAX
 * lines, SDP_MEDIA_MAX medias, SDP_FORMATS_MAX formats a media (more: ERR_TOO_LONG). Any thread. */
#ifndef PEAL_SIP_SDP_H
#define PEAL_SIP_SDP_H

#include "base/buf.h"
#include "base/slice.h"

#define SDP_LINES_MAX   256
#define SDP_MEDIA_MAX   8
#define SDP_FORMATS_MAX 32
#define SDP_PT_NONE     255

/* Bits, seen from whoever wrote it: 1 sends, 2 receives. */
enum sdp_dir { SDP_INACTIVE = 0, SDP_SENDONLY = 1, SDP_RECVONLY = 2, SDP_SENDRECV = 3 };

enum sdp_dir sdp_dir_reverse(enum sdp_dir d); /* the same seen from the other side */
struct slice sdp_dir_name(enum sdp_dir d);

struct sdp_line {
    char type; /* 'v', 'o', 'a' … */
    struct slice value;
};

struct sdp_format {
    struct slice text;     /* as it stands in m= */
    uint8_t pt;            /* SDP_PT_NONE when not RTP or not a number below 128 */
    struct slice encoding; /* rtpmap name, or the static name of RFC 3551; empty when unknown */
    uint32_t rate_hz;
    uint8_t channels;
    struct slice fmtp; /* parameters after the format; empty when none */
};

struct sdp_conn {
    struct slice host; /* address without TTL; empty when there is no c= */
    bool is_ip6;
};

struct sdp_media {
    struct slice kind;    /* "audio" */
    struct slice proto;   /* "RTP/AVP" */
    uint16_t port;        /* 0: refused */
    struct sdp_conn conn; /* own or the session's */
    uint16_t rtcp_port;   /* a=rtcp (RFC 3605), else port + 1 */
    struct sdp_conn rtcp_conn;
    bool has_rtcp;                  /* a=rtcp stood there */
    bool rtcp_mux;                  /* RFC 5761 */
    uint16_t ptime_ms, maxptime_ms; /* 0 when not given */
    enum sdp_dir dir;               /* own, else the session's, else sendrecv */
    uint16_t nformats;
    struct sdp_format formats[SDP_FORMATS_MAX];
    uint16_t first_line, nlines; /* its lines in the table, the m= line first */
};

struct sdp_origin {
    struct slice user;
    uint64_t session_id, version;
    struct slice host;
    bool is_ip6;
};

struct sdp {
    struct slice text;
    struct sdp_origin origin;
    struct slice name;
    struct sdp_conn conn;
    enum sdp_dir dir;
    uint16_t nmedia, nlines;
    struct sdp_media media[SDP_MEDIA_MAX];
    struct sdp_line lines[SDP_LINES_MAX];
    const char *fault; /* a sentence without its full stop; NULL when there is none */
    uint32_t fault_at; /* offset into text */
};

/* ERR_INVALID or ERR_TOO_LONG with fault set. Bare LF line ends are accepted (RFC 8866 5). */
enum err sdp_parse(struct slice text, struct sdp *out);
void sdp_write(struct buf *b, const struct sdp *s); /* all lines again, with CRLF */

/* Value of the first a=NAME[:VALUE]; media -1 is the session level. */
bool sdp_attr(const struct sdp *s, int media, struct slice name, struct slice *value);

#endif
