/* The other transform: libsrtp2 behind the same functions, for who wants a second implementation
 * more than speed (with thousands of streams Debian's build takes 30 to 100 times as long as ours).
 * One srtp_t a key, any SSRC. Unlike ours it allocates when it meets an SSRC, and it takes an MKI
 * of up to four bytes. Without the library at build time there is none: ERR_UNSUPPORTED. */
#include "media/srtp.h"
#include "media/srtp_inner.h"

#ifdef PEAL_HAVE_SRTP

#include <pthread.h>
#include <srtp2/srtp.h>
#include <string.h>

#include "media/srtp_crypto.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool usable;

static void init(void)
{
    usable = srtp_init() == srtp_err_status_ok;
}

static const srtp_profile_t profiles[SRTP_SUITES] = {
    [SRTP_AES_CM_128_HMAC_SHA1_80] = srtp_profile_aes128_cm_sha1_80,
    [SRTP_AES_CM_128_HMAC_SHA1_32] = srtp_profile_aes128_cm_sha1_32,
    [SRTP_AEAD_AES_128_GCM] = srtp_profile_aead_aes_128_gcm,
    [SRTP_AEAD_AES_256_GCM] = srtp_profile_aead_aes_256_gcm,
};

struct srtp_lib {
    srtp_t in, out; /* of one direction only one is used; which, srtp_begin does not know */
};

static bool make(srtp_t *to, const struct srtp_key *key, srtp_ssrc_type_t direction)
{
    const struct srtp_suite_info *info = &srtp_suite_info[key->suite];
    uint8_t master[SRTP_KEY_MAX + SRTP_SALT_MAX], mki[SRTP_MKI_SENT_MAX];
    srtp_master_key_t one = {.key = master, .mki_id = mki, .mki_size = key->mki_bytes};
    srtp_master_key_t *keys[1] = {&one};
    srtp_policy_t policy;

    memset(&policy, 0, sizeof(policy));
    srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profiles[key->suite]);
    srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profiles[key->suite]);
    memcpy(master, key->key, info->key_bytes);
    memcpy(master + info->key_bytes, key->salt, info->salt_bytes);
    memcpy(mki, key->mki, sizeof(mki));
    policy.ssrc.type = direction;
    policy.window_size = SRTP_WINDOW;
    if (key->mki_bytes) {
        policy.keys = keys;
        policy.num_master_keys = 1;
    } else {
        policy.key = master;
    }
    bool ok = srtp_create(to, &policy) == srtp_err_status_ok;

    OPENSSL_cleanse(master, sizeof(master));
    return ok;
}

enum err srtp_lib_begin(struct srtp *s, const struct srtp_key *key)
{
    pthread_once(&once, init);
    if (!usable || key->mki_bytes > SRTP_MKI_SENT_MAX)
        return ERR_UNSUPPORTED;
    s->lib = OPENSSL_zalloc(sizeof(*s->lib));
    if (!s->lib)
        return ERR_NOMEM;
    if (make(&s->lib->in, key, ssrc_any_inbound) && make(&s->lib->out, key, ssrc_any_outbound))
        return OK;
    srtp_lib_end(s);
    return ERR_NOMEM;
}

void srtp_lib_end(struct srtp *s)
{
    if (s->lib && s->lib->in)
        srtp_dealloc(s->lib->in);
    if (s->lib && s->lib->out)
        srtp_dealloc(s->lib->out);
    OPENSSL_free(s->lib);
    s->lib = NULL;
}

static enum srtp_verdict verdict(srtp_err_status_t status)
{
    switch (status) {
    case srtp_err_status_ok:
        return SRTP_GOOD;
    case srtp_err_status_replay_fail:
        return SRTP_REPLAYED;
    case srtp_err_status_replay_old:
        return SRTP_OLD;
    case srtp_err_status_key_expired:
        return SRTP_WORN;
    case srtp_err_status_auth_fail:
    case srtp_err_status_bad_mki:
        return SRTP_FORGED;
    case srtp_err_status_alloc_fail:
        return SRTP_CROWDED;
    default:
        return SRTP_MALFORMED;
    }
}

/* libsrtp2 may leave a packet half done when it refuses it; ours never does. The copy keeps the
 * promise, and its alignment what the library wants. */
struct work {
    _Alignas(8) uint8_t p[SRTP_LIB_PACKET_MAX + SRTCP_TRAILER_MAX];
    int len;
};

static bool take(struct work *w, const uint8_t *p, uint32_t len)
{
    if (len > SRTP_LIB_PACKET_MAX)
        return false;
    memcpy(w->p, p, len);
    w->len = (int)len;
    return true;
}

static enum srtp_verdict give(const struct work *w, srtp_err_status_t status, uint8_t *p,
                              uint32_t *len)
{
    if (status == srtp_err_status_ok) {
        memcpy(p, w->p, (size_t)w->len);
        *len = (uint32_t)w->len;
    }
    return verdict(status);
}

enum srtp_verdict srtp_lib_seal(struct srtp *s, uint8_t *p, uint32_t *len, bool rtcp)
{
    struct work w;

    if (!take(&w, p, *len))
        return SRTP_MALFORMED;
    srtp_err_status_t status =
        rtcp ? srtp_protect_rtcp_mki(s->lib->out, w.p, &w.len, s->mki_bytes > 0, 0)
             : srtp_protect_mki(s->lib->out, w.p, &w.len, s->mki_bytes > 0, 0);

    return give(&w, status, p, len);
}

enum srtp_verdict srtp_lib_unseal(struct srtp *s, uint8_t *p, uint32_t *len, bool rtcp)
{
    struct work w;

    if (!take(&w, p, *len))
        return SRTP_MALFORMED;
    srtp_err_status_t status =
        rtcp ? srtp_unprotect_rtcp_mki(s->lib->in, w.p, &w.len, s->mki_bytes > 0)
             : srtp_unprotect_mki(s->lib->in, w.p, &w.len, s->mki_bytes > 0);

    return give(&w, status, p, len);
}

bool srtp_lib_is_there(void)
{
    return true;
}

#else

enum err srtp_lib_begin(struct srtp *s, const struct srtp_key *key)
{
    (void)s, (void)key;
    return ERR_UNSUPPORTED;
}

void srtp_lib_end(struct srtp *s)
{
    (void)s;
}

enum srtp_verdict srtp_lib_seal(struct srtp *s, uint8_t *p, uint32_t *len, bool rtcp)
{
    (void)s, (void)p, (void)len, (void)rtcp;
    return SRTP_MALFORMED;
}

enum srtp_verdict srtp_lib_unseal(struct srtp *s, uint8_t *p, uint32_t *len, bool rtcp)
{
    (void)s, (void)p, (void)len, (void)rtcp;
    return SRTP_MALFORMED;
}

bool srtp_lib_is_there(void)
{
    return false;
}

#endif
