/* A leg's keys on the control thread: made here, sent to the worker, and freed here when the worker
 * gives them back or the leg ends. */
#include "media/leg.h"

#include <string.h>

#include "media/control.h"
#include "media/srtp_crypto.h"

static bool same_key(const struct srtp_key *a, const struct srtp_key *b)
{
    const struct srtp_suite_info *info = &srtp_suite_info[b->suite];

    return a->suite == b->suite && a->mki_bytes == b->mki_bytes &&
           memcmp(a->mki, b->mki, sizeof(a->mki)) == 0 &&
           CRYPTO_memcmp(a->key, b->key, info->key_bytes) == 0 &&
           CRYPTO_memcmp(a->salt, b->salt, info->salt_bytes) == 0;
}

static void free_key(struct media_leg *l, struct secure *key)
{
    if (!key)
        return;
    srtp_end(&key->srtp);
    list_remove(&key->node);
    pool_put(&l->media->keys, key);
    l->keys_alive--;
}

void media_leg_key_back(struct media_leg *l, struct secure *key)
{
    free_key(l, key);
}

void media_leg_keys_free(struct media_leg *l)
{
    list_each(n, next, &l->keys) free_key(l, container_of(n, struct secure, node));
    OPENSSL_cleanse(&l->key_out, sizeof(l->key_out));
    OPENSSL_cleanse(&l->key_in, sizeof(l->key_in));
}

static enum err make_key(struct media_leg *l, const struct srtp_key *key, struct secure **made)
{
    struct secure *k = l->keys_alive < SECURE_MAX ? pool_get(&l->media->keys) : NULL;

    if (!k)
        return ERR_FULL;
    struct srtp_key by = *key;

    by.by = l->media->srtp_by;
    enum err err = srtp_begin(&k->srtp, &by);

    OPENSSL_cleanse(&by, sizeof(by));
    secure_lifetime(k, key->lifetime);
    list_push_back(&l->keys, &k->node);
    l->keys_alive++;
    if (err)
        free_key(l, k);
    else
        *made = k;
    return err;
}

/* Only what is not the same as before is made. */
static enum err make_changed(struct media_leg *l, const struct srtp_key *out,
                             const struct srtp_key *in, struct command *c)
{
    enum err err = OK;

    if (!l->secure || !same_key(out, &l->key_out))
        err = make_key(l, out, &c->keys.out);
    if (!err && (!l->secure || !same_key(in, &l->key_in)))
        err = make_key(l, in, &c->keys.in);
    return err;
}

enum err media_leg_set_keys(struct media_leg *l, const struct srtp_key *out,
                            const struct srtp_key *in)
{
    struct command c = {.kind = COMMAND_KEYS};
    bool on = out != NULL;
    enum err err = OK;

    if (l->closing)
        return ERR_STATE;
    if (!out != !in)
        return ERR_INVALID;
    c.keys.out = c.keys.in = NULL;
    c.keys.on = on;
    if (on)
        err = make_changed(l, out, in, &c);
    if (!err && (on ? c.keys.out || c.keys.in : l->secure))
        err = media_post(l, &c);
    if (err) {
        free_key(l, c.keys.out);
        free_key(l, c.keys.in);
        return err;
    }
    l->secure = on;
    if (on) {
        l->key_out = *out;
        l->key_in = *in;
    }
    return OK;
}

bool media_leg_is_secure(const struct media_leg *l)
{
    return l->secure;
}
