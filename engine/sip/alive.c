/* Signs of life within a call: an OPTIONS every so often, whose answer keeps a NAT's way open from
 * the far side's end (RFC 4787 4.3: only what leaves must refresh it) and tells whether it is still
 * there. Silence, or a far side that does not know the call, ends it (RFC 5057 5.1): but not silence
 * where it has been before it moved (nat.c), for which another is sent to where it is now. */
#include "sip/core.h"

static void on_time(struct timer *t);

static void again(struct sip_session *s)
{
    uint32_t fifth = s->alive_ms / 5; /* as RFC 5626 4.4.1: 80 % to 100 % of it */

    timer_start(s->ua->wheel, &s->alive, s->alive_ms - rng_below(&s->ua->rng, fifth + 1), on_time);
}

static bool moved_away(struct sip_session *s, const struct sip_tx *tx)
{
    struct sip_path now = sip_dialog_path(s->chosen);

    return !addr_eq(&now.addr, &tx->path.addr);
}

static void on_answer(struct sip_tx *tx, uint16_t status, const struct sip_msg *m)
{
    struct sip_session *s = tx->arg;

    if (status < 200 || moved_away(s, tx))
        return;
    s->alive_waits = false;
    if (s->phase != SIP_PHASE_UP || (status != 408 && status != 481 && (status != 503 || m)))
        return;
    s->ua->stats.timeouts += status == 408;
    sip_session_break(s, status == 481 ? 481 : 408, SIP_BY_NETWORK);
}

static void send_options(struct sip_session *s)
{
    struct sip_dialog *d = s->chosen;
    struct buf b = buf_on(s->ua->out, sizeof s->ua->out);
    struct sip_path path = sip_dialog_path(d);
    char branch[SIP_BRANCH_LEN];
    enum err why;

    sip_new_branch(s->ua, branch);
    sip_dialog_write(d, &b, SIP_OPTIONS, ++d->local_cseq, branch, &path);
    sip_write_header(&b, SIP_H_ACCEPT, SLICE("application/sdp"));
    sip_write_end(&b);
    s->alive_waits = sip_session_send(s, SIP_OPTIONS, branch, &path, &b, on_answer, &why) != NULL;
    s->ua->stats.keep_alives += s->alive_waits;
}

static void on_time(struct timer *t)
{
    struct sip_session *s = container_of(t, struct sip_session, alive);

    if (s->phase == SIP_PHASE_UP && !s->alive_waits)
        send_options(s);
    again(s);
}

void sip_alive_start(struct sip_session *s, uint32_t interval_ms)
{
    s->alive_ms = interval_ms;
    if (interval_ms)
        again(s);
}
