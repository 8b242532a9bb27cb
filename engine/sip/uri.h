/* SIP, SIPS and tel URIs (RFC 3261 19.1, RFC 3966) and the name-addr around them, parsed without
 * copying: every field is a slice of the text given, still escaped. Any thread. */
#ifndef PEAL_SIP_URI_H
#define PEAL_SIP_URI_H

#include "base/buf.h"
#include "base/slice.h"

enum sip_scheme { SIP_SCHEME_OTHER, SIP_SCHEME_SIP, SIP_SCHEME_SIPS, SIP_SCHEME_TEL };

struct sip_uri {
    struct slice text; /* the whole URI */
    enum sip_scheme scheme;
    bool has_user;         /* there was an '@' (an empty user is not allowed) */
    bool host_is_ipv6;     /* it stood in brackets */
    uint16_t port;         /* 0 when none was given */
    struct slice user;     /* tel: the number as written, with its '+' */
    struct slice password; /* RFC 3261 advises against it; kept for comparison */
    struct slice host;     /* without brackets; empty for tel */
    struct slice params;   /* what follows the first ';' of host or number, up to '?' */
    struct slice headers;  /* what follows '?' */
};

/* Schemes other than the three give scheme OTHER with only text set (a request for one is to be
 * answered 416). ERR_INVALID when the text breaks the grammar of its scheme. */
enum err sip_uri_parse(struct slice text, struct sip_uri *out);

/* RFC 3261 19.1.4 (tel: RFC 3966 4): not a comparison of text. */
bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b);

/* The value of a parameter ("" when it has none); false when it is absent. Name ignores case. */
bool sip_uri_param(const struct sip_uri *u, struct slice name, struct slice *value);
bool sip_uri_is_loose(const struct sip_uri *u); /* ;lr */

/* From the fields (text is not used): scheme:user:password@host:port;params?headers. */
void sip_uri_write(struct buf *b, const struct sip_uri *u);
/* As a Request-URI: without headers and without a method parameter (RFC 3261 19.1.1). */
void sip_uri_write_request(struct buf *b, const struct sip_uri *u);

/* Escapes what may not stand in a user part ("%20"); undoes %xx (a bad escape stays as it is). */
void sip_user_write_escaped(struct buf *b, struct slice plain);
void sip_unescape(struct buf *b, struct slice escaped);

/* ---- parameters: name[=value] lists divided by ';' ---- */

/* Takes the next one off *rest; value may be a quoted string, given with its quotes. False at the
 * end. Names and values are trimmed; empty ones are skipped. */
bool sip_param_next(struct slice *rest, struct slice *name, struct slice *value);
bool sip_param_get(struct slice params, struct slice name, struct slice *value);

/* ---- name-addr / addr-spec with header parameters: From, To, Contact, Route … ---- */

struct sip_nameaddr {
    struct slice display;  /* without the quotes, still with its backslashes; may be empty */
    struct slice uri_text; /* between < and >, or the bare addr-spec */
    struct slice params;   /* header parameters after the address, without the first ';' */
    struct slice tag;      /* ;tag= of From and To; empty when none */
    bool is_star;          /* Contact: * */
};

/* One element (see sip_iter for lists). In the bare form all parameters belong to the header
 * (RFC 3261 20.10). The URI itself is not checked: sip_uri_parse it. */
enum err sip_nameaddr_parse(struct slice text, struct sip_nameaddr *out);

/* "display" <uri>;tag=tag : display is quoted and escaped; empty display and tag are left out. */
void sip_nameaddr_write(struct buf *b, struct slice display, struct slice uri, struct slice tag);

#endif
