/* The words of SIP: methods, header names with their compact forms, option tags and the standard
 * reason phrases. Names to numbers and back; no allocation, no locale, any thread. */
#ifndef PEAL_SIP_NAMES_H
#define PEAL_SIP_NAMES_H

#include "base/slice.h"

enum sip_method {
    SIP_METHOD_OTHER, /* an extension method; its name is in the message */
    SIP_INVITE,
    SIP_ACK,
    SIP_BYE,
    SIP_CANCEL,
    SIP_OPTIONS,
    SIP_REGISTER,
    SIP_PRACK,
    SIP_UPDATE,
    SIP_REFER,
    SIP_NOTIFY,
    SIP_SUBSCRIBE,
    SIP_INFO,
    SIP_MESSAGE,
    SIP_PUBLISH,
    SIP_METHOD_COUNT
};

#define SIP_METHOD_BIT(m) (1u << (m))

/* Methods are case-sensitive (RFC 3261 7.1). */
enum sip_method sip_method_find(struct slice name);
struct slice sip_method_name(enum sip_method m); /* "" for SIP_METHOD_OTHER */

enum sip_hdr {
    SIP_H_OTHER, /* unknown to us; kept with its name */
    SIP_H_ACCEPT,
    SIP_H_ACCEPT_ENCODING,
    SIP_H_ACCEPT_LANGUAGE,
    SIP_H_ALERT_INFO,
    SIP_H_ALLOW,
    SIP_H_ALLOW_EVENTS,
    SIP_H_AUTHENTICATION_INFO,
    SIP_H_AUTHORIZATION,
    SIP_H_CALL_ID,
    SIP_H_CALL_INFO,
    SIP_H_CONTACT,
    SIP_H_CONTENT_DISPOSITION,
    SIP_H_CONTENT_ENCODING,
    SIP_H_CONTENT_LANGUAGE,
    SIP_H_CONTENT_LENGTH,
    SIP_H_CONTENT_TYPE,
    SIP_H_CSEQ,
    SIP_H_DATE,
    SIP_H_DIVERSION,
    SIP_H_ERROR_INFO,
    SIP_H_EVENT,
    SIP_H_EXPIRES,
    SIP_H_FROM,
    SIP_H_HISTORY_INFO,
    SIP_H_IDENTITY,
    SIP_H_IN_REPLY_TO,
    SIP_H_MAX_FORWARDS,
    SIP_H_MIME_VERSION,
    SIP_H_MIN_EXPIRES,
    SIP_H_MIN_SE,
    SIP_H_ORGANIZATION,
    SIP_H_P_ASSERTED_IDENTITY,
    SIP_H_P_PREFERRED_IDENTITY,
    SIP_H_PATH,
    SIP_H_PRIORITY,
    SIP_H_PRIVACY,
    SIP_H_PROXY_AUTHENTICATE,
    SIP_H_PROXY_AUTHORIZATION,
    SIP_H_PROXY_REQUIRE,
    SIP_H_RACK,
    SIP_H_REASON,
    SIP_H_RECORD_ROUTE,
    SIP_H_REFER_TO,
    SIP_H_REFERRED_BY,
    SIP_H_REMOTE_PARTY_ID,
    SIP_H_REPLACES,
    SIP_H_REPLY_TO,
    SIP_H_REQUIRE,
    SIP_H_RETRY_AFTER,
    SIP_H_ROUTE,
    SIP_H_RSEQ,
    SIP_H_SERVER,
    SIP_H_SERVICE_ROUTE,
    SIP_H_SESSION_EXPIRES,
    SIP_H_SIP_ETAG,
    SIP_H_SIP_IF_MATCH,
    SIP_H_SUBJECT,
    SIP_H_SUBSCRIPTION_STATE,
    SIP_H_SUPPORTED,
    SIP_H_TIMESTAMP,
    SIP_H_TO,
    SIP_H_UNSUPPORTED,
    SIP_H_USER_AGENT,
    SIP_H_VIA,
    SIP_H_WARNING,
    SIP_H_WWW_AUTHENTICATE,
    SIP_H_COUNT
};

/* Case-insensitive; knows the one-letter compact forms. SIP_H_OTHER when unknown. */
enum sip_hdr sip_hdr_find(struct slice name);
struct slice sip_hdr_name(enum sip_hdr id); /* canonical long form; "" for SIP_H_OTHER */

/* Option tags of Require, Supported, Proxy-Require and Unsupported, as bits. */
enum sip_option {
    SIP_OPT_100REL = 1 << 0,       /* RFC 3262 */
    SIP_OPT_TIMER = 1 << 1,        /* RFC 4028 */
    SIP_OPT_REPLACES = 1 << 2,     /* RFC 3891 */
    SIP_OPT_NOREFERSUB = 1 << 3,   /* RFC 4488 */
    SIP_OPT_PATH = 1 << 4,         /* RFC 3327 */
    SIP_OPT_OUTBOUND = 1 << 5,     /* RFC 5626 */
    SIP_OPT_GRUU = 1 << 6,         /* RFC 5627 */
    SIP_OPT_PRECONDITION = 1 << 7, /* RFC 3312 */
    SIP_OPT_HISTINFO = 1 << 8,     /* RFC 7044 */
    SIP_OPT_TDIALOG = 1 << 9,      /* RFC 4538 */
    SIP_OPT_EVENTLIST = 1 << 10,   /* RFC 4662 */
    SIP_OPT_FROM_CHANGE = 1 << 11, /* RFC 4916 */
    SIP_OPT_SEC_AGREE = 1 << 12,   /* RFC 3329 */
    SIP_OPT_OTHER = 1 << 30        /* at least one tag that is not in this list */
};

uint32_t sip_option_find(struct slice tag); /* one bit; SIP_OPT_OTHER when unknown */

/* The standard phrase, or a word for the class when the code is not registered. Never
 * empty for 100…699. */
struct slice sip_status_phrase(unsigned status);

enum sip_transport { SIP_TRANSPORT_OTHER, SIP_UDP, SIP_TCP, SIP_TLS, SIP_WS, SIP_WSS };

enum sip_transport sip_transport_find(struct slice name); /* case-insensitive */
struct slice sip_transport_name(enum sip_transport t);    /* "UDP"; "" for OTHER */

#endif
