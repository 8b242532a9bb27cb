/* Session timers (RFC 4028): one side refreshes the session at half its interval, and either side
 * ends it when no refresh comes. We speak it always, ask for it when told to, and refresh by UPDATE
 * where the far side allows that, by re-INVITE with our last description otherwise. */
#include "sip/core.h"

#define BUSY_AGAIN_MS 1000 /* an offer is open just now */

static void write_expires(struct sip_session *s, struct buf *b, const char *refresher)
{
    buf_puts(b, "Session-Expires: ");
    buf_u64(b, s->expires_s);
    if (refresher) {
        buf_puts(b, ";refresher=");
        buf_puts(b, refresher);
    }
    buf_puts(b, "\r\n");
}

void sip_refresh_write_request(struct sip_session *s, struct buf *b)
{
    bool first = s->phase == SIP_PHASE_INVITING;

    /* In the first INVITE the far side is left the choice. */
    write_expires(s, b, first ? NULL : s->we_refresh ? "uac" : "uas");
    buf_puts(b, "Min-SE: ");
    buf_u64(b, s->min_se_s > SIP_MIN_SE_S ? s->min_se_s : SIP_MIN_SE_S);
    buf_puts(b, "\r\n");
}

void sip_refresh_write_response(struct sip_session *s, struct buf *b)
{
    if (!s->expires_s)
        return;
    if (!s->we_refresh)
        buf_puts(b, "Require: timer\r\n");
    write_expires(s, b, s->we_refresh ? "uas" : "uac");
}

bool sip_refresh_too_short(const struct sip_msg *m)
{
    struct sip_session_expires se;

    return sip_has(m, SIP_H_SESSION_EXPIRES) && sip_get_session_expires(m, &se) == OK &&
           se.seconds < SIP_MIN_SE_S;
}

/* Table 2 of RFC 4028: the requester's word, else the side that knows the extension, else they. */
void sip_refresh_from_request(struct sip_session *s, const struct sip_msg *m)
{
    struct sip_session_expires se;
    bool peer_can = sip_get_options(m, SIP_H_SUPPORTED) & SIP_OPT_TIMER;

    if (sip_get_session_expires(m, &se) != OK)
        return;
    s->expires_s = se.seconds;
    s->we_refresh = !peer_can || se.refresher == SIP_REFRESHER_UAS;
}

void sip_refresh_from_2xx(struct sip_session *s, const struct sip_msg *m, bool asked)
{
    struct sip_session_expires se;

    if (sip_get_session_expires(m, &se) == OK && se.seconds) {
        s->expires_s = se.seconds;
        s->we_refresh = se.refresher != SIP_REFRESHER_UAS;
    } else if (asked) {
        s->we_refresh = true; /* the far side does not know the extension: it is all on us */
    }
}

static void on_expired(struct timer *t)
{
    struct sip_session *s = container_of(t, struct sip_session, refresh);

    if (s->phase != SIP_PHASE_UP)
        return;
    s->ua->stats.timeouts++;
    sip_session_break(s, 408, SIP_BY_NETWORK);
}

static uint64_t margin_ms(const struct sip_session *s)
{
    uint32_t third = s->expires_s / 3;

    return 1000 * (uint64_t)(third < 32 ? third : 32);
}

static void on_due(struct timer *t)
{
    struct sip_session *s = container_of(t, struct sip_session, refresh);

    if (s->phase != SIP_PHASE_UP)
        return;
    if (sip_refresh_send(s) != OK) {
        timer_start(s->ua->wheel, &s->refresh, BUSY_AGAIN_MS, on_due);
        return;
    }
    /* A success starts the interval anew; without one this is the end. */
    timer_start(s->ua->wheel, &s->refresh, 500 * (uint64_t)s->expires_s - margin_ms(s), on_expired);
}

void sip_refresh_start(struct sip_session *s)
{
    if (!s->expires_s)
        return;
    if (s->we_refresh)
        timer_start(s->ua->wheel, &s->refresh, 500 * (uint64_t)s->expires_s, on_due);
    else
        timer_start(s->ua->wheel, &s->refresh, 1000 * (uint64_t)s->expires_s - margin_ms(s),
                    on_expired);
}
