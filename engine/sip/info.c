/* INFO within a call (RFC 6086 2, RFC 2976): keys, as older gateways send them
 * (application/dtmf-relay with "Signal=5", application/dtmf with the key alone). An INFO without a
 * body is a sign of life. Anything else is refused with 415. */
#include "sip/core.h"

#define ACCEPTED "Accept: application/dtmf-relay, application/dtmf\r\n"

/* Some name the last two keys by their event numbers (RFC 4733 table 3). 0: no key. */
static char key_of(struct slice text)
{
    uint32_t number;

    if (slice_ieq(text, SLICE("10")))
        return '*';
    if (slice_ieq(text, SLICE("11")))
        return '#';
    if (text.len == 2 && slice_u32(text, &number) == OK && number >= 12 && number <= 15)
        return (char)('A' + number - 12);
    if (text.len != 1)
        return 0;
    if ((text.p[0] >= '0' && text.p[0] <= '9') || text.p[0] == '*' || text.p[0] == '#')
        return text.p[0];
    if ((text.p[0] | 0x20) >= 'a' && (text.p[0] | 0x20) <= 'd')
        return (char)(text.p[0] & ~0x20);
    return 0;
}

/* "Signal=5", among other lines, with blanks about the sign. */
static char relayed_key(struct slice body)
{
    while (body.len) {
        struct slice line, name, value;

        slice_cut(body, '\n', &line, &body);
        if (slice_cut(line, '=', &name, &value) && slice_ieq(slice_trim(name), SLICE("Signal")))
            return key_of(slice_trim(value));
    }
    return 0;
}

void sip_info_received(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m)
{
    struct sip_event e = {.kind = SIP_EV_DIGIT, .msg = m};
    struct slice type = sip_get(m, SIP_H_CONTENT_TYPE);
    bool relay = sip_content_is(type, SLICE("application/dtmf-relay"));

    if (!m->body.len) {
        sip_server_plain(tx, m, 200, SLICE_NONE);
        return;
    }
    if (!relay && !sip_content_is(type, SLICE("application/dtmf"))) {
        s->ua->stats.handled_elsewhere++;
        sip_session_reply(s->ua, tx, m, 415, SLICE(ACCEPTED));
        return;
    }
    e.digit = relay ? relayed_key(m->body) : key_of(slice_trim(m->body));
    sip_server_plain(tx, m, e.digit ? 200 : 400, SLICE_NONE);
    if (e.digit && s->phase < SIP_PHASE_ENDING)
        sip_session_tell(s, &e);
}
