/* Keys from a session description to the leg (SDES, RFC 4568). Another way to agree on keys would
 * stand beside this one and end in the same media_leg_set_keys. */
#include "call/internal.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"

/* The same suites by other numbers: sip/ and media/ do not know each other. */
static struct srtp_key key_of(const struct sdes_key *from)
{
    struct srtp_key key = {.mki_bytes = from->mki_bytes, .lifetime = from->lifetime};
    uint32_t bytes = sdes_key_bytes(from->suite);
    bool known = srtp_suite_find(sdes_suite_name(from->suite), &key.suite);

    assert(known && bytes == srtp_suite_info[key.suite].key_bytes &&
           sdes_bytes(from->suite) - bytes == srtp_suite_info[key.suite].salt_bytes);
    (void)known;
    for (uint32_t i = 0; i < SRTP_MKI_SENT_MAX && i < key.mki_bytes; i++)
        key.mki[key.mki_bytes <= SRTP_MKI_SENT_MAX ? key.mki_bytes - 1 - i
                                                   : SRTP_MKI_SENT_MAX - 1 - i] =
            (uint8_t)(from->mki >> (8 * i));
    memcpy(key.key, from->bytes, bytes);
    memcpy(key.salt, from->bytes + bytes, sdes_bytes(from->suite) - bytes);
    return key;
}

/* ---- keys in clear (RFC 4568 section 7) ---- */

enum call_srtp call_srtp_here(struct call *c, enum call_srtp wanted)
{
    if (!c->clear || !c->env->refuses_clear_keys || wanted == CALL_SRTP_OFF)
        return wanted;
    /* Whoever requires them is refused, not heard in clear. */
    c->keys_refused = wanted == CALL_SRTP_REQUIRED;
    return c->keys_refused ? wanted : CALL_SRTP_OFF;
}

static const struct addr *peer_of(const struct call *c)
{
    return &sip_session_peer(c->session)->addr;
}

static bool told_before(struct call_env *env, const struct addr *peer)
{
    for (uint32_t i = 0; i < CLEAR_PEERS_MAX && i < env->clear_peers; i++)
        if (addr_eq_host(&env->clear_peer[i], peer))
            return true;
    env->clear_peer[env->clear_peers++ % CLEAR_PEERS_MAX] = *peer;
    return false;
}

static void note_clear(struct call *c)
{
    char text[ADDR_TEXT_MAX];

    c->env->stats.clear_keys++;
    if (c->session && !told_before(c->env, peer_of(c)))
        log_warn(
            "call",
            "keys of SRTP go in clear to and from a peer: whoever reads the signalling can hear "
            "the calls; TLS hides them, `clear_keys: refused` forbids them",
            "peer=%s", addr_format_host(peer_of(c), text, sizeof(text)));
}

void call_note_refused_keys(struct call *c)
{
    char text[ADDR_TEXT_MAX];

    c->env->stats.clear_keys_refused++;
    if (c->session && !told_before(c->env, peer_of(c)))
        log_warn("call",
                 "a call is refused: its audio must be encrypted, and its keys would go in clear "
                 "(no TLS)",
                 "peer=%s", addr_format_host(peer_of(c), text, sizeof(text)));
}

/* ---- other keys in the middle of a call ---- */

void call_rekey(struct call *c)
{
    struct sdp_session was = c->sdp;
    char text[SDP_TEXT_MAX];
    struct buf b = buf_on(text, sizeof(text));

    if (!c->session || c->state != CALL_STATE_UP || !media_leg_is_secure(c->leg))
        return;
    sdp_session_rekey(&c->sdp);
    enum err e = sdp_write_offer(&c->sdp, &b);

    if (e == OK)
        e = sip_session_offer(c->session, buf_slice(&b));
    if (e == OK)
        c->env->stats.rekeyed++;
    else
        c->sdp = was; /* another offer is open: next time */
    explicit_bzero(&was, sizeof(was));
    explicit_bzero(text, sizeof(text));
}

static void on_rekey(struct timer *t)
{
    struct call *c = container_of(t, struct call, rekey_timer);

    loop_timer(c->env->loop, t, c->env->rekey_ms, on_rekey);
    call_rekey(c);
}

void call_rekey_start(struct call *c)
{
    if (c->env->rekey_ms && !timer_running(&c->rekey_timer))
        loop_timer(c->env->loop, &c->rekey_timer, c->env->rekey_ms, on_rekey);
}

enum err call_secure_leg(struct call *c, const struct sdp_negotiated *n)
{
    if (!n->secure) {
        c->record.media.srtp[0] = '\0';
        return media_leg_set_keys(c->leg, NULL, NULL);
    }
    struct srtp_key out = key_of(&n->ours), in = key_of(&n->theirs);
    bool first = !media_leg_is_secure(c->leg);
    enum err e = media_leg_set_keys(c->leg, &out, &in);

    explicit_bzero(&out, sizeof(out));
    explicit_bzero(&in, sizeof(in));
    if (e == OK && c->clear && first)
        note_clear(c);
    if (e == OK)
        call_rekey_start(c);
    if (e == OK)
        slice_copy(sdes_suite_name(n->ours.suite), c->record.media.srtp,
                   sizeof(c->record.media.srtp));
    else
        log_warn("call", "the keys of a call could not be given to its leg", "call_id=%s error=%s",
                 c->record.call_id, err_name(e));
    return e;
}
