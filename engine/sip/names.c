/* Name tables of SIP. Header names are grouped by length, so that a look-up compares a few
 * candidates, eight bytes at a time, without regard to case. */
#include "sip/names.h"

static const struct slice method_names[SIP_METHOD_COUNT] = {
    [SIP_METHOD_OTHER] = {"", 0},     [SIP_INVITE] = {"INVITE", 6},
    [SIP_ACK] = {"ACK", 3},           [SIP_BYE] = {"BYE", 3},
    [SIP_CANCEL] = {"CANCEL", 6},     [SIP_OPTIONS] = {"OPTIONS", 7},
    [SIP_REGISTER] = {"REGISTER", 8}, [SIP_PRACK] = {"PRACK", 5},
    [SIP_UPDATE] = {"UPDATE", 6},     [SIP_REFER] = {"REFER", 5},
    [SIP_NOTIFY] = {"NOTIFY", 6},     [SIP_SUBSCRIBE] = {"SUBSCRIBE", 9},
    [SIP_INFO] = {"INFO", 4},         [SIP_MESSAGE] = {"MESSAGE", 7},
    [SIP_PUBLISH] = {"PUBLISH", 7},
};

static bool is(struct slice s, const char *name)
{
    return memcmp(s.p, name, s.len) == 0;
}

enum sip_method sip_method_find(struct slice s)
{
    switch (s.len) {
    case 3:
        return is(s, "ACK") ? SIP_ACK : is(s, "BYE") ? SIP_BYE : SIP_METHOD_OTHER;
    case 4:
        return is(s, "INFO") ? SIP_INFO : SIP_METHOD_OTHER;
    case 5:
        return is(s, "PRACK") ? SIP_PRACK : is(s, "REFER") ? SIP_REFER : SIP_METHOD_OTHER;
    case 6:
        return is(s, "INVITE")   ? SIP_INVITE
               : is(s, "CANCEL") ? SIP_CANCEL
               : is(s, "UPDATE") ? SIP_UPDATE
               : is(s, "NOTIFY") ? SIP_NOTIFY
                                 : SIP_METHOD_OTHER;
    case 7:
        return is(s, "OPTIONS")   ? SIP_OPTIONS
               : is(s, "MESSAGE") ? SIP_MESSAGE
               : is(s, "PUBLISH") ? SIP_PUBLISH
                                  : SIP_METHOD_OTHER;
    case 8:
        return is(s, "REGISTER") ? SIP_REGISTER : SIP_METHOD_OTHER;
    case 9:
        return is(s, "SUBSCRIBE") ? SIP_SUBSCRIBE : SIP_METHOD_OTHER;
    default:
        return SIP_METHOD_OTHER;
    }
}

struct slice sip_method_name(enum sip_method m)
{
    return (unsigned)m < SIP_METHOD_COUNT ? method_names[m] : SLICE_NONE;
}

static const struct slice hdr_names[SIP_H_COUNT] = {
    [SIP_H_OTHER] = {"", 0},
    [SIP_H_ACCEPT] = {"Accept", 6},
    [SIP_H_ACCEPT_ENCODING] = {"Accept-Encoding", 15},
    [SIP_H_ACCEPT_LANGUAGE] = {"Accept-Language", 15},
    [SIP_H_ALERT_INFO] = {"Alert-Info", 10},
    [SIP_H_ALLOW] = {"Allow", 5},
    [SIP_H_ALLOW_EVENTS] = {"Allow-Events", 12},
    [SIP_H_AUTHENTICATION_INFO] = {"Authentication-Info", 19},
    [SIP_H_AUTHORIZATION] = {"Authorization", 13},
    [SIP_H_CALL_ID] = {"Call-ID", 7},
    [SIP_H_CALL_INFO] = {"Call-Info", 9},
    [SIP_H_CONTACT] = {"Contact", 7},
    [SIP_H_CONTENT_DISPOSITION] = {"Content-Disposition", 19},
    [SIP_H_CONTENT_ENCODING] = {"Content-Encoding", 16},
    [SIP_H_CONTENT_LANGUAGE] = {"Content-Language", 16},
    [SIP_H_CONTENT_LENGTH] = {"Content-Length", 14},
    [SIP_H_CONTENT_TYPE] = {"Content-Type", 12},
    [SIP_H_CSEQ] = {"CSeq", 4},
    [SIP_H_DATE] = {"Date", 4},
    [SIP_H_DIVERSION] = {"Diversion", 9},
    [SIP_H_ERROR_INFO] = {"Error-Info", 10},
    [SIP_H_EVENT] = {"Event", 5},
    [SIP_H_EXPIRES] = {"Expires", 7},
    [SIP_H_FROM] = {"From", 4},
    [SIP_H_HISTORY_INFO] = {"History-Info", 12},
    [SIP_H_IDENTITY] = {"Identity", 8},
    [SIP_H_IN_REPLY_TO] = {"In-Reply-To", 11},
    [SIP_H_MAX_FORWARDS] = {"Max-Forwards", 12},
    [SIP_H_MIME_VERSION] = {"MIME-Version", 12},
    [SIP_H_MIN_EXPIRES] = {"Min-Expires", 11},
    [SIP_H_MIN_SE] = {"Min-SE", 6},
    [SIP_H_ORGANIZATION] = {"Organization", 12},
    [SIP_H_P_ASSERTED_IDENTITY] = {"P-Asserted-Identity", 19},
    [SIP_H_P_PREFERRED_IDENTITY] = {"P-Preferred-Identity", 20},
    [SIP_H_PATH] = {"Path", 4},
    [SIP_H_PRIORITY] = {"Priority", 8},
    [SIP_H_PRIVACY] = {"Privacy", 7},
    [SIP_H_PROXY_AUTHENTICATE] = {"Proxy-Authenticate", 18},
    [SIP_H_PROXY_AUTHORIZATION] = {"Proxy-Authorization", 19},
    [SIP_H_PROXY_REQUIRE] = {"Proxy-Require", 13},
    [SIP_H_RACK] = {"RAck", 4},
    [SIP_H_REASON] = {"Reason", 6},
    [SIP_H_RECORD_ROUTE] = {"Record-Route", 12},
    [SIP_H_REFER_TO] = {"Refer-To", 8},
    [SIP_H_REFERRED_BY] = {"Referred-By", 11},
    [SIP_H_REMOTE_PARTY_ID] = {"Remote-Party-ID", 15},
    [SIP_H_REPLACES] = {"Replaces", 8},
    [SIP_H_REPLY_TO] = {"Reply-To", 8},
    [SIP_H_REQUIRE] = {"Require", 7},
    [SIP_H_RETRY_AFTER] = {"Retry-After", 11},
    [SIP_H_ROUTE] = {"Route", 5},
    [SIP_H_RSEQ] = {"RSeq", 4},
    [SIP_H_SERVER] = {"Server", 6},
    [SIP_H_SERVICE_ROUTE] = {"Service-Route", 13},
    [SIP_H_SESSION_EXPIRES] = {"Session-Expires", 15},
    [SIP_H_SIP_ETAG] = {"SIP-ETag", 8},
    [SIP_H_SIP_IF_MATCH] = {"SIP-If-Match", 12},
    [SIP_H_SUBJECT] = {"Subject", 7},
    [SIP_H_SUBSCRIPTION_STATE] = {"Subscription-State", 18},
    [SIP_H_SUPPORTED] = {"Supported", 9},
    [SIP_H_TIMESTAMP] = {"Timestamp", 9},
    [SIP_H_TO] = {"To", 2},
    [SIP_H_UNSUPPORTED] = {"Unsupported", 11},
    [SIP_H_USER_AGENT] = {"User-Agent", 10},
    [SIP_H_VIA] = {"Via", 3},
    [SIP_H_WARNING] = {"Warning", 7},
    [SIP_H_WWW_AUTHENTICATE] = {"WWW-Authenticate", 16},
};

#define HDR_NAME_MAX 20

/* Known headers in the order of their length; by_length[n] is where length n begins. */
static const uint8_t hdr_sorted[] = {
    SIP_H_TO,
    SIP_H_VIA,
    SIP_H_CSEQ,
    SIP_H_DATE,
    SIP_H_FROM,
    SIP_H_PATH,
    SIP_H_RACK,
    SIP_H_RSEQ,
    SIP_H_ALLOW,
    SIP_H_EVENT,
    SIP_H_ROUTE,
    SIP_H_ACCEPT,
    SIP_H_MIN_SE,
    SIP_H_REASON,
    SIP_H_SERVER,
    SIP_H_CALL_ID,
    SIP_H_CONTACT,
    SIP_H_EXPIRES,
    SIP_H_PRIVACY,
    SIP_H_REQUIRE,
    SIP_H_SUBJECT,
    SIP_H_WARNING,
    SIP_H_IDENTITY,
    SIP_H_PRIORITY,
    SIP_H_REFER_TO,
    SIP_H_REPLACES,
    SIP_H_REPLY_TO,
    SIP_H_SIP_ETAG,
    SIP_H_CALL_INFO,
    SIP_H_DIVERSION,
    SIP_H_SUPPORTED,
    SIP_H_TIMESTAMP,
    SIP_H_ALERT_INFO,
    SIP_H_ERROR_INFO,
    SIP_H_USER_AGENT,
    SIP_H_IN_REPLY_TO,
    SIP_H_MIN_EXPIRES,
    SIP_H_REFERRED_BY,
    SIP_H_RETRY_AFTER,
    SIP_H_UNSUPPORTED,
    SIP_H_ALLOW_EVENTS,
    SIP_H_CONTENT_TYPE,
    SIP_H_HISTORY_INFO,
    SIP_H_MIME_VERSION,
    SIP_H_MAX_FORWARDS,
    SIP_H_ORGANIZATION,
    SIP_H_RECORD_ROUTE,
    SIP_H_SIP_IF_MATCH,
    SIP_H_AUTHORIZATION,
    SIP_H_PROXY_REQUIRE,
    SIP_H_SERVICE_ROUTE,
    SIP_H_CONTENT_LENGTH,
    SIP_H_ACCEPT_ENCODING,
    SIP_H_ACCEPT_LANGUAGE,
    SIP_H_REMOTE_PARTY_ID,
    SIP_H_SESSION_EXPIRES,
    SIP_H_CONTENT_ENCODING,
    SIP_H_CONTENT_LANGUAGE,
    SIP_H_WWW_AUTHENTICATE,
    SIP_H_PROXY_AUTHENTICATE,
    SIP_H_SUBSCRIPTION_STATE,
    SIP_H_AUTHENTICATION_INFO,
    SIP_H_CONTENT_DISPOSITION,
    SIP_H_P_ASSERTED_IDENTITY,
    SIP_H_PROXY_AUTHORIZATION,
    SIP_H_P_PREFERRED_IDENTITY,
};

static const uint8_t by_length[HDR_NAME_MAX + 2] = {0,  0,  0,  1,  2,  8,  11, 15, 22, 28, 32,
                                                    35, 40, 48, 51, 52, 56, 59, 59, 61, 65, 66};

static const uint8_t hdr_compact[26] = {
    ['b' - 'a'] = SIP_H_REFERRED_BY,
    ['c' - 'a'] = SIP_H_CONTENT_TYPE,
    ['e' - 'a'] = SIP_H_CONTENT_ENCODING,
    ['f' - 'a'] = SIP_H_FROM,
    ['i' - 'a'] = SIP_H_CALL_ID,
    ['k' - 'a'] = SIP_H_SUPPORTED,
    ['l' - 'a'] = SIP_H_CONTENT_LENGTH,
    ['m' - 'a'] = SIP_H_CONTACT,
    ['o' - 'a'] = SIP_H_EVENT,
    ['r' - 'a'] = SIP_H_REFER_TO,
    ['s' - 'a'] = SIP_H_SUBJECT,
    ['t' - 'a'] = SIP_H_TO,
    ['u' - 'a'] = SIP_H_ALLOW_EVENTS,
    ['v' - 'a'] = SIP_H_VIA,
    ['x' - 'a'] = SIP_H_SESSION_EXPIRES,
    ['y' - 'a'] = SIP_H_IDENTITY,
};

/* Letters and '-' only stand in known names, so setting bit 5 folds case; the one false friend of
 * '-' is CR, which no header line holds. */
static inline uint64_t fold8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v | 0x2020202020202020u;
}

static inline uint32_t fold4(const char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v | 0x20202020u;
}

/* len is the length of both; loads overlap rather than run past the end. */
static inline bool same_name(const char *a, const char *b, uint32_t len)
{
    if (len >= 8) {
        if (fold8(a) != fold8(b) || fold8(a + len - 8) != fold8(b + len - 8))
            return false;
        return len <= 16 || fold8(a + 8) == fold8(b + 8);
    }
    if (len >= 4)
        return fold4(a) == fold4(b) && fold4(a + len - 4) == fold4(b + len - 4);
    for (uint32_t i = 0; i < len; i++)
        if ((a[i] | 0x20) != (b[i] | 0x20))
            return false;
    return true;
}
_Static_assert(HDR_NAME_MAX <= 24, "same_name compares three words");

enum sip_hdr sip_hdr_find(struct slice s)
{
    if (s.len == 1) {
        unsigned letter = (unsigned)((unsigned char)s.p[0] | 0x20) - 'a';
        bool is_letter = ((unsigned char)s.p[0] | 0x20) >= 'a' && letter < 26;
        return is_letter ? (enum sip_hdr)hdr_compact[letter] : SIP_H_OTHER;
    }
    if (s.len > HDR_NAME_MAX)
        return SIP_H_OTHER;
    for (unsigned i = by_length[s.len]; i < by_length[s.len + 1]; i++) {
        const char *name = hdr_names[hdr_sorted[i]].p;
        /* Names of one length seldom begin alike: most candidates end here. */
        if (((s.p[0] ^ name[0]) & ~0x20) == 0 && same_name(s.p, name, s.len))
            return (enum sip_hdr)hdr_sorted[i];
    }
    return SIP_H_OTHER;
}

struct slice sip_hdr_name(enum sip_hdr id)
{
    return (unsigned)id < SIP_H_COUNT ? hdr_names[id] : SLICE_NONE;
}

static const struct {
    struct slice name;
    uint32_t bit;
} options[] = {
    {{"100rel", 6}, SIP_OPT_100REL},       {{"timer", 5}, SIP_OPT_TIMER},
    {{"replaces", 8}, SIP_OPT_REPLACES},   {{"norefersub", 10}, SIP_OPT_NOREFERSUB},
    {{"path", 4}, SIP_OPT_PATH},           {{"outbound", 8}, SIP_OPT_OUTBOUND},
    {{"gruu", 4}, SIP_OPT_GRUU},           {{"precondition", 12}, SIP_OPT_PRECONDITION},
    {{"histinfo", 8}, SIP_OPT_HISTINFO},   {{"tdialog", 7}, SIP_OPT_TDIALOG},
    {{"eventlist", 9}, SIP_OPT_EVENTLIST}, {{"from-change", 11}, SIP_OPT_FROM_CHANGE},
    {{"sec-agree", 9}, SIP_OPT_SEC_AGREE},
};

uint32_t sip_option_find(struct slice tag)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (slice_ieq(tag, options[i].name))
            return options[i].bit;
    return SIP_OPT_OTHER;
}

static const struct {
    uint16_t code;
    struct slice phrase;
} phrases[] = {
    {100, {"Trying", 6}},
    {180, {"Ringing", 7}},
    {181, {"Call Is Being Forwarded", 23}},
    {182, {"Queued", 6}},
    {183, {"Session Progress", 16}},
    {199, {"Early Dialog Terminated", 23}},
    {200, {"OK", 2}},
    {202, {"Accepted", 8}},
    {204, {"No Notification", 15}},
    {300, {"Multiple Choices", 16}},
    {301, {"Moved Permanently", 17}},
    {302, {"Moved Temporarily", 17}},
    {305, {"Use Proxy", 9}},
    {380, {"Alternative Service", 19}},
    {400, {"Bad Request", 11}},
    {401, {"Unauthorized", 12}},
    {402, {"Payment Required", 16}},
    {403, {"Forbidden", 9}},
    {404, {"Not Found", 9}},
    {405, {"Method Not Allowed", 18}},
    {406, {"Not Acceptable", 14}},
    {407, {"Proxy Authentication Required", 29}},
    {408, {"Request Timeout", 15}},
    {410, {"Gone", 4}},
    {412, {"Conditional Request Failed", 26}},
    {413, {"Request Entity Too Large", 24}},
    {414, {"Request-URI Too Long", 20}},
    {415, {"Unsupported Media Type", 22}},
    {416, {"Unsupported URI Scheme", 22}},
    {417, {"Unknown Resource-Priority", 25}},
    {420, {"Bad Extension", 13}},
    {421, {"Extension Required", 18}},
    {422, {"Session Interval Too Small", 26}},
    {423, {"Interval Too Brief", 18}},
    {424, {"Bad Location Information", 24}},
    {428, {"Use Identity Header", 19}},
    {429, {"Provide Referrer Identity", 25}},
    {430, {"Flow Failed", 11}},
    {433, {"Anonymity Disallowed", 20}},
    {436, {"Bad Identity-Info", 17}},
    {437, {"Unsupported Certificate", 23}},
    {438, {"Invalid Identity Header", 23}},
    {439, {"First Hop Lacks Outbound Support", 32}},
    {440, {"Max-Breadth Exceeded", 20}},
    {469, {"Bad Info Package", 16}},
    {470, {"Consent Needed", 14}},
    {480, {"Temporarily Unavailable", 23}},
    {481, {"Call/Transaction Does Not Exist", 31}},
    {482, {"Loop Detected", 13}},
    {483, {"Too Many Hops", 13}},
    {484, {"Address Incomplete", 18}},
    {485, {"Ambiguous", 9}},
    {486, {"Busy Here", 9}},
    {487, {"Request Terminated", 18}},
    {488, {"Not Acceptable Here", 19}},
    {489, {"Bad Event", 9}},
    {491, {"Request Pending", 15}},
    {493, {"Undecipherable", 14}},
    {494, {"Security Agreement Required", 27}},
    {500, {"Server Internal Error", 21}},
    {501, {"Not Implemented", 15}},
    {502, {"Bad Gateway", 11}},
    {503, {"Service Unavailable", 19}},
    {504, {"Server Time-out", 15}},
    {505, {"Version Not Supported", 21}},
    {513, {"Message Too Large", 17}},
    {580, {"Precondition Failure", 20}},
    {600, {"Busy Everywhere", 15}},
    {603, {"Decline", 7}},
    {604, {"Does Not Exist Anywhere", 23}},
    {606, {"Not Acceptable", 14}},
    {607, {"Unwanted", 8}},
    {608, {"Rejected", 8}},
};

struct slice sip_status_phrase(unsigned status)
{
    size_t lo = 0, hi = sizeof(phrases) / sizeof(phrases[0]);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (phrases[mid].code == status)
            return phrases[mid].phrase;
        if (phrases[mid].code < status)
            lo = mid + 1;
        else
            hi = mid;
    }
    switch (status / 100) {
    case 1:
        return SLICE("Progress");
    case 2:
        return SLICE("OK");
    case 3:
        return SLICE("Redirection");
    case 4:
        return SLICE("Request Failure");
    case 5:
        return SLICE("Server Failure");
    case 6:
        return SLICE("Global Failure");
    default:
        return SLICE("Unknown");
    }
}

static const struct slice transports[] = {
    [SIP_TRANSPORT_OTHER] = {"", 0}, [SIP_UDP] = {"UDP", 3}, [SIP_TCP] = {"TCP", 3},
    [SIP_TLS] = {"TLS", 3},          [SIP_WS] = {"WS", 2},   [SIP_WSS] = {"WSS", 3},
};

enum sip_transport sip_transport_find(struct slice name)
{
    for (unsigned t = SIP_UDP; t <= SIP_WSS; t++)
        if (name.len == transports[t].len && same_name(name.p, transports[t].p, name.len))
            return (enum sip_transport)t;
    return SIP_TRANSPORT_OTHER;
}

struct slice sip_transport_name(enum sip_transport t)
{
    return (unsigned)t <= SIP_WSS ? transports[t] : SLICE_NONE;
}
