/* The messages of each call, as they went over the wire: what a ladder diagram is drawn from and
 * what a script's expectations of SIP are checked against.
 *
 * A ua with a trace (sip_ua_trace) notes every message it sends or takes, retransmissions too. An
 * entry is made by an INVITE outside a dialog, one for each end: a call between two of the ua's own
 * ends has two. Text is kept as long as there is room (TRACE_TEXT_MAX a call); of later messages
 * only time and kind.
 *
 * Fixed pool: a call that finds it full takes the place of one that has been silent for
 * TRACE_OLD_MS, or is not traced, and counted. An entry ends with its call (call_release drops it);
 * those of INVITEs that were refused before any call was made grow old. The ua's thread only. */
#ifndef PEAL_SIP_TRACE_H
#define PEAL_SIP_TRACE_H

#include "base/hash.h"
#include "base/list.h"
#include "base/pool.h"
#include "sip/message.h"
#include "sip/ua.h"

#define TRACE_MESSAGES_MAX 40
#define TRACE_TEXT_MAX     12288
#define TRACE_ID_MAX       128
#define TRACE_OLD_MS       40000 /* beyond 64 * T1 */

struct trace_message {
    uint64_t at_us; /* the ua's clock */
    bool out;
    bool repeated;    /* the same message went this way before */
    uint8_t method;   /* enum sip_method: of the request, or of a response's CSeq */
    uint16_t status;  /* 0: a request */
    uint32_t cseq;    /* number */
    uint32_t at, len; /* of its text in `text`; len 0: not kept */
};

struct trace_call {
    struct hash_node node;
    struct list_node recent; /* least recently first */
    uint64_t last_us;
    char call_id[TRACE_ID_MAX], from_tag[TRACE_ID_MAX]; /* of the INVITE */
    bool outgoing;
    uint32_t count, dropped; /* dropped: beyond TRACE_MESSAGES_MAX */
    uint32_t used;
    struct trace_message message[TRACE_MESSAGES_MAX];
    char text[TRACE_TEXT_MAX];
};

struct sip_trace;

/* max_calls: at once. ERR_NOMEM. */
enum err sip_trace_open(struct sip_trace **out, uint32_t max_calls);
void sip_trace_close(struct sip_trace *t); /* the ua first; NULL is fine */
/* From now on; NULL: no longer. The trace must outlive the ua. */
void sip_ua_trace(struct sip_ua *ua, struct sip_trace *t);
/* A call of the ua is over. Harmless without a trace. */
void sip_ua_trace_end(struct sip_ua *ua, struct slice call_id, bool outgoing);

/* The entry of a call by its Call-ID and its end; NULL: none. Valid until dropped. */
struct trace_call *sip_trace_find(struct sip_trace *t, struct slice call_id, bool outgoing);
void sip_trace_drop(struct sip_trace *t, struct trace_call *c); /* NULL is fine */
uint64_t sip_trace_refused(const struct sip_trace *t);

struct slice trace_text(const struct trace_call *c, const struct trace_message *m);
/* "INVITE", "180", "200 (BYE)". Returns dst. */
const char *trace_name(const struct trace_message *m, char *dst, size_t cap);
/* The value of a header of this message by its full name; empty: none, or the text was not kept. */
struct slice trace_header(const struct trace_call *c, const struct trace_message *m,
                          const char *name);

/* For the ua: a message that passes. */
void sip_trace_note(struct sip_trace *t, uint64_t at_us, bool out, struct slice text);

#endif
