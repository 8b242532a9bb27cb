/* Writing SIP messages into a buf: start line, headers, body. A value can never break out of its
 * header: CR and LF are written as spaces. Overflow is found once, by buf_end(). Any thread.
 */
#ifndef PEAL_SIP_WRITE_H
#define PEAL_SIP_WRITE_H

#include "base/buf.h"
#include "io/addr.h"
#include "sip/message.h"

void sip_write_request(struct buf *b, struct slice method,
                       struct slice uri); /* "INVITE … SIP/2.0" */
void sip_write_status(struct buf *b, unsigned status, struct slice phrase); /* "": the standard */

void sip_write_header(struct buf *b, enum sip_hdr id, struct slice value);
void sip_write_named(struct buf *b, struct slice name, struct slice value);
void sip_write_u32(struct buf *b, enum sip_hdr id, uint32_t value);
/* Via: SIP/2.0/UDP sent_by;rport;branch=… ; sent_by has its brackets and port. rport only on UDP
 * is useful, but is harmless elsewhere. */
void sip_write_via(struct buf *b, enum sip_transport t, struct slice sent_by, struct slice branch);
void sip_write_cseq(struct buf *b, uint32_t number, struct slice method);
/* From, To, Contact, …: "display" <uri>;tag=… ; display and tag may be empty. */
void sip_write_nameaddr(struct buf *b, enum sip_hdr id, struct slice display, struct slice uri,
                        struct slice tag);

/* Copies every header line of this id, in order. */
void sip_write_copy(struct buf *b, const struct sip_msg *from, enum sip_hdr id);

/* Head of a response to req (RFC 3261 8.2.6): status line, Vias, From, To, Call-ID, CSeq, for
 * 101…299 Record-Route, for 100 Timestamp. to_tag is added to To when it has none and it is not
 * empty. source (may be NULL): where the request came from; the top Via gets received= and rport=
 * from it as RFC 3261 18.2.1 and RFC 3581 4 say. Works on what a faulty request left as well. */
void sip_write_response(struct buf *b, const struct sip_msg *req, unsigned status,
                        struct slice phrase, struct slice to_tag, const struct addr *source);

/* Ends the message: Content-Length: 0 and the blank line; or with Content-Type and the body. */
void sip_write_end(struct buf *b);
void sip_write_body(struct buf *b, struct slice content_type, struct slice body);

/* The message again from its parts, long header names, Content-Length computed. */
void sip_write_msg(struct buf *b, const struct sip_msg *m);

#endif
