/* Values of SIP headers, parsed one at a time and without copying. Each function takes one value
 * (one element of a comma list) and gives ERR_INVALID when it breaks the grammar. Any thread. */
#ifndef PEAL_SIP_HEADER_H
#define PEAL_SIP_HEADER_H

#include "sip/names.h"
#include "sip/uri.h"

struct sip_via {
    struct slice text; /* the whole element */
    enum sip_transport transport;
    struct slice transport_name;
    struct slice host; /* sent-by, without brackets */
    bool host_is_ipv6;
    bool has_rport; /* ;rport with or without a value (RFC 3581) */
    uint16_t port;  /* sent-by; 0 when none (then 5060, TLS 5061) */
    uint16_t rport; /* 0 when it has no value */
    struct slice params;
    struct slice branch, received, maddr;
};

#define SIP_BRANCH_COOKIE "z9hG4bK"

struct sip_cseq {
    uint32_t number; /* below 2^31 */
    enum sip_method method;
    struct slice method_name;
};

struct sip_rack { /* RFC 3262 7.2 */
    uint32_t rseq;
    struct sip_cseq cseq;
};

enum sip_refresher { SIP_REFRESHER_NONE, SIP_REFRESHER_UAC, SIP_REFRESHER_UAS };

struct sip_session_expires { /* RFC 4028 4 */
    uint32_t seconds;
    enum sip_refresher refresher;
};

struct sip_reason {        /* RFC 3326 */
    struct slice protocol; /* "Q.850", "SIP" */
    uint16_t cause;        /* 0 when none was given */
    struct slice text;     /* without quotes */
};

struct sip_retry_after {
    uint32_t seconds;
    uint32_t duration_s; /* ;duration=, 0 when none */
};

/* A challenge or credentials: scheme, then name=value pairs divided by commas. */
struct sip_auth {
    struct slice scheme; /* "Digest" */
    struct slice params; /* walk with sip_auth_next */
};

enum err sip_via_parse(struct slice value, struct sip_via *out);
enum err sip_cseq_parse(struct slice value, struct sip_cseq *out);
enum err sip_rack_parse(struct slice value, struct sip_rack *out);
enum err sip_session_expires_parse(struct slice value, struct sip_session_expires *out);
enum err sip_reason_parse(struct slice value, struct sip_reason *out);
enum err sip_retry_after_parse(struct slice value, struct sip_retry_after *out);
enum err sip_auth_parse(struct slice value, struct sip_auth *out);

/* delta-seconds or a number with parameters or a comment after it ("3600;x=y"). */
enum err sip_number_parse(struct slice value, uint32_t max, uint32_t *out);

/* Takes the next name=value off *rest; quotes are taken off the value and was_quoted says so
 * (may be NULL). False at the end or where the text is broken. */
bool sip_auth_next(struct slice *rest, struct slice *name, struct slice *value, bool *was_quoted);
bool sip_auth_get(const struct sip_auth *a, struct slice name, struct slice *value);

/* "type/subtype" of a Content-Type, parameters ignored, without regard to case. */
bool sip_content_is(struct slice content_type, struct slice type);

/* Takes the next element of a comma list off *rest, trimmed; commas in quotes and <…> do not
 * divide. Empty elements are skipped. */
bool sip_list_next(struct slice *rest, struct slice *item);

#endif
